//! Calls that the runtimes' seccomp filters do not answer alike: who answers what, what decided, whom it hits.

use ocidiff_model::FilterRow;
use ocidiff_model::filter::FilterAnswer;

use super::page::Page;
use crate::style::{Ink, Style, count};
use crate::telling;

/// How much is shown of rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Groups of rows that have the same answers for the same reasons.
    pub(crate) groups: usize,
    /// Callers of one group.
    pub(crate) hits: usize,
}

/// Rows that are told together: they differ only in which calls they are about.
struct Together<'a> {
    first: &'a FilterRow,
    rows: Vec<&'a FilterRow>,
}

/// The rows of a case or of a profile.
pub(crate) fn rows(page: &mut Page<'_>, rows: &[FilterRow], style: &Style, limits: Rows) {
    let mut groups: Vec<Together<'_>> = Vec::new();
    for row in rows {
        let same = |group: &&mut Together<'_>| {
            group.first.answers == row.answers && group.first.profile == row.profile
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row),
            None => groups.push(Together {
                first: row,
                rows: vec![row],
            }),
        }
    }
    for group in groups.iter().take(limits.groups) {
        one(page, group, style, limits.hits);
    }
    if groups.len() > limits.groups {
        let more = count(groups.len() - limits.groups, "more group");
        page.indented(0, &format!("+{more} of calls"));
    }
}

fn one(page: &mut Page<'_>, group: &Together<'_>, style: &Style, most: usize) {
    for (at, row) in group.rows.iter().enumerate() {
        let calls = style.paint(Ink::Name, &style.text(&row.calls, 400));
        page.raw_field(if at == 0 { "filter" } else { "" }, &calls);
    }
    let answers: Vec<String> = group.first.answers.iter().map(answer).collect();
    page.field("answers", &answers.join(style.dot()));
    page.field("profile", &group.first.profile);
    for answer in &group.first.answers {
        if let Some(reason) = &answer.reason {
            page.field("", &format!("{}: {reason}", answer.runtimes.join(", ")));
        }
    }
    let mut hits: Vec<_> = Vec::new();
    for hit in group.rows.iter().flat_map(|row| &row.hits) {
        if !hits.contains(&hit) {
            hits.push(hit);
        }
    }
    for (at, hit) in hits.iter().take(most).enumerate() {
        let name = if at == 0 { "hits" } else { "" };
        page.field(
            name,
            &format!(
                "{}, made by {}: {} (under {})  {}",
                hit.syscall,
                hit.who,
                hit.otherwise,
                hit.runtimes.join(", "),
                telling::short_link(&hit.link)
            ),
        );
    }
    if hits.len() > most {
        page.field(
            "",
            &format!("{} are known", count(hits.len() - most, "more caller")),
        );
    }
}

fn answer(answer: &FilterAnswer) -> String {
    format!("{} {}", answer.runtimes.join(", "), answer.action)
}
