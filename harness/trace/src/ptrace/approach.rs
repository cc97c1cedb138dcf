//! From the attach to the execve: init runs undisturbed, and only its threads are followed.

use std::collections::HashSet;

use super::attach::is_thread_of;
use super::stop::Stop;
use super::sys::{self, Resume};
use crate::record::Exit;
use crate::{Error, Pid};

/// Where the approach ended.
pub(super) enum Arrival {
    /// Init stands at its execve, with its threads from before it, whose ends may still be reported.
    Exec(HashSet<Pid>),
    /// It ended on its way there.
    Ended(Exit),
}

/// Follows init until it stands at its execve; or until it ends on its way there, and then how.
///
/// When another thread than the first makes the execve, the kernel gives it the first one's id: the event
/// always comes from `init`.
pub(super) fn to_exec(init: Pid, mut threads: HashSet<Pid>) -> Result<Arrival, Error> {
    loop {
        let (tid, status) = match sys::wait_any(true) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            // Something else has reaped it.
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                return Ok(Arrival::Ended(Exit::Unknown));
            }
            Err(source) => {
                return Err(Error::System {
                    doing: "wait for init",
                    source,
                });
            }
        };
        match Stop::of(status) {
            Stop::Ended(exit) if tid == init => return Ok(Arrival::Ended(exit)),
            Stop::Ended(_) => {
                threads.remove(&tid);
            }
            Stop::Exec if tid == init => return Ok(Arrival::Exec(threads)),
            stop => pass(init, tid, &stop, &mut threads),
        }
    }
}

/// Lets a stopped task of init run on. A task that is not a thread of init (a hook) is let go.
fn pass(init: Pid, tid: Pid, stop: &Stop, threads: &mut HashSet<Pid>) {
    let (how, signal) = match *stop {
        Stop::Group => (Resume::Listen, 0),
        Stop::Signal(signal) => (Resume::Continue, signal),
        _ => (Resume::Continue, 0),
    };
    let ours = threads.contains(&tid) || is_thread_of(init, tid);
    if ours {
        threads.insert(tid);
    }
    // A task that was killed meanwhile is not an error: its end is reported next.
    let _ = sys::resume(tid, if ours { how } else { Resume::Detach }, signal);
}

/// Detaches from a workload at its execve, and waits for its end.
pub(super) fn let_go(init: Pid) -> Result<Exit, Error> {
    sys::resume(init, Resume::Detach, 0).or_else(|error| match error.raw_os_error() {
        Some(libc::ESRCH) => Ok(()),
        _ => Err(Error::System {
            doing: "detach from the workload",
            source: error,
        }),
    })?;
    loop {
        match sys::wait_for(init) {
            Ok(Some((_, status))) => {
                if let Stop::Ended(exit) = Stop::of(status) {
                    return Ok(exit);
                }
            }
            Ok(None) => {}
            // It is not our child: how it ends is reported to its parent and not to us.
            Err(_) => return Ok(await_end(init)),
        }
    }
}

/// Waits for the end of a process that is not a child, without learning how it ended.
fn await_end(pid: Pid) -> Exit {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::{PidfdFlags, pidfd_open};
    let pidfd = rustix::process::Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let Some(pidfd) = pidfd {
        while poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], None) == Err(rustix::io::Errno::INTR) {}
    }
    Exit::Unknown
}
