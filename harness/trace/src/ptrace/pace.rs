//! How the recorder's thread and the tracee get out of each other's way.
//!
//! A stop is two context switches, and what makes it expensive is where they happen. Left alone, the scheduler
//! puts tracer and tracee on different CPUs: each then falls idle twice per call and is woken by an interrupt
//! between CPUs, which on a virtual machine leaves the guest. These are the alternatives, measured on two
//! virtual CPUs (microseconds per stop; a bare loop of wait, `GET_SYSCALL_INFO`, `PTRACE_SYSCALL`, two runs
//! each):
//!
//! | way | idle machine | both CPUs busy with others |
//! |---|---|---|
//! | plain: wait and resume | 60 | 13 to 28 |
//! | **pinned to the tracee's CPU** | 54 to 73 | **10** |
//! | pinned, nice -10 or a short slice | | 9 to 17 |
//! | `SCHED_FIFO` | 48 | 26 to 60 |
//! | spin 50 times with `WNOHANG`, then block | 24 | 10 to 25 |
//! | spin until the stop comes (a CPU burnt) | 15 to 18 | |
//! | **pinned to the tracee's CPU, `SCHED_IDLE`** | **9** | 179 |
//!
//! With `SCHED_IDLE` the tracer's CPU counts as free, so the tracee that it resumes is put there and runs at
//! once; when the tracee stops, the pinned tracer is next. Nothing ever sleeps. It starves, though, where
//! others want the CPU; there, being on the same CPU is enough. So: pinned, and `SCHED_IDLE` while there is
//! room; spinning where `SCHED_IDLE` is a one-way street (without `CAP_SYS_NICE`).
//!
//! End to end, seconds for 100,000 getppid and 20,000 openat (`examples/bench_recorder.rs`), 280,000 stops:
//!
//! | machine | plain | this recorder | `strace -f -o FILE` | what we add of what it adds |
//! |---|---|---|---|---|
//! | idle | 0.07 | 2.3 | 18.5 | 0.12 |
//! | others come and go | 0.09 | 2.6 | 5.9 | 0.43 |
//! | load 23 on two CPUs | 0.23 | 7.0 | 8.7 | 0.79 |
//!
//! A bare loop takes as long per stop: what is left is the two switches and three calls of the kernel.
//!
//! Only the recorder's own thread is ever pinned or slowed down: a tracee would see it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::getpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::sys::{self, Status};
use crate::Pid;

/// Number of stops between two looks around.
const CHECK_STOPS: u32 = 64;
/// Time after which to look around, however few stops there were.
const CHECK_TIME: Duration = Duration::from_millis(20);
/// How often to ask before blocking: about 10 microseconds.
const SPINS: u32 = 50;
/// A short slice limits how long a `SCHED_IDLE` thread waits behind others: 34 ms instead of a second.
const IDLE_SLICE: u64 = 100_000;
/// How long to assume a crowd after one was met; doubled each time, up to the second value.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing special: on one CPU there is nothing to choose.
    Plain,
    /// On the tracee's CPU, like any other thread.
    Crowd,
    /// Poll for a while before blocking.
    Spin,
    /// On the tracee's CPU, running only when nothing else wants to.
    Shared,
}

/// The recorder's way of waiting.
pub(super) struct Pace {
    mode: Mode,
    /// The mode for a machine with room.
    roomy: Mode,
    home: CpuSet,
    nice: i32,
    cpus: u32,
    pinned: Option<usize>,
    stops: u32,
    checked: Instant,
    delayed: Duration,
    retry: Instant,
    backoff: Duration,
}

impl Pace {
    /// Plain, until the first look around, which comes at the first stop.
    pub(super) fn new() -> Self {
        let home = sched_getaffinity(None).unwrap_or_default();
        let nice = getpriority_process(None).unwrap_or(0);
        let cpus = home.count();
        let roomy = match cpus {
            0 | 1 => Mode::Plain,
            _ if idle_is_reversible(nice) => Mode::Shared,
            _ => Mode::Spin,
        };
        let now = Instant::now();
        Self {
            mode: Mode::Plain,
            roomy,
            home,
            nice,
            cpus,
            pinned: None,
            stops: CHECK_STOPS,
            checked: now,
            delayed: run_delay(),
            retry: now,
            backoff: BACKOFF.0,
        }
    }

    /// Waits for the next event of any tracee.
    pub(super) fn wait(&mut self) -> std::io::Result<(Pid, Status)> {
        if self.mode == Mode::Spin {
            for _ in 0..SPINS {
                if let Some(found) = sys::wait_any(false)? {
                    return Ok(found);
                }
            }
        }
        // A blocking wait always returns something.
        sys::wait_any(true)?.ok_or_else(|| std::io::Error::from_raw_os_error(libc::ECHILD))
    }

    /// To be called at each stop, with the tracee that stopped.
    pub(super) fn stopped(&mut self, tid: Pid) {
        self.stops += 1;
        if self.stops >= CHECK_STOPS || self.checked.elapsed() > CHECK_TIME {
            self.look_around(tid);
        }
    }

    fn look_around(&mut self, tid: Pid) {
        let now = Instant::now();
        let waited = run_delay();
        let starved = waited.saturating_sub(self.delayed) > (now - self.checked) / 2;
        self.stops = 0;
        self.checked = now;
        self.delayed = waited;
        match self.mode {
            Mode::Plain if self.roomy == Mode::Plain => {}
            Mode::Plain | Mode::Crowd if now >= self.retry && self.has_room() => self.enter(self.roomy, tid),
            Mode::Plain => self.enter(Mode::Crowd, tid),
            Mode::Shared if starved && !self.has_room() => self.retreat(now, tid),
            Mode::Spin if !self.has_room() => self.retreat(now, tid),
            Mode::Spin => {}
            Mode::Crowd | Mode::Shared => self.follow(tid),
        }
    }

    /// Whether a CPU is left over for those that want to run: us, and the tracee when it is resumed.
    fn has_room(&self) -> bool {
        others_running().is_none_or(|others| others < self.cpus)
    }

    fn enter(&mut self, mode: Mode, tid: Pid) {
        self.mode = mode;
        match mode {
            Mode::Shared => {
                self.follow(tid);
                // If this fails we are still on the right CPU.
                let _ = sys::set_policy(libc::SCHED_IDLE, self.nice, IDLE_SLICE);
            }
            Mode::Crowd => self.follow(tid),
            Mode::Plain | Mode::Spin => self.unpin(),
        }
    }

    fn retreat(&mut self, now: Instant, tid: Pid) {
        if self.mode == Mode::Shared {
            // This was tried at the beginning. If it fails, recording is slow, but nothing worse.
            let _ = sys::set_policy(libc::SCHED_OTHER, self.nice, 0);
        }
        self.retry = now + self.backoff;
        self.backoff = (self.backoff * 2).min(BACKOFF.1);
        self.enter(Mode::Crowd, tid);
    }

    fn unpin(&mut self) {
        if self.pinned.take().is_some() {
            let _ = sched_setaffinity(None, &self.home);
        }
    }

    /// Moves to where the tracee last ran, if we may run there.
    fn follow(&mut self, tid: Pid) {
        let Some(cpu) = last_cpu(tid) else { return };
        if self.pinned == Some(cpu) || !self.home.is_set(cpu) {
            return;
        }
        let mut only = CpuSet::new();
        only.set(cpu);
        if sched_setaffinity(None, &only).is_ok() {
            self.pinned = Some(cpu);
        }
    }
}

/// Whether a thread that makes itself `SCHED_IDLE` can undo it: it cannot without `CAP_SYS_NICE` or a limit
/// on nice that allows it. Tried on a throwaway thread.
fn idle_is_reversible(nice: i32) -> bool {
    std::thread::spawn(move || {
        let set = |policy| sys::set_policy(policy, nice, 0).is_ok();
        set(libc::SCHED_IDLE) && set(libc::SCHED_OTHER)
    })
    .join()
    .unwrap_or(false)
}

/// How long this thread has waited for a CPU while it could have run.
fn run_delay() -> Duration {
    let read = || {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Duration::from_nanos(read().unwrap_or(0))
}

/// How many tasks on the whole machine want to run, not counting this thread.
fn others_running() -> Option<u32> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    let (running, _) = text.split_ascii_whitespace().nth(3)?.split_once('/')?;
    Some(running.parse::<u32>().ok()?.saturating_sub(1))
}

/// The CPU that a task last ran on: field 39 of its `stat`, counted after the name, which can hold anything.
fn last_cpu(tid: Pid) -> Option<usize> {
    let text = fs::read_to_string(format!("/proc/{tid}/stat")).ok()?;
    text.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(36)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_proc_tells() {
        let me = Pid::try_from(std::process::id()).expect("a pid fits");
        let cpu = last_cpu(me).expect("this process has run somewhere");
        assert!(sched_getaffinity(None).expect("affinity").is_set(cpu) || cpu < 4096);
        assert!(others_running().is_some());
    }
}
