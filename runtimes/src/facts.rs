//! What is known of a program file: its version and digest, kept by path, size and time so that a list is quick.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::manifest::Manifest;
use crate::process;
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
    /// It does not tell its version.
    #[error("read the version of {path}: as {name} it {why}; is it really {name}?", path = path.display())]
    NoVersion {
        /// The runtime's name.
        name: String,
        /// The file.
        path: PathBuf,
        /// How the call ended.
        why: String,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Facts {
    name: String,
    size: u64,
    modified: i128,
    pub(crate) version: Version,
    pub(crate) digest: String,
}

/// More than all programs have: what is known of them is found out again.
const MOST_BYTES: u64 = 1 << 20;

/// The facts of every program that was looked at before.
#[derive(Debug)]
pub(crate) struct FactCache {
    path: PathBuf,
    known: BTreeMap<PathBuf, Facts>,
    changed: bool,
}

impl FactCache {
    pub(crate) fn open(store: &Store) -> Self {
        let path = store.home().join("facts.json");
        let text = read_text(&path, raised(MOST_BYTES)).unwrap_or_default();
        Self {
            path,
            known: serde_json::from_str(&text).unwrap_or_default(),
            changed: false,
        }
    }

    /// The facts of a program, from the cache while the file is the same.
    pub(crate) fn of(&mut self, manifest: &Manifest, program: &Path) -> Result<Facts, ProgramError> {
        let not_a_program = |why: String| ProgramError::NotAProgram {
            name: manifest.name.clone(),
            path: program.to_owned(),
            why,
        };
        let meta = fs::metadata(program).map_err(|err| not_a_program(err.to_string()))?;
        if !meta.is_file() || meta.mode() & 0o111 == 0 {
            return Err(not_a_program("it is not an executable file".to_owned()));
        }
        let modified = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        if let Some(facts) = self.known.get(program)
            && (facts.size, facts.modified, &facts.name) == (meta.len(), modified, &manifest.name)
        {
            return Ok(facts.clone());
        }
        let version = ask_version(manifest, program)?;
        let digest = sha256(program).map_err(|err| not_a_program(err.to_string()))?;
        let facts = Facts {
            name: manifest.name.clone(),
            size: meta.len(),
            modified,
            version,
            digest,
        };
        self.known.insert(program.to_owned(), facts.clone());
        self.changed = true;
        Ok(facts)
    }

    /// Keeps what was learned. A store that cannot be written costs time, nothing else.
    pub(crate) fn save(&self) {
        if !self.changed {
            return;
        }
        if let (Some(folder), Ok(text)) = (self.path.parent(), serde_json::to_string(&self.known)) {
            let _ = fs::create_dir_all(folder).map(|()| write_whole(&self.path, &text));
        }
    }
}

/// Asks a program for its version: the only call of a runtime outside the containment.
fn ask_version(manifest: &Manifest, program: &Path) -> Result<Version, ProgramError> {
    let no_version = |why: String| ProgramError::NoVersion {
        name: manifest.name.clone(),
        path: program.to_owned(),
        why,
    };
    let mut command = Command::new(program);
    command.args(&manifest.version.args);
    let ended = process::run(&mut command, process::LIMIT, process::CAP)
        .map_err(|err| no_version(format!("did not start: {err}")))?;
    manifest
        .read_version(&ended.stdout)
        .filter(|_| !ended.late)
        .ok_or_else(|| no_version(ended.tell()))
}

/// A file's SHA-256 in hex.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    Ok(format!("{:x}", hasher.finalize()))
}
