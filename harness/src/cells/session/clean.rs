//! Removes what sessions left whose process was killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::hold::Hold;
use super::name::{Whose, has_ended, whose};
use super::{end_cgroup, homes};
use crate::machine::cgroup::Layout;

/// How long the lock of a run that has ended is waited for. A child of its that had not come to its exec yet has the
/// lock's descriptor too, until it does, or dies of its parent's death.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let until = Instant::now() + PATIENCE;
    for hierarchy in Layout::of_machine()?.hierarchies {
        for (dir, hold) in abandoned(&hierarchy.dir, false, until) {
            let Some(_hold) = hold else {
                cleaned.failed.push(still_held(&dir));
                continue;
            };
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
    for (folder, hold) in homes.iter().flat_map(|home| abandoned(home, true, until)) {
        let Some(_hold) = hold else {
            cleaned.failed.push(still_held(&folder));
            continue;
        };
        match fs::remove_dir_all(&folder) {
            Ok(()) => cleaned.folders.push(folder),
            Err(error) => cleaned.failed.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok(cleaned)
}

fn still_held(path: &Path) -> String {
    format!(
        "{}: its run has ended, and a process still holds it",
        path.display()
    )
}

/// Removes the folders of the dead in one home; what will not go is left to [`clean`], which says so.
pub(super) fn sweep(home: &Path) {
    for (folder, hold) in abandoned(home, true, Instant::now()) {
        if let Some(_hold) = hold {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Cgroups or folders of sessions that have ended, each held by us from here on; without a hold where the session's
/// process is seen to be gone, and still the lock is not to be had.
fn abandoned(
    home: &Path,
    are_folders: bool,
    until: Instant,
) -> impl Iterator<Item = (PathBuf, Option<Hold>)> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str()?;
        if !matches!(whose(name, are_folders), Whose::Session | Whose::Dead) {
            return None;
        }
        loop {
            // What cannot be locked at all may be somebody's.
            if let Some(hold) = Hold::take(&path).ok()? {
                return Some((path, Some(hold)));
            }
            if !(path.exists() && has_ended(name)) {
                return None;
            }
            if Instant::now() >= until {
                return Some((path, None));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}
