//! Which failing steps make a case worthless.

use ocidiff_model::record::{Aside, BundleDigest, RunOutcome};
use ocidiff_model::{Fact, RuntimeId};

use super::*;
use crate::judge::verdict::tests::{case, known, machine};

fn entry(case: &str, known: &str) -> Entry {
    Entry {
        case: self::case(case),
        known: self::known(known),
    }
}

/// A record with these steps: op, whether it succeeded, what was printed.
fn record(label: &str, steps: &[(Op, bool, &str)]) -> Record {
    let result = |ok: bool| if ok { CallResult::Ok } else { CallResult::Error };
    let step = |(op, ok, text): &(Op, bool, &str)| StepRecord {
        label: op.name().into(),
        op: *op,
        argv: Vec::new(),
        result: result(*ok),
        exit: Some(i32::from(!ok)),
        text: (*text).into(),
        seconds: 0.0,
    };
    let fact = |(op, ok, _): &(Op, bool, &str)| {
        Fact::new(format!("lifecycle.{}.result", op.name()), result(*ok).value())
    };
    Record {
        case: "t/c".into(),
        runtime: RuntimeId {
            name: label.into(),
            version: "1.2".parse().expect("a version"),
            label: label.into(),
        },
        bundle: BundleDigest::default(),
        recorder: "ptrace".into(),
        outcome: RunOutcome::Complete,
        ran: false,
        steps: steps.iter().map(step).collect(),
        facts: steps.iter().map(fact).collect(),
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

fn said(case: &str, known: &str, records: &[Record]) -> Option<String> {
    let records: Vec<&Record> = records.iter().collect();
    no_runtime_does(&entry(case, known), &machine(), &records, &[])
}

#[test]
fn a_step_that_fails_everywhere_is_said_with_each_one_s_words() {
    let fail = |who: &str, text: &str| record(who, &[(Op::Create, false, text)]);
    let both = [fail("runc", "warning\nno uts namespace\n"), fail("crun", "")];
    assert_eq!(
        said("", "[]", &both).as_deref(),
        Some("no runtime does this: create: runc: no uts namespace; crun: create ended with error")
    );
    let one = [fail("runc", "x"), record("crun", &[(Op::Create, true, "")])];
    assert_eq!(said("", "[]", &one), None, "that is a difference");
    assert_eq!(said("", "[]", &[]), None);
}

#[test]
fn a_runtime_that_puts_the_container_aside_hides_no_failure_of_the_others() {
    let fails = |who: &str| record(who, &[(Op::Create, true, ""), (Op::Start, false, "x")]);
    let refuses = record("youki", &[(Op::Create, false, "not supported")]);
    let aside = Record {
        outcome: RunOutcome::Partly(Aside {
            lives: vec!["main".to_owned()],
            why: "not supported".to_owned(),
        }),
        ..refuses.clone()
    };
    let said = |other: &Record| said("", "[]", &[fails("runc"), fails("crun"), other.clone()]);
    assert_eq!(
        said(&aside).as_deref(),
        Some("no runtime does this: start: runc: x; crun: x")
    );
    assert_eq!(said(&refuses), None, "its create is a difference");
}

#[test]
fn hostile_words_are_bounded_and_escaped() {
    let text = "\u{1b}[2J".repeat(10_000);
    let both = ["runc", "crun"].map(|who| record(who, &[(Op::Create, false, &text)]));
    let why = said("", "[]", &both).expect("a reason");
    assert!(!why.contains('\u{1b}') && why.len() < 3000, "{}", why.len());
}

#[test]
fn a_failure_that_the_case_expects_is_what_it_is_about() {
    let both = ["runc", "crun"].map(|who| record(who, &[(Op::Create, false, "x")]));
    for (case, expected) in [
        ("expect: {lifecycle.create.result: error}", true),
        ("expect: {lifecycle.create.error: EINVAL}", true),
        ("steps: [{create: {expect: error}}]", true),
        ("expect: {lifecycle.create2.result: error}", false),
        ("expect: {lifecycle.state.result: error}", false),
        ("expect: {process.exit: 1}", false),
        ("", false),
    ] {
        assert_eq!(said(case, "[]", &both).is_none(), expected, "{case}");
    }
}

#[test]
fn a_failure_that_findings_account_for_under_every_runtime_is_known() {
    let both = ["runc", "crun"].map(|who| record(who, &[(Op::Create, false, "x")]));
    let records: Vec<&Record> = both.iter().collect();
    let case = entry("", "[]");
    assert_eq!(
        unexpected_failures(&case, &machine(), &records),
        ["lifecycle.create.result"]
    );
    let expects = entry("expect: {lifecycle.create.result: error}", "[]");
    assert!(unexpected_failures(&expects, &machine(), &records).is_empty());
    let mut found = Vec::new();
    crate::judge::verdict::hold_against_success(&mut found, "lifecycle.create.result", &records);
    assert_eq!(found[0].against, ["runc", "crun"]);
    assert!(
        no_runtime_does(&case, &machine(), &records, &found).is_some(),
        "nothing accounts for it"
    );
    found[0].standing = Standing::Known;
    assert_eq!(no_runtime_does(&case, &machine(), &records, &found), None);
}

#[test]
fn a_failure_that_is_written_of_these_versions_is_known() {
    let both = ["runc", "crun"].map(|who| record(who, &[(Op::Create, false, "x")]));
    let known = |values: &str| format!("[{{fact: lifecycle.create.result, values: {values}}}]");
    for (values, expected) in [
        ("{runc: error, crun: error}", true),
        ("{runc: error, 'crun <2': error, 'crun >=2': ok}", true),
        ("{runc: error, 'crun <1': error, 'crun >=1': ok}", false),
        ("{runc: error}", false),
    ] {
        assert_eq!(said("", &known(values), &both).is_none(), expected, "{values}");
    }
}

#[test]
fn a_later_step_and_one_of_the_harness_count_too() {
    let steps = [
        (Op::Create, true, ""),
        (Op::Start, true, ""),
        (Op::Await, false, ""),
    ];
    let both = ["runc", "crun"].map(|who| record(who, &steps));
    let case = "steps: [create, start, {await: {stdout: ready}}, delete]";
    assert!(said(case, "[]", &both).is_some_and(|why| why.contains("await")));
}

#[test]
fn only_what_comes_after_the_case_ended_the_container_may_fail_unsaid() {
    let steps = |results: &[(Op, bool)]| results.iter().map(|(op, ok)| (*op, *ok, "")).collect::<Vec<_>>();
    let started = [(Op::Create, true), (Op::Start, true)];
    for (case, later, expected) in [
        ("wait, {delete: {force: true}}", &[(Op::Wait, false)][..], false),
        ("wait, {kill: {signal: KILL}}", &[(Op::Wait, false)], false),
        (
            "{wait: {expect: any}}, {kill: {signal: KILL}}",
            &[(Op::Wait, false)],
            true,
        ),
        (
            "wait, {kill: {signal: TERM}}",
            &[(Op::Wait, true), (Op::Kill, false)],
            false,
        ),
        ("wait, pause", &[(Op::Wait, true), (Op::Pause, false)], false),
        (
            "{kill: {signal: KILL}}, wait, resume",
            &[(Op::Kill, true), (Op::Wait, true), (Op::Resume, false)],
            true,
        ),
        (
            "{kill: {signal: KILL, as: other}}, wait, resume",
            &[(Op::Kill, true), (Op::Wait, true), (Op::Resume, false)],
            false,
        ),
    ] {
        let steps = steps(&[&started[..], later].concat());
        let both = ["runc", "crun"].map(|who| record(who, &steps));
        let text = format!("steps: [create, start, {case}]");
        assert_eq!(said(&text, "[]", &both).is_none(), expected, "{case}");
    }
}

#[test]
fn a_bundle_that_nobody_starts() {
    let fails_at = |who: &str, op: Op| {
        let steps = [Op::Create, Op::Start];
        let all: Vec<_> = steps
            .into_iter()
            .map(|step| (step, step != op, "no such config"))
            .collect();
        record(who, &all)
    };
    let nobody = [fails_at("runc", Op::Create), fails_at("crun", Op::Start)];
    let records: Vec<&Record> = nobody.iter().collect();
    assert_eq!(
        nobody_starts(&records).as_deref(),
        Some("nobody starts it: runc: no such config; crun: no such config")
    );
    let one = [fails_at("runc", Op::Create), fails_at("crun", Op::Delete)];
    let records: Vec<&Record> = one.iter().collect();
    assert_eq!(nobody_starts(&records), None, "crun starts it");

    // An init that cannot execute the program says so after the runtime has already answered.
    let ended = |calls: i64, exit: bool| {
        let mut record = fails_at("runc", Op::Delete);
        let fact = |path: &str, value: Value| Fact::new(path, value);
        record.facts.push(fact("syscall.processes", calls.into()));
        let said = vec!["exec /bin/x: no such file or directory".to_owned()];
        record.facts.push(fact("process.stderr", said.into()));
        record.facts.extend(exit.then(|| fact("process.exit", 1.into())));
        record
    };
    assert_eq!(
        nobody_starts(&[&ended(0, true)]).as_deref(),
        Some("nobody starts it: runc: exec /bin/x: no such file or directory")
    );
    assert_eq!(
        nobody_starts(&[&ended(0, true), &fails_at("crun", Op::Create)]),
        None,
        "runc says that it started"
    );
    assert_eq!(nobody_starts(&[&ended(1, true)]), None, "it exits by itself");
    assert_eq!(nobody_starts(&[&ended(0, false)]), None, "a filter killed it");
}
