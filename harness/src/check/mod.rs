//! Will these workloads survive a change of runtime?
//!
//! | module | what it does |
//! |---|---|
//! | [`tame`](mod@tame) | the probe's copy of a workload's config: nothing of the host is reached, and each change is told |
//! | [`features`] | what the runtimes say that they support |
//! | [`read`]    | what can be told from a config alone |
//! | `changed` | what the copy has otherwise, found by comparing |
//! | `libc`    | which C library a workload's files have |
//! | `usual`   | what engines put into every config by themselves |
//! | `mounts` | the host's files stay out of it |
//! | [`kernel`], `limits` | what this machine has not, and does not allow |
//! | [`shape`] | workloads that differ in nothing that a runtime looks at are checked once |
//! | [`run`](mod@run) | runs the workload's own command, if that is asked for |
//! | [`look`](mod@look) | runs the probe under both runtimes, and takes what differs each time |
//! | `access` | owner and mode of mount points, by what its user can do |
//! | `devices` | device rules, entry by entry |
//! | `rules`, `values` | how bad differences of facts are that no case knows |
//! | `words` | what a runtime says where it fails |
//! | [`judge`](mod@judge) | how bad it is, why, and what to do |

mod access;
mod changed;
pub mod devices;
pub mod features;
pub mod judge;
pub mod kernel;
pub mod libc;
mod limits;
pub mod look;
mod mounts;
pub mod read;
mod rules;
pub mod run;
pub mod shape;
pub mod tame;
mod usual;
mod values;
mod words;

use std::path::PathBuf;

/// A container of somebody's, as its engine describes it to a runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// How people call it.
    pub name: String,
    /// The text of its config.json.
    pub config: String,
    /// Its root file system: folders that are laid over each other, the uppermost first. They are only read.
    pub layers: Vec<PathBuf>,
    /// What of it the probe has not, a line each.
    pub without: Vec<String>,
}
