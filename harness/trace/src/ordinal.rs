//! Numbers that tasks are given in order of appearance: a record must not depend on the pids of one run.

use std::collections::HashMap;

use crate::Pid;

/// A task's place in the record: which process, and which of its threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ordinal {
    pub(crate) process: u32,
    pub(crate) thread: u32,
}

impl std::fmt::Display for Ordinal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.thread {
            1 => write!(out, "#{}", self.process),
            thread => write!(out, "#{}.{thread}", self.process),
        }
    }
}

/// The ordinals that have been given out.
#[derive(Debug, Default)]
pub(crate) struct Ordinals {
    /// By process id: its ordinal, and its threads so far.
    threads: HashMap<Pid, (u32, u32)>,
    /// Ids as the workload sees them.
    inner: HashMap<Pid, Ordinal>,
    pub(crate) processes: u32,
    /// Threads of all processes together.
    pub(crate) total_threads: u32,
}

impl Ordinals {
    /// The next ordinal, for a task that the workload calls `inner`. A process id that comes around again
    /// belongs to a new process.
    pub(crate) fn give(&mut self, tid: Pid, tgid: Pid, inner: Pid) -> Ordinal {
        if tgid == tid || !self.threads.contains_key(&tgid) {
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
        self.inner.insert(inner, ordinal);
        ordinal
    }

    /// Which of its tasks the workload means by a pid.
    pub(crate) fn known(&self, inner: Pid) -> Option<Ordinal> {
        self.inner.get(&inner).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_comes_around_is_a_new_process() {
        let mut ordinals = Ordinals::default();
        let given: Vec<String> = [(7, 7), (8, 7), (9, 9), (7, 7), (10, 10)]
            .into_iter()
            .map(|(tid, tgid)| ordinals.give(tid, tgid, tid).to_string())
            .collect();
        assert_eq!(given, ["#1", "#1.2", "#2", "#3", "#4"]);
        assert_eq!((ordinals.processes, ordinals.total_threads), (4, 5));
        assert_eq!(ordinals.known(7).map(|ordinal| ordinal.process), Some(3));
    }
}
