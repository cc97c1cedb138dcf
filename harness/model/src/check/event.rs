//! What a check reports, one JSON object per line: the same report, in a form in which a log can hold many nodes.

use serde::{Deserialize, Serialize};

use super::{CheckReport, ShapeReport, Unchecked, VersionReport};
use crate::verdict::ExitStatus;

/// One event of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum CheckEvent {
    /// The first event: the report without what the other events tell.
    CheckStarted(Box<CheckReport>),
    /// Workloads of one shape.
    ShapeChecked(Box<ShapeReport>),
    /// A workload that could not be checked.
    WorkloadUnchecked(Unchecked),
    /// All workloads held against one version of the target.
    VersionChecked(Box<VersionReport>),
    /// The last event; missing where the check was ended before its time, or its log was cut.
    CheckFinished {
        /// How the program ends.
        exit: ExitStatus,
    },
}

/// The check of one node according to its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeCheck {
    /// What was found.
    pub report: CheckReport,
    /// The program's exit status; `None` if the events have no end, and there may be more workloads.
    pub exit: Option<ExitStatus>,
}

impl CheckReport {
    /// The report without what later events report.
    #[must_use]
    pub fn head(&self) -> Self {
        Self {
            shapes: Vec::new(),
            unchecked: Vec::new(),
            versions: Vec::new(),
            ..self.clone()
        }
    }

    /// The report as events, its end included.
    #[must_use]
    pub fn events(&self) -> Vec<CheckEvent> {
        let head = self.head();
        let shapes = self.shapes.iter().cloned().map(Box::new);
        let unchecked = self.unchecked.iter().cloned();
        let mut events = vec![CheckEvent::CheckStarted(Box::new(head))];
        events.extend(shapes.map(CheckEvent::ShapeChecked));
        events.extend(unchecked.map(CheckEvent::WorkloadUnchecked));
        let versions = self.versions.iter().cloned().map(Box::new);
        events.extend(versions.map(CheckEvent::VersionChecked));
        events.push(CheckEvent::CheckFinished { exit: self.exit() });
        events
    }
}

impl NodeCheck {
    /// A check of which only the first event has been read.
    #[must_use]
    pub fn new(head: CheckReport) -> Self {
        Self {
            report: head,
            exit: None,
        }
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The event itself, if it belongs to another check: one that starts, or one after the end.
    pub fn take(&mut self, event: CheckEvent) -> Result<(), CheckEvent> {
        if self.exit.is_some() {
            return Err(event);
        }
        match event {
            CheckEvent::ShapeChecked(shape) => self.report.shapes.push(*shape),
            CheckEvent::WorkloadUnchecked(one) => self.report.unchecked.push(one),
            CheckEvent::VersionChecked(one) => self.report.versions.push(*one),
            CheckEvent::CheckFinished { exit } => self.exit = Some(exit),
            CheckEvent::CheckStarted(_) => return Err(event),
        }
        Ok(())
    }
}
