//! `--baseline FILE`: an earlier check, whose results are not reported again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ocidiff_confine::{raised, read_text};
use ocidiff_model::Impact;
use ocidiff_model::check::{Baseline, CheckReport, Finding, NodeCheck, ShapeReport, Unchecked};
use ocidiff_reports::events::{self, Recording};

use crate::error::Error;

/// The largest report as JSON, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What an earlier check found.
pub(super) struct Earlier {
    /// Its file, and when it was made.
    pub(super) told: Baseline,
    by_workload: BTreeMap<String, BTreeSet<(String, Impact)>>,
    by_shape: BTreeMap<String, BTreeSet<(String, Impact)>>,
    unchecked: BTreeSet<(String, String)>,
}

/// Reads it: the events of a check, or its report as JSON. If it has the checks of several nodes, this node's is used.
pub(super) fn read(file: &Path, node: &str) -> Result<Earlier, Error> {
    let wrong = |why: String| Error::usage(format!("failed to read the baseline {}: {why}", file.display()));
    let checks: Vec<NodeCheck> = match events::read_file(file) {
        Ok(Recording::Checks(found)) => found.checks,
        Ok(Recording::Run(_)) => {
            return Err(wrong("these are the events of a run, not of a check".to_owned()));
        }
        Err(error) => {
            let text = read_text(file, raised(MOST_BYTES)).map_err(|error| wrong(error.to_string()))?;
            let report: CheckReport = serde_json::from_str(&text).map_err(|_| {
                wrong(format!(
                    "{error}; give the events of a check (--out), or its report as JSON"
                ))
            })?;
            vec![NodeCheck::new(report)]
        }
    };
    let mut reports = checks.into_iter().map(|check| check.report);
    let report = match reports.len() {
        1 => reports.next(),
        _ => reports.rfind(|report| report.node == node),
    };
    let report = report.ok_or_else(|| {
        wrong(format!(
            "it holds the checks of several nodes, and none of {node}"
        ))
    })?;
    Ok(Earlier::of(file, report))
}

impl Earlier {
    fn of(file: &Path, report: CheckReport) -> Self {
        let mut earlier = Self {
            told: Baseline {
                file: file.display().to_string(),
                time: report.time,
            },
            by_workload: BTreeMap::new(),
            by_shape: BTreeMap::new(),
            unchecked: report
                .unchecked
                .into_iter()
                .map(|one| (one.workload, one.why))
                .collect(),
        };
        for shape in report.shapes {
            let found: BTreeSet<_> = shape.findings.iter().map(Finding::sameness).collect();
            for workload in shape.workloads {
                earlier
                    .by_workload
                    .entry(workload)
                    .or_default()
                    .extend(found.clone());
            }
            earlier.by_shape.entry(shape.digest).or_default().extend(found);
        }
        earlier
    }

    /// The shape, with what is known about it marked; if that is not the same for all of its workloads, the shape is
    /// split.
    pub(super) fn split(&self, shape: ShapeReport) -> Vec<ShapeReport> {
        let nothing = BTreeSet::new();
        let of_shape = self.by_shape.get(&shape.digest);
        let mut parts: Vec<(Vec<bool>, ShapeReport)> = Vec::new();
        for workload in &shape.workloads {
            // A pod has a different name each time; what it is asked for is the same.
            let known = self.by_workload.get(workload).or(of_shape).unwrap_or(&nothing);
            let marks: Vec<bool> = shape
                .findings
                .iter()
                .map(|one| known.contains(&one.sameness()))
                .collect();
            match parts.iter_mut().find(|(there, _)| *there == marks) {
                Some((_, part)) => part.workloads.push(workload.clone()),
                None => {
                    let mut part = ShapeReport {
                        workloads: vec![workload.clone()],
                        ..shape.clone()
                    };
                    part.findings
                        .iter_mut()
                        .zip(&marks)
                        .for_each(|(one, mark)| one.before = *mark);
                    parts.push((marks, part));
                }
            }
        }
        parts.into_iter().map(|(_, part)| part).collect()
    }

    /// Marks what could not be checked at that time either, for the same reason.
    pub(super) fn mark(&self, mut one: Unchecked) -> Unchecked {
        one.before = self.unchecked.contains(&(one.workload.clone(), one.why.clone()));
        one
    }
}
