//! What happens to the hooks of an untrusted bundle, reported before anything runs.

use std::path::Path;

use crate::bundle::given::config_of;
use crate::bundle::without_hooks;

/// One line, if there are hooks: `hooks: 2 not run (...)`.
pub(super) fn told(folder: &Path, keep: bool) -> Option<String> {
    // A config that cannot be read is reported by the code that copies it.
    let count = without_hooks(&config_of(folder).ok()?).ok()?.count;
    match (count, keep) {
        (0, _) => None,
        (count, true) => Some(format!("hooks: {count} run in the cell")),
        (count, false) => Some(format!("hooks: {count} not run (--hooks runs them in the cell)")),
    }
}
