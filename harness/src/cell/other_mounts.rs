//! What is mounted in addition to the machine's root: an overlay over each, or an empty folder of the cell's own.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use ocidiff_confine::mountinfo::Mount;
use rustix::mount::{MountFlags, mount_bind, mount_remount};

use super::error::{Context, Error};
use super::job::Job;
use super::table::flags;
use super::trees;
use super::unseen::Unseen;
use crate::paths;

/// Where the cell has something of its own, whatever the machine has mounted there and below it.
const OWN: [&str; 4] = ["/run", "/proc", "/sys", "/dev"];

/// Filesystems without a block device that hold files and never wait for anything. All others are the
/// kernel's own (a second `proc` in a chroot), or may wait for ever for another machine or a process.
const HOLDS_FILES: [&str; 13] = [
    "9p", "aufs", "bcachefs", "btrfs", "ecryptfs", "erofs", "overlay", "ramfs", "rootfs", "tmpfs", "ubifs",
    "virtiofs", "zfs",
];

/// A single file that is mounted somewhere (an engine's `/etc/resolv.conf`) is copied up to this size.
const LARGEST_COPY: u64 = 1 << 20;

/// Lays an overlay over each of these mounts; returns those that the cell does not see.
pub(super) fn lay_over(mounts: &[Mount], job: &Job) -> Result<Vec<Unseen>, Error> {
    let mut places = Places::default();
    let beside = mounts.iter().filter(|mount| is_beside(&mount.target));
    for (index, mount) in beside.enumerate() {
        let own = format!("{}/beside/{index}", paths::MACHINE);
        places.put(mount, &own, job)?;
    }
    places.close()?;
    Ok(places.unseen)
}

fn is_beside(target: &str) -> bool {
    target != "/" && !OWN.iter().any(|own| Path::new(target).starts_with(own))
}

#[derive(Default)]
struct Places {
    unseen: Vec<Unseen>,
    /// Empty folders: which mount each replaces, and the cell's folder in its place.
    empty: Vec<(String, String)>,
}

impl Places {
    fn put(&mut self, mount: &Mount, own: &str, job: &Job) -> Result<(), Error> {
        fs::create_dir_all(own).context(format!("make {own}"))?;
        let target = format!("{}{}", paths::MACHINE_ROOT, mount.target);
        if let Err(why) = may_be_opened(mount, job) {
            return self.leave_empty(mount, own, &target, &why);
        }
        let Ok(seen) = fs::symlink_metadata(&mount.target) else {
            return self.leave_empty(mount, own, &target, "it does not answer");
        };
        self.make_place(mount, seen.is_dir())?;
        if !seen.is_dir() {
            return self.copy(mount, own, &target, &seen);
        }
        match trees::lay(&mount.target, own, &target, flags(mount)) {
            Ok(()) => {
                let above = self
                    .unseen
                    .iter_mut()
                    .filter(|unseen| unseen.holds(&mount.target));
                above.for_each(|unseen| unseen.but.push(mount.target.clone()));
                Ok(())
            }
            Err(error) => self.leave_empty(mount, own, &target, &format!("no overlay lies over it: {error}")),
        }
    }

    /// What is mounted below a mount that is replaced by an empty folder needs a place in that folder.
    fn make_place(&self, mount: &Mount, is_folder: bool) -> Result<(), Error> {
        let above = self.empty.iter().rev().find_map(|(target, own)| {
            let below = Path::new(&mount.target).strip_prefix(target).ok()?;
            Some(Path::new(own).join(below))
        });
        let Some(place) = above.filter(|place| !place.exists()) else {
            return Ok(());
        };
        let folder = if is_folder { Some(&*place) } else { place.parent() };
        folder
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| if is_folder { Ok(()) } else { fs::write(&place, "") })
            .context(format!("make a place for {}", mount.target))
    }

    fn leave_empty(&mut self, mount: &Mount, own: &str, target: &str, why: &str) -> Result<(), Error> {
        let why = format!("{}: {why}", mount.kind);
        self.unseen.push(Unseen::new(mount.target.clone(), why));
        // The folder that it is mounted on can be examined without asking the mount itself.
        let is_folder = !fs::symlink_metadata(target).is_ok_and(|seen| seen.is_file());
        self.make_place(mount, is_folder)?;
        let empty = format!("{own}/empty");
        if is_folder {
            fs::create_dir_all(&empty).context(format!("make {empty}"))?;
            self.empty.push((mount.target.clone(), empty.clone()));
        } else {
            fs::write(&empty, "").context(format!("make {empty}"))?;
        }
        mount_bind(&empty, target).context(format!("hide {}", mount.target))
    }

    /// A file is copied; a device is made again; anything else (a socket, a fifo) becomes an empty file.
    fn copy(&mut self, mount: &Mount, own: &str, target: &str, seen: &fs::Metadata) -> Result<(), Error> {
        let kind = seen.file_type();
        let why = if kind.is_socket() || kind.is_fifo() {
            "another process may listen there"
        } else if kind.is_file() && seen.len() <= LARGEST_COPY {
            let copy = format!("{own}/file");
            if copy_file(&mount.target, &copy).is_ok() {
                mount_bind(&copy, target).context(format!("put a copy at {}", mount.target))?;
                return mount_remount(target, MountFlags::BIND | flags(mount), c"")
                    .context(format!("restrict {}", mount.target));
            }
            "it cannot be read"
        } else if kind.is_file() {
            "it is a file that is too large to be copied"
        } else {
            "it is a device"
        };
        self.leave_empty(mount, own, target, why)
    }

    /// From here on, nothing can be written to the empty folders.
    fn close(&self) -> Result<(), Error> {
        for (target, _) in &self.empty {
            let place = format!("{}{target}", paths::MACHINE_ROOT);
            let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
            mount_remount(place, flags, c"").context(format!("close {target}"))?;
        }
        Ok(())
    }
}

/// Whether the mount can be opened without the risk of waiting for ever. A mount that holds a program of the run
/// was asked a moment ago, and answered.
fn may_be_opened(mount: &Mount, job: &Job) -> Result<(), String> {
    let waits = mount.kind.starts_with("fuse") || mount.kind == "autofs";
    let holds = (mount.on_block_device || HOLDS_FILES.contains(&mount.kind.as_str())) && !waits;
    let mut programs = job.programs.iter();
    if holds || programs.any(|program| program.starts_with(&mount.target)) {
        return Ok(());
    }
    Err("it may wait for another machine or process, or is the kernel's own".to_owned())
}

fn copy_file(from: &str, to: &str) -> io::Result<()> {
    let mut text = Vec::new();
    let source = fs::File::open(from)?;
    let seen = source.metadata()?;
    source.take(LARGEST_COPY).read_to_end(&mut text)?;
    fs::write(to, text)?;
    std::os::unix::fs::chown(
        to,
        Some(std::os::unix::fs::MetadataExt::uid(&seen)),
        Some(std::os::unix::fs::MetadataExt::gid(&seen)),
    )?;
    fs::set_permissions(to, seen.permissions())
}
