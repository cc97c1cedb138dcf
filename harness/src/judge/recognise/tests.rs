//! Small catalogues, applied to differences between three runtimes.

use ocidiff_model::record::{BundleDigest, CallResult, RunOutcome, StepRecord};
use ocidiff_model::{Fact, Group, RuntimeId, Value};

use super::*;
use crate::judge::compare::difference;

pub(crate) fn finding(rest: &str) -> Finding {
    let text = format!(
        "{{title: t, kind: bug, impact: {{entering: breaks, leaving: cosmetic}}, cause: c, affects: '<2', {rest}}}"
    );
    serde_yaml::from_str(&text).expect(rest)
}

pub(crate) fn record(label: &str, facts: &[(&str, &str)]) -> Record {
    let value = |text: &str| serde_yaml::from_str::<Value>(text).expect("a value");
    Record {
        case: "t/c".into(),
        runtime: RuntimeId {
            // `a@2` is another build of `a`.
            name: label.split('@').next().unwrap_or(label).into(),
            version: if label == "new" { "3" } else { "1" }.parse().expect("a version"),
            label: label.into(),
        },
        bundle: BundleDigest::default(),
        recorder: "ebpf".into(),
        outcome: RunOutcome::Complete,
        ran: true,
        steps: facts.iter().filter_map(|(path, text)| step(path, text)).collect(),
        facts: facts
            .iter()
            .map(|(path, text)| Fact::new(*path, value(text)))
            .collect(),
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

/// The step whose result a fact is.
fn step(path: &str, result: &str) -> Option<StepRecord> {
    let label = path.strip_prefix("lifecycle.")?.strip_suffix(".result")?;
    let op = label
        .rsplit('.')
        .next()?
        .trim_end_matches(|c: char| c == '#' || c.is_ascii_digit());
    let step = serde_json::json!({"label": label, "op": op, "result": result, "seconds": 0.0});
    Some(serde_json::from_value(step).expect(path))
}

/// `RUNTIME: ID|ID (HOW)` for each account of each fact; the config is `{linux: {seccomp: {}}}`.
pub(crate) fn said(catalogue: &[(&str, &str)], records: &[Record], facts: &[&str]) -> Vec<String> {
    let config = serde_json::json!({"linux": {"seccomp": {}}});
    said_where(
        catalogue,
        records,
        facts,
        None,
        &Configs::of("[create]", &[("main", config)]),
    )
}

/// The same where the case expects a value, and with these configs.
pub(crate) fn said_where(
    catalogue: &[(&str, &str)],
    records: &[Record],
    facts: &[&str],
    expected: Option<&Value>,
    configs: &Configs,
) -> Vec<String> {
    let catalogue = Catalogue(
        catalogue
            .iter()
            .map(|(id, rest)| (id.parse().expect(id), finding(rest)))
            .collect(),
    );
    let records: Vec<&Record> = records.iter().collect();
    let question = Question {
        catalogue: &catalogue,
        runtimes: &["a", "b", "c", "new"],
        configs,
        steps: &[Op::Create, Op::Start],
        machine: &Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".into(),
            via: None,
        },
        records: &records,
    };
    let of = |fact: &&str| {
        let off = records
            .iter()
            .filter(|record| expected.is_some_and(|value| record.value(fact) != Some(value)));
        Difference {
            expected: expected.cloned(),
            against: off.map(|record| record.runtime.label.clone()).collect(),
            ..difference(fact, groups_of(fact, &records))
        }
    };
    let found: Vec<Difference> = facts.iter().map(of).collect();
    let told = recognise(&question, &found).into_iter().map(|accounts| {
        let one = |account: Account| {
            let ids: Vec<String> = account.because.iter().map(ToString::to_string).collect();
            format!("{}: {} ({:?})", account.who, ids.join("|"), account.how)
        };
        accounts.into_iter().map(one).collect::<Vec<_>>().join(", ")
    });
    told.collect()
}

/// Which runtimes show what, whatever the steps.
pub(crate) fn groups_of(fact: &str, records: &[&Record]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for record in records {
        let (label, value) = (record.runtime.label.clone(), record.value(fact).cloned());
        match groups.iter_mut().find(|group| group.value == value) {
            Some(group) => group.runtimes.push(label),
            None => groups.push(Group {
                value,
                runtimes: vec![label],
            }),
        }
    }
    groups
}

const UMASK: &str = "shows: [{fact: proc.umask, is: 77, instead: 22}]";

fn umasks(of: &[&str]) -> Vec<Record> {
    ["a", "b", "c"]
        .into_iter()
        .zip(of)
        .map(|(label, value)| record(label, &[("proc.umask", value)]))
        .collect()
}

#[test]
fn where_the_case_expects_a_value_nobody_is_as_it_should_be_who_shows_another() {
    let catalogue = [("a/umask", UMASK), ("b/umask", UMASK)];
    let mend = Value::Int(22);
    for (values, of_both, of_b) in [
        // One departs from the others, which do what is expected.
        (
            &["22", "77", "22"][..],
            "b: b/umask (Recognised)",
            "b: b/umask (Recognised)",
        ),
        // The others do not either, and nothing accounts for that.
        (&["7", "77", "7"], "", ""),
        // All depart, and each does or does not do so by a finding of its own.
        (
            &["77", "77"],
            "a: a/umask (Recognised), b: b/umask (Recognised)",
            "",
        ),
    ] {
        let records = umasks(values);
        let said = |catalogue: &[(&str, &str)]| {
            said_where(
                catalogue,
                &records,
                &["proc.umask"],
                Some(&mend),
                &Configs::default(),
            )
        };
        assert_eq!(said(&catalogue), [of_both], "{values:?}");
        assert_eq!(said(&catalogue[1..]), [of_b], "{values:?}");
    }
}

#[test]
fn a_value_is_accounted_for_by_a_finding_of_its_runtime_that_fits() {
    for (id, rest, values, expected) in [
        ("b/umask", UMASK, ["22", "77", "22"], "b: b/umask (Recognised)"),
        // Another value, another runtime, another value of the others, no difference.
        ("b/umask", UMASK, ["22", "7", "22"], ""),
        ("c/umask", UMASK, ["22", "77", "22"], ""),
        ("b/umask", UMASK, ["0", "77", "0"], ""),
        ("b/umask", UMASK, ["77", "77", "77"], ""),
        // Two groups that nothing accounts for.
        ("b/umask", UMASK, ["22", "77", "0"], ""),
        // A workload, and a machine, that cannot meet its conditions.
        (
            "b/umask",
            "applies: {config: {hooks: '*'}}, shows: [{fact: proc.umask, is: 77}]",
            ["22", "77", "22"],
            "",
        ),
        (
            "b/umask",
            "applies: {steps: [exec]}, shows: [{fact: proc.umask, is: 77}]",
            ["22", "77", "22"],
            "",
        ),
        (
            "b/umask",
            "applies: {when: {cgroup: v2}}, shows: [{fact: proc.umask, is: 77}]",
            ["22", "77", "22"],
            "",
        ),
        // What does not belong to a runtime can show under each.
        (
            "kernel/umask",
            UMASK,
            ["22", "22", "77"],
            "c: kernel/umask (Recognised)",
        ),
    ] {
        assert_eq!(
            said(&[(id, rest)], &umasks(&values), &["proc.umask"]),
            [expected],
            "{id} {rest} {values:?}"
        );
    }
}

#[test]
fn a_version_that_does_not_do_it_is_not_accounted_for() {
    let records = [
        record("a", &[("proc.umask", "22")]),
        record("new", &[("proc.umask", "77")]),
    ];
    assert_eq!(said(&[("new/umask", UMASK)], &records, &["proc.umask"]), [""]);
}

#[test]
fn the_one_that_asks_for_most_is_meant_and_of_two_alike_either() {
    let narrow =
        "applies: {config: {linux: {seccomp: '*'}}}, shows: [{fact: proc.umask, is: 77, instead: 22}]";
    let records = umasks(&["22", "77", "22"]);
    let wide_and_narrow = [("b/narrow", narrow), ("b/wide", UMASK)];
    assert_eq!(
        said(&wide_and_narrow, &records, &["proc.umask"]),
        ["b: b/narrow (Recognised)"]
    );
    let twins = [("b/one", UMASK), ("b/other", UMASK)];
    assert_eq!(
        said(&twins, &records, &["proc.umask"]),
        ["b: b/one|b/other (Recognised)"]
    );
}

#[test]
fn what_the_workload_does_follows_from_the_answers_to_its_calls_where_the_same_runtimes_differ() {
    let denied = "shows: [{fact: syscall.denied, has: x ENOSYS, instead: {lacks: x ENOSYS}}]";
    let of = |exits: [&str; 3]| -> Vec<Record> {
        let all = ["a", "b", "c"].into_iter().zip(exits).enumerate();
        all.map(|(at, (label, exit))| {
            let denied = if at == 0 { "[x ENOSYS]" } else { "[x EPERM]" };
            record(
                label,
                &[
                    ("syscall.denied", denied),
                    ("process.exit", exit),
                    ("proc.umask", exit),
                ],
            )
        })
        .collect()
    };
    let facts = ["syscall.denied", "process.exit", "proc.umask"];
    assert_eq!(
        said(&[("a/stub", denied)], &of(["0", "2", "2"]), &facts),
        ["a: a/stub (Recognised)", "a: a/stub (Follows)", ""]
    );
    assert_eq!(
        said(&[("a/stub", denied)], &of(["0", "2", "3"]), &facts),
        ["a: a/stub (Recognised)", "", ""]
    );
}

#[test]
fn a_step_that_fails_accounts_for_what_is_missing_after_it_and_not_for_what_stays_behind() {
    let fails = "shows: [{fact: lifecycle.create.result, is: error, instead: ok}]";
    let facts = ["lifecycle.create.result", "hook.order", "leftover.cgroups"];
    let of = |behind: &str| {
        let (good, bad) = (["ok", "[h]", "[]"], ["error", "[]", behind]);
        let shows = |values: [&'static str; 3]| facts.into_iter().zip(values).collect::<Vec<_>>();
        let bad: Vec<(&str, &str)> = facts.into_iter().zip(bad).collect();
        said(
            &[("b/fails", fails)],
            &[record("a", &shows(good)), record("b", &bad)],
            &facts,
        )
    };
    let (fails, follows) = ("b: b/fails (Recognised)", "b: b/fails (Follows)");
    assert_eq!(of("[]"), [fails, follows, ""], "they agree in what stays behind");
    assert_eq!(of("[main]"), [fails, follows, ""]);
}

#[test]
fn where_one_came_less_far_the_others_are_held_against_each_other() {
    let fails = "shows: [{fact: lifecycle.create.result, is: error, instead: ok}]";
    let facts = ["lifecycle.create.result", "proc.umask"];
    let records = [
        record("a", &[("lifecycle.create.result", "ok"), ("proc.umask", "22")]),
        record("b", &[("lifecycle.create.result", "ok"), ("proc.umask", "77")]),
        record("c", &[("lifecycle.create.result", "error")]),
    ];
    let fails_alone = said(&[("c/fails", fails)], &records, &facts);
    assert_eq!(fails_alone, ["c: c/fails (Recognised)", ""]);
    let both = said(&[("c/fails", fails), ("b/umask", UMASK)], &records, &facts);
    assert_eq!(
        both,
        [
            "c: c/fails (Recognised)",
            "b: b/umask (Recognised), c: c/fails (Follows)"
        ]
    );
}

#[test]
fn what_is_not_seen_of_a_workload_that_never_began_follows_from_how_it_ended() {
    let shell = "shows: [{fact: process.exit, is: 0, instead: 1}]";
    let facts = [
        "process.exit",
        "proc.init.exe",
        "leftover.cgroups",
        "lifecycle.start.result",
    ];
    let began = [
        ("proc.init.exe", "/bin/sh"),
        ("process.exit", "0"),
        ("leftover.cgroups", "[a]"),
    ];
    let never = record("a", &[("process.exit", "1"), ("leftover.cgroups", "[]")]);
    let exit = "b: b/shell (Recognised)";
    assert_eq!(
        said(
            &[("b/shell", shell)],
            &[never.clone(), record("b", &began)],
            &facts
        ),
        [exit, "b: b/shell (Follows)", "", ""]
    );
    // Both began: what one of them lacks is a different matter.
    let without = record("a", &[("process.exit", "1"), ("proc.init.exe", "/bin/true")]);
    assert_eq!(
        said(&[("b/shell", shell)], &[without, record("b", &began)], &facts)[1],
        ""
    );
}

#[test]
fn which_error_a_failure_ends_with_follows_from_it() {
    let takes = "shows: [{fact: lifecycle.create.result, is: ok, instead: error}]";
    let facts = ["lifecycle.create.result", "lifecycle.create.error"];
    let failed = |label, error| record(label, &[(facts[0], "error"), (facts[1], error)]);
    let taken = record("c", &[(facts[0], "ok")]);
    let (takes, follows) = ([("c/takes", takes)], "c: c/takes (Follows)");
    assert_eq!(
        said(
            &takes,
            &[failed("a", "EINVAL"), failed("b", "other"), taken],
            &facts
        ),
        ["c: c/takes (Recognised)", follows]
    );
}

#[test]
fn a_workload_that_prints_what_is_explained_is_explained_by_it() {
    let idle = "shows: [{fact: cgroup.cpu.idle, is: 0, instead: 1}]";
    let facts = ["cgroup.cpu.idle", "process.stdout"];
    let prints = |lines: [&'static str; 2]| {
        let records = [
            record("a", &[(facts[0], "0"), (facts[1], lines[0])]),
            record("b", &[(facts[0], "1"), (facts[1], lines[1])]),
        ];
        said(&[("a/idle", idle)], &records, &facts).remove(1)
    };
    let follows = "a: a/idle (Follows)";
    for (lines, expected) in [
        (["[cpu/cpu.idle 0]", "[cpu/cpu.idle 1]"], follows),
        // Another name, another word, one line more.
        (["[tries 0]", "[tries 1]"], ""),
        (["[cpu/cpu.idle 0 then]", "[cpu/cpu.idle 1 now]"], ""),
        (["[cpu/cpu.idle 0]", "[cpu/cpu.idle 1, more]"], ""),
    ] {
        assert_eq!(prints(lines), expected, "{lines:?}");
    }
}

#[test]
fn a_sign_can_ask_how_a_step_was_called_and_what_it_said() {
    let takes = "shows: [{fact: lifecycle.kill.result, is: ok, instead: error, where: {lifecycle.kill.call: {has: '*x'}}}]";
    let facts = ["lifecycle.kill.result"];
    let kill = |label, result: &str, signal: &str| {
        let mut record = record(label, &[(facts[0], result)]);
        record.steps = vec![StepRecord {
            label: "kill".to_owned(),
            op: Op::Kill,
            argv: vec!["kill".to_owned(), signal.to_owned()],
            result: CallResult::Ok,
            exit: Some(0),
            text: String::new(),
            seconds: 0.0,
        }];
        record
    };
    for (signal, expected) in [("15x", "b: b/takes (Recognised)"), ("15", "")] {
        let records = [kill("a", "error", signal), kill("b", "ok", signal)];
        assert_eq!(
            said(&[("b/takes", takes)], &records, &facts),
            [expected],
            "{signal}"
        );
    }
}
