//! Cases through a container engine: what the engine makes of a case's config, and what each runtime makes of that.
//!
//! | module | what it does |
//! |---|---|
//! | [`makes`] | what an engine must be able to do; each way of asking one is an implementation |
//! | `docker` | by Docker's API |
//! | [`pods`] | by CRI, as the kubelet does: a pod for each container |
//! | [`translate`] | a case's config as the container that Docker is asked for, or why it is none |
//! | `narrow` | what of a case this way can show |
//! | `image` | a rootfs as an image, each once |
//! | `container` | one container under one runtime, from create to remove |
//! | `facts` | what the engine says of it, and the config.json that it wrote |
//! | `faithful` | whether that config.json says what the case wants |
//! | [`clean`] | what a killed run left in the engine |
//!
//! There is no cell: the engine does the running. Everything that is made has labels and is removed; what has none of ours
//! is never touched.

pub mod clean;
mod container;
mod docker;
mod facts;
mod faithful;
mod image;
pub mod makes;
mod narrow;
pub mod pods;
pub mod translate;

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use ocidiff_model::event::Participant;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Case, Record};
use ocidiff_runtimes::via::{CallError, Labels};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::bundle::{Builder, Bundle};
use crate::cells::participants::Contender;
use crate::cells::session::Session;
use crate::corpus::Entry;
use crate::judge::compare::is_comparable;
use crate::judge::confirm::{Finished, Judge, Launch, broken, config_of, skipped};
use crate::judge::failing;
use crate::run::schedule::RunsCases;

pub use makes::{Ask, Makes};

/// Containers at a time, however many cases are under way.
const MOST: usize = 4;

/// Runs cases through an engine.
#[derive(Debug)]
pub struct Via<M> {
    /// The engine.
    pub maker: M,
    /// The runtimes, the reference first, and how the engine calls each.
    pub contenders: Vec<(Contender, String)>,
    judge: Judge,
    builder: Builder,
    images: image::Images,
    places: Semaphore,
    stop: watch::Receiver<bool>,
    count: AtomicUsize,
    session: Session,
}

/// One case under way: what is asked for.
struct Asked<'a, M: Makes> {
    via: &'a Via<M>,
    /// The case's config.
    config: &'a Value,
    image: &'a str,
    body: &'a M::Body,
}

impl<M: Makes> Via<M> {
    /// Makes ready; `builder` works in the session's folder, and `stop` turns true when all must end.
    #[must_use]
    pub fn new(
        maker: M,
        contenders: Vec<(Contender, String)>,
        judge: Judge,
        builder: Builder,
        session: Session,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self {
            maker,
            contenders,
            judge,
            builder,
            images: image::Images::default(),
            places: Semaphore::new(MOST),
            stop,
            count: AtomicUsize::new(0),
            session,
        }
    }

    /// Who takes part.
    #[must_use]
    pub fn participants(&self) -> Vec<Participant> {
        self.contenders
            .iter()
            .map(|(contender, _)| contender.participant())
            .collect()
    }

    /// Removes all that was made.
    ///
    /// # Errors
    /// The engine's words on what is left.
    pub async fn close(&self) -> Result<(), String> {
        let cleaned = clean::own(&self.maker).await.map_err(|error| error.to_string())?;
        if cleaned.failed.is_empty() {
            Ok(())
        } else {
            Err(cleaned.failed.join("\n"))
        }
    }

    /// Runs a case through the engine under every runtime, and judges what this way shows.
    async fn run(&self, entry: &Entry) -> Finished {
        let started = Instant::now();
        let case = &entry.case;
        let bundle = match self.builder.build(case, &self.judge.corpus) {
            Ok(bundle) => bundle,
            Err(error) => return broken(case, error.to_string(), started),
        };
        let config: Value = serde_json::from_str(config_of(&bundle)).unwrap_or_default();
        let default = &self.judge.corpus.default_config;
        let body = match self.maker.translate(case, &config, default) {
            Ok(body) => body,
            Err(why) => return inexpressible(case, &why.to_string()),
        };
        let image = self.images.of(&bundle, self.session.folder(), &self.maker).await;
        let image = match image {
            Ok(image) => image,
            Err(why) => return broken(case, why, started),
        };
        match self.maker.takes(self.next_name(), &image, &body).await {
            Ok(()) => {}
            Err(CallError::Refused(why)) => return inexpressible(case, &format!("it says: {why}")),
            Err(error) => return broken(case, error.to_string(), started),
        }
        let asked = Asked {
            via: self,
            config: &config,
            image: &image,
            body: &body,
        };
        let finished = self
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
        match failing::no_runtime_does(entry, &self.judge.machine, &comparable) {
            Some(why) => Finished {
                records: finished.records,
                ..broken(case, why, started)
            },
            None => finished,
        }
    }
}

impl<M: Makes> RunsCases for Via<M> {
    async fn run_case(&self, entry: &Entry, _: Option<&Path>) -> Finished {
        self.run(entry).await
    }
}

impl<M: Makes> Launch for Asked<'_, M> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let runs = self.via.contenders.iter().map(|(contender, registered)| {
            let ask = Ask {
                name: self.via.next_name(),
                runtime: registered,
                image: self.image,
                body: self.body,
            };
            async move {
                let mut seen = self.via.launch(case, contender, ask).await;
                let default = &self.via.judge.corpus.default_config;
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

fn inexpressible(case: &Case, why: &str) -> Finished {
    skipped(
        case,
        format!("cannot be expressed as a container of the engine: {why}"),
    )
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

/// What everything is labelled with that a session makes in an engine.
///
/// # Errors
/// /proc is not mounted.
pub fn labels(session: &str) -> std::io::Result<Labels> {
    Ok(Labels {
        run: session.to_owned(),
        place: place()?,
    })
}

/// Where this process is: a session's name says which process it is of only in the same pid namespace since the same boot.
///
/// # Errors
/// /proc is not mounted.
pub fn place() -> std::io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = std::fs::read_link("/proc/self/ns/pid")?;
    let number: String = namespace
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    Ok(format!("{}.{number}", boot.trim()))
}
