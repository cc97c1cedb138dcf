//! Many nodes' report for people at a terminal.

use ocidiff_model::check::{
    FleetDifference, FleetFinding, FleetMove, FleetNode, FleetReport, FleetShape, Outlook,
};

use super::{about, by_reason, digest, outlooks, places, some, summary, whole_lists};
use crate::check::terminal::{MARGIN, UNDER, finding_of, head, text};
use crate::check::{NAMES, mild, step};
use crate::ignored;
use crate::style::{Ink, Style, count, pad};

/// The summary first, then by move: the nodes, what differs, the shapes, what was not checked.
#[must_use]
pub fn render(report: &FleetReport, style: &Style) -> String {
    let mut out = String::new();
    for line in summary(report) {
        // Each is given in full below.
        out.push_str(&format!("{}\n", style.brief(&line, style.columns())));
    }
    for of in &report.moves {
        if report.moves.len() > 1 {
            let title = style.paint(Ink::Name, &style.words(&step(&of.from, &of.to)));
            out.push_str(&format!("\n{title}\n"));
            for line in outlooks(of) {
                text(&mut out, style, 0, &line);
            }
        }
        one_move(&mut out, of, style);
    }
    for (title, lines) in whole_lists(report) {
        heading(&mut out, &title.to_lowercase(), style);
        lines.iter().for_each(|line| text(&mut out, style, 0, line));
    }
    out
}

fn one_move(out: &mut String, of: &FleetMove, style: &Style) {
    heading(out, "nodes", style);
    of.nodes.iter().for_each(|node| node_of(out, node, style));
    if !of.differences.is_empty() {
        heading(out, "differences", style);
    }
    for one in of.differences.iter().filter(|one| one.finding.is_risk()) {
        difference(out, one, of, style);
    }
    cosmetic(out, of, style);
    if !of.shapes.is_empty() {
        heading(out, "shapes", style);
    }
    of.shapes.iter().for_each(|shape| shape_of(out, shape, style));
    if !of.unchecked.is_empty() {
        heading(out, "not checked", style);
    }
    let (reasons, rest) = by_reason(of);
    for (why, whom) in reasons {
        let number = count(whom.len(), "workload");
        text(
            out,
            style,
            0,
            &format!("{number}: {why}: {}", places(&whom, NAMES)),
        );
    }
    if rest > 0 {
        text(
            out,
            style,
            0,
            &format!("{}: other reasons", count(rest, "workload")),
        );
    }
}

fn heading(out: &mut String, title: &str, style: &Style) {
    out.push_str(&format!("\n{}\n", style.paint(Ink::Name, title)));
}

fn node_of(out: &mut String, node: &FleetNode, style: &Style) {
    let ink = match node.outlook {
        Outlook::Safe => Ink::Good,
        Outlook::Unknown => Ink::Warn,
        Outlook::AtRisk => Ink::Fail,
    };
    out.push_str(&format!(
        "{} {}  {}\n",
        style.paint(ink, &pad(node.outlook.name(), 12)),
        style.words(&node.node),
        about(node)
    ));
}

fn difference(out: &mut String, one: &FleetDifference, of: &FleetMove, style: &Style) {
    finding_of(out, MARGIN, &one.finding, [&of.from, &of.to], style);
    let concerned = format!(
        "{} in {} on {}: {}",
        count(one.workloads.len(), "workload"),
        count(one.shapes.len(), "shape"),
        count(one.nodes.len(), "node"),
        places(&one.workloads, NAMES)
    );
    text(out, style, MARGIN + UNDER, &concerned);
}

fn cosmetic(out: &mut String, of: &FleetMove, style: &Style) {
    let all = || of.differences.iter().map(|one| &one.finding);
    if let Some(mild) = mild(all()) {
        text(out, style, MARGIN, &mild);
    }
    for line in ignored::differences(all()) {
        text(out, style, MARGIN, &format!("ignored: {line}"));
    }
}

fn shape_of(out: &mut String, shape: &FleetShape, style: &Style) {
    let number = count(shape.workloads.len(), "workload");
    let of = format!(
        "{}  {number}: {}",
        digest(&shape.digest),
        places(&shape.workloads, NAMES)
    );
    head(out, shape.worst(), &of, style);
    let nodes: std::collections::BTreeSet<&str> =
        shape.workloads.iter().map(|one| one.node.as_str()).collect();
    for found in shape.findings.iter().filter(|one| one.finding.is_risk()) {
        text(out, style, MARGIN, &finding(found, nodes.len()));
    }
    if !shape.changes.is_empty() {
        text(
            out,
            style,
            MARGIN,
            &format!("checked with: {}", shape.changes.join("; ")),
        );
    }
}

/// A finding of a shape, and where it applies, if not wherever the shape is.
fn finding(found: &FleetFinding, nodes: usize) -> String {
    let only = match found.nodes.len() {
        number if number < nodes => format!(", on {} only", some(&found.nodes)),
        _ => String::new(),
    };
    format!("{:9} {}{only}", found.finding.impact.name(), found.finding.what)
}
