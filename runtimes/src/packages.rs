//! Debian packages for a root file system: pinned by version and SHA-256, fetched once.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::facts::sha256;
use crate::install::{Apt, AptError, Planned};
use crate::machine::Machine;
use crate::store::{Store, StoreError};
use crate::unpack::{UnpackError, unpack_package};

/// One package of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The package's name.
    pub name: String,
    /// The full Debian version.
    pub version: String,
    /// The file's SHA-256 in hex.
    pub sha256: String,
}

/// Why a pinned package is not available.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The suite has moved on.
    #[error(
        "fetch {name} {version}: Debian's {suite} now has {has}; write that version and its SHA-256 into the recipe, \
         or take the file from a machine that has it in its store"
    )]
    Moved {
        /// The package.
        name: String,
        /// The version that is pinned.
        version: String,
        /// The suite.
        suite: String,
        /// The version that is there.
        has: String,
    },
    /// The file is not the pinned one.
    #[error(
        "verify {name} {version}: its SHA-256 is {is}, the recipe says {pinned}; do not use it, look why they differ"
    )]
    Digest {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// The digest of the file.
        is: String,
        /// What the recipe says.
        pinned: String,
    },
    /// It does not unpack.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// apt cannot be used or failed.
    #[error(transparent)]
    Apt(#[from] AptError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The files of pinned packages, in the pins' order; no network is used if they are in the store.
pub fn fetch(store: &Store, suite: &str, pins: &[Pin]) -> Result<Vec<PathBuf>, PackageError> {
    fetch_on(&Machine::this(), store, suite, pins)
}

/// The same on a given machine.
pub fn fetch_on(
    machine: &Machine,
    store: &Store,
    suite: &str,
    pins: &[Pin],
) -> Result<Vec<PathBuf>, PackageError> {
    if pins.iter().any(|pin| !is_cached(store, pin)) {
        let _lock = store.lock(|| ())?;
        let missing: Vec<_> = pins.iter().filter(|pin| !is_cached(store, pin)).collect();
        if !missing.is_empty() {
            bring(machine, store, suite, &missing)?;
        }
    }
    Ok(pins.iter().map(|pin| cached(store, pin)).collect())
}

/// Unpacks a package's files into a folder, without running any of its scripts.
///
/// # Errors
/// There is no `dpkg-deb`, or the package is not one.
pub fn unpack(package: &Path, folder: &Path) -> Result<(), PackageError> {
    Ok(unpack_package(&Machine::this(), package, folder)?)
}

fn cached(store: &Store, pin: &Pin) -> PathBuf {
    store.home().join("packages").join(format!("{}.deb", pin.sha256))
}

/// A file that has been damaged since is fetched again.
fn is_cached(store: &Store, pin: &Pin) -> bool {
    sha256(&cached(store, pin)).is_ok_and(|digest| digest == pin.sha256)
}

fn bring(machine: &Machine, store: &Store, suite: &str, pins: &[&Pin]) -> Result<(), PackageError> {
    let apt = Apt::open(machine, store, suite)?;
    let exact: Vec<String> = pins
        .iter()
        .map(|pin| format!("{}={}", pin.name, pin.version))
        .collect();
    let fresh = apt.update(false, &mut |_| ())?;
    let mut plan = apt.plan_alone(&exact);
    if plan.is_err() && !fresh {
        apt.update(true, &mut |_| ())?;
        plan = apt.plan_alone(&exact);
    }
    let plan = plan.map_err(|err| moved(&apt, suite, pins).unwrap_or(err.into()))?;
    apt.fetch_alone(&exact, &mut |_| ())?;
    store.make("packages")?;
    pins.iter().try_for_each(|pin| keep(&apt, store, pin, &plan))
}

/// The first pin for which the suite has another version.
fn moved(apt: &Apt<'_>, suite: &str, pins: &[&Pin]) -> Option<PackageError> {
    pins.iter().find_map(|pin| {
        let there = apt
            .plan_alone(std::slice::from_ref(&pin.name))
            .ok()?
            .into_iter()
            .next()?;
        (there.version != pin.version).then(|| PackageError::Moved {
            name: pin.name.clone(),
            version: pin.version.clone(),
            suite: suite.to_owned(),
            has: there.version,
        })
    })
}

/// Moves a fetched file to its place, if it is the pinned one.
fn keep(apt: &Apt<'_>, store: &Store, pin: &Pin, plan: &[Planned]) -> Result<(), PackageError> {
    let one = plan.iter().find(|one| one.name == pin.name);
    let file = apt.archives().join(one.map_or("", |one| one.file.as_str()));
    let is = sha256(&file).map_err(StoreError::at(&file))?;
    if is != pin.sha256 {
        let _ = fs::remove_file(&file);
        return Err(PackageError::Digest {
            name: pin.name.clone(),
            version: pin.version.clone(),
            is,
            pinned: pin.sha256.clone(),
        });
    }
    let place = cached(store, pin);
    Ok(fs::rename(&file, &place).map_err(StoreError::at(&place))?)
}
