//! What is left after delete: processes, mounts, cgroups, and files of the runtime.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ocidiff_confine::mountinfo;
use ocidiff_model::Fact;

use super::few::{few, few_as_they_are, few_paths};
use crate::paths;

const TOP: &str = "/sys/fs/cgroup";
/// A process that was killed needs a moment to go; whatever is there after this will stay.
const SETTLE: Duration = Duration::from_millis(150);

/// How deep nested folders are searched: each is held open.
const DEPTH: usize = 100;

/// What was there before the runtime was first called.
#[derive(Debug)]
pub(crate) struct Before {
    mounts: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Where changes to the machine's files are kept, by mount point.
    uppers: Vec<(String, String)>,
}

impl Before {
    /// Looks before the first call.
    pub(crate) fn look() -> Self {
        Self {
            mounts: mounts(),
            files: files().collect(),
            uppers: uppers(),
        }
    }

    /// What is there now that was not there before.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let deadline = Instant::now() + SETTLE;
        while Instant::now() < deadline && !(processes().is_empty() && cgroups().is_empty()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let new = |name: &String| !self.files.contains(name);
        // Hidden folders under the root are what a runtime keeps for all containers, not leftovers of this one.
        let is_cache = |name: &String| name.starts_with("root/.");
        vec![
            Fact::new("leftover.processes", few(processes().into_iter())),
            Fact::new("leftover.mounts", few(mounts().difference(&self.mounts).cloned())),
            Fact::new("leftover.cgroups", few_as_they_are(cgroups())),
            Fact::new(
                "leftover.files",
                few(files().filter(new).filter(|name| !is_cache(name))),
            ),
            Fact::new("leftover.caches", few(files().filter(new).filter(is_cache))),
            Fact::new("leftover.machine", few_paths(self.written())),
        ]
    }

    fn written(&self) -> impl Iterator<Item = PathBuf> {
        let all = self.uppers.iter();
        all.flat_map(|(target, upper)| Written::below(Path::new(upper), target))
    }
}

/// The upper layers of the overlays that stand in for the machine's files.
fn uppers() -> Vec<(String, String)> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found: Vec<_> = mountinfo::parse(&table)
        .into_iter()
        .filter_map(|mount| {
            let options = mount.of_filesystem.split(',');
            let upper = options
                .filter_map(|option| option.strip_prefix("upperdir="))
                .next()?;
            Some((mount.target.clone(), upper.to_owned()))
        })
        .filter(|(_, upper)| Path::new(upper).starts_with(paths::MACHINE))
        .collect();
    found.sort();
    found
}

/// The names of the processes in the cell, except for the cell's own and those that have ended.
fn processes() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != std::process::id())
        .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| {
            let (head, tail) = stat.rsplit_once(')')?;
            let gone = tail.trim_start().starts_with(['Z', 'X']);
            (!gone).then(|| head.split_once('(').map(|(_, name)| name.to_owned()))?
        })
        .collect();
    names.sort();
    names
}

fn mounts() -> BTreeSet<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = mountinfo::parse(&table).into_iter();
    mounts.map(|mount| mount.target).collect()
}

/// The run's own cgroup in every hierarchy.
fn tops() -> Vec<PathBuf> {
    if Path::new(TOP).join("cgroup.procs").exists() {
        return vec![PathBuf::from(TOP)];
    }
    let entries = fs::read_dir(TOP).into_iter().flatten().flatten();
    let mut tops: Vec<_> = entries.map(|entry| entry.path()).collect();
    tops.retain(|path| path.is_dir() && !path.is_symlink());
    tops.sort();
    tops
}

/// `memory/main` for each cgroup below the run's own.
fn cgroups() -> Vec<String> {
    let own = Path::new(TOP).join(crate::machine::cgroup::CELL);
    tops()
        .iter()
        .flat_map(|top| {
            crate::machine::cgroup::subtree(top)
                .into_iter()
                .skip(1)
                .filter(|path| *path != own)
                .filter_map(|path| {
                    path.strip_prefix(TOP)
                        .ok()
                        .map(|path| path.to_string_lossy().into_owned())
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What was written to the machine's files, listing files only: all of it is in the overlay and goes with the cell.
struct Written {
    /// The folders that are being read, each with its path as it is reported.
    open: Vec<(fs::ReadDir, PathBuf)>,
}

impl Written {
    /// The upper layer of what is mounted at the target.
    fn below(folder: &Path, target: &str) -> Self {
        let open = fs::read_dir(folder)
            .into_iter()
            .map(|entries| (entries, PathBuf::from(target)));
        Self { open: open.collect() }
    }
}

impl Iterator for Written {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        loop {
            let (entries, prefix) = self.open.last_mut()?;
            let Some(entry) = entries.next() else {
                self.open.pop();
                continue;
            };
            let Ok(entry) = entry else { continue };
            let path = prefix.join(entry.file_name());
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                return Some(path);
            }
            if self.open.len() == DEPTH {
                return Some(path.join("..."));
            }
            self.open
                .extend(fs::read_dir(entry.path()).map(|entries| (entries, path)));
        }
    }
}

/// What is under the runtime's root, and what it made elsewhere in the only place that it can write to.
fn files() -> impl Iterator<Item = String> {
    let names = |folder: &'static str, prefix: &'static str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(move |entry| format!("{prefix}/{}", entry.file_name().to_string_lossy()))
    };
    let state = names(paths::ROOT, "root");
    state.chain(names("/run", "/run")).chain(names(paths::TMP, "tmp"))
}
