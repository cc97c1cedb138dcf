//! `check --root DIR`: a node, seen from a pod, with its root at DIR. It becomes our root, so that everything has the path that it has there.
//!
//! That happens in a mount namespace of our own, and nothing of it gets out: a process that shares DIR's mounts sees
//! nothing new. A plain chroot would not do: the kernel does not make user namespaces for a process that is in one.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{
    MountFlags, MountPropagationFlags, mount, mount_bind_recursive, mount_change, mount_move,
};

use crate::error::Error;

/// Where this program is once DIR is the root: in a /tmp of its own, since it may not be below DIR at all.
const PROGRAM: &str = "/tmp/ocidiff";

/// Makes `root` the root, and starts again with the same arguments except for `--root`.
pub(super) fn enter(root: &Path) -> Result<Infallible, Error> {
    let failed = |error| Error::usage(format!("--root {}: {error}", root.display()));
    let root = root.canonicalize().map_err(failed)?;
    become_root(&root).map_err(failed)?;
    let error = Command::new(PROGRAM)
        .args(without(std::env::args_os().skip(1)))
        .exec();
    Err(Error::broken(format!(
        "failed to begin again in {}: {error}",
        root.display()
    )))
}

fn become_root(root: &Path) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // What the node mounts comes in; nothing goes out.
    mount_change(
        "/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )?;
    // It may not be a mount, and only a mount can be moved.
    mount_bind_recursive(root, root)?;
    mount_change(
        root,
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )?;
    let tmp = root.join("tmp");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", &tmp, "tmpfs", flags, Some(c"mode=1777"))?;
    std::fs::copy("/proc/self/exe", tmp.join("ocidiff"))?;
    std::env::set_current_dir(root)?;
    mount_move(".", "/")?;
    std::os::unix::fs::chroot(".")?;
    std::env::set_current_dir("/")
}

/// The arguments without `--root DIR`.
fn without(mut args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut kept = Vec::new();
    while let Some(arg) = args.next() {
        if arg == "--root" {
            args.next();
        } else if !arg.to_string_lossy().starts_with("--root=") {
            kept.push(arg);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_said_once() {
        for args in [
            &["check", "--root", "/host", "--to", "crun"][..],
            &["check", "--to", "crun", "--root=/host"],
        ] {
            assert_eq!(
                without(args.iter().map(OsString::from)),
                ["check", "--to", "crun"]
            );
        }
    }
}
