//! What a wait status means for a seized tracee.

use libc::c_int;

use super::sys::{self, Status};
use crate::record::Exit;
use crate::signals::signal_name;

/// Signals that stop a whole group.
const STOPPING: [c_int; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Why a tracee must be examined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It has ended.
    Ended(Exit),
    /// It is about to make a call, or has made one.
    Syscall,
    /// It has made a task.
    Fork,
    /// It runs a new program.
    Exec,
    /// Its group is stopped.
    Group,
    /// It has just been attached to, was interrupted, or its group goes on.
    Trap,
    /// A signal is about to be delivered.
    Signal(c_int),
}

impl Stop {
    pub(super) fn of(status: Status) -> Self {
        match status {
            Status::Exited(code) => Self::Ended(Exit::Code(code)),
            Status::Killed { signal, core } => Self::Ended(Exit::Signal {
                name: signal_name(signal),
                core,
            }),
            Status::Stopped { signal, event } => match event {
                0 if signal == libc::SIGTRAP | 0x80 => Self::Syscall,
                0 => Self::Signal(signal),
                sys::EVENT_FORK | sys::EVENT_VFORK | sys::EVENT_CLONE => Self::Fork,
                sys::EVENT_EXEC => Self::Exec,
                sys::EVENT_STOP if STOPPING.contains(&signal) => Self::Group,
                _ => Self::Trap,
            },
        }
    }
}
