//! What a wait status means for a seized tracee.

use libc::c_int;

use super::sys::{self, Status};
use crate::record::Exit;

/// Signals that stop a whole group.
const STOPPING: [c_int; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Why a tracee is to be looked at.
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

const SIGNALS: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// A signal by name, as on all architectures that we have; real-time ones count from the kernel's first, 32.
pub(crate) fn signal_name(signal: c_int) -> String {
    let index = usize::try_from(signal)
        .ok()
        .and_then(|number| number.checked_sub(1));
    match index.and_then(|index| SIGNALS.get(index)) {
        Some(name) => (*name).to_owned(),
        None if (32..=64).contains(&signal) => format!("SIGRT_{}", signal - 32),
        None => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_numbers() {
        for (signal, name) in [
            (libc::SIGKILL, "SIGKILL"),
            (libc::SIGSYS, "SIGSYS"),
            (libc::SIGCHLD, "SIGCHLD"),
        ] {
            assert_eq!(signal_name(signal), name);
        }
        assert_eq!(signal_name(34), "SIGRT_2");
        assert_eq!(signal_name(0), "0");
    }
}
