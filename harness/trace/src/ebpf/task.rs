//! What is known about a followed thread, and what an event says about its call.

use super::layout::{COMPAT, Event};
use crate::arch;
use crate::interrupted::Interrupted;
use crate::ordinal::Ordinal;
use crate::pending::Pending;
use crate::record::{Arch, Exit};
use crate::sink::Outcome;

/// The highest errno.
const MAX_ERRNO: i64 = 4095;

/// One followed thread of the workload.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) ordinal: Ordinal,
    /// An execve or a close that has entered and not left yet.
    pub(super) entered: Option<Pending>,
    /// The last call, if it left as one that seccomp answers with SIGSYS.
    pub(super) suspect: Option<Pending>,
    pub(super) interrupted: Interrupted,
    /// The task that it has just made.
    pub(super) made: Option<Ordinal>,
    /// Whether it runs the program that init became, and not a later one.
    pub(super) is_first_program: bool,
}

impl Task {
    pub(super) fn new(ordinal: Ordinal, is_first_program: bool) -> Self {
        Self {
            is_first_program,
            ordinal,
            entered: None,
            suspect: None,
            interrupted: Interrupted::default(),
            made: None,
        }
    }
}

/// The call that an event is about.
pub(super) fn pending(event: &Event<'_>) -> Pending {
    let (arch, nr) = numbered(event.has(COMPAT), event.nr);
    Pending {
        arch,
        nr,
        args: event.args,
        index: None,
    }
}

/// The architecture and number of a call.
pub(super) fn numbered(compat: bool, nr: u32) -> (Arch, u32) {
    if compat {
        (Arch::I386, nr)
    } else {
        arch::split_native(nr)
    }
}

/// The error that a call returned, if it failed.
pub(super) fn failure(ret: i64) -> Option<Outcome> {
    (-MAX_ERRNO..0)
        .contains(&ret)
        .then(|| Outcome::Errno(u16::try_from(-ret).unwrap_or(u16::MAX)))
}

/// An exit code as in wait(2).
pub(super) fn exit(code: i32) -> Exit {
    match code & 0x7f {
        0 => Exit::Code(code >> 8 & 0xff),
        signal => Exit::Signal {
            name: crate::signals::signal_name(signal),
            core: code & 0x80 != 0,
        },
    }
}
