//! What is kept of the calls, and what is only counted.

use std::collections::{BTreeMap, HashMap};

use ocidiff_seccomp::Filter;
use ocidiff_seccomp::action::errno_name;

use crate::arch;
use crate::pending::Pending;
use crate::record::{Arch, Call, CallResult, Exit, Trace};

/// What came of a call, small enough to count without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    Ok,
    Errno(u16),
    Trapped,
    Unfinished,
}

impl Outcome {
    /// An error as the C library numbers it.
    pub(crate) fn error(errno: libc::c_int) -> Self {
        Self::Errno(u16::try_from(errno).unwrap_or(u16::MAX))
    }

    /// In words, where it has no value.
    pub(crate) fn result(self) -> CallResult {
        match self {
            Self::Ok => CallResult::Value("unknown".to_owned()),
            Self::Errno(errno) => CallResult::Errno(errno_name(errno)),
            Self::Trapped => CallResult::Trapped,
            Self::Unfinished => CallResult::Unfinished,
        }
    }

    fn class(self) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::Errno(errno) => errno_name(errno),
            Self::Trapped => "SIGSYS".to_owned(),
            Self::Unfinished => "unfinished".to_owned(),
        }
    }
}

/// Collects a trace. Calls beyond the kept ones cost one look into a hash table and no memory.
#[derive(Debug)]
pub(crate) struct Sink {
    /// How many watched calls are still kept.
    watched_left: usize,
    /// The same for all others: they cannot use up what is left for the watched ones.
    others_left: usize,
    calls: Vec<Call>,
    /// Watched calls that are not kept.
    cut: HashMap<(Arch, u32), u64>,
    total: u64,
    counts: HashMap<(Arch, u32, Outcome), u64>,
    pub(crate) processes: u32,
    pub(crate) threads: u32,
    pub(crate) unfollowed: u32,
}

impl Sink {
    /// Keeps this many watched calls, and as many others.
    pub(crate) fn new(max_calls: usize) -> Self {
        Self {
            watched_left: max_calls,
            others_left: max_calls,
            calls: Vec::new(),
            cut: HashMap::new(),
            total: 0,
            counts: HashMap::new(),
            processes: 0,
            threads: 0,
            unfollowed: 0,
        }
    }

    /// Takes a call that has been entered; `make` describes it, and is called only if it is kept.
    pub(crate) fn enter(
        &mut self,
        call: &Pending,
        is_watched: bool,
        make: impl FnOnce() -> Call,
    ) -> Option<usize> {
        self.total += 1;
        let left = if is_watched {
            &mut self.watched_left
        } else {
            &mut self.others_left
        };
        let Some(fewer) = left.checked_sub(1) else {
            self.cut((call.arch, call.nr), is_watched, 1);
            return None;
        };
        *left = fewer;
        self.calls.push(make());
        Some(self.calls.len() - 1)
    }

    fn cut(&mut self, call: (Arch, u32), is_watched: bool, count: u64) {
        if is_watched {
            *self.cut.entry(call).or_default() += count;
        }
    }

    /// Notes that a call succeeded; `make` gives its value in words.
    pub(crate) fn succeed(&mut self, call: &Pending, make: impl FnOnce() -> CallResult) {
        self.leave(call, Outcome::Ok, make);
    }

    /// Notes an end without a value.
    pub(crate) fn end(&mut self, call: &Pending, outcome: Outcome) {
        self.leave(call, outcome, || outcome.result());
    }

    /// Replaces a success that turned out not to be one.
    pub(crate) fn revise(&mut self, call: &Pending, outcome: Outcome) {
        match self.counts.get_mut(&(call.arch, call.nr, Outcome::Ok)) {
            Some(count) if *count > 0 => *count -= 1,
            _ => return,
        }
        self.end(call, outcome);
    }

    fn leave(&mut self, call: &Pending, outcome: Outcome, make: impl FnOnce() -> CallResult) {
        *self.counts.entry((call.arch, call.nr, outcome)).or_default() += 1;
        if let Some(call) = call.index.and_then(|index| self.calls.get_mut(index)) {
            call.result = make();
        }
    }

    /// Adds calls that were counted elsewhere.
    #[cfg(ebpf)]
    pub(crate) fn add(&mut self, (arch, nr): (Arch, u32), is_watched: bool, outcome: Outcome, count: u64) {
        self.total += count;
        self.cut((arch, nr), is_watched, count);
        *self.counts.entry((arch, nr, outcome)).or_default() += count;
    }

    /// Changes a call that is kept.
    #[cfg(ebpf)]
    pub(crate) fn amend(&mut self, index: Option<usize>, change: impl FnOnce(&mut Call)) {
        if let Some(call) = index.and_then(|index| self.calls.get_mut(index)) {
            change(call);
        }
    }

    /// The trace. Without `filters` the execve was never seen.
    pub(crate) fn finish(self, exit: Exit, filters: Option<(Vec<Filter>, Option<String>)>) -> Trace {
        let exec_seen = filters.is_some();
        let (filters, filters_unread) = filters.unwrap_or_default();
        let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for ((arch, nr, outcome), count) in self.counts.into_iter().filter(|(_, count)| *count > 0) {
            *counts
                .entry(counted_name(arch, nr))
                .or_default()
                .entry(outcome.class())
                .or_default() += count;
        }
        let mut cut: BTreeMap<String, u64> = BTreeMap::new();
        for ((arch, nr), count) in self.cut {
            *cut.entry(counted_name(arch, nr)).or_default() += count;
        }
        Trace {
            exit,
            exec_seen,
            filters,
            filters_unread,
            dropped: self.total - self.calls.len() as u64,
            calls: self.calls,
            cut,
            total: self.total,
            processes: self.processes,
            threads: self.threads,
            unfollowed: self.unfollowed,
            counts,
        }
    }
}

/// A call's name; with the architecture where it is not the machine's own.
fn counted_name(arch: Arch, nr: u32) -> String {
    let name = arch::name(arch, nr).map_or_else(|| format!("syscall_{nr}"), str::to_owned);
    if arch == arch::NATIVE {
        name
    } else {
        format!("{arch}:{name}")
    }
}
