//! The corpus: cases with what is known about them, recipes, profiles, requirements. It is loaded and checked
//! as a whole, so that mistakes in it do not show up in the middle of a run.

mod adhoc;
mod check;
pub(crate) mod config;
pub mod configs;
pub mod diagnostic;
pub mod document;
pub mod files;
pub mod folder;
mod layout;
pub(crate) mod limits;
mod load;
mod memory;
pub(crate) mod names;
pub mod print;
pub mod source;
pub(crate) mod spec;

use std::collections::BTreeMap;

use ocidiff_model::{Case, Catalogue, FileSpec, Known, Requirement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use adhoc::load_one;
pub(crate) use check::departures;
pub use diagnostic::{Diagnostic, Diagnostics};
#[cfg(test)]
pub(crate) use load::sources as load_sources;
pub use load::{load, load_folder, load_shared};

/// A distribution's package that a rootfs is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the package file, in hexadecimal.
    pub sha256: String,
}

/// How a rootfs is made: `cases/rootfs/NAME.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// One line: what is in it.
    pub summary: String,
    /// The distribution's suite that the packages come from.
    #[serde(default)]
    pub suite: Option<String>,
    /// Packages, unpacked in this order.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// Entries that are added after the packages, as in a case's `files`.
    #[serde(default)]
    pub files: BTreeMap<String, FileSpec>,
}

/// What is written in a case, and about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The case.
    pub case: Case,
    /// Its known differences.
    pub known: Known,
}

/// Everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corpus {
    /// The cases in order of their names.
    pub entries: Vec<Entry>,
    /// Recipes by name.
    pub rootfs: BTreeMap<String, Recipe>,
    /// Seccomp profiles by name, as the config's `linux.seccomp`.
    pub profiles: BTreeMap<String, serde_json::Value>,
    /// Clauses by id.
    pub requirements: BTreeMap<String, Requirement>,
    /// The names of the runtimes that have manifests.
    pub runtimes: Vec<String>,
    /// Every finding.
    pub findings: Catalogue,
    /// The config over which that of every case is laid.
    pub default_config: serde_json::Value,
}

impl Corpus {
    /// The case with a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.case.name == name)
    }
}
