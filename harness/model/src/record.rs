//! A record: all that was observed of one case under one runtime.

use serde::{Deserialize, Serialize};

use crate::fact::{Channel, Fact, Value, watched};
use crate::step::{self, MAIN, Op};
use crate::version::Version;
use crate::{facts, life};

pub use outcome::{Aside, RunOutcome};

mod outcome;

/// The name in a record of the recorder that alone sees what the runtime does before the workload begins.
pub const EBPF: &str = "ebpf";
/// The name in a record for no recorder, if nothing was recorded, but the workload was visited at its execve.
pub const VISIT: &str = "visit";

/// How a record names its recorder if there was none; the reason follows.
pub const NO_RECORDER: &str = "none";

/// The last part of facts that say what the harness failed to read from outside, and why: a text for all that is seen
/// at the execve, or a list of `NAME WHY`.
const UNREAD: &str = "unread";

/// Whether the fact says what the harness failed to read.
#[must_use]
pub fn is_unread(path: &str) -> bool {
    // Hardly a fact does, and each is asked for each that is compared.
    if !path.contains(UNREAD) {
        return false;
    }
    let (_, path) = life::life_of(path);
    let Some(head) = path.strip_suffix(UNREAD).and_then(|head| head.strip_suffix('.')) else {
        return false;
    };
    let of_process = |rest: &str| rest == "init" || rest == "created" || rest.ends_with(".created");
    matches!(head, "filter" | "mount" | "cgroup") || head.strip_prefix("proc.").is_some_and(of_process)
}

/// A runtime under test: its name and version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeId {
    /// The manifest's name.
    pub name: String,
    /// What `--version` says.
    pub version: Version,
    /// How it is told apart in this run: `runc`, or `runc@1.3.6` where a name runs in several versions.
    pub label: String,
}

/// The digests of what the runtime was given; the same for every runtime of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleDigest {
    /// SHA-256 of the bytes of config.json.
    pub config: String,
    /// SHA-256 over the rootfs: path, type, mode, owner and content of each entry, sorted by path.
    pub rootfs: String,
}

/// How a call of a runtime ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallResult {
    /// Exit status 0.
    Ok,
    /// Another exit status.
    Error,
    /// It crashed in its own code (a panic, a stack trace).
    Panic,
    /// A signal ended it.
    Signal(String),
    /// It did not end within its limit.
    Timeout,
}

impl CallResult {
    /// The value of the fact `lifecycle.STEP.result`.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Self::Ok => "ok".into(),
            Self::Error => "error".into(),
            Self::Panic => "panic".into(),
            Self::Signal(name) => format!("signal {name}").into(),
            Self::Timeout => "timeout".into(),
        }
    }
}

/// One step as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The label in the facts' paths.
    pub label: String,
    /// What it did.
    pub op: Op,
    /// The call, for reading; empty for steps of the harness.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// How it ended.
    pub result: CallResult,
    /// Exit status, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// What the runtime printed, capped; for reading, never compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl StepRecord {
    /// The container that the step is about.
    #[must_use]
    pub fn container(&self) -> &str {
        step::container_of(&self.label)
    }

    /// Whether the step is about one container: the others ask the runtime about itself, or about all that it has.
    #[must_use]
    pub fn is_of_container(&self) -> bool {
        !matches!(self.op, Op::List | Op::Features)
    }
}

/// A filter as it was read back, for reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRecord {
    /// How many instructions.
    pub instructions: usize,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// The instructions as the kernel holds them (`struct sock_filter`, 8 bytes each), in hexadecimal.
    pub code: String,
}

/// All that was observed of one case under one runtime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The case's name.
    pub case: String,
    /// The runtime.
    pub runtime: RuntimeId,
    /// What it was given.
    pub bundle: BundleDigest,
    /// Which recorder saw the syscalls: `ebpf`, `ptrace`, or `none (why)`.
    pub recorder: String,
    /// Whether there is something to compare.
    pub outcome: RunOutcome,
    /// Whether the main container's workload ran at all. Where it did not, only the lifecycle and what is left can be
    /// compared, and what other containers show.
    pub ran: bool,
    /// The steps in order.
    pub steps: Vec<StepRecord>,
    /// Every fact, normalised, sorted by path.
    pub facts: Vec<Fact>,
    /// The filters in force at the workload's execve, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterRecord>,
    /// What the runtime itself called before the workload began, rendered, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// The workload's syscalls, rendered, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<String>,
    /// How many syscalls there were in all; more than `calls` where the record was cut.
    #[serde(default)]
    pub total_calls: u64,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl Record {
    /// The calls of the runtime that did not end well, in order.
    pub fn failed(&self) -> impl Iterator<Item = &StepRecord> {
        let failed = |step: &&StepRecord| step.op.calls_runtime() && step.result != CallResult::Ok;
        self.steps.iter().filter(failed)
    }

    /// The step that took part in a fact of the lifecycle.
    #[must_use]
    pub fn step_of(&self, path: &str) -> Option<&StepRecord> {
        let rest = path.strip_prefix("lifecycle.")?;
        let taken = self.steps.iter().filter(|step| {
            let rest = rest.strip_prefix(step.label.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        });
        taken.max_by_key(|step| step.label.len())
    }

    /// The container that a fact is about; `None` if it is about the whole run.
    #[must_use]
    pub fn container_of<'p>(&'p self, path: &'p str) -> Option<&'p str> {
        match Channel::of(path) {
            None | Some(Channel::Leftover | Channel::Hook) => None,
            Some(Channel::Lifecycle) => {
                let step = self.step_of(path).filter(|step| step.is_of_container());
                step.map(StepRecord::container)
            }
            Some(_) => Some(facts::container_in(path, |name| {
                self.steps.iter().any(|step| step.container() == name)
            })),
        }
    }

    /// Whether a container ran when a step was taken: it was started before, and something was done with it after.
    #[must_use]
    pub fn was_running(&self, container: &str, label: &str) -> bool {
        let is_of_it = |step: &&StepRecord| step.container() == container;
        let mut before = self.steps.iter().take_while(|step| step.label != label);
        let after = self.steps.iter().skip_while(|step| step.label != label);
        before.any(|step| is_of_it(&step) && matches!(step.op, Op::Start | Op::Run))
            && after.skip(1).any(|step| is_of_it(&step))
    }

    /// Whether the main container came to nothing while this one ran, as an agent that waits for it does.
    fn waits_in_vain(&self, container: &str) -> bool {
        let mut failed = self.steps.iter().filter(|step| {
            let makes = matches!(step.op, Op::Create | Op::Start | Op::Run);
            makes && step.result != CallResult::Ok && step.container() == MAIN
        });
        failed.any(|step| self.was_running(container, &step.label))
    }

    /// Whether the container that a fact is about was started: what one shows that was not says nothing. Nor does what
    /// one shows that was left waiting for the main container.
    #[must_use]
    pub fn has_begun(&self, path: &str) -> bool {
        let others = self.steps.iter().any(|step| step.container() != MAIN);
        if !others {
            return self.ran;
        }
        let begins = |step: &&StepRecord| match step.op {
            Op::Start => step.result == CallResult::Ok,
            op => op == Op::Run,
        };
        let mut begun = self.steps.iter().filter(begins).map(StepRecord::container);
        match self.container_of(path) {
            Some(MAIN) => self.ran,
            Some(other) => begun.any(|name| name == other) && !self.waits_in_vain(other),
            None => self.ran || begun.next().is_some(),
        }
    }

    /// The value of a fact.
    #[must_use]
    pub fn value(&self, path: &str) -> Option<&Value> {
        self.facts
            .iter()
            .find(|fact| fact.path == path)
            .map(|fact| &fact.value)
    }

    /// Why the harness failed to read a fact, if it did: an error that it met while it looked is not a value.
    #[must_use]
    pub fn unread(&self, path: &str) -> Option<&str> {
        let channel = Channel::of(path)?;
        let (asked, path) = life::life_of(path);
        let mut all = self.facts.iter().filter(|fact| is_unread(&fact.path));
        let (unread, rest) = all.find_map(|fact| {
            let (life, unread) = life::life_of(&fact.path);
            let head = unread.strip_suffix(UNREAD).filter(|_| life == asked)?;
            let rest = path.strip_prefix(head)?;
            // The probe sees this from inside.
            (path != unread && !rest.starts_with("inside.")).then_some((fact, rest))
        })?;
        match &unread.value {
            Value::Text(why) => Some(why),
            Value::List(lines) => lines
                .iter()
                .filter_map(|line| line.split_once(' '))
                .find_map(|(name, why)| watched(channel, name, rest).then_some(why)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
