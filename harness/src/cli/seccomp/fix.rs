//! A cure that is proven before it is printed: loaded under every runtime, read back, compared again.

use std::collections::BTreeSet;

use ocidiff_model::FilterRow;
use ocidiff_seccomp::Profile;
use ocidiff_seccomp::cure::{Cure, Cured, cure};
use serde_json::Value;

use super::super::args::FixArg;
use crate::engine::Engine;
use crate::error::Error;
use crate::filters::{Filters, native_arch};
use crate::readback::{Loaded, ReadBack, read_back};

/// How often names that a runtime does not know are left out, and the cure is tried again.
const TRIES: usize = 4;

/// What was found out about a cure.
pub(super) struct Proven {
    /// The cured profile, if it does what it is for.
    pub(super) profile: Option<Value>,
    /// What a reader should know.
    pub(super) told: Vec<String>,
}

/// Cures a profile, and proves it.
pub(super) async fn prove(
    engine: &Engine,
    profile: &Profile,
    before: &[ReadBack],
    filters: &mut Filters,
    how: FixArg,
) -> Result<Proven, Error> {
    let how = match how {
        FixArg::Enosys => Cure::Enosys,
        FixArg::Allow => Cure::Allow,
    };
    let differed = filters.differences().map_err(Error::broken)?;
    let mut except = BTreeSet::new();
    let mut told = Vec::new();
    for _ in 0..TRIES {
        let cured = cure(filters.decider(), profile, native_arch(), how, &except)
            .map_err(|error| Error::usage(format!("failed to {error}")))?;
        let after = read_back(engine, &cured.profile.to_json()).await?;
        let refused = newly_refused(before, &after);
        if !refused.is_empty() {
            told.extend(refused);
            return Ok(Proven { profile: None, told });
        }
        let rows = rows(&cured.profile, &after)?;
        let unknown = unknown_names(&rows, &cured);
        if !unknown.is_empty() {
            told.push(format!(
                "left to the default action, since not every runtime knows them: {}",
                unknown.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
            ));
            except.extend(unknown);
            continue;
        }
        let (left, fresh): (Vec<&FilterRow>, Vec<&FilterRow>) =
            rows.iter().partition(|row| is_left(row, &differed));
        told.extend(summary(&cured));
        told.extend(
            left.iter()
                .map(|row| format!("left as it was, no profile can cure it: {}", said(row))),
        );
        told.extend(fresh.iter().map(|row| format!("still differs: {}", said(row))));
        let profile = fresh.is_empty().then(|| cured.profile.to_json());
        return Ok(Proven { profile, told });
    }
    told.push("still differs: names are known to some runtimes only".to_owned());
    Ok(Proven { profile: None, told })
}

fn rows(profile: &Profile, made: &[ReadBack]) -> Result<Vec<FilterRow>, Error> {
    let mut filters = Filters::of_profile(profile.clone()).map_err(Error::broken)?;
    for one in made {
        if let Loaded::Filters(list) = &one.loaded {
            filters.add(&one.runtime.label, list).map_err(Error::broken)?;
        }
    }
    filters.differences().map_err(Error::broken)
}

/// Runtimes that took the profile, and do not take the cured one.
fn newly_refused(before: &[ReadBack], after: &[ReadBack]) -> Vec<String> {
    let took = |one: &ReadBack| matches!(one.loaded, Loaded::Filters(_));
    let pairs = before.iter().zip(after);
    pairs
        .filter(|(before, after)| took(before) && !took(after))
        .map(|(_, after)| match &after.loaded {
            Loaded::Refused(said) | Loaded::NotBegun(said) => {
                format!(
                    "{} does not take the changed profile: {said}",
                    after.runtime.label
                )
            }
            _ => format!("{} loads nothing for the changed profile", after.runtime.label),
        })
        .collect()
}

/// Names that the cure added and that decide some rows alone: a runtime whose library does not know a name leaves it out.
fn unknown_names(rows: &[FilterRow], cured: &Cured) -> BTreeSet<String> {
    let added = |name: &str| cured.denied.contains(&name) || cured.allowed.iter().any(|there| there == name);
    rows.iter()
        .filter(|row| !row.calls.contains('['))
        .flat_map(|row| &row.named)
        .filter(|call| added(&call.name))
        .map(|call| call.name.clone())
        .collect()
}

/// Whether a row was there before, with the same answers, and does not come from what the profile does not know.
fn is_left(row: &FilterRow, before: &[FilterRow]) -> bool {
    let answers = |row: &FilterRow| -> Vec<(String, Vec<String>)> {
        let pairs = row.answers.iter();
        pairs
            .map(|answer| (answer.action.clone(), answer.runtimes.clone()))
            .collect()
    };
    before
        .iter()
        .any(|there| there.calls == row.calls && answers(there) == answers(row))
}

fn said(row: &FilterRow) -> String {
    let answers: Vec<String> = row
        .answers
        .iter()
        .map(|answer| {
            let reason = answer
                .reason
                .as_ref()
                .map_or(String::new(), |why| format!(" ({why})"));
            format!("{} {}{reason}", answer.runtimes.join(", "), answer.action)
        })
        .collect();
    format!("{}: {}", row.calls, answers.join("; "))
}

fn summary(cured: &Cured) -> Vec<String> {
    let mut lines = vec![format!(
        "calls that the profile does not know answer ENOSYS; {} that it denied stay denied as they were",
        cured.denied.len() + cured.completed.len()
    )];
    if !cured.changed.is_empty() {
        lines.push(format!(
            "denied with ENOSYS where their conditions do not hold, since these cannot be turned round: {}",
            cured.changed.join(", ")
        ));
    }
    if !cured.allowed.is_empty() {
        lines.push(format!("allowed now: {}", cured.allowed.join(", ")));
    }
    lines
}
