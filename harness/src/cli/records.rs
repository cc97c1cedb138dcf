//! Runs a few cases for the commands that want their records: explain, show, accept, control.

use std::sync::Arc;

use ocidiff_model::{Counts, ExitStatus, Verdict};
use ocidiff_runtimes::Runtime;

use super::args::{RecorderArg, WithArgs};
use super::{output, signals};
use crate::cells::runner::{Finished, Recorder};
use crate::cells::threads;
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::machine::root;
use crate::run::plan;
use crate::run::preflight;
use crate::run::schedule::Schedule;
use crate::run::suite::{self, Settings};

/// Cases with their results, in order of their names.
pub(crate) type Ran = Vec<(Entry, Finished)>;

/// Runs the chosen cases under the runtimes that `with` names.
pub(crate) fn run(patterns: &[String], with: &WithArgs) -> Result<Ran, Error> {
    let corpus = suite::corpus(with.cases.as_deref())?;
    root::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&with.runtimes, &store)?;
    run_with(corpus, patterns, with, runtimes, false)
}

/// The same with runtimes that have already been chosen; `control` says that they are one and the same.
pub(crate) fn run_with(
    corpus: Corpus,
    patterns: &[String],
    with: &WithArgs,
    runtimes: Vec<Runtime>,
    control: bool,
) -> Result<Ran, Error> {
    suite::need_two(&runtimes)?;
    let entries: Vec<Entry> = plan::select(&corpus.entries, patterns)
        .map_err(Error::usage)?
        .into_iter()
        .cloned()
        .collect();
    threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let settings = Settings {
            keep_setup: true,
            control,
            ..with.settings()?
        };
        let mut runner = suite::runner(corpus, runtimes, &settings, &abilities, stop.watch())?;
        abilities
            .unpinned
            .iter()
            .for_each(|one| output::complain(&one.told()));
        if with.recorder == RecorderArg::Auto && runner.recorder != Recorder::Ebpf {
            output::complain(&format!("recorder: {}", runner.recorder_said));
        }
        let left_out = preflight::plain(&mut runner).await?;
        left_out.iter().for_each(|sentence| output::complain(sentence));
        let schedule = Schedule {
            runner: Arc::new(runner),
            abilities: &abilities,
            width: with.jobs(),
            stop: stop.clone(),
            bundle: None,
        };
        let mut cases = Vec::new();
        schedule
            .run(entries, |entry, mut finished| {
                finished.report.again = with.again();
                cases.push((entry, finished));
                Ok(())
            })
            .await?;
        if stop.is_asked() {
            return Err(Error::broken("interrupted"));
        }
        cases.sort_by(|(a, _), (b, _)| a.case.name.cmp(&b.case.name));
        Ok(cases)
    })
}

/// Says which cases show nothing, because they were skipped or are broken; the exit status is that of a run in which
/// nothing differs.
pub(crate) fn tell_unmet<'r>(finished: impl IntoIterator<Item = &'r Finished>) -> ExitStatus {
    let mut counts = Counts::default();
    let mut skipped = Vec::new();
    for Finished { report, .. } in finished {
        counts.add(report.verdict);
        let why = report.why.as_deref().unwrap_or_default();
        let line = format!("{}: {}: {why}", report.case, report.verdict);
        match report.verdict {
            Verdict::Skipped => skipped.push(line),
            Verdict::Broken => output::complain(&line),
            _ => {}
        }
    }
    // What a machine lacks is no news beside what ran.
    if skipped.len() == counts.total() {
        skipped.iter().for_each(|line| output::complain(line));
    } else if !skipped.is_empty() {
        output::complain(&format!(
            "{} of {} cases were skipped",
            skipped.len(),
            counts.total()
        ));
    }
    match counts.exit(false) {
        ExitStatus::Differs => ExitStatus::Ok,
        status => status,
    }
}
