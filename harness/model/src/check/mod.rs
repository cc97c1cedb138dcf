//! What `ocidiff check` reports: which workloads would behave differently under another runtime.

mod event;
mod finding;
mod fleet;
mod join;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::ignore::IgnoreList;
use crate::impact::Impact;
use crate::record::RuntimeId;
use crate::verdict::ExitStatus;

pub use event::{CheckEvent, NodeCheck};
pub use finding::{Depth, Finding};
pub use fleet::{
    FleetDifference, FleetFinding, FleetMove, FleetNode, FleetReport, FleetShape, FleetUnchecked, LeftOut,
    Outlook, Placed,
};

/// A node's workloads, held from one runtime to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The version of ocidiff.
    pub ocidiff: String,
    /// When the check began: seconds since 1970, UTC; 0 where that is not known.
    #[serde(default)]
    pub time: u64,
    /// The node's name, as `uname -n` says.
    pub node: String,
    /// The runtime that the workloads run under; where they run under several, the one of most.
    pub from: RuntimeId,
    /// The one that they are to move to.
    pub to: RuntimeId,
    /// Where that is from: `registered with this Docker`, `from the store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The engines whose containers were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<NodeEngine>,
    /// The findings that do not count, where a file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<IgnoreList>,
    /// What could not be looked at, and why, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Containers that are not checked because they have nowhere to move, or are nobody's workload.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
    /// The earlier check that only news are told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The same workloads held against each version of the target that is there, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<VersionReport>,
    /// Workloads of the same shape, checked once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<ShapeReport>,
    /// Workloads that could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<Unchecked>,
}

/// A container engine of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEngine {
    /// docker, podman, containerd or crio.
    pub name: String,
    /// Its version as it says; `unknown` where it was not asked.
    pub version: String,
    /// The runtime of containers that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_runtime: Option<String>,
    /// Runtimes that it knows, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runtimes: Vec<String>,
}

/// Workloads whose config.json is the same but for what says nothing to a runtime: names, ids, arguments, values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeReport {
    /// A digest of that config: the same shape on two nodes has the same one.
    pub digest: String,
    /// Their names.
    pub workloads: Vec<String>,
    /// The runtime that they run under; the report's where an older check does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RuntimeId>,
    /// What the probe's copy of the config has otherwise.
    pub changes: Vec<String>,
    /// What differs, the worst first.
    pub findings: Vec<Finding>,
}

/// A workload that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// Its name.
    pub workload: String,
    /// Why, in one line.
    pub why: String,
    /// Whether the baseline has it already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before: bool,
    /// Whether it stands for workloads that could not even be counted: those of an engine that was not reached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncounted: bool,
}

/// Containers that are not checked, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Why: `under crun 1.28 already`.
    pub why: String,
    /// Their names.
    pub workloads: Vec<String>,
}

/// An earlier check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Its file.
    pub file: String,
    /// When it began: seconds since 1970, UTC; 0 where that is not known.
    #[serde(default)]
    pub time: u64,
}

/// The node's workloads, held against one version of the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionReport {
    /// Which.
    pub runtime: RuntimeId,
    /// How many workloads can move as they are.
    pub safe: usize,
    /// Workloads at risk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_risk: Vec<String>,
    /// The worst of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Impact>,
    /// Workloads that could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<String>,
    /// Why the version could not be tried at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

impl VersionReport {
    /// Counts the results of some of the workloads.
    pub fn add(&mut self, report: CheckReport) {
        for shape in report.shapes {
            if shape.is_safe() {
                self.safe += shape.workloads.len();
            } else {
                self.worst = self.worst.max(shape.worst());
                self.at_risk.extend(shape.workloads);
            }
        }
        self.unchecked
            .extend(report.unchecked.into_iter().map(|one| one.workload));
    }

    /// Whether every workload can move to it.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.why_not.is_none() && self.at_risk.is_empty() && self.unchecked.is_empty()
    }
}

impl CheckReport {
    /// An empty report.
    #[must_use]
    pub fn new(from: RuntimeId, to: RuntimeId) -> Self {
        Self {
            ocidiff: String::new(),
            time: 0,
            node: String::new(),
            from,
            to,
            target: None,
            engines: Vec::new(),
            ignore: None,
            notes: Vec::new(),
            set_aside: Vec::new(),
            baseline: None,
            versions: Vec::new(),
            shapes: Vec::new(),
            unchecked: Vec::new(),
        }
    }

    /// The program's exit status: 1 something breaks or may break, 3 something could not be checked.
    #[must_use]
    pub fn exit(&self) -> ExitStatus {
        self.exit_from(Impact::MayBreak)
    }

    /// The same, with only this impact and worse counting as a failure.
    #[must_use]
    pub fn exit_from(&self, least: Impact) -> ExitStatus {
        if self.shapes.iter().any(|shape| shape.worst() >= Some(least)) {
            ExitStatus::Differs
        } else if self.unchecked.iter().all(|one| one.before) {
            ExitStatus::Ok
        } else {
            ExitStatus::Broken
        }
    }

    /// How many workloads are known that could not be checked.
    #[must_use]
    pub fn not_checked(&self) -> usize {
        self.unchecked.iter().filter(|one| !one.uncounted).count()
    }

    /// Whether there may be more workloads than are known.
    #[must_use]
    pub fn has_uncounted(&self) -> bool {
        self.unchecked.iter().any(|one| one.uncounted)
    }

    /// The same with the worst shapes first.
    #[must_use]
    pub fn worst_first(&self) -> Self {
        let mut report = self.clone();
        report
            .shapes
            .sort_by_key(|shape| std::cmp::Reverse(shape.worst()));
        report
    }

    /// The runtime that the workloads of a shape run under.
    #[must_use]
    pub fn from_of<'a>(&'a self, shape: &'a ShapeReport) -> &'a RuntimeId {
        shape.from.as_ref().unwrap_or(&self.from)
    }

    /// A report for each runtime under which workloads run: a move has one starting point. What is not checked stays
    /// with the first, which is the report's own.
    #[must_use]
    pub fn by_from(mut self) -> Vec<Self> {
        let mut others: Vec<Self> = Vec::new();
        let is_own = |shape: &ShapeReport| shape.from.as_ref().is_none_or(|from| *from == self.from);
        let (own, moved) = std::mem::take(&mut self.shapes).into_iter().partition(is_own);
        self.shapes = own;
        let head = Self {
            unchecked: Vec::new(),
            set_aside: Vec::new(),
            versions: Vec::new(),
            ..self.clone()
        };
        let moved: Vec<ShapeReport> = moved;
        for mut shape in moved {
            let Some(from) = shape.from.take() else { continue };
            match others.iter_mut().find(|other| other.from == from) {
                Some(other) => other.shapes.push(shape),
                None => others.push(Self {
                    from,
                    shapes: vec![shape],
                    ..head.clone()
                }),
            }
        }
        std::iter::once(self).chain(others).collect()
    }
}

/// The worst of the findings that count; `None` if nothing differs.
fn worst<'f>(findings: impl Iterator<Item = &'f Finding>) -> Option<Impact> {
    let counting = findings.filter(|finding| finding.counts());
    counting.map(|finding| finding.impact).max()
}

impl ShapeReport {
    /// The worst of its findings that count; `None` if nothing differs.
    #[must_use]
    pub fn worst(&self) -> Option<Impact> {
        worst(self.findings.iter())
    }

    /// Whether the workloads can move as they are.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.worst().is_none_or(|impact| impact == Impact::Cosmetic)
    }

    /// Whether everything that puts them at risk is already in the baseline.
    #[must_use]
    pub fn is_as_before(&self) -> bool {
        self.is_safe() && self.findings.iter().any(Finding::is_old_risk)
    }
}
