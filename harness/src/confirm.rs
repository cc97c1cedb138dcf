//! From the records of a case to its verdict; what is new or gone is launched again first: it must show each time.

use std::sync::Arc;
use std::time::Instant;

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::known::Machine;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Difference, Record, Requirement, StepRecord, Verdict};

use crate::bundle::Bundle;
use crate::compare::is_comparable;
use crate::corpus::{Corpus, Entry};
use crate::{filters, judge};

/// How often a case is run before a new difference is told: it must show each time.
const RUNS: u32 = 3;

/// A case that has its verdict, and the records of its first run.
#[derive(Debug)]
pub struct Finished {
    /// For the events.
    pub report: CaseReport,
    /// By runtime, the reference's first; empty where nothing was launched.
    pub records: Vec<Record>,
}

/// What launches a bundle: cells, or a container engine.
pub trait Launch: Sync {
    /// Launches it under each runtime once.
    fn once(&self, case: &Case, bundle: &Bundle) -> impl Future<Output = Vec<Record>> + Send;
}

/// What a verdict is made from, beside the records.
#[derive(Debug, Clone)]
pub struct Judge {
    /// The corpus.
    pub corpus: Arc<Corpus>,
    /// Where.
    pub machine: Machine,
    /// Whether a known difference that does not show is gone: not where another than the case wrote the config.
    pub tells_gone: bool,
}

impl Judge {
    /// Launches the bundle of a case, again where a difference is new, and judges it.
    pub async fn run(
        &self,
        launch: &impl Launch,
        entry: &Entry,
        bundle: &Bundle,
        started: Instant,
    ) -> Finished {
        let case = &entry.case;
        let records = launch.once(case, bundle).await;
        if let Some(why) = first_broken(&records) {
            let mut finished = broken(case, why, started);
            finished.records = records;
            return finished;
        }
        let mut found = self.judge(entry, &records);
        if found
            .iter()
            .any(|difference| !matches!(difference.standing, Standing::Known))
            && let Err(why) = self.confirm(launch, entry, bundle, &mut found).await
        {
            let mut finished = broken(case, why, started);
            finished.records = records;
            return finished;
        }
        let mut report = report(case, started);
        report.bundle = Some(bundle.digest.clone());
        report.verdict = judge::verdict(&found);
        report.unsupported = unsupported(&records);
        if records.iter().filter(|record| is_comparable(record)).count() < 2 {
            report.verdict = Verdict::Unsupported;
            let reasons: Vec<String> = report
                .unsupported
                .iter()
                .map(|(who, why)| format!("{who}: {why}"))
                .collect();
            report.why = Some(reasons.join(", "));
        }
        report.failures = failures(&records);
        report.requirements = self.requirements(case, &found);
        if found.iter().any(|difference| difference.fact == DEPARTURES) {
            report.filters = filters::between(config_of(bundle), &records);
        }
        report.differences = found;
        report.seconds = started.elapsed().as_secs_f64();
        Finished { report, records }
    }

    fn judge(&self, entry: &Entry, records: &[Record]) -> Vec<Difference> {
        let comparable: Vec<&Record> = records.iter().filter(|record| is_comparable(record)).collect();
        let mut found = judge::judge(&entry.case, &entry.known, &self.machine, &comparable);
        found.retain(|difference| self.tells_gone || difference.standing != Standing::Gone);
        found
    }

    /// Runs the case again: what is new or gone must be so each time.
    async fn confirm(
        &self,
        launch: &impl Launch,
        entry: &Entry,
        bundle: &Bundle,
        found: &mut Vec<Difference>,
    ) -> Result<(), String> {
        let mut shown: Vec<u32> = vec![1; found.len()];
        for _ in 1..RUNS {
            let records = launch.once(&entry.case, bundle).await;
            if let Some(why) = first_broken(&records) {
                return Err(why);
            }
            let again = self.judge(entry, &records);
            for (difference, count) in found.iter().zip(&mut shown) {
                *count += u32::from(again.iter().any(|other| {
                    other.fact == difference.fact
                        && other.groups == difference.groups
                        && other.standing == difference.standing
                }));
            }
            // What shows only now was not there the first time.
            for other in again {
                if !matches!(other.standing, Standing::Known)
                    && found.iter().all(|difference| difference.fact != other.fact)
                {
                    found.push(other);
                    shown.push(1);
                }
            }
        }
        for (difference, shown) in found.iter_mut().zip(shown) {
            difference.standing = match difference.standing {
                Standing::Known => Standing::Known,
                _ if shown < RUNS => Standing::Unstable { shown, runs: RUNS },
                Standing::New { .. } => Standing::New { runs: RUNS },
                ref other => other.clone(),
            };
        }
        Ok(())
    }

    fn requirements(&self, case: &Case, found: &[Difference]) -> Vec<Requirement> {
        let mut ids: Vec<&String> = case
            .body
            .requirement
            .iter()
            .chain(found.iter().filter_map(|found| found.requirement.as_ref()))
            .collect();
        ids.sort();
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.corpus.requirements.get(id))
            .cloned()
            .collect()
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
    Finished {
        report,
        records: Vec::new(),
    }
}

fn report(case: &Case, started: Instant) -> CaseReport {
    CaseReport {
        case: case.name.clone(),
        summary: case.body.summary.clone(),
        source: case.source.clone(),
        verdict: Verdict::Agree,
        why: None,
        differences: Vec::new(),
        filters: Vec::new(),
        requirements: Vec::new(),
        unsupported: Vec::new(),
        bundle: None,
        failures: Vec::new(),
        seconds: started.elapsed().as_secs_f64(),
    }
}

fn first_broken(records: &[Record]) -> Option<String> {
    records.iter().find_map(|record| match &record.outcome {
        RunOutcome::Broken(why) => Some(format!("{}: {why}", record.runtime.label)),
        _ => None,
    })
}

fn unsupported(records: &[Record]) -> Vec<(String, String)> {
    let why = |record: &Record| match &record.outcome {
        RunOutcome::Unsupported(why) => Some((record.runtime.label.clone(), why.clone())),
        _ => None,
    };
    records.iter().filter_map(why).collect()
}

fn failures(records: &[Record]) -> Vec<(String, StepRecord)> {
    let of = |record: &Record| {
        record
            .failed()
            .map(|step| (record.runtime.label.clone(), step.clone()))
            .collect::<Vec<_>>()
    };
    records.iter().flat_map(of).collect()
}

/// The text of the config.
pub(crate) fn config_of(bundle: &Bundle) -> &str {
    bundle.configs.get(MAIN).map_or("", String::as_str)
}
