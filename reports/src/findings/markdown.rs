//! A list of findings for a comment or a ticket.

use super::List;
use crate::markdown::text;
use crate::telling;

pub(super) fn render(list: &List) -> String {
    let asked = if list.asked.is_empty() {
        String::new()
    } else {
        format!(": {}", text(&list.asked))
    };
    let mut out = format!("## Findings{asked}\n\n{}\n", text(&list.counts()));
    if list.findings.is_empty() {
        return out;
    }
    out.push_str("\n| finding | versions | impact | kind | what | read |\n|---|---|---|---|---|---|\n");
    for row in &list.findings {
        let first = row
            .card
            .link
            .first()
            .map_or_else(String::new, |link| link_to(link));
        out.push_str(&format!(
            "| {} | {} | {} | {} | {} | {first} |\n",
            text(row.id.as_str()),
            text(&row.card.versions),
            row.matters,
            row.card.kind.name(),
            text(&row.card.title),
        ));
    }
    out
}

/// A link under a short name; text if it cannot be followed.
pub(super) fn link_to(target: &str) -> String {
    if telling::is_web(target) {
        format!("[{}]({target})", text(&telling::short_link(target)))
    } else {
        text(target)
    }
}
