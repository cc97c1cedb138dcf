//! The namespaces of the probe's copy: joined namespaces exist, and are neither the host's nor another container's.

use serde_json::{Map, Value, json};

use super::UNCHECKED;
use crate::cell::joined;
use crate::paths;

/// The host's namespaces become the cell's; joined ones become namespaces that the cell keeps for that, so that neither
/// is new.
pub(super) fn namespaces(linux: &mut Map<String, Value>, own_processes: bool, changes: &mut Vec<String>) {
    let list = linux.entry("namespaces").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    // Namespaces of a user namespace that is joined belong to it; those that the cell keeps do not.
    let user_is_joined = list
        .iter()
        .any(|one| one["type"] == "user" && !leads_nowhere(&one["path"]));
    for one in list.iter_mut().filter_map(Value::as_object_mut) {
        let kind = one.get("type").and_then(Value::as_str).unwrap_or("?").to_owned();
        let Some(path) = one.shift_remove("path") else {
            continue;
        };
        // It joins nothing, and what runtimes make of that is theirs.
        if leads_nowhere(&path) {
            one.insert("path".to_owned(), path);
            continue;
        }
        let path = path.as_str().unwrap_or_default();
        match joined::KINDS.iter().find(|(name, _)| *name == kind) {
            // It is up to the runtime to refuse a path that is not absolute.
            Some(_) if !path.starts_with('/') => {
                one.insert("path".to_owned(), path.into());
            }
            Some(_) if user_is_joined => {
                changes.push(format!("a new {kind} namespace, not the one that it joins"));
            }
            Some((_, name)) if is_hosts(path, name) => {
                one.insert("path".to_owned(), format!("/proc/1/ns/{name}").into());
                changes.push(format!(
                    "the host's {kind} namespace, which it joins, is the cell's"
                ));
            }
            Some((_, name)) => {
                one.insert("path".to_owned(), format!("{}/{name}", paths::NAMESPACES).into());
                changes.push(format!("it joins an empty {kind} namespace in place of its own"));
                if is_gone(path, name) {
                    let a = if kind == "ipc" { "an" } else { "a" };
                    changes.push(format!(
                        "{UNCHECKED}it joins {a} {kind} namespace that is not there"
                    ));
                }
            }
            None => changes.push(format!("a new {kind} namespace, not the one that it joins")),
        }
    }
    if own_processes && list.iter().all(|one| one["type"] != "pid") {
        list.push(json!({"type": "pid"}));
        changes.push("a new pid namespace, not the host's".to_owned());
    }
    for kind in ["network", "pid"] {
        if list.iter().all(|one| one["type"] != kind) {
            changes.push(format!("the host's {kind} namespace is the cell's"));
        }
    }
}

/// Whether the path of a namespace is none that could be joined: an empty one, or no text at all.
fn leads_nowhere(path: &Value) -> bool {
    path.as_str().is_none_or(str::is_empty)
}

/// Whether a path leads to the namespace in which the host itself is.
fn is_hosts(path: &str, name: &str) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &str| std::fs::metadata(path).ok().map(|seen| (seen.dev(), seen.ino()));
    inode(path).is_some() && inode(path) == inode(&format!("/proc/1/ns/{name}"))
}

/// Whether there is nothing of that kind to join at a path. A process's namespace exists only for a moment, which a
/// config outlives.
fn is_gone(path: &str, name: &str) -> bool {
    let Ok(there) = rustix::fs::statfs(path) else {
        return !path.starts_with("/proc/");
    };
    // A process's link says what kind it is; what was mounted elsewhere does not.
    let kind = std::fs::read_link(path).ok();
    let kind = kind.as_ref().and_then(|kind| kind.to_str()?.split_once(":["));
    there.f_type != NAMESPACES || kind.is_some_and(|(kind, _)| kind != name)
}

/// The file system to which the files of namespaces belong.
const NAMESPACES: i64 = 0x6e73_6673;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_of_a_namespace_joins_nothing() {
        for path in [json!(""), json!(null)] {
            let all = ["pid", "network", "user", "mount"].map(|kind| json!({"type": kind, "path": path}));
            let config = json!({"namespaces": all});
            let (mut linux, mut changes) = (config.as_object().cloned().expect("an object"), Vec::new());
            namespaces(&mut linux, true, &mut changes);
            assert_eq!((json!(linux), changes), (config, Vec::new()), "{path}");
        }
    }
}
