//! The corpus as `cargo test`: one trial per case, named after the case. A failing trial's text is the
//! difference as `ocidiff run` prints it.
//!
//! OCIDIFF_RUNTIMES names the runtimes (as `--runtime` does, separated by commas); OCIDIFF_SKIP=conformance
//! leaves the corpus out.

#[path = "it/support/binary.rs"]
mod binary;
#[path = "it/support/skip.rs"]
mod skip;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use binary::binary;
use libtest_mimic::{Arguments, Failed, Trial};
use ocidiff::cells::abilities::Abilities;
use ocidiff::cells::runner::{CellRunner, Recorder};
use ocidiff::cells::threads;
use ocidiff::corpus::{Corpus, Entry};
use ocidiff::error::Error;
use ocidiff::machine::root;
use ocidiff::run::suite::{self, Settings};
use ocidiff_model::{Verdict, facts};
use ocidiff_reports::{Style, terminal};
use ocidiff_runtimes::Runtime;
use tokio::runtime::Runtime as Tokio;
use tokio::sync::watch;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    if std::env::var("OCIDIFF_SKIP").is_ok_and(|skip| skip.split(',').any(|name| name == "conformance")) {
        skip::skipped("the corpus: OCIDIFF_SKIP=conformance");
        return libtest_mimic::run(&args, Vec::new()).exit_code();
    }
    let (trials, suite) = match Suite::plan() {
        Ok(suite) => {
            // nextest starts this program once per trial.
            if !args.list && !args.exact {
                note_skipped(&suite);
            }
            (trials(&suite), Some(suite))
        }
        // One sentence that says what to do, as the failure of one trial.
        Err(error) => (
            vec![Trial::test("conformance", move || {
                Err(Failed::from(error.to_string()))
            })],
            None,
        ),
    };
    let conclusion = libtest_mimic::run(&args, trials);
    // Ends the session: its folder and cgroups are removed.
    drop(suite);
    conclusion.exit_code()
}

/// What the trials share. The first trial that runs makes the runner: a listing must be quick, and makes nothing.
struct Suite {
    corpus: Corpus,
    runtimes: Vec<Runtime>,
    abilities: Abilities,
    tokio: Tokio,
    runner: Mutex<Option<Arc<CellRunner>>>,
    stop: watch::Sender<bool>,
}

/// If a need is not met, the trial is ignored, and its kind says what is missing.
fn trials(suite: &Arc<Suite>) -> Vec<Trial> {
    let trial = |entry: &Entry| {
        let missing = suite.abilities.missing_of(&entry.case);
        let (suite, entry) = (Arc::clone(suite), entry.clone());
        let trial = Trial::test(entry.case.name.clone(), move || suite.run(&entry));
        match missing {
            Some(why) => trial.with_kind(why).with_ignored_flag(true),
            None => trial,
        }
    };
    suite.corpus.entries.iter().map(trial).collect()
}

fn note_skipped(suite: &Suite) {
    for entry in &suite.corpus.entries {
        if let Some(why) = suite.abilities.missing_of(&entry.case) {
            skip::skipped(&format!("{} {why}", entry.case.name));
        }
    }
}

impl Suite {
    fn plan() -> Result<Arc<Self>, Error> {
        root::need_root()?;
        let named = std::env::var("OCIDIFF_RUNTIMES").unwrap_or_default();
        let named: Vec<String> = named
            .split([',', ' '])
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let ask = ocidiff::cells::ask::InCell::new(&binary());
        let runtimes = suite::runtimes_asked(&named, &suite::store()?, &ask)?;
        suite::need_two(&runtimes)?;
        Ok(Arc::new(Self {
            corpus: suite::corpus(None)?,
            runtimes,
            abilities: suite::abilities()?,
            tokio: threads::tokio()?,
            runner: Mutex::new(None),
            stop: watch::channel(false).0,
        }))
    }

    fn run(&self, entry: &Entry) -> Result<(), Failed> {
        let runner = self.runner()?;
        let finished = self.tokio.block_on(runner.run(entry));
        let facts = finished.records.iter().flat_map(|record| &record.facts);
        if let Some(unknown) = facts
            .map(|fact| &fact.path)
            .find(|path| facts::find(path).is_none())
        {
            return Err(format!("harness/model/data/facts.yaml has no row for the fact {unknown}").into());
        }
        let report = finished.report;
        if report.verdict == Verdict::Skipped {
            eprintln!("{}: {}", report.case, report.why.unwrap_or_default());
            return Ok(());
        }
        if report.verdict == Verdict::Unstable {
            // Not a failure of the corpus, but it must not pass silently either.
            let facts: Vec<&str> = report.differences.iter().map(|it| it.fact.as_str()).collect();
            skip::skipped(&format!("{} was unstable: {}", report.case, facts.join(", ")));
        }
        if report.verdict.fails(false) {
            return Err(format!("\n{}", terminal::case(&report, &Style::default())).into());
        }
        Ok(())
    }

    fn runner(&self) -> Result<Arc<CellRunner>, Failed> {
        let mut runner = self.runner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runner) = &*runner {
            return Ok(Arc::clone(runner));
        }
        let settings = Settings {
            program: binary(),
            reference: None,
            jobs: 4,
            recorder: Recorder::Auto,
            keep_setup: false,
            repeat: 1,
            limit_scale: 1,
            control: false,
            keep_hooks: false,
        };
        let _context = self.tokio.enter();
        let made = suite::runner(
            self.corpus.clone(),
            self.runtimes.clone(),
            &settings,
            &self.abilities,
            self.stop.subscribe(),
        );
        let made = Arc::new(made.map_err(|error| Failed::from(error.to_string()))?);
        *runner = Some(Arc::clone(&made));
        Ok(made)
    }
}
