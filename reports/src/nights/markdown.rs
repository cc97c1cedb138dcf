//! Two nights held against each other, for a comment or a ticket.

use super::Diff;
use super::terminal::{line, lists};
use crate::changes::names;
use crate::markdown::text;

/// Rows of a table; what is worst comes first, and a comment has a limit.
const ROWS: usize = 150;
/// Facts of one case.
const FACTS: usize = 3;

pub(super) fn render(diff: &Diff) -> String {
    let mut out = format!("## Since the night before\n\n{}\n", text(&diff.counts()));
    if !diff.cases.is_empty() {
        out.push_str("\n| | case | verdict | who shows what |\n|---|---|---|---|\n");
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
    let mut rest: Vec<String> = lists(diff)
        .into_iter()
        .filter(|(_, all)| !all.is_empty())
        .map(|(name, all)| format!("{name}: {}", names(all)))
        .collect();
    rest.extend(diff.slower.iter().take(20).map(|slow| {
        format!(
            "slower: {} takes {:.1} s, was {:.1} s",
            slow.case, slow.to, slow.from
        )
    }));
    rest.extend(diff.cut.iter().cloned());
    if !rest.is_empty() {
        out.push('\n');
    }
    for one in rest {
        out.push_str(&format!("- {}\n", text(&one)));
    }
    out
}
