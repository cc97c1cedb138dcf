//! Cases by Docker's API.
//!
//! | module | what it does |
//! |---|---|
//! | [`translate`] | a case's config as the container that Docker is asked for, or why it cannot be one |
//! | `image` | a rootfs as an image, each once |
//! | `container` | one container under one runtime, from create to remove |
//! | `facts` | what the engine says of it, and the config.json that it wrote |
//! | `faithful` | whether that config.json says what the case wants |
//! | [`clean`] | what a killed run left in the engine |

pub mod clean;
mod container;
mod facts;
mod faithful;
mod image;
pub mod translate;

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use ocidiff_engines::remote::{CallError, Remote};
use ocidiff_model::event::Participant;
use ocidiff_model::known::Machine;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Case, Record};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::bundle::Bundle;
use crate::cells::participants::Contender;
use crate::corpus::Entry;
use crate::judge::compare::is_comparable;
use crate::judge::confirm::{Finished, Launch, broken, config_of};
use crate::judge::failing;
use crate::run::runner::CaseRunner;
use crate::via::ground::Ground;
use crate::via::{inexpressible, narrow};

/// Containers at a time, however many cases are under way.
const MOST: usize = 4;

/// Runs cases through Docker.
#[derive(Debug)]
pub struct DockerRunner {
    /// The engine.
    remote: Remote,
    /// The runtimes, the reference first, and how the engine calls each.
    contenders: Vec<(Contender, String)>,
    ground: Ground,
    images: image::Images,
    places: Semaphore,
    count: AtomicUsize,
}

/// One case under way: what is asked for.
struct Asked<'a> {
    runner: &'a DockerRunner,
    /// The case's config.
    config: &'a Value,
    /// Without runtime.
    body: &'a Value,
}

impl DockerRunner {
    /// Runs cases under these of the engine's runtimes.
    #[must_use]
    pub fn new(remote: Remote, contenders: Vec<(Contender, String)>, ground: Ground) -> Self {
        Self {
            remote,
            contenders,
            ground,
            images: image::Images::default(),
            places: Semaphore::new(MOST),
            count: AtomicUsize::new(0),
        }
    }

    /// Runs a case through the engine under every runtime, and judges what this way shows.
    async fn run(&self, entry: &Entry) -> Finished {
        let started = Instant::now();
        let case = &entry.case;
        let bundle = match self.ground.builder.build(case, &self.ground.judge.corpus) {
            Ok(bundle) => bundle,
            Err(error) => return broken(case, error.to_string(), started),
        };
        let config: Value = serde_json::from_str(config_of(&bundle)).unwrap_or_default();
        let mut body = match translate::body(case, &config, &self.ground.judge.corpus.default_config) {
            Ok(body) => body,
            Err(why) => return inexpressible(case, &why.to_string()),
        };
        match self
            .images
            .of(&bundle, self.ground.session.folder(), &self.remote)
            .await
        {
            Ok(image) => body["Image"] = image.into(),
            Err(why) => return broken(case, why, started),
        }
        match self.takes(&body).await {
            Ok(()) => {}
            Err(CallError::Refused(why)) => return inexpressible(case, &format!("it says: {why}")),
            Err(error) => return broken(case, error.to_string(), started),
        }
        let asked = Asked {
            runner: self,
            config: &config,
            body: &body,
        };
        let finished = self
            .ground
            .judge
            .run(&asked, &narrow::entry(entry), &bundle, started)
            .await;
        if let Some(why) = refused_by_engine(&finished.records) {
            return inexpressible(case, &why);
        }
        // The whole entry says which steps are to fail: what is judged is without expectations.
        let comparable: Vec<&Record> = finished
            .records
            .iter()
            .filter(|record| is_comparable(record))
            .collect();
        match failing::no_runtime_does(entry, &self.ground.judge.machine, &comparable) {
            Some(why) => Finished {
                records: finished.records,
                ..broken(case, why, started)
            },
            None => finished,
        }
    }

    /// Whether the engine takes the body at all: whatever the runtime, its answer is the same.
    async fn takes(&self, body: &Value) -> Result<(), CallError> {
        let id = self.remote.create(&self.next_name(), body.clone()).await?;
        self.remote.remove(&id, false).await
    }
}

impl CaseRunner for DockerRunner {
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
        self.run(entry).await
    }

    async fn close(&self) -> Result<(), String> {
        let cleaned = clean::own(&self.remote)
            .await
            .map_err(|error| error.to_string())?;
        if cleaned.failed.is_empty() {
            Ok(())
        } else {
            Err(cleaned.failed.join("\n"))
        }
    }
}

impl Launch for Asked<'_> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let runs = self.runner.contenders.iter().map(|(contender, registered)| {
            let mut body = self.body.clone();
            body["HostConfig"]["Runtime"] = registered.as_str().into();
            async move {
                let mut seen = self.runner.launch(case, contender, body).await;
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
        // What was missed under one runtime must not look like a difference.
        if all.iter().any(|(_, seen)| seen.ran && seen.config.is_none()) {
            all.iter_mut().for_each(|(_, seen)| seen.config = None);
        }
        // Nor what the engine did to one of them.
        if let Some(why) = all.iter().find_map(|(_, seen)| seen.refusal_of_engine()) {
            all.iter_mut().for_each(|(_, seen)| seen.refuse(&why));
        }
        all.into_iter()
            .map(|(contender, seen)| seen.into_record(case, contender, bundle))
            .collect()
    }
}

/// The engine's words, where it and no runtime refused each start.
fn refused_by_engine(records: &[Record]) -> Option<String> {
    let mut why = None;
    for record in records {
        match &record.outcome {
            RunOutcome::Unsupported(said) => {
                why = Some(said.strip_prefix(container::ENGINE)?.to_owned());
            }
            _ => return None,
        }
    }
    why
}
