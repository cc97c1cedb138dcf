//! The cell's namespaces that stand in for those that a config joins: they are neither the cell's own nor new ones.

use std::fs::{self, File};

use nix::sched::{CloneFlags, unshare};
use rustix::mount::mount_bind;

use super::error::{Context, Error};
use super::job::Job;
use crate::paths;

/// Kinds that can stand in for others, as config.json and /proc name them.
pub(crate) const KINDS: [(&str, &str); 4] = [
    ("network", "net"),
    ("ipc", "ipc"),
    ("uts", "uts"),
    ("cgroup", "cgroup"),
];

/// Makes one of each kind, if a config names any.
pub(super) fn make(job: &Job) -> Result<(), Error> {
    if !job
        .containers
        .values()
        .any(|config| config.contains(paths::NAMESPACES))
    {
        return Ok(());
    }
    fs::create_dir_all(paths::NAMESPACES).context(format!("make {}", paths::NAMESPACES))?;
    // A thread takes new ones and ends; the mounts keep them alive.
    std::thread::spawn(keep).join().unwrap_or_else(|_| {
        Err(std::io::Error::other("the thread panicked")).context("make namespaces to join")
    })
}

fn keep() -> Result<(), Error> {
    let all = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(all).context("make namespaces to join")?;
    for (_, name) in KINDS {
        let place = format!("{}/{name}", paths::NAMESPACES);
        File::create(&place).context(format!("make {place}"))?;
        mount_bind(format!("/proc/thread-self/ns/{name}"), &place).context(format!("keep {place}"))?;
    }
    Ok(())
}
