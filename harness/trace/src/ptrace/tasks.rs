//! Who is traced: every thread with the call that it is in, and ordinals in place of pids.

use std::collections::HashMap;
use std::fs;

use crate::Pid;
use crate::ordinal::Ordinal;
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
    /// The last call, if it left as one that seccomp answers with SIGSYS: then its result is none.
    pub(super) suspect: Option<Pending>,
    /// Calls that a signal interrupted, and which may go on after its handler.
    pub(super) interrupted: Vec<Pending>,
    /// A handler has just returned.
    pub(super) returned: bool,
    /// What the fork that this task is in has made.
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
            interrupted: Vec::new(),
            returned: false,
            made: None,
        }
    }
}

/// All traced tasks by id, and the ordinals that were given out.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tasks: HashMap<Pid, Task>,
    /// Threads counted so far by process id.
    threads: HashMap<Pid, (u32, u32)>,
    /// Ids as the workload sees them.
    inner: HashMap<Pid, Ordinal>,
    pub(super) processes: u32,
    pub(super) total_threads: u32,
}

/// What `/proc/TID/status` says of a task's ids.
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
    /// Takes up a task; `parent` made it. Whether it is a thread or a process of its own, /proc knows; for
    /// one that has ended already, `is_thread` is the guess.
    pub(super) fn add(&mut self, tid: Pid, parent: Option<Pid>, is_thread: bool) -> Ordinal {
        let ids = Ids::of(tid);
        let family = parent
            .and_then(|parent| self.tasks.get(&parent))
            .map(|task| task.tgid);
        let tgid = ids.tgid.or(family.filter(|_| is_thread)).unwrap_or(tid);
        let fresh = tgid == tid || !self.threads.contains_key(&tgid);
        if fresh {
            self.processes += 1;
            self.threads.insert(tgid, (self.processes, 0));
        }
        let (process, threads) = self.threads.entry(tgid).or_default();
        *threads += 1;
        self.total_threads += 1;
        let ordinal = Ordinal {
            process: *process,
            thread: *threads,
        };
        self.tasks.insert(tid, Task::new(tgid, ordinal));
        self.inner.insert(ids.inner.unwrap_or(tid), ordinal);
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

    /// Puts a task under another id: after an exec in a thread, which gets the first thread's.
    pub(super) fn replace(&mut self, tid: Pid, task: Task) -> Option<Task> {
        self.tasks.insert(tid, task)
    }

    pub(super) fn all(&self) -> Vec<Pid> {
        self.tasks.keys().copied().collect()
    }

    /// Which of its tasks the workload means by a pid.
    pub(super) fn known(&self, inner: Pid) -> Option<Ordinal> {
        self.inner.get(&inner).copied()
    }
}
