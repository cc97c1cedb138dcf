//! Root file systems that are mounted in a namespace other than ours: read through the processes that see them, never
//! written.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// An overlay that is mounted in another namespace is an empty folder here.
pub(super) fn is_inhabited(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// A container's rootfs, as its shim sees it under the path that the engine gave, or otherwise as its own first process
/// does.
pub(super) fn rootfs(pid: u32, place: Option<&Path>) -> Option<PathBuf> {
    let by_shim = place
        .filter(|place| place.is_absolute())
        .zip(parent(pid))
        .map(|(place, shim)| below(shim, place));
    // A process that has our root is not in a container.
    let own = below(pid, Path::new("/"));
    let own = (!is_ours(&own)).then_some(own);
    by_shim.into_iter().chain(own).find(|path| is_inhabited(path))
}

fn below(pid: u32, path: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn is_ours(root: &Path) -> bool {
    let inode = |path: &Path| fs::metadata(path).ok().map(|seen| (seen.dev(), seen.ino()));
    inode(root) == inode(Path::new("/"))
}

/// The process that started it, or that adopted it.
fn parent(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    line.trim().parse().ok().filter(|parent| *parent > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_outside_of_containers_shows_no_rootfs_of_its_own() {
        let own = std::process::id();
        assert_eq!(rootfs(own, None), None);
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("file"), "").expect("a file");
        // Its parent sees the same files.
        let seen = rootfs(own, Some(folder.path())).expect("a folder that is there");
        assert!(
            seen.join("file").exists() && seen.starts_with("/proc"),
            "{seen:?}"
        );
        assert_eq!(rootfs(own, Some(Path::new("/nowhere"))), None);
        assert_eq!(rootfs(u32::MAX, Some(folder.path())), None);
    }
}
