//! Two nights compared with each other, for a comment or a ticket.

use super::Diff;
use super::terminal::{line, remarks};
use crate::markdown::text;

/// Rows of a table; the worst come first, and a comment has a limit.
const ROWS: usize = 150;
/// Facts of one case.
const FACTS: usize = 3;

pub(super) fn render(diff: &Diff) -> String {
    let mut out = format!("## Since the night before\n\n{}\n", text(&diff.counts()));
    if !diff.cases.is_empty() {
        out.push_str("\n| | case | verdict | what each shows |\n|---|---|---|---|\n");
    }
    for case in diff.cases.iter().take(ROWS) {
        let facts = case.versions.iter().take(FACTS);
        let mut facts: Vec<String> = facts
            .map(|change| text(&line(change, crate::safe::safe_to)))
            .collect();
        if case.versions.len() > FACTS {
            facts.push(format!("{} more", case.versions.len() - FACTS));
        }
        facts.extend(case.why.as_deref().map(text));
        out.push_str(&format!(
            "| {} | {}<br>{} | {}, was {} | {} |\n",
            case.became,
            text(&case.case),
            text(&case.machine),
            case.to,
            case.from,
            facts.join("<br>")
        ));
    }
    if diff.cases.len() > ROWS {
        out.push_str(&format!("\nand {} more\n", diff.cases.len() - ROWS));
    }
    let rest = remarks(diff);
    if !rest.is_empty() {
        out.push('\n');
    }
    for one in rest {
        out.push_str(&format!("- {}\n", text(&one)));
    }
    out
}
