//! What the run shows of what is known, as one table: a line for each finding, the worst first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::finding::FindingId;
use ocidiff_model::{Impact, Verdict};

use super::page::Page;
use crate::run::Run;
use crate::style::{Style, count, pad, width};

/// Known cases up to which each has a line of its own.
const FEW: usize = 12;
/// Lines of the table: with the rest of the report it fits a screen of 40.
const LINES: usize = 26;
/// Columns of an id.
const ID: usize = 44;
/// Columns of who shows it.
const WHO: usize = 12;

/// A line of the table.
struct Row<'a> {
    impact: Option<Impact>,
    title: &'a str,
    who: BTreeSet<&'a str>,
    cases: BTreeSet<&'a str>,
}

/// Whether the known cases are told by findings.
pub(super) fn sums_up(run: &Run<'_>) -> bool {
    !run.each_known && run.counts.of(Verdict::Known) > FEW
}

/// The table, with an empty line after it.
pub(super) fn table(run: &Run<'_>, style: &Style) -> String {
    let mut rows: BTreeMap<&FindingId, Row<'_>> = BTreeMap::new();
    let mut unexplained = 0;
    for case in run.with(Verdict::Known) {
        let mut named = false;
        for difference in &case.differences {
            for account in &difference.accounts {
                for id in &account.because {
                    let Some((id, card)) = case.findings.get_key_value(id) else {
                        continue;
                    };
                    named = true;
                    let row = rows.entry(id).or_insert_with(|| Row {
                        impact: None,
                        title: &card.title,
                        who: BTreeSet::new(),
                        cases: BTreeSet::new(),
                    });
                    // Of a case whose differences have several causes each has its own impact.
                    let leaves = run.is_reference(&account.who);
                    let impact = if leaves {
                        card.impact.leaving
                    } else {
                        card.impact.entering
                    };
                    row.impact = row.impact.max(Some(impact));
                    row.who.insert(&account.who);
                    row.cases.insert(&case.case);
                }
            }
        }
        unexplained += usize::from(!named);
    }
    let mut rows: Vec<(&FindingId, Row<'_>)> = rows.into_iter().collect();
    rows.sort_by_key(|(id, row)| (Reverse(row.impact), Reverse(row.cases.len()), *id));
    let mut page = Page::new(style);
    let total = rows.len();
    page.line(&format!(
        "{} behind {}, for who moves from the reference:",
        count(total, "finding"),
        count(run.counts.of(Verdict::Known), "known case")
    ));
    let names = rows.iter().take(LINES).map(|(id, _)| width(id.as_str()));
    let id_columns = names.max().unwrap_or(0).min(ID);
    for (id, row) in rows.iter().take(LINES) {
        let who: Vec<&str> = row.who.iter().copied().collect();
        let impact = row.impact.map_or("", Impact::name);
        let head = format!(
            "{impact:9} {} {} {:>3}  ",
            pad(&style.brief(id.as_str(), id_columns), id_columns),
            pad(&style.brief(&who.join(","), WHO), WHO),
            row.cases.len()
        );
        let room = style.columns().saturating_sub(width(&head)).max(20);
        page.line(&format!("{head}{}", style.brief(row.title, room)));
    }
    let mut rest: BTreeMap<Reverse<Option<Impact>>, usize> = BTreeMap::new();
    for (_, row) in rows.iter().skip(LINES) {
        *rest.entry(Reverse(row.impact)).or_default() += 1;
    }
    if !rest.is_empty() {
        let name = |impact: Option<Impact>| impact.map_or("without impact", Impact::name);
        let rest: Vec<String> = rest
            .iter()
            .map(|(Reverse(impact), number)| format!("{number} {}", name(*impact)))
            .collect();
        page.line(&format!("and {}: --known lists their cases", rest.join(", ")));
    }
    if unexplained > 0 {
        page.line(&format!("{} without a finding", count(unexplained, "known case")));
    }
    page.end_with_gap()
}
