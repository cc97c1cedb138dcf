//! The machine's files as a cell sees them: an overlay over `/`, and one over each other mount, whose upper
//! layers are in the cell's own memory.
//!
//! Everything can be written there and nothing of it reaches the machine. A read-only mount would not do: a
//! process with all capabilities in a mount namespace can make it writable again, and a bind mount with `rw` in a
//! config does. So none of the machine's mounts comes along, whatever its flags: what cannot carry an overlay is
//! an empty folder in the cell. Sockets and fifos have inodes of their own in an overlay, so nothing listens
//! there. What a runtime writes outside its own folders shows in the upper layers.

use std::ffi::CStr;
use std::fs;

use ocidiff_confine::mountinfo::Mount;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::error::{Context, Error};
use super::job::Job;
use super::run_programs::RunPrograms;
use super::trees::{attach, lay, tree};
use super::unseen::Unseen;
use super::{dev, other_mounts, table};
use crate::paths;

/// Room for everything that a run writes: layers, bundles, the runtime's state.
const RUN_OPTIONS: &CStr = c"mode=755,size=512m";

/// Puts overlays in place of the machine's root and of everything else that is mounted, with a `/run`, a `/dev` and
/// a `/sys` of the cell's own. Returns what the cell does not see.
pub(super) fn lay_over(job: &Job) -> Result<Vec<Unseen>, Error> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let programs = RunPrograms::open(job);
    mount("tmpfs", "/run", "tmpfs", flags, Some(RUN_OPTIONS)).context("mount the cell's /run")?;
    programs.put()?;
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

/// A new sysfs under an overlay: what is written to the overlay does not reach the kernel, and what the machine has
/// mounted in its `/sys` (debugfs, tracefs, securityfs, configfs, bpf, ...) is not there.
///
/// It belongs to the slot's network namespace. A container that shares the cell's must not find a sysfs of that
/// namespace: the first process to mount one decides whether the superblock is read-only.
fn lay_over_sys(mounts: &[Mount]) -> Result<(), Error> {
    let own = format!("{}/sysfs", paths::MACHINE);
    fs::create_dir_all(&own).context(format!("make {own}"))?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("sysfs", own.as_str(), "sysfs", flags, None).context("mount the cell's /sys")?;
    let machine = mounts.iter().find(|mount| mount.target == "/sys");
    let flags = machine.map_or(flags, table::flags) | MountFlags::RDONLY;
    let target = format!("{}/sys", paths::MACHINE_ROOT);
    // The sysfs itself stays behind with the old root.
    lay(&own, &format!("{}/sys", paths::MACHINE), &target, flags)
}
