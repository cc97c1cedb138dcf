//! Records what a container's workload asks the kernel for, from its execve to its end.
//!
//! The runtime under test creates a container; its init waits for `start`. A [`Recorder`] attaches to that init,
//! `start` is called, and the recording begins when init replaces itself with the workload:
//!
//! ```no_run
//! use ocidiff_trace::{Calls, Options, PtraceRecorder, Recorder};
//! # fn start() {}
//! # let init = 1;
//! let calls = Calls { watch: vec!["fchmodat2".into()], ..Calls::default() };
//! let options = Options { calls: Some(calls), ..Options::default() };
//! let mut recording = PtraceRecorder.attach(init, options, Box::new(|tgid| println!("{tgid} at its execve")))?;
//! start();
//! match recording.wait(std::time::Duration::from_secs(10))? {
//!     Some(trace) => println!("{} calls, ended with {}", trace.total, trace.exit),
//!     None => println!("still running: kill it, and wait again"),
//! }
//! # Ok::<(), ocidiff_trace::Error>(())
//! ```
//!
//! | module | what it has |
//! |---|---|
//! | [`record`] | [`Trace`], [`Call`]: what a recording produces; the same for every backend |
//! | [`recorder`] | the two small traits that a backend implements; what a recording consists of: [`Options`] |
//! | [`ptrace`] | the backend that every kernel has: [`PtraceRecorder`] |
//! | `ebpf` | the backend that costs nearly nothing, where the machine allows it |
//! | `decode` | numbers to names, pointers to the strings behind them |
//! | `arch` | what differs between architectures |
//! | [`process`] | functions on the calling process that other crates would need unsafe code for |
//!
//! Apart from the probe, this is the only crate of the workspace with unsafe code; it is all in `ptrace::sys`,
//! `ebpf::ring` and [`process`].

pub(crate) mod arch;
pub(crate) mod decode;
#[cfg_attr(not(ebpf), path = "ebpf_absent.rs")]
pub mod ebpf;
pub mod error;
pub(crate) mod interrupted;
pub(crate) mod ordinal;
pub(crate) mod pending;
pub mod process;
pub mod ptrace;
pub mod record;
pub mod recorder;
pub(crate) mod signals;
pub(crate) mod sink;

pub use ebpf::EbpfRecorder;
pub use error::Error;
pub use ptrace::PtraceRecorder;
pub use record::{Arch, Call, CallResult, Exit, SetupCall, Trace};
pub use recorder::{Calls, OnExec, Options, Others, Recorder, Recording};

/// A process or thread id in the pid namespace of the recorder.
pub type Pid = i32;
