//! The good news of a run: findings that no longer show in versions that had not been examined.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Fixed;
use ocidiff_model::event::CaseReport;

use crate::run::Run;
use crate::safe::safe;
use crate::style::count;

/// A line for each finding and runtime; none if there is no news.
pub(crate) fn lines(run: &Run<'_>) -> Vec<String> {
    let mut all: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for case in &run.cases {
        for fixed in case.differences.iter().flat_map(|one| &one.fixed) {
            for id in &fixed.because {
                let told = format!("{id} does not show in {}", versions(fixed));
                all.entry(told).or_default().insert(&case.case);
            }
        }
    }
    let line = |(told, cases): (String, BTreeSet<&str>)| format!("{told} ({})", count(cases.len(), "case"));
    all.into_iter().map(line).collect()
}

/// `crun 1.30: was seen until 1.28`.
fn versions(fixed: &Fixed) -> String {
    let (who, version, until) = (&fixed.who, &fixed.version, &fixed.until);
    // A label that is more than the name may already contain the version.
    let runtime = match who.contains(version.as_str()) {
        true => safe(who),
        false => format!("{} {}", safe(who), safe(version.as_str())),
    };
    format!("{runtime}: was seen until {}", safe(until.as_str()))
}

/// Which findings no longer show in a case, in one phrase.
pub(crate) fn of(case: &CaseReport) -> String {
    let mut told: Vec<String> = Vec::new();
    for fixed in case.differences.iter().flat_map(|one| &one.fixed) {
        let ids: Vec<&str> = fixed.because.iter().map(|id| id.as_str()).collect();
        let phrase = format!("fixed? {} in {}", ids.join(" and "), versions(fixed));
        if !told.contains(&phrase) {
            told.push(phrase);
        }
    }
    told.join(", ")
}
