//! Which runtimes are on this machine: on PATH, in the store, or named by their path.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ocidiff_model::Op;

use crate::ask::Ask;
use crate::call::Call;
use crate::facts::{FactCache, ProgramError};
use crate::manifest::Manifest;
use crate::store::Store;
use crate::template::CallError;
use ocidiff_model::version::Version;

/// A runtime that can be called.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// How to call it.
    pub manifest: Arc<Manifest>,
    /// The version that it prints.
    pub version: Version,
    /// The program.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: Origin,
    /// The program's SHA-256.
    pub digest: String,
}

/// Where a runtime was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On PATH.
    Path,
    /// In the store, with where it came from.
    Store(String),
    /// The user gave its path, typed like this.
    Given(PathBuf),
    /// A container engine has it registered.
    Engine,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("PATH"),
            Self::Store(from) => write!(f, "store ({from})"),
            Self::Given(_) => f.write_str("given"),
            Self::Engine => f.write_str("engine"),
        }
    }
}

impl Runtime {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Its name and version, `runc@1.1.5`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.name(), self.version)
    }

    /// The words by which `--runtime` names this program: a build of the user's own by its path.
    pub fn selector(&self) -> String {
        match &self.origin {
            Origin::Given(typed) => format!("{}={}", self.name(), typed.display()),
            _ => self.label(),
        }
    }

    /// The whole command line of a call, the program first.
    pub fn command(&self, call: &Call) -> Result<Vec<OsString>, CallError> {
        let mut words = vec![self.path.clone().into_os_string()];
        words.extend(self.manifest.command(call, &self.version)?);
        Ok(words)
    }

    /// Whether it supports a step.
    pub fn has(&self, step: Op) -> bool {
        self.manifest.has(step, &self.version)
    }

    /// The steps that it supports beyond those that the runtime-spec names.
    pub fn optional_steps(&self) -> Vec<Op> {
        Op::ALL
            .into_iter()
            .filter(|step| step.is_optional() && self.has(*step))
            .collect()
    }
}

/// What was found, and what was found but cannot be used.
#[derive(Debug, Default)]
pub struct Found {
    /// The usable runtimes, in the manifests' order: PATH first, then the store's, the oldest first.
    pub runtimes: Vec<Runtime>,
    /// Programs with a runtime's name that are not that runtime.
    pub broken: Vec<ProgramError>,
}

/// Every runtime of the machine.
pub fn find_all(manifests: &[Manifest], store: &Store, ask: &dyn Ask) -> Found {
    find_in(manifests, store, env::var_os("PATH").as_deref(), ask)
}

/// The same with a given PATH.
pub fn find_in(manifests: &[Manifest], store: &Store, path: Option<&OsStr>, ask: &dyn Ask) -> Found {
    let mut facts = FactCache::open(store);
    let mut found = Found::default();
    let installed = store.installed();
    for manifest in manifests {
        let manifest = Arc::new(manifest.clone());
        let mut look = |program: PathBuf, origin| match learn(&mut facts, &manifest, program, origin, ask) {
            Ok(runtime) => found.runtimes.push(runtime),
            Err(err) => found.broken.push(err),
        };
        if let Some(program) = on_path(&manifest, path) {
            look(program, Origin::Path);
        }
        for one in installed.iter().filter(|one| one.name == manifest.name) {
            look(one.path(), Origin::Store(one.from.clone()));
        }
    }
    facts.save();
    found
}

/// Whether two paths lead to the same program.
#[must_use]
pub fn is_same_program(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// The runtime that an engine calls: a path, or the name of a program on PATH.
///
/// # Errors
/// It does not exist, or is not such a runtime.
pub fn registered(
    manifest: &Manifest,
    program: &Path,
    store: &Store,
    ask: &dyn Ask,
) -> Result<Runtime, ProgramError> {
    let on_path = program
        .to_str()
        .filter(|name| !name.contains('/'))
        .and_then(program_on_path);
    let runtime = given(
        manifest,
        &on_path.unwrap_or_else(|| program.to_owned()),
        store,
        ask,
    )?;
    Ok(Runtime {
        origin: Origin::Engine,
        ..runtime
    })
}

/// The runtime at a path that the user gave.
pub(crate) fn given(
    manifest: &Manifest,
    program: &Path,
    store: &Store,
    ask: &dyn Ask,
) -> Result<Runtime, ProgramError> {
    let typed = program.to_owned();
    let program = std::path::absolute(program).unwrap_or_else(|_| program.to_owned());
    let mut facts = FactCache::open(store);
    let runtime = learn(
        &mut facts,
        &Arc::new(manifest.clone()),
        program,
        Origin::Given(typed),
        ask,
    );
    facts.save();
    runtime
}

fn learn(
    facts: &mut FactCache,
    manifest: &Arc<Manifest>,
    path: PathBuf,
    origin: Origin,
    ask: &dyn Ask,
) -> Result<Runtime, ProgramError> {
    let known = facts.of(manifest, &path, ask)?;
    let manifest = Arc::clone(manifest);
    Ok(Runtime {
        manifest,
        version: known.version,
        path,
        origin,
        digest: known.digest,
    })
}

fn on_path(manifest: &Manifest, path: Option<&OsStr>) -> Option<PathBuf> {
    manifest.find.iter().find_map(|name| program_on(path, name))
}

/// A program on this program's PATH.
#[must_use]
pub fn program_on_path(name: &str) -> Option<PathBuf> {
    program_on(env::var_os("PATH").as_deref(), name)
}

/// A program on a PATH. Relative entries are left out: what they refer to depends on the current folder.
pub(crate) fn program_on(path: Option<&OsStr>, name: &str) -> Option<PathBuf> {
    env::split_paths(path?)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(is_program)
}

pub(crate) fn is_program(path: &PathBuf) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}
