//! What a run did not report, or a check did not count, because a file says so: how much, by which entries, and which
//! of them need attention.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::Difference;
use ocidiff_model::check::{CheckReport, Finding};
use ocidiff_model::difference::ids;
use ocidiff_model::finding::FindingId;
use ocidiff_model::ignore::{Ignore, IgnoreList};

use crate::run::Run;
use crate::safe::{safe, safe_to};
use crate::style::{count, first_of};

/// How many differences are named for one entry.
const NAMES: usize = 12;

/// A line for what was left out, one for the entries that no longer apply, one for those that met nothing; none
/// without a file.
pub(crate) fn lines(run: &Run<'_>) -> Vec<String> {
    let Some(list) = run.starts.iter().find_map(|start| start.ignore) else {
        return Vec::new();
    };
    let cases = run.ignored();
    // What else differs in these cases is reported.
    let partly: Vec<Vec<&Difference>> = run
        .cases
        .iter()
        .filter(|case| !case.ignored)
        .map(|case| {
            let all = case.differences.iter();
            all.filter(|one| list.covers(&one.accounts)).collect()
        })
        .filter(|covered: &Vec<_>| !covered.is_empty())
        .collect();
    let mut by: BTreeMap<&FindingId, usize> = BTreeMap::new();
    let whole = cases.iter().map(|case| case.differences.iter().collect());
    for differences in whole.chain(partly.iter().cloned()) {
        let ids: BTreeSet<&FindingId> = differences.into_iter().flat_map(Difference::findings).collect();
        ids.into_iter().for_each(|id| *by.entry(id).or_default() += 1);
    }
    let by: Vec<String> = by.iter().map(|(id, number)| format!("{id} ({number})")).collect();
    let whose = if by.is_empty() {
        String::new()
    } else {
        format!(": {}", by.join(", "))
    };
    let beside = match partly.iter().flatten().count() {
        0 => String::new(),
        number => format!(
            ", {} of {}",
            count(number, "difference"),
            count(partly.len(), "other case")
        ),
    };
    let mut lines = vec![format!(
        "{}{beside} by {}{whose}",
        count(cases.len(), "known case"),
        safe(&list.file)
    )];
    let all = run.cases.iter().flat_map(|case| &case.differences);
    let met: BTreeSet<&FindingId> = all.flat_map(Difference::findings).collect();
    lines.extend(to_look_at(list, &met));
    lines
}

/// The entries that no longer apply, and those that met nothing, among everything that was met.
fn to_look_at(list: &IgnoreList, met: &BTreeSet<&FindingId>) -> Vec<String> {
    let mut lines = Vec::new();
    let over: Vec<String> = list
        .over()
        .map(|one| format!("{} ({})", one.finding, one.until))
        .collect();
    if !over.is_empty() {
        lines.push(format!("no longer ignored, the day is past: {}", over.join(", ")));
    }
    let holds = |one: &&Ignore| list.holding(&one.finding).is_some();
    let idle = list
        .entries
        .iter()
        .filter(holds)
        .filter(|one| !met.contains(&one.finding));
    let idle: Vec<&str> = idle.map(|one| one.finding.as_str()).collect();
    if !idle.is_empty() {
        lines.push(format!("met nothing here: {}", idle.join(", ")));
    }
    lines
}

/// What a check found and does not count, with a line for each entry and difference; then the entries that need
/// attention.
pub(crate) fn of_check(report: &CheckReport) -> Vec<String> {
    let all = || report.shapes.iter().flat_map(|shape| &shape.findings);
    let mut lines: Vec<String> = differences(all());
    if let Some(list) = &report.ignore {
        let met: BTreeSet<&FindingId> = all().flat_map(|one| ids(&one.accounts).chain(&one.id)).collect();
        lines.extend(to_look_at(list, &met));
    }
    lines
}

/// `ID until DATE (REASON): what, what`, for each entry for which something was found.
pub(crate) fn differences<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<String> {
    let mut by: BTreeMap<&FindingId, (&Ignore, BTreeSet<&str>)> = BTreeMap::new();
    for (ignore, what) in findings.filter_map(|one| Some((one.ignored.as_ref()?, one.what.as_str()))) {
        by.entry(&ignore.finding)
            .or_insert_with(|| (ignore, BTreeSet::new()))
            .1
            .insert(what);
    }
    let line = |(ignore, what): (&Ignore, BTreeSet<&str>)| {
        let names = first_of(what.iter().map(|what| safe_to(what, 100)), NAMES);
        format!(
            "{} until {} ({}): {names}",
            ignore.finding,
            ignore.until,
            safe(&ignore.reason)
        )
    };
    by.into_values().map(line).collect()
}
