//! Seizing every thread of an init that may still be making threads.

use std::collections::HashSet;
use std::fs;
use std::io;

use super::sys;
use crate::{Error, Pid};

/// Options until the execve: threads are followed, processes (hooks) are not.
const OPTIONS: usize = sys::TRACE_SYSGOOD | sys::TRACE_CLONE | sys::TRACE_EXEC | sys::EXIT_KILL;

/// Passes over the list of threads before giving up on an init that makes threads without end.
const PASSES: u32 = 100;

/// Seizes all threads of a process: passes over its list of threads until one shows nothing new.
///
/// A thread that a seized one makes is seized by the kernel, so each pass leaves fewer that can escape.
pub(super) fn seize_all(pid: Pid) -> Result<HashSet<Pid>, Error> {
    let mut seized = HashSet::new();
    for _ in 0..PASSES {
        let mut news = false;
        for tid in threads(pid)? {
            if seized.contains(&tid) {
                continue;
            }
            match sys::seize(tid, OPTIONS) {
                Ok(()) => {}
                // Gone between the list and here.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
                Err(_) if is_ours(pid, tid) => {}
                Err(source) => return Err(Error::Attach { pid, source }),
            }
            seized.insert(tid);
            news = true;
        }
        if !news {
            break;
        }
    }
    if seized.contains(&pid) {
        Ok(seized)
    } else {
        Err(Error::Gone(pid))
    }
}

fn threads(pid: Pid) -> Result<Vec<Pid>, Error> {
    let entries = match fs::read_dir(format!("/proc/{pid}/task")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Gone(pid)),
        Err(source) => return Err(Error::Attach { pid, source }),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}

/// Whether the kernel has attached this thread to us already, because a seized one made it.
fn is_ours(pid: Pid, tid: Pid) -> bool {
    let me = rustix::thread::gettid().as_raw_nonzero().get();
    let status = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.and_then(|text| text.trim().parse().ok()) == Some(me)
}

/// Whether a task is a thread of this process.
pub(super) fn is_thread_of(pid: Pid, tid: Pid) -> bool {
    fs::exists(format!("/proc/{pid}/task/{tid}")).unwrap_or(false)
}
