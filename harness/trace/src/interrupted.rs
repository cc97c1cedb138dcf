//! Calls that a signal interrupted.
//!
//! Such a call leaves with one of the kernel's own restart codes, which no program ever sees: it goes on by itself,
//! goes on after the handler, or returns EINTR. Under ptrace even an ignored signal does that. So it stays open until
//! it is clear which of these it is, and the record says what the program saw, whether or not a signal happened to
//! come just then.

use crate::decode::Role;
use crate::pending::Pending;

/// The kernel's restart codes: `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`, `ERESTART_RESTARTBLOCK`.
const RESTARTS: [i64; 4] = [-512, -513, -514, -516];

/// How many a task may have open: a program that jumps out of its handlers never finishes them.
const MAX_OPEN: usize = 8;

/// Whether a call leaves only to go on.
pub(crate) fn is_restart(value: i64) -> bool {
    RESTARTS.contains(&value)
}

/// The interrupted calls of one task, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Interrupted {
    open: Vec<Pending>,
    /// A handler has just returned.
    returned: bool,
}

/// What the next call of the task is.
#[derive(Debug)]
pub(crate) enum Next {
    /// An interrupted one that goes on.
    GoesOn(Pending),
    /// A new one; this interrupted one, if any, is now known to have returned EINTR.
    New(Option<Pending>),
}

impl Interrupted {
    pub(crate) fn push(&mut self, call: Pending) {
        self.open.push(call);
    }

    /// A signal handler has returned.
    pub(crate) fn handler_returned(&mut self) {
        self.returned = true;
    }

    /// The task makes a call.
    pub(crate) fn next(&mut self, call: &Pending, role: Role) -> Next {
        let returned = std::mem::take(&mut self.returned);
        match self.open.last().copied() {
            Some(open) if role == Role::Restart || call.repeats(&open) => {
                self.open.pop();
                Next::GoesOn(open)
            }
            Some(_) if returned => Next::New(self.open.pop()),
            Some(_) if self.open.len() > MAX_OPEN => Next::New(Some(self.open.remove(0))),
            _ => Next::New(None),
        }
    }

    /// Those that are still open.
    pub(crate) fn open(&self) -> &[Pending] {
        &self.open
    }
}
