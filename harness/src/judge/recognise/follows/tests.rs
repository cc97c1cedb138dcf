//! What a failure of one container says about another, and about the whole run.

use crate::judge::recognise::tests::{record, said};

#[test]
fn what_follows_from_a_failed_step_is_of_its_container_or_of_the_whole_run_and_later() {
    let fails = |label: &str| format!("shows: [{{fact: lifecycle.{label}.result, is: error, instead: ok}}]");
    for (failed, fact, does_follow) in [
        ("create", "process.exit", true),
        ("create", "proc.exec.umask", true),
        ("create", "lifecycle.start.result", true),
        ("create", "process.second.exit", false),
        ("create", "proc.second.created.umask", false),
        ("create", "process.second.exec.stdout", false),
        ("create", "lifecycle.second.start.result", false),
        ("create", "lifecycle.list.result", false),
        ("create", "lifecycle.list#2.result", true),
        ("create", "hook.order", true),
        ("second.start", "process.second.exit", true),
        ("second.start", "process.exit", false),
        ("second.start", "lifecycle.start.result", false),
        ("start", "process.second.exit", true),
        ("list#2", "process.exit", false),
        ("list#2", "lifecycle.list.result", false),
        ("list#2", "hook.order", true),
    ] {
        let steps = [
            "list",
            "create",
            "list#2",
            "second.create",
            "second.start",
            "start",
            "second.wait",
        ];
        let paths: Vec<String> = steps
            .iter()
            .map(|label| format!("lifecycle.{label}.result"))
            .collect();
        let of = format!("lifecycle.{failed}.result");
        let shown = |who: &str, usual: &str, other: &str| {
            let facts = paths.iter().map(String::as_str).filter(|path| *path != fact);
            let mut facts: Vec<(&str, &str)> = facts.map(|path| (path, "ok")).collect();
            let failed = facts.iter_mut().find(|(path, _)| *path == of);
            failed.expect(&of).1 = usual;
            let at = if fact == "lifecycle.list.result" {
                0
            } else {
                facts.len()
            };
            facts.insert(at, (fact, other));
            record(who, &facts)
        };
        let records = [shown("a", "ok", "ok"), shown("b", "error", "error")];
        let told = said(&[("b/fails", &fails(failed))], &records, &[&of, fact]);
        let follows = if does_follow { "b: b/fails (Follows)" } else { "" };
        assert_eq!(told, ["b: b/fails (Recognised)", follows], "{failed} {fact}");
    }
}

#[test]
fn how_the_main_container_ended_says_nothing_about_another() {
    let ends = "shows: [{fact: process.exit, is: 0, instead: 1}]";
    let facts = ["process.exit", "proc.umask", "proc.second.umask"];
    let steps = [
        ("lifecycle.create.result", "ok"),
        ("lifecycle.second.create.result", "ok"),
    ];
    let began = [
        ("proc.init.exe", "/x"),
        ("process.exit", "1"),
        ("proc.umask", "22"),
        ("proc.second.umask", "22"),
    ];
    let records = [
        record("a", &[&steps[..], &began].concat()),
        record("b", &[&steps[..], &[("process.exit", "0")]].concat()),
    ];
    let told = said(&[("b/ends", ends)], &records, &facts);
    assert_eq!(told, ["b: b/ends (Recognised)", "b: b/ends (Follows)", ""]);
}

#[test]
fn through_an_engine_a_program_has_begun_that_reports_anything() {
    let ends = "shows: [{fact: process.exit, is: 1, instead: 0}]";
    let step = ("lifecycle.create.result", "ok");
    let facts = ["process.exit", "proc.args"];
    for (others, follows) in [
        (&[("proc.args", "x")][..], "b: b/ends (Follows)"),
        // If nothing is seen of either, nothing is known of their beginning.
        (&[], ""),
    ] {
        let records = [
            record("a", &[&[step, ("process.exit", "0")], others].concat()),
            record("b", &[step, ("process.exit", "1")]),
        ];
        let told = said(&[("b/ends", ends)], &records, &facts[..=others.len()]);
        let expected = ["b: b/ends (Recognised)", follows];
        assert_eq!(told, expected[..=others.len()], "{others:?}");
    }
}
