//! What the script of a repro can determine by itself: what is expected of a case, as lines of shell that check it.
//!
//! What is expected is what the case expects, and, from what its known file contains, what all runtimes show that no
//! finding names. A script sees how calls ended, how the container's process ended, and what the probe printed; it does
//! not see syscalls or filters.

use std::collections::BTreeMap;

use ocidiff_model::facts::{self, From};
use ocidiff_model::known::{ABSENT, ANY};
use ocidiff_model::step::labels;
use ocidiff_model::{Channel, Machine, Value};

use super::quote;
use crate::corpus::Entry;
use crate::judge::verdict::expectations;

/// What the probe calls facts of channels other than `proc`, before their own names.
const INSIDE: [(&str, &str); 2] = [("mount.inside.", "mount."), ("cgroup.inside.", "cgroup.")];

/// A line of shell for each fact about which something is expected and that a script can see.
pub(super) fn checks(entry: &Entry, machine: &Machine) -> String {
    let steps = labels(&entry.case.body.steps);
    let lines = expected(entry, machine).into_iter().filter_map(|(fact, value)| {
        let (shown, seen) = seen(&fact, &value, &steps)?;
        Some(format!("told {} {} \"$({seen})\"\n", quote(&fact), quote(&shown)))
    });
    lines.collect()
}

/// What is expected, by fact.
fn expected(entry: &Entry, machine: &Machine) -> BTreeMap<String, Value> {
    let known = entry
        .known
        .0
        .iter()
        .filter(|known| known.holds(machine) && known.rate.is_none());
    let written = known.filter_map(|known| Some((known.fact.clone(), known.otherwise.clone()?)));
    let mut all = BTreeMap::new();
    for (fact, value) in written {
        all.entry(fact).or_insert(value);
    }
    // If there are several values, a script can only look for one.
    for expected in expectations(&entry.case) {
        if expected.what.or.is_empty() {
            all.insert(expected.fact, expected.what.is);
        } else {
            all.remove(&expected.fact);
        }
    }
    let said = |value: &Value| *value != Value::from(ANY) && *value != Value::from(ABSENT);
    all.retain(|_, value| said(value));
    all
}

/// How the value looks to the script, and the command that prints the actual one; `None` if a script cannot see it.
fn seen(fact: &str, value: &Value, steps: &[String]) -> Option<(String, String)> {
    let plain = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_graphic() && !"\"\\'`".contains(c))
    };
    if !plain(fact) {
        return None;
    }
    let rest = fact.split_once('.').map(|(_, rest)| rest)?;
    match (Channel::of(fact)?, value) {
        (Channel::Lifecycle, Value::Text(word)) if word == "ok" || word == "error" => {
            let label = rest
                .strip_suffix(".result")
                .filter(|label| is_step(steps, label))?;
            Some((word.clone(), format!("result {}", quote(label))))
        }
        (Channel::Lifecycle, Value::Int(number)) => {
            let label = rest.strip_suffix(".exit").filter(|label| is_step(steps, label))?;
            Some((number.to_string(), format!("status {}", quote(label))))
        }
        (Channel::Process, Value::Int(number)) if rest == "exit" => {
            Some((number.to_string(), "ended main".to_owned()))
        }
        (Channel::Proc | Channel::Mount | Channel::Cgroup, value) => {
            let (name, of) = printed(fact)?;
            let label = of.unwrap_or("create");
            let json = serde_json::to_string(value).ok().filter(|json| json.is_ascii())?;
            is_step(steps, label).then(|| (json, format!("printed {} {}", quote(label), quote(&name))))
        }
        _ => None,
    }
}

fn is_step(steps: &[String], label: &str) -> bool {
    steps.iter().any(|step| step == label)
}

/// The probe's name for a fact that it prints, and the exec'ed process that prints it.
fn printed(fact: &str) -> Option<(String, Option<&str>)> {
    let found = facts::find(fact)?;
    if found.kind.from != From::Inside || fact.contains('#') {
        return None;
    }
    let own = facts::as_of_first(fact).unwrap_or_else(|| fact.to_owned());
    let name = match INSIDE.iter().find(|(opens, _)| own.starts_with(opens)) {
        Some((opens, channel)) => {
            let rest = &own[opens.len()..];
            let own_word = ["mounts", "masked.", "readonly.", "dev", "cgroupfs."];
            let is_word = own_word.iter().any(|word| rest.starts_with(word));
            if is_word {
                rest.to_owned()
            } else {
                format!("{channel}{rest}")
            }
        }
        None => own.strip_prefix("proc.")?.to_owned(),
    };
    Some((name, found.of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_sees_calls_ends_and_what_the_probe_prints() {
        let steps: Vec<String> = ["create", "start", "exec", "wait", "delete"]
            .map(str::to_owned)
            .to_vec();
        let of = |fact: &str, value: Value| seen(fact, &value, &steps);
        let some = |shown: &str, seen: &str| Some((shown.to_owned(), seen.to_owned()));
        for (fact, value, expected) in [
            (
                "lifecycle.create.result",
                "error".into(),
                some("error", "result create"),
            ),
            ("lifecycle.exec.exit", Value::Int(3), some("3", "status exec")),
            ("lifecycle.pause.result", "ok".into(), None),
            ("process.exit", Value::Int(2), some("2", "ended main")),
            (
                "proc.umask",
                "0022".into(),
                some("\"0022\"", "printed create umask"),
            ),
            (
                "proc.exec.umask",
                "0022".into(),
                some("\"0022\"", "printed exec umask"),
            ),
            (
                "mount.inside./proc",
                "x".into(),
                some("\"x\"", "printed create mount./proc"),
            ),
            (
                "mount.inside.masked./proc/kcore",
                "x".into(),
                some("\"x\"", "printed create masked./proc/kcore"),
            ),
            ("mount./proc", "x".into(), None),
            ("syscall.fchmodat2(data)", "EPERM".into(), None),
            ("proc.read./it's", "x".into(), None),
            ("proc.umask#2", "x".into(), None),
        ] {
            assert_eq!(of(fact, value), expected, "{fact}");
        }
    }
}
