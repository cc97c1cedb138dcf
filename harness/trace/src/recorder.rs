//! What a backend is: two small traits.

use std::time::Duration;

use crate::{Error, Pid, Trace};

/// What a recording consists of: a visit at the workload's execve, and a record of its calls.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the workload is visited at its execve: it is stopped there once, its seccomp filters are read, and
    /// `on_exec` looks at it. ptrace records from there on, so it visits in any case.
    pub visit: bool,
    /// The calls to record. If `None`, the recorder lets go after the visit and only waits for the end of the
    /// workload, which runs at full speed.
    pub calls: Option<Calls>,
    /// How many bytes of a string are kept.
    pub max_string: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            visit: true,
            calls: Some(Calls::default()),
            max_string: 256,
        }
    }
}

/// Which calls are recorded, and how many.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Calls to decode fully: flags and numbers by name, descriptors as what they refer to. `*` means all. Of
    /// the others only strings are read; see [`crate::Call::args`].
    pub watch: Vec<String>,
    /// The calls that are not watched.
    pub others: Others,
    /// How many watched calls are kept, and how many others; more are only counted.
    pub max: usize,
}

/// What happens to calls that are not watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Others {
    /// They are recorded too.
    #[default]
    Recorded,
    /// They are not even counted: the kernel leaves them out. ptrace cannot do that: it stops at all calls.
    LeftOut,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            watch: Vec::new(),
            others: Others::Recorded,
            max: 20_000,
        }
    }
}

/// Called on the recorder's thread while the workload stands at its execve, before its first instruction.
/// Its argument is the workload's process id.
pub type OnExec = Box<dyn FnOnce(Pid) + Send>;

/// A way to record.
pub trait Recorder {
    /// Attaches to a container's init that waits to be started. Once this returns, nothing is missed.
    ///
    /// `on_exec` is not called if init never reaches its execve.
    fn attach(&self, init: Pid, options: Options, on_exec: OnExec) -> Result<Box<dyn Recording>, Error>;
}

/// A recording that is under way.
///
/// Dropping one that has not ended kills init: it is a run that was given up, and nothing of it may remain.
pub trait Recording: Send {
    /// Waits until init has ended, or for `timeout`: then it is `None`, the recording goes on, and the
    /// caller can kill init and wait again. After a result has been given, it is [`Error::Died`].
    fn wait(&mut self, timeout: Duration) -> Result<Option<Trace>, Error>;
}
