//! The mounts of the probe's copy: the host's files are not shown, but what stands in for them has their kind, owner
//! and mode, on a mount with the same flags.

use std::collections::BTreeSet;
use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::stand_in::stand_in;
use super::{PROBE, UNCHECKED};
use crate::cell::stand_in::{Kind, StandIn};

/// File systems that the kernel itself provides; any other is read from a device, a server or a folder of the host.
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

/// Options of a mount that mean the same for a folder that stands in for another.
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

/// Devices that every cell has: they do not belong to the workload.
pub(crate) const EVERYBODYS: [&str; 6] = [
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];

/// Files that runtimes read, and that are not read here: an invented user is put into them.
const USERS: [&str; 2] = ["/etc/passwd", "/etc/group"];

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

/// Something stands in for each of the host's files; it is a file if the host's is one, or, if the host has none,
/// where the rootfs has a file to mount it on.
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
    let (mut foreign, mut hidden, mut relative) = (Vec::new(), Vec::<String>::new(), Vec::new());
    for mount in list.iter_mut().filter_map(Value::as_object_mut) {
        let at = mount.get("destination").and_then(Value::as_str);
        let at = at.unwrap_or("?").to_owned();
        if !maps_ids && unmapped(mount) {
            mapped.push(at.clone());
        }
        let kind = mount.get("type").and_then(Value::as_str).unwrap_or("none");
        if !binds(mount) && OF_THE_KERNEL.contains(&kind) {
            continue;
        }
        let source = mount.get("source").and_then(Value::as_str).map(PathBuf::from);
        let source = source.filter(|_| binds(mount));
        if !binds(mount) {
            foreign.push(format!("{kind} at {at}"));
            if kind == "devtmpfs" && !user {
                // The machine's own, which a container would change: runtimes make their devices in a new one.
                mount.insert("type".to_owned(), "tmpfs".into());
                continue;
            }
            as_bind(mount);
        }
        if user && source.as_deref().is_some_and(is_behind_closed_folder) {
            hidden.push(at.clone());
        }
        // What lies beside ocidiff under that name is something else.
        let is_relative = source.as_deref().is_some_and(Path::is_relative);
        let source = source.filter(|_| !is_relative);
        if is_relative {
            relative.push(at.clone());
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
        // A device of which every cell has one is that device; only its mount is a copy.
        if !matches!(stand_ins[index].node.kind, Kind::Device(..)) {
            replaced.push(at);
        }
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
    if !unknown.is_empty() {
        // Whether it is a file or a folder, who may use it, and flags of its mount, which cannot be removed in a user
        // namespace, decide what a runtime does with it; and nobody starts a container whose source is gone.
        changes.push(format!(
            "{UNCHECKED}mounts of files that are not on this machine, at {}",
            unknown.join(", ")
        ));
    }
    if !relative.is_empty() {
        changes.push(format!(
            "{UNCHECKED}sources that are relative paths, which not all runtimes look up in the bundle, at {}",
            relative.join(", ")
        ));
    }
    if !hidden.is_empty() {
        // Some runtimes look for a source as the root of the user namespace, which is an unprivileged user there.
        changes.push(format!(
            "{UNCHECKED}folders above the sources that the root of the user namespace may not search, at {}",
            hidden.join(", ")
        ));
    }
    unmounted(&foreign, changes);
    if !mapped.is_empty() {
        changes.push(format!(
            "{UNCHECKED}ids are not mapped in mounts at {}",
            mapped.join(", ")
        ));
    }
    stand_ins
}

/// Whether a file system can be mounted, and with its options, is for the runtime, the kernel and what is mounted to say;
/// a folder that is bound in its place shows none of that.
fn unmounted(foreign: &[String], changes: &mut Vec<String>) {
    if !foreign.is_empty() {
        let foreign = foreign.join(", ");
        changes.push(format!(
            "{UNCHECKED}file systems that the probe does not mount: {foreign}"
        ));
    }
}

pub(super) fn has_user_namespace(all: &Map<String, Value>) -> bool {
    let list = all.get("linux").and_then(|linux| linux["namespaces"].as_array());
    list.is_some_and(|list| list.iter().any(|one| one["type"] == "user"))
}

/// Whether some folder above it lets only its owner and group through.
fn is_behind_closed_folder(source: &Path) -> bool {
    let mut above = source.ancestors().skip(1);
    above.any(|folder| metadata(folder).is_ok_and(|seen| seen.mode() & 0o001 == 0))
}

fn user_of(all: &Map<String, Value>) -> (u64, u64) {
    let user = all.get("process").map(|process| &process["user"]);
    let number = |member: &str| user.and_then(|user| user[member].as_u64()).unwrap_or(0);
    (number("uid"), number("gid"))
}

/// Adds the workload's user to the files in which a runtime looks users up, where a mount covers them.
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
pub(super) fn named(all: &Map<String, Value>) -> BTreeSet<String> {
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

pub(super) fn options(mount: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = mount.get("options").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

pub(super) fn binds(mount: &Map<String, Value>) -> bool {
    mount.get("type").is_some_and(|kind| kind == "bind")
        || options(mount).any(|one| one == "bind" || one == "rbind")
}

/// A file system from a device or a server: the folder that stands in for it is bound there.
fn as_bind(mount: &mut Map<String, Value>) {
    let kept = options(mount).filter(|one| OF_ANY.contains(one));
    let kept: Vec<&str> = std::iter::once("bind").chain(kept).collect();
    let kept = kept.into();
    mount.insert("options".to_owned(), kept);
    mount.insert("type".to_owned(), "bind".into());
}

/// The stand-in is on an overlay, where the kernel does not map ids.
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
mod tests;
