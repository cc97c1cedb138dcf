//! What is reported for many nodes' checks: the differences once, and which nodes are safe to move as a whole.

pub mod html;
pub mod markdown;
pub mod terminal;

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::Impact;
use ocidiff_model::check::{FleetMove, FleetNode, FleetReport, LeftOut, Outlook, Placed};

use crate::check::{NAMES, step};
use crate::safe::safe;
use crate::style::{and_more, count, first_of};
use crate::when;

/// How much of a digest is needed to distinguish shapes.
const DIGEST: usize = 12;
/// How many moves the summary names.
const MOVES: usize = 6;
/// The impacts that put a workload at risk, the worst first.
const RISKS: [Impact; 3] = [Impact::Security, Impact::Breaks, Impact::MayBreak];

/// At most ten lines.
fn summary(report: &FleetReport) -> Vec<String> {
    let nodes = || report.moves.iter().flat_map(|step| &step.nodes);
    let names: BTreeSet<&str> = nodes().map(|node| node.node.as_str()).collect();
    let shapes: BTreeSet<&str> = report
        .moves
        .iter()
        .flat_map(|step| step.shapes.iter().map(|shape| shape.digest.as_str()))
        .collect();
    let mut lines = vec![format!(
        "{}, {} in {}: {}",
        count(names.len(), "node"),
        count(nodes().map(FleetNode::workloads).sum(), "workload"),
        count(shapes.len(), "shape"),
        workloads(nodes())
    )];
    match &report.moves[..] {
        [only] => {
            lines.push(step(&only.from, &only.to));
            lines.extend(outlooks(only));
            lines.extend(impacts(only));
        }
        several => {
            lines.extend(several.iter().take(MOVES).map(in_one_line));
            if several.len() > MOVES {
                lines.push(format!("and {}", count(several.len() - MOVES, "more move")));
            }
        }
    }
    lines.extend(nodes_of("not seen", &report.not_seen));
    lines.extend(nodes_of("not in the list", &report.not_listed));
    lines.extend(left_out(&report.left_out));
    let versions: BTreeSet<String> = nodes().map(|node| safe(&node.ocidiff)).collect();
    if versions.len() > 1 {
        let versions: Vec<String> = versions.into_iter().collect();
        lines.push(format!("by several versions of ocidiff: {}", some(&versions)));
    }
    lines
}

/// `9 safe, 4 at risk, 1 not checked`.
fn workloads<'a>(nodes: impl Iterator<Item = &'a FleetNode>) -> String {
    let (safe, at_risk, unchecked) = nodes.fold((0, 0, 0), |(safe, at_risk, unchecked), node| {
        (
            safe + node.safe,
            at_risk + node.at_risk,
            unchecked + node.unchecked,
        )
    });
    format!("{safe} safe, {at_risk} at risk, {unchecked} not checked")
}

fn in_one_line(of: &FleetMove) -> String {
    let numbers = Outlook::ALL.map(|outlook| (of.of_outlook(outlook).count(), outlook.name()));
    let told = numbers.iter().filter(|(number, _)| *number > 0);
    let told: Vec<String> = told.map(|(number, name)| format!("{number} {name}")).collect();
    format!(
        "{}: {}: {}",
        step(&of.from, &of.to),
        count(of.nodes.len(), "node"),
        told.join(", ")
    )
}

/// Which nodes can be moved as a whole, and which cannot.
fn outlooks(of: &FleetMove) -> Vec<String> {
    let line = |outlook: Outlook| {
        let nodes: Vec<String> = of.of_outlook(outlook).map(|node| node.node.clone()).collect();
        nodes_of(outlook.name(), &nodes)
    };
    Outlook::ALL.into_iter().filter_map(line).collect()
}

/// Nodes about which something is said, in one line.
fn nodes_of(said: &str, nodes: &[String]) -> Option<String> {
    let told = format!("{} {said}: {}", count(nodes.len(), "node"), some(nodes));
    (!nodes.is_empty()).then_some(told)
}

/// How many workloads each impact concerns.
fn impacts(of: &FleetMove) -> Vec<String> {
    let line = |impact: Impact| {
        let risks = of.differences.iter().filter(|one| one.finding.is_risk());
        let differences = risks.filter(|one| one.finding.impact == impact);
        let workloads: BTreeSet<&Placed> = differences.flat_map(|one| &one.workloads).collect();
        let told = format!("{:10} {}", impact.name(), count(workloads.len(), "workload"));
        (!workloads.is_empty()).then_some(told)
    };
    RISKS.into_iter().filter_map(line).collect()
}

/// The checks that do not count, with one line for each reason.
fn left_out(left_out: &[LeftOut]) -> Vec<String> {
    let (cut, older): (Vec<&LeftOut>, Vec<&LeftOut>) = left_out.iter().partition(|one| one.ended_early);
    let kinds = [("older check", older), ("check that ended early", cut)];
    let told = kinds.into_iter().filter_map(|(what, ones)| match &ones[..] {
        [] => None,
        [one] if one.ended_early => Some(format!("a {what} is left out: {}", self::older(one))),
        [one] => Some(format!("an {what} is left out: {}", self::older(one))),
        several => {
            let nodes: BTreeSet<&str> = several.iter().map(|one| one.node.as_str()).collect();
            let nodes: Vec<String> = nodes.into_iter().map(ToOwned::to_owned).collect();
            let what = what.replacen("check", "checks", 1);
            let number = several.len();
            Some(format!(
                "{number} {what} are left out, the last of a node counts: {}",
                some(&nodes)
            ))
        }
    });
    told.collect()
}

/// A check that does not count, and the one that does.
fn older(one: &LeftOut) -> String {
    let how = if one.ended_early { ", which has no end" } else { "" };
    match (when::utc(one.time), when::utc(one.counts)) {
        (Some(time), Some(counts)) => format!("{} of {time}{how}, that of {counts} counts", one.node),
        _ => format!("{}{how}, the last one counts", one.node),
    }
}

/// In full, what the summary shows only in part.
fn whole_lists(report: &FleetReport) -> Vec<(&'static str, Vec<String>)> {
    let lists = [
        ("Nodes not seen", report.not_seen.clone()),
        ("Nodes not in the list", report.not_listed.clone()),
        ("Left out", report.left_out.iter().map(older).collect()),
    ];
    lists.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
}

/// How many reasons why workloads were not checked are listed one by one.
const REASONS: usize = 50;

/// Workloads that were not checked, by reason, the most frequent first; and how many workloads have yet another reason.
fn by_reason(of: &FleetMove) -> (Vec<(&str, Vec<Placed>)>, usize) {
    let mut reasons: BTreeMap<&str, Vec<Placed>> = BTreeMap::new();
    for one in &of.unchecked {
        reasons.entry(&one.why).or_default().push(Placed {
            node: one.node.clone(),
            workload: one.workload.clone(),
        });
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, whom)| std::cmp::Reverse(whom.len()));
    let rest = reasons.split_off(reasons.len().min(REASONS));
    let rest = rest.iter().map(|(_, whom)| whom.len()).sum();
    (reasons, rest)
}

/// Nodes about which the same is said, in the order of the first of each.
fn alike(of: &FleetMove) -> Vec<(&'static str, String, Vec<&str>)> {
    let mut rows: Vec<(&str, String, Vec<&str>)> = Vec::new();
    let mut places: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for node in &of.nodes {
        let key = (node.outlook.name(), about(node));
        match places.get(&key) {
            Some(at) => rows[*at].2.push(&node.node),
            None => {
                places.insert(key.clone(), rows.len());
                rows.push((key.0, key.1, vec![&node.node]));
            }
        }
    }
    rows
}

/// The first few of a list of hostile names.
fn some(names: &[String]) -> String {
    first_of(names.iter().map(|name| safe(name)), NAMES)
}

/// Workloads with their nodes, the nodes once: `node-a: web-1, web-2; node-b: api`.
fn places(workloads: &[Placed], most: usize) -> String {
    let mut nodes: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in workloads.iter().take(most) {
        match nodes.last_mut() {
            Some((node, names)) if *node == one.node => names.push(&one.workload),
            _ => nodes.push((&one.node, vec![&one.workload])),
        }
    }
    let told: Vec<String> = nodes
        .iter()
        .map(|(node, names)| format!("{node}: {}", names.join(", ")))
        .collect();
    let more = workloads.len().saturating_sub(most);
    format!("{}{}", told.join("; "), and_more(more))
}

/// The beginning of a digest, which is enough to distinguish shapes.
fn digest(whole: &str) -> String {
    safe(&whole.chars().take(DIGEST).collect::<String>())
}

/// What is reported about a node besides its outlook.
fn about(node: &FleetNode) -> String {
    let end = if node.finished {
        ""
    } else {
        ", the check has no end"
    };
    let elsewhere = match node.outlook {
        Outlook::AtRisk if node.at_risk == 0 => ", at risk by another move of this node",
        Outlook::Unknown if node.unchecked == 0 && node.finished => {
            ", workloads of another move of this node are not checked"
        }
        _ => "",
    };
    format!("{}{elsewhere}{end}", workloads(std::iter::once(node)))
}
