//! What a cell is asked for, and what it told.

use std::path::PathBuf;
use std::time::Duration;

use ocidiff_model::{Caller, Fact, StepRecord};

use crate::cell::job::{Answer, Ask, JobStep, RecordJob, TraceReport};
use crate::cell::stand_in::StandIn;

/// Everything that a run needs but the cgroups, which are made for it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Layers of the rootfs, the topmost first.
    pub lower: Vec<PathBuf>,
    /// The probe on the machine.
    pub probe: PathBuf,
    /// The programs of all runtimes of this run.
    pub programs: Vec<PathBuf>,
    /// Configs by container.
    pub configs: std::collections::BTreeMap<String, String>,
    /// What stands for files of the machine's.
    pub stand_ins: Vec<StandIn>,
    /// The config's name in the bundle.
    pub config_file: String,
    /// The calls.
    pub steps: Vec<JobStep>,
    /// A call of another kind, in place of steps: what a program says of itself.
    pub ask: Option<Ask>,
    /// What the runtime is called with, where a case says it.
    pub caller: Caller,
    /// What to record.
    pub record: Option<RecordJob>,
    /// The whole run's limit.
    pub limit: Duration,
}

/// What a cell told, whole or up to where it broke.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Steps that ended.
    pub steps: Vec<StepRecord>,
    /// Facts, as observed.
    pub facts: Vec<Fact>,
    /// What the runtime itself called, where that is kept.
    pub setup: Vec<String>,
    /// What the recorder saw.
    pub trace: TraceReport,
    /// What a program that was asked says of itself.
    pub answer: Option<Answer>,
    /// Whether the workload ran.
    pub ran: bool,
    /// Why the run is worth nothing, if so.
    pub broken: Option<String>,
    /// Wall time from the start of the cell to its end.
    pub seconds: f64,
}
