//! Runs a few cases for the commands that want their records: explain, show, accept, control.

use std::sync::Arc;

use ocidiff_runtimes::Runtime;
use tokio::task::JoinSet;

use super::args::WithArgs;
use super::signals;
use crate::corpus::{Corpus, Entry};
use crate::engine::Finished;
use crate::error::Error;
use crate::plan;
use crate::suite;

/// Cases with what came of them, in order of their names.
pub(crate) type Ran = Vec<(Entry, Finished)>;

/// Runs the chosen cases under the runtimes that `with` names.
pub(crate) fn run(patterns: &[String], with: &WithArgs) -> Result<Ran, Error> {
    let corpus = suite::corpus(with.cases.as_deref())?;
    suite::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&with.runtimes, &store)?;
    run_with(corpus, patterns, with, runtimes)
}

/// The same with runtimes that are chosen already.
pub(crate) fn run_with(
    corpus: Corpus,
    patterns: &[String],
    with: &WithArgs,
    runtimes: Vec<Runtime>,
) -> Result<Ran, Error> {
    suite::need_two(&runtimes)?;
    let entries: Vec<Entry> = plan::select(&corpus.entries, patterns)
        .map_err(Error::usage)?
        .into_iter()
        .cloned()
        .collect();
    suite::tokio()?.block_on(async {
        let stop = signals::stop().map_err(Error::broken)?;
        let abilities = suite::abilities()?;
        let engine = Arc::new(suite::engine(
            corpus,
            runtimes,
            &with.settings()?,
            &abilities,
            stop.clone(),
        )?);
        let places = Arc::new(tokio::sync::Semaphore::new(usize::from(with.jobs)));
        let mut running = JoinSet::new();
        let mut cases = Vec::new();
        for entry in entries {
            if let Some(why) = abilities.missing(&entry.case.body.needs) {
                let report = engine.skipped(&entry.case, why);
                cases.push((
                    entry,
                    Finished {
                        report,
                        records: Vec::new(),
                    },
                ));
                continue;
            }
            let (engine, places) = (Arc::clone(&engine), Arc::clone(&places));
            running.spawn(async move {
                let _place = places.acquire_owned().await;
                let finished = engine.run(&entry).await;
                (entry, finished)
            });
        }
        while let Some(joined) = running.join_next().await {
            cases.push(joined.map_err(|error| Error::broken(format!("a case's task died: {error}")))?);
        }
        if *stop.borrow() {
            return Err(Error::broken("interrupted"));
        }
        cases.sort_by(|(a, _), (b, _)| a.case.name.cmp(&b.case.name));
        Ok(cases)
    })
}
