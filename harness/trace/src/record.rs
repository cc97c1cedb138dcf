//! What a recording produces: plain data, the same for every backend, ready to be written as JSON.

use std::collections::BTreeMap;
use std::fmt;

use ocidiff_seccomp::Filter;
use serde::{Deserialize, Serialize};

use crate::Pid;

/// All that was recorded of one workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// How init ended.
    pub exit: Exit,
    /// Whether init reached its execve. If not, nothing below was recorded: init failed on its way there.
    pub exec_seen: bool,
    /// The seccomp filters at the execve, in the order in which they were installed: the newest is last.
    pub filters: Vec<Filter>,
    /// Why `filters` is empty, if the filters could not be read.
    pub filters_unread: Option<String>,
    /// The calls, in the order in which they were entered.
    pub calls: Vec<Call>,
    /// Number of all calls, kept or not.
    pub total: u64,
    /// How many of them are not in `calls`.
    pub dropped: u64,
    /// Watched calls among those that are not in `calls`: name, as in `counts`, then how many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cut: BTreeMap<String, u64>,
    /// How many processes the workload had, init included.
    pub processes: u32,
    /// How many threads it had, all processes together.
    pub threads: u32,
    /// Forks that could not be followed (`CLONE_UNTRACED`).
    pub unfollowed: u32,
    /// All calls, also those not kept: name, then result class (`ok`, an errno, `SIGSYS`, `unfinished`),
    /// then how many. Names of calls for another architecture carry it: `i386:getpid`.
    pub counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// How init ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this status.
    Code(i32),
    /// It was killed.
    Signal {
        /// By which signal, `SIGKILL`.
        name: String,
        /// Whether a core was dumped, or would have been if the limit had allowed it.
        core: bool,
    },
    /// It ended, but how was reported to another process.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(out, "{code}"),
            Self::Signal { name, .. } => out.write_str(name),
            Self::Unknown => out.write_str("unknown"),
        }
    }
}

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which process, in order of appearance; 1 is init.
    pub process: u32,
    /// Which of its threads, in order of appearance; 1 is the first.
    pub thread: u32,
    /// For which architecture the call was made.
    pub arch: Arch,
    /// Its name; `syscall_999` for a number without one.
    pub name: String,
    /// Its arguments as text: nothing in it depends on addresses or pids, which differ between runs.
    pub args: Vec<String>,
    /// What the call is about, a path or what its descriptor refers to.
    pub subject: Option<String>,
    /// What came of it.
    pub result: CallResult,
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}({}) = {}", self.name, self.args.join(", "), self.result)
    }
}

/// One call that a runtime made before the workload: only the eBPF backend sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupCall {
    /// The step in which it was made.
    pub phase: String,
    /// The pid of the process, in the pid namespace of the run.
    pub pid: Pid,
    /// The call. Its process counts all processes of the run in order of appearance.
    pub call: Call,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// It returned this, as text: a number, `ptr`, `#2` for a process.
    Value(String),
    /// It failed with this errno.
    Errno(String),
    /// A seccomp filter answered with SIGSYS instead.
    Trapped,
    /// It never returned: exit, execve's other threads, death inside the call.
    Unfinished,
}

impl fmt::Display for CallResult {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(text) | Self::Errno(text) => out.write_str(text),
            Self::Trapped => out.write_str("SIGSYS"),
            Self::Unfinished => out.write_str("unfinished"),
        }
    }
}

/// An architecture of calls. One process can use several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 32-bit x86.
    I386,
    /// 64-bit registers, 32-bit pointers. Few kernels have it.
    X32,
    /// 64-bit Arm.
    Aarch64,
    /// 32-bit Arm.
    Arm,
    /// An architecture that this crate has no tables for, by its `AUDIT_ARCH_*` value.
    Other(u32),
}

impl fmt::Display for Arch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86_64 => out.write_str("x86_64"),
            Self::I386 => out.write_str("i386"),
            Self::X32 => out.write_str("x32"),
            Self::Aarch64 => out.write_str("aarch64"),
            Self::Arm => out.write_str("arm"),
            Self::Other(value) => write!(out, "{value:#x}"),
        }
    }
}
