//! The bundles in a cell: the overlay that is the rootfs, and the config, byte for byte.

use std::ffi::CString;
use std::fs;

use rustix::mount::{MountFlags, mount};

use super::isolate::{Context, Error};
use super::job::Job;
use super::paths;

/// Makes each container's bundle.
pub(crate) fn make(job: &Job) -> Result<(), Error> {
    for (name, config) in &job.containers {
        let bundle = paths::bundle(name);
        overlay(job.lower.len(), name, &format!("{bundle}/rootfs"))?;
        let path = format!("{bundle}/{}", job.config_file);
        fs::write(&path, config).context(format!("write {path}"))?;
    }
    Ok(())
}

fn overlay(layers: usize, name: &str, target: &str) -> Result<(), Error> {
    let lower: Vec<String> = (0..layers)
        .map(|index| format!("{}/{index}", paths::LOWER))
        .collect();
    let work = format!("{}/{name}/work", paths::LAYERS);
    let options = format!(
        "lowerdir={},upperdir={},workdir={work}",
        lower.join(":"),
        paths::upper(name)
    );
    let options = CString::new(options)
        .map_err(std::io::Error::from)
        .context("name the layers")?;
    mount(
        "overlay",
        target,
        "overlay",
        MountFlags::empty(),
        Some(options.as_c_str()),
    )
    .context(format!("mount the rootfs at {target}"))
}
