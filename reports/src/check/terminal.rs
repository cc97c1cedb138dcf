//! One node's report for people at a terminal.

use ocidiff_model::check::{CheckReport, Finding};
use ocidiff_model::{Impact, RuntimeId};

use super::{answer, because, changes, differences, explains, mild, summary, whom};
use crate::ignored;
use crate::safe::safe_to;
use crate::style::{Ink, Style, wrap};
use crate::telling::short_link;

/// Width of the margin before what is said about a shape.
pub(crate) const MARGIN: usize = 11;
/// How far the text about a finding is indented.
pub(crate) const UNDER: usize = 10;

/// How many workloads that a difference concerns are named.
const WHOM: usize = 30;

/// The summary, what differs and for which workloads, the worst first, then the workloads and how they were checked.
#[must_use]
pub fn render(report: &CheckReport, style: &Style) -> String {
    let mut out = String::new();
    for line in summary(report) {
        hanging(&mut out, style, [0, 2], &line);
    }
    out.push('\n');
    for line in answer::lines(report, style) {
        out.push_str(&format!("{line}\n"));
    }
    let differences = differences(report);
    for (from, one) in differences.iter().filter(|(_, one)| one.finding.is_risk()) {
        out.push('\n');
        finding_of(&mut out, 0, &one.finding, [from, &report.to], style);
        text(&mut out, style, UNDER, &whom(one, WHOM));
    }
    if let Some(mild) = mild(differences.iter().map(|(_, one)| &one.finding)) {
        out.push('\n');
        text(&mut out, style, 0, &mild);
    }
    let ignored = ignored::of_check(report);
    if !ignored.is_empty() {
        out.push('\n');
    }
    for line in ignored {
        text(&mut out, style, 0, &format!("ignored: {line}"));
    }
    let changes = changes(report);
    if !changes.is_empty() {
        out.push_str("\nwhat the probe's copies of the configs have changed\n");
    }
    for line in changes {
        text(&mut out, style, 2, &line);
    }
    out
}

/// A verdict in its colour, and what it is about.
pub(crate) fn head(out: &mut String, worst: Option<Impact>, of: &str, style: &Style) {
    let ink = match worst {
        None | Some(Impact::Cosmetic) => Ink::Good,
        Some(Impact::MayBreak) => Ink::Warn,
        Some(_) => Ink::Fail,
    };
    let word = style.paint(ink, &format!("{:10}", super::word(worst)));
    out.push_str(&format!("{word} {}\n", style.words(of)));
}

/// A finding, with the values under the current runtime and under the one to move to.
pub(crate) fn finding_of(
    out: &mut String,
    margin: usize,
    finding: &Finding,
    [from, to]: [&RuntimeId; 2],
    style: &Style,
) {
    let under = margin + UNDER;
    let values = format!(
        "{:9} {} ({}): {} {}, {} {}",
        finding.impact.name(),
        finding.what,
        answer::known(finding),
        from.label,
        finding.from,
        to.label,
        finding.to
    );
    hanging(out, style, [margin, under], &safe_to(&values, 600));
    text(out, style, under, &finding.reason);
    if let Some(remedy) = &finding.remedy {
        text(out, style, under, &format!("remedy: {remedy}"));
    }
    let because = because(finding);
    if !because.is_empty() {
        text(out, style, under, &format!("finding: {because}"));
    }
    let read: Vec<String> = finding.link.iter().map(|link| short_link(link)).collect();
    if !read.is_empty() {
        text(out, style, under, &format!("read: {}", read.join(style.dot())));
    }
    if let Some(command) = explains(finding) {
        text(out, style, under, &format!("next: {command}"));
    }
}

/// Text in lines after a margin.
pub(crate) fn text(out: &mut String, style: &Style, margin: usize, text: &str) {
    hanging(out, style, [margin, margin], text);
}

/// Text whose first line has another margin than the rest.
fn hanging(out: &mut String, style: &Style, [first, rest]: [usize; 2], text: &str) {
    let words = style.words(text);
    for (at, line) in wrap(&words, style.columns().saturating_sub(rest))
        .into_iter()
        .enumerate()
    {
        let margin = if at == 0 { first } else { rest };
        out.push_str(&format!("{}{}\n", " ".repeat(margin), line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_row_stands_below_its_text() {
        let mut out = String::new();
        hanging(&mut out, &Style::default(), [0, 10], &"word ".repeat(60));
        let (first, rest) = out.split_once('\n').expect("lines");
        assert!(first.starts_with("word"), "{out}");
        assert!(rest.lines().count() > 0 && rest.lines().all(|line| line.starts_with("          word")));
    }
}
