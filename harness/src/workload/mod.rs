//! A user's container, and the harmless copy of it that is run in its place.
//!
//! | module | what it does |
//! |---|---|
//! | `changed` | what is not the same in the copy, found by comparing |
//! | [`uses`] | what a workload does with devices |
//! | `doubts` | what the copy cannot show of a config |
//! | `env` | the environment's values are hidden, its form stays |
//! | `format`  | whether the kernel can execute a file |
//! | `ground` | what a verdict can depend on in a root file system |
//! | `hooks` | none is run |
//! | [`kernel`] | what this machine does not have |
//! | [`limits`] | the limits that this machine allows |
//! | `looked_at` | what the probe looks at in its place |
//! | [`mounts`](mod@mounts) | the host's files stay out of it |
//! | `namespaces` | joined namespaces are neither the host's nor another container's |
//! | `program` | the workload's own program, where it is a question whether it can be started |
//! | `stand_in` | what stands in for a source of the host |
//! | [`tame`](mod@tame) | the probe's copy of a config: nothing of the host is reached, and each change is listed |
//! | `tree`    | a container's files as it sees them, without anything being mounted |

mod changed;
pub(crate) mod doubts;
pub(crate) mod env;
mod format;
pub(crate) mod ground;
mod hooks;
pub mod kernel;
pub mod limits;
pub(crate) mod looked_at;
pub mod mounts;
mod namespaces;
pub(crate) mod program;
mod stand_in;
pub mod tame;
mod tree;
pub mod uses;

use std::path::PathBuf;

/// A user's container, as its engine describes it to a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// What people call it.
    pub name: String,
    /// The text of its config.json.
    pub config: String,
    /// Its root file system: folders that are laid over each other, the uppermost first. They are only read.
    pub layers: Vec<PathBuf>,
    /// What the probe lacks of it, with a line each.
    pub without: Vec<String>,
}

/// The probe in the container.
pub(crate) const PROBE: &str = "/.ocidiff/probe";
/// The beginning of a change on which a verdict depends: what would be seen without the change is not known.
pub(crate) const UNCHECKED: &str = "not checked: ";
