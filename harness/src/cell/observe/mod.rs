//! What can be seen from outside the container, each channel in its own file.

pub(crate) mod cgroup;
mod few;
pub(crate) mod file;
pub(crate) mod hook;
pub(crate) mod leftover;
pub(crate) mod lifecycle;
pub(crate) mod mount;
pub(crate) mod printed;
pub(crate) mod proc;
pub(crate) mod setup;
pub(crate) mod stdio;

use std::collections::BTreeMap;

/// Names that have come so far: the second of a name is `NAME#2`.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, u32>);

impl Names {
    /// How many times the name has come, this one counted.
    pub(crate) fn count(&mut self, name: &str) -> u32 {
        let count = self.0.entry(name.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    /// The name, told apart from those before.
    pub(crate) fn next(&mut self, name: String) -> String {
        let count = self.count(&name);
        counted(name, count)
    }
}

/// `NAME#2`, and the first as it is.
pub(crate) fn counted(name: String, count: u32) -> String {
    if count == 1 {
        name
    } else {
        format!("{name}#{count}")
    }
}
