//! What every runtime is called with: attributes that a process inherits from whatever started it, and that would
//! make `nice -n 5 ocidiff run` give a different result.
//!
//! All are pinned in process 1 of the cell, from which the runtimes inherit them. Those that a case sets on purpose
//! ([`Caller`]) come last. What the kernel refuses is reported before anything runs ([`needs::unpinned`]).

mod limits;
pub(crate) mod needs;

use std::fs;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;

use ocidiff_model::Caller;
use ocidiff_model::caller::{IoClass, Policy};
use ocidiff_trace::process as own;
use rustix::fs::Mode;
use rustix::process as rx;
use rustix::thread as thread_of;

use super::error::{Context, Error};

pub(crate) use limits::hard_limit;

/// The kernel's default, in nanoseconds.
const TIMER_SLACK: u64 = 50_000;
/// The kernel's default: anonymous memory, ELF headers, hugetlb.
const COREDUMP_FILTER: &str = "0x33";
/// SCHED_OTHER, SCHED_BATCH and SCHED_IDLE; include/uapi/linux/sched.h.
const OTHER: i32 = 0;
const BATCH: i32 = 3;
const IDLE: i32 = 5;

/// Takes process 1 out of what the harness was started in: its session with its terminal, its open files.
///
/// It also makes process 1 undumpable, so that /proc/1 shows its memory and files only to processes with
/// CAP_SYS_PTRACE over the machine's user namespace: not to a container in a user namespace of its own, nor to one
/// that dropped the capability. A runtime has that capability, and can take a descriptor (pidfd_getfd) or the memory
/// of process 1, the secret included. Nothing in one pid namespace keeps root from that; a virtual machine does.
pub(super) fn leave_the_caller() -> io::Result<()> {
    // Process 1 does not lead a group yet. Otherwise a container could open the user's terminal as /dev/tty.
    rustix::process::setsid()?;
    rx::set_dumpable_behavior(rx::DumpableBehavior::NotDumpable)?;
    // Before Linux 5.11 there is no such call; then descriptors stay as they were when we were started.
    let _ = own::close_on_exec_from(3);
    Ok(())
}

/// Gives the calling process, which must be single-threaded, the attributes that all cells have, then those that
/// the case wants.
pub(super) fn pin(caller: &Caller) -> Result<(), Error> {
    same_for_all();
    as_the_case_says(caller)
}

/// What is refused was reported before the run.
fn same_for_all() {
    let _ = own::set_scheduler(OTHER);
    let _ = rx::setpriority_process(None, 0);
    let _ = own::set_io_priority(0, 0);
    let _ = own::set_personality(0);
    let _ = own::reset_memory_policy();
    let _ = thread_of::sched_setaffinity(None, &every_cpu());
    let _ = thread_of::set_current_timer_slack(NonZeroU64::new(TIMER_SLACK));
    let _ = thread_of::disable_transparent_huge_pages(false);
    let _ = thread_of::set_capabilities_secure_bits(thread_of::CapabilitiesSecureBits::empty());
    let _ = thread_of::clear_ambient_capability_set();
    drop_inheritable();
    let _ = write("oom_score_adj", "0");
    let _ = write("coredump_filter", COREDUMP_FILTER);
    limits::pin();
}

fn as_the_case_says(caller: &Caller) -> Result<(), Error> {
    let of = |what: &str| format!("give the runtime's caller its {what}");
    if let Some(policy) = caller.scheduler {
        own::set_scheduler(number(policy)).context(of("scheduler"))?;
    }
    if let Some(nice) = caller.nice {
        rx::setpriority_process(None, nice).context(of("nice"))?;
    }
    if let Some(priority) = caller.io_priority {
        own::set_io_priority(class(priority.class), priority.level).context(of("io_priority"))?;
    }
    if let Some(bits) = caller.personality {
        own::set_personality(bits).context(of("personality"))?;
    }
    if let Some(slack) = caller.timer_slack.and_then(NonZeroU64::new) {
        thread_of::set_current_timer_slack(Some(slack)).context(of("timer_slack"))?;
    }
    if let Some(adj) = caller.oom_score_adj {
        write("oom_score_adj", &adj.to_string()).context(of("oom_score_adj"))?;
    }
    if let Some(bits) = caller.umask_bits() {
        rx::umask(Mode::from_raw_mode(bits));
    }
    for name in &caller.ignored {
        let signal = crate::machine::names::signal_number(name);
        let signal = signal.ok_or_else(|| io::Error::other(format!("no signal is called {name}")));
        signal
            .and_then(own::ignore_signal)
            .context(of("ignored signals"))?;
    }
    for (name, limit) in &caller.limits {
        limits::set(name, limit.soft, limit.hard).context(of(&format!("limit {name}")))?;
    }
    Ok(())
}

fn number(policy: Policy) -> i32 {
    match policy {
        Policy::Other => OTHER,
        Policy::Batch => BATCH,
        Policy::Idle => IDLE,
    }
}

/// include/uapi/linux/ioprio.h
fn class(class: IoClass) -> u8 {
    match class {
        IoClass::RealTime => 1,
        IoClass::BestEffort => 2,
        IoClass::Idle => 3,
    }
}

/// The kernel leaves those that the cpuset allows.
fn every_cpu() -> thread_of::CpuSet {
    let mut all = thread_of::CpuSet::new();
    (0..thread_of::CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
    all
}

fn drop_inheritable() {
    if let Ok(sets) = thread_of::capabilities(None) {
        let inheritable = thread_of::CapabilitySet::empty();
        let _ = thread_of::set_capabilities(None, thread_of::CapabilitySets { inheritable, ..sets });
    }
}

fn write(name: &str, value: &str) -> io::Result<()> {
    fs::write(Path::new("/proc/self").join(name), value)
}
