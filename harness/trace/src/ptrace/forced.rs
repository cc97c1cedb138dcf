//! Signals that the kernel forces on a task: a fault, or a call that a filter traps.
//!
//! Process 1 of a pid namespace does not get signals that it has no handler for. A forced one kills it all the
//! same, because the kernel then takes that privilege away. It does not do so for a traced task
//! (`force_sig_info_to_task` in kernel/signal.c), which would live on under a recorder and nowhere else.

use std::fs;

use libc::c_int;
use rustix::process::{Pid as RawPid, Signal, kill_process};

use super::sys;
use crate::Pid;

/// Signals that a task brings on itself by what it does.
const FORCED: [c_int; 6] = [
    libc::SIGSYS,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
];

/// Whether the kernel would have killed the process by this signal if it had not been traced.
pub(super) fn would_kill_init(init: Pid, tid: Pid, signal: c_int) -> bool {
    if !FORCED.contains(&signal) || sys::signal_code(tid).is_none_or(|code| code <= 0) {
        return false;
    }
    let status = fs::read_to_string(format!("/proc/{init}/status")).unwrap_or_default();
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let is_init = field("NSpid:").and_then(|pids| pids.split_whitespace().last()) == Some("1");
    let caught = field("SigCgt:")
        .and_then(|mask| u64::from_str_radix(mask, 16).ok())
        .unwrap_or(0);
    let has_handler = caught >> (signal - 1) & 1 == 1;
    is_init && !has_handler
}

/// Ends the process in a way that nothing can spare it from.
pub(super) fn kill(pid: Pid) {
    if let Some(pid) = RawPid::from_raw(pid) {
        // If it is gone already, its end is reported next.
        let _ = kill_process(pid, Signal::KILL);
    }
}
