//! What `ocidiff check` tells: which workloads would behave differently under another runtime.

mod event;
mod fleet;
mod join;

use serde::{Deserialize, Serialize};

use crate::difference::Account;
use crate::finding::FindingId;
use crate::ignore::{Ignore, IgnoreList};
use crate::impact::Impact;
use crate::record::RuntimeId;
use crate::verdict::ExitStatus;

pub use event::{CheckEvent, NodeCheck};
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
    /// The runtime that the workloads run under.
    pub from: RuntimeId,
    /// The one that they are to move to.
    pub to: RuntimeId,
    /// The engines whose containers were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub engines: Vec<NodeEngine>,
    /// The findings that do not count, where a file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore: Option<IgnoreList>,
    /// What could not be looked at, and why, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
    /// What the probe's copy of the config has otherwise.
    pub changes: Vec<String>,
    /// What differs, the worst first.
    pub findings: Vec<Finding>,
}

/// How a difference was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// In the config.json: what the corpus knows of such configs, and what a runtime says that it supports.
    Read,
    /// In the seccomp filters that the runtimes make of its profile.
    Filter,
    /// By the probe in the workload's place.
    #[default]
    Probe,
    /// By the workload's own command.
    Run,
}

/// One difference, judged for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub impact: Impact,
    /// How it was found.
    #[serde(default)]
    pub depth: Depth,
    /// What differs: a fact's path, or calls.
    pub what: String,
    /// How it is now.
    pub from: String,
    /// How it would be.
    pub to: String,
    /// Why it is as bad as that, in one sentence.
    pub reason: String,
    /// What to do first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where it is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<String>,
    /// The finding of the catalogue that accounts for it; of several the one that matters most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<FindingId>,
    /// All that account for it, by runtime, and how that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    /// By what entry of the ignore file it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Ignore>,
    /// The case of the corpus that knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
}

/// A workload that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// Its name.
    pub workload: String,
    /// Why, in one line.
    pub why: String,
}

impl CheckReport {
    /// What the program ends with: 1 something breaks or may break, 3 something could not be checked.
    #[must_use]
    pub fn exit(&self) -> ExitStatus {
        self.exit_from(Impact::MayBreak)
    }

    /// The same where nothing less than this impact fails.
    #[must_use]
    pub fn exit_from(&self, least: Impact) -> ExitStatus {
        if self.shapes.iter().any(|shape| shape.worst() >= Some(least)) {
            ExitStatus::Differs
        } else if self.unchecked.is_empty() {
            ExitStatus::Ok
        } else {
            ExitStatus::Broken
        }
    }
}

impl Finding {
    /// Whether it is more than cosmetic, and counts.
    #[must_use]
    pub fn is_risk(&self) -> bool {
        self.ignored.is_none() && self.impact > Impact::Cosmetic
    }

    /// Whether nobody's workload can tell; what is ignored is told elsewhere.
    #[must_use]
    pub fn is_mild(&self) -> bool {
        self.ignored.is_none() && self.impact == Impact::Cosmetic
    }
}

/// The worst of findings that count; none where nothing differs.
fn worst<'f>(findings: impl Iterator<Item = &'f Finding>) -> Option<Impact> {
    let counting = findings.filter(|finding| finding.ignored.is_none());
    counting.map(|finding| finding.impact).max()
}

impl ShapeReport {
    /// The worst of its findings that count; none where nothing differs.
    #[must_use]
    pub fn worst(&self) -> Option<Impact> {
        worst(self.findings.iter())
    }

    /// Whether the workloads can move as they are.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.worst().is_none_or(|impact| impact == Impact::Cosmetic)
    }
}
