//! Compares the records of a case: which facts are compared, and which runtimes agree.

use std::collections::BTreeSet;

use ocidiff_model::compared::is_compared;
use ocidiff_model::difference::{Group, Standing};
use ocidiff_model::fact::is_of_visit;
use ocidiff_model::record::{CallResult, EBPF, NO_RECORDER, RunOutcome, VISIT, is_unread};
use ocidiff_model::{Case, Channel, Difference, Record};

/// Whether the record can be compared with others at all.
#[must_use]
pub fn is_comparable(record: &Record) -> bool {
    matches!(record.outcome, RunOutcome::Complete | RunOutcome::Partly(_))
}

/// Whether the record has something to say about the fact.
///
/// Of a container that was not started, only the lifecycle, hooks and what is left can be compared. A step that was not
/// taken says nothing, and one that failed says only that, unless it shows more. What is put aside says nothing.
#[must_use]
pub fn speaks_of(record: &Record, path: &str) -> bool {
    if record.is_aside(path) {
        return false;
    }
    match Channel::of(path) {
        Some(Channel::Lifecycle) => record
            .step_of(path)
            .is_some_and(|step| step.result == CallResult::Ok || record.value(path).is_some()),
        Some(Channel::Leftover | Channel::Hook) => true,
        Some(_) => record.has_begun(path) && (record.value(path).is_some() || !is_unseen(record, path)),
        None => false,
    }
}

/// Whether a recorder followed the workload.
#[must_use]
pub fn is_recorded(record: &Record) -> bool {
    is_visited(record) && record.recorder != VISIT
}

/// Whether the workload was observed at its execve.
fn is_visited(record: &Record) -> bool {
    !record.recorder.starts_with(NO_RECORDER)
}

/// Whether there was no observer: where the recorder could not follow a workload, or the harness failed to read
/// something, it means nothing that it is not there.
fn is_unseen(record: &Record, path: &str) -> bool {
    match Channel::of(path) {
        Some(Channel::Syscall) => !is_recorded(record),
        Some(Channel::Setup) => record.recorder != EBPF,
        _ => (is_of_visit(path) && !is_visited(record)) || record.unread(path).is_some(),
    }
}

/// Every fact of the records that the case compares.
#[must_use]
pub fn compared_paths<'r>(case: &Case, records: &[&'r Record]) -> BTreeSet<&'r str> {
    records
        .iter()
        .flat_map(|record| record.facts.iter().map(|fact| fact.path.as_str()))
        .filter(|path| is_compared(case, path) && !is_unread(path))
        .collect()
}

/// The groups of runtimes that agree on a fact, the reference's group first.
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

/// A difference as it was found; it is judged later.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::recognise::tests::record;

    #[test]
    fn what_nobody_looked_at_says_nothing_by_not_being_there() {
        let of = |recorder: &str, path: &str| {
            let ok = [
                ("lifecycle.create.result", "ok"),
                ("lifecycle.start.result", "ok"),
                ("process.exit", "0"),
            ];
            let mut record = record("runc", &ok);
            record.recorder = recorder.to_owned();
            speaks_of(&record, path)
        };
        for (path, by_ebpf, by_ptrace, by_none) in [
            ("process.exit", true, true, true),
            ("proc.umask", true, true, true),
            ("mount./x", true, true, false),
            ("filter.count", true, true, false),
            ("syscall.mkdir", true, true, false),
            ("setup.names", true, false, false),
            ("leftover.mounts", true, true, true),
        ] {
            let told = [EBPF, "ptrace", NO_RECORDER].map(|recorder| of(recorder, path));
            assert_eq!(told, [by_ebpf, by_ptrace, by_none], "{path}");
        }
        let mut unread = record("runc", &[("mount.unread", "EPERM")]);
        assert!(!speaks_of(&unread, "mount./x"));
        unread.facts.clear();
        assert!(speaks_of(&unread, "mount./x"));
    }

    #[test]
    fn a_step_that_failed_says_only_that() {
        for (result, of_status) in [("ok", true), ("error", false)] {
            let record = record("runc", &[("lifecycle.state.result", result)]);
            assert!(speaks_of(&record, "lifecycle.state.result"));
            assert_eq!(
                speaks_of(&record, "lifecycle.state.status"),
                of_status,
                "{result}"
            );
            assert!(!speaks_of(&record, "lifecycle.kill.result"));
        }
    }
}
