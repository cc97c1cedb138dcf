//! Runs of the probe that show nothing about the workload in whose place it is: a filter or a limit of the config ended
//! it, its program never began, or it did not go the same way each time.

use ocidiff_model::facts::{self, From};
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::{Case, Op, Record, Value};
use serde_json::Value as Json;

use crate::bundle::Bundle;
use crate::cells::runner::CellRunner;
use crate::judge::confirm::Launch;
use crate::judge::failing::UNEXECUTED;
use crate::workload::tame::Tamed;

/// Whether a container starts.
pub(super) const STARTED: &str = "lifecycle.start.result";
/// How the probe ended.
const EXIT: &str = "process.exit";
/// The signal by which a filter ends a process.
const BY_FILTER: &str = "by signal SYS";

/// Members of a config that limit what a process uses: one that uses more may be ended.
const LIMITS: [&str; 4] = [
    "/process/rlimits",
    "/linux/resources/memory",
    "/linux/resources/pids",
    "/linux/resources/unified",
];

/// The least memory with which it is not chance whether a container starts, in bytes: what a runtime's own processes take
/// in the container's cgroup varies, and engines do not take less for that reason.
const LEAST_MEMORY: f64 = 6.0 * 1024.0 * 1024.0;

/// Limits of memory, for v1 and v2.
const MEMORY: [&str; 2] = [
    "/linux/resources/memory/limit",
    "/linux/resources/unified/memory.max",
];

/// Why a config cannot be tried at all: it is chance which process meets a limit, and whether one does.
pub(super) fn by_chance(config: &Json) -> Option<String> {
    let list = config.pointer("/process/rlimits").and_then(Json::as_array);
    let none = |one: &Json| one["type"] == "RLIMIT_CPU" && (one["soft"] == 0 || one["hard"] == 0);
    if list.into_iter().flatten().any(none) {
        return Some(
            "its RLIMIT_CPU of 0 seconds ends a process at the next tick of the clock: what comes before it is chance"
                .to_owned(),
        );
    }
    let number = |value: &Json| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let mut memory = MEMORY.iter().filter_map(|at| config.pointer(at).and_then(number));
    memory
        .find(|limit| (1.0..LEAST_MEMORY).contains(limit))
        .map(|limit| {
            format!(
                "its limit of {limit} bytes of memory is near what a runtime's own processes take: whether it starts \
                 is chance"
            )
        })
}

/// The probe's launches, in which a workload that did not begin has failed to start, whatever its runtime answers: an
/// init that cannot execute its program may report that only on its own stderr.
pub(super) struct Begun<'a> {
    engine: &'a CellRunner,
    /// What is run: the probe, or a program that the kernel cannot execute.
    program: &'static str,
    /// Whether the config limits what a process uses.
    is_limited: bool,
}

impl<'a> Begun<'a> {
    pub(super) fn of(engine: &'a CellRunner, tamed: &Tamed) -> Self {
        Self {
            engine,
            program: if tamed.alone {
                "its program"
            } else {
                "the probe, not the workload,"
            },
            is_limited: is_limited(&tamed.config),
        }
    }
}

/// Whether a config limits what a process uses.
fn is_limited(config: &Json) -> bool {
    let is_set = |at: &&str| config.pointer(at).is_some_and(|value| !is_empty(value));
    LIMITS.iter().any(is_set)
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

impl Launch for Begun<'_> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let mut records = self.engine.once(case, bundle).await;
        match ended_by(&records, self.is_limited) {
            // Before it had reported everything: nothing follows for a workload that does not make the call, or uses
            // less of what is limited.
            Some((at, by)) => {
                let why = format!("{} was ended {by}: a filter or a limit does that", self.program);
                records[at].outcome = RunOutcome::Broken(why);
            }
            None => records.iter_mut().for_each(settle),
        }
        records
    }
}

/// The record of a probe that was ended so that it says nothing, and how. Where its filters end it under one runtime only,
/// they differ; where limits do, one runtime may just use a little more of what is limited.
fn ended_by(records: &[Record], is_limited: bool) -> Option<(usize, String)> {
    // A probe that is refused memory or files ends by itself; before it began, its runtime did.
    let early = |record: &Record, exit: &Value| {
        is_limited && *exit != Value::from(0) && record.facts.iter().any(|fact| is_told(&fact.path))
    };
    let end = |record: &Record| match record.value(EXIT) {
        Some(Value::Text(exit)) if exit.starts_with("signal ") => Some(format!("by {exit}")),
        Some(exit) if early(record, exit) => Some(format!("with the exit status {}", exit.line())),
        _ => None,
    };
    let ran = || records.iter().enumerate().filter(|(_, record)| record.ran);
    let ended: Vec<(usize, String)> = ran()
        .filter_map(|(at, record)| Some((at, end(record)?)))
        .collect();
    let everywhere = ended.len() == ran().count();
    ended
        .into_iter()
        .find(|(_, by)| everywhere || is_limited && by != BY_FILTER)
}

fn settle(record: &mut Record) {
    if !record.ran || record.facts.iter().any(|fact| is_told(&fact.path)) {
        return;
    }
    record.ran = false;
    let text = match record.value("process.stderr") {
        Some(Value::List(lines)) if !lines.is_empty() => lines.join("\n"),
        _ => UNEXECUTED.to_owned(),
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

/// What did not go under some runtime as it had gone the time before: whether it starts and how the probe ends, on
/// which everything else depends.
pub(super) fn wavers(before: &[Record], now: &[Record]) -> Option<String> {
    let results = |record: &Record| -> Vec<(String, String)> {
        let steps = record
            .facts
            .iter()
            .filter(|fact| fact.path == EXIT || facts::is_result(&fact.path));
        steps.map(|fact| (fact.path.clone(), fact.value.line())).collect()
    };
    before.iter().zip(now).find_map(|(before, now)| {
        let (first, then) = (results(before), results(now));
        let value = |of: &[(String, String)], path: &str| {
            let found = of.iter().find(|(known, _)| known == path);
            found.map_or("(absent)", |(_, value)| value).to_owned()
        };
        let paths = first.iter().chain(&then).map(|(path, _)| path);
        let (path, one, other) = paths
            .map(|path| (path, value(&first, path), value(&then, path)))
            .find(|(_, one, other)| one != other)?;
        let who = &now.runtime.label;
        Some(format!(
            "{path} was {one} under {who}, and {other} when it was tried again"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::recognise::tests::record;
    use serde_json::json;

    #[test]
    fn a_probe_that_is_ended_by_what_the_config_limits_shows_nothing() {
        let ended = |exits: [&str; 2], is_limited: bool| {
            let records = exits.map(|exit| record(exit, &[("process.exit", exit)]));
            ended_by(&records, is_limited).map(|(at, _)| at)
        };
        for (exits, limited, unlimited) in [
            (["0", "0"], None, None),
            (["signal SYS", "signal SYS"], Some(0), Some(0)),
            (["signal KILL", "signal XCPU"], Some(0), Some(0)),
            (["0", "signal KILL"], Some(1), None),
            (["signal SEGV", "0"], Some(0), None),
            // Filters that differ are what is looked for.
            (["0", "signal SYS"], None, None),
        ] {
            assert_eq!(ended(exits, true), limited, "{exits:?} with limits");
            assert_eq!(ended(exits, false), unlimited, "{exits:?} without limits");
        }
    }

    #[test]
    fn a_probe_that_gives_up_within_limits_shows_nothing() {
        let told = "proc.umask";
        let of = |exit: i64, facts: &[(&str, &str)]| {
            let mut record = record("runc", facts);
            record.facts.push(ocidiff_model::Fact::new(EXIT, exit));
            record
        };
        let how =
            |one: Record, other: Record, is_limited| ended_by(&[one, other], is_limited).map(|(_, by)| by);
        let well = || of(0, &[(told, "0022")]);
        let early = || of(101, &[(told, "0022")]);
        assert_eq!(
            how(well(), early(), true).as_deref(),
            Some("with the exit status 101")
        );
        assert_eq!(how(well(), early(), false), None);
        assert_eq!(how(well(), well(), true), None);
        // What did not begin is a start that failed.
        assert_eq!(how(well(), of(1, &[]), true), None);
    }

    #[test]
    fn a_start_that_does_not_go_the_same_way_each_time_shows_nothing() {
        let of = |start: &str, exit: &str, noise: &str| {
            let facts = [(STARTED, start), ("process.exit", exit), ("proc.stat./x", noise)];
            [record("runc", &[(STARTED, "ok")]), record("crun", &facts)]
        };
        let told = |one: [Record; 2], other: [Record; 2]| wavers(&one, &other);
        assert_eq!(told(of("ok", "0", "a"), of("ok", "0", "b")), None);
        assert_eq!(
            told(of("ok", "0", "a"), of("error", "0", "a")).as_deref(),
            Some("lifecycle.start.result was ok under crun, and error when it was tried again")
        );
        assert_eq!(
            told(of("ok", "0", "a"), of("ok", "signal KILL", "a")).as_deref(),
            Some("process.exit was 0 under crun, and signal KILL when it was tried again")
        );
    }

    #[test]
    fn no_time_at_all_is_left_to_chance() {
        let of = |kind: &str, soft: u64| {
            by_chance(&json!({"process": {"rlimits": [{"type": kind, "soft": soft, "hard": 9}]}})).is_some()
        };
        assert!(of("RLIMIT_CPU", 0));
        assert!(!of("RLIMIT_CPU", 1) && !of("RLIMIT_CORE", 0) && by_chance(&json!({})).is_none());
    }

    #[test]
    fn a_limit_of_memory_near_what_runtimes_take_is_left_to_chance() {
        for (resources, is_chance) in [
            (json!({"memory": {"limit": 2_097_152}}), true),
            (json!({"unified": {"memory.max": "4194304"}}), true),
            (json!({"memory": {"limit": 6_291_456}}), false),
            (json!({"memory": {"limit": -1}}), false),
            (json!({"memory": {"limit": 0}}), false),
            (json!({"unified": {"memory.max": "max"}}), false),
        ] {
            let config = json!({"linux": {"resources": resources}});
            assert_eq!(by_chance(&config).is_some(), is_chance, "{config}");
        }
    }
}
