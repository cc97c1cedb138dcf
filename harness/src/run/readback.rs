//! Loads a seccomp profile under each runtime, and reads back the filters that are really in force.

use ocidiff_model::merge::merge;
use ocidiff_model::record::{CallResult, FilterRecord, RunOutcome};
use ocidiff_model::{Case, CaseFile, Record, RuntimeId};
use serde_json::{Value, json};

use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::run::preflight;

/// What one runtime made of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadBack {
    /// The runtime.
    pub runtime: RuntimeId,
    /// What came of it.
    pub loaded: Loaded,
    /// The runtime's own calls that were denied, where the recorder sees them.
    pub denied: Vec<String>,
}

/// What came of a profile.
#[derive(Debug, Clone, PartialEq)]
pub enum Loaded {
    /// These filters were in force when the workload began, the newest first.
    Filters(Vec<FilterRecord>),
    /// The runtime did not accept it; its words.
    Refused(String),
    /// The workload began without any filter.
    Nothing,
    /// The runtime loaded it, but the workload never began: the filter denies what the runtime or the execve needs.
    NotBegun(String),
}

/// The case in which a profile is loaded: the smallest container, and the profile as it is.
fn case(seccomp: &Value) -> Result<Case, Error> {
    let mut seccomp = seccomp.clone();
    let mut text = json!({"summary": "a profile is loaded"});
    if let Some(path) = seccomp.get_mut("listenerPath") {
        *path = "${hooks}/agent".into();
        text["steps"] = with_agent();
        text["config"]["process"]["args"] = json!(["/bin/probe", "exit", "0"]);
    }
    // As in any case, members that are null are left out, and `${...}` is filled in.
    text["config"]["linux"]["seccomp"] = seccomp;
    let body: CaseFile = serde_json::from_value(text).map_err(Error::broken)?;
    Ok(Case {
        name: "profile/given".to_owned(),
        source: String::new(),
        member: None,
        body,
    })
}

/// An agent of ours is behind the socket: it allows each call that it is asked about.
fn with_agent() -> Value {
    let config = json!({
        "process": {"args": ["/bin/probe", "listen", "/agent/agent", "continue"], "noNewPrivileges": true},
        "linux": {"seccomp": null},
        "mounts+": [{"destination": "/agent", "type": "bind", "source": "${hooks}", "options": ["rbind", "rw"]}]
    });
    json!([
        {"create": {"as": AGENT, "config": config}},
        {"start": {"as": AGENT}},
        {"await": {"as": AGENT, "stdout": "listening"}},
        {"create": {"limit": PATIENCE}},
        {"start": {"limit": PATIENCE}},
        {"wait": {"limit": PATIENCE, "expect": "any"}},
        {"delete": {"force": true}},
        {"delete": {"as": AGENT, "force": true}}
    ])
}

/// The container with the agent.
const AGENT: &str = "agent";
/// How long a call may take if an agent is asked about it, in seconds.
const PATIENCE: u32 = 5;

/// Loads a `linux.seccomp` object under each of the engine's runtimes.
///
/// # Errors
///
/// The harness or the machine failed.
pub async fn read_back(runner: &CellRunner, seccomp: &Value) -> Result<Vec<ReadBack>, Error> {
    let records = runner.observe(&case(seccomp)?).await.map_err(Error::broken)?;
    let asked = asked(seccomp);
    let known = |record: &Record| why(runner, record, seccomp);
    records
        .into_iter()
        .map(|record| {
            let why = known(&record);
            one(record, &asked, &why)
        })
        .collect()
}

/// What was read back so far, by profile: a runtime that hangs under one does so again, up to its limit.
#[derive(Debug, Default)]
pub struct Memory(Vec<(Value, Vec<ReadBack>)>);

impl Memory {
    /// As [`read_back`]; the very same profile is loaded once.
    ///
    /// # Errors
    ///
    /// The harness or the machine failed.
    pub async fn read_back(&mut self, runner: &CellRunner, seccomp: Value) -> Result<Vec<ReadBack>, Error> {
        if let Some(made) = self.of(&seccomp) {
            return Ok(made.to_vec());
        }
        let made = read_back(runner, &seccomp).await?;
        self.0.push((seccomp, made.clone()));
        Ok(made)
    }

    fn of(&self, seccomp: &Value) -> Option<&[ReadBack]> {
        let found = self.0.iter().find(|(known, _)| known == seccomp);
        found.map(|(_, made)| made.as_slice())
    }
}

/// Why a runtime fails under its own filter: which of its own calls are refused, and what is known about that.
fn why(runner: &CellRunner, record: &Record, seccomp: &Value) -> String {
    let fact = match record.failed().next() {
        Some(failed) => format!("lifecycle.{}.result", failed.label),
        None if record.filters.is_empty() => "lifecycle.start.result".to_owned(),
        None => return String::new(),
    };
    let plain = &runner.corpus.default_config;
    let mut config = plain.clone();
    if merge(&mut config, &json!({"linux": {"seccomp": seccomp}})).is_err() {
        return String::new();
    }
    let ops: Vec<_> = record.steps.iter().map(|step| step.op).collect();
    let all = runner.corpus.findings.0.iter();
    let known = all.filter(|(id, known)| {
        // What does not depend on the profile is not caused by the profile.
        known.is_of(id, &record.runtime)
            && known.fits(&config, &ops, &runner.machine)
            && !known.fits(plain, &ops, &runner.machine)
            && known.shows.iter().any(|sign| sign.is_about(&fact))
    });
    let known = known.map(|(id, known)| {
        let remedy = known.remedy.as_deref().unwrap_or_default();
        format!("{id}: {}. {remedy}", known.title)
    });
    let refused = refused(record).join(", ");
    let refused = match refused.is_empty() {
        true => None,
        false => Some(format!(
            "the profile denies a call of the runtime's own: {refused}"
        )),
    };
    refused.into_iter().chain(known).collect::<Vec<_>>().join("; ")
}

/// The runtime's own calls that were refused, each with its errno.
fn refused(record: &Record) -> &[String] {
    match record.value("setup.refused") {
        Some(ocidiff_model::Value::List(calls)) => calls,
        _ => &[],
    }
}

/// What to say about a program that never began although no step failed: the runtime's init ended on its way there. The
/// program itself exits with 0 if nothing stops it.
fn ended_before(record: &Record) -> Option<String> {
    let exit = record.value("process.exit").filter(|exit| **exit != 0.into())?;
    let last = match record.value("process.stderr") {
        Some(ocidiff_model::Value::List(lines)) => lines.last().filter(|line| !line.trim().is_empty()),
        _ => None,
    };
    let said = last.map_or(String::new(), |line| format!(": {}", line.trim()));
    Some(format!("it ended with {exit} before its program began{said}"))
}

/// Calls that an agent is asked about.
fn asked(seccomp: &Value) -> String {
    let rules = seccomp["syscalls"].as_array().into_iter().flatten();
    let names = rules
        .filter(|rule| rule["action"] == "SCMP_ACT_NOTIFY")
        .filter_map(|rule| rule["names"].as_array());
    let names: Vec<&str> = names.flatten().filter_map(Value::as_str).take(20).collect();
    names.join(", ")
}

fn one(record: Record, asked: &str, why: &str) -> Result<ReadBack, Error> {
    if let RunOutcome::Broken(why) = &record.outcome {
        let why = format!("{}: {why}", record.runtime.label);
        return Err(Error::broken(preflight::with_cure(&why)));
    }
    if let Some(why) = record.unread("filter.count") {
        return Err(Error::broken(format!(
            "{}: the filters could not be read: {why}",
            record.runtime.label
        )));
    }
    let failed = record.failed().next();
    let said = failed.map(|step| {
        let text = step.text.trim();
        if step.label.starts_with("delete") {
            return "it ended before its program began".to_owned();
        }
        if step.result == CallResult::Timeout && !asked.is_empty() {
            return format!(
                "{} did not end: the agent is asked about calls that the runtime may need itself, before the agent knows of the filter ({asked})",
                step.label
            );
        }
        match text.lines().last().unwrap_or_default() {
            "" => format!("{} ended with {}", step.label, step.result.value()),
            last => format!("{}: {last}", step.label),
        }
    });
    let said = said.or_else(|| ended_before(&record).filter(|_| record.filters.is_empty()));
    let said = said.map(|said| match why {
        "" => said,
        why => format!("{said}; {why}"),
    });
    let denied = refused(&record).iter().filter_map(|call| call.split(' ').next());
    let denied = denied.map(str::to_owned).collect();
    let loaded = match (record.filters.is_empty(), said) {
        (false, _) => Loaded::Filters(record.filters),
        (true, None) => Loaded::Nothing,
        // A refusal comes before anything was set up; what fails later was stopped by the filter itself.
        (true, Some(said)) if failed.is_some_and(|step| step.label.starts_with("create")) => {
            Loaded::Refused(said)
        }
        (true, Some(said)) => Loaded::NotBegun(said),
    };
    Ok(ReadBack {
        runtime: record.runtime,
        loaded,
        denied,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_very_same_profile_is_remembered_and_another_is_not() {
        let made = vec![ReadBack {
            runtime: crate::check::from_to::who("runc", "1.1.5"),
            loaded: Loaded::Nothing,
            denied: Vec::new(),
        }];
        let profile = json!({"defaultAction": "SCMP_ACT_ALLOW"});
        let memory = Memory(vec![(profile.clone(), made.clone())]);
        assert_eq!(memory.of(&profile), Some(made.as_slice()));
        assert_eq!(memory.of(&json!({"defaultAction": "SCMP_ACT_LOG"})), None);
    }
}
