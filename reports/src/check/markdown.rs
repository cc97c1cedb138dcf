//! One node's report in Markdown.

use ocidiff_model::RuntimeId;
use ocidiff_model::check::{CheckReport, Finding};

use super::{NAMES, answer, because, changes, differences, has_several_froms, names, summary, whom};
use crate::ignored;
use crate::markdown::text;

/// For a ticket or a comment.
#[must_use]
pub fn render(report: &CheckReport) -> String {
    let mut out = String::from("## ocidiff check\n\n");
    for line in summary(report) {
        out.push_str(&format!("- {}\n", text(&line)));
    }
    let answer = answer::rows(report);
    if !answer.is_empty() {
        out.push_str("\n| what to do | workloads | why |\n|---|---|---|\n");
    }
    for (what, whom, texts) in answer {
        let texts: Vec<String> = texts.iter().map(|one| text(one).to_string()).collect();
        out.push_str(&format!(
            "| **{what}** | {} | {} |\n",
            text(&whom),
            texts.join("<br>")
        ));
    }
    let differences = differences(report);
    if !differences.is_empty() {
        out.push_str(
            "\n| impact | known | what | now | then | why | finding | remedy | workloads |\n|---|---|---|---|---|---|---|---|---|\n",
        );
    }
    let several = has_several_froms(report);
    for (from, one) in differences
        .iter()
        .filter(|(_, one)| one.finding.ignored.is_none())
    {
        let from = several.then_some(from);
        out.push_str(&format!(
            "{} {} |\n",
            row(&one.finding, from),
            text(&whom(one, NAMES))
        ));
    }
    if !(report.shapes.is_empty() && report.unchecked.is_empty()) {
        out.push_str("\n| worst | workloads |\n|---|---|\n");
    }
    for shape in &report.shapes {
        let word = super::word(shape.worst());
        out.push_str(&format!("| {word} | {} |\n", text(&names(shape))));
    }
    for one in &report.unchecked {
        let said = format!("{}: {}", one.workload, one.why);
        out.push_str(&format!("| not checked | {} |\n", text(&said)));
    }
    let ignored = ignored::of_check(report);
    if !ignored.is_empty() {
        out.push('\n');
    }
    for line in ignored {
        out.push_str(&format!("- ignored: {}\n", text(&line)));
    }
    let changes = changes(report);
    if !changes.is_empty() {
        out.push_str("\nWhat the probe's copies of the configs have changed:\n\n");
    }
    for line in changes {
        out.push_str(&format!("- {}\n", text(&line)));
    }
    out
}

/// The cells of a finding; the runtime under which it is now is given where that is not the same for all.
pub(crate) fn row(finding: &Finding, from: Option<&RuntimeId>) -> String {
    let now = match from {
        Some(from) => format!("{}: {}", from.label, finding.from),
        None => finding.from.clone(),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        finding.impact.name(),
        answer::known(finding),
        text(&finding.what),
        text(&now),
        text(&finding.to),
        text(&finding.reason),
        text(&because(finding)),
        text(finding.remedy.as_deref().unwrap_or_default())
    )
}
