//! Removes what sessions left whose process was killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::hold::Hold;
use super::name::{Whose, whose};
use super::{end_cgroup, homes};
use crate::machine::cgroup::Layout;

/// What was cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Processes that were ended.
    pub processes: usize,
    /// Cgroups that were removed.
    pub cgroups: usize,
    /// Folders that were removed.
    pub folders: Vec<PathBuf>,
    /// What would not go, and why.
    pub failed: Vec<String>,
}

impl Cleaned {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Removes what nobody holds any more. What is removed is held meanwhile: nobody can begin to use it.
///
/// # Errors
/// The machine's cgroups cannot be read.
pub fn clean() -> io::Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    for hierarchy in Layout::of_machine()?.hierarchies {
        for (dir, _hold) in abandoned(&hierarchy.dir, false) {
            let (processes, cgroups) = end_cgroup(&dir);
            cleaned.processes += processes;
            cleaned.cgroups += cgroups;
            if dir.exists() {
                cleaned
                    .failed
                    .push(format!("{}: it is still in use", dir.display()));
            }
        }
    }
    let mut homes = homes().to_vec();
    homes.dedup();
    for (folder, _hold) in homes.iter().flat_map(|home| abandoned(home, true)) {
        match fs::remove_dir_all(&folder) {
            Ok(()) => cleaned.folders.push(folder),
            Err(error) => cleaned.failed.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok(cleaned)
}

/// Removes the folders of the dead in one home; what will not go is left to [`clean`], which says so.
pub(super) fn sweep(home: &Path) {
    for (folder, _hold) in abandoned(home, true) {
        let _ = fs::remove_dir_all(&folder);
    }
}

/// Cgroups or folders of sessions that nobody holds, each held by us from here on.
fn abandoned(home: &Path, are_folders: bool) -> impl Iterator<Item = (PathBuf, Hold)> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let path = entry.path();
        let name = entry.file_name();
        let whose = whose(name.to_str()?, are_folders);
        // What cannot be locked at all may be somebody's.
        let hold = || Hold::take(&path).ok().flatten();
        let hold = matches!(whose, Whose::Session | Whose::Dead).then(hold)??;
        Some((path, hold))
    })
}
