//! What becomes of the hooks of a stranger's bundle, told before anything runs.

use std::path::Path;

use crate::bundle::given::config_of;
use crate::bundle::without_hooks;

/// One line, if there are hooks: `hooks: 2 not run (...)`.
pub(super) fn told(folder: &Path, keep: bool) -> Option<String> {
    // One that cannot be read is told by whoever copies it.
    let count = without_hooks(&config_of(folder).ok()?).ok()?.count;
    match (count, keep) {
        (0, _) => None,
        (count, true) => Some(format!("hooks: {count} run in the cell")),
        (count, false) => Some(format!("hooks: {count} not run (--hooks runs them in the cell)")),
    }
}
