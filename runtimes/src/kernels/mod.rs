//! Kernels for virtual machines: Debian's, by series, unpacked into the store. Nothing is installed on the machine.

mod bring;
mod modules;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_confine::{raised, read_text};
use ocidiff_model::version::Version;
use serde::{Deserialize, Serialize};

use crate::install::{AptError, JobError};
use crate::store::{Store, StoreError};
use crate::unpack::UnpackError;

pub use bring::bring;

/// Which kernels are available, and what is taken from them.
static OFFERED: &str = include_str!("../../kernels.yaml");
/// Larger than the record of a kernel.
const MOST_BYTES: u64 = 64 << 10;

/// What can be fetched: `kernels.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// Debian's package that depends on the newest kernel of a suite.
    pub package: String,
    /// The suite of each series.
    pub series: BTreeMap<String, String>,
    /// The series that are fetched if none is named.
    pub default: Vec<String>,
    /// What a machine loads.
    pub modules: Vec<String>,
}

impl Offered {
    /// The program's own list.
    ///
    /// # Errors
    /// It cannot be read, which a test rules out.
    pub fn load() -> Result<Self, KernelError> {
        serde_yaml::from_str(OFFERED).map_err(|error| KernelError::Odd(format!("read kernels.yaml: {error}")))
    }

    /// Every series, the oldest first.
    pub fn in_order(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.series.keys().map(String::as_str).collect();
        all.sort_by_key(|series| version(series));
        all
    }
}

/// A kernel of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// Its series, `6.12`.
    pub series: String,
    /// Its whole release, as `uname -r` prints it.
    pub release: String,
    /// The package that it came from, with its version.
    pub from: String,
    /// The modules in the order in which they are loaded: files in `modules/`.
    pub modules: Vec<String>,
}

/// Why a kernel is not available.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says it")]
pub enum KernelError {
    #[error("install the kernel {series}: Debian has no such series here; it has {has}")]
    Unknown { series: String, has: String },
    #[error("find the kernel {series} in the store: `ocidiff kernels install {series}` installs it")]
    Absent { series: String },
    #[error("install kernels: they are for x86_64, and this machine is {arch}")]
    Arch { arch: String },
    #[error("{0}")]
    Odd(String),
    #[error(transparent)]
    Apt(#[from] AptError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Kernel {
    /// Every kernel of a store, the oldest first.
    pub fn all(store: &Store) -> Vec<Self> {
        let folders = fs::read_dir(store.home().join("kernels"));
        let folders = folders.into_iter().flatten().flatten();
        let mut all: Vec<Self> = folders.filter_map(|entry| read(&entry.path())).collect();
        all.sort_by_key(|kernel| version(&kernel.series));
        all
    }

    /// The kernel of a series, or the newest.
    ///
    /// # Errors
    /// It is not in the store.
    pub fn find(store: &Store, series: Option<&str>) -> Result<Self, KernelError> {
        let mut all = Self::all(store);
        let found = match series {
            Some(series) => all.into_iter().find(|kernel| kernel.series == series),
            None => all.pop(),
        };
        found.ok_or_else(|| KernelError::Absent {
            series: series.unwrap_or("6.12").to_owned(),
        })
    }

    /// Its image.
    pub fn image(&self, store: &Store) -> PathBuf {
        folder(store, &self.series).join("vmlinuz")
    }

    /// The files of its modules, in the order in which they are loaded.
    pub fn module_files(&self, store: &Store) -> Vec<PathBuf> {
        let folder = folder(store, &self.series).join("modules");
        self.modules.iter().map(|name| folder.join(name)).collect()
    }
}

fn folder(store: &Store, series: &str) -> PathBuf {
    store.home().join("kernels").join(series)
}

/// The record of a folder, if it is complete.
fn read(folder: &Path) -> Option<Kernel> {
    let text = read_text(&folder.join("kernel.json"), raised(MOST_BYTES)).ok()?;
    let kernel: Kernel = serde_json::from_str(&text).ok()?;
    let is_in_place = folder.file_name()?.to_str()? == kernel.series;
    (is_in_place && folder.join("vmlinuz").is_file()).then_some(kernel)
}

fn version(series: &str) -> Option<Version> {
    Version::parse(series).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read_and_its_series_are_in_the_order_of_versions() {
        let offered = Offered::load().expect("kernels.yaml");
        assert_eq!(offered.in_order()[..3], ["5.10", "6.1", "6.12"]);
        assert!(offered.default.iter().all(|one| offered.series.contains_key(one)));
    }

    #[test]
    fn a_kernel_counts_from_its_record_on_and_in_its_own_place() {
        let home = tempfile::tempdir().expect("a folder");
        let store = Store::at(home.path());
        for (name, series) in [
            ("6.12", "6.12"),
            ("6.1", "6.1"),
            ("copy", "6.1"),
            ("5.10", "5.10"),
        ] {
            let folder = store.make(Path::new("kernels").join(name)).expect("a folder");
            let kernel = Kernel {
                series: series.to_owned(),
                release: format!("{series}.1-cloud"),
                from: "a package".to_owned(),
                modules: vec!["00-overlay.ko".to_owned()],
            };
            let text = serde_json::to_string(&kernel).expect("json");
            fs::write(folder.join("kernel.json"), text).expect("a file");
            if series != "5.10" {
                fs::write(folder.join("vmlinuz"), "").expect("a file");
            }
        }
        let all: Vec<String> = Kernel::all(&store).into_iter().map(|one| one.series).collect();
        assert_eq!(all, ["6.1", "6.12"]);
        assert_eq!(Kernel::find(&store, None).expect("the newest").series, "6.12");
        let absent = Kernel::find(&store, Some("5.10")).expect_err("none").to_string();
        assert!(absent.contains("`ocidiff kernels install 5.10`"), "{absent}");
    }
}
