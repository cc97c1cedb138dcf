//! The probe's copy of a workload's config: what the runtime makes of it is as for the workload, but nothing of the host is reached,
//! and no secret is in it.

use std::collections::BTreeMap;
use std::path::Path;

use ocidiff_model::FileSpec;
use ocidiff_model::step::MAIN;
use serde_json::{Map, Value, json};

use crate::bundle::of_text;
use crate::cell::paths;

/// The probe in the container.
const PROBE: &str = "/.ocidiff/probe";
/// What stands for the host's files: an empty folder, an empty file.
const FOLDER: &str = "rootfs/.ocidiff/folder";
const FILE: &str = "rootfs/.ocidiff/file";

/// A config for the probe, and what it has otherwise than the workload's.
#[derive(Debug, Clone, PartialEq)]
pub struct Tamed {
    /// The config.
    pub config: Value,
    /// A line for each change that can matter.
    pub changes: Vec<String>,
    /// Whether the workload's network is made by its engine, by a hook or before: the probe has a bare one.
    pub network_is_not_its_own: bool,
}

/// What the machine allows, as far as it changes a config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Hard limits by the names of config.json; no container can have more.
    pub rlimits: BTreeMap<String, u64>,
    /// The least `oom_score_adj` that may be set.
    pub oom_score_adj: i64,
    /// Whether the kernel has AppArmor switched on.
    pub apparmor: bool,
    /// Whether the kernel has SELinux with a policy.
    pub selinux: bool,
}

impl Limits {
    /// This machine's.
    #[must_use]
    pub fn of_machine() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let mut rlimits = BTreeMap::new();
        for line in read("/proc/self/limits").lines().skip(1) {
            let Some(known) = RLIMITS.iter().find(|(title, _)| line.starts_with(title)) else {
                continue;
            };
            let mut numbers = line[known.0.len()..].split_whitespace().skip(1);
            if let Some(Ok(hard)) = numbers.next().map(str::parse) {
                rlimits.insert(known.1.to_owned(), hard);
            }
        }
        Self {
            rlimits,
            oom_score_adj: read("/proc/self/oom_score_adj").trim().parse().unwrap_or(0),
            apparmor: read("/sys/module/apparmor/parameters/enabled").trim() == "Y",
            selinux: Path::new("/sys/fs/selinux/enforce").exists(),
        }
    }
}

/// Titles in `/proc/self/limits`, and names in config.json.
const RLIMITS: [(&str, &str); 6] = [
    ("Max open files", "RLIMIT_NOFILE"),
    ("Max processes", "RLIMIT_NPROC"),
    ("Max locked memory", "RLIMIT_MEMLOCK"),
    ("Max core file size", "RLIMIT_CORE"),
    ("Max pending signals", "RLIMIT_SIGPENDING"),
    ("Max msgqueue size", "RLIMIT_MSGQUEUE"),
];

/// The files that go on top of the workload's rootfs.
#[must_use]
pub fn files() -> BTreeMap<String, FileSpec> {
    let plain = FileSpec::default;
    let probe = FileSpec {
        probe: true,
        ..plain()
    };
    BTreeMap::from([
        (PROBE.to_owned(), probe),
        ("/.ocidiff/folder/".to_owned(), plain()),
        ("/.ocidiff/file".to_owned(), plain()),
    ])
}

/// Makes the probe's copy.
///
/// # Errors
///
/// One line: the text is no config.json.
pub fn tame(text: &str, limits: &Limits) -> Result<Tamed, String> {
    let mut config: Value =
        serde_json::from_str(text).map_err(|error| format!("its config.json cannot be read: {error}"))?;
    let Some(all) = config.as_object_mut() else {
        return Err("its config.json is no object".to_owned());
    };
    if !all.get("process").is_some_and(Value::is_object) {
        return Err("its config.json has no process".to_owned());
    }
    let mut changes = Vec::new();
    let hooks = all.shift_remove("hooks").is_some();
    if hooks {
        changes.push("its hooks are not run".to_owned());
    }
    if all.contains_key("hostname") {
        all.insert("hostname".to_owned(), "container".into());
    }
    all.shift_remove("domainname");
    annotations(all);
    root(all);
    mounts(all, &mut changes);
    linux(all, limits, &mut changes);
    process(all, limits, &mut changes);
    let network = changes
        .iter()
        .any(|change: &String| change.contains("network namespace"));
    Ok(Tamed {
        config,
        changes,
        network_is_not_its_own: hooks || network,
    })
}

/// Those that runtimes read stay; others may hold what is nobody's business.
fn annotations(all: &mut Map<String, Value>) {
    if let Some(list) = all.get_mut("annotations").and_then(Value::as_object_mut) {
        list.retain(|name, _| name.starts_with("run.oci."));
    }
}

fn root(all: &mut Map<String, Value>) {
    let readonly = all.get("root").and_then(|root| root.get("readonly")).cloned();
    let mut root = json!({"path": "rootfs"});
    if let Some(readonly) = readonly {
        root["readonly"] = readonly;
    }
    all.insert("root".to_owned(), root);
}

/// The host's files are not shown: an empty folder or file stands for each.
fn mounts(all: &mut Map<String, Value>, changes: &mut Vec<String>) {
    let Some(list) = all.get_mut("mounts").and_then(Value::as_array_mut) else {
        return;
    };
    let mut replaced = Vec::new();
    for mount in list {
        let options = mount.get("options").and_then(Value::as_array);
        let binds = mount["type"] == "bind"
            || options.is_some_and(|options| options.iter().any(|one| one == "bind" || one == "rbind"));
        if !binds {
            continue;
        }
        let is_file = mount["source"]
            .as_str()
            .is_some_and(|source| std::fs::metadata(source).is_ok_and(|metadata| !metadata.is_dir()));
        let stand_in = if is_file { FILE } else { FOLDER };
        mount["source"] = format!("{}/{stand_in}", paths::bundle(MAIN)).into();
        replaced.push(mount["destination"].as_str().unwrap_or("?").to_owned());
    }
    if !replaced.is_empty() {
        changes.push(format!(
            "an empty file or folder stands for the host's at {}",
            replaced.join(", ")
        ));
    }
}

fn linux(all: &mut Map<String, Value>, limits: &Limits, changes: &mut Vec<String>) {
    let linux = all.entry("linux").or_insert_with(|| json!({}));
    let Some(linux) = linux.as_object_mut() else {
        return;
    };
    linux.insert("cgroupsPath".to_owned(), format!("/{MAIN}").into());
    if let Some(devices) = linux.shift_remove("devices").as_ref().and_then(Value::as_array)
        && !devices.is_empty()
    {
        let paths: Vec<&str> = devices
            .iter()
            .filter_map(|device| device["path"].as_str())
            .collect();
        changes.push(format!("devices are left out: {}", paths.join(", ")));
    }
    if !limits.selinux && linux.shift_remove("mountLabel").is_some() {
        changes.push("no SELinux label for mounts: this kernel has no policy".to_owned());
    }
    if let Some(seccomp) = linux.get_mut("seccomp").and_then(Value::as_object_mut) {
        agent(seccomp, changes);
    }
    namespaces(linux, changes);
}

/// The seccomp agent is somebody's process: it must not hear of the probe. What it would decide is refused.
fn agent(seccomp: &mut Map<String, Value>, changes: &mut Vec<String>) {
    seccomp.shift_remove("listenerMetadata");
    if seccomp.shift_remove("listenerPath").is_none() {
        return;
    }
    let rules = seccomp.get_mut("syscalls").and_then(Value::as_array_mut);
    for rule in rules.into_iter().flatten() {
        if rule["action"] == "SCMP_ACT_NOTIFY" {
            rule["action"] = "SCMP_ACT_ERRNO".into();
        }
    }
    changes.push("no seccomp agent is asked: calls that it decides are refused".to_owned());
}

/// Joined ones are made new, and the host's network and processes are not seen.
fn namespaces(linux: &mut Map<String, Value>, changes: &mut Vec<String>) {
    let list = linux.entry("namespaces").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    for one in list.iter_mut() {
        let kind = one["type"].as_str().unwrap_or("?").to_owned();
        if let Some(namespace) = one.as_object_mut()
            && namespace.shift_remove("path").is_some()
        {
            changes.push(format!("a new {kind} namespace, not the one that it joins"));
        }
    }
    for kind in ["network", "pid"] {
        if list.iter().all(|one| one["type"] != kind) {
            list.push(json!({"type": kind}));
            changes.push(format!("a new {kind} namespace, not the host's"));
        }
    }
}

fn process(all: &mut Map<String, Value>, limits: &Limits, changes: &mut Vec<String>) {
    let looked_at = looked_at(all);
    let Some(process) = all.get_mut("process").and_then(Value::as_object_mut) else {
        return;
    };
    process.insert("args".to_owned(), looked_at);
    process.shift_remove("commandLine");
    process.shift_remove("consoleSize");
    if process.get("terminal") == Some(&Value::Bool(true)) {
        process.insert("terminal".to_owned(), false.into());
        changes.push("no terminal".to_owned());
    }
    if let Some(env) = process.get_mut("env").and_then(Value::as_array_mut) {
        for one in env {
            let (name, value) = one
                .as_str()
                .and_then(|text| text.split_once('='))
                .unwrap_or_default();
            *one = format!("{name}={}", &of_text(value)[..12]).into();
        }
    }
    if !limits.apparmor && process.shift_remove("apparmorProfile").is_some() {
        changes.push("no AppArmor profile: this kernel has none".to_owned());
    }
    if !limits.selinux && process.shift_remove("selinuxLabel").is_some() {
        changes.push("no SELinux label: this kernel has no policy".to_owned());
    }
    if process
        .get("oomScoreAdj")
        .and_then(Value::as_i64)
        .is_some_and(|wanted| wanted < limits.oom_score_adj)
    {
        process.insert("oomScoreAdj".to_owned(), limits.oom_score_adj.into());
        changes.push("oomScoreAdj is not lowered".to_owned());
    }
    rlimits(process, limits, changes);
}

fn rlimits(process: &mut Map<String, Value>, limits: &Limits, changes: &mut Vec<String>) {
    let Some(list) = process.get_mut("rlimits").and_then(Value::as_array_mut) else {
        return;
    };
    for one in list {
        let name = one["type"].as_str().unwrap_or_default().to_owned();
        let Some(most) = limits.rlimits.get(&name) else {
            continue;
        };
        let mut lowered = false;
        for member in ["hard", "soft"] {
            if one[member].as_u64().is_some_and(|wanted| wanted > *most) {
                one[member] = (*most).into();
                lowered = true;
            }
        }
        if lowered {
            changes.push(format!("{name} is {most}, the most that may be had here"));
        }
    }
}

/// The probe's arguments: everything that it sees, and whether masked and read-only paths are.
fn looked_at(all: &Map<String, Value>) -> Value {
    let mut args = vec![PROBE.to_owned(), "facts".to_owned()];
    let paths = |member: &str| -> Vec<String> {
        let list = all.get("linux").and_then(|linux| linux[member].as_array());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts
            .filter(|path| path.starts_with('/'))
            .map(str::to_owned)
            .collect()
    };
    let masked = paths("maskedPaths");
    if !masked.is_empty() {
        args.extend(["then".to_owned(), "peek".to_owned()]);
        args.extend(masked);
    }
    for path in paths("readonlyPaths") {
        args.extend(["then".to_owned(), "access".to_owned(), path, "w".to_owned()]);
    }
    args.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tamed(config: &Value) -> Tamed {
        tame(&config.to_string(), &Limits::default()).expect("a config")
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
        let source = |stand_in: &str| format!("{}/{stand_in}", paths::bundle(MAIN));
        assert_eq!(at("/mounts/0/source"), source(FOLDER));
        assert_eq!(at("/mounts/1/source"), source(FILE));
        assert_eq!(at("/mounts/2/source"), "proc");
        assert_eq!(at("/mounts/0/options"), json!(["rbind", "rw"]));
        assert_eq!(
            at("/linux/namespaces"),
            json!([{"type": "network"}, {"type": "mount"}, {"type": "pid"}])
        );
        assert_eq!(at("/annotations"), json!({"run.oci.x": "1"}));
        for part in [
            "hooks",
            "/data, /passwd",
            "joins",
            "pid namespace, not the host's",
            "/dev/fuse",
            "no terminal",
        ] {
            assert!(
                told.changes.iter().any(|change| change.contains(part)),
                "{part}: {:?}",
                told.changes
            );
        }
    }

    #[test]
    fn a_seccomp_agent_is_not_asked() {
        let told = tamed(
            &json!({"process": {}, "linux": {"seccomp": {"listenerPath": "/run/agent", "listenerMetadata": "x",
            "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}}}),
        );
        assert_eq!(
            told.config["linux"]["seccomp"],
            json!({"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})
        );
        assert!(
            told.changes.iter().any(|change| change.contains("agent")),
            "{:?}",
            told.changes
        );
    }

    #[test]
    fn limits_are_those_that_can_be_had() {
        let limits = Limits {
            rlimits: BTreeMap::from([("RLIMIT_NOFILE".to_owned(), 100)]),
            ..Limits::default()
        };
        let config = json!({"process": {"oomScoreAdj": -5, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 200, "soft": 50}]}});
        let told = tame(&config.to_string(), &limits).expect("a config");
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
            let error = tame(text, &Limits::default()).expect_err(text);
            assert!(
                error.starts_with("its config.json") && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
