//! A virtual machine with another kernel, in which the program runs cases as it does here.
//!
//! | module | what it does |
//! |---|---|
//! | `archive` | the format of the file system with which a kernel starts |
//! | `pack` | what is in it |
//! | `qemu` | the machine |
//! | `hear` | its events, as they come |
//!
//! A machine has no disk, no network and nothing of this machine except what is packed: it is also a wall for runtimes
//! and bundles that are not trusted. What it says is untrusted text.

mod archive;
mod hear;
mod pack;
mod qemu;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ocidiff_model::{CgroupVersion, Event, ExitStatus};
use ocidiff_runtimes::kernels::{Kernel, KernelError};
use ocidiff_runtimes::{Runtime, Store};

use crate::error::Error;
use crate::run::stop::Stop;
use qemu::{Machine, Parts};

/// What a machine needs besides its archive, in MiB: for an emulated system and the tests that fill memory.
const MEMORY: u64 = 1536;
/// A machine that is silent for this long is dead: a case takes seconds, and is given minutes.
const SILENCE: Duration = Duration::from_secs(20 * 60);

/// What a machine is for.
#[derive(Debug)]
pub struct Job<'a> {
    /// ocidiff itself.
    pub program: &'a Path,
    /// Its arguments, without `--json`.
    pub words: Vec<String>,
    /// The folder in which it is started.
    pub folder: &'a Path,
    /// The runtimes that take part.
    pub runtimes: &'a [Runtime],
    /// Files and folders that are available under their own names.
    pub files: Vec<PathBuf>,
    /// Which cgroups it mounts.
    pub cgroup: CgroupVersion,
    /// How many processors it has.
    pub cpus: u16,
    /// Whether the processor's own virtualisation may be used.
    pub kvm: bool,
}

/// How a machine ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit status of the program in it; `None` if the machine died, which says nothing about any case.
    pub exit: Option<ExitStatus>,
    /// The last lines that the program printed, or that the machine itself printed if it died.
    pub said: String,
    /// How long it took until the first event.
    pub boot: Option<Duration>,
}

/// Why there is no machine.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says it")]
pub enum VmError {
    #[error(
        "start a virtual machine: there is no {tool} on PATH; `apt-get install {package}`, or `make vm`, brings it"
    )]
    NoTool {
        tool: &'static str,
        package: &'static str,
    },
    #[error("pack a virtual machine's files: {0}")]
    Pack(String),
    #[error("start a virtual machine: {0}")]
    Start(#[source] io::Error),
    #[error("read the events of a virtual machine: {0}")]
    Events(String),
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

impl VmError {
    fn start(error: io::Error) -> Self {
        Self::Start(error)
    }

    /// The error with which a command ends.
    #[must_use]
    pub fn told(self) -> Error {
        let text = format!("failed to {self}");
        match self {
            Self::Kernel(_) | Self::NoTool { .. } => Error::Usage(text),
            _ => Error::Broken(text),
        }
    }
}

/// Runs a job in a machine, and passes each event to `tell`, which can end it.
///
/// # Errors
/// No machine can be made; it writes something that is not an event; `tell` refuses.
pub fn run(
    kernel: &Kernel,
    store: &Store,
    job: &Job<'_>,
    stop: &Stop,
    mut tell: impl FnMut(Event) -> Result<(), Error>,
) -> Result<Ended, Error> {
    // Files without names: nothing is left of them, whatever ends us.
    let file = || tempfile::tempfile().map_err(|error| VmError::Start(error).told());
    let (archive, said, console) = (file()?, file()?, file()?);
    let bytes = pack::pack(kernel, store, job, &archive).map_err(VmError::told)?;
    let parts = Parts {
        image: &kernel.image(store),
        archive: &archive,
        memory: MEMORY + 2 * (bytes >> 20),
        cpus: job.cpus,
        kvm: job.kvm,
        said: &said,
        console: &console,
    };
    let began = Instant::now();
    let (mut machine, pipe) = Machine::start(&parts).map_err(VmError::told)?;
    let mut boot = None;
    let heard = hear::events(pipe, machine.group(), stop, SILENCE, |event| {
        boot.get_or_insert_with(|| began.elapsed());
        tell(event)
    });
    if heard.is_err() {
        machine.group().kill();
    }
    machine.wait();
    let exit = heard?;
    let (status, words) = hear::said(&said);
    let said = if status.is_none() && words.is_empty() {
        hear::said(&console).1
    } else {
        words
    };
    Ok(Ended {
        exit: exit.or(status),
        said,
        boot,
    })
}
