//! What becomes of mounts in the probe's copy.

use super::*;
use crate::paths;
use serde_json::json;

fn stand_ins(all: &mut Map<String, Value>, changes: &mut Vec<String>) -> Vec<StandIn> {
    mounts(all, &[PathBuf::from("/")], false, changes)
}

fn told(mount: Value) -> (Value, Vec<String>) {
    let config = json!({ "mounts": [mount] });
    let (mut all, mut changes) = (config.as_object().cloned().expect("an object"), Vec::new());
    stand_ins(&mut all, &mut changes);
    (all["mounts"][0].clone(), changes)
}

#[test]
fn no_file_system_of_the_hosts_is_mounted() {
    for kind in ["nfs", "ext4", "overlay", "fuse.sshfs", "nosuchfs", "none"] {
        let (mount, changes) = told(
            json!({"destination": "/data", "type": kind, "source": "server:/secret",
            "options": ["ro", "nosuid", "lowerdir=/etc", "addr=192.0.2.1"]}),
        );
        assert_eq!(
            (mount["type"].as_str(), &mount["options"]),
            (Some("bind"), &json!(["bind", "ro", "nosuid"])),
            "{kind}"
        );
        assert_eq!(mount["source"], format!("{}/0/0", paths::STAND_INS));
        assert_eq!(
            changes[0],
            "an empty file or folder stands for the host's at /data"
        );
        // A folder in its place says nothing about whether and how it can be mounted.
        assert_eq!(
            changes[1],
            format!("not checked: file systems that the probe does not mount: {kind} at /data")
        );
    }
    let (_, changes) = told(json!({"destination": "/data", "source": "/nowhere"}));
    assert!(changes[1].ends_with("none at /data"), "{changes:?}");
    let tmpfs = json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=4k"]});
    assert_eq!(told(tmpfs.clone()), (tmpfs, Vec::new()));
}

#[test]
fn a_tmpfs_stands_for_the_machine_s_devices_so_that_the_copy_starts() {
    let dev =
        json!({"destination": "/dev", "type": "devtmpfs", "source": "devtmpfs", "options": ["mode=755"]});
    let (mount, changes) = told(dev.clone());
    assert_eq!(
        (mount["type"].as_str(), &mount["options"]),
        (Some("tmpfs"), &dev["options"])
    );
    let not = "not checked: file systems that the probe does not mount: devtmpfs at /dev";
    assert_eq!(changes, [not]);
    // The root of a user namespace cannot mount one, and could mount a tmpfs.
    let config = json!({"mounts": [dev], "linux": {"namespaces": [{"type": "user"}]}});
    let mut all = config.as_object().cloned().expect("an object");
    stand_ins(&mut all, &mut Vec::new());
    assert_eq!(all["mounts"][0]["type"], "bind");
}

#[test]
fn what_is_not_here_is_not_checked() {
    let (gone, relative) = (
        "not checked: mounts of files that are not on this machine, at /data",
        "not checked: sources that are relative paths, which not all runtimes look up in the bundle, at /data",
    );
    // The tests run in a folder that has src.
    for (source, expected) in [
        ("/nowhere/data", Some(gone)),
        ("/", None),
        ("src", Some(relative)),
    ] {
        let (_, changes) = told(json!({"destination": "/data", "type": "bind", "source": source}));
        let unchecked = changes.iter().find(|change| change.starts_with(UNCHECKED));
        assert_eq!(unchecked.map(String::as_str), expected, "{source}: {changes:?}");
    }
}

#[test]
fn a_file_stands_for_what_is_mounted_on_a_file() {
    let config = json!({"mounts": [{"destination": "/etc/passwd", "type": "bind", "source": "/nowhere"}]});
    let mut all = config.as_object().cloned().expect("an object");
    let kind = &stand_ins(&mut all, &mut Vec::new())[0].node.kind;
    assert!(
        matches!(kind, Kind::Text(text) if text.contains("invented")),
        "{kind:?}"
    );
}

#[test]
fn what_stands_for_a_source_is_like_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("tree/dev/shm")).expect("folders");
    std::fs::write(at("tree/dev/null"), "").expect("a file");
    std::fs::create_dir(at("tree/secret")).expect("a folder");
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
    let config = json!({"process": {"cwd": "/"}, "mounts": [
        {"destination": "/", "type": "bind", "source": at("tree")},
        {"destination": "/run/docker.sock", "type": "bind", "source": at("socket")},
        {"destination": "/kernel", "type": "bind", "source": "/proc"},
        {"destination": "/dev/null", "type": "bind", "source": "/dev/null"}]});
    let mut all = config.as_object().cloned().expect("an object");
    let made = stand_ins(&mut all, &mut Vec::new());
    let [tree, socket, kernel, null] = &made[..] else {
        panic!("{made:#?}")
    };
    let names: Vec<&str> = tree.inside.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["dev", "dev/null", "dev/shm", ".ocidiff", ".ocidiff/probe"]
    );
    assert_eq!(tree.inside[1].1.kind, Kind::File);
    assert_eq!(socket.node.kind, Kind::Socket);
    assert_eq!((&kernel.node.kind, kernel.node.mode), (&Kind::Folder, 0o555));
    // The cell's own /dev/null lies on a mount with flags of its own.
    assert_eq!(null.node.kind, Kind::Device(1, 3));
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
