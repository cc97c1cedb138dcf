//! Runs the probe in a workload's place under both runtimes, and takes what differs each time.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Account;
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Case, CaseFile, Channel, Difference, FilterRow, Record, Watch};
use serde_json::json;

use super::ended::{Begun, by_chance, wavers};
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
    /// Why nothing was compared, if only the other runtime starts it.
    pub unstarted: Option<String>,
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
    if let Some(why) = by_chance(&shape.tamed.config) {
        return Ok(Err(why));
    }
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
        wavers,
    } = match steady(&Begun::of(engine, &shape.tamed), &case, &bundle).await {
        Ok(steady) => steady,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = wavers {
        return Ok(Err(why));
    }
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
        unstarted: unstarted(&records),
        differences,
    };
    // The rows describe this better.
    seen.differences
        .retain(|difference| difference.fact != DEPARTURES || seen.rows.is_empty());
    Ok(Ok(seen))
}

/// What is the same each time.
pub(super) struct Steady {
    /// The records of the first time.
    pub(super) records: Vec<Record>,
    /// What differed in the same way each time.
    pub(super) differences: Vec<Difference>,
    /// What went another way the second time, although everything else depends on it.
    pub(super) wavers: Option<String>,
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
            None => {
                steady = Some(Steady {
                    records,
                    differences,
                    wavers: None,
                });
            }
            Some(before) => {
                before.differences.retain(|one| {
                    let again = differences.iter().find(|other| other.fact == one.fact);
                    again.is_some_and(|other| other.groups == one.groups)
                });
                before.wavers = wavers(&before.records, &records);
            }
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

/// Why nothing follows for a workload that does not start now, and would: where it runs it does start, so that what
/// was tried is not what runs, and nothing that starts under both has been compared.
fn unstarted(records: &[Record]) -> Option<String> {
    let (now, then) = records.split_first()?;
    (!now.ran && then.iter().any(|record| record.ran)).then(|| {
        let who = &now.runtime.label;
        let said = said(records).remove(who).unwrap_or_default();
        format!("{who}, under which it runs, does not start it here: {said}")
    })
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
