//! The bundles in a cell: the overlay that is the rootfs, and the config, byte for byte.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, unmount};

use super::error::{Context, Error};
use super::job::Job;
use super::trees;
use crate::paths::{self, Placed};

/// Makes each container's bundle. After that no path leads to the layers, which other cells share: the overlays keep
/// their own mounts of the layers, which nothing can reach or remount.
pub(crate) fn make(job: &Job) -> Result<(), Error> {
    for (name, config) in &job.containers {
        let bundle = paths::bundle(name);
        overlay(job.lower.len(), name, &paths::rootfs(name, &job.rootfs))?;
        linked(&job.rootfs, name)?;
        let path = format!("{bundle}/{}", job.config_file);
        fs::write(&path, config).context(format!("write {path}"))?;
    }
    for index in 0..job.lower.len() {
        let layer = format!("{}/{index}", paths::LOWER);
        unmount(layer.as_str(), UnmountFlags::DETACH).context(format!("hide {layer}"))?;
    }
    Ok(())
}

/// Makes the link by which a config names its rootfs: not every runtime takes one.
fn linked(rootfs: &Placed, name: &str) -> Result<(), Error> {
    let Some(link) = &rootfs.link else {
        return Ok(());
    };
    let link = Path::new(&paths::bundle(name)).join(link);
    let made = link.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| symlink(paths::rootfs(name, rootfs), &link))
        .context(format!("make the link {}", link.display()))
}

/// Gives a folder the owner and the mode of another folder.
pub(crate) fn like(model: &Path, folder: &Path) -> io::Result<()> {
    let seen = fs::metadata(model)?;
    std::os::unix::fs::chown(folder, Some(seen.uid()), Some(seen.gid()))?;
    fs::set_permissions(folder, seen.permissions())
}

fn overlay(layers: usize, name: &str, target: &str) -> Result<(), Error> {
    let lower: Vec<String> = (0..layers)
        .map(|index| format!("{}/{index}", paths::LOWER))
        .collect();
    let work = format!("{}/{name}/work", paths::LAYERS);
    let flags = MountFlags::empty();
    // The root of an overlay takes its attributes from the upper layer.
    if let Some(first) = lower.first() {
        like(Path::new(first), Path::new(&paths::upper(name)))
            .context(format!("give the root of {name} its owner and mode"))?;
    }
    trees::overlay(&lower.join(":"), &paths::upper(name), &work, target, flags)
        .context(format!("lay the rootfs of {name} together"))
}
