//! One node's report as SARIF 2.1.0, for code scanning: a rule for each finding, a result for each workload that it concerns.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, Finding, ShapeReport};
use serde_json::{Value, json};

use super::{answer, header, step};
use crate::Error;
use crate::safe::{safe, safe_json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The log.
///
/// # Errors
/// It could not be written.
pub(crate) fn render(report: &CheckReport) -> Result<String, Error> {
    let mut rules: Vec<(String, Value)> = Vec::new();
    let mut results = Vec::new();
    for shape in &report.shapes {
        for finding in shape.findings.iter().filter(|one| one.impact > Impact::Cosmetic) {
            let name = rule_name(finding);
            let index = rules
                .iter()
                .position(|(known, _)| *known == name)
                .unwrap_or_else(|| {
                    rules.push((name.clone(), rule(&name, finding)));
                    rules.len() - 1
                });
            let each = shape.workloads.iter();
            results.extend(each.map(|workload| result(report, shape, finding, workload, (&name, index))));
        }
    }
    let rules: Vec<Value> = rules.into_iter().map(|(_, rule)| rule).collect();
    let notes: Vec<Value> = report
        .unchecked
        .iter()
        .map(|one| {
            json!({"level": if one.before { "note" } else { "warning" },
                   "message": {"text": safe(&format!("not checked: {}: {}", one.workload, one.why))}})
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "ocidiff", "version": safe(&report.ocidiff), "rules": rules}},
            "invocations": [{"executionSuccessful": report.unchecked.is_empty(), "toolExecutionNotifications": notes}],
            "automationDetails": {"description": {"text": safe(&header(report))}},
            "results": results
        }]
    });
    let text = serde_json::to_string_pretty(&log)?;
    Ok(format!("{}\n", safe_json(&text)))
}

/// The finding's id, otherwise what differs.
fn rule_name(finding: &Finding) -> String {
    finding
        .id
        .as_ref()
        .map_or_else(|| safe(&finding.what), ToString::to_string)
}

fn rule(name: &str, finding: &Finding) -> Value {
    let mut rule = json!({
        "id": name,
        "shortDescription": {"text": safe(finding.reason.split(": ").next().unwrap_or_default())},
        "fullDescription": {"text": safe(&finding.reason)},
        "properties": {"impact": finding.impact.name()}
    });
    if let Some(remedy) = &finding.remedy {
        rule["help"] = json!({"text": safe(remedy)});
    }
    if let Some(link) = finding.link.iter().find(|link| link.starts_with("https://")) {
        rule["helpUri"] = safe(link).into();
    }
    rule
}

fn result(
    report: &CheckReport,
    shape: &ShapeReport,
    finding: &Finding,
    workload: &str,
    (rule, index): (&str, usize),
) -> Value {
    let level = match finding.impact {
        Impact::Security | Impact::Breaks => "error",
        Impact::MayBreak => "warning",
        Impact::Cosmetic => "note",
    };
    let values = format!("{}: {} -> {}", finding.what, finding.from, finding.to);
    let text = format!(
        "{}: {}; {values}, {}",
        safe(workload),
        answer::said(finding),
        step(report.from_of(shape), &report.to)
    );
    let mut result = json!({
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": {"text": safe(&text)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": format!("{}/{}", uri(&report.node), uri(workload))}},
            "logicalLocations": [{"name": safe(workload), "kind": "resource"}]
        }],
        "partialFingerprints": {"finding/v1": format!("{}:{}", shape.digest, safe(&finding.sameness().0))},
        "properties": {"impact": finding.impact.name(), "known": answer::known(finding)}
    });
    if report.baseline.is_some() {
        result["baselineState"] = if finding.before { "unchanged" } else { "new" }.into();
    }
    if let Some(ignored) = &finding.ignored {
        result["suppressions"] = json!([{"kind": "external", "justification": safe(&ignored.reason)}]);
    }
    result
}

/// A name as a part of a URI.
fn uri(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes()
        .take(400)
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
