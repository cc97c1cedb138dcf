//! What a case's report holds, in the order in which it matters.

use std::cmp::Reverse;

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{Card, FindingId};
use ocidiff_model::{Difference, Impact};

/// The differences in the order of a report: what fails first, then by impact, channel and path.
pub(crate) fn ordered(case: &CaseReport) -> Vec<&Difference> {
    let mut all: Vec<_> = case.differences.iter().collect();
    all.sort_by_key(|difference| {
        (
            standing_rank(&difference.standing),
            Reverse(difference.impact),
            difference.channel(),
            difference.fact.as_str(),
        )
    });
    all
}

fn standing_rank(standing: &Standing) -> u8 {
    match standing {
        Standing::New { .. } => 0,
        Standing::Gone => 1,
        Standing::Unstable { .. } => 2,
        Standing::Fixed => 3,
        Standing::Known => 4,
    }
}

/// The impact of a case: that of the difference that matters most.
pub(crate) fn impact(case: &CaseReport) -> Option<Impact> {
    let impacts = case.differences.iter().map(|difference| difference.impact);
    impacts.max().flatten()
}

/// The findings that account for the case's differences, in the order of the differences, each once.
pub(crate) fn findings(case: &CaseReport) -> Vec<(&FindingId, &Card)> {
    let mut seen: Vec<(&FindingId, &Card)> = Vec::new();
    for id in ordered(case).into_iter().flat_map(Difference::findings) {
        if let Some((id, card)) = case.findings.get_key_value(id)
            && seen.iter().all(|(other, _)| *other != id)
        {
            seen.push((id, card));
        }
    }
    seen
}

/// Links about a case's differences, each once.
pub(crate) fn links(case: &CaseReport) -> Vec<&str> {
    once(
        findings(case)
            .into_iter()
            .flat_map(|(_, card)| card.link.iter().map(String::as_str)),
    )
}

/// What to do about it, each remedy once.
pub(crate) fn remedies(case: &CaseReport) -> Vec<&str> {
    once(
        findings(case)
            .into_iter()
            .filter_map(|(_, card)| card.remedy.as_deref()),
    )
}

pub(crate) fn once<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}
