//! What a run of the program left on the machine: the name of everything of ours contains its process's name.

use std::fs;
use std::path::{Path, PathBuf};

/// The name of a process's things, while it is there or has not been waited for yet: its pid, and when it was
/// started, since pids are reused.
pub(crate) fn name_of(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let start = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(19));
    format!("ocidiff.{pid}.{}", start.expect("a start time"))
}

/// Cgroups, in every hierarchy, and folders of the run with this name.
pub(crate) fn left_by(run: &str) -> Vec<PathBuf> {
    let cgroup = Path::new("/sys/fs/cgroup");
    let mut homes: Vec<PathBuf> = entries(cgroup).into_iter().filter(|path| path.is_dir()).collect();
    homes.extend([cgroup.to_owned(), "/run".into(), std::env::temp_dir()]);
    let mut left: Vec<PathBuf> = homes.iter().flat_map(|home| entries(home)).collect();
    left.retain(|path| is_of(path, run));
    left.sort();
    left.dedup();
    left
}

/// Lets the run's frozen processes receive the signal that ended them, and removes its cgroups.
pub(crate) fn rescue(run: &str) {
    for dir in left_by(run)
        .iter()
        .filter(|path| path.starts_with("/sys/fs/cgroup"))
    {
        below(dir, &|dir| {
            // One of the two exists; the other fails.
            let _ = fs::write(dir.join("freezer.state"), "THAWED");
            let _ = fs::write(dir.join("cgroup.freeze"), "0");
        });
        for _ in 0..100 {
            below(dir, &|dir| {
                let _ = fs::remove_dir(dir);
            });
            if !dir.exists() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// Children first.
fn below(dir: &Path, visit: &dyn Fn(&Path)) {
    entries(dir)
        .iter()
        .filter(|path| path.is_dir())
        .for_each(|path| below(path, visit));
    visit(dir);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

fn is_of(path: &Path, run: &str) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name.strip_prefix(run)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
