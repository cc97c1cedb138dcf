//! What stands in for files of the machine that a config mounts: of the same kind, owner and mode, on a mount with the
//! same flags, and empty except for what the config itself names below them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::mount::{MountFlags, mount, mount_remount};
use serde::{Deserialize, Serialize};

use super::error::{Context, Error};
use crate::paths;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A folder.
    Folder,
    /// A regular file, which is empty.
    File,
    /// A regular file with this content.
    Text(String),
    /// A character device that every container has.
    Device(u32, u32),
    /// A fifo that nothing has open.
    Fifo,
    /// A socket on which nothing listens.
    Socket,
    /// A symbolic link, with its target.
    Link(PathBuf),
    /// The probe.
    Probe,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its permissions.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What stands in for one source of a mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIn {
    /// The source itself.
    pub node: Node,
    /// The flags of the mount that the source lies on, as in `mount(2)`.
    pub flags: u32,
    /// Files below it, by relative path, folders before what is in them.
    #[serde(default)]
    pub inside: Vec<(String, Node)>,
}

impl StandIn {
    /// Where the `at`th one lies. Those with the same flags share a mount.
    #[must_use]
    pub fn path(&self, at: usize) -> String {
        format!("{}/{at}", self.place())
    }

    /// Whether the probe is in it.
    #[must_use]
    pub(super) fn has_probe(&self) -> bool {
        self.inside.iter().any(|(_, node)| node.kind == Kind::Probe)
    }

    fn place(&self) -> String {
        format!("{}/{:x}", paths::STAND_INS, self.flags)
    }
}

/// Makes them all; their mounts get their flags last.
pub(super) fn make(all: &[StandIn]) -> Result<(), Error> {
    let places: std::collections::BTreeMap<String, u32> =
        all.iter().map(|one| (one.place(), one.flags)).collect();
    for place in places.keys() {
        fs::create_dir_all(place).context(format!("make {place}"))?;
        mount(
            "tmpfs",
            place,
            "tmpfs",
            MountFlags::empty(),
            Some(c"mode=755,size=16m"),
        )
        .context(format!("mount {place}"))?;
    }
    for (at, one) in all.iter().enumerate() {
        let path = one.path(at);
        node(Path::new(&path), &one.node)?;
        for (below, inner) in &one.inside {
            node(&Path::new(&path).join(below), inner)?;
        }
    }
    for (place, flags) in &places {
        mount_remount(place, MountFlags::from_bits_truncate(*flags), "")
            .context(format!("give {place} its flags"))?;
    }
    Ok(())
}

fn node(path: &Path, node: &Node) -> Result<(), Error> {
    let said = || format!("make {}", path.display());
    let special = |kind| mknodat(CWD, path, kind, Mode::RUSR, 0);
    match &node.kind {
        Kind::Folder => fs::create_dir(path).context(said())?,
        Kind::File => fs::write(path, "").context(said())?,
        Kind::Text(text) => fs::write(path, text).context(said())?,
        Kind::Device(major, minor) => {
            let device = rustix::fs::makedev(*major, *minor);
            mknodat(CWD, path, FileType::CharacterDevice, Mode::RUSR, device).context(said())?;
        }
        Kind::Fifo => special(FileType::Fifo).context(said())?,
        Kind::Socket => special(FileType::Socket).context(said())?,
        Kind::Link(target) => return symlink(target, path).context(said()),
        Kind::Probe => fs::copy(paths::PROBE, path).map(|_| ()).context(said())?,
    }
    chown(path, Some(node.uid), Some(node.gid)).context(format!("give {} its owner", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(node.mode))
        .context(format!("give {} its mode", path.display()))
}

impl Node {
    /// A folder or file owned by root.
    #[must_use]
    pub fn plain(kind: Kind) -> Self {
        let mode = if kind == Kind::File { 0o644 } else { 0o755 };
        Self {
            kind,
            mode,
            uid: 0,
            gid: 0,
        }
    }
}
