//! Mounts that are made, cloned and attached: the steps from which a cell's file system is put together.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountFlags, MoveMountFlags, OpenTreeFlags, mount, move_mount, open_tree};

use super::error::{Context, Error};

/// Lays an overlay over a folder whose name can be anything; what is written ends up below `own`.
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

/// The root of an overlay takes its attributes from the upper layer.
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

/// A copy of one of the machine's mounts that is not attached anywhere yet.
pub(super) fn tree(path: impl AsRef<Path>) -> Result<OwnedFd, Error> {
    let path = path.as_ref();
    if let Some(pid) = through(path) {
        return tree_of(pid, path);
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, path, flags).context(format!("clone the mount of {}", path.display()))
}

/// The process whose root a path goes through: `/proc/PID/root/...`.
fn through(path: &Path) -> Option<u32> {
    let mut parts = path.strip_prefix("/proc").ok()?.components();
    let pid = parts.next()?.as_os_str().to_str()?.parse().ok()?;
    (parts.next()?.as_os_str() == "root").then_some(pid)
}

/// A copy of a mount in another process's mount namespace. The kernel makes one only for a caller inside that
/// namespace: a thread, which ends afterwards, so that nothing of ours stays behind.
fn tree_of(pid: u32, path: &Path) -> Result<OwnedFd, Error> {
    let failed = format!("clone the mount of {}", path.display());
    let open = OFlags::PATH | OFlags::CLOEXEC;
    let place = rustix::fs::open(path, open, Mode::empty()).context(&*failed)?;
    let namespace = fs::File::open(format!("/proc/{pid}/ns/mnt")).context(&*failed)?;
    let clone = move || -> io::Result<OwnedFd> {
        unshare(CloneFlags::CLONE_FS)?;
        setns(&namespace, CloneFlags::CLONE_NEWNS)?;
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        Ok(open_tree(&place, "", flags)?)
    };
    let ended = std::thread::spawn(clone).join();
    ended
        .unwrap_or_else(|_| Err(io::Error::other("a thread failed")))
        .context(failed)
}
