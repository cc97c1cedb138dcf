//! What a search reports.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ocidiff_model::event::CaseReport;
use ocidiff_model::version::Version;
use ocidiff_model::{Difference, FindingId, Value, Verdict};
use ocidiff_reports::{safe, safe_to};
use ocidiff_runtimes::Runtime;

use super::super::output;
use super::id_of;
use crate::bisect::{Pair, Side};
use crate::corpus::Corpus;

/// How many facts are shown.
const FACTS: usize = 8;
/// How long a value may be.
const VALUE: usize = 70;

/// A pair, and what is known about it.
pub(super) struct Found<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) case: &'a str,
    pub(super) finding: Option<&'a FindingId>,
    pub(super) report: &'a CaseReport,
    pub(super) versions: &'a [Runtime],
    pub(super) pair: &'a Pair,
    pub(super) facts: &'a BTreeMap<String, [Option<Value>; 2]>,
    pub(super) between: &'a [Version],
    pub(super) repeat: u16,
}

/// How far the search has come.
pub(super) fn progress(runtime: &Runtime, side: Side) {
    let how = match side {
        Side::First => "as the earliest",
        Side::Last => "as the latest",
        Side::Other => "neither as the earliest nor as the latest",
        Side::Unknown => "cannot tell",
    };
    output::progress(&format!("{}: {how}", runtime.label()));
}

/// Whether the earliest and the latest were compared with each other at all.
pub(super) fn is_compared(report: &CaseReport) -> bool {
    !matches!(
        report.verdict,
        Verdict::Broken | Verdict::Skipped | Verdict::Unsupported | Verdict::Unstable
    )
}

/// Why a case shows no change between the earliest and the latest.
pub(super) fn alike(report: &CaseReport) -> String {
    let why = match (&report.why, report.verdict) {
        (Some(why), verdict) => format!("{verdict}: {why}"),
        (None, Verdict::Unstable) => "not the same each time".to_owned(),
        _ => "the earliest and the latest show the same".to_owned(),
    };
    format!("{} ({})", safe(&report.case), safe(&why))
}

/// The answer.
pub(super) fn found(found: &Found<'_>) -> String {
    let Found { versions, pair, .. } = found;
    let (before, after) = (&versions[pair.before], &versions[pair.after]);
    let mut text = String::new();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "{}: changed between {} and {} (each run {} times)",
        safe(found.case),
        safe(&before.label()),
        safe(&after.label()),
        found.repeat
    );
    for (fact, [from, to]) in found.facts.iter().take(FACTS) {
        let shown = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or("(absent)".to_owned(), |value| safe_to(&value.line(), VALUE))
        };
        let _ = writeln!(text, "  {}  {} -> {}", safe(fact), shown(from), shown(to));
    }
    if found.facts.len() > FACTS {
        let _ = writeln!(text, "  and {} more facts", found.facts.len() - FACTS);
    }
    caveats(&mut text, found);
    match findings(found)[..] {
        [] => proposals(&mut text, before, after),
        ref ids => ids.iter().for_each(|id| held(&mut text, found, id)),
    }
    text
}

/// Reasons why the pair may not be final.
fn caveats(text: &mut String, found: &Found<'_>) {
    let names = |all: &[usize]| {
        let names: Vec<String> = all.iter().map(|at| found.versions[*at].label()).collect();
        safe(&names.join(", "))
    };
    if !found.pair.unknown.is_empty() {
        let _ = writeln!(
            text,
            "between them, cannot be judged: {}",
            names(&found.pair.unknown)
        );
    }
    if !found.pair.other.is_empty() {
        let _ = writeln!(
            text,
            "it changed more than once: {} shows neither what the earliest nor what the latest does",
            names(&found.pair.other)
        );
    }
    let name = found.versions[found.pair.before].name();
    if found.between.is_empty() {
        let _ = writeln!(
            text,
            "no version between them is known to be had; --git DIR --build CMD goes through a checkout's commits"
        );
    } else {
        let all: Vec<String> = found
            .between
            .iter()
            .map(|version| format!("{name}@{version}"))
            .collect();
        let _ = writeln!(
            text,
            "between them could be had: `ocidiff runtimes install {}`",
            all.join(" ")
        );
    }
}

/// The finding that was named, or those that account for the facts.
fn findings<'a>(found: &Found<'a>) -> Vec<&'a FindingId> {
    if let Some(id) = found.finding {
        return vec![id];
    }
    let of_facts = found
        .report
        .differences
        .iter()
        .filter(|one| found.facts.contains_key(&one.fact));
    let name = found.versions[0].name();
    let mut ids: Vec<&FindingId> = of_facts
        .flat_map(Difference::findings)
        .filter(|id| id.component() == name)
        .filter_map(|id| found.corpus.findings.0.get_key_value(id))
        .map(|(id, _)| id)
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Whether a finding's range matches what was seen; otherwise which range does.
fn held(text: &mut String, found: &Found<'_>, id: &FindingId) {
    let Some(finding) = found.corpus.findings.find(id) else {
        return;
    };
    let (before, after) = (
        &found.versions[found.pair.before],
        &found.versions[found.pair.after],
    );
    let shows = |runtime: &Runtime| shows(found, id, runtime);
    let does = |runtime: &Runtime| finding.is_of(id, &id_of(runtime));
    let _ = writeln!(
        text,
        "finding  {id} ({}): {}",
        finding.versions(),
        safe(&finding.title)
    );
    let seen = (shows(before), shows(after));
    if seen.0 == seen.1 {
        let _ = writeln!(
            text,
            "         both show it, each in its own way: its range says nothing of this change"
        );
    } else if seen == (does(before), does(after)) {
        let _ = writeln!(text, "         its range says so");
    } else {
        let range = if seen.0 { up_to(before) } else { from(after) };
        let _ = writeln!(
            text,
            "         its range does not say so; by what was run: seen: \"{range}\""
        );
    }
}

/// Whether a version shows the finding: based on what accounts for it in the run, or, where that is derived from
/// ranges, on the value.
fn shows(found: &Found<'_>, id: &FindingId, runtime: &Runtime) -> bool {
    let at = usize::from(runtime.version == found.versions[found.pair.after].version);
    let entry = found
        .corpus
        .entries
        .iter()
        .find(|entry| entry.case.name == found.case);
    let mut written = entry
        .into_iter()
        .flat_map(|entry| crate::findings::written_of(entry, id));
    let by_value = written.any(|(known, written)| {
        if known.by_signs {
            return false;
        }
        let shown = found.facts.get(&known.fact).map(|ends| ends[at].as_ref());
        shown.is_some_and(|value| ocidiff_model::known::stands_for(&written.shows, value))
    });
    by_value || is_recognised(found, id, at)
}

/// Whether recognition names it for the earlier or the later of the two.
fn is_recognised(found: &Found<'_>, id: &FindingId, at: usize) -> bool {
    let of_facts = found
        .report
        .differences
        .iter()
        .filter(|one| found.facts.contains_key(&one.fact));
    let mut accounts = of_facts.flat_map(|difference| {
        let value = &found.facts[&difference.fact][at];
        let groups = difference
            .groups
            .iter()
            .filter(move |group| group.value == *value);
        let labels: Vec<&String> = groups.flat_map(|group| &group.runtimes).collect();
        difference
            .accounts
            .iter()
            .filter(move |account| labels.contains(&&account.who))
    });
    accounts.any(|account| account.because.contains(id))
}

/// Ranges for findings that have yet to be written.
fn proposals(text: &mut String, before: &Runtime, after: &Runtime) {
    let _ = writeln!(
        text,
        "no finding accounts for it; according to what was run, its range is"
    );
    let _ = writeln!(
        text,
        "  seen: \"{}\"    where it is what {} does",
        up_to(before),
        before.label()
    );
    let _ = writeln!(
        text,
        "  seen: \"{}\"    where it is what {} does",
        from(after),
        after.label()
    );
}

fn up_to(runtime: &Runtime) -> String {
    format!("<={}", plain(&runtime.version))
}

fn from(runtime: &Runtime) -> String {
    format!(">={}", plain(&runtime.version))
}

/// A version in a form that a range can hold: for a build, the version that it follows.
fn plain(version: &Version) -> String {
    if version.is_build() {
        version.semver().to_string()
    } else {
        version.to_string()
    }
}
