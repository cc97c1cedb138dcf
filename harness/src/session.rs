//! What a run of the program makes on the machine, and how it is found again when the program was killed.
//!
//! One folder (`/run/ocidiff.PID.START.RANDOM`, or under the folder for temporary files) and one cgroup in each
//! hierarchy (`ocidiff.PID.START`). The name says which process made it: what belongs to a process that lives
//! is never touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::cgroup::{self, Layout, subtree};

const PREFIX: &str = "ocidiff.";

/// A session; dropping it removes its folder and its cgroups.
#[derive(Debug)]
pub struct Session {
    name: String,
    folder: TempDir,
    /// The machine's hierarchies.
    pub layout: Layout,
}

impl Session {
    /// Starts one.
    ///
    /// # Errors
    /// No folder can be made, or there is no cgroup hierarchy.
    pub fn start() -> io::Result<Self> {
        let layout = Layout::of_machine()?;
        let pid = std::process::id();
        let start = start_time(pid).ok_or_else(|| io::Error::other("/proc is not mounted"))?;
        let name = format!("{PREFIX}{pid}.{start}");
        let prefix = format!("{name}.");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).permissions(private());
        let folder = builder
            .tempdir_in(homes()[0].clone())
            .or_else(|_| builder.tempdir())?;
        Ok(Self { name, folder, layout })
    }

    /// Its name, which says which process it is of.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the cgroups of a run.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn cgroups(&self, run: &str) -> io::Result<Layout> {
        self.layout.make(&self.name, run)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for hierarchy in &self.layout.hierarchies {
            let dir = hierarchy.dir.join(&self.name);
            if dir.exists() {
                end_cgroup(&dir);
            }
        }
    }
}

/// 0711: a container's process that lost root must still reach the layers.
fn private() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o711)
}

/// Where session folders can be.
fn homes() -> [PathBuf; 2] {
    ["/run".into(), std::env::temp_dir()]
}

/// When a process was started, in clock ticks since boot: with the pid it names the process for ever.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

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

/// Removes what sessions of dead processes left.
///
/// # Errors
/// The machine's cgroups cannot be read.
pub fn clean() -> io::Result<Cleaned> {
    let mut cleaned = Cleaned::default();
    for hierarchy in Layout::of_machine()?.hierarchies {
        for dir in stale(&hierarchy.dir) {
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
    for folder in homes.iter().flat_map(|home| stale(home)) {
        match fs::remove_dir_all(&folder) {
            Ok(()) => cleaned.folders.push(folder),
            Err(error) => cleaned.failed.push(format!("{}: {error}", folder.display())),
        }
    }
    Ok(cleaned)
}

/// Folders of sessions whose process is gone.
fn stale(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink() && is_stale(path))
        .collect()
}

fn is_stale(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(is_of_the_dead)
}

/// Whether a name is that of a session whose process is gone, as far as this pid namespace shows.
pub(crate) fn is_of_the_dead(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return false;
    };
    let mut parts = rest.split('.');
    let (Some(Ok(pid)), Some(Ok(start))) = (
        parts.next().map(str::parse::<u32>),
        parts.next().map(str::parse::<u64>),
    ) else {
        return false;
    };
    start_time(pid) != Some(start)
}

/// Ends every process in a cgroup of ours and removes it with all below. How many of each.
fn end_cgroup(dir: &Path) -> (usize, usize) {
    let tree = subtree(dir);
    let mut processes = 0;
    for cgroup_dir in &tree {
        // A frozen process takes its signal only once it is thawed.
        cgroup::thaw(cgroup_dir);
        let members = fs::read_to_string(cgroup_dir.join("cgroup.procs")).unwrap_or_default();
        for pid in members
            .lines()
            .filter_map(|line| line.parse::<i32>().ok())
            .filter(|pid| *pid > 1)
        {
            if pid.cast_unsigned() != std::process::id() && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok()
            {
                processes += 1;
            }
        }
    }
    cgroup::remove_tree(dir);
    let left = if dir.exists() { subtree(dir).len() } else { 0 };
    (processes, tree.len() - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_processes_left_is_stale() {
        let pid = std::process::id();
        let start = start_time(pid).expect("own start");
        for (name, expected) in [
            (format!("ocidiff.{pid}.{start}.abc"), false),
            (format!("ocidiff.{pid}.{}.abc", start + 1), true),
            (format!("ocidiff.{}.1.abc", u32::MAX), true),
            ("ocidiff".to_owned(), false),
            ("ocidiff.x.y".to_owned(), false),
            (format!("other.{pid}.1"), false),
        ] {
            assert_eq!(is_stale(Path::new(&name)), expected, "{name}");
        }
    }
}
