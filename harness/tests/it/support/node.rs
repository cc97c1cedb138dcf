//! The pods of `tests/pods/`: found by name, and put where they would be on a node.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// In place of an id: the config is a file of `real/`.
pub(crate) const REAL: &str = "real";

/// A pod by its name in the README, how the path of its config begins there, and which parts of it must be reported as
/// left out. Those of `real/` have the names of their files.
pub(crate) const PODS: [(&str, &str, &[&str]); 15] = [
    (
        "1.6.20-plain-sandbox",
        REAL,
        &["network namespace", "/dev/shm, /etc/resolv.conf"],
    ),
    (
        "1.6.20-limits-container",
        REAL,
        &["ipc namespace", "uts namespace", "/etc/hosts"],
    ),
    (
        "1.6.20-unconfined-container",
        REAL,
        &["/etc/hostname", "network namespace"],
    ),
    ("2.1.9-sysctl-sandbox", REAL, &["network namespace"]),
    (
        "2.1.9-privileged-container",
        REAL,
        &["devices are left out: ", "/dev/vda", "CAP_SYS_RESOURCE|"],
    ),
    (
        "fsgroup-1.6",
        "11519e3d104c",
        &["network namespace", "/srv/wiki", "without systemd"],
    ),
    ("shell-1.7", "dec5e9f63390", &["pid namespace"]),
    (
        "restricted-2.1",
        "b5351340d18f",
        &["/etc/api", "/var/run/secrets/kubernetes.io/serviceaccount"],
    ),
    (
        "userns-2.1",
        "03cc502beff4",
        &["user namespace", "ids are not mapped in mounts at /work|"],
    ),
    (
        "device-1.7",
        "58b6be3d4e26",
        &[
            "its hooks are not run",
            "devices are left out: /dev/accel0, /dev/accelctl",
            "libaccel.so.1",
        ],
    ),
    (
        "hugepages-2.1",
        "bc17bad676af",
        &["/hugepages-2Mi", "memory.high, memory.min, memory.oom.group|"],
    ),
    (
        "selinux-crio",
        "584f12c40a86",
        &[
            "/run/.containerenv",
            "/opt/app/cache",
            "SELinux|",
            "without systemd",
        ],
    ),
    ("apparmor-crio", "49f13738e9fc", &["/var/ledger", "AppArmor|"]),
    (
        "unconfined-crio",
        "2ee8f2f70d47",
        &["network namespace", "/etc/hostname"],
    ),
    (
        "infra-crio",
        "5bdce3ced69b",
        &["/dev/shm, /etc/resolv.conf, /etc/hostname", "SELinux|"],
    ),
];

pub(crate) fn pods() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pods")
}

fn configs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of pods").flatten() {
        let path = entry.path();
        if path.is_dir() {
            configs(&path, found);
        } else if path.file_name().is_some_and(|name| name == "config.json") {
            found.push(path);
        }
    }
}

/// Every pod's config, by its name in the README.
pub(crate) fn all() -> BTreeMap<&'static str, PathBuf> {
    let mut found = Vec::new();
    configs(&pods(), &mut found);
    let assembled = PODS.iter().filter(|(_, id, _)| *id != REAL).count();
    assert_eq!(found.len(), assembled, "{found:#?}");
    let named = PODS.iter().map(|(name, id, _)| {
        if *id == REAL {
            return (*name, pods().join(REAL).join(format!("{name}.json")));
        }
        let mut mine = found
            .iter()
            .filter(|path| path.to_string_lossy().contains(&format!("/{id}")));
        let path = mine
            .next()
            .unwrap_or_else(|| panic!("{name}: no config.json under {id}"));
        (*name, path.clone())
    });
    named.collect()
}

/// Where a pod's bundle lies on a node, by the path of its config here.
fn place(config: &Path) -> PathBuf {
    let below = config.strip_prefix(pods()).expect("below");
    match below.strip_prefix(REAL) {
        Ok(file) => {
            Path::new("run/containerd/io.containerd.runtime.v2.task/k8s.io").join(file.with_extension(""))
        }
        Err(_) => below.parent().expect("a bundle").to_owned(),
    }
}

/// Puts a pod into the scene as it is on a node, with a rootfs where its config says; the bundle has the pod's name.
pub(crate) fn put(scene: &Path, name: &str, from: &Path) {
    let text = fs::read_to_string(from).expect("a config");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    let place = scene.join("node").join(place(from));
    fs::create_dir_all(&place).expect("a bundle");
    let root = config["root"]["path"].as_str().expect("a root").to_owned();
    // An absolute path would refer to this machine.
    let root = match root.strip_prefix('/') {
        Some(below) => scene.join("node").join(below),
        None => place.join(root),
    };
    started(&root, &config);
    if config["root"]["path"] != "rootfs" {
        config["root"]["path"] = root.to_string_lossy().into_owned().into();
    }
    sources(&scene.join("node"), &mut config);
    fs::write(place.join("config.json"), config.to_string()).expect("a config");
    symlink(place, scene.join(name)).expect("a name");
}

/// Mount points that are files.
const FILES: [&str; 6] = [
    "hosts",
    "hostname",
    "resolv.conf",
    "termination-log",
    ".containerenv",
    "libaccel.so.1",
];

fn is_file(mount_point: &Path) -> bool {
    FILES.iter().any(|file| mount_point.ends_with(file))
}

/// What is bound is there, as it is on a node; what this machine does not have lies below the scene's folder, into which
/// everybody may look.
fn sources(node: &Path, config: &mut Value) {
    fs::set_permissions(node.parent().expect("a scene"), PermissionsExt::from_mode(0o755)).expect("open it");
    for mount in config["mounts"].as_array_mut().expect("mounts") {
        let source = mount["source"].as_str().unwrap_or_default();
        if !source.starts_with('/') || Path::new(source).exists() {
            continue;
        }
        let there = node.join(source.trim_start_matches('/'));
        if is_file(Path::new(mount["destination"].as_str().expect("a destination"))) {
            fs::create_dir_all(there.parent().expect("a folder")).expect("a folder");
            fs::write(&there, "").expect("a file");
        } else {
            fs::create_dir_all(&there).expect("a folder");
        }
        mount["source"] = there.to_string_lossy().into_owned().into();
    }
}

/// A rootfs as it is once a container has been started in it: every mount has its mount point, and the container's root
/// has them all.
fn started(root: &Path, config: &Value) {
    let owner = config["linux"]["uidMappings"][0]["hostID"].as_u64().unwrap_or(0);
    let owner = u32::try_from(owner).expect("an id");
    fs::create_dir_all(root).expect("a rootfs");
    for mount in config["mounts"].as_array().expect("mounts") {
        let below = mount["destination"]
            .as_str()
            .expect("a destination")
            .trim_start_matches('/');
        let at = root.join(below);
        // /dev is the container's own tmpfs.
        if below.starts_with("dev/") {
            continue;
        }
        if is_file(&at) {
            fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
            fs::write(&at, "").expect("a file");
        } else {
            fs::create_dir_all(&at).expect("a folder");
        }
    }
    let cwd = config["process"]["cwd"].as_str().expect("a cwd");
    fs::create_dir_all(root.join(cwd.trim_start_matches('/'))).expect("the folder that it works in");
    super::program::of_config(root, config);
    give(root, owner);
}

fn give(path: &Path, owner: u32) {
    // Without root, the test does not get as far as a runtime.
    let _ = lchown(path, Some(owner), Some(owner));
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder").flatten();
        entries.for_each(|entry| give(&entry.path(), owner));
    }
}
