//! What a search reports.

use std::collections::BTreeMap;

use ocidiff_model::event::CaseReport;
use ocidiff_model::version::Version;
use ocidiff_model::{Difference, FindingId, Value, Verdict};
use ocidiff_reports::changes::{Shown, shown};
use ocidiff_reports::{count, hanging, safe, safe_to};
use ocidiff_runtimes::Runtime;

use super::super::output;
use super::id_of;
use crate::bisect::{Pair, Side};
use crate::corpus::Corpus;

/// How many facts are shown.
const FACTS: usize = 8;
/// How long a value may be.
const VALUE: usize = 70;
/// How far the second line of something is indented.
pub(super) const INDENT: usize = 6;

/// Versions between two that were not run.
pub(super) struct Between {
    /// Those that are installed.
    pub(super) there: Vec<Version>,
    /// Those that can be installed.
    pub(super) installable: Vec<Version>,
}

/// A pair, and what is known about it.
pub(super) struct Found<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) report: &'a CaseReport,
    /// The run's names for the two.
    pub(super) labels: [&'a str; 2],
    pub(super) versions: &'a [Runtime],
    pub(super) pair: &'a Pair,
    pub(super) facts: &'a BTreeMap<String, [Option<Value>; 2]>,
    pub(super) between: &'a Between,
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

/// `3 times`
pub(super) fn times(repeat: u16) -> String {
    match repeat {
        1 => "once".to_owned(),
        more => format!("{more} times"),
    }
}

/// Whether versions were compared with each other at all.
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

/// The answer about a case.
pub(super) fn found(found: &Found<'_>) -> String {
    let Found { versions, pair, .. } = found;
    let (before, after) = (&versions[pair.before], &versions[pair.after]);
    let head = format!(
        "{}: changed between {} and {} (each run {})",
        safe(&found.report.case),
        safe(&before.label()),
        safe(&after.label()),
        times(found.repeat)
    );
    let mut text = hanging(&head, INDENT);
    text.push_str(&facts(found.facts));
    text.push_str(&cannot_be_judged(versions, &pair.unknown));
    if !pair.other.is_empty() {
        let verb = if pair.other.len() == 1 { "shows" } else { "show" };
        let why = format!(
            "it changed more than once: {} {verb} neither what the earliest nor what the latest does",
            names(versions, &pair.other)
        );
        text.push_str(&hanging(&why, INDENT));
    }
    text.push_str(&to_be_had(before, found.between));
    match findings(found)[..] {
        [] => text.push_str(&proposals(before, after)),
        ref ids => ids.iter().for_each(|id| text.push_str(&held(found, id))),
    }
    text
}

/// What two versions show, fact by fact.
pub(super) fn facts(facts: &BTreeMap<String, [Option<Value>; 2]>) -> String {
    let shown = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or("(absent)".to_owned(), |value| safe_to(&value.line(), VALUE))
    };
    let lines = facts.iter().take(FACTS).map(|(fact, [from, to])| {
        hanging(
            &format!("  {}  {} -> {}", safe(fact), shown(from), shown(to)),
            INDENT,
        )
    });
    let mut text: String = lines.collect();
    if facts.len() > FACTS {
        text.push_str(&format!("  and {}\n", count(facts.len() - FACTS, "more fact")));
    }
    text
}

/// Versions between the two that were run and say nothing.
pub(super) fn cannot_be_judged(versions: &[Runtime], all: &[usize]) -> String {
    match all {
        [] => String::new(),
        all => hanging(
            &format!("between them, cannot be judged: {}", names(versions, all)),
            INDENT,
        ),
    }
}

fn names(versions: &[Runtime], all: &[usize]) -> String {
    let names: Vec<String> = all.iter().map(|at| versions[*at].label()).collect();
    safe(&names.join(", "))
}

/// What there is between the two that was not run.
pub(super) fn to_be_had(before: &Runtime, between: &Between) -> String {
    let name = before.name();
    let names = |all: &[Version]| {
        let all: Vec<String> = all.iter().map(|version| format!("{name}@{version}")).collect();
        all.join(" ")
    };
    let mut text = String::new();
    if !between.there.is_empty() {
        let there = format!(
            "between them is installed, and was not run: {}",
            names(&between.there)
        );
        text.push_str(&hanging(&there, INDENT));
    }
    if !between.installable.is_empty() {
        // A command stays on its line.
        let versions = names(&between.installable);
        text.push_str(&format!(
            "between them could be had: `ocidiff runtimes install {versions}`\n"
        ));
    }
    if text.is_empty() {
        text.push_str(&hanging(
            "no further version between them is known to be had; --git DIR --build CMD goes through a checkout's commits",
            INDENT,
        ));
    }
    text
}

/// Those that account for the facts.
fn findings<'a>(found: &Found<'a>) -> Vec<&'a FindingId> {
    let of_facts = found
        .report
        .differences
        .iter()
        .filter(|one| found.facts.contains_key(&one.fact));
    let mut ids: Vec<&FindingId> = of_facts.flat_map(Difference::findings).collect();
    ids.retain(|id| {
        let of = |label| shown(found.report, id, label) == Shown::Yes;
        found.labels.iter().any(|label| of(label))
    });
    ids.sort();
    ids.dedup();
    ids
}

/// Whether a finding's range matches what was seen in this one case.
fn held(found: &Found<'_>, id: &FindingId) -> String {
    let Some(finding) = found.corpus.findings.find(id) else {
        return String::new();
    };
    let title = format!("finding  {id} ({}): {}", finding.versions(), safe(&finding.title));
    let pair = [found.pair.before, found.pair.after].map(|at| &found.versions[at]);
    let name = pair[0].name();
    let seen = found.labels.map(|label| shown(found.report, id, label));
    let does = pair.map(|runtime| finding.is_of(id, &id_of(runtime)));
    let why = if id.component() == name {
        match seen {
            [Shown::Yes, Shown::Yes] => {
                "both show it, each in its own way: its range says nothing of this change".to_owned()
            }
            [Shown::Open, _] | [_, Shown::Open] => {
                "whether the other one shows it cannot be seen in this case".to_owned()
            }
            seen if seen.map(|one| one == Shown::Yes) == does => "its range says so".to_owned(),
            _ => format!(
                "its range holds for both; `ocidiff bisect {id} --runtime {name}` looks at its other cases too"
            ),
        }
    } else {
        format!(
            "it is a finding of {}: it has no range of {name}'s versions",
            id.component()
        )
    };
    let margin = " ".repeat("finding  ".len());
    let why = hanging(&format!("{margin}{why}"), margin.len());
    format!("{}{why}", hanging(&title, margin.len()))
}

/// Ranges for findings that have yet to be written.
fn proposals(before: &Runtime, after: &Runtime) -> String {
    let line = |range: String, runtime: &Runtime| {
        format!(
            "  seen: \"{range}\"    where it is what {} does\n",
            runtime.label()
        )
    };
    format!(
        "no finding accounts for it; according to what was run, its range is\n{}{}",
        line(up_to(before), before),
        line(from(after), after)
    )
}

/// The range that ends with a version.
pub(super) fn up_to(runtime: &Runtime) -> String {
    format!("<={}", plain(&runtime.version))
}

/// The range that begins with a version.
pub(super) fn from(runtime: &Runtime) -> String {
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
