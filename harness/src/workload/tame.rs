//! The probe's copy of a workload's config: the runtime handles it like the workload's, but nothing of the host is
//! reached, and no secret is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ocidiff_model::FileSpec;
use ocidiff_model::names::is_alike;
use ocidiff_model::step::MAIN;
use serde_json::{Map, Value, json};

use super::changed::untold;
use super::doubts::doubts;
use super::env;
use super::hooks;
use super::kernel;
pub use super::limits::Limits;
use super::limits::rlimits;
use super::looked_at::looked_at;
use super::mounts::{EVERYBODYS, has_user_namespace, mounts};
use super::namespaces::namespaces;
use super::uses::Uses;
use super::{PROBE, UNCHECKED};
use crate::cell::stand_in::StandIn;
use crate::secrets::digest;

/// What a copy lacks whose config has `linux.netDevices`.
pub const NO_NET_DEVICES: &str = "no network device is moved into it";

/// A config for the probe, and how it differs from the workload's.
#[derive(Debug, Clone, PartialEq)]
pub struct Tamed {
    /// The config.
    pub config: Value,
    /// A line for each change that can matter.
    pub changes: Vec<String>,
    /// What stands in for files of the host.
    pub stand_ins: Vec<StandIn>,
    /// What goes on top of the workload's rootfs.
    pub files: BTreeMap<String, FileSpec>,
    /// Whether the result depends on the content of the workload's own files: then a check of another
    /// workload does not apply to it.
    pub alone: bool,
    /// Whether cgroups are v2 only.
    pub unified: bool,
    /// What the workload does with devices.
    pub uses: Uses,
    /// Whether the workload's network is set up by its engine, through a hook or beforehand: the probe has an
    /// empty one.
    pub network_is_not_its_own: bool,
}

/// The files that go on top of the workload's rootfs.
#[must_use]
pub fn files() -> BTreeMap<String, FileSpec> {
    let probe = FileSpec {
        probe: true,
        ..FileSpec::default()
    };
    BTreeMap::from([(PROBE.to_owned(), probe)])
}

/// Makes the probe's copy; the layers of the rootfs show what is a file.
///
/// # Errors
///
/// One line: the text is not a config.json.
pub fn tame(text: &str, layers: &[PathBuf], limits: &Limits) -> Result<Tamed, String> {
    let mut config: Value =
        serde_json::from_str(text).map_err(|error| format!("its config.json cannot be read: {error}"))?;
    let before = config.clone();
    let Some(all) = config.as_object_mut() else {
        return Err("its config.json is not an object".to_owned());
    };
    if !all.get("process").is_some_and(Value::is_object) {
        let odd = all.keys().find(|name| is_alike(name, "process"));
        let odd = odd.filter(|name| *name != "process");
        return Err(match odd {
            Some(_) => {
                "its config.json has process in other capitals, which not all runtimes read".to_owned()
            }
            None => "its config.json has no process".to_owned(),
        });
    }
    crate::corpus::limits::config(all)?;
    let mut changes = Vec::new();
    let hooks = hooks::take(all, &mut changes);
    names(all, &mut changes);
    annotations(all);
    root(all);
    let stand_ins = mounts(all, layers, limits.kernel.maps_tmpfs, &mut changes);
    linux(all, limits, &mut changes);
    process(all, layers, limits, &mut changes);
    let network = changes.iter().any(|change: &String| change.contains("network"));
    changes.extend(untold(&before, &config));
    changes.extend(doubts(text, &before));
    Ok(Tamed {
        config,
        changes,
        stand_ins,
        files: files(),
        alone: false,
        unified: limits.kernel.unified,
        uses: Uses::of(text, &before),
        network_is_not_its_own: hooks || network,
    })
}

/// Usual names are interchangeable; an unusual one may be refused.
fn names(all: &mut Map<String, Value>, changes: &mut Vec<String>) {
    for (member, usual) in [("hostname", "container"), ("domainname", "example.org")] {
        let is_usual = |name: &str| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
            (1..=63).contains(&name.len()) && name.chars().all(plain)
        };
        if all.get(member).and_then(Value::as_str).is_some_and(is_usual) {
            all.insert(member.to_owned(), usual.into());
            // Every container has a hostname.
            changes.extend((member == "domainname").then(|| format!("its domainname is {usual}")));
        }
    }
}

/// Annotations that runtimes read stay; others may hold private data.
fn annotations(all: &mut Map<String, Value>) {
    if let Some(list) = all.get_mut("annotations").and_then(Value::as_object_mut) {
        list.retain(|name, _| name.starts_with("run.oci."));
    }
}

/// Whether a device that every container has should have an unusual mode or owner.
fn is_own_of_everybodys(device: &Value) -> bool {
    let mode = device["fileMode"]
        .as_u64()
        .is_some_and(|mode| mode & 0o777 != 0o666);
    let owner = device["uid"].as_u64().is_some_and(|uid| uid != 0);
    let path = device["path"].as_str().unwrap_or_default();
    EVERYBODYS.contains(&path) && (mode || owner)
}

fn root(all: &mut Map<String, Value>) {
    let readonly = all.get("root").and_then(|root| root.get("readonly")).cloned();
    let mut root = json!({"path": "rootfs"});
    if let Some(readonly) = readonly {
        root["readonly"] = readonly;
    }
    all.insert("root".to_owned(), root);
}

fn linux(all: &mut Map<String, Value>, limits: &Limits, changes: &mut Vec<String>) {
    let in_user_namespace = has_user_namespace(all);
    let linux = all.entry("linux").or_insert_with(|| json!({}));
    let Some(linux) = linux.as_object_mut() else {
        return;
    };
    let path = linux.insert("cgroupsPath".to_owned(), format!("/{MAIN}").into());
    // `slice:prefix:name` makes systemd create the cgroup.
    if path.is_some_and(|path| path.as_str().is_some_and(|path| path.contains(".slice:"))) {
        changes.push("its cgroup is made without systemd".to_owned());
    }
    if linux.shift_remove("netDevices").is_some() {
        changes.push(format!("{UNCHECKED}{NO_NET_DEVICES}"));
    }
    agent(linux, changes);
    kernel::spare(linux, &limits.kernel, changes);
    if !limits.devices
        && let Some(devices) = linux.shift_remove("devices").as_ref().and_then(Value::as_array)
        && !devices.is_empty()
    {
        let paths: Vec<&str> = devices
            .iter()
            .filter_map(|device| device["path"].as_str())
            .collect();
        // In a user namespace devices cannot be made, and not all runtimes bind them then.
        let matters = in_user_namespace || devices.iter().any(is_own_of_everybodys);
        changes.push(match matters {
            true => format!(
                "{UNCHECKED}devices are left out (--with-devices makes them): {}",
                paths.join(", ")
            ),
            false => format!("devices are left out: {}", paths.join(", ")),
        });
    }
    if !limits.selinux && linux.shift_remove("mountLabel").is_some() {
        changes.push(format!(
            "{UNCHECKED}no SELinux label for mounts, since this kernel has no policy"
        ));
    }
    namespaces(linux, limits.own_processes, changes);
}

/// There is no agent to ask about calls: what it would be asked is refused.
fn agent(linux: &mut Map<String, Value>, changes: &mut Vec<String>) {
    let Some(seccomp) = linux.get_mut("seccomp").and_then(Value::as_object_mut) else {
        return;
    };
    // Whether a runtime takes rules that ask nobody is for the runtime to say.
    let Some(path) = seccomp.shift_remove("listenerPath") else {
        return;
    };
    seccomp.shift_remove("listenerMetadata");
    if path.as_str().is_some_and(|path| !Path::new(path).exists()) {
        changes.push(format!("{UNCHECKED}its seccomp agent is not on this machine"));
    }
    let rules = seccomp.get_mut("syscalls").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        if rule["action"] == "SCMP_ACT_NOTIFY" {
            rule["action"] = "SCMP_ACT_ERRNO".into();
        }
    }
    changes.push(
        "no seccomp agent is asked: such calls are refused (SCMP_ACT_NOTIFY is SCMP_ACT_ERRNO)".to_owned(),
    );
}

fn process(all: &mut Map<String, Value>, layers: &[PathBuf], limits: &Limits, changes: &mut Vec<String>) {
    let looked_at = looked_at(all, layers);
    let Some(process) = all.get_mut("process").and_then(Value::as_object_mut) else {
        return;
    };
    process.insert("args".to_owned(), looked_at);
    if let Some(Value::String(line)) = process.get_mut("commandLine") {
        *line = digest(line);
    }
    kernel::capabilities(process, &limits.kernel, changes);
    if let Some(list) = process.get_mut("env").and_then(Value::as_array_mut) {
        env::disguise(list);
    }
    if !limits.apparmor && process.shift_remove("apparmorProfile").is_some() {
        changes.push(format!(
            "{UNCHECKED}no AppArmor profile, since this kernel has none"
        ));
    }
    if !limits.selinux && process.shift_remove("selinuxLabel").is_some() {
        changes.push(format!(
            "{UNCHECKED}no SELinux label, since this kernel has no policy"
        ));
    }
    if process
        .get("oomScoreAdj")
        .and_then(Value::as_i64)
        .is_some_and(|wanted| wanted < limits.oom_score_adj)
    {
        process.insert("oomScoreAdj".to_owned(), limits.oom_score_adj.into());
        changes.push(format!(
            "{UNCHECKED}oomScoreAdj is not lowered: no process may do that here"
        ));
    }
    rlimits(process, limits, changes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::stand_in::Kind;

    fn tamed(config: &Value) -> Tamed {
        tame(&config.to_string(), &[PathBuf::from("/")], &Limits::default()).expect("a config")
    }

    #[test]
    fn nothing_of_the_host_and_no_secret_is_left() {
        let told = tamed(&json!({
            "ociVersion": "1.0.2",
            "process": {"args": ["serve", "--token=hunter2"], "env": ["PASSWORD=hunter2", "EMPTY"], "cwd": "/", "terminal": true,
                        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 9, "soft": 9}]},
            "root": {"path": "/var/lib/x/merged", "readonly": true},
            "hooks": {"prestart": [{"path": "/usr/bin/nvidia"}]},
            "annotations": {"secret": "hunter2", "run.oci.x": "1"},
            "mounts": [{"destination": "/data", "type": "bind", "source": "/", "options": ["rbind", "rw"]},
                       {"destination": "/passwd", "type": "none", "source": "/etc/passwd", "options": ["bind"]},
                       {"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {"cgroupsPath": "/docker/abc", "devices": [{"path": "/dev/fuse"}],
                      "namespaces": [{"type": "network", "path": "/proc/1/ns/net"}, {"type": "mount"}]}
        }));
        let text = told.config.to_string();
        assert!(
            !text.contains("hunter2") && !text.contains("nvidia") && !text.contains("/var/lib"),
            "{text}"
        );
        let at = |pointer: &str| told.config.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/root"), json!({"path": "rootfs", "readonly": true}));
        assert_eq!(at("/mounts/0/source"), told.stand_ins[0].path(0));
        assert_eq!(at("/mounts/1/source"), told.stand_ins[1].path(1));
        assert_eq!(told.stand_ins[1].node.kind, Kind::File);
        assert_eq!(at("/mounts/2/source"), "proc");
        assert_eq!(at("/mounts/0/options"), json!(["rbind", "rw"]));
        // The first process may be in our namespace, or not.
        let joined = at("/linux/namespaces/0/path");
        assert!(
            ["/proc/1/ns/net", "/run/ocidiff/namespaces/net"].contains(&joined.as_str().unwrap_or_default())
        );
        assert_eq!(
            at("/linux/namespaces"),
            json!([{"type": "network", "path": joined}, {"type": "mount"}])
        );
        assert_eq!(at("/annotations"), json!({"run.oci.x": "1"}));
        for part in ["hooks", "/data, /passwd", "joins", "pid namespace", "/dev/fuse"] {
            assert!(
                told.changes.iter().any(|change| change.contains(part)),
                "{part}: {:?}",
                told.changes
            );
        }
    }

    #[test]
    fn devices_are_made_where_that_is_asked_for() {
        let config = json!({"process": {}, "linux": {"devices": [{"path": "/dev/fuse"}]}});
        let asked = Limits {
            devices: true,
            ..Limits::default()
        };
        let told = tame(&config.to_string(), &[PathBuf::from("/")], &asked).expect("a config");
        assert_eq!(told.config["linux"]["devices"], config["linux"]["devices"]);
        assert!(!tamed(&config).config.to_string().contains("/dev/fuse"));
    }

    #[test]
    fn rules_that_ask_nobody_are_for_the_runtime_to_refuse() {
        let rule = json!([{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}]);
        let told = tamed(&json!({"process": {}, "linux": {"seccomp": {"syscalls": rule}}}));
        assert_eq!(told.config.pointer("/linux/seccomp/syscalls"), Some(&rule));
        assert!(
            !told.changes.iter().any(|change| change.contains("agent")),
            "{:?}",
            told.changes
        );
    }

    #[test]
    fn what_others_do_for_it_is_left_out_and_told() {
        let told = tamed(&json!({"process": {}, "linux": {
            "cgroupsPath": "kubepods.slice:cri-containerd:abc",
            "netDevices": {"eth9": {"name": "inner"}},
            "seccomp": {"listenerPath": "/run/agent.sock", "listenerMetadata": "who", "syscalls": [
                {"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}, {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
        }}));
        let text = told.config.to_string();
        for gone in ["agent.sock", "who", "NOTIFY", "eth9", "slice"] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        for part in ["systemd", "network device", "agent"] {
            assert!(
                told.changes.iter().any(|change| change.contains(part)),
                "{part}: {:?}",
                told.changes
            );
        }
    }

    #[test]
    fn limits_are_those_that_can_be_had() {
        let limits = Limits {
            rlimits: BTreeMap::from([("RLIMIT_NOFILE".to_owned(), 100)]),
            ..Limits::default()
        };
        let config = json!({"root": {"path": "rootfs"}, "process": {"args": ["a"], "oomScoreAdj": -5, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 200, "soft": 50}]}});
        let told = tame(&config.to_string(), &[PathBuf::from("/")], &limits).expect("a config");
        assert_eq!(
            told.config["process"]["rlimits"],
            json!([{"type": "RLIMIT_NOFILE", "hard": 100, "soft": 50}])
        );
        assert_eq!(told.config["process"]["oomScoreAdj"], 0);
        assert_eq!(told.changes.len(), 4, "{:?}", told.changes);
    }

    #[test]
    fn what_is_no_config_is_told_in_a_line() {
        for text in ["", "{", "[]", "{}", "{\"process\": 3}"] {
            let error = tame(text, &[PathBuf::from("/")], &Limits::default()).expect_err(text);
            assert!(
                error.starts_with("its config.json") && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
