//! A cgroup and everything below it: walked, thawed, removed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Removes a cgroup and those below it. Processes that are exiting hold it for a moment.
pub(crate) fn remove_tree(dir: &Path) -> bool {
    for attempt in 0..50 {
        let below = subtree(dir);
        if below
            .iter()
            .rev()
            .map(fs::remove_dir)
            .fold(true, |all, done| all & done.is_ok())
            || !dir.exists()
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1 + attempt));
    }
    false
}

/// Thaws a cgroup, where the hierarchy can freeze at all.
pub(crate) fn thaw(dir: &Path) {
    for (file, value) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
        if dir.join(file).exists() {
            let _ = fs::write(dir.join(file), value);
        }
    }
}

/// Removes what is below a cgroup; true if nothing is left.
pub(crate) fn remove_below(dir: &Path) -> bool {
    subtree(dir)
        .iter()
        .skip(1)
        .filter(|below| below.parent() == Some(dir))
        .all(|below| remove_tree(below))
}

/// The cgroup and everything below it, parents first.
pub(crate) fn subtree(dir: &Path) -> Vec<PathBuf> {
    let mut found = vec![dir.to_owned()];
    let mut next = 0;
    while let Some(current) = found.get(next).cloned() {
        next += 1;
        let Ok(entries) = fs::read_dir(&current) else {
            continue;
        };
        let folders = entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
        folders.sort();
        found.extend(folders);
    }
    found
}
