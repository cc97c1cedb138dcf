//! What a check's report says about itself, on handmade reports.

use super::*;
use crate::check::NodeCheck;

mod fleet;

fn runtime(name: &str) -> RuntimeId {
    serde_json::from_value(serde_json::json!({"name": name, "label": name, "version": "1.0"}))
        .expect("a runtime")
}

fn finding(impact: Impact) -> Finding {
    let impact = serde_json::to_value(impact).expect("an impact");
    let text = serde_json::json!({
        "impact": impact, "what": "process.umask", "from": "0o22", "to": "0o0", "reason": "files are open to all",
    });
    serde_json::from_value(text).expect("a finding")
}

fn ignored(impact: Impact) -> Finding {
    let text = serde_json::json!({"finding": "crun/known", "reason": "accepted", "until": "2999-01-01"});
    Finding {
        ignored: Some(serde_json::from_value(text).expect("an entry")),
        ..finding(impact)
    }
}

fn before(impact: Impact) -> Finding {
    Finding {
        before: true,
        ..finding(impact)
    }
}

fn shape(name: &str, findings: &[Finding]) -> ShapeReport {
    ShapeReport {
        digest: name.to_owned(),
        workloads: vec![name.to_owned()],
        from: None,
        changes: Vec::new(),
        findings: findings.to_vec(),
    }
}

fn unchecked(before: bool) -> Unchecked {
    Unchecked {
        workload: "vault".to_owned(),
        why: "joins a namespace that is not there".to_owned(),
        before,
        uncounted: false,
    }
}

fn version() -> VersionReport {
    VersionReport {
        runtime: runtime("crun"),
        safe: 0,
        at_risk: Vec::new(),
        worst: None,
        unchecked: Vec::new(),
        why_not: None,
    }
}

fn report(shapes: Vec<ShapeReport>, unchecked: Vec<Unchecked>) -> CheckReport {
    CheckReport {
        node: "node-1".to_owned(),
        shapes,
        unchecked,
        ..CheckReport::new(runtime("runc"), runtime("crun"))
    }
}

#[test]
fn what_is_ignored_or_known_before_counts_neither_as_a_risk_nor_as_mild() {
    use Impact::{Breaks, Cosmetic};
    let row = |it: &Finding| [it.counts(), it.is_risk(), it.is_mild(), it.is_old_risk()];
    for (what, of, wanted) in [
        ("a risk", finding(Breaks), [true, true, false, false]),
        ("a mild one", finding(Cosmetic), [true, false, true, false]),
        ("an ignored one", ignored(Breaks), [false; 4]),
        ("an ignored mild one", ignored(Cosmetic), [false; 4]),
        ("an old risk", before(Breaks), [false, false, false, true]),
        ("an old mild one", before(Cosmetic), [false; 4]),
        (
            "an old one that is ignored",
            Finding {
                before: true,
                ..ignored(Breaks)
            },
            [false; 4],
        ),
    ] {
        assert_eq!(row(&of), wanted, "{what}");
    }
}

#[test]
fn a_failure_is_a_call_of_the_runtime_that_breaks_the_workload() {
    let of = |what: &str, impact| {
        let what = what.to_owned();
        let found = Finding {
            what,
            ..finding(impact)
        };
        found.is_failure()
    };
    assert!(of("lifecycle.create.result", Impact::Breaks));
    assert!(!of("lifecycle.create.result", Impact::Cosmetic));
    assert!(!of("process.umask", Impact::Breaks));
}

#[test]
fn two_findings_are_the_same_by_id_or_else_by_what_differs() {
    let plain = finding(Impact::Breaks);
    let other = Finding {
        to: "0o77".to_owned(),
        ..plain.clone()
    };
    assert_ne!(plain.sameness(), other.sameness());
    assert_eq!(plain.sameness().0, "process.umask: 0o22 -> 0o0");
    let id = |it: Finding| Finding {
        id: Some("crun/umask".parse().expect("an id")),
        ..it
    };
    assert_eq!(id(plain.clone()).sameness(), id(other).sameness());
    let milder = Finding {
        impact: Impact::Cosmetic,
        ..plain.clone()
    };
    assert_ne!(
        id(plain).sameness(),
        id(milder).sameness(),
        "what got worse is news"
    );
}

#[test]
fn a_shape_is_as_bad_as_the_worst_of_its_findings_that_count() {
    use Impact::{Breaks, Cosmetic, MayBreak};
    for (findings, worst, safe, as_before) in [
        (vec![], None, true, false),
        (vec![finding(Cosmetic)], Some(Cosmetic), true, false),
        (
            vec![finding(Cosmetic), finding(Breaks), finding(MayBreak)],
            Some(Breaks),
            false,
            false,
        ),
        (vec![ignored(Breaks)], None, true, false),
        (vec![before(Breaks)], None, true, true),
        (
            vec![before(Breaks), finding(MayBreak)],
            Some(MayBreak),
            false,
            false,
        ),
        (vec![before(Cosmetic)], None, true, false),
    ] {
        let shape = shape("web", &findings);
        let seen = (shape.worst(), shape.is_safe(), shape.is_as_before());
        assert_eq!(seen, (worst, safe, as_before), "{findings:?}");
    }
}

#[test]
fn a_check_ends_with_1_for_a_risk_and_3_for_what_could_not_be_checked() {
    use ExitStatus::{Broken, Differs, Ok};
    let may = || shape("web", &[finding(Impact::MayBreak)]);
    let mild = || shape("db", &[finding(Impact::Cosmetic)]);
    for (report, wanted) in [
        (report(vec![], vec![]), Ok),
        (report(vec![mild()], vec![]), Ok),
        (report(vec![may()], vec![]), Differs),
        (report(vec![mild(), may()], vec![unchecked(false)]), Differs),
        (report(vec![mild()], vec![unchecked(false)]), Broken),
        (report(vec![mild()], vec![unchecked(true)]), Ok),
        (
            report(vec![mild()], vec![unchecked(true), unchecked(false)]),
            Broken,
        ),
    ] {
        assert_eq!(report.exit(), wanted, "{report:?}");
    }
    let may = report(vec![may()], vec![]);
    assert_eq!(may.exit_from(Impact::Breaks), Ok);
    assert_eq!(may.exit_from(Impact::MayBreak), Differs);
    assert_eq!(may.exit_from(Impact::Cosmetic), Differs);
}

#[test]
fn the_worst_shapes_come_first() {
    let shapes = [
        shape("none", &[]),
        shape("breaks", &[finding(Impact::Breaks)]),
        shape("may", &[finding(Impact::MayBreak)]),
    ];
    let sorted = report(shapes.to_vec(), vec![]).worst_first();
    let names: Vec<_> = sorted.shapes.iter().map(|shape| shape.digest.as_str()).collect();
    assert_eq!(names, ["breaks", "may", "none"]);
}

#[test]
fn a_report_is_cut_by_the_runtime_that_the_workloads_run_under() {
    let under = |name: &str, from: &str| ShapeReport {
        from: Some(runtime(from)),
        ..shape(name, &[])
    };
    let shapes = vec![
        under("a", "runc"),
        under("b", "youki"),
        under("c", "runsc"),
        under("d", "youki"),
    ];
    let mut whole = report(shapes, vec![unchecked(false)]);
    whole.set_aside.push(SetAside {
        why: "under crun already".to_owned(),
        workloads: vec!["e".to_owned()],
    });
    whole.versions.push(version());
    assert_eq!(whole.from_of(&whole.shapes[0]).name, "runc");
    assert_eq!(whole.from_of(&whole.shapes[1]).name, "youki");
    let cut: Vec<_> = whole
        .by_from()
        .into_iter()
        .map(|part| {
            let shapes = part.shapes.iter().map(|shape| shape.digest.clone());
            let rest = [part.unchecked.len(), part.set_aside.len(), part.versions.len()];
            (part.from.name, shapes.collect::<Vec<_>>(), rest)
        })
        .collect();
    let row = |from: &str, shapes: &[&str], rest: [usize; 3]| {
        let shapes = shapes.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
        (from.to_owned(), shapes, rest)
    };
    assert_eq!(
        cut,
        [
            row("runc", &["a"], [1; 3]),
            row("youki", &["b", "d"], [0; 3]),
            row("runsc", &["c"], [0; 3])
        ]
    );
}

#[test]
fn a_version_counts_its_workloads_and_is_safe_where_nothing_is_at_risk_or_unchecked() {
    let mut version = version();
    assert!(version.is_safe());
    version.add(report(vec![shape("a", &[]), shape("b", &[])], vec![]));
    version.add(report(vec![shape("c", &[finding(Impact::Cosmetic)])], vec![]));
    assert!(version.is_safe());
    assert_eq!((version.safe, version.worst), (3, None));
    let fails = VersionReport {
        why_not: Some("does not start".to_owned()),
        ..version.clone()
    };
    assert!(!fails.is_safe());
    let mut missing = version.clone();
    missing.add(report(vec![], vec![unchecked(false)]));
    assert!(!missing.is_safe());
    assert_eq!(missing.unchecked, ["vault"]);
    version.add(report(
        vec![
            shape("d", &[finding(Impact::Breaks)]),
            shape("e", &[finding(Impact::MayBreak)]),
        ],
        vec![],
    ));
    assert!(!version.is_safe());
    let seen = (version.safe, version.at_risk, version.worst);
    let at_risk = vec!["d".to_owned(), "e".to_owned()];
    assert_eq!(seen, (3, at_risk, Some(Impact::Breaks)));
}

#[test]
fn a_report_is_its_events_and_they_are_the_report() {
    let mut whole = report(
        vec![shape("web", &[finding(Impact::Breaks)])],
        vec![unchecked(true)],
    );
    whole.versions.push(version());
    let mut events = whole.events().into_iter();
    let Some(CheckEvent::CheckStarted(head)) = events.next() else {
        panic!("a report begins with its head")
    };
    let mut read = NodeCheck::new(*head);
    for event in events {
        assert_eq!(read.exit, None);
        read.take(event).expect("an event of this check");
    }
    assert_eq!(read.exit, Some(ExitStatus::Differs));
    assert_eq!(read.report, whole);
    let late = CheckEvent::WorkloadUnchecked(unchecked(false));
    assert_eq!(read.take(late.clone()), Err(late), "nothing comes after the end");
    let mut other = NodeCheck::new(whole.clone());
    let start = CheckEvent::CheckStarted(Box::new(whole));
    assert_eq!(other.take(start.clone()), Err(start), "one check begins once");
}

#[test]
fn an_engine_that_was_not_reached_is_no_workload_but_there_may_be_more() {
    let engine = Unchecked {
        uncounted: true,
        ..unchecked(false)
    };
    for (all, known, more) in [
        (vec![], 0, false),
        (vec![unchecked(false), unchecked(true)], 2, false),
        (vec![engine.clone()], 0, true),
        (vec![unchecked(false), engine.clone(), unchecked(false)], 2, true),
    ] {
        let report = report(Vec::new(), all);
        assert_eq!((report.not_checked(), report.has_uncounted()), (known, more));
    }
}

#[test]
fn a_failure_is_the_same_only_if_the_runtime_says_the_same() {
    let failing = |reason: &str| Finding {
        what: "lifecycle.create.result".to_owned(),
        reason: reason.to_owned(),
        ..finding(Impact::Breaks)
    };
    assert_eq!(failing("no").sameness(), failing("no").sameness());
    assert_ne!(failing("no").sameness(), failing("another").sameness());
    let differing = |reason: &str| Finding {
        reason: reason.to_owned(),
        ..finding(Impact::Breaks)
    };
    assert_eq!(differing("a").sameness(), differing("b").sameness());
}
