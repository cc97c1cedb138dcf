//! A record: all that was observed of one case under one runtime.

use serde::{Deserialize, Serialize};

use crate::fact::{Channel, Fact, Value, watched};
use crate::life;
use crate::step::Op;
use crate::version::Version;

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

/// Why a record holds nothing to compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "why")]
pub enum RunOutcome {
    /// Every step was taken and everything was observed.
    Complete,
    /// The runtime says that it does not support what the case asks for.
    Unsupported(String),
    /// The harness or the machine failed.
    Broken(String),
}

impl RunOutcome {
    /// The outcome of a run: a failure of the harness outweighs a refusal of the runtime. Two values for one path are a
    /// failure, since only one of them would be compared.
    #[must_use]
    pub fn of(broken: Option<String>, refusal: Option<String>, facts: &[Fact]) -> Self {
        match (broken, refusal, twice(facts)) {
            (Some(why), _, _) | (None, _, Some(why)) => Self::Broken(why),
            (None, Some(why), None) => Self::Unsupported(why),
            (None, None, None) => Self::Complete,
        }
    }
}

/// What is wrong with facts of which two have one path.
fn twice(facts: &[Fact]) -> Option<String> {
    let mut seen = std::collections::BTreeMap::new();
    let (fact, first) = facts
        .iter()
        .find_map(|fact| Some((fact, seen.insert(fact.path.as_str(), &fact.value)?)))?;
    Some(format!(
        "two values were recorded for {}: {} and {}",
        fact.path,
        first.quoted(),
        fact.value.quoted()
    ))
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
    /// Whether the workload ran at all. Where it did not, only the lifecycle and what is left can be compared.
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
        let (unread, rest) = self.facts.iter().find_map(|fact| {
            let (life, unread) = life::life_of(&fact.path);
            let is_of_life = is_unread(&fact.path) && life == asked;
            let rest = path.strip_prefix(unread.strip_suffix(UNREAD).filter(|_| is_of_life)?)?;
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
mod tests {
    use super::*;

    fn record() -> Record {
        let step = |label: &str, op: Op, result: CallResult| StepRecord {
            label: label.to_owned(),
            op,
            argv: Vec::new(),
            result,
            exit: None,
            text: String::new(),
            seconds: 0.0,
        };
        Record {
            case: "t/c".to_owned(),
            runtime: RuntimeId {
                name: "runc".to_owned(),
                version: Version::local(),
                label: "runc".to_owned(),
            },
            bundle: BundleDigest::default(),
            recorder: "none".to_owned(),
            outcome: RunOutcome::Complete,
            ran: true,
            steps: vec![
                step("create", Op::Create, CallResult::Ok),
                step("start", Op::Start, CallResult::Error),
                step("wait", Op::Wait, CallResult::Timeout),
                step("kill", Op::Kill, CallResult::Timeout),
            ],
            facts: vec![Fact::new("process.exit", 3)],
            filters: Vec::new(),
            setup: Vec::new(),
            calls: Vec::new(),
            total_calls: 0,
            seconds: 0.0,
        }
    }

    #[test]
    fn what_the_harness_failed_to_read_is_no_value() {
        let mut record = record();
        record.facts.extend([
            Fact::new("mount.unread", "ESRCH"),
            Fact::new(
                "proc.init.unread",
                vec!["timerslack_ns EPERM".to_owned(), "caps ESRCH".to_owned()],
            ),
        ]);
        for (path, why) in [
            ("proc.init.timerslack_ns", Some("EPERM")),
            ("proc.init.caps.eff", Some("ESRCH")),
            ("proc.init.comm", None),
            ("proc.created.caps.eff", None),
            ("proc.init.unread", None),
            ("proc.caps.effective", None),
            ("mount./proc", Some("ESRCH")),
            ("mount.order", Some("ESRCH")),
            ("mount.inside.dev", None),
            ("cgroup.path.memory", None),
            ("file./mount.unread", None),
        ] {
            assert_eq!(record.unread(path), why, "{path}");
        }
    }

    #[test]
    fn what_was_not_read_of_a_life_or_of_a_container_is_not_known_there() {
        let mut record = record();
        let lines = |line: &str| vec![line.to_owned()];
        record.facts.extend([
            Fact::new("proc.init.unread#2", lines("caps ESRCH")),
            Fact::new("proc.second.created.unread", lines("umask EPERM")),
        ]);
        for (path, why) in [
            ("proc.init.caps.eff", None),
            ("proc.init.caps.eff#2", Some("ESRCH")),
            ("proc.second.created.umask", Some("EPERM")),
            ("proc.created.umask", None),
        ] {
            assert_eq!(record.unread(path), why, "{path}");
        }
        for path in [
            "proc.init.unread#2",
            "proc.second.created.unread",
            "cgroup.unread",
        ] {
            assert!(is_unread(path), "{path}");
        }
        assert!(!is_unread("proc.read.unread"));
    }

    #[test]
    fn two_values_for_one_path_are_a_failure_of_the_harness() {
        let facts = [Fact::new("process.exit", 0), Fact::new("process.exit", "0")];
        let outcome = RunOutcome::of(None, Some("no".to_owned()), &facts);
        let why = "two values were recorded for process.exit: 0 and \"0\"";
        assert_eq!(outcome, RunOutcome::Broken(why.to_owned()));
        assert_eq!(RunOutcome::of(None, None, &facts[..1]), RunOutcome::Complete);
    }

    #[test]
    fn what_failed_are_calls_of_the_runtime_in_order() {
        let record = record();
        let failed: Vec<_> = record.failed().map(|step| step.label.as_str()).collect();
        assert_eq!(failed, ["start", "kill"]);
        assert_eq!(record.value("process.exit"), Some(&Value::Int(3)));
        assert_eq!(record.value("process.stdout"), None);
    }
}
