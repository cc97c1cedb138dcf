//! What of the machine a cell does not see, and why.

use std::path::Path;

/// Something of the machine that a cell does not see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unseen {
    pub(super) path: String,
    pub(super) why: String,
    /// What is mounted below it and is visible.
    pub(super) but: Vec<String>,
}

impl Unseen {
    pub(super) fn new(path: String, why: String) -> Self {
        let but = Vec::new();
        Self { path, why, but }
    }

    /// Whether the path leads to something that is not visible. A run says nothing about a container that has
    /// it mounted.
    pub(super) fn holds(&self, path: &str) -> bool {
        let path = Path::new(path);
        path.starts_with(&self.path) && !self.but.iter().any(|seen| path.starts_with(seen))
    }
}
