//! What stands beside a difference of one of several containers, lives and processes.

use super::super::tests::record;
use super::*;

/// The values of a fact that stand beside another one.
fn beside(record: &Record, difference: &str, asked: &str) -> Vec<String> {
    let container = record.container_of(difference).unwrap_or(MAIN);
    let seen = Seen::beside(record, difference, container);
    let asked = seen.facts.iter().filter(|fact| fact.path == asked);
    asked.map(|fact| fact.value.line()).collect()
}

#[test]
fn a_condition_beside_a_difference_is_about_its_own_container_life_and_process() {
    let record = record(
        "runc",
        &[
            ("lifecycle.create.result", "error"),
            ("lifecycle.delete.result", "ok"),
            ("lifecycle.create#2.result", "ok"),
            ("lifecycle.exec.result", "ok"),
            ("lifecycle.exec#2.result", "error"),
            ("lifecycle.second.create.result", "timeout"),
            ("lifecycle.second.exec.result", "panic"),
            ("process.exit", "1"),
            ("process.exit#2", "2"),
            ("process.second.exit", "3"),
            ("proc.umask#1#2", "main's"),
            ("proc.exec.umask", "of exec"),
            ("proc.exec#2.umask", "of exec 2"),
            ("proc.second.exec.umask", "of the second's exec"),
            ("syscall.denied#2", "[x EPERM]"),
            ("leftover.cgroups", "[left]"),
        ],
    );
    for (difference, asked, expected) in [
        ("process.second.exit", "process.exit", &["3"][..]),
        ("process.second.exit", "lifecycle.create.result", &["timeout"]),
        ("process.exit#2", "process.exit", &["2"]),
        ("process.exit#2", "lifecycle.create.result", &["ok"]),
        ("process.exit", "process.exit", &["1"]),
        ("process.exit", "lifecycle.create.result", &["error"]),
        ("lifecycle.create#2.result", "lifecycle.create.result", &["ok"]),
        ("lifecycle.exec#2.result", "proc.umask", &["of exec 2"]),
        ("lifecycle.exec#2.result", "lifecycle.create.result", &["ok"]),
        ("proc.exec.umask", "proc.umask", &["of exec"]),
        ("proc.exec.umask", "proc.exec.umask", &["of exec"]),
        ("proc.exec.umask", "proc.exec#2.umask", &[]),
        ("proc.second.exec.umask", "proc.umask", &["of the second's exec"]),
        (
            "proc.second.exec.umask",
            "proc.exec.umask",
            &["of the second's exec"],
        ),
        // What the table has for no exec'ed process is its container's.
        ("proc.exec.umask", "syscall.denied", &["[x EPERM]"]),
        ("process.second.exit", "syscall.denied", &[]),
        ("proc.umask#1#2", "proc.exec.umask", &[]),
        ("lifecycle.delete.result", "process.exit", &["1"]),
        // The whole run has everything under its own name.
        ("process.exit", "leftover.cgroups", &["[left]"]),
        ("leftover.cgroups", "process.exit", &["1"]),
        ("leftover.cgroups", "process.second.exit", &["3"]),
    ] {
        assert_eq!(
            beside(&record, difference, asked),
            expected,
            "{difference}: {asked}"
        );
    }
}

#[test]
fn what_nobody_looks_at_is_not_absent() {
    let record = record(
        "runc",
        &[
            ("lifecycle.create.result", "ok"),
            ("lifecycle.second.create.result", "ok"),
        ],
    );
    let answers = |difference: &str, asked: &str| {
        let container = record.container_of(difference).unwrap_or(MAIN);
        let absent = BTreeMap::from([(asked.to_owned(), Predicate::Absent(true))]);
        Seen::beside(&record, difference, container).answers(&absent)
    };
    for (asked, of_second) in [
        ("filter.departures", false),
        ("syscall.denied", false),
        ("mount./proc", false),
        ("mount.inside./proc", true),
        ("process.exit", true),
        ("lifecycle.*.said", true),
        ("leftover.cgroups", true),
    ] {
        assert!(answers("process.exit", asked), "{asked}");
        assert_eq!(answers("process.second.exit", asked), of_second, "{asked}");
    }
}

/// A record with these steps, all of which succeed.
fn steps(labels: &[&str]) -> Record {
    let paths: Vec<String> = labels
        .iter()
        .map(|label| format!("lifecycle.{label}.result"))
        .collect();
    let facts: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "ok")).collect();
    record("runc", &facts)
}

#[test]
fn processes_are_told_apart_where_there_are_several() {
    for (labels, expected) in [
        (&["create", "start", "wait"][..], false),
        (&["state"], false),
        (&["create", "delete", "create#2"], true),
        (&["create", "exec"], true),
        (&["create", "second.state"], true),
    ] {
        assert_eq!(has_several(&steps(labels)), expected, "{labels:?}");
    }
}

#[test]
fn an_exec_ed_process_is_one_that_a_step_makes() {
    let record = steps(&["create", "exec", "second.create"]);
    for (path, of) in [
        ("proc.exec.umask", Some("exec")),
        ("proc.exec#2.umask", None),
        ("proc.second.umask", None),
        ("proc.umask", None),
    ] {
        assert_eq!(exec_of(&record, path), of, "{path}");
    }
}

#[test]
fn how_a_step_was_called_stands_beside_all_and_what_it_printed_beside_a_failure() {
    let mut record = steps(&["create", "start"]);
    for step in &mut record.steps {
        step.argv = vec!["runc".to_owned(), step.label.clone()];
        step.text = "one\ntwo".to_owned();
    }
    record.steps[1].result = CallResult::Error;
    let told: Vec<String> = aside(&record)
        .map(|fact| format!("{} {}", fact.path, fact.value))
        .collect();
    assert_eq!(
        told,
        [
            "lifecycle.create.call [runc, create]",
            "lifecycle.start.call [runc, start]",
            "lifecycle.start.said [one, two]",
        ]
    );
}
