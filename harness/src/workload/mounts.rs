//! The mounts of the probe's copy: the host's files are not shown.

use std::fs::metadata;
use std::path::PathBuf;

use ocidiff_model::step::MAIN;
use serde_json::{Map, Value};

use crate::paths;

/// What stands for the host's files: an empty folder, an empty file.
pub(super) const FOLDER: &str = "rootfs/.ocidiff/folder";
pub(super) const FILE: &str = "rootfs/.ocidiff/file";

/// File systems that the kernel makes out of nothing; any other is read from a device, a server or a folder of the host's.
const OF_THE_KERNEL: [&str; 16] = [
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "hugetlbfs",
    "mqueue",
    "proc",
    "ramfs",
    "securityfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];

/// Options of a mount that mean the same for a folder that stands for another.
const OF_ANY: [&str; 11] = [
    "ro",
    "rw",
    "nosuid",
    "nodev",
    "noexec",
    "suid",
    "dev",
    "exec",
    "noatime",
    "relatime",
    "nodiratime",
];

/// An empty folder or file stands for each of the host's; it is a file where the host's is one, or, if the host has none, where
/// the rootfs has a file to mount it on.
pub(super) fn mounts(all: &mut Map<String, Value>, layers: &[PathBuf], changes: &mut Vec<String>) {
    let Some(list) = all.get_mut("mounts").and_then(Value::as_array_mut) else {
        return;
    };
    let (mut replaced, mut mapped) = (Vec::new(), Vec::new());
    for mount in list.iter_mut().filter_map(Value::as_object_mut) {
        let at = mount.get("destination").and_then(Value::as_str);
        let at = at.unwrap_or("?").to_owned();
        if unmapped(mount) {
            mapped.push(at.clone());
        }
        let kind = mount.get("type").and_then(Value::as_str).unwrap_or("bind");
        let foreign = !OF_THE_KERNEL.contains(&kind);
        if !(binds(mount) || foreign) {
            continue;
        }
        if !binds(mount) {
            as_bind(mount);
        }
        let source = mount.get("source").and_then(Value::as_str);
        let source = source.and_then(|source| metadata(source).ok());
        let below = at.trim_start_matches('/');
        let is_file = source
            .or_else(|| layers.iter().find_map(|layer| metadata(layer.join(below)).ok()))
            .is_some_and(|metadata| !metadata.is_dir());
        let stand_in = if is_file { FILE } else { FOLDER };
        let stand_in = format!("{}/{stand_in}", paths::bundle(MAIN));
        mount.insert("source".to_owned(), stand_in.into());
        replaced.push(at);
    }
    if !replaced.is_empty() {
        changes.push(format!(
            "an empty file or folder stands for the host's at {}",
            replaced.join(", ")
        ));
    }
    if !mapped.is_empty() {
        changes.push(format!("ids are not mapped in mounts at {}", mapped.join(", ")));
    }
}

fn options(mount: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = mount.get("options").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn binds(mount: &Map<String, Value>) -> bool {
    mount.get("type").is_some_and(|kind| kind == "bind")
        || options(mount).any(|one| one == "bind" || one == "rbind")
}

/// A file system of a device's or a server's: the folder that stands for it is bound there.
fn as_bind(mount: &mut Map<String, Value>) {
    let kept = options(mount).filter(|one| OF_ANY.contains(one));
    let kept: Vec<&str> = std::iter::once("bind").chain(kept).collect();
    let kept = kept.into();
    mount.insert("options".to_owned(), kept);
    mount.insert("type".to_owned(), "bind".into());
}

/// The stand-in lies on an overlay, where the kernel maps no ids.
fn unmapped(mount: &mut Map<String, Value>) -> bool {
    let mut mapped = mount.shift_remove("uidMappings").is_some();
    mapped |= mount.shift_remove("gidMappings").is_some();
    if let Some(list) = mount.get_mut("options").and_then(Value::as_array_mut) {
        let before = list.len();
        list.retain(|one| one != "idmap" && one != "ridmap");
        mapped |= list.len() < before;
    }
    mapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(mount: Value) -> (Value, Vec<String>) {
        let config = json!({ "mounts": [mount] });
        let (mut all, mut changes) = (config.as_object().cloned().expect("an object"), Vec::new());
        mounts(&mut all, &[PathBuf::from("/")], &mut changes);
        (all["mounts"][0].clone(), changes)
    }

    #[test]
    fn no_file_system_of_the_hosts_is_mounted() {
        for kind in ["nfs", "ext4", "overlay", "fuse.sshfs"] {
            let (mount, changes) = told(
                json!({"destination": "/data", "type": kind, "source": "server:/secret",
                "options": ["ro", "nosuid", "lowerdir=/etc", "addr=192.0.2.1"]}),
            );
            assert_eq!(
                (mount["type"].as_str(), &mount["options"]),
                (Some("bind"), &json!(["bind", "ro", "nosuid"])),
                "{kind}"
            );
            assert_eq!(mount["source"], format!("{}/{FOLDER}", paths::bundle(MAIN)));
            assert_eq!(
                changes,
                ["an empty file or folder stands for the host's at /data"]
            );
        }
        let tmpfs =
            json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=4k"]});
        assert_eq!(told(tmpfs.clone()), (tmpfs, Vec::new()));
    }

    #[test]
    fn a_file_stands_for_what_is_mounted_on_a_file() {
        let (mount, _) = told(json!({"destination": "/etc/passwd", "type": "bind", "source": "/nowhere"}));
        assert_eq!(mount["source"], format!("{}/{FILE}", paths::bundle(MAIN)));
    }

    #[test]
    fn ids_are_not_mapped_in_what_stands_for_the_hosts() {
        let map = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
        let (mount, changes) = told(
            json!({"destination": "/work", "type": "bind", "source": "/nowhere",
            "options": ["rbind", "ridmap"], "uidMappings": map, "gidMappings": map}),
        );
        assert_eq!(mount["options"], json!(["rbind"]));
        assert!(mount.get("uidMappings").is_none() && mount.get("gidMappings").is_none());
        assert!(
            changes
                .iter()
                .any(|change| change.contains("/work") && change.contains("mapped"))
        );
    }
}
