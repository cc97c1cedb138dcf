//! What changed between versions, for a comment or a ticket.

use super::terminal::{asides, names};
use super::{Changes, FactChange, Row};
use crate::markdown::text;
use crate::telling;

/// Rows of a table; the worst come first, and a comment has a limit.
const ROWS: usize = 100;
/// How long a value may be.
const VALUE: usize = 80;

pub(super) fn render(changes: &Changes) -> String {
    let mut out = format!("## {}\n\n{}\n", text(&changes.title()), text(&changes.counts()));
    if !changes.findings.is_empty() {
        table(&mut out, changes);
    }
    if !changes.unexplained.is_empty() {
        out.push_str("\n### Not explained\n\n| case | from | to | fact |\n|---|---|---|---|\n");
        for one in changes.unexplained.iter().take(ROWS) {
            let facts: Vec<String> = one.case.facts.iter().take(3).map(fact).collect();
            out.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                text(&one.case.case),
                text(&one.from),
                text(&one.to),
                facts.join("<br>")
            ));
        }
        rest(&mut out, changes.unexplained.len());
    }
    aside(&mut out, changes);
    out
}

fn table(out: &mut String, changes: &Changes) {
    let heads: Vec<String> = changes.versions.iter().map(|name| text(name)).collect();
    let lines = "---|".repeat(changes.versions.len());
    out.push_str(&format!(
        "\n| finding | {} | what became of it | where |\n|---|{lines}---|---|\n",
        heads.join(" | ")
    ));
    for row in changes.findings.iter().take(ROWS) {
        out.push_str(&line(row));
    }
    rest(out, changes.findings.len());
}

fn line(row: &Row) -> String {
    let cells: Vec<String> = row
        .shows
        .iter()
        .map(|number| {
            if *number == 0 {
                String::new()
            } else {
                number.to_string()
            }
        })
        .collect();
    let turns: Vec<String> = row
        .turns
        .iter()
        .map(|turn| {
            let direction = match turn.direction.word() {
                "" => String::new(),
                word => format!(", {word}: {}", text(&turn.why.join("; "))),
            };
            let impact = turn
                .impact
                .map_or_else(String::new, |impact| format!(" ({impact})"));
            format!("**{} in {}**{impact}{direction}", turn.what, text(&turn.to))
        })
        .collect();
    let cases = row.turns.first().into_iter().flat_map(|turn| &turn.cases);
    let cases: Vec<String> = cases.map(|case| case.case.clone()).collect();
    format!(
        "| {}<br>{} | {} | {} | {} |\n",
        text(row.id.as_str()),
        text(&row.title),
        cells.join(" | "),
        turns.join("<br>"),
        text(&names(&cases))
    )
}

fn rest(out: &mut String, all: usize) {
    if all > ROWS {
        out.push_str(&format!("\nand {} more\n", all - ROWS));
    }
}

fn fact(change: &FactChange) -> String {
    let value = |value: &Option<ocidiff_model::Value>| {
        text(&crate::safe::safe_to(&telling::shown(value.as_ref()), VALUE))
    };
    format!(
        "{} {} → {}",
        text(&change.fact),
        value(&change.from),
        value(&change.to)
    )
}

fn aside(out: &mut String, changes: &Changes) {
    let mut lines = asides(changes);
    lines.extend(changes.ended_early.clone());
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    for line in lines {
        out.push_str(&format!("- {}\n", text(&line)));
    }
}
