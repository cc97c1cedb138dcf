//! A table of small records: what is found, and what is said about it.

use ocidiff_model::finding::FindingId;
use ocidiff_model::known::{RuntimeKey, When, Written};
use ocidiff_model::record::{BundleDigest, CallResult, RunOutcome};
use ocidiff_model::{CaseFile, Fact, RuntimeId, StepRecord};

use super::*;

pub(crate) fn case(yaml: &str) -> Case {
    let body: CaseFile = serde_yaml::from_str(&format!("summary: s\n{yaml}")).expect("case");
    Case {
        name: "t/c".into(),
        source: "cases/t/c.yaml".into(),
        member: None,
        body,
    }
}

/// Known values by runtime, `[{fact: process.exit, values: {runc: 0, 'crun <1': 2}}]`, whatever the findings.
pub(crate) fn known(yaml: &str) -> Known {
    #[derive(serde::Deserialize)]
    struct Values {
        fact: String,
        values: std::collections::BTreeMap<RuntimeKey, Value>,
        when: Option<When>,
    }
    let all: Vec<Values> = if yaml.is_empty() {
        Vec::new()
    } else {
        serde_yaml::from_str(yaml).expect(yaml)
    };
    let entry = |values: Values| KnownEntry {
        fact: values.fact,
        members: Vec::new(),
        when: values.when,
        rate: None,
        written: values
            .values
            .into_iter()
            .map(|(key, shows)| Written {
                because: vec![FindingId::unexplained()],
                who: vec![key],
                when: Vec::new(),
                shows,
            })
            .collect(),
        otherwise: None,
        by_signs: false,
    };
    Known(all.into_iter().map(entry).collect())
}

pub(crate) fn machine() -> Machine {
    Machine {
        kernel: "6.18".parse().expect("version"),
        cgroup: ocidiff_model::CgroupVersion::V1,
        arch: "x86_64".into(),
        via: None,
    }
}

fn record(label: &str, facts: &[(&str, Value)]) -> Record {
    let mut facts: Vec<Fact> = facts
        .iter()
        .map(|(path, value)| Fact::new(*path, value.clone()))
        .collect();
    for path in ["lifecycle.create.result", "lifecycle.start.result"] {
        if facts.iter().all(|fact| fact.path != path) {
            facts.push(Fact::new(path, "ok"));
        }
    }
    let step = |op: Op| StepRecord {
        label: op.name().into(),
        op,
        argv: Vec::new(),
        result: CallResult::Ok,
        exit: Some(0),
        text: String::new(),
        seconds: 0.0,
    };
    Record {
        case: "t/c".into(),
        runtime: RuntimeId {
            name: label.into(),
            version: "1.2".parse().expect("version"),
            label: label.into(),
        },
        bundle: BundleDigest::default(),
        recorder: "ptrace".into(),
        outcome: RunOutcome::Complete,
        ran: true,
        steps: vec![step(Op::Create), step(Op::Start)],
        facts,
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

fn exits(values: [i64; 3]) -> Vec<Record> {
    ["runc", "crun", "youki"]
        .into_iter()
        .zip(values)
        .map(|(label, value)| record(label, &[("process.exit", Value::Int(value))]))
        .collect()
}

fn said(case_yaml: &str, known_yaml: &str, records: &[Record]) -> (Verdict, Vec<Difference>) {
    let records: Vec<&Record> = records.iter().collect();
    let found = judge(&case(case_yaml), &known(known_yaml), &machine(), &records);
    (verdict(&found), found)
}

#[test]
fn equal_facts_agree_and_others_are_new() {
    assert_eq!(said("", "[]", &exits([0, 0, 0])).0, Verdict::Agree);
    let (verdict, found) = said("", "[]", &exits([0, 2, 2]));
    assert_eq!(verdict, Verdict::New);
    assert_eq!(found[0].groups[0].runtimes, ["runc"]);
    assert_eq!(found[0].groups[1].runtimes, ["crun", "youki"]);
}

#[test]
fn what_is_written_down_is_known_only_as_written() {
    let written = "[{fact: process.exit, values: {runc: 0, crun: 2, youki: 2}}]";
    assert_eq!(said("", written, &exits([0, 2, 2])).0, Verdict::Known);
    assert_eq!(
        said("", written, &exits([0, 2, 3])).0,
        Verdict::New,
        "another value"
    );
    assert_eq!(said("", written, &exits([0, 0, 0])).0, Verdict::Gone);
    let partly = "[{fact: process.exit, values: {runc: 0, crun: 2}}]";
    assert_eq!(
        said("", partly, &exits([0, 2, 2])).0,
        Verdict::New,
        "youki is not written of"
    );
}

#[test]
fn an_entry_about_other_runtimes_versions_or_machines_is_not_gone() {
    let pair = &exits([0, 0, 0])[..2];
    let about_youki = "[{fact: process.exit, values: {runc: 0, crun: 0, youki: 1}}]";
    assert_eq!(said("", about_youki, pair).0, Verdict::Agree);
    let old = "[{fact: process.exit, values: {runc: 0, 'crun <1': 2, youki: 0}}]";
    assert_eq!(said("", old, &exits([0, 0, 0])).0, Verdict::Agree);
    let v2 = "[{fact: process.exit, values: {runc: 0, crun: 2, youki: 2}, when: {cgroup: v2}}]";
    assert_eq!(said("", v2, &exits([0, 0, 0])).0, Verdict::Agree);
    assert_eq!(said("", v2, &exits([0, 2, 2])).0, Verdict::New);
}

#[test]
fn an_expectation_that_all_break_is_a_violation() {
    let expect = "requirement: [r]\nexpect: {process.exit: 0}";
    assert_eq!(said(expect, "[]", &exits([0, 0, 0])).0, Verdict::Agree);
    let (verdict, found) = said(expect, "[]", &exits([1, 1, 1]));
    assert_eq!(verdict, Verdict::Violation);
    assert_eq!(found[0].requirement.as_deref(), Some("r"));
    assert_eq!(found[0].against, ["runc", "crun", "youki"]);
    let written = "[{fact: process.exit, values: {runc: 1, crun: 1, youki: 1}}]";
    assert_eq!(said(expect, written, &exits([1, 1, 1])).0, Verdict::Known);
    assert_eq!(said(expect, written, &exits([0, 0, 0])).0, Verdict::Gone);
}

#[test]
fn facts_that_a_case_does_not_watch_are_not_compared() {
    let records = [
        record("runc", &[("proc.init.umask", "0022".into())]),
        record("crun", &[("proc.init.umask", "0077".into())]),
    ];
    assert_eq!(said("", "[]", &records).0, Verdict::Agree);
    assert_eq!(
        said("watch: {proc: [init.umask]}", "[]", &records).0,
        Verdict::New
    );
}

#[test]
fn where_create_failed_only_that_is_told() {
    let mut failed = record("youki", &[("lifecycle.create.result", "error".into())]);
    failed.ran = false;
    failed.steps.truncate(1);
    let ran = record(
        "runc",
        &[
            ("lifecycle.create.result", "ok".into()),
            ("lifecycle.start.result", "ok".into()),
            ("process.exit", Value::Int(0)),
        ],
    );
    let (verdict, found) = said("expect: {process.exit: 0}", "[]", &[ran, failed]);
    assert_eq!(verdict, Verdict::New);
    let facts: Vec<_> = found.iter().map(|difference| difference.fact.as_str()).collect();
    assert_eq!(facts, ["lifecycle.create.result"]);
}

#[test]
fn what_another_container_shows_counts_whatever_becomes_of_the_main_one() {
    let shown = |label: &str, exit: i64| {
        let mut record = record(label, &[("process.second.exit", Value::Int(exit))]);
        record.ran = false;
        for (step, op) in record.steps.iter_mut().zip(["second.create", "second.start"]) {
            op.clone_into(&mut step.label);
        }
        record
    };
    let expect = "steps: [{create: {as: second}}, {start: {as: second}}]\nexpect: {process.second.exit: 7}";
    let agreeing = [shown("runc", 0), shown("crun", 0)];
    assert_eq!(said(expect, "", &agreeing).0, Verdict::Unexpected);
    assert_eq!(
        said("", "", &[shown("runc", 0), shown("crun", 5)]).0,
        Verdict::New
    );
    let mut unstarted = shown("crun", 5);
    unstarted.steps.truncate(1);
    assert_eq!(said("", "", &[shown("runc", 0), unstarted]).0, Verdict::Agree);
}

#[test]
fn what_nobody_could_see_is_not_compared() {
    let seen = record(
        "runc",
        &[
            ("syscall.denied", Value::List(Vec::new())),
            ("process.exit", Value::Int(0)),
        ],
    );
    let mut unseen = record("crun", &[("process.exit", Value::Int(0))]);
    assert_eq!(said("", "[]", &[seen.clone(), unseen.clone()]).0, Verdict::New);
    unseen.recorder = "none (failed to attach: Operation not permitted)".into();
    assert_eq!(said("", "[]", &[seen.clone(), unseen.clone()]).0, Verdict::Agree);
    unseen.facts = vec![Fact::new("process.exit", Value::Int(1))];
    assert_eq!(
        said("", "[]", &[seen, unseen]).0,
        Verdict::New,
        "the end is seen all the same"
    );
}

#[test]
fn what_varies_is_written_as_any() {
    let written = "[{fact: process.exit, values: {runc: 0, crun: 0, youki: '*'}}]";
    assert_eq!(said("", written, &exits([0, 0, 7])).0, Verdict::Known);
    assert_eq!(
        said("", written, &exits([0, 0, 0])).0,
        Verdict::Agree,
        "by chance the same"
    );
    assert_eq!(said("", written, &exits([0, 1, 7])).0, Verdict::New);
}

#[test]
fn an_expectation_takes_stars_and_absence() {
    let versions = ["1.0.2", "2.0.0", "1.1.0"];
    let records: Vec<Record> = ["runc", "crun", "youki"]
        .iter()
        .zip(versions)
        .map(|(label, version)| record(label, &[("proc.uts.release", version.into())]))
        .collect();
    let expects = |yaml: &str| said(yaml, "", &records).1;
    let found = expects("expect: {proc.uts.release: {is: '1.*', requirement: r}, proc.umask: (absent)}");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].against, ["crun"]);
    let found = expects("expect: {proc.uts.release: (absent)}");
    assert_eq!(found[0].against.len(), 3);
}

#[test]
fn what_a_running_container_is_to_show_implies_that_it_is_made() {
    let refusing = |label: &str| {
        let mut record = record(label, &[("lifecycle.create.result", "error".into())]);
        record.ran = false;
        record.steps.truncate(1);
        record.steps[0].result = CallResult::Error;
        record
    };
    let records = [
        record("runc", &[("lifecycle.create.result", "ok".into())]),
        refusing("crun"),
    ];
    let clauses = |yaml: &str| {
        let (_, found) = said(yaml, "", &records);
        let of_create = found
            .into_iter()
            .find(|one| one.fact == "lifecycle.create.result");
        let of_create = of_create.expect("a difference");
        (of_create.against, of_create.requirement)
    };
    let implied = (vec!["crun".to_owned()], Some("r".to_owned()));
    assert_eq!(
        clauses("expect: {proc.umask: {is: '0022', requirement: r}}"),
        implied
    );
    assert_eq!(clauses("requirement: [r]\nexpect: {process.exit: 0}"), implied);
    // Nothing is implied by what a failed create also shows, by another container, or against the case's own words.
    let none = (Vec::new(), None);
    assert_eq!(
        clauses("expect: {leftover.files: {is: [], requirement: r}}"),
        none
    );
    assert_eq!(clauses("expect: {proc.umask: (absent)}"), none);
    let another = "steps: [create, start, {create: {as: other}}]\nexpect: {proc.other.umask: {is: '0022', requirement: r}}";
    assert_eq!(clauses(another), none);
    let implied = expectations(&case(another));
    let of_other = implied
        .iter()
        .find(|one| one.fact == "lifecycle.other.create.result");
    let of_other = of_other.expect("it is to be created").what.requirement.clone();
    assert_eq!(of_other.as_deref(), Some("r"));
    let own = (vec!["runc".to_owned()], None);
    assert_eq!(
        clauses("expect: {lifecycle.create.result: error, process.exit: 0}"),
        own
    );
}

#[test]
fn what_all_others_should_show_is_gone_if_they_show_another_though_one_may_show_any_value() {
    let mut open = known("[{fact: process.exit, values: {crun: '*'}}]");
    for (otherwise, expected) in [(5, Verdict::Gone), (0, Verdict::Agree)] {
        open.0[0].otherwise = Some(otherwise.into());
        let records = exits([0, 0, 0]);
        let records: Vec<&Record> = records.iter().collect();
        let found = judge(&case(""), &open, &machine(), &records);
        assert_eq!(verdict(&found), expected, "{otherwise}");
    }
}

#[test]
fn a_runtime_that_is_named_with_a_value_is_gone_if_it_shows_another_though_nothing_differs() {
    for (written, verdict) in [
        ("{crun: 5, runc: '*', youki: '*'}", Verdict::Gone),
        ("{crun: 5}", Verdict::Gone),
        ("{crun: 5, runc: 5, youki: 5}", Verdict::Gone),
        ("{crun: 0, runc: '*', youki: '*'}", Verdict::Agree),
        ("{'crun <1': 5, runc: '*', youki: '*'}", Verdict::Agree),
    ] {
        let known = format!("[{{fact: process.exit, values: {written}}}]");
        assert_eq!(said("", &known, &exits([0, 0, 0])).0, verdict, "{written}");
    }
}

#[test]
fn a_case_expects_what_it_says_of_facts_and_steps_and_what_these_imply() {
    for (yaml, expected) in [
        ("steps: [{run: {expect: ok}}]", vec!["lifecycle.run.exit"]),
        (
            "steps: [{create: {expect: ok}}, {start: {expect: any}}]",
            vec!["lifecycle.create.result"],
        ),
        (
            "steps: [create, start, wait, delete, create, start, wait]\nexpect: {process.exit: 0}",
            vec![
                "process.exit",
                "lifecycle.create.result",
                "lifecycle.start.result",
            ],
        ),
        (
            "steps: [create, {create: {as: b}}, {start: {as: b}}]\nexpect: {process.b.exit: 0}",
            vec![
                "process.b.exit",
                "lifecycle.b.create.result",
                "lifecycle.b.start.result",
            ],
        ),
        (
            "steps: [{create: {expect: error}}, start]\nexpect: {process.exit: (absent)}",
            vec!["process.exit", "lifecycle.create.result"],
        ),
    ] {
        let all = expectations(&case(yaml));
        let facts: Vec<&str> = all.iter().map(|expected| expected.fact.as_str()).collect();
        assert_eq!(facts, expected, "{yaml}");
    }
    for (requirement, clauses) in [("[r]", vec!["r"]), ("[r, s]", vec![]), ("[]", vec![])] {
        let case = case(&format!(
            "requirement: {requirement}\nsteps: [{{create: {{expect: error}}}}]"
        ));
        assert_eq!(expected_clauses(&case), clauses, "{requirement}");
    }
}

#[test]
fn what_is_written_as_it_is_not_expected_should_show() {
    let all = |value: &str| {
        format!("[{{fact: process.exit, values: {{runc: {value}, crun: {value}, youki: {value}}}}}]")
    };
    for (expected, written, shown, verdict) in [
        ("0", "2", 0, Verdict::Gone),
        ("0", "(absent)", 0, Verdict::Gone),
        ("0", "0", 0, Verdict::Agree),
        ("2", "2", 2, Verdict::Agree),
        ("2", "2", 0, Verdict::Unexpected),
    ] {
        let case = format!("expect: {{process.exit: {expected}}}");
        let (said, _) = said(&case, &all(written), &exits([shown; 3]));
        assert_eq!(said, verdict, "{expected} {written} {shown}");
    }
}

#[test]
fn of_what_is_as_written_only_what_may_be_anything_is_told() {
    let known = "[{fact: process.exit, values: {runc: '*', crun: 1, youki: 1}}]";
    let (verdict, found) = said("", known, &exits([5, 1, 1]));
    assert_eq!(verdict, Verdict::Known);
    assert_eq!(found[0].written, [("runc".to_owned(), Value::from("*"))]);
    let (verdict, found) = said("", known, &exits([5, 1, 2]));
    assert_eq!((verdict, found[0].written.len()), (Verdict::New, 3));
}

#[test]
fn a_failure_everywhere_is_held_against_success_once() {
    let records = exits([0; 3]);
    let records: Vec<&Record> = records.iter().collect();
    let mut found = vec![difference("process.exit", Vec::new())];
    hold_against_success(&mut found, "lifecycle.wait.result", &records);
    assert_eq!(found.len(), 1, "no record has such a step");
    hold_against_success(&mut found, "process.stdout", &records);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].against, ["runc", "crun", "youki"]);
    hold_against_success(&mut found, "process.exit", &records);
    assert!(found.len() == 2 && found[0].against.is_empty());
}
