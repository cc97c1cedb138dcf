//! The machine's files as a cell sees them: an overlay over `/`, whose upper layer is the cell's own memory.
//!
//! Everything can be written there and nothing of it reaches the machine. A read-only mount alone would not do:
//! whoever has all capabilities in a mount namespace can make it writable again, and a bind mount with `rw` in a
//! config does. What a runtime writes outside of its own folders is seen in the upper layer.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::CWD;
use rustix::mount::{
    MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_remount, move_mount, open_tree,
    unmount,
};

use super::isolate::{Context, Error, unescape};
use super::paths;

/// Room for everything that a run writes: layers, bundles, the runtime's state.
const RUN_OPTIONS: &CStr = c"mode=755,size=512m";

/// Mounts that the cell has its own of.
const REPLACED: [&str; 3] = ["/run", "/proc", "/sys/fs/cgroup"];

/// Puts the overlay in the place of the machine's root, with a `/run` of the cell's own. What is mounted elsewhere
/// than at `/` comes along read-only; `/dev` too: nodes can still be opened for writing.
pub(super) fn lay_over() -> Result<(), Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", "/run", "tmpfs", flags, Some(RUN_OPTIONS)).context("mount the cell's /run")?;
    for folder in [paths::MACHINE_UPPER, paths::MACHINE_WORK, paths::MACHINE_ROOT] {
        fs::create_dir_all(folder).context(format!("make {folder}"))?;
    }
    overlay(
        "/",
        paths::MACHINE_UPPER,
        paths::MACHINE_WORK,
        paths::MACHINE_ROOT,
    )?;
    let beside = mounts_beside_root()?;
    make_read_only(&beside)?;
    for target in beside {
        let tree = tree(&target, OpenTreeFlags::AT_RECURSIVE)?;
        attach(&tree, &format!("{}{target}", paths::MACHINE_ROOT))?;
    }
    let run = tree("/run", OpenTreeFlags::empty())?;
    attach(&run, &format!("{}/run", paths::MACHINE_ROOT))?;
    std::env::set_current_dir(paths::MACHINE_ROOT).context("change to the new root")?;
    rustix::process::pivot_root(".", ".").context("change the root")?;
    // The old root lies over the new one now, at the same place.
    unmount(".", UnmountFlags::DETACH).context("let go of the machine's root")?;
    std::env::set_current_dir("/").context("change to /")?;
    writable_tmp()
}

pub(super) fn overlay(lower: &str, upper: &str, work: &str, target: &str) -> Result<(), Error> {
    let options = CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work}"));
    let options = options.map_err(io::Error::from).context("name the layers")?;
    mount(
        "overlay",
        target,
        "overlay",
        MountFlags::empty(),
        Some(options.as_c_str()),
    )
    .context(format!("lay an overlay over {lower}"))
}

fn tree(path: &str, more: OpenTreeFlags) -> Result<OwnedFd, Error> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | more;
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

/// Makes these mounts and all below them read-only.
fn make_read_only(targets: &[String]) -> Result<(), Error> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read the mount table")?;
    for line in table.lines() {
        let mut fields = line.split(' ').skip(4);
        let (Some(target), Some(options)) = (fields.next(), fields.next()) else {
            continue;
        };
        let target = unescape(target);
        if targets.iter().any(|kept| Path::new(&target).starts_with(kept)) {
            let flags = MountFlags::BIND | MountFlags::RDONLY | kept_flags(options);
            // One that lies under another mount cannot be reached, by us or by a runtime.
            let _ = mount_remount(target.as_str(), flags, c"");
        }
    }
    Ok(())
}

fn kept_flags(options: &str) -> MountFlags {
    options.split(',').fold(MountFlags::empty(), |flags, option| {
        flags
            | match option {
                "nosuid" => MountFlags::NOSUID,
                "nodev" => MountFlags::NODEV,
                "noexec" => MountFlags::NOEXEC,
                "noatime" => MountFlags::NOATIME,
                "nodiratime" => MountFlags::NODIRATIME,
                "relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            }
    })
}

/// Mount points that are not below another one, and that the cell does not have its own of.
fn mounts_beside_root() -> Result<Vec<String>, Error> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("read the mount table")?;
    let mut targets: Vec<String> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescape)
        .collect();
    targets.sort();
    targets.dedup();
    let mut kept: Vec<String> = Vec::new();
    for target in targets {
        let below = |other: &str| Path::new(&target).starts_with(other);
        if target != "/"
            && !REPLACED.iter().any(|other| below(other))
            && !kept.iter().any(|other| below(other))
        {
            kept.push(target);
        }
    }
    Ok(kept)
}

/// Where `/tmp` is a mount of its own it came along read-only; runc, for one, keeps files there.
fn writable_tmp() -> Result<(), Error> {
    let [upper, work] = ["upper", "work"].map(|name| format!("{}/tmp/{name}", paths::CELL));
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if !table.lines().any(|line| line.split(' ').nth(4) == Some("/tmp")) {
        return Ok(());
    }
    for folder in [&upper, &work] {
        fs::create_dir_all(folder).context(format!("make {folder}"))?;
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    fs::set_permissions(&upper, open).context("open /tmp to all")?;
    overlay("/tmp", &upper, &work, "/tmp")
}
