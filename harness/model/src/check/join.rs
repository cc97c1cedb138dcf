//! How many nodes' checks become one report.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::fleet::{
    FleetDifference, FleetFinding, FleetMove, FleetNode, FleetReport, FleetShape, FleetUnchecked, LeftOut,
    Outlook, Placed,
};
use super::{CheckReport, Finding, NodeCheck, ShapeReport};
use crate::impact::Impact;

impl FleetReport {
    /// Joins the checks of nodes, in the order in which they were read.
    #[must_use]
    pub fn of(checks: Vec<NodeCheck>) -> Self {
        let (checks, left_out) = latest(checks);
        let mut moves: BTreeMap<_, Vec<Part>> = BTreeMap::new();
        for check in checks {
            let outlook = outlook(&check);
            let NodeCheck { report, exit } = check;
            for report in report.by_from() {
                let check = NodeCheck { report, exit };
                let all = moves.entry(pair(&check.report)).or_default();
                all.push(Part { check, outlook });
            }
        }
        let mut moves: Vec<_> = moves.into_values().filter_map(FleetMove::of).collect();
        moves.sort_by_key(|step| Reverse(step.nodes.len()));
        Self {
            moves,
            left_out,
            ..Self::default()
        }
    }

    /// Compares the nodes with those that should have been checked.
    #[must_use]
    pub fn expecting(mut self, listed: &BTreeSet<String>) -> Self {
        let nodes = self.moves.iter().flat_map(|step| &step.nodes);
        let seen: BTreeSet<String> = nodes.map(|node| node.node.clone()).collect();
        self.not_seen = listed.difference(&seen).cloned().collect();
        self.not_listed = seen.difference(listed).cloned().collect();
        self
    }
}

/// What a node's check says about the workloads of one runtime.
struct Part {
    check: NodeCheck,
    /// What is said of the node as a whole.
    outlook: Outlook,
}

/// What is said of a node: all its workloads move, whatever they run under.
fn outlook(check: &NodeCheck) -> Outlook {
    let report = &check.report;
    if !report.shapes.iter().all(ShapeReport::is_safe) {
        Outlook::AtRisk
    } else if check.exit.is_some() && report.unchecked.is_empty() {
        Outlook::Safe
    } else {
        Outlook::Unknown
    }
}

type Pair = [(String, String); 2];

fn pair(report: &CheckReport) -> Pair {
    [&report.from, &report.to].map(|runtime| (runtime.name.clone(), runtime.version.as_str().to_owned()))
}

/// One check for each node and target: the latest; of two at the same time, the one that was read last. Its workloads
/// are the same whatever they are said to move from, so a check from another runtime is an older check, not another
/// move. A check that ended early counts only if no other finished, even for another version of the target.
fn latest(checks: Vec<NodeCheck>) -> (Vec<NodeCheck>, Vec<LeftOut>) {
    let mut by_node: BTreeMap<_, Vec<NodeCheck>> = BTreeMap::new();
    for check in checks {
        let key = (check.report.node.clone(), check.report.to.name.clone());
        by_node.entry(key).or_default().push(check);
    }
    let (mut counting, mut left_out) = (Vec::new(), Vec::new());
    for mut of_node in by_node.into_values() {
        of_node.sort_by_key(|check| (check.exit.is_some(), check.report.time));
        let Some(last) = of_node.last().map(|check| check.report.time) else {
            continue;
        };
        let has_whole = of_node.iter().any(|check| check.exit.is_some());
        let (cut, whole) = of_node
            .into_iter()
            .partition(|check| has_whole && check.exit.is_none());
        left_out.extend(Vec::into_iter(cut).map(|check| leave_out(check, last)));
        let mut by_target: BTreeMap<_, Vec<NodeCheck>> = BTreeMap::new();
        for check in Vec::into_iter(whole) {
            let version = check.report.to.version.as_str().to_owned();
            by_target.entry(version).or_default().push(check);
        }
        for mut of_target in by_target.into_values() {
            let Some(counts) = of_target.pop() else { continue };
            let time = counts.report.time;
            left_out.extend(of_target.into_iter().map(|check| leave_out(check, time)));
            counting.push(counts);
        }
    }
    (counting, left_out)
}

fn leave_out(check: NodeCheck, counts: u64) -> LeftOut {
    LeftOut {
        node: check.report.node,
        time: check.report.time,
        counts,
        ended_early: check.exit.is_none(),
    }
}

impl FleetMove {
    /// Joins nodes of the same move; `None` if there are no nodes.
    fn of(mut parts: Vec<Part>) -> Option<Self> {
        parts.sort_by(|one, other| one.check.report.node.cmp(&other.check.report.node));
        let first = &parts.first()?.check.report;
        let (from, to) = (first.from.clone(), first.to.clone());
        let nodes = parts.iter().map(FleetNode::of).collect();
        let unchecked = parts
            .iter()
            .flat_map(|part| unchecked(&part.check.report))
            .collect();
        let all: Vec<(String, ShapeReport)> = parts
            .into_iter()
            .map(|part| part.check.report)
            .flat_map(|report| {
                let node = report.node;
                report.shapes.into_iter().map(move |shape| (node.clone(), shape))
            })
            .collect();
        Some(Self {
            from,
            to,
            nodes,
            shapes: shapes(&all),
            differences: differences(&all),
            unchecked,
        })
    }
}

fn unchecked(report: &CheckReport) -> impl Iterator<Item = FleetUnchecked> {
    report.unchecked.iter().map(|one| FleetUnchecked {
        node: report.node.clone(),
        workload: one.workload.clone(),
        why: one.why.clone(),
    })
}

impl FleetNode {
    fn of(part: &Part) -> Self {
        let report = &part.check.report;
        let workloads = |safe: bool| {
            let shapes = report.shapes.iter().filter(|shape| shape.is_safe() == safe);
            shapes.map(|shape| shape.workloads.len()).sum()
        };
        Self {
            node: report.node.clone(),
            ocidiff: report.ocidiff.clone(),
            time: report.time,
            outlook: part.outlook,
            safe: workloads(true),
            at_risk: workloads(false),
            unchecked: report.not_checked(),
            finished: part.check.exit.is_some(),
        }
    }
}

/// What makes two findings the same one.
type Same = (String, [String; 3], Impact, bool, bool);

fn same(finding: &Finding) -> Same {
    (
        finding.sameness().0,
        [&finding.what, &finding.from, &finding.to].map(String::clone),
        finding.impact,
        finding.ignored.is_some(),
        finding.before,
    )
}

/// Adds what is not there yet.
fn add<T: Clone + PartialEq>(list: &mut Vec<T>, one: &T) {
    if !list.contains(one) {
        list.push(one.clone());
    }
}

fn placed<'a>(node: &'a str, shape: &'a ShapeReport) -> impl Iterator<Item = Placed> {
    shape.workloads.iter().map(|workload| Placed {
        node: node.to_owned(),
        workload: workload.clone(),
    })
}

/// The shapes, by digest; those of one digest on several nodes are one.
fn shapes(all: &[(String, ShapeReport)]) -> Vec<FleetShape> {
    let mut shapes: BTreeMap<&str, FleetShape> = BTreeMap::new();
    for (node, shape) in all {
        let joined = shapes.entry(&shape.digest).or_insert_with(|| FleetShape {
            digest: shape.digest.clone(),
            workloads: Vec::new(),
            changes: Vec::new(),
            findings: Vec::new(),
        });
        joined.workloads.extend(placed(node, shape));
        for change in &shape.changes {
            add(&mut joined.changes, change);
        }
        for finding in &shape.findings {
            let found = joined.findings.iter_mut();
            match found
                .into_iter()
                .find(|held| same(&held.finding) == same(finding))
            {
                Some(held) => add(&mut held.nodes, node),
                None => joined.findings.push(FleetFinding {
                    finding: finding.clone(),
                    nodes: vec![node.clone()],
                }),
            }
        }
    }
    let mut shapes: Vec<_> = shapes.into_values().collect();
    for shape in &mut shapes {
        shape.findings.sort_by_key(|found| Reverse(found.finding.impact));
    }
    shapes.sort_by_key(|shape| Reverse((shape.worst(), shape.workloads.len())));
    shapes
}

/// The differences, each with all that it concerns.
fn differences(all: &[(String, ShapeReport)]) -> Vec<FleetDifference> {
    let mut differences: BTreeMap<Same, FleetDifference> = BTreeMap::new();
    for (node, shape) in all {
        let mut seen = BTreeSet::new();
        for finding in &shape.findings {
            // A shape that reports the same twice has no more workloads for it.
            if !seen.insert(same(finding)) {
                continue;
            }
            let joined = differences
                .entry(same(finding))
                .or_insert_with(|| FleetDifference {
                    finding: finding.clone(),
                    shapes: Vec::new(),
                    nodes: Vec::new(),
                    workloads: Vec::new(),
                });
            add(&mut joined.shapes, &shape.digest);
            add(&mut joined.nodes, node);
            joined.workloads.extend(placed(node, shape));
        }
    }
    let mut differences: Vec<_> = differences.into_values().collect();
    differences.sort_by_key(|one| Reverse((one.finding.impact, one.workloads.len())));
    differences
}
