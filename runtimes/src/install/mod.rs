//! Installs runtimes into the store: staged elsewhere, put in place as a whole, checked, then recorded.

mod apt;
mod available;
mod build;
mod debian;
mod elf;
mod job;
mod krate;
mod request;
mod sources;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use apt::AptError;
pub(crate) use apt::{Apt, Planned};
pub use available::{Available, Offer, available, cargo_home};
pub use build::build;
pub use job::JobError;
pub use request::Request;

use crate::ask::Ask;
use crate::facts::{FactCache, ProgramError};
use crate::find::find_in;
use crate::machine::Machine;
use crate::manifest::Manifest;
use crate::select::SelectError;
use crate::store::{Installed, InstalledPackage, Store, StoreError, write_whole};
use crate::unpack::UnpackError;
use ocidiff_model::version::Version;

/// What an install reports while it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Another install holds the store.
    Waiting,
    /// It is already there: nothing to do.
    Present {
        /// Its name and version.
        label: String,
        /// The program.
        path: PathBuf,
    },
    /// A part of the work begins.
    Step {
        /// What was asked for.
        label: String,
        /// What is done now.
        what: String,
    },
    /// A line that apt or cargo printed.
    Output {
        /// What was asked for.
        label: String,
        /// The line.
        line: String,
    },
    /// It is installed.
    Done {
        /// Its name and version.
        label: String,
        /// The program.
        path: PathBuf,
    },
    /// It could not be installed.
    Failed {
        /// What was asked for.
        label: String,
        /// Why not.
        why: String,
    },
}

/// Why a runtime cannot be installed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says it")]
pub enum InstallError {
    #[error(transparent)]
    Select(#[from] SelectError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Apt(#[from] AptError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("install {label}: {how}")]
    NoSource { label: String, how: String },
    #[error("install {wanted}: {has}; use {take}, or put {wanted} on PATH")]
    Moved {
        wanted: String,
        has: String,
        take: String,
    },
    #[error("build {label}: packages are missing; `apt-get install {packages}` installs them")]
    BuildNeeds { label: String, packages: String },
    #[error(
        "build {label}: there is no {missing} on PATH; on Debian `apt-get install {packages}` brings what it takes"
    )]
    NoCompiler {
        label: String,
        missing: String,
        packages: String,
    },
    #[error(
        "put {label} into the store: it is there already, from {from}; name this build as --runtime {name}={path}",
        path = path.display()
    )]
    Taken {
        label: String,
        from: String,
        name: String,
        path: PathBuf,
    },
    #[error("build a crate: there is no cargo; {how}")]
    NoCargo { how: &'static str },
    #[error(
        "set a program up beside this machine's libraries: there is no {tool}; `apt-get install {package}` installs it"
    )]
    NoTool {
        tool: &'static str,
        package: &'static str,
    },
    #[error("install {label}: what was installed says that it is {says}; ask for that version")]
    OtherVersion { label: String, says: Version },
    #[error("{0}")]
    Odd(String),
    #[error("build {label}: its sources in {path} cannot be read: {source}", path = path.display())]
    Sources {
        label: String,
        path: PathBuf,
        source: io::Error,
    },
    #[error("install into {path}: {source}; is there space, and may you write there?", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl InstallError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// How an install of several ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is available now, by label and program.
    pub ready: Vec<(String, PathBuf)>,
    /// What could not be installed.
    pub failed: Vec<(Request, InstallError)>,
}

/// One runtime on its way into the store.
pub(crate) struct Job<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) store: &'a Store,
    pub(crate) manifest: &'a Manifest,
    pub(crate) wanted: Option<Version>,
    pub(crate) stage: PathBuf,
    ask: &'a dyn Ask,
    progress: &'a mut dyn FnMut(&Event),
}

/// What a source put into the stage folder.
pub(crate) struct Draft {
    pub(crate) version: Version,
    pub(crate) program: PathBuf,
    pub(crate) from: String,
    pub(crate) packages: Vec<InstalledPackage>,
}

impl Job<'_> {
    pub(crate) fn label(&self) -> String {
        request::label(&self.manifest.name, self.wanted.as_ref())
    }

    pub(crate) fn say(&mut self, what: String) {
        let label = self.label();
        (self.progress)(&Event::Step { label, what });
    }

    pub(crate) fn output(&mut self, line: &str) {
        let label = self.label();
        (self.progress)(&Event::Output {
            label,
            line: line.to_owned(),
        });
    }
}

/// Installs what is asked for, or, with no requests, what the default selection lacks. Each request is independent:
/// one that fails does not affect the others.
pub fn install(
    requests: &[Request],
    manifests: &[Manifest],
    store: &Store,
    machine: &Machine,
    ask: &dyn Ask,
    progress: &mut dyn FnMut(&Event),
) -> Result<Outcome, InstallError> {
    let requests = if requests.is_empty() {
        request::defaults(manifests)
    } else {
        requests.to_vec()
    };
    let mut outcome = Outcome::default();
    let mut left = Vec::new();
    let mut found = find_in(manifests, store, machine.path.as_deref(), ask);
    for request in requests {
        match request.present(manifests, &found, machine) {
            Some((label, path)) => ready(&mut outcome, progress, label, path),
            None => left.push(request),
        }
    }
    if left.is_empty() {
        return Ok(outcome);
    }
    let lock = store.lock(|| progress(&Event::Waiting))?;
    clear_stages(store);
    if lock.waited {
        found = find_in(manifests, store, machine.path.as_deref(), ask);
    }
    for request in left {
        let here = if lock.waited {
            request.present(manifests, &found, machine)
        } else {
            None
        };
        match here {
            Some((label, path)) => ready(&mut outcome, progress, label, path),
            None => bring_one(request, manifests, (store, machine, ask), progress, &mut outcome),
        }
    }
    Ok(outcome)
}

fn ready(outcome: &mut Outcome, progress: &mut dyn FnMut(&Event), label: String, path: PathBuf) {
    progress(&Event::Present {
        label: label.clone(),
        path: path.clone(),
    });
    outcome.ready.push((label, path));
}

/// Where something is installed, and what asks it for its version.
type Place<'a> = (&'a Store, &'a Machine, &'a dyn Ask);

fn bring_one(
    request: Request,
    manifests: &[Manifest],
    place: Place<'_>,
    progress: &mut dyn FnMut(&Event),
    outcome: &mut Outcome,
) {
    match bring(&request, manifests, place, progress) {
        Ok(one) => {
            let (label, path) = (format!("{}@{}", one.name, one.version), one.path());
            progress(&Event::Done {
                label: label.clone(),
                path: path.clone(),
            });
            outcome.ready.push((label, path));
        }
        Err(err) => {
            progress(&Event::Failed {
                label: request.label(),
                why: err.to_string(),
            });
            outcome.failed.push((request, err));
        }
    }
}

fn bring(
    request: &Request,
    manifests: &[Manifest],
    (store, machine, ask): Place<'_>,
    progress: &mut dyn FnMut(&Event),
) -> Result<Installed, InstallError> {
    let manifest = crate::select::find_manifest(manifests, &request.name)?;
    let plan = request.plan(manifest, machine)?;
    let stage = store.make(Path::new("stage").join(format!("{}.{}", request.label(), std::process::id())))?;
    let mut job = Job {
        machine,
        store,
        manifest,
        wanted: request.version.clone(),
        stage: stage.clone(),
        ask,
        progress,
    };
    let settled = match plan {
        request::Plan::Debian(source, suites) => debian::bring(&mut job, source, &suites),
        request::Plan::Crate(source, version) => krate::bring(&mut job, source, &version),
    }
    .and_then(|draft| settle(&mut job, draft));
    let _ = fs::remove_dir_all(&stage);
    settled
}

/// Puts a staged runtime in its place. It counts as installed only once its record, which is written last, is there.
fn settle(job: &mut Job<'_>, draft: Draft) -> Result<Installed, InstallError> {
    job.say("checking".to_owned());
    let name = job.manifest.name.clone();
    let folder = job.store.folder_of(&name, &draft.version);
    let parent = job.store.make(Path::new("runtimes").join(&name))?;
    let _ = fs::remove_dir_all(&folder);
    fs::rename(&job.stage, &folder).map_err(|source| InstallError::io(&parent, source))?;
    let program = folder.join(&draft.program);
    // Asked through the cache: the next list already knows it.
    let mut facts = FactCache::open(job.store);
    let known = match facts
        .of(job.manifest, &program, job.ask)
        .map_err(InstallError::from)
    {
        Ok(known) if known.version == draft.version => known,
        other => {
            let _ = fs::remove_dir_all(&folder);
            let label = format!("{name}@{}", draft.version);
            return Err(other.map_or_else(
                |err| err,
                |known| InstallError::OtherVersion {
                    label,
                    says: known.version,
                },
            ));
        }
    };
    facts.save();
    let Draft {
        version,
        program,
        from,
        packages,
    } = draft;
    let record = Installed {
        name,
        version,
        folder,
        program,
        sha256: known.digest,
        from,
        packages,
    };
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    write_whole(&record.folder.join("installed.json"), &text)?;
    Ok(record)
}

/// Removes what interrupted installs left; the lock ensures that no install is working there.
fn clear_stages(store: &Store) {
    let _ = fs::remove_dir_all(store.home().join("stage"));
}
