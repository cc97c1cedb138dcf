//! The bundles in a cell: the overlay that is the rootfs, and the config, byte for byte.

use std::fs;

use super::isolate::{Context, Error};
use super::job::Job;
use super::{machine, paths};

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
    machine::overlay(&lower.join(":"), &paths::upper(name), &work, target)
}
