//! From which version on a move is safe.

use ocidiff_model::check::VersionReport;

use super::row::{Row, names};
use crate::safe::{safe, safe_to};

/// Maximum length of a line from elsewhere, in characters.
const LINE: usize = 400;
const WHAT: &str = "Versions";

/// The answer first, then a line for each version that is not safe.
pub(super) fn rows(versions: &[VersionReport]) -> Vec<Row> {
    if versions.is_empty() {
        return Vec::new();
    }
    let first = std::iter::once((WHAT, said(versions), Vec::new()));
    let unsafe_ones = versions.iter().filter(|one| !one.is_safe());
    first
        .chain(unsafe_ones.map(|one| (WHAT, name(one), vec![why(one)])))
        .collect()
}

fn name(one: &VersionReport) -> String {
    safe(one.runtime.version.as_str())
}

/// Where the safe versions begin, if they continue to the newest.
fn said(versions: &[VersionReport]) -> String {
    let tail = versions.iter().rev().take_while(|one| one.is_safe()).count();
    let safe_ones: Vec<String> = versions.iter().filter(|one| one.is_safe()).map(name).collect();
    let tried: Vec<String> = versions.iter().map(name).collect();
    let tried = tried.join(", ");
    match &safe_ones[..] {
        [] => format!("none of those tried is safe for all: {tried}"),
        all if tail == versions.len() => format!("safe in each one tried: {}", all.join(", ")),
        all if tail == all.len() => format!("from {} on: safe (tried: {tried})", all[0]),
        all => format!("safe: {} (tried: {tried})", all.join(", ")),
    }
}

fn why(one: &VersionReport) -> String {
    if let Some(why) = &one.why_not {
        return safe_to(why, LINE);
    }
    let risk = |worst: &str| {
        let whom: Vec<&str> = one.at_risk.iter().map(String::as_str).collect();
        format!("{} at risk ({worst}): {}", whom.len(), names(&whom))
    };
    let risk = one
        .worst
        .filter(|_| !one.at_risk.is_empty())
        .map(|worst| risk(worst.name()));
    let open = (!one.unchecked.is_empty()).then(|| format!("{} not checked", one.unchecked.len()));
    let safe = format!("{} safe", one.safe);
    [Some(safe), risk, open]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
