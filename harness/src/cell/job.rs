//! What the harness asks a cell for, and what the cell reports back: JSON over a socket, the cell's stdin. The
//! reports are lines, `SECRET MESSAGE`, with a secret that is only in the job and in the memory of process 1.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ocidiff_model::record::{CallResult, FilterRecord};
use ocidiff_model::{Caller, Fact, Op, StepRecord};
use ocidiff_trace::ebpf::Place;
use serde::{Deserialize, Serialize};

use super::stand_in::StandIn;
use crate::machine::cgroup::Layout;
use crate::paths::Placed;

/// One case under one runtime.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The prefix of every message.
    pub secret: String,
    /// In place of everything below except the cgroups and the environment: one call of a program.
    pub ask: Option<Ask>,
    /// What the case says about the runtime's caller.
    pub caller: Caller,
    /// Overlay layers of the rootfs on the machine, the topmost first; mounted read-only, shared by all runs.
    pub lower: Vec<PathBuf>,
    /// Where the rootfs lies in each bundle.
    #[serde(default)]
    pub rootfs: Placed,
    /// The probe on the machine; hooks find it at [`super::paths::PROBE`].
    pub probe: PathBuf,
    /// The programs of all runtimes of this run: the mounts that they lie on are visible in every cell alike.
    #[serde(default)]
    pub programs: Vec<PathBuf>,
    /// The containers of the case by name, each with the text of its config.
    pub containers: BTreeMap<String, String>,
    /// What stands in for files of the machine, where the configs name them.
    #[serde(default)]
    pub stand_ins: Vec<StandIn>,
    /// The name of the config in each bundle.
    pub config_file: String,
    /// The steps, with the calls as this runtime expects them.
    pub steps: Vec<JobStep>,
    /// What to record of the main container's syscalls; `None`: no recorder.
    pub record: Option<RecordJob>,
    /// Where the kernel's programs send what the run does; `None`: there are no such programs.
    pub events: Option<Place>,
    /// The run's own cgroups on the machine, which exist.
    pub cgroups: Layout,
    /// The runtime's environment.
    pub env: BTreeMap<String, String>,
    /// How much of a stream is kept, in bytes; what comes after that is counted and discarded.
    pub stream_cap: usize,
}

/// What a program is asked for: a short call without a container, such as `--version`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    /// The call.
    pub argv: Vec<String>,
    /// Limit in milliseconds.
    pub limit_ms: u64,
}

/// What it answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// How the call ended.
    pub result: CallResult,
    /// The exit status, if there was one.
    pub exit: Option<i32>,
    /// What it printed, up to the cap of a stream.
    pub stdout: String,
    /// The same for stderr.
    pub stderr: String,
}

/// What the recorder does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordJob {
    /// Whether the workload may be visited at its execve.
    pub visit: bool,
    /// The syscalls to record; if `None`, the recorder leaves after its visit.
    pub calls: Option<CallsJob>,
    /// Whether the runtime's own calls are reported, and not only the facts derived from them.
    pub setup: bool,
    /// Changed files that the case watches or expects something of, as `watch` has them.
    #[serde(default)]
    pub files: Vec<String>,
}

/// Which syscalls are recorded: [`ocidiff_trace::Calls`] on its way into a cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallsJob {
    /// Those to decode fully.
    pub watch: Vec<String>,
    /// Whether others are left out, and not even counted.
    pub only_watched: bool,
    /// How many are kept in the record; further ones are only counted.
    pub max: usize,
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobStep {
    /// The label in the facts' paths.
    pub label: String,
    /// What it does.
    pub op: Op,
    /// The container it is about.
    pub container: String,
    /// Which life of the container it is in: see [`ocidiff_model::life`].
    pub life: u32,
    /// The call; empty for steps of the harness, and where the runtime lacks the step.
    pub argv: Vec<String>,
    /// Limit in milliseconds.
    pub limit_ms: u64,
    /// A file that the call reads (an exec's process, an update's resources), and where it wants it.
    pub input: Option<(PathBuf, String)>,
    /// await: the text that stdout must hold.
    pub stdout: Option<String>,
    /// create: the config asks for a terminal, which the runtime sends to a socket.
    pub terminal: bool,
}

impl JobStep {
    /// The life of a container that it is about.
    pub(super) fn life(&self) -> (String, u32) {
        (self.container.clone(), self.life)
    }
}

/// What a cell reports, one message per line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "tell", content = "what")]
pub enum Message {
    /// A step has ended.
    Step(StepRecord),
    /// Observations.
    Facts(Vec<Fact>),
    /// What the runtime itself called before the workload began, as text.
    Setup(Vec<String>),
    /// What the recorder saw.
    Trace(TraceReport),
    /// What a program answered.
    Answer(Answer),
    /// Everything has been reported.
    Done {
        /// Whether the workload ran.
        ran: bool,
    },
    /// The cell cannot go on; this is not the runtime's fault.
    Broken(String),
}

/// What the recorder saw of one life of the main container.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TraceReport {
    /// Which life.
    pub life: u32,
    /// Which recorder; `none (why)` where there was none.
    pub recorder: String,
    /// The calls, as text.
    pub calls: Vec<String>,
    /// How many there were in all.
    pub total: u64,
    /// The filters in force at the execve.
    pub filters: Vec<FilterRecord>,
    /// Events that were lost: then the record has holes, and is worthless.
    pub lost: u64,
}

/// Why a case cannot be run under a runtime at all: the runtime has no such step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacks(pub String);
