//! What engines add to every config by themselves (`engines.yaml`): it is left out before a config is searched for
//! known problems of such configs.

use std::path::Path;
use std::sync::LazyLock;

use ocidiff_model::FindingId;

use ocidiff_model::Range;
use ocidiff_model::pattern::glob;
use ocidiff_model::version::Version;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    hooks: Vec<String>,
    annotations: Vec<String>,
    taken_paths: Vec<FindingId>,
    networks: Vec<Mark>,
    drops: Vec<Drops>,
}

/// A mount that identifies an engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    destination: String,
    below: String,
}

/// What an engine drops from a profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drops {
    engine: String,
    versions: Range,
    member: String,
}

static USUAL: LazyLock<Usual> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("engines.yaml")).unwrap_or_default());

/// Whether an engine drops a member of a profile from what it passes to its runtimes.
#[must_use]
pub fn drops(engine: &str, version: &str, member: &str) -> bool {
    let Ok(version) = Version::parse(version) else {
        return false;
    };
    let mut all = USUAL.drops.iter();
    all.any(|one| one.engine == engine && one.member == member && one.versions.holds(&version))
}

/// Whether a finding is about something existing at a device path, and nothing can exist there: each path is listed
/// once, below a tmpfs, and nothing is mounted on it.
pub(super) fn paths_are_free(id: &FindingId, config: &Value) -> bool {
    let list = |at: &str| config.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let path = |of: &Value, member: &str| of[member].as_str().map(str::to_owned);
    let paths: Vec<String> = list("/linux/devices")
        .filter_map(|one| path(one, "path"))
        .collect();
    let mounts: Vec<(String, bool)> = list("/mounts")
        .filter_map(|one| Some((path(one, "destination")?, one["type"] == "tmpfs")))
        .collect();
    let is_free = |at: &String| {
        let once = paths.iter().filter(|other| *other == at).count() == 1;
        let above = |(mount, is_tmpfs): &(String, bool)| *is_tmpfs && Path::new(at).starts_with(mount);
        once && mounts.iter().any(above) && mounts.iter().all(|(mount, _)| mount != at)
    };
    USUAL.taken_paths.contains(id) && paths.iter().all(is_free)
}

/// Whether the engine sets up a container's network after creating the container, without a hook in its config
/// that says so.
#[must_use]
pub(super) fn network_comes_later(config: &Value) -> bool {
    let mounts = || config["mounts"].as_array().into_iter().flatten();
    USUAL.networks.iter().any(|mark| {
        mounts().any(|mount| {
            let source = Path::new(mount["source"].as_str().unwrap_or_default());
            let folder = source.ancestors().nth(2).and_then(Path::file_name);
            mount["destination"] == mark.destination.as_str()
                && folder.is_some_and(|name| name == mark.below.as_str())
        })
    })
}

/// The config without what its engine added.
pub(super) fn without(config: &Value) -> Value {
    let mut config = config.clone();
    let Some(all) = config.as_object_mut() else {
        return config;
    };
    if let Some(list) = all.get_mut("annotations").and_then(Value::as_object_mut) {
        list.retain(|name, _| !USUAL.annotations.iter().any(|pattern| glob(pattern, name)));
    }
    if let Some(hooks) = all.get_mut("hooks").and_then(Value::as_object_mut) {
        without_hooks(hooks);
        if hooks.is_empty() {
            all.shift_remove("hooks");
        }
    }
    config
}

fn without_hooks(hooks: &mut Map<String, Value>) {
    hooks.retain(|_, list| {
        let Some(list) = list.as_array_mut() else {
            return true;
        };
        let before = list.len();
        list.retain(|hook| !is_usual(hook));
        !list.is_empty() || before == 0
    });
}

fn is_usual(hook: &Value) -> bool {
    let mut args = hook["args"].as_array().into_iter().flatten();
    args.any(|word| USUAL.hooks.iter().any(|usual| word == usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_device_below_a_fresh_dev_meets_nothing() {
        let id: FindingId = USUAL.taken_paths[0].clone();
        let of = |devices: Value, mounts: Value| {
            paths_are_free(&id, &json!({"linux": {"devices": devices}, "mounts": mounts}))
        };
        let dev = json!([{"destination": "/dev", "type": "tmpfs"}]);
        assert!(of(json!([{"path": "/dev/fuse"}]), dev.clone()));
        assert!(!of(
            json!([{"path": "/dev/fuse"}, {"path": "/dev/fuse"}]),
            dev.clone()
        ));
        assert!(!of(json!([{"path": "/opt/fuse"}]), dev.clone()));
        assert!(!of(json!([{"path": "/dev/fuse"}]), json!([])));
        let covered =
            json!([{"destination": "/dev", "type": "tmpfs"}, {"destination": "/dev/fuse", "type": "bind"}]);
        assert!(!of(json!([{"path": "/dev/fuse"}]), covered));
        assert!(!paths_are_free(
            &"runc/enosys-stub".parse().expect("an id"),
            &json!({})
        ));
    }

    #[test]
    fn dockers_network_comes_later_and_nobody_elses() {
        let of = |source: &str| {
            network_comes_later(&json!({"mounts": [{"destination": "/etc/hostname", "source": source}]}))
        };
        assert!(of("/var/lib/docker/containers/5015af5ad770/hostname"));
        assert!(!of(
            "/run/containers/storage/overlay-containers/16d5/userdata/hostname"
        ));
        assert!(!of(
            "/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/6a/hostname"
        ));
        assert!(!network_comes_later(&json!({})));
    }

    #[test]
    fn the_engines_own_is_left_out_and_nothing_else() {
        let own = json!({"path": "/proc/1/exe", "args": ["libnetwork-setkey", "-exec-root=/run"]});
        let other = json!({"path": "/usr/bin/nvidia", "args": ["nvidia", "prestart"]});
        let config = json!({"annotations": {"io.kubernetes.cri.container-type": "container", "run.oci.x": "1"},
            "hooks": {"prestart": [own, other], "poststop": [own]}});
        assert_eq!(
            without(&config),
            json!({"annotations": {"run.oci.x": "1"}, "hooks": {"prestart": [other]}})
        );
        assert_eq!(without(&json!({"hooks": {"prestart": [own]}})), json!({}));
        assert!(!USUAL.hooks.is_empty());
    }
}
