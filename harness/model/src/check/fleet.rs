//! Many nodes' checks as one report: what is the same on several nodes is reported once, with the nodes.

use serde::{Deserialize, Serialize};

use super::Finding;
use crate::impact::Impact;
use crate::record::RuntimeId;

/// The checks of many nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetReport {
    /// Nodes that move from and to the same runtimes, those of most nodes first.
    pub moves: Vec<FleetMove>,
    /// Checks that do not count: the same node has a later one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Nodes that were to be checked, and of which there is no check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_seen: Vec<String>,
    /// Nodes that were checked, and are not among those that were to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_listed: Vec<String>,
}

/// The nodes that move from one runtime to the same other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetMove {
    /// The runtime that the workloads run under.
    pub from: RuntimeId,
    /// The one that they are to move to.
    pub to: RuntimeId,
    /// The nodes, by name.
    pub nodes: Vec<FleetNode>,
    /// The shapes of all nodes, the worst first.
    pub shapes: Vec<FleetShape>,
    /// What differs, the worst first.
    pub differences: Vec<FleetDifference>,
    /// Workloads that could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked: Vec<FleetUnchecked>,
}

/// What is said of a node as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// Every workload can move as it is.
    Safe,
    /// Nothing is at risk as far as is known, but not every workload was checked.
    Unknown,
    /// Some workload is at risk.
    AtRisk,
}

impl Outlook {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Safe, Self::AtRisk, Self::Unknown];

    /// The words for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe to move",
            Self::Unknown => "not known",
            Self::AtRisk => "at risk",
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetNode {
    /// Its name.
    pub node: String,
    /// The version of ocidiff that checked it.
    pub ocidiff: String,
    /// When: seconds since 1970, UTC; 0 where that is not known.
    #[serde(default)]
    pub time: u64,
    /// What is said of it as a whole.
    pub outlook: Outlook,
    /// Workloads that can move as they are.
    pub safe: usize,
    /// Workloads that cannot.
    pub at_risk: usize,
    /// Workloads that could not be checked.
    pub unchecked: usize,
    /// Whether the check came to its end; else there may be more workloads.
    pub finished: bool,
}

/// A workload and where it runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Placed {
    /// The node.
    pub node: String,
    /// The workload's name.
    pub workload: String,
}

/// Workloads of the same shape, wherever they run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetShape {
    /// The digest that they share.
    pub digest: String,
    /// The workloads.
    pub workloads: Vec<Placed>,
    /// What the probe's copies of the config have otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// What differs on any of the nodes, the worst first.
    pub findings: Vec<FleetFinding>,
}

/// A finding about one shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetFinding {
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// On which nodes; the others that have the shape do not show it.
    pub nodes: Vec<String>,
}

/// One difference over all shapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetDifference {
    /// What was found; where shapes have different reasons, that of the first.
    #[serde(flatten)]
    pub finding: Finding,
    /// The digests of the shapes that show it.
    pub shapes: Vec<String>,
    /// The nodes that it concerns.
    pub nodes: Vec<String>,
    /// The workloads that it concerns.
    pub workloads: Vec<Placed>,
}

/// A workload that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetUnchecked {
    /// The node.
    pub node: String,
    /// The workload's name.
    pub workload: String,
    /// Why, in one line.
    pub why: String,
}

/// A check that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The node.
    pub node: String,
    /// When the check that does not count began.
    pub time: u64,
    /// When the one that counts did.
    pub counts: u64,
    /// Whether the check that does not count was ended before its time, as that of a pod that was evicted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended_early: bool,
}

impl FleetNode {
    /// All its workloads that are known.
    #[must_use]
    pub fn workloads(&self) -> usize {
        self.safe + self.at_risk + self.unchecked
    }
}

impl FleetMove {
    /// The nodes about which this is said.
    pub fn of_outlook(&self, outlook: Outlook) -> impl Iterator<Item = &FleetNode> {
        self.nodes.iter().filter(move |node| node.outlook == outlook)
    }
}

impl FleetShape {
    /// The worst of its findings that count; `None` if nothing differs.
    #[must_use]
    pub fn worst(&self) -> Option<Impact> {
        super::worst(self.findings.iter().map(|found| &found.finding))
    }
}
