//! What can go wrong while recording.

use std::io;

use crate::Pid;

/// Why a recording could not be made. Fragments that read after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process ended before it could be seized.
    #[error("attach to process {0}: it is gone")]
    Gone(Pid),
    /// The kernel does not allow us to trace it.
    #[error("attach to process {pid}: {source}")]
    Attach {
        /// The process that could not be traced.
        pid: Pid,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A call of the recorder itself failed.
    #[error("{doing}: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel does not allow us to use eBPF, or lacks something that it needs.
    #[error("{doing} (eBPF): {why}")]
    Ebpf {
        /// What was tried.
        doing: &'static str,
        /// The kernel's or libbpf's answer.
        why: String,
    },
    /// Events did not fit into the ring: what was recorded has holes.
    #[error("record a workload: the recorder lost {0} events")]
    Lost(u64),
    /// The recorder's thread ended without a result, by a panic.
    #[error("record a workload: the recorder's thread ended without a result")]
    Died,
}

impl Error {
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }
}
