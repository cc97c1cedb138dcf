//! The mounts of the probe's copy: the host's files are not shown, but what stands for them is of their kind, with their owner and
//! mode, on a mount with the same flags.

use std::collections::BTreeSet;
use std::fs::{Metadata, metadata, symlink_metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::StatVfsMountFlags;
use rustix::mount::MountFlags;
use serde_json::{Map, Value};

use super::{PROBE, UNCHECKED};
use crate::cell::stand_in::{Kind, Node, StandIn};

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

/// Devices that every cell has: they are nobody's.
pub(crate) const EVERYBODYS: [&str; 6] = [
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];

/// Their numbers, and those of /dev/ptmx.
const EVERYBODYS_NUMBERS: [(u32, u32); 7] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)];

/// Files that runtimes read, which are not read here: an invented user stands in them.
const USERS: [&str; 2] = ["/etc/passwd", "/etc/group"];

/// How many paths below a stand-in are made.
const INSIDE: usize = 200;

/// Where runtimes look for files, whatever a config says.
const LOOKED_FOR: [&str; 16] = [
    "/dev/full",
    "/dev/null",
    "/dev/ptmx",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
    "/dev",
    "/dev/pts",
    "/dev/shm",
    "/etc/group",
    "/etc/passwd",
    "/proc",
    "/run",
    "/sys",
    PROBE,
];

/// Something stands for each file of the host's; it is a file where the host's is one, or, if the host has none, where
/// the rootfs has a file to mount it on.
pub(super) fn mounts(
    all: &mut Map<String, Value>,
    layers: &[PathBuf],
    maps_ids: bool,
    changes: &mut Vec<String>,
) -> Vec<StandIn> {
    let (named, user, user_of) = (named(all), has_user_namespace(all), user_of(all));
    let mut invented = false;
    let Some(list) = all.get_mut("mounts").and_then(Value::as_array_mut) else {
        return Vec::new();
    };
    let mut stand_ins: Vec<StandIn> = Vec::new();
    let (mut replaced, mut unknown, mut mapped) = (Vec::new(), Vec::new(), Vec::new());
    let mut strange: Vec<String> = Vec::new();
    for mount in list.iter_mut().filter_map(Value::as_object_mut) {
        let at = mount.get("destination").and_then(Value::as_str);
        let at = at.unwrap_or("?").to_owned();
        if !maps_ids && unmapped(mount) {
            mapped.push(at.clone());
        }
        let kind = mount.get("type").and_then(Value::as_str).unwrap_or("bind");
        let foreign = !OF_THE_KERNEL.contains(&kind);
        if !(binds(mount) || foreign) {
            continue;
        }
        let source = mount.get("source").and_then(Value::as_str).map(PathBuf::from);
        if source
            .as_ref()
            .is_some_and(|source| EVERYBODYS.iter().any(|one| Path::new(one) == source))
        {
            continue;
        }
        let source = source.filter(|_| binds(mount));
        if !binds(mount) {
            strange.extend((!is_known(kind)).then(|| format!("{kind} at {at}")));
            as_bind(mount);
        }
        let (mut stand_in, known) = stand_in(source.as_deref(), Path::new(&at), layers, &named);
        invented |= invent(&mut stand_in, Path::new(&at), user_of);
        if !known {
            unknown.push(at.clone());
        }
        let index = stand_ins.iter().position(|one| *one == stand_in);
        let index = index.unwrap_or_else(|| {
            stand_ins.push(stand_in.clone());
            stand_ins.len() - 1
        });
        mount.insert("source".to_owned(), stand_in.path(index).into());
        replaced.push(at);
    }
    if !replaced.is_empty() {
        changes.push(format!(
            "an empty file or folder stands for the host's at {}",
            replaced.join(", ")
        ));
    }
    if invented {
        changes.push("an invented user stands in the host's /etc/passwd, which is not read".to_owned());
    }
    if !unknown.is_empty() && user {
        // In a user namespace flags that a source has cannot be taken off, and some runtimes try.
        changes.push(format!(
            "{UNCHECKED}mounts of files that are not on this machine, in a user namespace, at {}",
            unknown.join(", ")
        ));
    }
    if !strange.is_empty() {
        let strange = strange.join(", ");
        changes.push(format!(
            "{UNCHECKED}this kernel does not know the file system {strange}"
        ));
    }
    if !mapped.is_empty() {
        changes.push(format!(
            "{UNCHECKED}ids are not mapped in mounts at {}",
            mapped.join(", ")
        ));
    }
    stand_ins
}

/// Whether the kernel has a file system; what comes as a module it has once somebody has mounted one. The rest of a name is
/// for the program that mounts.
fn is_known(kind: &str) -> bool {
    let Ok(all) = std::fs::read_to_string("/proc/filesystems") else {
        return true;
    };
    let kind = kind.split('.').next().unwrap_or(kind);
    all.lines()
        .any(|line| line.split_whitespace().last() == Some(kind))
}

fn has_user_namespace(all: &Map<String, Value>) -> bool {
    let list = all.get("linux").and_then(|linux| linux["namespaces"].as_array());
    list.is_some_and(|list| list.iter().any(|one| one["type"] == "user"))
}

fn user_of(all: &Map<String, Value>) -> (u64, u64) {
    let user = all.get("process").map(|process| &process["user"]);
    let number = |member: &str| user.and_then(|user| user[member].as_u64()).unwrap_or(0);
    (number("uid"), number("gid"))
}

/// Puts the workload's user into the files that a runtime looks users up in, where a mount covers them.
fn invent(stand_in: &mut StandIn, at: &Path, (uid, gid): (u64, u64)) -> bool {
    let mut done = false;
    for path in USERS {
        let text = match path {
            "/etc/passwd" => format!("root:x:0:0::/:/bin/sh\ninvented:x:{uid}:{gid}::/:/bin/sh\n"),
            _ => format!("root:x:0:\ninvented:x:{gid}:\n"),
        };
        let node = match Path::new(path).strip_prefix(at) {
            Ok(below) if below.as_os_str().is_empty() => Some(&mut stand_in.node),
            Ok(below) => {
                let mut inside = stand_in.inside.iter_mut();
                inside
                    .find(|(there, _)| Path::new(there) == below)
                    .map(|(_, node)| node)
            }
            Err(_) => None,
        };
        if let Some(node) = node.filter(|node| node.kind == Kind::File) {
            node.kind = Kind::Text(text);
            done = true;
        }
    }
    done
}

/// Absolute paths in the container that the config names, and those that runtimes look for.
fn named(all: &Map<String, Value>) -> BTreeSet<String> {
    let linux = all.get("linux");
    let list = |value: Option<&Value>| -> Vec<Value> {
        value.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let of = |member: &str| list(linux.and_then(|linux| linux.get(member)));
    let process = all.get("process");
    let mut found: Vec<Value> = [of("maskedPaths"), of("readonlyPaths")].concat();
    found.extend(
        list(all.get("mounts"))
            .iter()
            .map(|mount| mount["destination"].clone()),
    );
    found.extend(of("devices").iter().map(|device| device["path"].clone()));
    found.extend(process.map(|process| process["cwd"].clone()));
    let texts = found
        .iter()
        .filter_map(Value::as_str)
        .filter(|path| path.starts_with('/'));
    texts.chain(LOOKED_FOR).map(str::to_owned).collect()
}

/// What stands for a source, and whether the source is on this machine.
fn stand_in(
    source: Option<&Path>,
    at: &Path,
    layers: &[PathBuf],
    named: &BTreeSet<String>,
) -> (StandIn, bool) {
    let seen = source.and_then(|source| Some((source, metadata(source).ok()?)));
    let Some((source, seen)) = seen else {
        let below = at.strip_prefix("/").unwrap_or(at);
        let target = layers
            .iter()
            .find_map(|layer| symlink_metadata(layer.join(below)).ok());
        let is_file = target.is_some_and(|target| target.is_file());
        let node = Node::plain(if is_file { Kind::File } else { Kind::Folder });
        let unknown = StandIn {
            node,
            flags: 0,
            inside: with_probe(Vec::new(), at),
        };
        return (unknown, source.is_none());
    };
    let node = node(&seen);
    let inside = if node.kind == Kind::Folder {
        with_probe(inside(source, at, named), at)
    } else {
        Vec::new()
    };
    (
        StandIn {
            node,
            flags: flags_of(source),
            inside,
        },
        true,
    )
}

fn node(seen: &Metadata) -> Node {
    let kind = seen.file_type();
    let device = (rustix::fs::major(seen.rdev()), rustix::fs::minor(seen.rdev()));
    let kind = match () {
        () if kind.is_char_device() && EVERYBODYS_NUMBERS.contains(&device) => {
            Kind::Device(device.0, device.1)
        }
        () if kind.is_dir() => Kind::Folder,
        () if kind.is_fifo() => Kind::Fifo,
        () if kind.is_socket() => Kind::Socket,
        () => Kind::File,
    };
    Node {
        kind,
        mode: seen.mode() & 0o7777,
        uid: seen.uid(),
        gid: seen.gid(),
    }
}

/// The flags of the mount that a path lies on.
fn flags_of(path: &Path) -> u32 {
    let told = rustix::fs::statvfs(path).map_or(StatVfsMountFlags::empty(), |told| told.f_flag);
    let all = [
        (StatVfsMountFlags::RDONLY, MountFlags::RDONLY),
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ];
    let flags = all
        .into_iter()
        .filter(|(told_as, _)| told.contains(*told_as))
        .map(|(_, flag)| flag);
    flags.collect::<MountFlags>().bits()
}

/// What a source has of the paths that the config names below it: that, and nothing else of it.
fn inside(source: &Path, at: &Path, named: &BTreeSet<String>) -> Vec<(String, Node)> {
    let mut found: Vec<(String, Node)> = Vec::new();
    for below in named
        .iter()
        .filter_map(|path| Path::new(path).strip_prefix(at).ok())
    {
        let mut path = PathBuf::new();
        for part in below.components() {
            let Component::Normal(part) = part else { break };
            path.push(part);
            let Some(text) = path.to_str().map(str::to_owned) else {
                break;
            };
            let Ok(seen) = symlink_metadata(source.join(&path)) else {
                break;
            };
            let mut node = node(&seen);
            if seen.is_symlink() {
                node.kind = std::fs::read_link(source.join(&path)).map_or(Kind::File, Kind::Link);
            }
            let goes_on = node.kind == Kind::Folder;
            if found.len() < INSIDE && !found.iter().any(|(there, _)| *there == text) {
                found.push((text, node));
            }
            if !goes_on {
                break;
            }
        }
    }
    found
}

/// The probe goes where it would be covered.
fn with_probe(mut inside: Vec<(String, Node)>, at: &Path) -> Vec<(String, Node)> {
    let Some(below) = Path::new(PROBE).strip_prefix(at).ok() else {
        return inside;
    };
    let Some(below) = below.to_str().filter(|below| !below.is_empty()) else {
        return inside;
    };
    let folder = Path::new(below)
        .parent()
        .and_then(Path::to_str)
        .filter(|folder| !folder.is_empty());
    inside.retain(|(path, _)| path != below && Some(path.as_str()) != folder);
    inside.extend(folder.map(|folder| (folder.to_owned(), Node::plain(Kind::Folder))));
    inside.push((below.to_owned(), Node::plain(Kind::Probe)));
    inside
}

pub(super) fn options(mount: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = mount.get("options").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn binds(mount: &Map<String, Value>) -> bool {
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
            assert_eq!(mount["source"], format!("{}/0/0", paths::STAND_INS));
            assert_eq!(
                changes[0],
                "an empty file or folder stands for the host's at /data"
            );
        }
        let (_, changes) = told(json!({"destination": "/data", "type": "nosuchfs", "source": "none"}));
        assert_eq!(
            changes[1],
            "not checked: this kernel does not know the file system nosuchfs at /data"
        );
        let tmpfs =
            json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=4k"]});
        assert_eq!(told(tmpfs.clone()), (tmpfs, Vec::new()));
    }

    #[test]
    fn a_file_stands_for_what_is_mounted_on_a_file() {
        let config =
            json!({"mounts": [{"destination": "/etc/passwd", "type": "bind", "source": "/nowhere"}]});
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
        let [tree, socket, kernel] = &made[..] else {
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
        assert_eq!(all["mounts"][3]["source"], "/dev/null");
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
