//! The traced tasks: every thread with the call that it is in, and ordinals in place of pids.

use std::collections::HashMap;
use std::fs;

use crate::Pid;
use crate::interrupted::Interrupted;
use crate::ordinal::{Ordinal, Ordinals};
use crate::pending::Pending;

/// One traced thread.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) tgid: Pid,
    pub(super) ordinal: Ordinal,
    pub(super) call: Option<Pending>,
    /// The exit of a call whose entry was not seen is next: the execve at which recording began, or the
    /// fork that made this task.
    pub(super) skip_exit: bool,
    /// The last call, if it left as one that seccomp answers with SIGSYS: then what it returned is not a
    /// result.
    pub(super) suspect: Option<Pending>,
    pub(super) interrupted: Interrupted,
    /// The task made by the fork that this task is in.
    pub(super) made: Option<Ordinal>,
}

impl Task {
    fn new(tgid: Pid, ordinal: Ordinal) -> Self {
        Self {
            tgid,
            ordinal,
            call: None,
            skip_exit: true,
            suspect: None,
            interrupted: Interrupted::default(),
            made: None,
        }
    }
}

/// All traced tasks by id, and the ordinals that have been given out.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tasks: HashMap<Pid, Task>,
    pub(super) ordinals: Ordinals,
}

/// What `/proc/TID/status` says about a task's ids.
#[derive(Debug, Default, Clone, Copy)]
struct Ids {
    tgid: Option<Pid>,
    inner: Option<Pid>,
}

impl Ids {
    fn of(tid: Pid) -> Self {
        let text = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
        let field = |name| text.lines().find_map(|line| line.strip_prefix(name));
        let last = |value: &str| value.split_ascii_whitespace().next_back()?.parse().ok();
        Self {
            tgid: field("Tgid:").and_then(last),
            inner: field("NSpid:").and_then(last),
        }
    }
}

impl Tasks {
    /// Takes up a task that `parent` made. /proc says whether it is a thread or a process of its own; for a
    /// task that has ended already, `is_thread` is the guess.
    pub(super) fn add(&mut self, tid: Pid, parent: Option<Pid>, is_thread: bool) -> Ordinal {
        let ids = Ids::of(tid);
        let family = parent
            .and_then(|parent| self.tasks.get(&parent))
            .map(|task| task.tgid);
        let tgid = ids.tgid.or(family.filter(|_| is_thread)).unwrap_or(tid);
        let ordinal = self.ordinals.give(tid, tgid, ids.inner.unwrap_or(tid));
        self.tasks.insert(tid, Task::new(tgid, ordinal));
        ordinal
    }

    pub(super) fn get(&mut self, tid: Pid) -> Option<&mut Task> {
        self.tasks.get_mut(&tid)
    }

    /// The process that a task belongs to.
    pub(super) fn tgid(&self, tid: Pid) -> Option<Pid> {
        self.tasks.get(&tid).map(|task| task.tgid)
    }

    pub(super) fn contains(&self, tid: Pid) -> bool {
        self.tasks.contains_key(&tid)
    }

    pub(super) fn remove(&mut self, tid: Pid) -> Option<Task> {
        self.tasks.remove(&tid)
    }

    /// Moves a task to another id: after an exec in a thread, which gets the first thread's id.
    pub(super) fn replace(&mut self, tid: Pid, task: Task) -> Option<Task> {
        self.tasks.insert(tid, task)
    }

    pub(super) fn all(&self) -> Vec<Pid> {
        self.tasks.keys().copied().collect()
    }

    /// Which of its tasks the workload means by a pid.
    pub(super) fn known(&self, inner: Pid) -> Option<Ordinal> {
        self.ordinals.known(inner)
    }
}
