//! What a run of the program left on the machine: everything of ours has its pid in its name.

use std::fs;
use std::path::{Path, PathBuf};

/// Cgroups, in every hierarchy, and folders of the run with this pid.
pub(crate) fn left_by(pid: u32) -> Vec<PathBuf> {
    let prefix = format!("ocidiff.{pid}.");
    let cgroup = Path::new("/sys/fs/cgroup");
    let mut homes: Vec<PathBuf> = entries(cgroup).into_iter().filter(|path| path.is_dir()).collect();
    homes.extend([cgroup.to_owned(), "/run".into(), std::env::temp_dir()]);
    let mut left: Vec<PathBuf> = homes.iter().flat_map(|home| entries(home)).collect();
    left.retain(|path| name(path).starts_with(&prefix));
    left.sort();
    left.dedup();
    left
}

/// Lets the run's frozen processes take the signal that ended them, and removes its cgroups.
pub(crate) fn rescue(pid: u32) {
    for dir in left_by(pid)
        .iter()
        .filter(|path| path.starts_with("/sys/fs/cgroup"))
    {
        below(dir, &|dir| {
            // One of the two is there; the other fails.
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

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}
