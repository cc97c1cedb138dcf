//! The folder where installed runtimes, fetched packages and known versions are kept.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};

use ocidiff_confine::{raised, read_text};
use ocidiff_model::version::Version;

/// Larger than the record of an installed runtime.
const MOST_BYTES: u64 = 256 << 10;

/// The store: `$OCIDIFF_HOME`, or a folder in the user's cache.
#[derive(Debug, Clone)]
pub struct Store {
    home: PathBuf,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing says where it is.
    #[error("find the store: set OCIDIFF_HOME to a folder, or HOME")]
    NoHome,
    /// The system refused.
    #[error("use {path} in the store: {source}; OCIDIFF_HOME names another folder", path = path.display())]
    Io {
        /// What was touched.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// What was installed, and from what: the store's `installed.json`, written last.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The runtime's name.
    pub name: String,
    /// The version that it prints.
    pub version: Version,
    /// Where the folder was when it was installed: its loader's path is written into the program.
    pub folder: PathBuf,
    /// The program, inside the folder.
    pub program: PathBuf,
    /// The program's SHA-256.
    pub sha256: String,
    /// Where it came from, such as `debian sid`.
    pub from: String,
    /// The packages with their versions and digests.
    pub packages: Vec<InstalledPackage>,
}

/// A package that an installed runtime was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstalledPackage {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// The SHA-256 of the file; empty for a crate, which cargo checks by the lock file.
    pub sha256: String,
}

/// The lock on a store; other installs wait while it lives.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
    /// Another process held it: what was known about the store may be outdated.
    pub(crate) waited: bool,
}

impl Store {
    /// The store that the environment names.
    pub fn from_env() -> Result<Self, StoreError> {
        let folder = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let home = env::var_os("OCIDIFF_HOME")
            .filter(|v| !v.is_empty())
            .map(PathBuf::from);
        let home = match home {
            Some(home) => std::path::absolute(&home).map_err(StoreError::at(&home))?,
            None => folder("XDG_CACHE_HOME")
                // Without HOME (cron, systemd), the user's entry in /etc/passwd says where.
                .or_else(|| {
                    env::home_dir()
                        .filter(|home| home.is_absolute())
                        .map(|home| home.join(".cache"))
                })
                .map(|cache| cache.join("ocidiff"))
                .ok_or(StoreError::NoHome)?,
        };
        Ok(Self { home })
    }

    /// A store in a folder.
    pub fn at(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into() }
    }

    /// The store's folder.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where a runtime's version is kept.
    pub fn folder_of(&self, name: &str, version: &Version) -> PathBuf {
        self.home.join("runtimes").join(name).join(version.as_str())
    }

    /// Everything that is completely installed, by name and version.
    pub fn installed(&self) -> Vec<Installed> {
        let mut found: Vec<_> = folders(&self.home.join("runtimes"))
            .iter()
            .flat_map(|runtime| folders(runtime))
            .filter_map(|folder| read_installed(&folder))
            .collect();
        found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        found
    }

    /// One version, if it is completely installed.
    pub fn get(&self, name: &str, version: &Version) -> Option<Installed> {
        self.installed()
            .into_iter()
            .find(|one| one.name == name && one.version == *version)
    }

    /// Makes a folder of the store.
    pub(crate) fn make(&self, relative: impl AsRef<Path>) -> Result<PathBuf, StoreError> {
        let path = self.home.join(relative);
        fs::create_dir_all(&path).map_err(StoreError::at(&path))?;
        Ok(path)
    }

    /// Takes the store's lock; `wait` is called if another process holds it.
    pub(crate) fn lock(&self, wait: impl FnOnce()) -> Result<StoreLock, StoreError> {
        let path = self.make("")?.join("lock");
        let io = StoreError::at(&path);
        let take = || -> io::Result<StoreLock> {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path)?;
            let waited = flock(&file, FlockOperation::NonBlockingLockExclusive).is_err();
            if waited {
                wait();
                flock(&file, FlockOperation::LockExclusive)?;
            }
            Ok(StoreLock { _file: file, waited })
        };
        take().map_err(io)
    }
}

impl Installed {
    /// The program's path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.program)
    }
}

/// The record of a folder, if it is complete and still where it was put.
fn read_installed(folder: &Path) -> Option<Installed> {
    let text = read_text(&folder.join("installed.json"), raised(MOST_BYTES)).ok()?;
    let one: Installed = serde_json::from_str(&text).ok()?;
    (one.folder == folder && one.path().is_file()).then_some(one)
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}

/// Writes a file completely or not at all.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(StoreError::at(path))
}
