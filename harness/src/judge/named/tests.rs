//! What is named, compared with what a run shows.

use ocidiff_model::difference::Account;
use ocidiff_model::finding::Catalogue;
use ocidiff_model::known::{Group as Written, Machine};
use ocidiff_model::{Finding, Op};

use super::*;
use crate::corpus::configs::Configs;
use crate::judge::recognise::recognise;
use crate::judge::recognise::tests::{finding, groups_of, record};

/// `STANDING by IDS (HOW)` for `process.exit`, for which a known file names these findings.
fn said(named: &str, exits: &[(&str, &str)]) -> String {
    let sign = |value: &str| format!("shows: [{{fact: process.exit, is: {value}, instead: 0}}]");
    let always = |rest: &str| Finding {
        affects: Some("*".parse().expect("a range")),
        ..finding(rest)
    };
    let catalogue = Catalogue(
        [
            ("a/two", finding(&sign("2"))),
            ("a/three", finding(&sign("3"))),
            (
                "a/paused",
                finding(&format!("applies: {{steps: [pause]}}, {}", sign("2"))),
            ),
            ("a/race", finding(&format!("races: true, {}", sign("2")))),
            ("new/two", always(&sign("2"))),
            ("a/both", finding("shows: [{fact: process.exit, has: both}]")),
            (
                "a/more",
                finding("shows: [{fact: process.exit, has: more, instead: {lacks: more}}]"),
            ),
            (
                "a/after",
                finding(
                    "shows: [{fact: process.exit, is: 2, instead: 0, where: {process.stderr: {is: oops}}}]",
                ),
            ),
        ]
        .into_iter()
        .map(|(id, finding)| (id.parse().expect(id), finding))
        .collect(),
    );
    let group: Written = serde_yaml::from_str(&format!("facts: {{process.exit: {named}}}")).expect(named);
    let names = ["a", "b", "new"];
    let entries = group.entries(&catalogue, &names.map(str::to_owned)).expect(named);
    let records: Vec<Record> = exits
        .iter()
        .map(|(who, exit)| record(who, &[("process.exit", exit)]))
        .collect();
    let records: Vec<&Record> = records.iter().collect();
    let question = Question {
        catalogue: &catalogue,
        runtimes: &names,
        configs: &Configs::default(),
        steps: &[Op::Create],
        machine: &Machine {
            kernel: "6.1".parse().expect("a version"),
            cgroup: ocidiff_model::CgroupVersion::V1,
            arch: "x86_64".into(),
            via: None,
        },
        records: &records,
    };
    let groups = groups_of("process.exit", &records);
    let mut found: Vec<Difference> = Vec::new();
    let is_list = exits.iter().any(|(_, exit)| exit.starts_with('['));
    if is_list {
        found.push(difference("process.exit", groups));
    } else if groups.len() > 1 || exits.iter().all(|(_, exit)| *exit != "0") {
        // The case expects 0.
        let off = exits.iter().filter(|(_, exit)| *exit != "0");
        found.push(Difference {
            expected: Some(Value::Int(0)),
            against: off.map(|(who, _)| (*who).to_owned()).collect(),
            ..difference("process.exit", groups)
        });
    }
    for (difference, accounts) in recognise(&question, &found.clone()).into_iter().zip(0..) {
        if !difference.is_empty() {
            found[accounts].accounts = difference;
            found[accounts].standing = Standing::Known;
        }
    }
    let newest = Newest([("new".to_owned(), "2".parse().expect("a version"))].into());
    hold_against(&entries, &question, &newest, &mut found);
    let one = |difference: Difference| {
        let by = |account: &Account| {
            let ids: Vec<String> = account.because.iter().map(ToString::to_string).collect();
            format!(" by {} ({:?})", ids.join(", "), account.how)
        };
        let standing = format!("{:?}", difference.standing);
        let accounts: String = difference.accounts.iter().map(by).collect();
        format!("{}{accounts}", standing.split(' ').next().unwrap_or_default())
    };
    found.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn what_is_named_must_be_recognised_and_must_show() {
    for (named, exits, expected) in [
        ("a/two", [("a", "2"), ("b", "0")], "Known by a/two (Written)"),
        (
            "[a/three, a/two]",
            [("a", "2"), ("b", "0")],
            "Known by a/two (Written)",
        ),
        // It shows another finding than the one that is named.
        ("a/three", [("a", "2"), ("b", "0")], "New"),
        // Nothing accounts for it.
        ("a/two", [("a", "7"), ("b", "0")], "New"),
        ("a/two", [("a", "0"), ("b", "0")], "Gone by a/two (Written)"),
        // They agree, contrary to what is expected, and one of them for no reason.
        ("a/two", [("a", "2"), ("b", "2")], "New"),
        // They differ, and the one about which nothing is said does not do what is expected either.
        ("a/two", [("a", "2"), ("b", "7")], "New"),
        // No participant does it, or every one does.
        ("a/two", [("b", "0"), ("new", "0")], ""),
        ("a/two", [("a", "0"), ("a", "0")], ""),
        // All participants depart alike.
        (
            "a/two",
            [("a", "2"), ("a", "2")],
            "Known by a/two (Written) by a/two (Written)",
        ),
        (
            "[a/two, new/two]",
            [("a", "2"), ("new", "2")],
            "Known by a/two (Written) by new/two (Written)",
        ),
        ("[a/two, new/two]", [("a", "2"), ("new", "7")], "New"),
        // A race need not show.
        ("a/race", [("a", "0"), ("b", "0")], ""),
        ("a/race", [("a", "2"), ("b", "0")], "Known by a/race (Written)"),
        // The workload does not meet the conditions of the finding.
        ("a/paused", [("a", "0"), ("b", "0")], ""),
        // What it is seen together with is not there, so it is not missed.
        ("a/after", [("a", "0"), ("b", "0")], ""),
        ("a/after", [("a", "2"), ("b", "0")], "New"),
        // All show what is named, and something else tells them apart.
        (
            "a/both",
            [("a", "[both, more]"), ("a@2", "[both]")],
            "Known by a/more (Recognised)",
        ),
        ("a/both", [("a", "[more]"), ("a@2", "[]")], "New"),
        // Newer than any version that was examined.
        (
            "new/two",
            [("new", "0"), ("b", "0")],
            "Fixed by new/two (Written)",
        ),
        (
            "new/two",
            [("new", "2"), ("b", "0")],
            "Known by new/two (Written)",
        ),
    ] {
        assert_eq!(said(named, &exits), expected, "{named}, {exits:?}");
    }
}
