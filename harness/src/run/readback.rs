//! Loads a seccomp profile under each runtime, and reads back the filters that are really in force.

use ocidiff_model::record::{FilterRecord, RunOutcome};
use ocidiff_model::{Case, CaseFile, Record, RuntimeId};
use serde_json::{Value, json};

use crate::cells::runner::Engine;
use crate::error::Error;
use crate::run::preflight;

/// What one runtime made of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBack {
    /// Who.
    pub runtime: RuntimeId,
    /// What came of it.
    pub loaded: Loaded,
}

/// What came of a profile.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded {
    /// These filters were in force when the workload began, the newest first.
    Filters(Vec<FilterRecord>),
    /// The runtime did not take it; its words.
    Refused(String),
    /// The workload began without any filter.
    Nothing,
    /// The runtime loaded it, but the workload never began: the filter denies what the runtime or the execve needs.
    NotBegun(String),
}

/// The case in which a profile is loaded: the smallest container, and the profile as it is.
fn case(seccomp: &Value) -> Result<Case, Error> {
    let body: CaseFile = serde_json::from_value(json!({
        "summary": "a profile is loaded",
        // As in any case: members that are null are left out, `${...}` is filled in.
        "config": {"linux": {"seccomp": seccomp}},
    }))
    .map_err(Error::broken)?;
    Ok(Case {
        name: "profile/given".to_owned(),
        source: String::new(),
        member: None,
        body,
    })
}

/// Loads a `linux.seccomp` object under each of the engine's runtimes.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn read_back(engine: &Engine, seccomp: &Value) -> Result<Vec<ReadBack>, Error> {
    let records = engine.observe(&case(seccomp)?).await.map_err(Error::broken)?;
    records.into_iter().map(one).collect()
}

fn one(record: Record) -> Result<ReadBack, Error> {
    if let RunOutcome::Broken(why) = &record.outcome {
        let why = format!("{}: {why}", record.runtime.label);
        return Err(Error::broken(preflight::with_cure(&why)));
    }
    let failed = record.failed().next();
    let said = failed.map(|step| {
        let text = step.text.trim();
        match text.lines().last().unwrap_or_default() {
            "" => format!("{} ended with {}", step.label, step.result.value()),
            last => format!("{}: {last}", step.label),
        }
    });
    let loaded = match (record.filters.is_empty(), said) {
        (false, _) => Loaded::Filters(record.filters),
        (true, None) => Loaded::Nothing,
        // A refusal comes before anything was set up; what fails later, the filter itself has stopped.
        (true, Some(said)) if failed.is_some_and(|step| step.label.starts_with("create")) => {
            Loaded::Refused(said)
        }
        (true, Some(said)) => Loaded::NotBegun(said),
    };
    Ok(ReadBack {
        runtime: record.runtime,
        loaded,
    })
}
