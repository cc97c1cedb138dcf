//! The answer in a few lines: who can move, what to change first, what to decide, what is not known.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Depth, Finding, ShapeReport};

use crate::safe::safe_to;
use crate::style::{Style, wrap};

/// Columns of what is to be done, and of the workloads.
const WHAT: usize = 14;
const WHOM: usize = 11;
/// Characters of a line of others' words.
const LINE: usize = 400;

/// A line of the answer: what is to be done, with whom, why, and more below that.
type Row = (&'static str, String, Vec<String>);

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
        // A long list of workloads has lines of its own.
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

fn rows(report: &CheckReport) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let safe: Vec<&str> = report
        .shapes
        .iter()
        .filter(|shape| shape.is_safe())
        .flat_map(|shape| shape.workloads.iter().map(String::as_str))
        .collect();
    if !safe.is_empty() {
        rows.push(("Move", names(&safe), Vec::new()));
    }
    let mut told: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for shape in report.shapes.iter().filter(|shape| !shape.is_safe()) {
        let Some(first) = first(shape) else { continue };
        let whom = shape.workloads.iter().map(String::as_str);
        match told.iter_mut().find(|(there, _)| is_same(there, first)) {
            Some((_, all)) => all.extend(whom),
            None => told.push((first, whom.collect())),
        }
    }
    for security in [false, true] {
        let what = if security { "Decide" } else { "Change first" };
        let of = |one: &&(&Finding, Vec<&str>)| (one.0.impact == Impact::Security) == security;
        for (finding, whom) in told.iter().filter(of) {
            let remedy = finding.remedy.iter().map(|remedy| safe_to(remedy, LINE));
            let texts = std::iter::once(said(finding)).chain(remedy).collect();
            rows.push((what, names(whom), texts));
        }
    }
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
    rows
}

/// What comes first of a shape: what fails to start, then the worst.
fn first(shape: &ShapeReport) -> Option<&Finding> {
    let rank = |one: &&Finding| {
        (
            one.what.starts_with("lifecycle.") && one.impact == Impact::Breaks,
            one.impact,
        )
    };
    // Of equals the first.
    shape.findings.iter().rev().max_by_key(rank)
}

fn is_same(one: &Finding, other: &Finding) -> bool {
    match (&one.id, &other.id) {
        (Some(one), Some(other)) => one == other,
        (None, None) => (&one.what, &one.from, &one.to) == (&other.what, &other.from, &other.to),
        _ => false,
    }
}

/// What is found, how bad it is, how it is known, and by which name.
fn said(finding: &Finding) -> String {
    let known = match finding.depth {
        Depth::Read => "read",
        Depth::Filter => "proven",
        Depth::Probe | Depth::Run => "seen",
    };
    let what = match (&finding.id, finding.depth) {
        (None, Depth::Probe | Depth::Run) => format!("{}: {} -> {}", finding.what, finding.from, finding.to),
        (Some(_), _) => finding.reason.split(": ").next().unwrap_or_default().to_owned(),
        (None, _) => finding.reason.clone(),
    };
    let id = finding
        .id
        .as_ref()
        .map(|id| format!("  {id}"))
        .unwrap_or_default();
    format!("{} ({}, {known}){id}", safe_to(&what, LINE), finding.impact)
}

fn names(all: &[&str]) -> String {
    const MOST: usize = 30;
    let shown = all.len().min(MOST);
    let more = match all.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    safe_to(&format!("{}{more}", all[..shown].join(", ")), 2000)
}
