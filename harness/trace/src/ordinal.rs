//! Numbers that tasks get in order of appearance: a record must not depend on the pids of one run.

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
