//! What a filter answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The highest errno that the kernel returns; it caps larger ones to this.
const MAX_ERRNO: u16 = 4095;

/// A filter's answer, decoded from the value that it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Action {
    /// The call is made.
    Allow,
    /// The call is made, and logged.
    Log,
    /// A tracer decides; without one the call returns ENOSYS. The number is the filter's message to the tracer.
    Trace(u16),
    /// A listener in user space decides.
    UserNotif,
    /// The call is not made and returns this errno (0: it returns 0).
    Errno(u16),
    /// The thread gets SIGSYS. The number arrives as `si_errno`.
    Trap(u16),
    /// The thread dies.
    KillThread,
    /// The process dies.
    KillProcess,
    /// A value that the kernel does not know: it kills the process. The bits that are data of other actions mean
    /// nothing here.
    Unknown(u32),
}

impl Action {
    /// "There is no such call": what an older kernel returns.
    pub const ENOSYS: Self = Self::Errno(38);

    /// Decodes the value of a `ret`.
    pub const fn from_value(value: u32) -> Self {
        let low = (value & 0xffff) as u16;
        match value & 0xffff_0000 {
            0x7fff_0000 => Self::Allow,
            0x7ffc_0000 => Self::Log,
            0x7ff0_0000 => Self::Trace(low),
            0x7fc0_0000 => Self::UserNotif,
            0x0005_0000 => Self::Errno(if low > MAX_ERRNO { MAX_ERRNO } else { low }),
            0x0003_0000 => Self::Trap(low),
            0x0000_0000 => Self::KillThread,
            0x8000_0000 => Self::KillProcess,
            action => Self::Unknown(action),
        }
    }
}

impl Action {
    /// The value that a filter returns for it: the inverse of [`Action::from_value`], with the meaningless bits
    /// cleared.
    pub const fn value(self) -> u32 {
        match self {
            Self::Allow => 0x7fff_0000,
            Self::Log => 0x7ffc_0000,
            Self::Trace(message) => 0x7ff0_0000 | message as u32,
            Self::UserNotif => 0x7fc0_0000,
            Self::Errno(errno) => 0x0005_0000 | errno as u32,
            Self::Trap(data) => 0x0003_0000 | data as u32,
            Self::KillThread => 0x0000_0000,
            Self::KillProcess => 0x8000_0000,
            Self::Unknown(value) => value & 0xffff_0000,
        }
    }

    /// Its rank when several filters answer: the lowest wins (`ACTION_ONLY` in the kernel, a signed number).
    pub const fn precedence(self) -> i32 {
        (self.value() & 0xffff_0000).cast_signed()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Allow => out.write_str("ALLOW"),
            Self::Log => out.write_str("LOG"),
            Self::Trace(0) => out.write_str("TRACE"),
            Self::Trace(message) => write!(out, "TRACE({message})"),
            Self::UserNotif => out.write_str("USER_NOTIF"),
            Self::Errno(errno) => write!(out, "ERRNO({})", errno_name(errno)),
            Self::Trap(0) => out.write_str("TRAP"),
            Self::Trap(data) => write!(out, "TRAP({data})"),
            Self::KillThread => out.write_str("KILL_THREAD"),
            Self::KillProcess => out.write_str("KILL_PROCESS"),
            Self::Unknown(value) => write!(out, "UNKNOWN({value:#x})"),
        }
    }
}

/// An errno by name; a number where it has none.
pub fn errno_name(errno: u16) -> String {
    match syscalls::Errno::new(i32::from(errno)).name() {
        Some(name) if errno != 0 => name.to_owned(),
        _ => errno.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_name() {
        let table = [
            (0x7fff_0000, "ALLOW"),
            (0x7ffc_0000, "LOG"),
            (0x7ff0_0000, "TRACE"),
            (0x7ff0_0007, "TRACE(7)"),
            (0x7fc0_0000, "USER_NOTIF"),
            (0x0005_0001, "ERRNO(EPERM)"),
            (0x0005_0026, "ERRNO(ENOSYS)"),
            (0x0005_000b, "ERRNO(EAGAIN)"),
            (0x0005_0000, "ERRNO(0)"),
            (0x0005_ffff, "ERRNO(4095)"),
            (0x0003_0000, "TRAP"),
            (0x0003_0002, "TRAP(2)"),
            (0x0000_0000, "KILL_THREAD"),
            (0x8000_0000, "KILL_PROCESS"),
            (0x1234_0000, "UNKNOWN(0x12340000)"),
        ];
        for (value, name) in table {
            assert_eq!(Action::from_value(value).to_string(), name, "{value:#x}");
        }
    }
}
