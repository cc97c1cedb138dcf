//! The move that a check is about.

use ocidiff_model::RuntimeId;

/// From which runtime to which.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// Under which the workload runs.
    pub from: &'a RuntimeId,
    /// Under which it is to run.
    pub to: &'a RuntimeId,
}
