//! Masked and read-only paths, actually tried.

use alloc::format;

use crate::json::Value;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{Errno, fs};

/// What engines mask.
const MASKED: &[&str] = &[
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// What engines make read-only, with files below to try.
const READ_ONLY: &[&str] = &[
    "/",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/shmmax",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/vm/overcommit_memory",
    "/proc/self/oom_score_adj",
    "/dev",
    "/sys",
    "/sys/fs/cgroup",
];

pub(super) fn masked(_: &Words, report: &mut Report) {
    for path in MASKED {
        report.fact(format!("masked.{path}"), peek(path));
    }
}

/// What reading a path gives: an error, `empty`, `readable`, `empty-dir` or `dir`.
pub(crate) fn peek(path: impl AsRef<[u8]>) -> Value {
    let path = path.as_ref();
    match fs::list(path) {
        Ok(names) if names.is_empty() => "empty-dir".into(),
        Ok(_) => "dir".into(),
        Err(Errno(libc::ENOTDIR)) => match fs::read_file(path, 1) {
            Ok(text) if text.is_empty() => "empty".into(),
            Ok(_) => "readable".into(),
            Err(errno) => Value::Failed(errno),
        },
        Err(errno) => Value::Failed(errno),
    }
}

pub(super) fn readonly(_: &Words, report: &mut Report) {
    for path in READ_ONLY {
        report.fact(format!("readonly.{path}"), try_write(path));
    }
}

/// Opens for writing, and never writes: some of these files act on any byte. For a directory, access is queried.
fn try_write(path: &str) -> Value {
    let tried = match fs::open(path, libc::O_WRONLY | libc::O_NONBLOCK, 0) {
        Err(Errno(libc::EISDIR)) => fs::access(path, libc::W_OK),
        other => other.map(drop),
    };
    tried.map(|()| "writable").into()
}
