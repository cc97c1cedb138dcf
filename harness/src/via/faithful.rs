//! Whether the config.json that the engine wrote says what the case wants it to say. An engine silently drops settings
//! that it does not know; what shows then is not an answer to the case.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The first part that the case changes in the default config and that the engine wrote differently.
pub(super) fn changed(asked: &Value, default: &Value, written: &Value) -> Option<String> {
    let mut paths = Vec::new();
    differing("", asked, default, &mut paths);
    let of = |config: &Value, path: &str| {
        path.split('.')
            .fold(config.clone(), |part, key| part[key].clone())
    };
    paths
        .into_iter()
        .filter(|path| !is_own(path, asked))
        .find(|path| !says(path, &of(asked, path), &of(written, path)))
        .map(|path| format!("it writes {path} differently"))
}

/// Dotted paths of the parts in which two objects differ.
fn differing(path: &str, a: &Value, b: &Value, paths: &mut Vec<String>) {
    let empty = Map::new();
    let (a, b) = match (a, b) {
        (Value::Object(a), Value::Object(b)) => (a, b),
        // Maps of sysctls and annotations are compared as a whole: their names contain dots.
        (Value::Object(a), Value::Null) if path != "linux.sysctl" && path != "annotations" => (a, &empty),
        _ => {
            if a != b {
                paths.push(path.to_owned());
            }
            return;
        }
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        differing(&path, &at(a), &at(b), paths);
    }
}

/// What is written by means other than a member of this name, or not at all if it has no effect.
fn is_own(path: &str, asked: &Value) -> bool {
    let is_user = asked["process"]["user"]["uid"].as_i64().unwrap_or(0) != 0;
    match path {
        "linux.cgroupsPath" | "linux.resources.devices" | "linux.seccomp.$profile" => true,
        // Users other than root lose them at the execve.
        "process.capabilities.effective" | "process.capabilities.permitted" => is_user,
        _ => false,
    }
}

/// Whether what is written contains what is asked for, and maybe more.
fn says(path: &str, asked: &Value, written: &Value) -> bool {
    match path {
        "process.env" | "process.user.additionalGids" | "process.rlimits" => is_part(asked, written),
        "process.capabilities.bounding"
        | "process.capabilities.effective"
        | "process.capabilities.permitted" => is_part(asked, written) && is_part(written, asked),
        "linux.namespaces" => is_part(asked, written) && is_part(written, asked),
        "linux.devices" => all(asked).all(|device| all(written).any(|other| has_path(other, device))),
        "linux.sysctl" | "annotations" => asked
            .as_object()
            .is_none_or(|map| map.iter().all(|(name, value)| written[name] == *value)),
        "linux.seccomp.architectures" => is_part(asked, written) && is_part(written, asked),
        "linux.seccomp.syscalls" => rules(asked) == rules(written),
        "mounts" => {
            all(asked).all(|mount| is_default(mount) || all(written).any(|other| is_mount(other, mount)))
        }
        _ if is_nothing(asked) => is_nothing(written),
        _ => asked == written,
    }
}

fn all(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn is_part(part: &Value, whole: &Value) -> bool {
    all(part).all(|one| all(whole).any(|other| one == other))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) => false,
    }
}

fn has_path(written: &Value, asked: &Value) -> bool {
    ["path", "major", "minor"]
        .iter()
        .all(|key| written[*key] == asked[*key])
}

/// The engine's own mounts are compared with the default ones when the container is asked for.
fn is_default(mount: &Value) -> bool {
    let place = mount["destination"].as_str().unwrap_or_default();
    let is_own = place.starts_with("/dev") && mount["type"] != "bind";
    is_own || !["tmpfs", "bind", "cgroup"].contains(&mount["type"].as_str().unwrap_or_default())
}

fn is_mount(written: &Value, asked: &Value) -> bool {
    written["destination"] == asked["destination"]
        && written["type"] == asked["type"]
        && is_readonly(&asked["options"]) == is_readonly(&written["options"])
        && says_options(asked, &written["options"])
}

fn is_readonly(options: &Value) -> bool {
    all(options).any(|option| option == "ro")
}

/// Nothing is mounted below the folders that cases bind, and writing is allowed by default.
fn says_options(asked: &Value, written: &Value) -> bool {
    let is_said = |option: &Value| {
        let words = ["bind", "rbind", "rw"];
        asked["type"] == "bind" && words.iter().any(|word| option == word)
    };
    all(&asked["options"]).all(|option| is_said(option) || all(written).any(|other| option == other))
}

/// A profile's rules by the names of their calls, whatever the order and the grouping.
fn rules(syscalls: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rule in all(syscalls) {
        let conditions: Vec<String> = all(&rule["args"])
            .map(|one| {
                let [index, value, second] =
                    ["index", "value", "valueTwo"].map(|key| one[key].as_u64().unwrap_or(0));
                format!("{index} {value} {second} {}", one["op"])
            })
            .collect();
        for name in all(&rule["names"]) {
            found.insert(format!(
                "{name} {} {} {conditions:?}",
                rule["action"], rule["errnoRet"]
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(asked: Value, written: Value) -> Option<String> {
        let default = json!({"process": {"cwd": "/", "env": ["PATH=/bin"]}, "linux": {"cgroupsPath": "/x"}});
        let mut whole = default.clone();
        ocidiff_model::merge::merge(&mut whole, &asked).expect("merge");
        changed(&whole, &default, &written)
    }

    #[test]
    fn what_the_case_does_not_change_may_be_written_anyhow() {
        assert_eq!(of(json!({}), json!({"process": {"cwd": "/other"}})), None);
    }

    #[test]
    fn what_it_changes_must_be_written() {
        let env = json!({"process": {"env": ["PATH=/bin", "A=1"]}});
        assert_eq!(
            of(
                env.clone(),
                json!({"process": {"env": ["A=1", "HOSTNAME=x", "PATH=/bin"]}})
            ),
            None
        );
        assert_eq!(
            of(env, json!({"process": {"env": ["PATH=/bin"]}})).as_deref(),
            Some("it writes process.env differently")
        );
        let limit = json!({"linux": {"resources": {"pids": {"limit": -1}}}});
        assert_eq!(
            of(limit, json!({})).as_deref(),
            Some("it writes linux.resources.pids.limit differently")
        );
    }

    #[test]
    fn a_bind_is_the_same_in_other_words() {
        let mounts = |options: &[&str], source: &str| json!({"mounts": [{"destination": "/dev/x", "type": "bind", "source": source, "options": options}]});
        let says = "it writes mounts differently".to_owned();
        for (asked, written, expected) in [
            (&["bind"][..], &["rbind", "rprivate", "rw"][..], None),
            (&["rbind", "ro", "rslave"], &["rbind", "rslave", "ro"], None),
            (&["bind"], &["rbind", "rprivate", "ro"], Some(says.clone())),
            (&["bind", "ro"], &["rbind", "rprivate", "rw"], Some(says.clone())),
            (&["bind", "rslave"], &["rbind", "rprivate", "rw"], Some(says)),
        ] {
            assert_eq!(
                of(mounts(asked, "/a"), mounts(written, "/b")),
                expected,
                "{asked:?}"
            );
        }
    }

    #[test]
    fn what_is_to_be_written_to_is_not_mounted_read_only() {
        let mounts = |options: &[&str]| json!({"mounts": [{"destination": "/sys/fs/cgroup", "type": "cgroup", "options": options}]});
        let written = mounts(&["nosuid", "ro"]);
        assert_eq!(of(mounts(&["ro"]), written.clone()), None);
        let says = Some("it writes mounts differently".to_owned());
        assert_eq!(of(mounts(&["nosuid"]), written), says);
    }

    #[test]
    fn annotations_must_be_handed_on() {
        let asked = json!({"annotations": {"a.b/c": "d"}});
        let more = json!({"annotations": {"a.b/c": "d", "io.kubernetes.cri.container-type": "container"}});
        assert_eq!(of(asked.clone(), more), None);
        let says = Some("it writes annotations differently".to_owned());
        assert_eq!(of(asked, json!({"annotations": {}})), says);
    }

    #[test]
    fn a_profile_is_the_same_however_its_rules_are_grouped() {
        let rule = |names: &[&str]| json!({"names": names, "action": "A"});
        let profile = json!({"defaultAction": "E", "syscalls": [rule(&["a", "b"])]});
        let same = json!({"defaultAction": "E", "syscalls": [rule(&["b"]), rule(&["a"])]});
        let asked = json!({"linux": {"seccomp": profile}});
        assert_eq!(of(asked, json!({"linux": {"seccomp": same}})), None);
        let mut more = profile.clone();
        more["defaultErrnoRet"] = 38.into();
        assert_eq!(
            of(
                json!({"linux": {"seccomp": more}}),
                json!({"linux": {"seccomp": profile}})
            )
            .as_deref(),
            Some("it writes linux.seccomp.defaultErrnoRet differently")
        );
    }
}
