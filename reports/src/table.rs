//! The findings behind a run's known cases: which runtimes show each, how much it matters, in how many cases.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{Card, FindingId};
use ocidiff_model::{Difference, Impact};

use crate::run::Run;

/// A finding of the run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row<'a> {
    pub(crate) id: &'a FindingId,
    /// For users who move from the reference, the worst of all cases.
    pub(crate) impact: Option<Impact>,
    pub(crate) title: &'a str,
    pub(crate) who: BTreeSet<&'a str>,
    pub(crate) cases: BTreeSet<&'a str>,
}

/// All of them, the worst first.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Table<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    /// Known cases that are not reported with any finding.
    pub(crate) unexplained: usize,
}

impl<'a> Table<'a> {
    /// Sums the known cases up; what is ignored is left out.
    pub(crate) fn of(run: &Run<'a>) -> Self {
        let mut rows: BTreeMap<&FindingId, Row<'a>> = BTreeMap::new();
        let mut unexplained = 0;
        for case in run.known() {
            let mut named = false;
            for (id, card, who) in case.differences.iter().flat_map(|one| told(case, one)) {
                named = true;
                if run.ignores(id) {
                    continue;
                }
                let row = rows.entry(id).or_insert_with(|| Row {
                    id,
                    impact: None,
                    title: &card.title,
                    who: BTreeSet::new(),
                    cases: BTreeSet::new(),
                });
                // If a case's differences have several causes, each has its own impact.
                let impact = match run.is_reference(who) {
                    true => card.impact.leaving,
                    false => card.impact.entering,
                };
                row.impact = row.impact.max(Some(impact));
                row.who.insert(who);
                row.cases.insert(&case.case);
            }
            unexplained += usize::from(!named);
        }
        let mut rows: Vec<Row<'a>> = rows.into_values().collect();
        rows.sort_by_key(|row| (Reverse(row.impact), Reverse(row.cases.len()), row.id));
        Self { rows, unexplained }
    }

    /// How many rows have which impact, in words: `3 security, 9 cosmetic`.
    pub(crate) fn by_impact(rows: &[Row<'_>]) -> String {
        let mut counts: BTreeMap<Reverse<Option<Impact>>, usize> = BTreeMap::new();
        for row in rows {
            *counts.entry(Reverse(row.impact)).or_default() += 1;
        }
        let name = |impact: Option<Impact>| impact.map_or("without impact", Impact::name);
        let counts = counts.iter();
        let told = counts.map(|(Reverse(impact), number)| format!("{number} {}", name(*impact)));
        told.collect::<Vec<_>>().join(", ")
    }
}

/// The findings that account for a difference, and the runtime whose value each explains.
fn told<'a>(
    case: &'a CaseReport,
    difference: &'a Difference,
) -> impl Iterator<Item = (&'a FindingId, &'a Card, &'a str)> {
    difference.accounts.iter().flat_map(move |account| {
        let cards = account
            .because
            .iter()
            .filter_map(|id| case.findings.get_key_value(id));
        cards.map(|(id, card)| (id, card, account.who.as_str()))
    })
}
