//! Bars the machine's devices and sysctls for a slot's cgroups, where the kernel can: see
//! `ocidiff_trace::ebpf::Wall`. It hangs above what a cell sees, so the facts are still those of the device
//! controllers, and a runtime's own programs come on top.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ocidiff_trace::ebpf::Wall;
use serde_json::Value;

use crate::machine::cgroup::{Kind, Layout};
use crate::machine::sysctl::NAMESPACED;

/// null, zero, full, random, urandom, tty, ptmx; tun and fuse, whose harm ends with the namespaces of their user.
const ALWAYS: [(u32, u32); 9] = [
    (1, 3),
    (1, 5),
    (1, 7),
    (1, 8),
    (1, 9),
    (5, 0),
    (5, 2),
    (10, 200),
    (10, 229),
];

/// Memory and the kernel's log, consoles, screens, raw disks: no config can ask for these.
const NEVER: [u32; 5] = [1, 4, 5, 7, 21];

/// How many devices one config can ask for.
const MOST: usize = 512;

/// Puts it around the slot's v2 cgroup; on a machine without one there is no wall.
pub(crate) fn raise(cgroups: &Layout) -> Option<Wall> {
    let unified = cgroups.hierarchies.iter().find(|found| found.kind == Kind::V2)?;
    // Without it, a cell is what it was before there were walls: harness/README.md says what holds then.
    let wall = Wall::raise(unified.dir.parent()?, &NAMESPACED).ok()?;
    wall.allow(&ALWAYS).ok()?;
    Some(wall)
}

/// What a run may open: a fixed set, and what its configs name.
pub(crate) fn devices(configs: &BTreeMap<String, String>) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for config in configs.values() {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        for device in list(&config["linux"]["devices"]) {
            let number = |name: &str| {
                device[name]
                    .as_u64()
                    .and_then(|number| u32::try_from(number).ok())
            };
            if let (Some("c" | "u"), Some(major), Some(minor)) =
                (device["type"].as_str(), number("major"), number("minor"))
            {
                found.push((major, minor));
            }
        }
        for mount in list(&config["mounts"]) {
            let source = mount["source"].as_str().map(Path::new);
            // All of /dev is the cell's own /dev.
            if let Some(source) =
                source.filter(|source| source.starts_with("/dev") && *source != Path::new("/dev"))
            {
                nodes(source, 0, &mut found);
            }
        }
    }
    found.retain(|(major, _)| !NEVER.contains(major));
    found.truncate(MOST);
    found.extend(ALWAYS);
    found
}

/// The character devices at a path below `/dev`, or in the folder that is there.
fn nodes(path: &Path, depth: usize, found: &mut Vec<(u32, u32)>) {
    let Ok(seen) = fs::symlink_metadata(path) else {
        return;
    };
    if seen.file_type().is_char_device() {
        let device = seen.rdev();
        found.push((rustix::fs::major(device), rustix::fs::minor(device)));
    } else if seen.is_dir() && depth < 4 && found.len() < MOST {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.for_each(|entry| nodes(&entry.path(), depth + 1, found));
    }
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS, devices};

    #[test]
    fn a_config_opens_what_it_names_but_for_memory_and_disks() {
        let config = r#"{"linux": {"devices": [{"type": "c", "major": 10, "minor": 232}, {"type": "b", "major": 8, "minor": 0},
            {"type": "c", "major": 1, "minor": 1}, {"type": "u", "major": 21, "minor": 0}, {"type": "c"}, 3]},
            "mounts": [{"source": "/dev"}, {"source": "/dev/full"}, {"source": 3}]}"#;
        let found = devices(&[("main".to_owned(), config.to_owned())].into());
        let named: Vec<_> = found
            .into_iter()
            .filter(|device| !ALWAYS.contains(device))
            .collect();
        assert_eq!(named, [(10, 232)]);
        assert_eq!(devices(&[("main".to_owned(), "no".to_owned())].into()), ALWAYS);
    }
}
