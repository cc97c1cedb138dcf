//! The machine's files as a cell sees them: an overlay over `/`, and one over each mount beside it, whose upper
//! layers are the cell's own memory.
//!
//! Everything can be written there and nothing of it reaches the machine. A read-only mount would not do: whoever
//! has all capabilities in a mount namespace can make it writable again, and a bind mount with `rw` in a config
//! does. So no mount of the machine's comes along, whatever its flags: what cannot carry an overlay is an empty
//! folder in the cell. Sockets and fifos have inodes of their own in an overlay, so nobody listens there. What a
//! runtime writes outside of its own folders is seen in the upper layers.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, move_mount, open_tree, unmount,
};

use super::isolate::{Context, Error};
use super::job::Job;
use super::other_mounts::{self, Unseen};
use super::{dev, table};
use crate::paths;

/// Room for everything that a run writes: layers, bundles, the runtime's state.
const RUN_OPTIONS: &CStr = c"mode=755,size=512m";

/// Puts overlays in the place of the machine's root and of what is mounted beside it, with a `/run`, a `/dev` and a
/// `/sys` of the cell's own. Gives back what the cell does not see.
pub(super) fn lay_over(job: &Job) -> Result<Vec<Unseen>, Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", "/run", "tmpfs", flags, Some(RUN_OPTIONS)).context("mount the cell's /run")?;
    let mountinfo = fs::read_to_string("/proc/self/mountinfo").context("read the mount table")?;
    let mounts = table::visible(&mountinfo);
    fs::create_dir_all(paths::MACHINE_ROOT).context("make a folder for the new root")?;
    lay("/", paths::MACHINE, paths::MACHINE_ROOT, MountFlags::empty())?;
    lay_over_sys(&mounts)?;
    let mut unseen = other_mounts::lay_over(&mounts, job)?;
    unseen.extend(dev::make(&format!("{}/dev", paths::MACHINE_ROOT), job)?);
    let run = tree("/run")?;
    attach(&run, &format!("{}/run", paths::MACHINE_ROOT))?;
    std::env::set_current_dir(paths::MACHINE_ROOT).context("change to the new root")?;
    rustix::process::pivot_root(".", ".").context("change the root")?;
    // The old root lies over the new one now, at the same place.
    unmount(".", UnmountFlags::DETACH).context("let go of the machine's root")?;
    std::env::set_current_dir("/").context("change to /")?;
    Ok(unseen)
}

/// A new sysfs under an overlay: what is written to the overlay reaches no kernel, and what the machine has mounted
/// in its `/sys` (debugfs, tracefs, securityfs, configfs, bpf, ...) is not there.
///
/// It is of the slot's network namespace. A container that shares the cell's must find no sysfs of that namespace:
/// whoever mounts the first decides whether the superblock is read-only.
fn lay_over_sys(mounts: &[table::Mount]) -> Result<(), Error> {
    let own = format!("{}/sysfs", paths::MACHINE);
    fs::create_dir_all(&own).context(format!("make {own}"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("sysfs", own.as_str(), "sysfs", flags, None).context("mount the cell's /sys")?;
    let machine = mounts.iter().find(|mount| mount.target == "/sys");
    let flags = machine.map_or(flags, other_mounts::flags) | MountFlags::RDONLY;
    let target = format!("{}/sys", paths::MACHINE_ROOT);
    // The sysfs itself stays behind with the old root.
    lay(&own, &format!("{}/sys", paths::MACHINE), &target, flags)
}

/// Lays an overlay over a folder whose name can be anything; what is written comes to lie below `own`.
pub(super) fn lay(lower: &str, own: &str, target: &str, flags: MountFlags) -> Result<(), Error> {
    let [upper, work] = ["upper", "work"].map(|name| format!("{own}/{name}"));
    for folder in [&upper, &work] {
        fs::create_dir_all(folder).context(format!("make {folder}"))?;
    }
    let open = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(lower, open, Mode::empty()).context(format!("open {lower}"))?;
    // By its descriptor: a name could have commas and colons in it.
    let by_descriptor = format!("/proc/self/fd/{}", folder.as_raw_fd());
    take_over_mode(&folder, &upper).context(format!("give {upper} the owner and mode of {lower}"))?;
    overlay(&by_descriptor, &upper, &work, target, flags).context(format!("lay an overlay over {lower}"))
}

/// The root of an overlay is its upper layer's.
fn take_over_mode(folder: &OwnedFd, upper: &str) -> io::Result<()> {
    let seen = rustix::fs::statat(folder, "", rustix::fs::AtFlags::EMPTY_PATH)?;
    std::os::unix::fs::chown(upper, Some(seen.st_uid), Some(seen.st_gid))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(seen.st_mode & 0o7777);
    fs::set_permissions(upper, mode)
}

pub(super) fn overlay(
    lower: &str,
    upper: &str,
    work: &str,
    target: &str,
    flags: MountFlags,
) -> io::Result<()> {
    let options = CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work}"))?;
    Ok(mount(
        "overlay",
        target,
        "overlay",
        flags,
        Some(options.as_c_str()),
    )?)
}

pub(super) fn tree(path: &str) -> Result<OwnedFd, Error> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, path, flags).context(format!("clone the mount of {path}"))
}

pub(super) fn attach(tree: &OwnedFd, target: &str) -> Result<(), Error> {
    move_mount(
        tree.as_fd(),
        "",
        CWD,
        target,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
    .context(format!("attach {target}"))
}
