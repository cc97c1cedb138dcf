//! `ocidiff control`: each runtime against itself. What differs then is a false alarm.

use ocidiff_model::known::ANY;
use ocidiff_model::{Counts, ExitStatus, Value, Verdict};
use ocidiff_reports::{safe, terminal};

use super::args::ControlArgs;
use super::{output, records};
use crate::cells::participants;
use crate::error::Error;
use crate::machine::root;
use crate::run::suite;

/// Runs every case under each runtime twice, and reports the rate of false alarms.
pub(crate) fn control(args: &ControlArgs) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let store = suite::store()?;
    let runtimes = suite::runtimes(&args.with.runtimes, &store)?;
    let mut counts = Counts::default();
    let mut told = output::Aside::default();
    for round in 1..=args.rounds {
        for runtime in &runtimes {
            let mut corpus = suite::corpus(args.with.cases.as_deref())?;
            let id = participants::id(runtime, runtime.label());
            // What is written about a difference between runtimes has no meaning between a runtime and itself, unless
            // it is written to change from run to run; nor does an expectation that the runtime breaks both times.
            for entry in &mut corpus.entries {
                let any = Value::from(ANY);
                entry
                    .known
                    .0
                    .retain(|known| matches!(known.value_for(&id), Some(value) if *value == any));
                entry.case.body.expect.clear();
                entry
                    .case
                    .body
                    .steps
                    .iter_mut()
                    .for_each(|step| step.options.expect = None);
            }
            let twice = vec![runtime.clone(), runtime.clone()];
            let ran = records::run_with(corpus, &args.patterns, &args.with, twice, true)?;
            let mut here = Counts::default();
            for (_, finished) in &ran {
                here.add(finished.report.verdict);
                counts.add(finished.report.verdict);
                if !matches!(
                    finished.report.verdict,
                    Verdict::Agree | Verdict::Known | Verdict::Skipped | Verdict::Unsupported
                ) {
                    told.print(&terminal::case(&finished.report, &output::style()));
                }
            }
            told.print(&format!(
                "round {round}: {} against itself, {}\n",
                safe(&runtime.selector()),
                said(&here)
            ));
            if told.has_failed() {
                // What the rest would have shown is not known.
                return told.end(match alarms(&counts) {
                    0 => ExitStatus::Broken,
                    _ => counts.exit(true),
                });
            }
        }
    }
    told.print(&format!("{}\n", said(&counts)));
    told.end(match alarms(&counts) {
        0 if compared(&counts) == 0 || counts.of(Verdict::Broken) > 0 => ExitStatus::Broken,
        0 => ExitStatus::Ok,
        _ => counts.exit(true),
    })
}

/// What was compared, and what was not.
fn said(counts: &Counts) -> String {
    let mut said = format!(
        "{} comparisons, {} false alarms",
        compared(counts),
        alarms(counts)
    );
    for verdict in UNCOMPARED.into_iter().filter(|verdict| counts.of(*verdict) > 0) {
        said.push_str(&format!(", {} {verdict}", counts.of(verdict)));
    }
    said
}

/// Verdicts of cases in which nothing was compared with anything.
const UNCOMPARED: [Verdict; 3] = [Verdict::Skipped, Verdict::Unsupported, Verdict::Broken];

fn compared(counts: &Counts) -> usize {
    let uncompared: usize = UNCOMPARED.into_iter().map(|verdict| counts.of(verdict)).sum();
    counts.total() - uncompared
}

fn alarms(counts: &Counts) -> usize {
    compared(counts) - counts.of(Verdict::Agree) - counts.of(Verdict::Known)
}
