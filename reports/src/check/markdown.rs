//! One node's report in Markdown.

use ocidiff_model::check::{CheckReport, Finding};

use super::{names, summary};
use crate::markdown::text;

/// For a ticket or a comment.
#[must_use]
pub fn render(report: &CheckReport) -> String {
    let mut out = String::from("## ocidiff check\n\n");
    for line in summary(report) {
        out.push_str(&format!("- {}\n", text(&line)));
    }
    for shape in &report.shapes {
        let word = super::word(shape.worst());
        out.push_str(&format!("\n### {word}: {}\n\n", text(&names(shape))));
        table(&mut out, shape.findings.iter());
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

/// Findings as a table; nothing where there are none.
pub(crate) fn table<'a>(out: &mut String, findings: impl Iterator<Item = &'a Finding>) {
    let mut findings = findings.peekable();
    if findings.peek().is_some() {
        out.push_str("| impact | what | now | then | why | remedy |\n|---|---|---|---|---|---|\n");
    }
    for finding in findings {
        out.push_str(&format!("{}\n", row(finding)));
    }
}

/// The cells of a finding.
pub(crate) fn row(finding: &Finding) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} |",
        finding.impact.name(),
        text(&finding.what),
        text(&finding.from),
        text(&finding.to),
        text(&finding.reason),
        text(finding.remedy.as_deref().unwrap_or_default())
    )
}
