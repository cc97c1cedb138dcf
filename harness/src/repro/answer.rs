//! What the script of a repro can determine by itself: what is expected of a case, or whether a finding shows in it, as
//! lines of shell that check it.
//!
//! What is expected is what the case expects, and, from what its known file contains, what all runtimes show that no
//! finding names. A script sees how calls ended, how the container's process ended, and what the probe printed; it does
//! not see syscalls or filters.

use std::collections::BTreeMap;

use ocidiff_model::facts::{self, From};
use ocidiff_model::finding::Sign;
use ocidiff_model::known::{ABSENT, ANY};
use ocidiff_model::step::labels;
use ocidiff_model::{Channel, Finding, FindingId, Machine, Value};

use super::quote;
use crate::corpus::Entry;
use crate::findings::written_of;
use crate::judge::verdict::expectations;

/// What the probe calls facts of channels other than `proc`, before their own names.
const INSIDE: [(&str, &str); 2] = [("mount.inside.", "mount."), ("cgroup.inside.", "cgroup.")];

/// What a script is asked.
#[derive(Debug, Clone, Copy)]
pub enum Question<'a> {
    /// Whether all is as expected: 0 if it is, 1 if not.
    Expected,
    /// Whether the finding shows: 0 if it does not, 1 if it does.
    Finding(&'a FindingId, &'a Finding),
}

/// Whether a script can answer a question about a case.
#[must_use]
pub fn sees(entry: &Entry, machine: &Machine, question: Question<'_>) -> bool {
    !checks(entry, machine, question).is_empty()
}

/// Whether a script that answers it looks for the values of a finding: if not, it sees only that something is not as
/// expected where the finding shows.
#[must_use]
pub fn is_by_value(entry: &Entry, machine: &Machine, question: Question<'_>) -> bool {
    checks(entry, machine, question).starts_with(SHOWS)
}

/// Lines of shell for each fact that the question is about and that a script can see.
pub(super) fn checks(entry: &Entry, machine: &Machine, question: Question<'_>) -> String {
    let steps = labels(&entry.case.body.steps);
    let told = |fact: &str, value: &Value| {
        let (shown, seen) = seen(fact, value, &steps)?;
        Some(format!("told {} {} \"$({seen})\"\n", quote(fact), quote(&shown)))
    };
    let expected = expected(entry, machine);
    let (id, finding) = match question {
        Question::Expected => {
            return expected
                .iter()
                .filter_map(|(fact, value)| told(fact, value))
                .collect();
        }
        Question::Finding(id, finding) => (id, finding),
    };
    let mut lines = String::new();
    let mut is_by_value = false;
    for (fact, values) in of_finding(entry, machine, id, finding) {
        let all: Vec<_> = values
            .iter()
            .filter_map(|value| seen(&fact, value, &steps))
            .collect();
        match all.first() {
            Some((_, seen)) if all.len() == values.len() => {
                is_by_value = true;
                let values: Vec<String> = all.iter().map(|(shown, _)| quote(shown)).collect();
                lines += &format!("shows {} \"$({seen})\" {}\n", quote(&fact), values.join(" "));
            }
            // Its value is not known to be one of a few: whether it is what is expected can still be seen.
            _ => lines.extend(expected.get(&fact).and_then(|value| told(&fact, value))),
        }
    }
    if is_by_value {
        format!("{SHOWS}{lines}")
    } else {
        lines
    }
}

/// A function of shell: whether a fact is what the finding makes of it. A fact that is not there says nothing.
const SHOWS: &str = r#"shows() {
  local fact=$1 actual=$2 value; shift 2
  [ "$actual" != "(absent)" ] || return 0
  checked=1
  for value; do
    [ "$actual" != "$value" ] || { echo "SHOWS IT: $fact is $actual"; differs=1; return; }
  done
  echo "does not show it: $fact is $actual"
}
"#;

/// The facts for which a case's known file names a finding, with the values that it makes of them; none if they are not
/// known to be a few.
fn of_finding(
    entry: &Entry,
    machine: &Machine,
    id: &FindingId,
    finding: &Finding,
) -> BTreeMap<String, Vec<Value>> {
    let known = entry.known.on(machine);
    let written = written_of(&known, id).filter(|(known, _)| known.rate.is_none());
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (known, written) in written {
        let values = match &written.shows {
            shown if is_one(shown) => vec![shown.clone()],
            _ => {
                let signs = finding.shows.iter().filter(|sign| sign.is_about(&known.fact));
                let values: Vec<Vec<Value>> = signs.map(Sign::values).collect();
                match values.iter().any(Vec::is_empty) {
                    true => Vec::new(),
                    false => values.into_iter().flatten().filter(is_one).collect(),
                }
            }
        };
        let there = all.entry(known.fact.clone()).or_default();
        there.extend(values);
        there.dedup();
    }
    all
}

/// Whether it is one value, and not a pattern or the lack of one.
fn is_one(value: &Value) -> bool {
    *value != Value::from(ABSENT) && !matches!(value, Value::Text(text) if text.contains('*'))
}

/// What is expected, by fact.
fn expected(entry: &Entry, machine: &Machine) -> BTreeMap<String, Value> {
    let known = entry.known.on(machine).0.into_iter();
    let written = known
        .filter(|known| known.rate.is_none())
        .filter_map(|known| Some((known.fact, known.otherwise?)));
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

    #[test]
    fn a_script_looks_for_what_the_finding_makes_of_a_fact() {
        let finding = |shows: &str| -> Finding {
            serde_yaml::from_str(&format!(
                "{{title: t, kind: bug, impact: cosmetic, cause: c, shows: [{shows}]}}"
            ))
            .expect(shows)
        };
        let id: FindingId = "crun/it".parse().expect("an id");
        let machine: Machine = serde_json::from_str(r#"{"kernel": "6.1", "cgroup": "v1", "arch": "x86_64"}"#)
            .expect("a machine");
        let entry = |written: &str| {
            let body = "{summary: s, steps: [create, start, exec, delete]}";
            Entry {
                case: ocidiff_model::Case {
                    name: "a/b".to_owned(),
                    source: String::new(),
                    member: None,
                    body: serde_yaml::from_str(body).expect("a case"),
                },
                known: ocidiff_model::known::Known(vec![ocidiff_model::KnownEntry {
                    fact: "lifecycle.exec.exit".to_owned(),
                    members: Vec::new(),
                    when: None,
                    rate: None,
                    written: vec![ocidiff_model::known::Written {
                        because: vec![id.clone()],
                        who: Vec::new(),
                        when: Vec::new(),
                        shows: written.into(),
                    }],
                    otherwise: None,
                    by_signs: true,
                }]),
            }
        };
        for (shows, expected) in [
            (
                "{fact: 'lifecycle.exec*.exit', one-of: [255, 254]}",
                Some("shows lifecycle.exec.exit \"$(status exec)\" 255 254\n"),
            ),
            ("{fact: 'lifecycle.exec*.exit', any: true}", None),
            (
                "{fact: 'lifecycle.exec*.exit', is: 255}, {fact: 'lifecycle.exec*.exit', above: 3}",
                None,
            ),
        ] {
            let finding = finding(shows);
            let question = Question::Finding(&id, &finding);
            let lines = checks(&entry(ANY), &machine, question);
            assert_eq!(lines.strip_prefix(SHOWS), expected, "{shows}: {lines}");
            let by_value = is_by_value(&entry(ANY), &machine, question);
            assert_eq!(by_value, expected.is_some(), "{shows}");
            assert_eq!(
                sees(&entry(ANY), &machine, question),
                expected.is_some(),
                "{shows}"
            );
        }
        assert!(!sees(&entry(ANY), &machine, Question::Expected));
    }
}
