//! Compares the records of a case: which facts are compared, and who agrees with whom.

use std::collections::BTreeSet;

use ocidiff_model::difference::{Group, Standing};
use ocidiff_model::fact::watched;
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::{Case, Channel, Difference, Record, Watch};

/// Facts that are compared whatever a case watches, by the beginnings of their paths after the channel; an
/// empty one is the whole channel. Everything else is recorded, and compared where a case watches it.
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
    // What the workload itself prints; what is seen of it from outside opens with `init` or `created`.
    (Channel::Proc, &[""]),
];

/// How a record names its recorder where there was none; the reason follows.
const NO_RECORDER: &str = "none";

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

/// Whether the case compares the fact.
#[must_use]
pub fn is_compared(case: &Case, path: &str) -> bool {
    let Some(channel) = Channel::of(path) else {
        return false;
    };
    let rest = path[channel.name().len()..].trim_start_matches('.');
    let watch = case.body.watch.get(&channel);
    let patterns = watch.map_or(&[][..], Watch::paths);
    if patterns.iter().any(|pattern| watched(pattern, rest)) {
        return true;
    }
    if channel == Channel::Lifecycle {
        let (step, last) = rest.rsplit_once('.').unwrap_or(("", rest));
        // The status of exec and run is the process's own.
        return LIFECYCLE.contains(&last)
            || (last == "exit" && (step.contains("exec") || step.contains("run")));
    }
    if channel == Channel::Proc
        && ["init.", "created."]
            .iter()
            .any(|outside| rest.starts_with(outside))
    {
        return false;
    }
    ALWAYS
        .iter()
        .any(|(always, heads)| *always == channel && heads.iter().any(|head| rest.starts_with(head)))
}

/// Whether the record can be held against others at all.
#[must_use]
pub fn is_comparable(record: &Record) -> bool {
    record.outcome == RunOutcome::Complete
}

/// Whether the record has something to say of the fact.
///
/// Where the workload did not run, only the lifecycle, hooks and what is left can be compared. A step that was not
/// taken says nothing, and one that failed says only that, unless it shows more.
#[must_use]
pub fn speaks_of(record: &Record, path: &str) -> bool {
    match Channel::of(path) {
        Some(Channel::Lifecycle) => {
            let rest = path.strip_prefix("lifecycle.").unwrap_or_default();
            let Some((label, _)) = rest.rsplit_once('.') else {
                return false;
            };
            let taken = record.steps.iter().filter(|step| {
                label
                    .strip_prefix(step.label.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            taken
                .max_by_key(|step| step.label.len())
                .is_some_and(|step| step.result == CallResult::Ok || record.value(path).is_some())
        }
        Some(Channel::Leftover | Channel::Hook) => true,
        Some(_) => record.ran && (record.value(path).is_some() || !is_unseen(record, path)),
        None => false,
    }
}

/// Whether a recorder followed the workload.
#[must_use]
pub fn is_recorded(record: &Record) -> bool {
    !record.recorder.starts_with(NO_RECORDER)
}

/// Whether nobody looked: where the recorder could not follow a workload, that it did not see something says nothing.
fn is_unseen(record: &Record, path: &str) -> bool {
    if is_recorded(record) {
        return false;
    }
    let from_outside = |inside: &str| !path.starts_with(inside);
    match Channel::of(path) {
        Some(Channel::Syscall | Channel::Filter | Channel::Setup) => true,
        // What is taken at the workload's execve, and not told from inside.
        Some(Channel::Proc) => path.starts_with("proc.init."),
        Some(Channel::Mount) => from_outside("mount.inside."),
        Some(Channel::Cgroup) => from_outside("cgroup.inside."),
        _ => false,
    }
}

/// Every fact of the records that the case compares.
#[must_use]
pub fn compared_paths<'r>(case: &Case, records: &[&'r Record]) -> BTreeSet<&'r str> {
    records
        .iter()
        .flat_map(|record| record.facts.iter().map(|fact| fact.path.as_str()))
        .filter(|path| is_compared(case, path))
        .collect()
}

/// The groups of runtimes that agree on a fact, the reference's first.
#[must_use]
pub fn groups(path: &str, records: &[&Record]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for record in records.iter().filter(|record| speaks_of(record, path)) {
        let value = record.value(path).cloned();
        let label = record.runtime.label.clone();
        match groups.iter_mut().find(|group| group.value == value) {
            Some(group) => group.runtimes.push(label),
            None => groups.push(Group {
                value,
                runtimes: vec![label],
            }),
        }
    }
    groups
}

/// Every fact on which the records disagree, in order of channel and path. The reference's record comes first.
#[must_use]
pub fn compare(case: &Case, records: &[&Record]) -> Vec<Difference> {
    let mut found: Vec<Difference> = compared_paths(case, records)
        .into_iter()
        .map(|path| (path, groups(path, records)))
        .filter(|(_, groups)| groups.len() > 1)
        .map(|(path, groups)| difference(path, groups))
        .collect();
    found.sort_by_key(|difference| (difference.channel(), difference.fact.clone()));
    found
}

/// A difference as it was found; what it is, is judged later.
#[must_use]
pub fn difference(path: &str, groups: Vec<Group>) -> Difference {
    Difference {
        fact: path.to_owned(),
        groups,
        standing: Standing::New { runs: 1 },
        seen: Vec::new(),
        written: Vec::new(),
        expected: None,
        requirement: None,
        against: Vec::new(),
        impact: None,
        accounts: Vec::new(),
        fixed: Vec::new(),
    }
}
