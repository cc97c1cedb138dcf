//! Removes what is left of sessions whose process was killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::hold::Hold;
use super::name::{Whose, has_ended, whose};
use super::{end_cgroup, homes};
use crate::machine::cgroup::{Layout, Parents};

/// How long to wait for the lock of a run that has ended. A child of it that has not reached its exec yet has the
/// lock's descriptor too, until it does, or until it dies with its parent.
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
    /// What could not be removed, and why.
    pub failed: Vec<String>,
}

impl Cleaned {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The hold; where there is none, that it cannot be had is a failure.
    fn held(&mut self, path: &Path, hold: Option<Hold>) -> Option<Hold> {
        if hold.is_none() {
            let path = path.display();
            let message = format!("{path}: its run has ended, and a process still holds it");
            self.failed.push(message);
        }
        hold
    }
}

/// Removes what is not held any more. What is being removed is held meanwhile, so that it cannot be put to use.
///
/// # Errors
/// The machine's cgroups cannot be read.
pub fn clean() -> io::Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    let until = Instant::now() + PATIENCE;
    let layout = Layout::of_machine()?;
    for hierarchy in &layout.hierarchies {
        for (dir, hold) in abandoned(&hierarchy.dir, false, until) {
            let Some(_hold) = cleaned.held(&dir, hold) else {
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
        let Some(_hold) = cleaned.held(&folder, hold) else {
            continue;
        };
        let mut parents = Parents::noted(&layout, &folder);
        if !parents.remove() {
            cleaned.failed.extend(parents.told(&layout));
            continue;
        }
        match fs::remove_dir_all(&folder) {
            Ok(()) => cleaned.folders.push(folder),
            Err(error) => cleaned.failed.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok(cleaned)
}

/// Removes the folders of dead sessions in one home; what cannot be removed is left to [`clean`], which reports it.
pub(super) fn sweep(home: &Path) {
    let Ok(layout) = Layout::of_machine() else { return };
    for (folder, hold) in abandoned(home, true, Instant::now()) {
        let Some(_hold) = hold else { continue };
        if Parents::noted(&layout, &folder).remove() {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Cgroups or folders of sessions that have ended, each held by us from here on. They come without a hold where the
/// session's process is gone, but the lock still cannot be had.
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
            // What cannot be locked at all may belong to something else.
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
