//! Numbers to names, pointers to what is behind them.
//!
//! | module | what it has |
//! |---|---|
//! | `signature` | which arguments a call has, read from `calls.table` |
//! | `render` | one argument as text |
//! | `structs` | arguments that are small structures in memory |
//! | `flags` | the names of bits and values |
//! | `memory` | strings from a caller |
//! | `words` | bytes as text |
//! | `descriptor` | what a file descriptor refers to |
//!
//! Nothing that is rendered depends on what a run happened to get: no addresses, no pids, no inode numbers.

mod descriptor;
mod flags;
mod memory;
mod render;
pub(crate) mod signature;
mod structs;
pub(crate) mod words;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::ordinal::Ordinal;
use crate::pending::Pending;
use crate::record::{Arch, Call, CallResult};
use crate::{Pid, arch};

use self::memory::Memory;
use self::signature::{Kind, Returns, Signature};

/// Where a caller's pointers and descriptors are looked up: in the task itself, or in what was kept from it.
pub(crate) trait Source {
    /// Fills the buffer from this address on; returns how many bytes could be read.
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize;

    /// What a descriptor refers to, as the link in `/proc/PID/fd` gives it.
    fn descriptor(&self, fd: i64) -> Option<String>;
}

/// The task that makes a call, and how pids are shown as ordinals.
pub(crate) struct Caller<'call> {
    pub(crate) source: &'call dyn Source,
    pub(crate) known: &'call dyn Fn(Pid) -> Option<Ordinal>,
}

/// Calls that are more than a line in the record to a recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Plain,
    /// Makes a task.
    Fork,
    /// Goes on with a call that was interrupted.
    Restart,
    /// Comes back from a signal handler.
    Return,
}

/// A call in words.
pub(crate) struct Decoded {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) subject: Option<String>,
}

/// What is known about a call from its number; looked up once.
#[derive(Debug, Clone, Copy)]
struct Known {
    name: Option<&'static str>,
    signature: Option<Signature>,
    watched: bool,
    role: Role,
}

/// Decodes calls.
pub(crate) struct Decoder {
    watch: HashSet<String>,
    watch_all: bool,
    memory: Memory,
    known: RefCell<HashMap<(Arch, u32), Known>>,
}

impl Decoder {
    pub(crate) fn new(watch: &[String], max_string: usize) -> Self {
        Self {
            watch_all: watch.iter().any(|name| name == "*"),
            watch: watch.iter().cloned().collect(),
            memory: Memory::new(max_string),
            known: RefCell::default(),
        }
    }

    fn known(&self, arch: Arch, nr: u32) -> Known {
        *self.known.borrow_mut().entry((arch, nr)).or_insert_with(|| {
            let name = arch::name(arch, nr);
            let role = match name {
                Some("clone" | "clone3" | "fork" | "vfork") => Role::Fork,
                Some("restart_syscall") => Role::Restart,
                Some("rt_sigreturn" | "sigreturn") => Role::Return,
                _ => Role::Plain,
            };
            let watched = self.watch_all || name.is_some_and(|name| self.watch.contains(name));
            Known {
                name,
                signature: name.and_then(signature::of),
                watched,
                role,
            }
        })
    }

    /// Whether a call is decoded fully.
    pub(crate) fn watches(&self, arch: Arch, nr: u32) -> bool {
        self.known(arch, nr).watched
    }

    pub(crate) fn role(&self, arch: Arch, nr: u32) -> Role {
        self.known(arch, nr).role
    }

    /// Puts a call that is about to be made into words.
    pub(crate) fn call(&self, caller: &Caller<'_>, arch: Arch, nr: u32, args: &[u64; 6]) -> Decoded {
        let known = self.known(arch, nr);
        let name = known.name.map_or_else(|| format!("syscall_{nr}"), str::to_owned);
        let look = render::Look {
            memory: &self.memory,
            caller,
            arch,
            args,
            watched: known.watched,
        };
        let Some(signature) = known.signature else {
            // How many arguments it takes is not known: six words of noise help only users who asked for them.
            let args = if known.watched {
                args.iter().map(|arg| render::word(*arg)).collect()
            } else {
                Vec::new()
            };
            return Decoded {
                name,
                args,
                subject: None,
            };
        };
        let mut words = Vec::with_capacity(signature.kinds.len());
        let mut subject = None;
        for (at, kind) in signature.kinds.iter().enumerate() {
            let Some(text) = look.arg(at, *kind) else { continue };
            if subject.is_none() {
                subject = look.subject(at, *kind, &text);
            }
            words.push(text);
        }
        // A path says more than the directory that it starts in.
        if let Some(path) = signature.kinds.iter().position(|kind| *kind == Kind::Path) {
            subject = look.path(path).or(subject);
        }
        Decoded {
            name,
            args: words,
            subject,
        }
    }

    /// The line of the record for a call that has no result yet.
    pub(crate) fn line(&self, caller: &Caller<'_>, ordinal: Ordinal, call: &Pending) -> Call {
        let decoded = self.call(caller, call.arch, call.nr, &call.args);
        Call {
            process: ordinal.process,
            thread: ordinal.thread,
            arch: call.arch,
            name: decoded.name,
            args: decoded.args,
            subject: decoded.subject,
            result: CallResult::Unfinished,
        }
    }

    /// The result of a call that succeeded; for a call that made a task, that is the task's ordinal.
    pub(crate) fn result(
        &self,
        caller: &Caller<'_>,
        call: &Pending,
        value: i64,
        made: Option<Ordinal>,
    ) -> CallResult {
        CallResult::Value(match made {
            Some(made) => made.to_string(),
            None => self.value(caller, call.arch, call.nr, value),
        })
    }

    /// Puts the result of a call that succeeded into words.
    pub(crate) fn value(&self, caller: &Caller<'_>, arch: Arch, nr: u32, value: i64) -> String {
        let known = self.known(arch, nr);
        match known
            .signature
            .map_or(Returns::Number, |signature| signature.returns)
        {
            Returns::Pointer => "ptr".to_owned(),
            Returns::Process => match Pid::try_from(value).ok().and_then(|pid| (caller.known)(pid)) {
                Some(ordinal) => ordinal.to_string(),
                None => value.to_string(),
            },
            Returns::Descriptor if known.watched => descriptor::name(caller, value),
            Returns::Descriptor | Returns::Number => value.to_string(),
        }
    }

    /// A word of a caller's memory.
    pub(crate) fn word(&self, source: &dyn Source, address: u64) -> Option<u64> {
        self.memory.word(source, address)
    }
}
