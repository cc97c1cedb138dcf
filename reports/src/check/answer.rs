//! The answer in a few lines: which workloads can move, what to change first, what to decide, what is not known.

use std::collections::BTreeSet;

use ocidiff_model::check::{CheckReport, Depth, Finding, ShapeReport};
use ocidiff_model::{Impact, RuntimeId};

use super::row::{Row, names};
use super::versions;
use crate::safe::{safe, safe_to};
use crate::style::{Style, count, wrap};

/// Width of what is to be done, and of the workloads.
const WHAT: usize = 14;
const WHOM: usize = 11;
/// Maximum length of a line from elsewhere, in characters.
const LINE: usize = 400;

/// The answer, within the columns of the style.
pub(super) fn lines(report: &CheckReport, style: &Style) -> Vec<String> {
    let rows = rows(report);
    let margin = WHAT + WHOM;
    let mut lines = Vec::new();
    let mut before = "";
    for (what, whom, texts) in &rows {
        let shown = if *what == before { "" } else { what };
        before = what;
        let mut head = format!("{shown:WHAT$}{:WHOM$}", style.words(whom));
        let room = style.columns().saturating_sub(margin).max(20);
        if texts.is_empty() {
            lines.extend(hanging(shown, &style.words(whom), style.columns()));
            continue;
        }
        // A long list of workloads has its own lines.
        if whom.chars().count() >= WHOM {
            lines.extend(hanging(shown, &style.words(whom), style.columns()));
            head = " ".repeat(margin);
        }
        for line in texts.iter().flat_map(|text| wrap(&style.words(text), room)) {
            lines.push(format!("{head}{line}").trim_end().to_owned());
            head = " ".repeat(margin);
        }
    }
    lines
}

fn hanging(what: &str, text: &str, columns: usize) -> Vec<String> {
    let all = wrap(text, columns.saturating_sub(WHAT).max(20));
    let mut heads = std::iter::once(what).chain(std::iter::repeat(""));
    all.into_iter()
        .map(|line| format!("{:WHAT$}{line}", heads.next().unwrap_or_default()))
        .collect()
}

/// What is to be done, in the order in which that is read.
pub(crate) fn rows(report: &CheckReport) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let safe: Vec<&str> = report
        .shapes
        .iter()
        .filter(|shape| shape.is_safe() && !shape.is_as_before())
        .flat_map(|shape| shape.workloads.iter().map(String::as_str))
        .collect();
    if !safe.is_empty() {
        rows.push(("Move", names(&safe), Vec::new()));
    }
    let mut told: Vec<(&RuntimeId, &Finding, Vec<&str>)> = Vec::new();
    for shape in report.shapes.iter().filter(|shape| !shape.is_safe()) {
        let Some(first) = first(shape) else { continue };
        let whom = shape.workloads.iter().map(String::as_str);
        // What to do names the runtime from which they move.
        let from = report.from_of(shape);
        let is_told = |there: &(&RuntimeId, &Finding, _)| there.0 == from && is_same(there.1, first);
        match told.iter_mut().find(|there| is_told(there)) {
            Some((.., all)) => all.extend(whom),
            None => told.push((from, first, whom.collect())),
        }
    }
    for security in [false, true] {
        let what = if security { "Decide" } else { "Change first" };
        let of = |one: &&(_, &Finding, _)| (one.1.impact == Impact::Security) == security;
        for (_, finding, whom) in told.iter().filter(of) {
            let remedy = finding.remedy.iter().map(|remedy| safe_to(remedy, LINE));
            let texts = std::iter::once(said(finding)).chain(remedy).collect();
            rows.push((what, names(whom), texts));
        }
    }
    rows.extend(as_before(report));
    let mut unchecked: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in &report.unchecked {
        match unchecked.iter_mut().find(|(why, _)| *why == one.why) {
            Some((_, all)) => all.push(&one.workload),
            None => unchecked.push((&one.why, vec![&one.workload])),
        }
    }
    rows.extend(
        unchecked
            .into_iter()
            .map(|(why, whom)| ("Not checked", names(&whom), vec![safe_to(why, LINE)])),
    );
    rows.extend(versions::rows(&report.versions));
    rows
}

/// The workloads that are at risk, but by nothing new.
fn as_before(report: &CheckReport) -> Option<Row> {
    let old: Vec<&ShapeReport> = report
        .shapes
        .iter()
        .filter(|shape| shape.is_as_before())
        .collect();
    let baseline = report.baseline.as_ref()?;
    let whom: Vec<&str> = old
        .iter()
        .flat_map(|shape| &shape.workloads)
        .map(String::as_str)
        .collect();
    let risks = old
        .iter()
        .flat_map(|shape| &shape.findings)
        .filter(|one| one.is_old_risk());
    let what: BTreeSet<String> = risks.map(|one| one.sameness().0).collect();
    let (file, what) = (safe(&baseline.file), count(what.len(), "finding"));
    (!whom.is_empty()).then(|| {
        (
            "As before",
            names(&whom),
            vec![format!("{what} that {file} has already")],
        )
    })
}

/// What comes first for a shape: what fails to start, then the worst.
pub(super) fn first(shape: &ShapeReport) -> Option<&Finding> {
    let rank = |one: &&Finding| (one.is_failure(), one.impact);
    let risks = shape.findings.iter().filter(|one| one.is_risk());
    // Among equals the first.
    risks.rev().max_by_key(rank)
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        (None, None) => (&one.what, &one.from, &one.to) == (&other.what, &other.from, &other.to),
        _ => false,
    }
}

/// How it is known: seen under both runtimes, proven from the filters, read from a finding.
pub(crate) fn known(finding: &Finding) -> &'static str {
    match finding.depth {
        Depth::Read => "read",
        Depth::Filter => "proven",
        Depth::Probe | Depth::Run => "seen",
    }
}

/// What is found, how bad it is, how it is known, and under which name.
pub(super) fn said(finding: &Finding) -> String {
    let what = match (&finding.id, finding.depth) {
        (None, Depth::Probe | Depth::Run) => format!("{}: {} -> {}", finding.what, finding.from, finding.to),
        (Some(_), Depth::Read | Depth::Probe | Depth::Run) => {
            finding.reason.split(": ").next().unwrap_or_default().to_owned()
        }
        (_, _) => finding.reason.clone(),
    };
    // Its other consequences are listed below.
    let what = what.split("; also ").next().unwrap_or_default();
    let id = finding
        .id
        .as_ref()
        .map(|id| format!("  {id}"))
        .unwrap_or_default();
    format!(
        "{} ({}, {}){id}",
        safe_to(what, LINE),
        finding.impact,
        known(finding)
    )
}
