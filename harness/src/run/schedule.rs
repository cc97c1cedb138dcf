//! Runs many cases, a few at a time, and passes each on when it is done.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cells::abilities::Abilities;
use crate::cells::runner::CellRunner;
use crate::corpus::Entry;
use crate::error::Error;
use crate::judge::finished::{Finished, skipped};
use crate::run::runner::CaseRunner;
use crate::run::stop::Stop;

/// The cases of a run, and what they need.
#[derive(Debug)]
pub struct Schedule<'a, R = CellRunner> {
    /// Runs one case.
    pub runner: Arc<R>,
    /// What the machine can do: a case that needs more is skipped.
    pub abilities: &'a Abilities,
    /// How many cases run at a time. A case in flight holds its bundle and records, so as many as there are
    /// places for its containers are enough.
    pub width: usize,
    /// Asks everything to end.
    pub stop: Stop,
    /// In place of the bundles that the cases describe: one of the user's own.
    pub bundle: Option<PathBuf>,
}

impl<R: CaseRunner> Schedule<'_, R> {
    /// Runs the entries and passes each on as it is done, with its result. After a stop the rest is not run.
    ///
    /// If one cannot be passed on, the rest is stopped, and waited for: a cell that is under way must be ended
    /// by the code that started it.
    ///
    /// # Errors
    /// What `done` returns; a case's task died.
    pub async fn run(
        self,
        entries: Vec<Entry>,
        mut done: impl FnMut(Entry, Finished) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut done = |entry, finished| guarded(|| done(entry, finished));
        let places = Arc::new(Semaphore::new(self.width));
        let mut running = JoinSet::new();
        let mut outcome = Ok(());
        for entry in entries {
            if let Some(why) = self.abilities.missing_of(&entry.case) {
                let skipped = skipped(&entry.case, why);
                outcome = done(entry, skipped);
                if outcome.is_err() {
                    break;
                }
                continue;
            }
            let (runner, places, stop) = (Arc::clone(&self.runner), Arc::clone(&places), self.stop.clone());
            let bundle = self.bundle.clone();
            running.spawn(async move {
                let _place = places.acquire_owned().await;
                if stop.is_asked() {
                    return None;
                }
                let finished = runner.run_case(&entry, bundle.as_deref()).await;
                (!stop.is_asked()).then_some((entry, finished))
            });
        }
        loop {
            if outcome.is_err() {
                self.stop.now();
            }
            let Some(joined) = running.join_next().await else {
                return outcome;
            };
            outcome = match (outcome, joined) {
                (Err(first), _) => Err(first),
                (Ok(()), Ok(Some((entry, finished)))) => done(entry, finished),
                (Ok(()), Ok(None)) => Ok(()),
                (Ok(()), Err(error)) => Err(Error::broken(format!("a case's task died: {error}"))),
            };
        }
    }
}

/// A bug in what passes cases on must not leave cells behind either.
fn guarded(done: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    catch_unwind(AssertUnwindSafe(done))
        .unwrap_or_else(|_| Err(Error::broken("a bug: a case could not be reported")))
}
