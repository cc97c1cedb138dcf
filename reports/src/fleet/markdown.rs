//! Many nodes' report in Markdown.

use ocidiff_model::check::{FleetMove, FleetReport};

use super::{alike, by_reason, digest, outlooks, places, summary, whole_lists};
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
    for (title, lines) in whole_lists(report) {
        out.push_str(&format!("\n### {title}\n\n"));
        lines.iter().for_each(|line| item(&mut out, line));
    }
    out
}

fn item(out: &mut String, line: &str) {
    out.push_str(&format!("- {}\n", text(line)));
}

fn one_move(out: &mut String, of: &FleetMove) {
    out.push_str("| nodes | as a whole | workloads of each |\n|---|---|---|\n");
    for (outlook, about, nodes) in alike(of) {
        // Each is cut separately, so that none is lost.
        let names: Vec<String> = nodes.iter().map(|name| text(name).to_string()).collect();
        let number = match nodes.len() {
            1 => String::new(),
            several => format!("{several}: "),
        };
        let names = names.join(", ");
        out.push_str(&format!("| {number}{names} | {outlook} | {} |\n", text(&about)));
    }
    if !of.differences.is_empty() {
        out.push_str(
            "\n| impact | known | what | now | then | why | finding | remedy | workloads |\n|---|---|---|---|---|---|---|---|---|\n",
        );
    }
    for one in of.differences.iter().filter(|one| one.finding.ignored.is_none()) {
        let number = count(one.workloads.len(), "workload");
        let whom = format!("{number}: {}", places(&one.workloads, NAMES));
        out.push_str(&format!("{} {} |\n", row(&one.finding, None), text(&whom)));
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
        out.push_str("\n| not checked | workloads | why |\n|---|---|---|\n");
    }
    let (reasons, rest) = by_reason(of);
    for (why, whom) in reasons {
        let row = [whom.len().to_string(), places(&whom, NAMES), why.to_owned()];
        let [number, whom, why] = row.each_ref().map(|cell| text(cell));
        out.push_str(&format!("| {number} | {whom} | {why} |\n"));
    }
    if rest > 0 {
        out.push_str(&format!("| {rest} | | other reasons |\n"));
    }
}
