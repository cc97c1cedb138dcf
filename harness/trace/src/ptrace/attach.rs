//! Seizing every thread of an init that may still be making threads.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use super::sys;
use crate::{Error, Pid};

/// Options until the execve: threads are followed, processes (hooks) are not.
const OPTIONS: usize = sys::TRACE_SYSGOOD | sys::TRACE_CLONE | sys::TRACE_EXEC | sys::EXIT_KILL;

/// Passes over the list of threads before giving up on an init that makes threads without end.
const PASSES: u32 = 1000;
/// Passes that must show nothing new, and all threads, one after the other. One is not enough: the list is read
/// while it changes.
const QUIET: u32 = 2;
/// Passes in which a thread may not run: it may be making another since before it was seized, and that one is not in
/// the list yet. One that never rests cannot be told from it.
const RESTLESS: u32 = 50;
/// The time between two passes while a thread runs.
const PAUSE: Duration = Duration::from_millis(1);

/// Seizes all threads of a process: passes over its list of threads until they show nothing new.
///
/// A thread that a seized thread makes is seized by the kernel (and its maker stops until we look at it), so
/// each pass leaves fewer that can escape. A thread that is gone when we come to it may have left another, so
/// that counts as something new.
pub(super) fn seize_all(pid: Pid) -> Result<HashSet<Pid>, Error> {
    let mut seized = HashSet::new();
    let mut quiet = 0;
    for number in 0..PASSES {
        quiet = if pass(pid, &mut seized)? { 0 } else { quiet + 1 };
        if quiet > 0 && number < RESTLESS && seized.iter().any(|tid| may_be_making(pid, *tid)) {
            quiet = 0;
            std::thread::sleep(PAUSE);
        }
        if quiet == QUIET {
            return if seized.contains(&pid) {
                Ok(seized)
            } else {
                Err(Error::Gone(pid))
            };
        }
    }
    Err(Error::Attach {
        pid,
        source: io::Error::other("it makes threads faster than they can be seized"),
    })
}

/// Seizes what the list of threads shows. Returns whether there was anything new, or the list was not whole: where a
/// thread ends while the kernel is at it, the list ends there too.
fn pass(pid: Pid, seized: &mut HashSet<Pid>) -> Result<bool, Error> {
    let listed = threads(pid)?;
    let mut news = count(pid).is_none_or(|count| count != listed.len());
    for tid in listed {
        if seized.contains(&tid) {
            continue;
        }
        news = true;
        match sys::seize(tid, OPTIONS) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => continue,
            Err(_) if is_ours(pid, tid) => {}
            Err(_) if has_ended(pid, tid) && tid == pid => return Err(Error::Gone(pid)),
            Err(_) if has_ended(pid, tid) => continue,
            Err(source) => return Err(Error::Attach { pid, source }),
        }
        seized.insert(tid);
    }
    Ok(news)
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

/// Whether a thread may be making another: it runs, or it waits in a call that makes one.
fn may_be_making(pid: Pid, tid: Pid) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).unwrap_or_default();
    let word = text.split_whitespace().next();
    let makes = [libc::SYS_clone, libc::SYS_clone3].map(|number| number.to_string());
    word.is_some_and(|word| word == "running" || makes.iter().any(|call| call == word))
}

/// How many threads there are.
fn count(pid: Pid) -> Option<usize> {
    field(&format!("/proc/{pid}/status"), "Threads:")
}

/// A number in a file of `/proc` that has a line for each.
fn field<N: FromStr>(file: &str, name: &str) -> Option<N> {
    let text = fs::read_to_string(file).ok()?;
    let mut lines = text.lines();
    lines
        .find_map(|line| line.strip_prefix(name))?
        .trim()
        .parse()
        .ok()
}

/// Whether the kernel has attached this thread to us already, because a seized thread made it.
fn is_ours(pid: Pid, tid: Pid) -> bool {
    let me = rustix::thread::gettid().as_raw_nonzero().get();
    field(&format!("/proc/{pid}/task/{tid}/status"), "TracerPid:") == Some(me)
}

/// Whether a thread is gone, or a zombie, which cannot be seized.
fn has_ended(pid: Pid, tid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// Whether a task is a thread of this process.
pub(super) fn is_thread_of(pid: Pid, tid: Pid) -> bool {
    fs::exists(format!("/proc/{pid}/task/{tid}")).unwrap_or(false)
}
