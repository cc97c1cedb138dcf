//! Where things are in a cell. The same for every run, so that nothing has to be normalised.

use std::path::{Component, Path, PathBuf};

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

/// A container's bundle.
#[must_use]
pub fn bundle(container: &str) -> String {
    format!("{BUNDLES}/{container}")
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
