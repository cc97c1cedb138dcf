//! The move that a check is about, and what a difference shows of its two sides.

use ocidiff_model::{Difference, RuntimeId, Value};

/// From which runtime to which other.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The runtime under which the workload runs now.
    pub from: &'a RuntimeId,
    /// The runtime under which it will run.
    pub to: &'a RuntimeId,
}

/// A runtime, for tests.
#[cfg(test)]
pub(crate) fn who(name: &str, version: &str) -> RuntimeId {
    RuntimeId {
        name: name.to_owned(),
        version: version.parse().expect("a version"),
        label: name.to_owned(),
    }
}

/// The value of a fact under each of the two runtimes.
pub(super) fn values(difference: &Difference, step: Move<'_>) -> (Option<Value>, Option<Value>) {
    let value = |who: &RuntimeId| {
        let mut groups = difference.groups.iter();
        groups
            .find(|group| group.runtimes.contains(&who.label))
            .and_then(|group| group.value.clone())
    };
    (value(step.from), value(step.to))
}
