//! What stands in for a source of the host: it has the source's kind, owner and mode, on a mount with the same flags,
//! and nothing of its content.

use std::collections::BTreeSet;
use std::fs::{Metadata, metadata, symlink_metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::mount::MountFlags;

use super::PROBE;
use crate::cell::stand_in::{Kind, Node, StandIn};

/// The numbers of the devices that every cell has, and of /dev/ptmx.
const EVERYBODYS_NUMBERS: [(u32, u32); 7] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)];

/// How many paths below a stand-in are made.
const INSIDE: usize = 200;

/// What stands in for a source, and whether the source is on this machine.
pub(super) fn stand_in(
    source: Option<&Path>,
    at: &Path,
    layers: &[PathBuf],
    named: &BTreeSet<String>,
) -> (StandIn, bool) {
    let seen = source.and_then(|source| Some((source, metadata(source).ok()?)));
    let Some((source, seen)) = seen else {
        let below = at.strip_prefix("/").unwrap_or(at);
        let target = layers
            .iter()
            .find_map(|layer| symlink_metadata(layer.join(below)).ok());
        let is_file = target.is_some_and(|target| target.is_file());
        let node = Node::plain(if is_file { Kind::File } else { Kind::Folder });
        let unknown = StandIn {
            node,
            flags: 0,
            inside: with_probe(Vec::new(), at),
        };
        return (unknown, source.is_none());
    };
    let node = node(&seen);
    let inside = if node.kind == Kind::Folder {
        with_probe(inside(source, at, named), at)
    } else {
        Vec::new()
    };
    (
        StandIn {
            node,
            flags: flags_of(source),
            inside,
        },
        true,
    )
}

fn node(seen: &Metadata) -> Node {
    let kind = seen.file_type();
    let device = (rustix::fs::major(seen.rdev()), rustix::fs::minor(seen.rdev()));
    let kind = match () {
        () if kind.is_char_device() && EVERYBODYS_NUMBERS.contains(&device) => {
            Kind::Device(device.0, device.1)
        }
        () if kind.is_dir() => Kind::Folder,
        () if kind.is_fifo() => Kind::Fifo,
        () if kind.is_socket() => Kind::Socket,
        () => Kind::File,
    };
    Node {
        kind,
        mode: seen.mode() & 0o7777,
        uid: seen.uid(),
        gid: seen.gid(),
    }
}

/// The flags of the mount that a path lies on.
fn flags_of(path: &Path) -> u32 {
    let told = rustix::fs::statvfs(path).map_or(StatVfsMountFlags::empty(), |told| told.f_flag);
    let all = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let flags = all
        .into_iter()
        .filter(|(told_as, _)| told.contains(*told_as))
        .map(|(_, flag)| flag);
    flags.collect::<MountFlags>().bits()
}

/// What a source has at the paths that the config names below it, and nothing else.
fn inside(source: &Path, at: &Path, named: &BTreeSet<String>) -> Vec<(String, Node)> {
    let mut found: Vec<(String, Node)> = Vec::new();
    for below in named
        .iter()
        .filter_map(|path| Path::new(path).strip_prefix(at).ok())
    {
        let mut path = PathBuf::new();
        for part in below.components() {
            let Component::Normal(part) = part else { break };
            path.push(part);
            let Some(text) = path.to_str().map(str::to_owned) else {
                break;
            };
            let Ok(seen) = symlink_metadata(source.join(&path)) else {
                break;
            };
            let mut node = node(&seen);
            if seen.is_symlink() {
                node.kind = std::fs::read_link(source.join(&path)).map_or(Kind::File, Kind::Link);
            }
            let goes_on = node.kind == Kind::Folder;
            if found.len() < INSIDE && !found.iter().any(|(there, _)| *there == text) {
                found.push((text, node));
            }
            if !goes_on {
                break;
            }
        }
    }
    found
}

/// The probe is added where it would be covered.
fn with_probe(mut inside: Vec<(String, Node)>, at: &Path) -> Vec<(String, Node)> {
    let Some(below) = Path::new(PROBE).strip_prefix(at).ok() else {
        return inside;
    };
    let Some(below) = below.to_str().filter(|below| !below.is_empty()) else {
        return inside;
    };
    let folder = Path::new(below)
        .parent()
        .and_then(Path::to_str)
        .filter(|folder| !folder.is_empty());
    inside.retain(|(path, _)| path != below && Some(path.as_str()) != folder);
    inside.extend(folder.map(|folder| (folder.to_owned(), Node::plain(Kind::Folder))));
    inside.push((below.to_owned(), Node::plain(Kind::Probe)));
    inside
}
