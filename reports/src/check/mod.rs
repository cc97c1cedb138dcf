//! What `ocidiff check` reports to the operator of a single node.

pub(crate) mod answer;
pub(crate) mod junit;
pub mod markdown;
pub(crate) mod row;
pub(crate) mod sarif;
pub mod terminal;
mod versions;

use std::collections::BTreeSet;

use ocidiff_model::check::{
    CheckReport, Finding, FleetDifference, FleetMove, FleetReport, NodeCheck, NodeEngine, ShapeReport,
};
use ocidiff_model::{FindingId, Impact, RuntimeId};

use crate::accounts;
use crate::safe::{safe, safe_to};
use crate::style::{count, first_of};

/// How many names of workloads are on one line.
pub(crate) const NAMES: usize = 8;

/// How many unimportant differences are listed by name.
const MILD: usize = 30;
/// How many notes are in a summary.
const NOTES: usize = 3;
/// Maximum length of a line from elsewhere, in characters.
const LINE: usize = 300;

/// A node is a fleet of one.
pub(crate) fn alone(report: &CheckReport) -> FleetReport {
    let check = NodeCheck {
        report: report.clone(),
        exit: Some(report.exit()),
    };
    FleetReport::of(vec![check])
}

/// What differs, over all shapes, the worst first, with the runtime from which its workloads move.
fn differences(report: &CheckReport) -> Vec<(RuntimeId, FleetDifference)> {
    let moves = alone(report).moves.into_iter();
    let mut all: Vec<_> = moves
        .flat_map(
            |FleetMove {
                 from, differences, ..
             }| { differences.into_iter().map(move |one| (from.clone(), one)) },
        )
        .collect();
    // Those of each move are in order, those of several moves together are not.
    all.sort_by_key(|(_, one)| std::cmp::Reverse((one.finding.impact, one.workloads.len())));
    all
}

/// Whether the workloads run under more than one runtime, so that each row must name its own.
fn has_several_froms(report: &CheckReport) -> bool {
    report
        .shapes
        .iter()
        .any(|shape| report.from_of(shape) != report.from_of(&report.shapes[0]))
}

/// Which findings account for a difference; empty if none does.
pub(crate) fn because(finding: &Finding) -> String {
    match accounts::because(&finding.accounts) {
        told if told.is_empty() => finding.id.as_ref().map(ToString::to_string).unwrap_or_default(),
        told => told,
    }
}

/// The command that shows more about it.
pub(crate) fn explains(finding: &Finding) -> Option<String> {
    let case = || {
        finding
            .case
            .as_ref()
            .map(|case| format!("ocidiff explain '{case}'"))
    };
    let id = finding.id.as_ref().map(|id| format!("ocidiff explain {id}"));
    id.or_else(case)
}

/// Names of unimportant differences, with what accounts for them; at most this many.
pub(crate) fn mild<'f>(findings: impl Iterator<Item = &'f Finding>) -> Option<String> {
    // Shapes show it with different values.
    let names: BTreeSet<(&str, Option<&FindingId>)> = findings
        .filter(|one| one.is_mild())
        .map(|one| (one.what.as_str(), one.id.as_ref()))
        .collect();
    let name = |(what, id): &(&str, Option<&FindingId>)| match id {
        Some(id) => format!("{} ({id})", safe_to(what, LINE)),
        None => safe_to(what, LINE),
    };
    (!names.is_empty()).then(|| format!("cosmetic  {}", first_of(names.iter().map(name), MILD)))
}

/// The workloads that a difference concerns; at most this many names.
fn whom(difference: &FleetDifference, most: usize) -> String {
    let all = &difference.workloads;
    let names = first_of(all.iter().map(|one| &one.workload), most);
    format!("{}: {names}", count(all.len(), "workload"))
}

/// How the probe's copies of the configs differ, once each, with the workloads that this applies to.
fn changes(report: &CheckReport) -> Vec<String> {
    let mut all: Vec<(&String, Vec<&ShapeReport>)> = Vec::new();
    for shape in &report.shapes {
        for change in &shape.changes {
            match all.iter_mut().find(|(known, _)| *known == change) {
                Some((_, shapes)) => shapes.push(shape),
                None => all.push((change, vec![shape])),
            }
        }
    }
    let line = |(change, shapes): (&String, Vec<&ShapeReport>)| {
        if shapes.len() == report.shapes.len() {
            return change.clone();
        }
        let names: Vec<&str> = shapes
            .iter()
            .flat_map(|shape| &shape.workloads)
            .map(String::as_str)
            .collect();
        let more = if names.len() > NAMES { ", ..." } else { "" };
        format!("{change} ({}{more})", names[..names.len().min(NAMES)].join(", "))
    };
    all.into_iter().map(line).collect()
}

/// One word for the worst that is known about a shape.
pub(crate) fn word(worst: Option<Impact>) -> &'static str {
    match worst {
        None | Some(Impact::Cosmetic) => "safe",
        Some(impact) => impact.name(),
    }
}

/// From which runtime to which other.
pub(crate) fn step(from: &RuntimeId, to: &RuntimeId) -> String {
    format!("from {} to {}", shown(from), shown(to))
}

/// A runtime with its version. The same name twice would say nothing: its path, or whatever the label holds,
/// distinguishes them; a label that ends with the version says it already.
fn shown(runtime: &RuntimeId) -> String {
    let (label, version) = (safe(&runtime.label), safe(runtime.version.as_str()));
    if label.ends_with(&*version) {
        label.to_string()
    } else {
        format!("{label} {version}")
    }
}

/// `node-7 · docker 20.10.24 · runc 1.1.5 -> crun 1.28`.
fn header(report: &CheckReport) -> String {
    let engines = report.engines.iter().map(called);
    let mut froms = vec![shown(&report.from)];
    for from in report
        .shapes
        .iter()
        .filter_map(|shape| shape.from.as_ref())
        .map(shown)
    {
        if !froms.contains(&from) {
            froms.push(from);
        }
    }
    let target = report.target.as_ref();
    let target = target.map_or_else(String::new, |target| format!(" ({})", safe(target)));
    let step = format!("{} -> {}{target}", froms.join(", "), shown(&report.to));
    let parts: Vec<String> = std::iter::once(safe(&report.node).to_string())
        .chain(engines)
        .chain([step])
        .collect();
    safe_to(&parts.join(" · "), LINE)
}

/// At most eleven lines.
pub(crate) fn summary(report: &CheckReport) -> Vec<String> {
    let workloads: usize = report.shapes.iter().map(|shape| shape.workloads.len()).sum();
    let (old, shapes): (Vec<&ShapeReport>, Vec<&ShapeReport>) =
        report.shapes.iter().partition(|shape| shape.is_as_before());
    let (able, risky): (Vec<&ShapeReport>, Vec<&ShapeReport>) =
        shapes.into_iter().partition(|shape| shape.is_safe());
    let of = |shapes: &[&ShapeReport]| shapes.iter().map(|shape| shape.workloads.len()).sum::<usize>();
    let counts = match workloads + report.not_checked() {
        0 if report.has_uncounted() => "how many workloads there are is not known".to_owned(),
        known => format!(
            "{} in {}: {} safe, {} at risk,{} {} not checked{}",
            count(known, "workload"),
            count(report.shapes.len(), "shape"),
            of(&able),
            of(&risky),
            match of(&old) {
                0 => String::new(),
                number => format!(" {number} as before,"),
            },
            report.not_checked(),
            match report.has_uncounted() {
                true => "; there may be more",
                false => "",
            }
        ),
    };
    let mut lines = vec![header(report), counts];
    if !report.set_aside.is_empty() {
        let aside = report
            .set_aside
            .iter()
            .map(|one| format!("{} {}", one.workloads.len(), one.why));
        let aside = aside.collect::<Vec<_>>().join("; ");
        lines.push(safe_to(&format!("left out: {aside}"), LINE));
    }
    for impact in [Impact::Security, Impact::Breaks, Impact::MayBreak] {
        let shapes: Vec<&ShapeReport> = risky
            .iter()
            .filter(|shape| {
                let mut risks = shape.findings.iter().filter(|one| one.is_risk());
                risks.any(|one| one.impact == impact)
            })
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

/// An engine and its version, if that is known.
fn called(engine: &NodeEngine) -> String {
    match engine.version.as_str() {
        "unknown" => safe(&engine.name),
        version => format!("{} {}", safe(&engine.name), safe(version)),
    }
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
        [] => called(engine),
        said => format!("{} ({})", called(engine), said.join("; ")),
    }
}

fn names(shape: &ShapeReport) -> String {
    first_of(&shape.workloads, NAMES)
}
