//! What `ocidiff check` tells an operator of one node.

pub mod markdown;
pub mod terminal;

use ocidiff_model::check::{CheckReport, NodeCheck, NodeEngine, ShapeReport};
use ocidiff_model::{Impact, RuntimeId};

use crate::safe::{safe, safe_to};
use crate::style::{Style, count};
use crate::{Error, Format, fleet};

/// Names of workloads on one line.
pub(crate) const NAMES: usize = 8;

/// Notes in a summary.
const NOTES: usize = 3;
/// Characters of a line of others' words.
const LINE: usize = 300;

/// Draws a report.
///
/// # Errors
/// The format is one for runs only.
pub fn render(format: Format, report: &CheckReport, style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(report, style)),
        Format::Markdown => Ok(markdown::render(report)),
        Format::Html => Ok(html(report)),
        Format::Json => crate::object(report),
        Format::Junit => Err(Error::OnlyRuns(format)),
    }
}

/// The page of one node is that of a fleet of one.
fn html(report: &CheckReport) -> String {
    let check = NodeCheck {
        report: report.clone(),
        exit: Some(report.exit()),
    };
    let fleet = ocidiff_model::check::FleetReport::of(vec![check]);
    fleet::html::page(&fleet, Some(&report.node))
}

/// One word for the worst that is known of a shape.
pub(crate) fn word(worst: Option<Impact>) -> &'static str {
    match worst {
        None | Some(Impact::Cosmetic) => "safe",
        Some(impact) => impact.name(),
    }
}

/// From which runtime to which.
pub(crate) fn step(from: &RuntimeId, to: &RuntimeId) -> String {
    let one = |runtime: &RuntimeId| format!("{} {}", safe(&runtime.label), safe(runtime.version.as_str()));
    format!("from {} to {}", one(from), one(to))
}

/// At most ten lines.
fn summary(report: &CheckReport) -> Vec<String> {
    let workloads: usize = report.shapes.iter().map(|shape| shape.workloads.len()).sum();
    let (able, risky): (Vec<&ShapeReport>, Vec<&ShapeReport>) =
        report.shapes.iter().partition(|shape| shape.is_safe());
    let of = |shapes: &[&ShapeReport]| shapes.iter().map(|shape| shape.workloads.len()).sum::<usize>();
    let mut lines = vec![
        format!("{}: {}", safe(&report.node), step(&report.from, &report.to)),
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
    if !report.engines.is_empty() {
        let engines: Vec<String> = report.engines.iter().map(engine).collect();
        lines.push(safe_to(&engines.join(", "), LINE));
    }
    let shown = report.notes.len().min(NOTES);
    lines.extend(
        report.notes[..shown]
            .iter()
            .map(|note| format!("note: {}", safe_to(note, LINE))),
    );
    if report.notes.len() > shown {
        lines.push(format!("and {}", count(report.notes.len() - shown, "more note")));
    }
    lines
}

/// `docker 20.10.24 (runc; knows crun, youki)`.
fn engine(engine: &NodeEngine) -> String {
    let name = |runtime: &String| runtime.split('=').next().unwrap_or_default().to_owned();
    let default = engine.default_runtime.as_ref();
    let others: Vec<String> = engine
        .runtimes
        .iter()
        .map(name)
        .filter(|name| Some(name) != default)
        .collect();
    let said = [
        default.map(|default| format!("default runtime {default}")),
        (!others.is_empty()).then(|| format!("knows {}", others.join(", "))),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    match &said[..] {
        [] => format!("{} {}", engine.name, engine.version),
        said => format!("{} {} ({})", engine.name, engine.version, said.join("; ")),
    }
}

fn names(shape: &ShapeReport) -> String {
    let shown = shape.workloads.len().min(NAMES);
    let more = match shape.workloads.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shape.workloads[..shown].join(", "))
}
