//! Runs the probe in a workload's place under both runtimes, and takes what differs each time.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Account;
use ocidiff_model::facts::{self, From};
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::{Case, CaseFile, Channel, Difference, FilterRow, Op, Record, Value, Watch};
use serde_json::json;

use super::shape::Shape;
use super::words::words;
use crate::bundle::Bundle;
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::judge::compare::compare;
use crate::judge::confirm::{Launch, Origin};
use crate::judge::filters;

/// How long the probe may take, in seconds.
const LIMIT: f64 = 10.0;
/// How often a difference must show: otherwise it is not a difference between the runtimes.
const RUNS: usize = 2;

/// Whether a container starts.
pub(super) const STARTED: &str = "lifecycle.start.result";

/// What was seen for a shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Facts on which the runtimes differ. The first group contains the runtime under which the workload runs now.
    pub differences: Vec<Difference>,
    /// Calls to which their filters give different answers, and what accounts for that.
    pub rows: Vec<(FilterRow, Vec<Account>)>,
    /// Every fact that a runtime showed, whether they differ or not.
    pub facts: BTreeSet<String>,
    /// What a runtime printed when a call failed, by runtime.
    pub said: BTreeMap<String, String>,
}

/// A case that is started, waited for up to this many seconds, and deleted, in which everything in one channel
/// is compared too.
pub(super) fn case(shape: &Shape, summary: &str, limit: f64, watched: Channel) -> Result<Case, Error> {
    let body: CaseFile = serde_json::from_value(json!({
        "summary": summary,
        "steps": ["create", "start", {"wait": {"limit": limit}}, {"delete": {"force": true}}],
    }))
    .map_err(Error::broken)?;
    let body = CaseFile {
        watch: [(watched, Watch::Paths(vec!["*".to_owned()]))].into(),
        ..body
    };
    Ok(Case {
        name: format!("check/{}", shape.digest),
        source: String::new(),
        member: None,
        body,
    })
}

/// Looks at a shape; the inner error is one line that says why that cannot be done.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn look(engine: &CellRunner, shape: &Shape) -> Result<Result<Seen, String>, Error> {
    // What the probe reports about itself is enough; cgroup values are seen from outside only.
    let case = case(shape, "the probe in a workload's place", LIMIT, Channel::Cgroup)?;
    let config = serde_json::to_string_pretty(&shape.tamed.config).map_err(Error::broken)?;
    let bundle = match engine.builder.over(
        &shape.layers,
        &shape.tamed.files,
        &shape.tamed.stand_ins,
        config.clone(),
    ) {
        Ok(bundle) => bundle,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Steady {
        records,
        mut differences,
    } = match steady(&Begun(engine), &case, &bundle).await {
        Ok(steady) => steady,
        Err(why) => return Ok(Err(why)),
    };
    engine
        .judge(Origin::Given)
        .explain(&case, &config, &records, &mut differences);
    let rows = filters::between(&config, &records);
    let mut of_rows: Vec<Difference> = rows.iter().map(filters::as_difference).collect();
    engine
        .judge(Origin::Given)
        .explain(&case, &config, &records, &mut of_rows);
    let accounts = of_rows.into_iter().map(|one| one.accounts);
    let mut seen = Seen {
        rows: rows.into_iter().zip(accounts).collect(),
        facts: facts(&records),
        said: said(&records),
        differences,
    };
    // The rows describe this better.
    seen.differences
        .retain(|difference| difference.fact != DEPARTURES || seen.rows.is_empty());
    Ok(Ok(seen))
}

/// The probe's launches, in which a workload that did not begin has failed to start, whatever its runtime answers: an
/// init that cannot execute its program may report that only on its own stderr.
struct Begun<'a>(&'a CellRunner);

impl Launch for Begun<'_> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let mut records = self.0.once(case, bundle).await;
        match ended_by(&records) {
            // Before it had reported everything, and what it had was the same: nothing follows for a workload that does
            // not make the call, or uses less of what is limited.
            Some(signal) => records.iter_mut().for_each(|record| {
                let why = format!(
                    "the probe, not the workload, was ended by {signal}: a filter or a limit does that"
                );
                record.outcome = RunOutcome::Broken(why);
            }),
            None => records.iter_mut().for_each(settle),
        }
        records
    }
}

/// The signal that ended the probe, if one did under every runtime that started it.
fn ended_by(records: &[Record]) -> Option<String> {
    let signal = |record: &Record| match record.value("process.exit") {
        Some(Value::Text(exit)) if exit.starts_with("signal ") => Some(exit.clone()),
        _ => None,
    };
    let mut ran = records.iter().filter(|record| record.ran);
    let first = signal(ran.next()?)?;
    ran.all(|record| signal(record).is_some()).then_some(first)
}

fn settle(record: &mut Record) {
    if !record.ran || record.facts.iter().any(|fact| is_told(&fact.path)) {
        return;
    }
    record.ran = false;
    let text = match record.value("process.stderr") {
        Some(Value::List(lines)) => lines.join("\n"),
        _ => String::new(),
    };
    if let Some(step) = record.steps.iter_mut().find(|step| step.op == Op::Start) {
        (step.result, step.text) = (CallResult::Error, text);
    }
    if let Some(fact) = record.facts.iter_mut().find(|fact| fact.path == STARTED) {
        fact.value = "error".into();
    }
}

/// Whether the probe itself reports a fact.
fn is_told(fact: &str) -> bool {
    // Seen from outside, a process shows no more than that it exists.
    facts::find(fact).is_some_and(|found| found.kind.from == From::Inside)
}

/// What is the same each time.
pub(super) struct Steady {
    /// The records of the first time.
    pub(super) records: Vec<Record>,
    /// What differed in the same way each time.
    pub(super) differences: Vec<Difference>,
}

/// Runs a bundle more than once; the error is one line that says why nothing can be said.
pub(super) async fn steady(launch: &impl Launch, case: &Case, bundle: &Bundle) -> Result<Steady, String> {
    let mut steady: Option<Steady> = None;
    for _ in 0..RUNS {
        let records = launch.once(case, bundle).await;
        if let Some(why) = useless(&records) {
            return Err(why);
        }
        let all: Vec<&Record> = records.iter().collect();
        let differences = compare(case, &all);
        match &mut steady {
            None => steady = Some(Steady { records, differences }),
            Some(before) => before.differences.retain(|one| {
                let again = differences.iter().find(|other| other.fact == one.fact);
                again.is_some_and(|other| other.groups == one.groups)
            }),
        }
    }
    steady.ok_or_else(|| "it was not run".to_owned())
}

/// Why nothing can be said: the machine failed, or no runtime accepts the config.
fn useless(records: &[Record]) -> Option<String> {
    for record in records {
        if let RunOutcome::Broken(why) = &record.outcome {
            return Some(format!("{}: {why}", record.runtime.label));
        }
    }
    if records.iter().any(|record| record.ran) {
        return None;
    }
    let words: Vec<String> = said(records)
        .into_iter()
        .map(|(who, said)| format!("{who}: {said}"))
        .collect();
    Some(format!("no runtime starts it here: {}", words.join("; ")))
}

/// Facts whose difference would have been seen.
fn facts(records: &[Record]) -> BTreeSet<String> {
    let all = records.iter().flat_map(|record| &record.facts);
    all.map(|fact| fact.path.clone()).collect()
}

/// What a runtime printed when a call failed.
fn said(records: &[Record]) -> BTreeMap<String, String> {
    let words = records.iter().filter_map(|record| {
        let failed = record.failed().next()?;
        Some((record.runtime.label.clone(), words(&failed.text)))
    });
    words.collect()
}
