//! What an engine can show of a case: its clauses are about a config.json that the engine did not write, and most of
//! its facts are seen by a recorder that is not there.

use ocidiff_model::{Channel, Known, KnownEntry, Value};

use super::facts::sort;
use crate::corpus::Entry;
use crate::machine::names::signal_number;

/// An entry without what cannot be seen, and with what an engine words differently.
///
/// Expectations are left out: they are about the exact config.json of the case, and the engine writes a different one.
/// How runtimes differ is still compared with the known file.
///
/// What `is_shuffled` says comes in any order is in one order here too, as in records.
pub(super) fn entry(entry: &Entry, is_shuffled: impl Fn(&str) -> bool) -> Entry {
    let mut case = entry.case.clone();
    case.body.expect_nothing();
    let known = entry.known.0.iter().filter(|known| is_seen(&known.fact));
    Entry {
        case,
        known: Known(
            known
                .cloned()
                .map(in_its_words)
                .map(|known| in_order(known, &is_shuffled))
                .collect(),
        ),
    }
}

/// Steps for which an engine may have calls.
const STEPS: [&str; 7] = ["create", "start", "await", "exec", "update", "kill", "wait"];

/// Whether the fact is available through an engine.
fn is_seen(path: &str) -> bool {
    let Some(channel) = Channel::of(path) else {
        return false;
    };
    let rest = path[channel.name().len()..].trim_start_matches('.');
    match channel {
        Channel::Lifecycle => {
            let Some((step, last)) = rest.split_once('.') else {
                return false;
            };
            let step = step.split('#').next().unwrap_or_default();
            STEPS.contains(&step) && ["result", "error", "exit"].contains(&last)
        }
        Channel::Process => {
            let of_exec = rest.strip_prefix("exec").and_then(|rest| rest.split_once('.'));
            ["exit", "stdout", "stderr"].contains(&of_exec.map_or(rest, |(_, last)| last))
        }
        Channel::Proc => !rest.starts_with("init.") && !rest.starts_with("created."),
        Channel::Mount | Channel::Cgroup => rest.starts_with("inside.") || rest.starts_with("exec.inside."),
        Channel::Engine => true,
        _ => false,
    }
}

/// To an engine, as to a shell, a process that a signal ended has an exit status; a runtime that panics is an error
/// to it.
fn in_its_words(mut known: KnownEntry) -> KnownEntry {
    let fact = known.fact.clone();
    for value in known.values_mut() {
        if fact.starts_with("lifecycle.") && *value == Value::from("panic") {
            *value = "error".into();
        }
        if fact == "process.exit"
            && let Value::Text(text) = value
            && let Some(number) = text.strip_prefix("signal ").and_then(signal_number)
        {
            *value = Value::Int(128 + i64::from(number));
        }
    }
    known
}

fn in_order(mut known: KnownEntry, is_shuffled: &impl Fn(&str) -> bool) -> KnownEntry {
    if is_shuffled(&known.fact) {
        known.values_mut().for_each(sort);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::Catalogue;
    use ocidiff_model::known::Group;

    #[test]
    fn what_only_a_recorder_sees_is_left_out() {
        for (path, expected) in [
            ("process.exit", true),
            ("lifecycle.create.result", true),
            ("lifecycle.delete.result", false),
            ("lifecycle.create.pid_file", false),
            ("lifecycle.exec#2.exit", true),
            ("lifecycle.kill.error", true),
            ("lifecycle.state.status", false),
            ("process.exec.stdout", true),
            ("process.exec#2.stderr", true),
            ("proc.exec.env", true),
            ("cgroup.exec.inside.cpu", true),
            ("proc.caps.effective", true),
            ("proc.init.caps.effective", false),
            ("mount.inside./proc", true),
            ("mount./proc", false),
            ("syscall.denied", false),
            ("file./data", false),
            ("engine.config.process.args", true),
        ] {
            assert_eq!(is_seen(path), expected, "{path}");
        }
    }

    #[test]
    fn a_signal_is_an_exit_status() {
        let group: Group = serde_yaml::from_str(
            "facts: {process.exit: [{because: unexplained, who: [a], shows: signal SYS}, {otherwise: 3}]}",
        )
        .expect("parse");
        let known = group.entries(&Catalogue::default(), &[]).expect("good").remove(0);
        let values: Vec<Value> = in_its_words(known)
            .values_mut()
            .map(|value| value.clone())
            .collect();
        assert_eq!(values, [Value::Int(159), Value::Int(3)]);
    }

    #[test]
    fn what_an_engine_shuffles_is_written_in_one_order() {
        let group = r#"facts: {proc.env: [{because: unexplained, who: [a], shows: [B=1, A=2]}, {otherwise: [A=1, B=1]}]}"#;
        let group: Group = serde_yaml::from_str(group).expect("parse");
        let known = group.entries(&Catalogue::default(), &[]).expect("good").remove(0);
        let list = |items: [&str; 2]| Value::List(items.map(str::to_owned).into());
        for (is_shuffled, first) in [(true, list(["A=2", "B=1"])), (false, list(["B=1", "A=2"]))] {
            let mut known = in_order(known.clone(), &|path: &str| is_shuffled && path == "proc.env");
            let values: Vec<Value> = known.values_mut().map(|value| value.clone()).collect();
            assert_eq!(values, [first, list(["A=1", "B=1"])], "{is_shuffled}");
        }
    }
}
