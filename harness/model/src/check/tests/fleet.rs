//! The checks of many nodes as one report.

use std::collections::BTreeSet;

use super::*;

fn check(node: &str, time: u64, shapes: &[ShapeReport], exit: Option<ExitStatus>) -> NodeCheck {
    NodeCheck {
        report: CheckReport {
            node: node.to_owned(),
            time,
            ..report(shapes.to_vec(), vec![])
        },
        exit,
    }
}

/// A check that came to its end.
fn whole(node: &str, shapes: &[ShapeReport]) -> NodeCheck {
    check(node, 10, shapes, Some(ExitStatus::Differs))
}

#[test]
fn of_two_checks_of_a_node_the_later_one_counts() {
    let risk = shape("web", &[finding(Impact::Breaks)]);
    let safe = shape("web", &[]);
    let fleet = FleetReport::of(vec![
        check("b", 20, std::slice::from_ref(&safe), Some(ExitStatus::Ok)),
        check("a", 10, std::slice::from_ref(&risk), Some(ExitStatus::Differs)),
        check("b", 10, std::slice::from_ref(&risk), Some(ExitStatus::Differs)),
        check("c", 5, std::slice::from_ref(&safe), None),
    ]);
    let left: Vec<_> = fleet
        .left_out
        .iter()
        .map(|one| (one.node.as_str(), one.time, one.counts))
        .collect();
    assert_eq!(left, [("b", 10, 20)]);
    let [only] = fleet.moves.as_slice() else {
        panic!("one move: {:?}", fleet.moves)
    };
    let nodes: Vec<_> = only
        .nodes
        .iter()
        .map(|node| {
            (
                node.node.as_str(),
                node.outlook,
                node.safe,
                node.at_risk,
                node.finished,
            )
        })
        .collect();
    assert_eq!(
        nodes,
        [
            ("a", Outlook::AtRisk, 0, 1, true),
            ("b", Outlook::Safe, 1, 0, true),
            ("c", Outlook::Unknown, 1, 0, false),
        ]
    );
    assert_eq!(only.of_outlook(Outlook::Safe).count(), 1);
    let [joined] = only.shapes.as_slice() else {
        panic!("one shape: {:?}", only.shapes)
    };
    assert_eq!(
        (joined.workloads.len(), joined.worst()),
        (3, Some(Impact::Breaks))
    );
    assert_eq!(joined.findings[0].nodes, ["a"]);
    assert_eq!(only.differences[0].workloads.len(), 1);
}

#[test]
fn nodes_that_move_to_the_same_runtime_are_one_move() {
    let to = |node: &str, runtime: &RuntimeId| {
        let mut check = whole(node, &[]);
        check.report.to = runtime.clone();
        check
    };
    let (crun, youki) = (runtime("crun"), runtime("youki"));
    let newer = RuntimeId {
        version: "1.1".parse().expect("a version"),
        ..runtime("crun")
    };
    let fleet = FleetReport::of(vec![
        to("a", &youki),
        to("b", &crun),
        to("c", &newer),
        to("d", &crun),
    ]);
    let moves: BTreeSet<_> = fleet
        .moves
        .iter()
        .map(|step| {
            let nodes: Vec<_> = step.nodes.iter().map(|node| node.node.as_str()).collect();
            (step.to.name.as_str(), step.to.version.as_str(), nodes)
        })
        .collect();
    let expected = [
        ("crun", "1.0", vec!["b", "d"]),
        ("crun", "1.1", vec!["c"]),
        ("youki", "1.0", vec!["a"]),
    ];
    assert_eq!(moves, expected.into());
    assert_eq!(fleet.moves[0].nodes.len(), 2, "those of most nodes first");
}

#[test]
fn what_is_the_same_on_several_nodes_is_reported_once() {
    let umask = finding(Impact::Breaks);
    let other = Finding {
        what: "process.exit".to_owned(),
        ..finding(Impact::MayBreak)
    };
    let web = |findings: &[&Finding]| ShapeReport {
        changes: vec!["no hooks".to_owned()],
        findings: findings.iter().map(|&one| one.clone()).collect(),
        ..shape("web", &[])
    };
    let fleet = FleetReport::of(vec![
        whole("a", &[web(&[&umask, &umask])]),
        whole("b", &[web(&[&umask, &other])]),
    ]);
    let only = &fleet.moves[0];
    let [joined] = only.shapes.as_slice() else {
        panic!("one shape: {:?}", only.shapes)
    };
    assert_eq!(joined.changes, ["no hooks"]);
    let findings = joined.findings.iter();
    let findings: Vec<_> = findings
        .map(|one| (one.finding.what.as_str(), one.nodes.join(" ")))
        .collect();
    assert_eq!(
        findings,
        [
            ("process.umask", "a b".to_owned()),
            ("process.exit", "b".to_owned())
        ]
    );
    let differences: Vec<_> = only
        .differences
        .iter()
        .map(|one| (one.nodes.join(" "), one.shapes.join(" "), one.workloads.len()))
        .collect();
    assert_eq!(
        differences,
        [
            ("a b".to_owned(), "web".to_owned(), 2),
            ("b".to_owned(), "web".to_owned(), 1)
        ]
    );
}

#[test]
fn a_node_has_the_workloads_that_are_safe_at_risk_and_unchecked() {
    let risk = shape("web", &[finding(Impact::Breaks)]);
    let twice = ShapeReport {
        workloads: vec!["db-1".to_owned(), "db-2".to_owned()],
        ..shape("db", &[])
    };
    let mut node = whole("a", &[risk, twice]);
    node.report.unchecked = vec![unchecked(false); 3];
    let fleet = FleetReport::of(vec![node]);
    let node = &fleet.moves[0].nodes[0];
    assert_eq!((node.safe, node.at_risk, node.unchecked), (2, 1, 3));
    assert_eq!(node.workloads(), 6);
}

#[test]
fn each_outlook_has_words_of_its_own() {
    let words: BTreeSet<_> = Outlook::ALL.into_iter().map(Outlook::name).collect();
    assert_eq!(words.len(), 3);
    assert!(words.iter().all(|words| !words.is_empty()));
}
