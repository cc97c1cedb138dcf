//! Many nodes' report in Markdown.

use ocidiff_model::check::{FleetMove, FleetReport};

use super::{about, digest, older, outlooks, places, summary};
use crate::check::markdown::row;
use crate::check::{NAMES, step, word};
use crate::ignored;
use crate::markdown::text;
use crate::style::count;

/// For a ticket or a comment.
#[must_use]
pub fn render(report: &FleetReport) -> String {
    let mut out = String::from("## ocidiff check of many nodes\n\n");
    for line in summary(report) {
        item(&mut out, &line);
    }
    for of in &report.moves {
        out.push_str(&format!("\n### {}\n\n", text(&step(&of.from, &of.to))));
        if report.moves.len() > 1 {
            outlooks(of).iter().for_each(|line| item(&mut out, line));
            out.push('\n');
        }
        one_move(&mut out, of);
    }
    if !report.left_out.is_empty() {
        out.push_str("\n### Left out\n\n");
    }
    for one in &report.left_out {
        item(&mut out, &older(one));
    }
    out
}

fn item(out: &mut String, line: &str) {
    out.push_str(&format!("- {}\n", text(line)));
}

fn one_move(out: &mut String, of: &FleetMove) {
    out.push_str("| node | as a whole | workloads |\n|---|---|---|\n");
    for node in &of.nodes {
        let outlook = node.outlook.name();
        out.push_str(&format!(
            "| {} | {outlook} | {} |\n",
            text(&node.node),
            text(&about(node))
        ));
    }
    if !of.differences.is_empty() {
        out.push_str(
            "\n| impact | known | what | now | then | why | finding | remedy | whom |\n|---|---|---|---|---|---|---|---|---|\n",
        );
    }
    for one in of.differences.iter().filter(|one| one.finding.ignored.is_none()) {
        let number = count(one.workloads.len(), "workload");
        let whom = format!("{number}: {}", places(&one.workloads, NAMES));
        out.push_str(&format!("{} {} |\n", row(&one.finding), text(&whom)));
    }
    let ignored = ignored::differences(of.differences.iter().map(|one| &one.finding));
    if !ignored.is_empty() {
        out.push('\n');
    }
    for line in ignored {
        item(out, &format!("ignored: {line}"));
    }
    if !of.shapes.is_empty() {
        out.push_str("\n| shape | worst | workloads | checked with |\n|---|---|---|---|\n");
    }
    for shape in &of.shapes {
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            text(&digest(&shape.digest)),
            word(shape.worst()),
            text(&places(&shape.workloads, NAMES)),
            text(&shape.changes.join("; "))
        ));
    }
    if !of.unchecked.is_empty() {
        out.push_str("\n| not checked | node | why |\n|---|---|---|\n");
    }
    for one in &of.unchecked {
        let [workload, node, why] = [&one.workload, &one.node, &one.why].map(|cell| text(cell));
        out.push_str(&format!("| {workload} | {node} | {why} |\n"));
    }
}
