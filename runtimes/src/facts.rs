//! What is known about a program file: its version and digest. They are kept by path so that a list is quick, and
//! trusted as long as the file is the same: its inode, its size, and the time of its change, which `touch` cannot
//! set back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ask::{Ask, End};
use crate::manifest::Manifest;
use crate::store::{Store, write_whole};
use ocidiff_confine::{raised, read_text};
use ocidiff_model::version::Version;

/// Why a program is not a usable runtime.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not a program.
    #[error("use {path} as {name}: {why}; give the path of an executable file", path = path.display())]
    NotAProgram {
        /// The runtime's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It does not report its version.
    #[error("read the version of {path}: as {name} it {why}; is it really {name}?", path = path.display())]
    NoVersion {
        /// The runtime's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// How the call ended.
        why: String,
    },
    /// It was not asked for its version.
    #[error("read the version of {path}: it could not be asked: {why}", path = path.display())]
    NotAsked {
        /// The runtime's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is in the way.
        why: String,
    },
}

impl ProgramError {
    /// The runtime that it was to be.
    #[must_use]
    pub fn name(&self) -> &str {
        let (Self::NotAProgram { name, .. } | Self::NoVersion { name, .. } | Self::NotAsked { name, .. }) =
            self;
        name
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::NotAProgram { path, .. } | Self::NoVersion { path, .. } | Self::NotAsked { path, .. }) =
            self;
        path
    }
}

/// The state of a file. Writing to it, or putting another in its place, changes one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileState {
    device: u64,
    inode: u64,
    size: u64,
    modified: [i64; 2],
    changed: [i64; 2],
}

impl FileState {
    fn of(meta: &fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: [meta.mtime(), meta.mtime_nsec()],
            changed: [meta.ctime(), meta.ctime_nsec()],
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    name: String,
    #[serde(flatten)]
    file: FileState,
    pub(crate) version: Version,
    pub(crate) digest: String,
}

/// Larger than the facts of all programs: beyond this, they are determined again.
const MOST_BYTES: u64 = 1 << 20;

/// The facts of every program that was examined before.
#[derive(Debug)]
pub(crate) struct FactCache {
    path: PathBuf,
    known: BTreeMap<PathBuf, Facts>,
    changed: bool,
}

impl FactCache {
    pub(crate) fn open(store: &Store) -> Self {
        let path = store.home().join("programs.json");
        let text = read_text(&path, raised(MOST_BYTES)).unwrap_or_default();
        Self {
            path,
            known: serde_json::from_str(&text).unwrap_or_default(),
            changed: false,
        }
    }

    /// The facts of a program, from the cache as long as the file is the same.
    pub(crate) fn of(
        &mut self,
        manifest: &Manifest,
        program: &Path,
        ask: &dyn Ask,
    ) -> Result<Facts, ProgramError> {
        let not_a_program = |why: String| ProgramError::NotAProgram {
            name: manifest.name.clone(),
            path: program.to_owned(),
            why,
        };
        let meta = fs::metadata(program).map_err(|err| not_a_program(err.to_string()))?;
        if !meta.is_file() || meta.mode() & 0o111 == 0 {
            return Err(not_a_program("it is not an executable file".to_owned()));
        }
        let file = FileState::of(&meta);
        if let Some(facts) = self.known.get(program)
            && (&facts.file, &facts.name) == (&file, &manifest.name)
        {
            return Ok(facts.clone());
        }
        let digest = sha256(program).map_err(|err| not_a_program(err.to_string()))?;
        let version = ask_version(manifest, program, ask)?;
        let facts = Facts {
            name: manifest.name.clone(),
            file,
            version,
            digest,
        };
        self.known.insert(program.to_owned(), facts.clone());
        self.changed = true;
        Ok(facts)
    }

    /// Keeps what was learned. A store that cannot be written costs time, but nothing else.
    pub(crate) fn save(&self) {
        if !self.changed {
            return;
        }
        if let (Some(folder), Ok(text)) = (self.path.parent(), serde_json::to_string(&self.known)) {
            let _ = fs::create_dir_all(folder).map(|()| write_whole(&self.path, &text));
        }
    }
}

/// Asks a program for its version.
fn ask_version(manifest: &Manifest, program: &Path, ask: &dyn Ask) -> Result<Version, ProgramError> {
    let (name, path) = (manifest.name.clone(), program.to_owned());
    let args = manifest.version.args.iter().map(OsString::from);
    let argv: Vec<OsString> = std::iter::once(program.as_os_str().to_owned())
        .chain(args)
        .collect();
    let answer = match ask.ask(&argv) {
        Ok(answer) => answer,
        Err(why) => return Err(ProgramError::NotAsked { name, path, why }),
    };
    manifest
        .read_version(&answer.stdout)
        .filter(|_| answer.end != End::Late)
        .ok_or_else(|| ProgramError::NoVersion {
            name,
            path,
            why: answer.tell(),
        })
}

/// A file's SHA-256 in hex.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
