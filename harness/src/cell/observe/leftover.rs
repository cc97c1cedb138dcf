//! What is left after delete: processes, mounts, cgroups, files of the runtime.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ocidiff_model::Fact;

use crate::cell::paths;

const TOP: &str = "/sys/fs/cgroup";
/// A process that was killed needs a moment to go; what is there after this stays.
const SETTLE: Duration = Duration::from_millis(150);

/// What was there before the runtime was first called.
#[derive(Debug)]
pub(crate) struct Before {
    mounts: BTreeSet<String>,
    files: BTreeSet<String>,
    /// Where what is written to the machine's files is kept, by where it is mounted.
    uppers: Vec<(String, String)>,
}

impl Before {
    /// Looks before the first call.
    pub(crate) fn look() -> Self {
        Self {
            mounts: mounts(),
            files: files(),
            uppers: uppers(),
        }
    }

    /// What is there now that was not.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        let deadline = Instant::now() + SETTLE;
        while Instant::now() < deadline && !(processes().is_empty() && cgroups().is_empty()) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mounts: Vec<String> = mounts().difference(&self.mounts).cloned().collect();
        // Hidden folders under the root are what a runtime keeps for all containers: no leftover of this one.
        let (caches, files): (Vec<String>, Vec<String>) = files()
            .difference(&self.files)
            .cloned()
            .partition(|name| name.starts_with("root/."));
        vec![
            Fact::new("leftover.processes", processes()),
            Fact::new("leftover.mounts", mounts),
            Fact::new("leftover.cgroups", cgroups()),
            Fact::new("leftover.files", files),
            Fact::new("leftover.caches", caches),
            Fact::new("leftover.machine", self.written()),
        ]
    }

    fn written(&self) -> Vec<String> {
        let all = self.uppers.iter();
        all.flat_map(|(target, upper)| written(Path::new(upper), target.trim_end_matches('/')))
            .collect()
    }
}

/// The upper layers of the overlays that stand for the machine's files.
fn uppers() -> Vec<(String, String)> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found: Vec<_> = table
        .lines()
        .filter_map(|line| {
            let target = super::super::isolate::unescape(line.split(' ').nth(4)?);
            let upper = line
                .rsplit(' ')
                .next()?
                .split(',')
                .find_map(|option| option.strip_prefix("upperdir="))?;
            Some((target, upper.to_owned()))
        })
        .filter(|(_, upper)| Path::new(upper).starts_with(paths::MACHINE))
        .collect();
    found.sort();
    found
}

/// The names of the processes of the cell, but for the cell's own and those that have ended.
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
    table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(super::super::isolate::unescape)
        .collect()
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
    let own = Path::new(TOP).join(crate::cgroup::CELL);
    tops()
        .iter()
        .flat_map(|top| {
            crate::cgroup::subtree(top)
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

/// What was written to the machine's files, files only: all of it is in the overlay and goes with the cell.
fn written(folder: &Path, prefix: &str) -> Vec<String> {
    let mut entries: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let path = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(written(&entry.path(), &path));
        } else {
            found.push(path);
        }
    }
    found
}

/// What lies under the runtime's root, and what it made elsewhere in the only place that it can write to.
fn files() -> BTreeSet<String> {
    let names = |folder: &str| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let state = names(paths::ROOT).into_iter().map(|name| format!("root/{name}"));
    let run = names("/run").into_iter().map(|name| format!("/run/{name}"));
    let tmp = names(paths::TMP).into_iter().map(|name| format!("tmp/{name}"));
    state.chain(run).chain(tmp).collect()
}
