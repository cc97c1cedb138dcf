//! Which facts a case compares.

use crate::case::{Case, CaseFile, Watch};
use crate::fact::{Channel, watched};
use crate::facts::{self, From};

/// Facts that are compared whatever a case watches, by the beginnings of their paths after the channel; an
/// empty one stands for the whole channel. Everything else is recorded, and compared if a case watches it.
const ALWAYS: [(Channel, &[&str]); 9] = [
    (Channel::Process, &[""]),
    (
        Channel::Leftover,
        &[
            "processes",
            "mounts",
            "cgroups",
            "files",
            "settings",
            "machine",
            "frozen",
        ],
    ),
    (Channel::Syscall, &["denied"]),
    (Channel::Filter, &["count", "departures", "undecided", "unlisted"]),
    (Channel::Mount, &["inside."]),
    (Channel::Cgroup, &["inside."]),
    (Channel::Hook, &["order"]),
    (Channel::Engine, &[""]),
    // What the workload itself prints; what is seen of it from outside begins with `init` or `created`.
    (Channel::Proc, &[""]),
];

/// The last parts of lifecycle facts that are always compared.
const LIFECYCLE: [&str; 7] = [
    "result",
    "pid_file",
    "status",
    "json",
    "terminal",
    "stdout",
    "containers",
];

impl CaseFile {
    /// The paths of a channel that are watched.
    #[must_use]
    pub fn watched(&self, channel: Channel) -> &[String] {
        self.watch.get(&channel).map_or(&[], Watch::paths)
    }

    /// The paths of a channel that are watched or expected, without the channel.
    pub fn asked(&self, channel: Channel) -> impl Iterator<Item = &str> {
        let expected = self.expect.keys().filter_map(move |path| {
            let rest = path.strip_prefix(channel.name())?;
            rest.strip_prefix('.')
        });
        self.watched(channel).iter().map(String::as_str).chain(expected)
    }

    /// Takes away what the case expects: then runtimes are only compared.
    pub fn expect_nothing(&mut self) {
        self.expect.clear();
        for step in &mut self.steps {
            step.options.expect = step.options.expect.filter(|expect| !expect.is_one());
        }
    }

    /// Whether the recorder stops the workload at its execve and looks.
    #[must_use]
    pub fn is_visited(&self) -> bool {
        !matches!(self.watch.get(&Channel::Filter), Some(Watch::Not(_)))
    }
}

/// Whether the case compares the fact.
#[must_use]
pub fn is_compared(case: &Case, path: &str) -> bool {
    let Some(channel) = Channel::of(path) else {
        return false;
    };
    let rest = path[channel.name().len()..].trim_start_matches('.');
    let patterns = case.body.watched(channel);
    if patterns.iter().any(|pattern| watched(channel, pattern, rest)) {
        return true;
    }
    // What stands for more entries than are listed; only those that the case asks for are among them.
    if channel == Channel::File && !rest.contains('/') && rest.rsplit('.').next() == Some("rest") {
        return true;
    }
    if channel == Channel::Lifecycle {
        let (step, last) = rest.rsplit_once('.').unwrap_or(("", rest));
        // The status of exec and run belongs to the process.
        return LIFECYCLE.contains(&last)
            || (last == "exit" && (step.contains("exec") || step.contains("run")));
    }
    if channel == Channel::Proc && is_from_outside(path) {
        return false;
    }
    let is_always = |rest: &str| {
        let mut all = ALWAYS.iter();
        all.any(|(always, heads)| *always == channel && heads.iter().any(|head| rest.starts_with(head)))
    };
    // What the probe sees in a second container, or in an exec'ed process, has its name in front: `exec.inside.dev`.
    let of_named = || {
        let own = rest.find(".inside.").map(|at| &rest[at + 1..]);
        own.is_some_and(is_always) && facts::find(path).is_some_and(|found| found.of.is_some())
    };
    is_always(rest) || of_named()
}

/// Whether the harness sees the fact of a process, and not the probe: `proc.init.umask`, `proc.second.created.umask`.
fn is_from_outside(path: &str) -> bool {
    let rest = path.strip_prefix("proc.").unwrap_or(path);
    let mut heads = ["init.", "created."].into_iter();
    if heads.any(|head| rest.starts_with(head)) {
        return true;
    }
    // Most lines of the probe say nothing like it, and need no look at the table.
    rest.contains(".created.")
        && facts::find(path.trim_end_matches('.')).is_some_and(|found| found.kind.from == From::Outside)
}

/// Whether the fact is only seen between create and start: what the runtime's own process is like then.
#[must_use]
pub fn is_of_create(path: &str) -> bool {
    Channel::of(path) == Some(Channel::Proc) && path.contains(".created.") && is_from_outside(path)
}

#[cfg(test)]
mod tests;
