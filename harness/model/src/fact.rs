//! A fact is one observation: a dotted path and a value.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is written of a runtime that does not have the fact at all.
pub const ABSENT: &str = "(absent)";

/// A word among the calls that a case watches: no others are recorded at all, or counted. The kernel leaves them out,
/// where eBPF records.
pub const ONLY: &str = "only";

/// Where a fact comes from; always the first part of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Each step: how it ended, the class of its error, the state JSON.
    Lifecycle,
    /// The workload: exit status or signal, stdout, stderr.
    Process,
    /// How the runtime confines the container: its own calls up to the workload's execve.
    Setup,
    /// The syscalls of the workload.
    Syscall,
    /// The seccomp filters that were in force at the workload's execve.
    Filter,
    /// What the kernel says about the process, seen from inside and outside.
    Proc,
    /// The mount table, masked and read-only paths, device nodes.
    Mount,
    /// Values in every controller, and where the container sits.
    Cgroup,
    /// What the run changed in the rootfs.
    File,
    /// Which hooks ran, when, and with what.
    Hook,
    /// What is left after delete.
    Leftover,
    /// What a container engine says about the container, and the config.json that it wrote; only with
    /// `--via`.
    Engine,
}

impl Channel {
    /// Every channel, in the order in which reports show them.
    pub const ALL: [Self; 12] = [
        Self::Lifecycle,
        Self::Process,
        Self::Setup,
        Self::Syscall,
        Self::Filter,
        Self::Proc,
        Self::Mount,
        Self::Cgroup,
        Self::File,
        Self::Hook,
        Self::Leftover,
        Self::Engine,
    ];

    /// The channel's name, with which a fact's path begins.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Process => "process",
            Self::Setup => "setup",
            Self::Syscall => "syscall",
            Self::Filter => "filter",
            Self::Proc => "proc",
            Self::Mount => "mount",
            Self::Cgroup => "cgroup",
            Self::File => "file",
            Self::Hook => "hook",
            Self::Leftover => "leftover",
            Self::Engine => "engine",
        }
    }

    /// The channel that a fact's path belongs to.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let head = path.split(['.', '[']).next()?;
        Self::ALL.into_iter().find(|channel| channel.name() == head)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a fact. Lists keep their order, which is part of what was observed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A number without a unit, or in the unit that the fact's name says.
    Int(i64),
    /// One line of text or a name (`EPERM`).
    Text(String),
    /// A sequence of lines or names.
    List(Vec<String>),
}

impl Value {
    /// The value on one line, for tables and messages; lists are shown between brackets.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Text(text) if text.is_empty() => "\"\"".to_owned(),
            Self::Text(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.join(", ")),
        }
    }

    /// The value on one line, with a text in quotes: `"0"` is not 0.
    #[must_use]
    pub fn quoted(&self) -> String {
        match self {
            Self::Text(text) => format!("\"{text}\""),
            other => other.line(),
        }
    }

    /// Whether the two look the same on one line, and are of different kinds.
    #[must_use]
    pub fn is_only_read_like(&self, other: &Self) -> bool {
        self != other && self.line() == other.line()
    }

    /// The value as lines, for a unified diff.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::List(items) => items.clone(),
            Self::Text(text) => text.lines().map(ToOwned::to_owned).collect(),
            other => vec![other.line()],
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<Vec<String>> for Value {
    fn from(items: Vec<String>) -> Self {
        Self::List(items)
    }
}

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Dotted path; the first part is the channel.
    pub path: String,
    /// What was observed.
    pub value: Value,
}

impl Fact {
    /// A fact from its path and anything that can be a value.
    pub fn new(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            path: path.into(),
            value: value.into(),
        }
    }

    /// The channel, from the path. Facts that are built by the harness always have one.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        Channel::of(&self.path)
    }
}

/// Whether `path` (without its channel) is chosen by a `watch` pattern: an exact path, a prefix that ends at
/// a boundary (`.`, `(`, `[`, `/`, `#`), or `*`. `/` is all files, but only the mount at `/`.
#[must_use]
pub fn watched(channel: Channel, pattern: &str, path: &str) -> bool {
    if pattern == "*" || pattern == path {
        return true;
    }
    if (channel, pattern) == (Channel::File, "/") {
        return path.starts_with('/');
    }
    path.strip_prefix(pattern).is_some_and(|rest| {
        (pattern.len() > 1 && pattern.ends_with(['.', '/'])) || rest.starts_with(['.', '(', '[', '/', '#'])
    })
}

/// The name of the call that a path in the channel `syscall` is about: `openat` of `openat(/etc/passwd)#2`.
#[must_use]
pub fn call_of(path: &str) -> &str {
    path.split(['(', '#', '.']).next().unwrap_or(path)
}

/// Whether the fact is only seen by stopping the workload at its execve and looking: which filters it has, what its
/// process is like, and mounts and cgroups unless the probe reads them.
#[must_use]
pub fn is_of_visit(path: &str) -> bool {
    match Channel::of(path) {
        Some(Channel::Filter) => true,
        Some(Channel::Proc) => path.starts_with("proc.init."),
        Some(Channel::Mount) => !path.starts_with("mount.inside."),
        Some(Channel::Cgroup) => !path.starts_with("cgroup.inside."),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channel_is_the_first_part_of_the_path() {
        assert_eq!(Channel::of("process.exit"), Some(Channel::Process));
        assert_eq!(Channel::of("mount./proc"), Some(Channel::Mount));
        assert_eq!(Channel::of("processor.exit"), None);
        assert_eq!(Channel::of(""), None);
    }

    #[test]
    fn a_watch_pattern_is_a_path_a_prefix_at_a_boundary_or_a_star() {
        for (pattern, path, expected) in [
            ("caps", "caps.effective", true),
            ("caps", "capsule", false),
            ("caps.effective", "caps.effective", true),
            ("fchmodat2", "fchmodat2(data)", true),
            ("fchmodat", "fchmodat2(data)", false),
            ("/tmp/data", "/tmp/data/f", true),
            ("/tmp/", "/tmp/data", true),
            ("memory.", "memory.max", true),
            ("/", "/proc", false),
            ("*", "anything", true),
        ] {
            assert_eq!(
                watched(Channel::Mount, pattern, path),
                expected,
                "{pattern} on {path}"
            );
        }
        assert!(watched(Channel::File, "/", "/abc"));
    }

    #[test]
    fn a_call_is_named_before_what_it_is_about() {
        for (path, call) in [
            ("openat(/etc/passwd)#2", "openat"),
            ("mkdir#2", "mkdir"),
            ("denied", "denied"),
        ] {
            assert_eq!(call_of(path), call);
        }
    }

    #[test]
    fn what_the_probe_or_the_harness_sees_needs_no_visit_of_the_workload() {
        for (path, expected) in [
            ("filter.count", true),
            ("proc.init.umask", true),
            ("proc.umask", false),
            ("mount./proc", true),
            ("mount.inside./proc", false),
            ("cgroup.pids.max", true),
            ("cgroup.inside.v2", false),
            ("process.exit", false),
            ("syscall.mkdir", false),
        ] {
            assert_eq!(is_of_visit(path), expected, "{path}");
        }
    }

    #[test]
    fn a_value_is_a_line_and_lines() {
        let list = Value::List(vec!["a".to_owned(), "b".to_owned()]);
        for (value, line, lines) in [
            (Value::from("a\nb"), "a\nb", vec!["a", "b"]),
            (Value::from(""), "\"\"", vec![]),
            (Value::Int(3), "3", vec!["3"]),
            (Value::Bool(true), "true", vec!["true"]),
            (list, "[a, b]", vec!["a", "b"]),
        ] {
            assert_eq!((value.line().as_str(), value.to_string().as_str()), (line, line));
            assert_eq!(value.lines(), lines, "{line}");
        }
    }

    #[test]
    fn quotes_tell_a_text_from_what_reads_like_it() {
        let list = |item: &str| Value::List(vec![item.to_owned()]);
        for (one, other, expected) in [
            (Value::Int(0), Value::from("0"), true),
            (Value::from("true"), Value::Bool(true), true),
            (Value::from("[a]"), list("a"), true),
            (Value::from("0"), Value::from("0"), false),
            (Value::Int(0), Value::Int(1), false),
        ] {
            assert_eq!(one.is_only_read_like(&other), expected, "{one} {other}");
            assert!(!expected || one.quoted() != other.quoted(), "{one} {other}");
        }
    }

    #[test]
    fn a_path_opens_with_its_channel() {
        for channel in Channel::ALL {
            let fact = Fact::new(format!("{channel}.a"), 1);
            assert_eq!(fact.channel(), Some(channel));
        }
        for (path, channel) in [
            ("mount./proc", Some(Channel::Mount)),
            ("syscall[1]", Some(Channel::Syscall)),
            ("proc", Some(Channel::Proc)),
            ("prok.umask", None),
            ("", None),
        ] {
            assert_eq!(Channel::of(path), channel, "{path}");
        }
    }
}
