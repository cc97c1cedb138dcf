//! One run compared with an earlier one, case by case and version by version.
//!
//! A run holds the values of facts on which its runtimes differ. For a fact that is in both runs, each version's values
//! are compared. For a fact that is in only one of them, it is known that all agreed in the other: among those that
//! took part in both, the ones that are not with the majority have changed. A version that took part in only one run
//! does not accuse any other.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::FindingId;
use ocidiff_model::known::ANY;
use ocidiff_model::{Difference, Value, Verdict};

use super::{Became, CaseDiff, Diff, VersionChange, places};
use crate::changes::FactChange;
use crate::run::{Run, Start};

/// The name of a version in any run: `crun@1.28`, or its label if a run has two builds of it.
pub(super) fn version_of(start: &Start<'_>, label: &str) -> String {
    let runtimes = start.runtimes.iter().map(|one| &one.runtime);
    let Some(this) = runtimes.clone().find(|one| one.label == label) else {
        return label.to_owned();
    };
    let is_same = |one: &&ocidiff_model::RuntimeId| {
        one.name == this.name && one.version.as_str() == this.version.as_str()
    };
    if runtimes.filter(is_same).count() > 1 {
        return label.to_owned();
    }
    format!("{}@{}", this.name, this.version)
}

/// A case in one of the runs, with its runtimes by version.
struct Side<'a> {
    case: &'a CaseReport,
    start: Start<'a>,
}

/// What a version shows for a fact.
struct Shown<'a> {
    group: usize,
    value: Option<&'a Value>,
    because: BTreeSet<&'a FindingId>,
    /// It varies from run to run, or any value counts as written.
    varies: bool,
}

pub(super) fn compare(diff: &mut Diff, old: &Run<'_>, new: &Run<'_>) {
    let (Some(before), Some(now)) = (old.starts.first(), new.starts.first()) else {
        return;
    };
    let both: BTreeSet<String> = {
        let now_places = places(new);
        before
            .runtimes
            .iter()
            .map(|one| version_of(before, &one.runtime.label))
            .filter(|version| now_places.contains(&format!("{version} on {}", before.machine_in_words())))
            .collect()
    };
    let by_name: BTreeMap<&str, &CaseReport> =
        old.cases.iter().map(|case| (case.case.as_str(), *case)).collect();
    let names: BTreeSet<&str> = new.cases.iter().map(|case| case.case.as_str()).collect();
    let gone = by_name.keys().filter(|name| !names.contains(**name));
    let gone: Vec<String> = gone.map(|name| (*name).to_owned()).collect();
    if new.interrupted {
        diff.not_checked.extend(gone.iter().cloned());
    }
    diff.cases_only_old.extend(gone);
    for case in &new.cases {
        let Some(earlier) = by_name.get(case.case.as_str()) else {
            diff.cases_only_new.push(case.case.clone());
            continue;
        };
        diff.compared += 1;
        let sides = (
            Side {
                case: earlier,
                start: *before,
            },
            Side { case, start: *now },
        );
        diff.cases.extend(became(&sides, &both));
    }
}

fn is_compared(case: &CaseReport) -> bool {
    !matches!(case.verdict, Verdict::Skipped | Verdict::Broken)
}

fn became((old, new): &(Side<'_>, Side<'_>), both: &BTreeSet<String>) -> Option<CaseDiff> {
    let (from, to) = (old.case.verdict, new.case.verdict);
    let told = |became, versions| {
        Some(CaseDiff {
            case: new.case.case.clone(),
            machine: new.start.machine_in_words(),
            became,
            from,
            to,
            why: new.case.why.clone(),
            versions,
        })
    };
    match (is_compared(old.case), is_compared(new.case)) {
        (true, false) => return told(Became::NotCompared, Vec::new()),
        (false, true) if from == Verdict::Broken && !to.fails(false) => {
            return told(Became::Fixed, Vec::new());
        }
        (false, true) if to.fails(false) => return told(Became::New, Vec::new()),
        (true, true) => {}
        _ => return None,
    }
    let versions = changed(old, new, both);
    // A newcomer's difference is its own: none of those that were there yesterday changed.
    let same_cast = new
        .start
        .runtimes
        .iter()
        .all(|one| both.contains(&version_of(&new.start, &one.runtime.label)))
        && old.start.runtimes.len() == new.start.runtimes.len();
    let concerns = same_cast || !versions.is_empty();
    let was_unstable = old.case.differences.iter().any(is_unstable);
    let is_unstable = new.case.differences.iter().any(is_unstable);
    let fails = (from.fails(false), to.fails(false));
    match fails {
        (false, true) if concerns => told(Became::New, versions),
        (true, false) if is_unstable && !was_unstable => told(Became::Unstable, versions),
        (true, false) if concerns => told(Became::Fixed, versions),
        _ if is_unstable && !was_unstable && concerns => told(Became::Unstable, versions),
        _ if !versions.is_empty() => told(Became::Changed, versions),
        _ => None,
    }
}

fn is_unstable(difference: &Difference) -> bool {
    matches!(difference.standing, Standing::Unstable { .. })
}

/// What the versions that are in both runs show differently.
fn changed(old: &Side<'_>, new: &Side<'_>, both: &BTreeSet<String>) -> Vec<VersionChange> {
    let facts = |side: &Side<'_>| -> BTreeSet<String> {
        side.case
            .differences
            .iter()
            .map(|difference| difference.fact.clone())
            .collect()
    };
    let all: BTreeSet<String> = facts(old).union(&facts(new)).cloned().collect();
    let mut changes = Vec::new();
    for fact in &all {
        let (before, now) = (old.shown(fact, both), new.shown(fact, both));
        let versions = both
            .iter()
            .filter(|version| match (before.get(*version), now.get(*version)) {
                (Some(a), Some(b)) => a.value != b.value && !a.varies && !b.varies,
                (None, Some(b)) => before.is_empty() && !b.varies && departs(&now, b),
                (Some(a), None) => now.is_empty() && !a.varies && departs(&before, a),
                (None, None) => false,
            });
        for version in versions {
            let (a, b) = (before.get(version), now.get(version));
            let because = |shown: Option<&Shown<'_>>| -> BTreeSet<FindingId> {
                shown.map_or_else(BTreeSet::new, |shown| {
                    shown.because.iter().map(|id| (*id).clone()).collect()
                })
            };
            let (was, is) = (because(a), because(b));
            let value = |shown: Option<&Shown<'_>>| shown.and_then(|shown| shown.value.cloned());
            changes.push(VersionChange {
                version: version.clone(),
                fact: FactChange {
                    fact: fact.clone(),
                    from: value(a),
                    to: value(b),
                },
                from_known: a.is_some(),
                to_known: b.is_some(),
                come: is.difference(&was).cloned().collect(),
                gone: was.difference(&is).cloned().collect(),
            });
        }
    }
    changes
}

/// Whether one of those that are in both runs is not with the majority.
fn departs(shown: &BTreeMap<String, Shown<'_>>, one: &Shown<'_>) -> bool {
    let size = |group: usize| shown.values().filter(|other| other.group == group).count();
    let largest = shown.values().map(|other| size(other.group)).max().unwrap_or(0);
    let largest_is_one = shown
        .values()
        .filter(|other| size(other.group) == largest)
        .all(|other| other.group == one.group);
    // If there are equally many on each side, one of them changed, but it is not known which.
    !largest_is_one && shown.values().any(|other| other.group != one.group)
}

impl<'a> Side<'a> {
    /// What each version that is in both runs shows for a fact on which the runtimes differ.
    fn shown(&self, fact: &str, both: &BTreeSet<String>) -> BTreeMap<String, Shown<'a>> {
        let case = self.case;
        let found = case.differences.iter().find(|difference| difference.fact == fact);
        let Some(difference) = found.filter(|difference| difference.standing != Standing::Gone) else {
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (group, labels) in difference.groups.iter().enumerate() {
            for label in &labels.runtimes {
                let version = version_of(&self.start, label);
                if !both.contains(&version) {
                    continue;
                }
                let accounts = difference.accounts.iter().filter(|account| account.who == *label);
                let because: BTreeSet<&FindingId> = accounts.flat_map(|account| &account.because).collect();
                let races = difference.accounts.iter().flat_map(|account| &account.because);
                let races = races.clone().count() > 0
                    && races
                        .clone()
                        .all(|id| case.findings.get(id).is_some_and(|card| card.races));
                let any = Value::from(ANY);
                let is_open = difference
                    .written
                    .iter()
                    .any(|(who, value)| who == label && *value == any);
                let shown = Shown {
                    group,
                    value: labels.value.as_ref(),
                    because,
                    varies: races || is_open || is_unstable(difference),
                };
                all.insert(version, shown);
            }
        }
        all
    }
}
