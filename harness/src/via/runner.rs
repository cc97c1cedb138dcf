//! Runs cases through an engine, however it is asked.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ocidiff_engines::remote::CallError;
use ocidiff_model::event::Participant;
use ocidiff_model::known::Machine;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Case, Record};
use serde_json::Value;
use tokio::time::sleep;

use crate::bundle::Bundle;
use crate::cells::participants::Contender;
use crate::corpus::Entry;
use crate::judge::compare::is_comparable;
use crate::judge::confirm::{Launch, config_of};
use crate::judge::failing;
use crate::judge::finished::{Finished, broken};
use crate::run::runner::CaseRunner;
use crate::via::clean::Patience;
use crate::via::container::Launcher;
use crate::via::ground::Ground;
use crate::via::makes::{Ask, Makes};
use crate::via::refusals::{Whose, whose};
use crate::via::{clean, faithful, image, inexpressible, narrow, seen};

/// How long a case that is under way may take to end once the run is asked to end.
const GRACE: Duration = Duration::from_secs(1);

/// Runs cases through an engine.
#[derive(Debug)]
pub struct EngineRunner<M> {
    launcher: Launcher<M>,
    /// The runtimes, the reference first, each with the engine's name for it.
    contenders: Vec<(Contender, String)>,
    ground: Ground,
    images: image::Images,
}

/// One case under way: what is asked for.
struct Asked<'a, M: Makes> {
    runner: &'a EngineRunner<M>,
    /// The case's config.
    config: &'a Value,
    image: &'a str,
    body: &'a M::Body,
    /// The config.json that the engine wrote.
    written: Mutex<Option<Value>>,
}

impl<M: Makes> EngineRunner<M> {
    /// Runs cases under these runtimes of the engine.
    #[must_use]
    pub fn new(maker: M, contenders: Vec<(Contender, String)>, ground: Ground) -> Self {
        Self {
            launcher: Launcher::new(maker, ground.session.layout.clone(), ground.stop.clone()),
            contenders,
            ground,
            images: image::Images::default(),
        }
    }

    /// This many containers have already been asked for that the engine may still make.
    pub fn expect(&self, unanswered: usize) {
        self.launcher.unanswered.fetch_add(unanswered, Ordering::Relaxed);
    }

    /// Runs a case through the engine under every runtime, and judges what such a run shows.
    async fn run(&self, entry: &Entry) -> Finished {
        let started = Instant::now();
        let case = &entry.case;
        let bundle = match self.ground.builder.build(case, &self.ground.judge.corpus) {
            Ok(bundle) => bundle,
            Err(error) => return broken(case, error.to_string(), started),
        };
        let config: Value = serde_json::from_str(config_of(&bundle)).unwrap_or_default();
        let default = &self.ground.judge.corpus.default_config;
        let body = match self.launcher.maker.translate(case, &config, default) {
            Ok(body) => body,
            Err(why) => return inexpressible(case, &why.to_string()),
        };
        let image = self
            .images
            .of(
                &bundle,
                self.ground.session.folder(),
                &self.launcher.maker,
                self.launcher.maker.stop_signal(&body),
            )
            .await;
        let image = match image {
            Ok(image) => image,
            Err(why) => {
                self.launcher.silence.goes_on(&why);
                return broken(case, why, started);
            }
        };
        match self
            .launcher
            .maker
            .takes(self.launcher.next_name(), &image, &body)
            .await
        {
            Ok(()) => {}
            Err(error @ CallError::Failed(_)) => return broken(case, error.to_string(), started),
            Err(refusal) if whose(&refusal) == Whose::Request => {
                return inexpressible(case, &format!("it says: {refusal}"));
            }
            Err(refusal) => {
                let (_, runtime) = &self.contenders[0];
                self.launcher.suspect(runtime, refusal.words()).await;
                return broken(case, format!("the engine failed: {refusal}"), started);
            }
        }
        let asked = Asked {
            runner: self,
            config: &config,
            image: &image,
            body: &body,
            written: Mutex::default(),
        };
        let finished = self
            .ground
            .judge
            .run(
                &asked,
                &narrow::entry(entry, |path| self.launcher.maker.is_shuffled(path)),
                &bundle,
                started,
            )
            .await;
        if let Some(why) = refused_by_engine(&finished.records) {
            return inexpressible(case, &why);
        }
        // The whole entry says which steps should fail: what is judged has no expectations.
        let comparable: Vec<&Record> = finished
            .records
            .iter()
            .filter(|record| is_comparable(record))
            .collect();
        let found = &finished.report.differences;
        match failing::no_runtime_does(entry, &self.ground.judge.machine, &comparable, found) {
            Some(why) => Finished {
                records: finished.records,
                ..broken(case, why, started)
            },
            None => finished,
        }
    }
}

impl<M: Makes> CaseRunner for EngineRunner<M> {
    fn participants(&self) -> Vec<Participant> {
        self.contenders
            .iter()
            .map(|(contender, _)| contender.participant())
            .collect()
    }

    fn machine(&self) -> &Machine {
        &self.ground.judge.machine
    }

    fn recorder(&self) -> &'static str {
        "none"
    }

    async fn run_case(&self, entry: &Entry, _: Option<&Path>) -> Finished {
        let mut stop = self.ground.stop.clone();
        let late = async {
            // What asks to stop lives as long as the run.
            let _ = stop.wait_for(|stop| *stop).await;
            sleep(GRACE).await;
        };
        tokio::select! {
            finished = self.run(entry) => finished,
            // What it has made is removed at the end.
            () = late => broken(&entry.case, "interrupted".to_owned(), Instant::now()),
        }
    }

    fn given_up(&self) -> (Vec<String>, bool) {
        let Launcher {
            silence, removals, ..
        } = &self.launcher;
        let sentence = silence.sentence().or_else(|| removals.sentence());
        let is_over = sentence.is_some();
        (sentence.into_iter().collect(), is_over)
    }

    async fn close(&self, hurry: bool) -> Result<(), String> {
        let unanswered = self.launcher.unanswered.load(Ordering::Relaxed);
        let patience = match hurry {
            true => Patience::HURRY,
            false => Patience::USUAL,
        };
        let cleaned = clean::own(&self.launcher.maker, unanswered, patience)
            .await
            .map_err(|error| error.to_string())?;
        self.launcher.remove_left();
        if cleaned.failed.is_empty() {
            Ok(())
        } else {
            Err(cleaned.failed.join("\n"))
        }
    }
}

impl<M: Makes> Launch for Asked<'_, M> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let runs = self.runner.contenders.iter().map(|(contender, registered)| {
            let ask = Ask {
                name: self.runner.launcher.next_name(),
                runtime: registered,
                image: self.image,
                body: self.body,
                bundle,
            };
            async move {
                let mut seen = self.runner.launcher.launch(case, contender, ask).await;
                let default = &self.runner.ground.judge.corpus.default_config;
                if let Some(written) = seen.written()
                    && let Some(why) = faithful::changed(self.config, default, &written)
                {
                    seen.refuse(&why);
                }
                (contender, seen)
            }
        });
        let mut all = futures_util::future::join_all(runs).await;
        if let Some(written) = all.iter().find_map(|(_, seen)| seen.written()) {
            *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(written);
        }
        // What was missed under one runtime must not look like a difference.
        if all.iter().any(|(_, seen)| seen.ran && seen.config.is_none()) {
            all.iter_mut().for_each(|(_, seen)| seen.config = None);
        }
        // The same goes for what the engine did to one of them.
        if let Some(why) = all.iter().find_map(|(_, seen)| seen.refusal_of_engine()) {
            all.iter_mut().for_each(|(_, seen)| seen.refuse(&why));
        }
        all.into_iter()
            .map(|(contender, seen)| seen.into_record(case, contender, bundle))
            .collect()
    }

    fn written(&self) -> Option<Value> {
        self.written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The engine's words, if every start was refused by the engine and not by a runtime.
fn refused_by_engine(records: &[Record]) -> Option<String> {
    let mut why = None;
    for record in records {
        match &record.outcome {
            RunOutcome::Unsupported(said) => {
                why = Some(said.strip_prefix(seen::ENGINE)?.to_owned());
            }
            _ => return None,
        }
    }
    why
}
