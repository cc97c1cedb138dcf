//! Many nodes' checks as one report.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, FleetReport, NodeCheck, Outlook};
use ocidiff_reports::{Format, Style, draw};

use crate::nodes::{node, runtime, shape, three, whole};

fn joined(reports: impl IntoIterator<Item = CheckReport>) -> FleetReport {
    FleetReport::of(reports.into_iter().map(whole).collect())
}

fn terminal(report: &FleetReport) -> String {
    draw::fleet(Format::Terminal, report, &Style::default()).expect("a report")
}

fn summary(report: &FleetReport) -> Vec<String> {
    let text = terminal(report);
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(ToOwned::to_owned).collect()
}

#[test]
fn three_nodes_become_one_report() {
    let report = joined(three());
    assert_eq!(
        summary(&report),
        [
            "3 nodes, 7 workloads in 2 shapes: 4 safe, 2 at risk, 1 not checked",
            "from runc 1.1.5 to crun 1.8.1",
            "1 node safe to move: node-b",
            "1 node at risk: node-a",
            "1 node not known: node-c",
            "breaks     2 workloads",
        ]
    );
    let [only] = &report.moves[..] else {
        panic!("one move: {report:#?}")
    };
    let [web, plain] = &only.shapes[..] else {
        panic!("two shapes: {report:#?}")
    };
    assert_eq!((web.workloads.len(), plain.workloads.len()), (2, 4));
    assert_eq!(
        plain.findings[0].nodes,
        ["node-b"],
        "the other nodes do not show it"
    );
    let told: Vec<_> = only
        .differences
        .iter()
        .map(|one| {
            (
                one.finding.what.as_str(),
                one.shapes.len(),
                one.nodes.len(),
                one.workloads.len(),
            )
        })
        .collect();
    assert_eq!(told, [("fchmodat2", 1, 1, 2), ("proc.umask", 2, 2, 4)]);
    assert_eq!(only.unchecked[0].node, "node-c");
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let [first, second, third] = three();
    assert_eq!(
        joined([first.clone(), second.clone(), third.clone()]),
        joined([third, first, second])
    );
}

#[test]
fn the_later_check_of_a_node_counts_and_it_is_told() {
    let [mut before, ..] = three();
    let mut after = before.clone();
    after.shapes.remove(0);
    // Its runtime was updated in between: still the same node and move.
    after.from = runtime("runc", "1.3.0");
    after.time += 86_400;
    before.shapes.clear();
    for reports in [[before.clone(), after.clone()], [after.clone(), before.clone()]] {
        let report = joined(reports);
        assert_eq!(
            summary(&report),
            [
                "1 node, 1 workload in 1 shape: 1 safe, 0 at risk, 0 not checked",
                "from runc 1.3.0 to crun 1.8.1",
                "1 node safe to move: node-a",
                "an older check is left out: node-a of 2026-01-01 00:00 UTC, that of 2026-01-02 00:00 UTC counts",
            ]
        );
    }
    // At the same time: the one that was read last counts.
    after.time = before.time;
    assert_eq!(joined([before, after]).moves[0].shapes.len(), 1);
}

#[test]
fn other_runtimes_and_versions_are_other_moves() {
    let [first, mut second, mut third] = three();
    second.to = runtime("youki", "0.5.0");
    third.to = runtime("crun", "1.21");
    let report = joined([first, second, third]);
    assert_eq!(report.moves.len(), 3);
    assert_eq!(
        summary(&report),
        [
            "3 nodes, 7 workloads in 2 shapes: 4 safe, 2 at risk, 1 not checked",
            "from runc 1.1.5 to crun 1.21: 1 node: 1 not known",
            "from runc 1.1.5 to crun 1.8.1: 1 node: 1 at risk",
            "from runc 1.1.5 to youki 0.5.0: 1 node: 1 safe to move",
        ]
    );
    for step in &report.moves {
        assert_eq!(step.nodes.len(), 1);
    }
}

#[test]
fn a_node_whose_check_has_no_end_is_not_called_safe() {
    let [_, second, _] = three();
    let check = NodeCheck {
        report: second,
        exit: None,
    };
    let report = FleetReport::of(vec![check]);
    assert_eq!(report.moves[0].nodes[0].outlook, Outlook::Unknown);
    assert!(terminal(&report).contains("the check has no end"));
}

#[test]
fn a_check_that_ended_early_does_not_count_beside_a_whole_one() {
    let [first, ..] = three();
    let cut = |version: &str, later: u64| {
        let mut report = first.clone();
        // What a pod reported before it was evicted: another runtime first, and fewer workloads.
        (report.from, report.to) = (runtime("crun", "1.8.1"), runtime("crun", version));
        report.shapes.truncate(1);
        report.time += later;
        NodeCheck { report, exit: None }
    };
    for (version, later) in [("1.8.1", 0), ("1.8.1", 60), ("1.21", 60)] {
        for first_read in [true, false] {
            let mut checks = vec![cut(version, later), whole(first.clone())];
            if first_read {
                checks.reverse();
            }
            let report = FleetReport::of(checks);
            let [only] = &report.moves[..] else {
                panic!("{version} {later}: {report:#?}")
            };
            assert_eq!(only.nodes.len(), 1, "{version} {later}");
            assert_eq!(only.nodes[0].workloads(), 3, "{version} {later}");
            assert!(only.nodes[0].finished);
            let text = terminal(&report);
            assert!(
                text.contains("a check that ended early is left out: node-a of 2026-01-01 00:0"),
                "{text}"
            );
        }
    }
    // Only two that ended early are available: the later one is better than none.
    let report = FleetReport::of(vec![cut("1.8.1", 0), cut("1.8.1", 60)]);
    assert_eq!(report.moves[0].nodes[0].workloads(), 2);
    assert_eq!(report.left_out.len(), 1);
}

#[test]
fn a_check_from_another_runtime_is_the_same_node() {
    let [first, ..] = three();
    let mut again = first.clone();
    again.from = runtime("youki", "0.7.0");
    again.time += 60;
    let report = joined([first, again]);
    assert_eq!(report.moves.len(), 1, "{report:#?}");
    assert_eq!(report.moves[0].nodes[0].workloads(), 3);
}

#[test]
fn nodes_that_were_not_seen_are_named() {
    let listed = ["node-a", "node-b", "node-c", "node-d", "node-e"];
    let report = joined(three()).expecting(&listed.map(str::to_owned).into());
    assert_eq!(report.not_seen, ["node-d", "node-e"]);
    for format in [Format::Terminal, Format::Markdown, Format::Html, Format::Json] {
        let text = draw::fleet(format, &report, &Style::default()).expect("a report");
        assert!(text.contains("node-e"), "{format}: {text}");
    }
    assert!(terminal(&report).contains("2 nodes not seen: node-d, node-e\n"));
    let report = joined(three()).expecting(&["node-a".to_owned()].into());
    assert!(terminal(&report).contains("2 nodes not in the list: node-b, node-c\n"));
}

#[test]
fn a_report_of_a_thousand_nodes_fits_a_ticket() {
    let digests: Vec<String> = (0..40).map(|number| format!("{number:012x}")).collect();
    let mut reports = Vec::new();
    for number in 0..1000 {
        let mut report = node(&format!(
            "ip-10-0-{}-{}.eu-central-1.compute.internal",
            number / 256,
            number % 256
        ));
        for (at, digest) in digests.iter().enumerate() {
            let findings = [(Impact::Breaks, "fchmodat2"), (Impact::MayBreak, "umask")];
            let name = format!("shop/deployment-{at}-{number:010x}-abcde/web");
            let shown = &findings[..(at + number) % 3];
            report
                .shapes
                .push(shape(digest, &[&name, "kube-system/proxy/proxy"], shown));
        }
        for at in 0..10 {
            report.unchecked.push(ocidiff_model::check::Unchecked {
                workload: format!("shop/vault-{at}-{number:010x}-abcde/vault"),
                // Some have reasons of their own.
                why: match at {
                    0 => format!("the rootfs is gone: /run/{number:064x} is not a folder"),
                    _ => "its rootfs cannot be seen from here".to_owned(),
                },
                before: false,
                uncounted: false,
            });
        }
        reports.push(report);
    }
    let report = joined(reports);
    for format in [Format::Markdown, Format::Terminal] {
        let text = draw::fleet(format, &report, &Style::default()).expect("a report");
        assert!(text.len() < 200_000, "{format}: {} bytes", text.len());
    }
    let text = draw::fleet(Format::Markdown, &report, &Style::default()).expect("a report");
    assert!(text.contains("ip-10-0-3-231.eu-central-1"), "every node is named");
    assert!(text.contains("| 9000 | "), "{text}");
}

#[test]
fn the_summary_of_many_is_ten_lines() {
    let mut reports = Vec::new();
    for number in 0..300 {
        let mut report = node(&format!("node-{number:03}"));
        report.to = runtime("crun", &format!("1.{}", number % 20));
        report.ocidiff = format!("0.{}.0", number % 3);
        report.shapes = vec![
            shape(
                "a",
                &["web"; 20],
                &[(Impact::Security, "x"), (Impact::Breaks, "y")],
            ),
            shape("b", &["api"], &[(Impact::MayBreak, "z")]),
        ];
        reports.push(report.clone());
        reports.push(report);
    }
    let several = joined(reports.clone());
    assert_eq!(several.moves.len(), 20);
    reports
        .iter_mut()
        .for_each(|report| report.to = runtime("crun", "1.8"));
    for report in [several, joined(reports)] {
        let lines = summary(&report);
        assert!(lines.len() <= 10, "{lines:#?}");
        assert!(
            lines[0].starts_with("300 nodes, 6300 workloads in 2 shapes: "),
            "{lines:#?}"
        );
    }
}

#[test]
fn a_page_names_every_workload_once_with_its_shape() {
    let names: Vec<String> = (0..150).map(|number| format!("web-{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut report = node("node-a");
    report.shapes = vec![shape("a", &names, &[(Impact::Breaks, "x")])];
    let page = draw::fleet(Format::Html, &joined([report]), &Style::default()).expect("a page");
    assert_eq!(page.matches("<li>web-").count(), 100 + 150);
    assert!(page.contains("<li>and 50 more: see the shapes</li>"), "{page}");
}

#[test]
fn the_json_reads_back() {
    let report = joined(three());
    let text = draw::fleet(Format::Json, &report, &Style::default()).expect("JSON");
    let back: FleetReport = serde_json::from_str(&text).expect("a report");
    assert_eq!(back, report);
}

#[test]
fn nothing_at_all_is_told_as_such() {
    let report = FleetReport::of(Vec::new());
    for format in [Format::Terminal, Format::Markdown, Format::Html] {
        let text = draw::fleet(format, &report, &Style::default()).expect("a report");
        assert!(text.contains("0 nodes"), "{text}");
    }
}

#[test]
fn a_node_is_at_risk_as_a_whole_whatever_its_workloads_run_under() {
    let risk = &[(Impact::Breaks, "fchmodat2")][..];
    for (findings, is_checked, outlook, said) in [
        (
            risk,
            true,
            Outlook::AtRisk,
            "at risk by another move of this node",
        ),
        (
            risk,
            false,
            Outlook::AtRisk,
            "at risk by another move of this node",
        ),
        (
            &[],
            false,
            Outlook::Unknown,
            "workloads of another move of this node are not checked",
        ),
        (&[], true, Outlook::Safe, "safe to move"),
    ] {
        let mut vm = node("vm");
        vm.shapes = vec![shape("aaaa", &["web"], findings), shape("bbbb", &["db"], &[])];
        let mut older = runtime("crun", "1.5");
        older.label = "crun@1.5".to_owned();
        vm.shapes[1].from = Some(older);
        if !is_checked {
            vm.unchecked = three()[2].unchecked.clone();
        }
        let report = joined([vm]);
        assert_eq!(report.moves.len(), 2, "{report:#?}");
        for step in &report.moves {
            assert_eq!(step.nodes[0].outlook, outlook, "{findings:?} {is_checked}");
        }
        let text = terminal(&report);
        assert!(text.contains(said), "{said}: {text}");
        // Its label has the version.
        assert!(text.contains("from crun@1.5 to crun 1.8.1"), "{text}");
    }
}
