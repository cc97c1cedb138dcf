//! What a cell is asked for, and what it reported.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ocidiff_model::record::NO_RECORDER;
use ocidiff_model::{Caller, Fact, StepRecord};

use crate::cell::job::{Answer, Ask, JobStep, RecordJob, TraceReport};
use crate::cell::stand_in::StandIn;
use crate::paths::Placed;

/// Everything that a run needs except the cgroups, which are made for it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Layers of the rootfs, the topmost first.
    pub lower: Vec<PathBuf>,
    /// Where the rootfs lies in each bundle.
    pub rootfs: Placed,
    /// The probe on the machine.
    pub probe: PathBuf,
    /// The programs of all runtimes of this run.
    pub programs: Vec<PathBuf>,
    /// Configs by container.
    pub configs: std::collections::BTreeMap<String, String>,
    /// What stands in for files of the machine.
    pub stand_ins: Vec<StandIn>,
    /// The config's name in the bundle.
    pub config_file: String,
    /// The calls.
    pub steps: Vec<JobStep>,
    /// A call of another kind, in place of steps: what a program says about itself.
    pub ask: Option<Ask>,
    /// What the runtime is called with, where a case specifies it.
    pub caller: Caller,
    /// What to record.
    pub record: Option<RecordJob>,
    /// The whole run's limit.
    pub limit: Duration,
}

/// A program, and where it is if its path is a link.
pub(super) fn with_target(program: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    [Some(program.to_owned()), program.canonicalize().ok()]
        .into_iter()
        .flatten()
}

/// What a cell reported, in full or up to where it broke off.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Steps that ended.
    pub steps: Vec<StepRecord>,
    /// Facts, as observed.
    pub facts: Vec<Fact>,
    /// The calls that the runtime itself made, where they are kept.
    pub setup: Vec<String>,
    /// What the recorder saw, for each life of the main container.
    pub traces: Vec<TraceReport>,
    /// What a program that was asked says about itself.
    pub answer: Option<Answer>,
    /// Whether the workload ran.
    pub ran: bool,
    /// Why the run is worthless, if it is.
    pub broken: Option<String>,
    /// Wall time from the start of the cell to its end.
    pub seconds: f64,
}

impl Told {
    /// How many events the recorder lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.traces.iter().map(|trace| trace.lost).sum()
    }

    /// Which recorder there was, or why there was none: if a life was not recorded, that holds for the whole record, since
    /// what is not in it may have been there.
    #[must_use]
    pub fn recorder(&self) -> String {
        let mut traces = self.traces.iter();
        let unrecorded = traces.find(|trace| trace.recorder.starts_with(NO_RECORDER));
        let trace = unrecorded.or(self.traces.first());
        trace.map(|trace| trace.recorder.clone()).unwrap_or_default()
    }
}
