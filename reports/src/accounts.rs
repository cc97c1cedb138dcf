//! How a case's differences relate to findings: which account for a difference, and which differences a finding
//! accounts for.

use std::cmp::Reverse;

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{Card, FindingId};
use ocidiff_model::{Difference, Impact};

use crate::in_order;

/// Which findings account for something: `A`, `A and B` if they cause it together, `either A or B` if both look like
/// it, `follows from A` if it is a consequence.
pub(crate) fn because(accounts: &[Account]) -> String {
    let mut told: Vec<String> = Vec::new();
    for account in accounts {
        let ids: Vec<&str> = account.because.iter().map(FindingId::as_str).collect();
        let either = match &ids[..] {
            [] => continue,
            [only] => (*only).to_owned(),
            several => format!("either {}", several.join(" or ")),
        };
        let text = match account.how {
            How::Written => ids.join(" and "),
            How::Recognised => either,
            How::Follows => format!("follows from {either}"),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told.join(", ")
}

/// A finding of a case, and the known differences that it accounts for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Accounted<'a> {
    pub(crate) id: &'a FindingId,
    pub(crate) card: &'a Card,
    /// The differences that are reported with it.
    pub(crate) first: Vec<&'a Difference>,
    /// Those that it also accounts for, but that are listed under another finding.
    pub(crate) also: Vec<&'a Difference>,
}

/// The findings of a case, the worst first, each with the known differences that it accounts for.
pub(crate) fn by_finding(case: &CaseReport) -> Vec<Accounted<'_>> {
    let mut known: Vec<&Difference> = in_order::ordered(case)
        .into_iter()
        .filter(|difference| difference.standing == Standing::Known)
        .collect();
    let mut told: Vec<&Difference> = Vec::new();
    let findings = worst_first(case).into_iter();
    findings
        .map(|(id, card)| {
            let is_of = |one: &&Difference| one.findings().any(|other| other == id);
            let also = told.iter().copied().filter(is_of).collect();
            let (first, rest): (Vec<_>, Vec<_>) = known.drain(..).partition(is_of);
            known = rest;
            told.extend(&first);
            Accounted {
                id,
                card,
                first,
                also,
            }
        })
        .collect()
}

/// The findings of a case, the worst first; those that matter equally are in the order of its differences.
pub(crate) fn worst_first(case: &CaseReport) -> Vec<(&FindingId, &Card)> {
    let mut findings = in_order::findings(case);
    findings.sort_by_cached_key(|(id, card)| Reverse(impact(case, id, card)));
    findings
}

/// The known differences that are not reported with any finding.
pub(crate) fn unaccounted(case: &CaseReport) -> Vec<&Difference> {
    in_order::ordered(case)
        .into_iter()
        .filter(|one| one.standing == Standing::Known)
        .filter(|one| !one.findings().any(|id| case.findings.contains_key(id)))
        .collect()
}

/// A finding with its versions, how it was identified if the case's known file does not name it, how much it matters
/// here, and what it does.
pub(crate) fn named(case: &CaseReport, id: &FindingId, card: &Card) -> String {
    let all = case
        .differences
        .iter()
        .flat_map(|difference| &difference.accounts);
    let best = all
        .filter(|account| account.because.contains(id))
        .min_by_key(|account| (account.how, account.because.len()));
    let how = match best {
        Some(account) if account.how == How::Recognised => {
            let others = account.because.iter().filter(|other| *other != id);
            let others: Vec<&str> = others.map(FindingId::as_str).collect();
            match others.is_empty() {
                true => ", recognised".to_owned(),
                false => format!(
                    ", recognised: this or {}, which look alike here",
                    others.join(" or ")
                ),
            }
        }
        _ => String::new(),
    };
    let impact = impact(case, id, card).map_or(String::new(), |impact| format!(", {impact}"));
    format!("{id} ({}{how}{impact}): {}", card.versions, card.title)
}

/// How much a finding matters in this case for users who move from the reference, which is the first of the first
/// group.
pub(crate) fn impact(case: &CaseReport, id: &FindingId, card: &Card) -> Option<Impact> {
    let of = |difference: &Difference| {
        let reference = difference.groups.first().and_then(|group| group.runtimes.first());
        let named = difference
            .accounts
            .iter()
            .filter(|account| account.because.contains(id));
        named
            .map(|account| match reference == Some(&account.who) {
                true => card.impact.leaving,
                false => card.impact.entering,
            })
            .max()
    };
    case.differences.iter().filter_map(of).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_accounts_for_something_is_said_as_it_is_known() {
        let account = |how, ids: &[&str]| Account {
            who: "crun".to_owned(),
            because: ids.iter().map(|id| id.parse().expect("an id")).collect(),
            how,
        };
        for (accounts, told) in [
            (vec![account(How::Written, &["crun/a"])], "crun/a"),
            (
                vec![account(How::Written, &["crun/a", "crun/b"])],
                "crun/a and crun/b",
            ),
            (vec![account(How::Recognised, &["crun/a"])], "crun/a"),
            (
                vec![account(How::Recognised, &["crun/a", "crun/b"])],
                "either crun/a or crun/b",
            ),
            (vec![account(How::Follows, &["crun/a"])], "follows from crun/a"),
            (
                vec![account(How::Follows, &["crun/a", "crun/b"])],
                "follows from either crun/a or crun/b",
            ),
            (
                vec![
                    account(How::Written, &["crun/a"]),
                    account(How::Written, &["crun/a"]),
                    account(How::Recognised, &["youki/b"]),
                ],
                "crun/a, youki/b",
            ),
            (Vec::new(), ""),
        ] {
            assert_eq!(because(&accounts), told);
        }
    }
}
