//! What a run did not tell, because a file says so: how much, by which entries, and which of them are to be looked at.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::Difference;
use ocidiff_model::finding::FindingId;
use ocidiff_model::ignore::Ignore;

use crate::run::Run;
use crate::safe::safe;
use crate::style::count;

/// A line for what was left out, one for the entries that hold no more, one for those that met nothing; none without a
/// file.
pub(crate) fn lines(run: &Run<'_>) -> Vec<String> {
    let Some(list) = run.starts.iter().find_map(|start| start.ignore) else {
        return Vec::new();
    };
    let cases = run.ignored();
    let mut by: BTreeMap<&FindingId, usize> = BTreeMap::new();
    for case in &cases {
        let ids: BTreeSet<&FindingId> = case.differences.iter().flat_map(Difference::findings).collect();
        ids.into_iter().for_each(|id| *by.entry(id).or_default() += 1);
    }
    let by: Vec<String> = by.iter().map(|(id, number)| format!("{id} ({number})")).collect();
    let whose = if by.is_empty() {
        String::new()
    } else {
        format!(": {}", by.join(", "))
    };
    let mut lines = vec![format!(
        "{} by {}{whose}",
        count(cases.len(), "known case"),
        safe(&list.file)
    )];
    let over: Vec<String> = list
        .over()
        .map(|one| format!("{} ({})", one.finding, one.until))
        .collect();
    if !over.is_empty() {
        lines.push(format!("no longer ignored, the day is past: {}", over.join(", ")));
    }
    let all = || run.cases.iter().flat_map(|case| &case.differences);
    let met: BTreeSet<&FindingId> = all().flat_map(Difference::findings).collect();
    let idle = |one: &&Ignore| !met.contains(&one.finding);
    let idle: Vec<&str> = list
        .entries
        .iter()
        .filter(idle)
        .map(|one| one.finding.as_str())
        .collect();
    if !idle.is_empty() {
        lines.push(format!("met nothing in this run: {}", idle.join(", ")));
    }
    lines
}
