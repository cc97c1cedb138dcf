//! One node's report for people at a terminal.

use ocidiff_model::check::{CheckReport, Finding, ShapeReport};
use ocidiff_model::{Impact, RuntimeId};

use super::{names, summary};
use crate::safe::safe_to;
use crate::style::{Ink, Style, wrap};
use crate::telling::short_link;

/// Columns before what is said of a shape.
pub(crate) const MARGIN: usize = 11;
/// Columns before what is said of a finding.
const DEEP: usize = 21;

/// The summary first, then what is at risk, then what is safe.
#[must_use]
pub fn render(report: &CheckReport, style: &Style) -> String {
    let mut out = String::new();
    for line in summary(report) {
        out.push_str(&format!("{}\n", style.words(&line)));
    }
    out.push('\n');
    for shape in &report.shapes {
        shape_of(&mut out, shape, report, style);
    }
    for one in &report.unchecked {
        out.push_str(&format!(
            "{}  could not be checked: {}\n",
            style.words(&one.workload),
            style.words(&one.why)
        ));
    }
    out
}

fn shape_of(out: &mut String, shape: &ShapeReport, report: &CheckReport, style: &Style) {
    head(out, shape.worst(), &names(shape), style);
    let (mild, risky): (Vec<&Finding>, Vec<&Finding>) = shape
        .findings
        .iter()
        .partition(|finding| finding.impact == Impact::Cosmetic);
    for finding in risky {
        finding_of(out, finding, [&report.from, &report.to], style);
    }
    if !mild.is_empty() {
        let names: Vec<&str> = mild.iter().map(|finding| finding.what.as_str()).collect();
        text(
            out,
            style,
            MARGIN,
            &format!("cosmetic  {}", safe_to(&names.join(", "), 600)),
        );
    }
    if !shape.changes.is_empty() {
        text(
            out,
            style,
            MARGIN,
            &format!("checked with: {}", shape.changes.join("; ")),
        );
    }
    out.push('\n');
}

/// A verdict in its colour, and what it is said of.
pub(crate) fn head(out: &mut String, worst: Option<Impact>, of: &str, style: &Style) {
    let ink = match worst {
        None | Some(Impact::Cosmetic) => Ink::Good,
        Some(Impact::MayBreak) => Ink::Warn,
        Some(_) => Ink::Fail,
    };
    let word = style.paint(ink, &format!("{:10}", super::word(worst)));
    out.push_str(&format!("{word} {}\n", style.words(of)));
}

/// A finding, with the values of the runtime now and of the one to move to.
pub(crate) fn finding_of(out: &mut String, finding: &Finding, [from, to]: [&RuntimeId; 2], style: &Style) {
    let values = format!(
        "{:9} {}: {} {}, {} {}",
        finding.impact.name(),
        finding.what,
        from.label,
        finding.from,
        to.label,
        finding.to
    );
    text(out, style, MARGIN, &safe_to(&values, 600));
    text(out, style, DEEP, &finding.reason);
    if let Some(remedy) = &finding.remedy {
        text(out, style, DEEP, &format!("remedy: {remedy}"));
    }
    let mut read: Vec<String> = finding.link.iter().map(|link| short_link(link)).collect();
    if let Some(case) = &finding.case {
        read.push(format!("ocidiff explain '{case}'"));
    }
    if !read.is_empty() {
        text(out, style, DEEP, &format!("read: {}", read.join(style.dot())));
    }
}

/// Text in lines behind a margin.
pub(crate) fn text(out: &mut String, style: &Style, margin: usize, text: &str) {
    let words = style.words(text);
    for line in wrap(&words, style.columns().saturating_sub(margin)) {
        out.push_str(&format!("{}{}\n", " ".repeat(margin), line));
    }
}
