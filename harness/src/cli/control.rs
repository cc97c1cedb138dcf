//! `ocidiff control`: each runtime against itself. What differs then is a false alarm.

use ocidiff_model::{Counts, ExitStatus, Verdict};
use ocidiff_reports::{safe, terminal};

use super::args::ControlArgs;
use super::{output, records};
use crate::error::Error;
use crate::judge::control::{self, UNCOMPARED};
use crate::judge::finished::Finished;
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
        let mut ran = Vec::new();
        for runtime in &runtimes {
            let corpus = suite::corpus(args.with.cases.as_deref())?;
            let twice = vec![runtime.clone(), runtime.clone()];
            let of_runtime = records::run_with(corpus, &args.patterns, &args.with, twice, true)?;
            ran.push(
                of_runtime
                    .into_iter()
                    .map(|(_, finished)| finished.without_records())
                    .collect(),
            );
        }
        break_idle(&mut ran);
        for (runtime, finished) in runtimes.iter().zip(&ran) {
            let mut here = Counts::default();
            for Finished { report, .. } in finished {
                here.add(report.verdict);
                counts.add(report.verdict);
                if !is_quiet(report.verdict) {
                    told.print(&terminal::case(report, &output::style()));
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

/// Each case under all of the runtimes: all ran the same cases.
fn break_idle(ran: &mut [Vec<Finished>]) {
    let cases = ran.first().map_or(0, Vec::len);
    for at in 0..cases {
        control::break_idle(ran.iter_mut().filter_map(|of_runtime| of_runtime.get_mut(at)));
    }
}

fn is_quiet(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Agree | Verdict::Known | Verdict::Skipped | Verdict::Unsupported
    )
}

fn compared(counts: &Counts) -> usize {
    let uncompared: usize = UNCOMPARED.into_iter().map(|verdict| counts.of(verdict)).sum();
    counts.total() - uncompared
}

fn alarms(counts: &Counts) -> usize {
    compared(counts) - counts.of(Verdict::Agree) - counts.of(Verdict::Known)
}
