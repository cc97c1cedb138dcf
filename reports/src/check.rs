//! What `ocidiff check` tells an operator.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Finding, ShapeReport};

use crate::safe::safe;
use crate::style::{Ink, Style, count, wrap};
use crate::telling::short_link;

/// Names of workloads on one line.
const NAMES: usize = 8;

/// For people at a terminal: the summary first, then what is at risk, then what is safe.
#[must_use]
pub fn terminal(report: &CheckReport, style: &Style) -> String {
    let mut out = summary(report).join("\n");
    out.push_str("\n\n");
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

/// At most ten lines.
fn summary(report: &CheckReport) -> Vec<String> {
    let workloads: usize = report.shapes.iter().map(|shape| shape.workloads.len()).sum();
    let (able, risky): (Vec<&ShapeReport>, Vec<&ShapeReport>) =
        report.shapes.iter().partition(|shape| shape.is_safe());
    let of = |shapes: &[&ShapeReport]| shapes.iter().map(|shape| shape.workloads.len()).sum::<usize>();
    let mut lines = vec![
        format!(
            "{}: from {} {} to {} {}",
            safe(&report.node),
            safe(&report.from.label),
            report.from.version.as_str(),
            safe(&report.to.label),
            report.to.version.as_str()
        ),
        format!(
            "{} in {}: {} safe, {} at risk, {} not checked",
            count(workloads + report.unchecked.len(), "workload"),
            count(report.shapes.len(), "shape"),
            of(&able),
            of(&risky),
            report.unchecked.len()
        ),
    ];
    for impact in [Impact::Security, Impact::Breaks, Impact::MayBreak] {
        let shapes: Vec<&ShapeReport> = risky
            .iter()
            .filter(|shape| shape.findings.iter().any(|one| one.impact == impact))
            .copied()
            .collect();
        if !shapes.is_empty() {
            lines.push(format!("{:10} {}", impact.name(), count(of(&shapes), "workload")));
        }
    }
    lines
}

fn names(shape: &ShapeReport) -> String {
    let shown = shape.workloads.len().min(NAMES);
    let more = match shape.workloads.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shape.workloads[..shown].join(", "))
}

fn shape_of(out: &mut String, shape: &ShapeReport, report: &CheckReport, style: &Style) {
    let verdict = shape.worst().filter(|_| !shape.is_safe());
    let (ink, word) = match verdict {
        None => (Ink::Good, "safe"),
        Some(Impact::MayBreak) => (Ink::Warn, "may-break"),
        Some(impact) => (Ink::Fail, impact.name()),
    };
    out.push_str(&format!(
        "{} {}\n",
        style.paint(ink, &format!("{word:10}")),
        style.words(&names(shape))
    ));
    let (mild, risky): (Vec<&Finding>, Vec<&Finding>) = shape
        .findings
        .iter()
        .partition(|finding| finding.impact == Impact::Cosmetic);
    for finding in risky {
        finding_of(out, finding, report, style);
    }
    if !mild.is_empty() {
        let names: Vec<&str> = mild.iter().map(|finding| finding.what.as_str()).collect();
        text(
            out,
            style,
            11,
            &format!("cosmetic  {}", crate::safe::safe_to(&names.join(", "), 600)),
        );
    }
    if !shape.changes.is_empty() {
        text(
            out,
            style,
            11,
            &format!("checked with: {}", shape.changes.join("; ")),
        );
    }
    out.push('\n');
}

fn finding_of(out: &mut String, finding: &Finding, report: &CheckReport, style: &Style) {
    let values = format!(
        "{:9} {}: {} {}, {} {}",
        finding.impact.name(),
        finding.what,
        report.from.label,
        finding.from,
        report.to.label,
        finding.to
    );
    text(out, style, 11, &crate::safe::safe_to(&values, 600));
    text(out, style, 21, &finding.reason);
    if let Some(remedy) = &finding.remedy {
        text(out, style, 21, &format!("remedy: {remedy}"));
    }
    let mut read: Vec<String> = finding.link.iter().map(|link| short_link(link)).collect();
    if let Some(case) = &finding.case {
        read.push(format!("ocidiff explain '{case}'"));
    }
    if !read.is_empty() {
        text(out, style, 21, &format!("read: {}", read.join(style.dot())));
    }
}

fn text(out: &mut String, style: &Style, margin: usize, text: &str) {
    let words = style.words(text);
    for line in wrap(&words, style.columns().saturating_sub(margin)) {
        out.push_str(&format!("{}{}\n", " ".repeat(margin), line));
    }
}

/// For a ticket or a comment.
#[must_use]
pub fn markdown(report: &CheckReport) -> String {
    let text = crate::markdown::text;
    let mut out = String::from("## ocidiff check\n\n");
    for line in summary(report) {
        out.push_str(&format!("- {}\n", text(&line)));
    }
    for shape in &report.shapes {
        let word = shape
            .worst()
            .filter(|_| !shape.is_safe())
            .map_or("safe", Impact::name);
        out.push_str(&format!("\n### {word}: {}\n\n", text(&names(shape))));
        if !shape.findings.is_empty() {
            out.push_str("| impact | what | now | then | why | remedy |\n|---|---|---|---|---|---|\n");
        }
        for finding in &shape.findings {
            out.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                finding.impact.name(),
                text(&finding.what),
                text(&finding.from),
                text(&finding.to),
                text(&finding.reason),
                text(finding.remedy.as_deref().unwrap_or_default())
            ));
        }
        if !shape.changes.is_empty() {
            out.push_str(&format!("\nChecked with: {}\n", text(&shape.changes.join("; "))));
        }
    }
    for one in &report.unchecked {
        out.push_str(&format!(
            "\n- not checked: {}: {}\n",
            text(&one.workload),
            text(&one.why)
        ));
    }
    out
}
