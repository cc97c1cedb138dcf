//! A case that has its verdict, and what is reported for a case whose records are not compared.

use std::collections::BTreeMap;
use std::time::Instant;

use ocidiff_model::event::CaseReport;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Case, Record, StepRecord, Verdict};

/// A case that has its verdict, and the records of its first run.
#[derive(Debug)]
pub struct Finished {
    /// For the events.
    pub report: CaseReport,
    /// By runtime, the reference's first; empty where nothing was launched.
    pub records: Vec<Record>,
    /// If a runtime is compared with itself: why a run in which no other runtime does more would be broken.
    pub idle: Option<String>,
}

impl Finished {
    /// Without records.
    #[must_use]
    pub fn of(report: CaseReport) -> Self {
        Self {
            report,
            records: Vec::new(),
            idle: None,
        }
    }

    /// The same without what was observed, which may be large.
    #[must_use]
    pub fn without_records(self) -> Self {
        Self {
            records: Vec::new(),
            ..self
        }
    }
}

/// A case that is not run.
#[must_use]
pub fn skipped(case: &Case, why: String) -> Finished {
    without(case, Verdict::Skipped, why, Instant::now())
}

/// A case that the harness or the machine failed.
pub(crate) fn broken(case: &Case, why: String, started: Instant) -> Finished {
    without(case, Verdict::Broken, why, started)
}

/// A verdict without records.
fn without(case: &Case, verdict: Verdict, why: String, started: Instant) -> Finished {
    let report = CaseReport {
        verdict,
        why: Some(why),
        ..report(case, started)
    };
    Finished::of(report)
}

pub(super) fn report(case: &Case, started: Instant) -> CaseReport {
    CaseReport {
        case: case.name.clone(),
        summary: case.body.summary.clone(),
        source: case.source.clone(),
        verdict: Verdict::Agree,
        why: None,
        differences: Vec::new(),
        filters: Vec::new(),
        findings: BTreeMap::new(),
        requirements: Vec::new(),
        unsupported: Vec::new(),
        bundle: None,
        failures: Vec::new(),
        runs: 1,
        again: Vec::new(),
        twins: false,
        control: false,
        ignored: false,
        key: None,
        carried: false,
        seconds: started.elapsed().as_secs_f64(),
    }
}

/// Whether two programs claim to be the same.
pub(super) fn has_twins(records: &[Record]) -> bool {
    let mut ids = records
        .iter()
        .map(|record| (&record.runtime.name, &record.runtime.version));
    let mut seen = Vec::new();
    ids.any(|id| {
        let is_there = seen.contains(&id);
        seen.push(id);
        is_there
    })
}

pub(super) fn first_broken(records: &[Record]) -> Option<String> {
    records.iter().find_map(|record| match &record.outcome {
        RunOutcome::Broken(why) => Some(format!("{}: {why}", record.runtime.label)),
        _ => None,
    })
}

pub(super) fn unsupported(records: &[Record]) -> Vec<(String, String)> {
    let why = |record: &Record| match &record.outcome {
        RunOutcome::Complete | RunOutcome::Broken(_) => None,
        outcome => Some((record.runtime.label.clone(), outcome.why()?)),
    };
    records.iter().filter_map(why).collect()
}

pub(super) fn failures(records: &[Record]) -> Vec<(String, StepRecord)> {
    let of = |record: &Record| {
        record
            .failed()
            .map(|step| (record.runtime.label.clone(), step.clone()))
            .collect::<Vec<_>>()
    };
    records.iter().flat_map(of).collect()
}
