//! The bundles in a cell: the overlay that is the rootfs, and the config, byte for byte.

use std::fs;

use rustix::mount::{MountFlags, UnmountFlags, unmount};

use super::isolate::{Context, Error};
use super::job::Job;
use super::overlay;
use crate::paths;

/// Makes each container's bundle. After that no path leads to the layers, which other cells share: the overlays keep
/// mounts of their own of them, that nobody can reach or remount.
pub(crate) fn make(job: &Job) -> Result<(), Error> {
    for (name, config) in &job.containers {
        let bundle = paths::bundle(name);
        overlay(job.lower.len(), name, &format!("{bundle}/rootfs"))?;
        let path = format!("{bundle}/{}", job.config_file);
        fs::write(&path, config).context(format!("write {path}"))?;
    }
    for index in 0..job.lower.len() {
        let layer = format!("{}/{index}", paths::LOWER);
        unmount(layer.as_str(), UnmountFlags::DETACH).context(format!("hide {layer}"))?;
    }
    Ok(())
}

fn overlay(layers: usize, name: &str, target: &str) -> Result<(), Error> {
    let lower: Vec<String> = (0..layers)
        .map(|index| format!("{}/{index}", paths::LOWER))
        .collect();
    let work = format!("{}/{name}/work", paths::LAYERS);
    let flags = MountFlags::empty();
    overlay::overlay(&lower.join(":"), &paths::upper(name), &work, target, flags)
        .context(format!("lay the rootfs of {name} together"))
}
