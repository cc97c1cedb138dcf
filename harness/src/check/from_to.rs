//! The move that a check is about.

use ocidiff_model::RuntimeId;

/// From which runtime to which other.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The runtime under which the workload runs now.
    pub from: &'a RuntimeId,
    /// The runtime under which it will run.
    pub to: &'a RuntimeId,
}
