//! Where things are in a cell. The same for every run, so that nothing has to be normalised.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The cell's own folder, on a tmpfs.
pub const CELL: &str = "/run/ocidiff";
/// The clones of the rootfs layers, read-only.
pub const LOWER: &str = "/run/ocidiff/lower";
/// Upper and work folders of the overlays, by container.
pub const LAYERS: &str = "/run/ocidiff/layers";
/// The bundles, by container.
pub const BUNDLES: &str = "/run/ocidiff/bundle";
/// The runtime's `--root`: several folders deep, since some runtimes follow `..` out of it.
pub const ROOT: &str = "/run/ocidiff/state/of/the/runtime/here/root";
/// The overlays that stand in for the machine's files: what was written to `/` is below `upper`, ...
pub const MACHINE: &str = "/run/ocidiff/machine";
/// ... and where they are put together.
pub const MACHINE_ROOT: &str = "/run/ocidiff/machine/root";
/// The rootfs in a bundle that does not say where it is.
pub const ROOTFS: &str = "rootfs";
/// Where hooks write.
pub const HOOKS: &str = "/run/ocidiff/hooks";
/// The probe, for hooks.
pub const PROBE: &str = "/run/ocidiff/bin/probe";
/// Files that calls read.
pub const INPUT: &str = "/run/ocidiff/input";
/// Pid files, by container.
pub const PIDS: &str = "/run/ocidiff/pid";
/// Sockets that the runtime sends terminals to, by container.
pub const CONSOLES: &str = "/run/ocidiff/console";
/// What stands in for the machine's files that a config mounts.
pub const STAND_INS: &str = "/run/ocidiff/stand-in";
/// Namespaces that a config can join.
pub const NAMESPACES: &str = "/run/ocidiff/namespaces";
/// The runtime's TMPDIR.
pub const TMP: &str = "/run/tmp";

/// The runtime's PATH: runtimes look there for a program whose container has no PATH of its own.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An absolute path without `.`, `..` and empty names, derived from its text alone.
#[must_use]
pub fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(part) => found.push(part),
            Component::ParentDir => drop(found.pop()),
            _ => {}
        }
    }
    found
}

/// Where the rootfs lies in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Its folder, relative to the bundle's.
    pub folder: PathBuf,
    /// A link to it by which the config names it, relative to the bundle's folder.
    pub link: Option<PathBuf>,
}

impl Default for Placed {
    fn default() -> Self {
        Self {
            folder: PathBuf::from(ROOTFS),
            link: None,
        }
    }
}

impl Placed {
    /// In a copy of a bundle; `found` is where the config's path leads without links, if that is in the bundle. A path
    /// that begins elsewhere is the runtime's to follow.
    #[must_use]
    pub fn of(named: &str, found: Option<&Path>) -> Self {
        let Some(named) = inside(Path::new(named)) else {
            return Self::default();
        };
        let folder = match found {
            Some(found) if found.as_os_str().is_empty() => return Self::default(),
            Some(found) => found.to_owned(),
            None => PathBuf::from(ROOTFS),
        };
        // Below the rootfs a link comes with it.
        let link = (!named.starts_with(&folder)).then_some(named);
        Self { folder, link }
    }
}

/// A relative path that stays below its folder, without `.`.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => found.push(part),
            Component::CurDir => {}
            Component::ParentDir if found.pop() => {}
            _ => return None,
        }
    }
    (!found.as_os_str().is_empty()).then_some(found)
}

/// A container's bundle.
#[must_use]
pub fn bundle(container: &str) -> String {
    format!("{BUNDLES}/{container}")
}

/// The rootfs of a container.
#[must_use]
pub fn rootfs(container: &str, placed: &Placed) -> String {
    format!("{}/{}", bundle(container), placed.folder.to_string_lossy())
}

/// A container's pid file.
#[must_use]
pub fn pid_file(container: &str) -> String {
    format!("{PIDS}/{container}")
}

/// The socket for a container's terminal.
#[must_use]
pub fn console(container: &str) -> String {
    format!("{CONSOLES}/{container}")
}

/// What the run changed in a container's rootfs.
#[must_use]
pub fn upper(container: &str) -> String {
    format!("{LAYERS}/{container}/upper")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rootfs_lies_in_the_copy_where_it_lies_in_its_bundle() {
        for (named, found, folder, link) in [
            ("rootfs", Some("rootfs"), "rootfs", None),
            ("./files/", Some("files"), "files", None),
            ("a/../files", Some("files"), "files", None),
            ("link", Some("files"), "files", Some("link")),
            ("a/b", Some("c/b"), "c/b", Some("a/b")),
            // It comes with the rootfs.
            ("files/link", Some("files"), "files", None),
            ("link", None, "rootfs", Some("link")),
            ("rootfs", None, "rootfs", None),
            ("/rootfs", None, "rootfs", None),
            ("../other", None, "rootfs", None),
            (".", Some(""), "rootfs", None),
        ] {
            let placed = Placed::of(named, found.map(Path::new));
            let expected = (Path::new(folder), link.map(Path::new));
            assert_eq!((&*placed.folder, placed.link.as_deref()), expected, "{named}");
        }
    }
}
