//! What everything that runs cases needs: the corpus, the runtimes, a session. For commands and `cargo test` alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ocidiff_runtimes::{
    Ask, Machine as Host, Manifest, Runtime, Selector, Store, find_all, is_manifest, select,
};
use ocidiff_trace::ebpf::Loaded;
use tokio::sync::watch;

use crate::bundle::Builder;
use crate::cells::abilities::Abilities;
use crate::cells::ask::InCell;
use crate::cells::hangs::Hangs;
use crate::cells::launch::Launcher;
use crate::cells::participants::contenders;
use crate::cells::runner::{CellRunner, Recorder};
use crate::cells::session::Session;
use crate::corpus::{self, Corpus, files};
use crate::error::Error;
use crate::judge::fixed::Newest;
use crate::run::preflight;

/// The corpus: the folder's, or the standard one.
///
/// # Errors
/// Every error of every file.
pub fn corpus(folder: Option<&Path>) -> Result<Corpus, Error> {
    let standard = files::standard("cases").map_err(Error::usage)?;
    match folder {
        None => corpus::load(&standard).map_err(Error::usage),
        Some(folder) => corpus::load_folder(folder, &standard)
            .map_err(|error| Error::usage(format!("failed to read the cases: {error}")))?
            .map_err(Error::usage),
    }
}

/// What the standard cases share, without the cases: quick to load.
///
/// # Errors
/// Every error of every file.
pub fn shared() -> Result<Corpus, Error> {
    let standard = files::standard("cases").map_err(Error::usage)?;
    corpus::load_shared(&standard).map_err(Error::usage)
}

/// The manifests: a checkout's, or the built-in ones.
///
/// # Errors
/// Every manifest's error.
pub fn manifests() -> Result<Vec<Manifest>, Error> {
    let sources = files::standard("runtimes").map_err(Error::usage)?;
    let texts = sources
        .iter()
        .filter(|(name, _)| is_manifest(name))
        .map(|(_, source)| (source.shown.clone(), source.text.clone()));
    Manifest::load_all(texts).map_err(Error::usage)
}

/// The runtimes that are named, or the default set.
///
/// # Errors
/// A name is unknown, a version is not available, a program cannot be used, or there are no runtimes at all.
pub fn runtimes(named: &[String], store: &Store) -> Result<Vec<Runtime>, Error> {
    runtimes_asked(named, store, &asker()?)
}

/// What asks runtimes for their versions: this program, in a cell.
///
/// # Errors
/// This program's own file is not known.
pub fn asker() -> Result<InCell, Error> {
    Ok(InCell::new(&program()?))
}

/// This program's own file: it is started anew for each cell.
///
/// # Errors
/// It is not known, for example where /proc is missing.
pub fn program() -> Result<PathBuf, Error> {
    std::env::current_exe().map_err(|error| {
        Error::broken(format!(
            "failed to find ocidiff's own file: {error}; mount /proc (mount -t proc proc /proc)"
        ))
    })
}

/// The same with another way to ask them for their versions.
///
/// # Errors
/// As for [`runtimes`].
pub fn runtimes_asked(named: &[String], store: &Store, ask: &dyn Ask) -> Result<Vec<Runtime>, Error> {
    let manifests = manifests()?;
    let selectors = named
        .iter()
        .map(|text| text.parse::<Selector>())
        .collect::<Result<Vec<_>, _>>();
    let selectors = selectors.map_err(|error| Error::usage(format!("failed to {error}")))?;
    let found = find_all(&manifests, store, ask);
    let chosen = select(&selectors, &manifests, store, &found, ask);
    let chosen = chosen.map_err(|error| Error::usage(format!("failed to {error}")))?;
    if chosen.is_empty() {
        let missing = Host::this().missing(&manifests, &found).join("\n  ");
        return Err(Error::usage(format!(
            "no runtime was found; `ocidiff runtimes install` installs them\n  {missing}"
        )));
    }
    Ok(chosen)
}

/// Every version of a runtime that is installed, as often as it is.
///
/// # Errors
/// The manifests or the store cannot be read.
pub fn versions_of(name: &str) -> Result<Vec<Runtime>, Error> {
    let found = find_all(&manifests()?, &store()?, &asker()?);
    let of_name = found
        .runtimes
        .into_iter()
        .filter(|runtime| runtime.name() == name);
    Ok(of_name.collect())
}

/// A line for each runtime of the default set that is not installed: how to get it.
///
/// # Errors
/// Every manifest's error.
pub fn missing() -> Result<Vec<String>, Error> {
    let manifests = manifests()?;
    let found = find_all(&manifests, &store()?, &asker()?);
    Ok(Host::this().missing(&manifests, &found))
}

/// Checks that there are at least two, or there is nothing to compare.
///
/// # Errors
/// There is only one.
pub fn need_two(runtimes: &[Runtime]) -> Result<(), Error> {
    match runtimes {
        [only] => Err(Error::usage(format!(
            "comparing takes two runtimes, and there is only {}; `ocidiff runtimes install` brings the others, \
             or name one with --runtime NAME=/path/to/binary",
            only.label()
        ))),
        _ => Ok(()),
    }
}

/// How cases are run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// ocidiff itself: it is started anew for each cell.
    pub program: PathBuf,
    /// The runtime with which the others are compared; the first if not specified.
    pub reference: Option<String>,
    /// How many containers run at a time.
    pub jobs: usize,
    /// How syscalls are recorded.
    pub recorder: Recorder,
    /// Whether the runtimes' own calls are kept in every record.
    pub keep_setup: bool,
    /// How often each case is run at least.
    pub repeat: u32,
    /// Factor for the time limits that a case gives its steps: for slow machines.
    pub limit_scale: u32,
    /// Whether a runtime is compared with itself.
    pub control: bool,
    /// Whether hooks of a bundle of the user's own run too.
    pub keep_hooks: bool,
}

/// Everything that runs cases.
///
/// # Errors
/// The reference is not one of the runtimes; a session cannot be started.
pub fn runner(
    corpus: Corpus,
    runtimes: Vec<Runtime>,
    settings: &Settings,
    abilities: &Abilities,
    stop: watch::Receiver<bool>,
) -> Result<CellRunner, Error> {
    let contenders = contenders(runtimes, settings.reference.as_deref()).map_err(Error::usage)?;
    if let Some(lacks) = preflight::lacks(abilities, &corpus.default_config) {
        return Err(Error::broken(lacks));
    }
    if let Some(low) = preflight::low(settings.jobs) {
        return Err(Error::broken(low));
    }
    let session = Arc::new(session()?);
    let mut builder = Builder::new(session.folder(), store()?);
    builder.stop = Some(stop.clone());
    builder
        .probe()
        .map_err(|error| Error::broken(format!("failed to write the probe: {error}")))?;
    let (recorder, recorder_said, kernel) = recorder(settings.recorder)?;
    Ok(CellRunner {
        corpus: Arc::new(corpus),
        contenders,
        machine: abilities.machine.clone(),
        recorder,
        recorder_said,
        keep_setup: settings.keep_setup,
        repeat: settings.repeat,
        limit_scale: settings.limit_scale,
        control: settings.control,
        newest: Newest::of(&manifests()?),
        carry: None,
        hangs: Hangs::default(),
        show_env: false,
        keep_hooks: settings.keep_hooks,
        builder,
        launcher: Launcher::new(settings.program.clone(), session, settings.jobs, stop, kernel),
    })
}

/// The place for what is made for a command.
///
/// # Errors
/// No folder can be made for it, or there is no cgroup hierarchy.
pub fn session() -> Result<Session, Error> {
    Session::start().map_err(|error| Error::broken(format!("failed to start a session: {error}")))
}

/// Which recorder is used, how reports name it, and the kernel's programs for it.
fn recorder(wanted: Recorder) -> Result<(Recorder, String, Option<Arc<Loaded>>), Error> {
    let plain = |recorder, name: &str| Ok((recorder, name.to_owned(), None));
    match wanted {
        Recorder::Ptrace => plain(Recorder::Ptrace, "ptrace"),
        Recorder::None => plain(Recorder::None, "none"),
        Recorder::Ebpf | Recorder::Auto => match Loaded::load() {
            Ok(loaded) => Ok((Recorder::Ebpf, "ebpf".to_owned(), Some(Arc::new(loaded)))),
            Err(error) if wanted == Recorder::Auto => {
                Ok((Recorder::Ptrace, format!("ptrace (failed to {error})"), None))
            }
            Err(error) => Err(Error::broken(format!(
                "failed to {error}; --recorder ptrace does without"
            ))),
        },
    }
}

/// Where installed runtimes and packages are kept.
///
/// # Errors
/// Neither OCIDIFF_HOME nor HOME is set.
pub fn store() -> Result<Store, Error> {
    Store::from_env().map_err(|error| Error::usage(format!("failed to {error}")))
}

/// What the machine can do.
///
/// # Errors
/// The kernel's version or the cgroups cannot be read.
pub fn abilities() -> Result<Abilities, Error> {
    Abilities::probe().map_err(|error| Error::broken(format!("failed to look at the machine: {error}")))
}
