//! What a backend is: two small traits.

use std::time::Duration;

use crate::{Error, Pid, Trace};

/// What to record, and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Calls to decode fully: flags and numbers by name, descriptors as what they refer to. `*` is all.
    /// Of the others only strings are read; see [`crate::Call::args`].
    pub watch: Vec<String>,
    /// How many calls are kept; more are only counted.
    pub max_calls: usize,
    /// How many bytes of a string are kept.
    pub max_string: usize,
    /// Whether to read the seccomp filters.
    pub read_filters: bool,
    /// Whether to record calls. If not, the recorder visits the workload at its execve and then lets go,
    /// and only waits for its end: the workload runs at its full speed.
    pub record_calls: bool,
    /// Whether calls that are not watched are left out, and not even counted. ptrace cannot: it stops at all.
    pub only_watched: bool,
    /// Whether the workload is visited at its execve where the backend could do without: for the filters and for
    /// what `on_exec` looks at.
    pub visit: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            watch: Vec::new(),
            max_calls: 20_000,
            max_string: 256,
            read_filters: true,
            record_calls: true,
            only_watched: false,
            visit: true,
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
    /// `on_exec` is not called when init never comes to its execve.
    fn attach(&self, init: Pid, options: Options, on_exec: OnExec) -> Result<Box<dyn Recording>, Error>;
}

/// A recording that is under way.
///
/// Dropping one that has not ended kills init: it is a run that was given up, and nothing of it may stay.
pub trait Recording: Send {
    /// Waits until init has ended, or for `timeout`: then it is `None`, the recording goes on, and the
    /// caller can kill init and wait again. After a result has been given, it is [`Error::Died`].
    fn wait(&mut self, timeout: Duration) -> Result<Option<Trace>, Error>;
}
