//! A real Docker: every kind of container is found with the config.json that its runtime was given.

#[path = "support/dockerd.rs"]
mod dockerd;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dockerd::private::is_on_path;
use dockerd::{BOX, Dockerd, sleeper};
use ocidiff_engines::{EngineError, Found, Options, Which, find};
use ocidiff_runtimes::{BUILT_IN, Manifest, Runtime, Store, find_all};

#[path = "../../tests/support/ask.rs"]
mod ask;
use ask::OnHost;
use serde_json::{Value, json};

fn look(options: &Options) -> Found {
    try_look(options).unwrap_or_else(|error| panic!("{error}"))
}

fn try_look(options: &Options) -> Result<Found, EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(find(options))
}

/// Containers that differ in what a runtime is asked for: the name, the host's part, and where it shows in the
/// config.json.
fn kinds(scratch: &Path) -> Vec<(&'static str, Value, &'static str, Value)> {
    let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chroot"], "action": "SCMP_ACT_ERRNO"}]});
    let device =
        json!({"PathOnHost": "/dev/zero", "PathInContainer": "/dev/nothing", "CgroupPermissions": "rwm"});
    let bind = format!("{}:/data:ro", scratch.display());
    vec![
        ("default", json!({}), "/process/noNewPrivileges", Value::Null),
        (
            "privileged",
            json!({"Privileged": true}),
            "/linux/seccomp",
            Value::Null,
        ),
        (
            "caps",
            json!({"CapAdd": ["SYS_PTRACE"], "CapDrop": ["ALL"]}),
            "/process/capabilities/bounding",
            json!(["CAP_SYS_PTRACE"]),
        ),
        (
            "open",
            json!({"MaskedPaths": [], "ReadonlyPaths": [], "CapAdd": ["SYS_ADMIN"]}),
            "/linux/maskedPaths",
            Value::Null,
        ),
        (
            "readonly",
            json!({"ReadonlyRootfs": true, "Tmpfs": {"/tmp": "size=1m"}}),
            "/root/readonly",
            json!(true),
        ),
        ("mounts", json!({"Binds": [bind]}), "/process/cwd", json!("/")),
        (
            "groups",
            json!({"GroupAdd": ["2000"]}),
            "/process/user/uid",
            json!(0),
        ),
        (
            "seccomp",
            json!({"SecurityOpt": [format!("seccomp={profile}")]}),
            "/linux/seccomp/defaultAction",
            json!("SCMP_ACT_ALLOW"),
        ),
        (
            "unconfined",
            json!({"SecurityOpt": ["seccomp=unconfined", "no-new-privileges"]}),
            "/process/noNewPrivileges",
            json!(true),
        ),
        (
            "limits",
            json!({"Memory": 64 << 20, "PidsLimit": 50}),
            "/linux/resources/pids/limit",
            json!(50),
        ),
        (
            "devices",
            json!({"Devices": [device]}),
            "/linux/seccomp/defaultAction",
            json!("SCMP_ACT_ERRNO"),
        ),
        (
            "sysctls",
            json!({"Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"}}),
            "/linux/sysctl/net.ipv4.ip_unprivileged_port_start",
            json!("0"),
        ),
    ]
}

/// A Docker with a box image, that knows the runtimes of the machine and the store.
fn docker() -> Option<(Dockerd, Vec<Runtime>)> {
    let manifests = Manifest::load_all(BUILT_IN.iter().copied()).expect("the built-in manifests are good");
    let found = Store::from_env().map(|store| find_all(&manifests, &store, &OnHost));
    let mut runtimes = found.map_or_else(|_| Vec::new(), |found| found.runtimes);
    // The name of Docker's own runc is already taken.
    runtimes.retain(|runtime| ["crun", "youki"].contains(&runtime.name()));
    // The newest of each: Docker from version 26 on writes an ociVersion that old ones do not know.
    runtimes.sort_by(|one, other| (one.name(), &other.version).cmp(&(other.name(), &one.version)));
    runtimes.dedup_by(|one, other| one.name() == other.name());
    let known: Vec<(&str, &Path)> = runtimes
        .iter()
        .map(|runtime| (runtime.name(), runtime.path.as_path()))
        .collect();
    let dockerd = Dockerd::start(&known)?;
    dockerd.box_image()?;
    Some((dockerd, runtimes))
}

/// Whether we can grant every capability that this kernel knows.
fn all_capabilities() -> bool {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let mine = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let mine = mine.and_then(|mine| u64::from_str_radix(mine.trim(), 16).ok());
    let last: Option<u32> = read("/proc/sys/kernel/cap_last_cap").trim().parse().ok();
    last.zip(mine)
        .is_some_and(|(last, mine)| mine.count_ones() > last)
}

fn asking(dockerd: &Dockerd) -> Options {
    Options {
        which: Which::Docker,
        socket: Some(dockerd.socket()),
        ..Options::default()
    }
}

#[test]
fn each_kind_of_container_is_found_with_what_its_runtime_got() {
    let Some((dockerd, _)) = docker() else { return };
    let mut kinds = kinds(&dockerd.scratch());
    if !all_capabilities() {
        dockerd::private::skip::skipped("a privileged container needs every capability");
        kinds.retain(|(name, ..)| *name != "privileged");
    }
    for (name, host, ..) in &kinds {
        dockerd.run(name, host.clone());
    }
    let mut user = sleeper(json!({}));
    user["User"] = "app:more".into();
    let user = dockerd.create("user", user);
    dockerd.post(&format!("/containers/{user}/start"));

    let before = dockerd.mounts();
    // Where it keeps its bundles can be seen from what it reports about networks; by name it is certain.
    let found = look(&asking(&dockerd));
    let told = look(&Options {
        exec_root: Some(dockerd.exec_root()),
        ..asking(&dockerd)
    });
    assert_eq!(found, told);
    assert_eq!(found.notes, Vec::<String>::new());
    assert_eq!(dockerd.mounts(), before, "a look mounts nothing");
    assert_eq!(found.workloads.len(), kinds.len() + 1);
    for (name, _, pointer, value) in &kinds {
        let config = config(&found, name);
        let there = config.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(there, value, "{name}: {pointer}");
    }
    assert_eq!(config(&found, "user")["process"]["user"]["uid"], 1000);
    let groups = config(&found, "groups")["process"]["user"]["additionalGids"].to_string();
    assert!(groups.contains("2000"), "{groups}");
    let mounts = config(&found, "mounts")["mounts"].to_string();
    let source = dockerd.scratch().display().to_string();
    assert!(mounts.contains("/data") && mounts.contains(&source), "{mounts}");

    // Its containerd's folders show the same without its API, by id.
    let below = look(&Options {
        which: Which::Containerd,
        socket: Some(dockerd.exec_root().join("containerd/containerd.sock")),
        ..Options::default()
    });
    assert_eq!(below.workloads.len(), found.workloads.len());
    let version = &below.engines[0].version;
    assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{version}");
    for one in &below.workloads {
        let same = found.workloads.iter().find(|other| other.id == one.id);
        assert_eq!(same.map(|same| &same.config), Some(&one.config), "{one:#?}");
    }

    // By name, by a part of an id, and by nothing else.
    let names = ["caps", &user[..12], "nobody"].map(str::to_owned).to_vec();
    let few = look(&Options {
        names,
        ..asking(&dockerd)
    });
    assert_eq!(
        (
            few.workloads.len(),
            few.missing.iter().map(|one| one.name.as_str()).collect()
        ),
        (2, vec!["nobody"])
    );
}

#[test]
fn containers_in_every_state_are_told() {
    let Some((dockerd, _)) = docker() else { return };
    dockerd.run("runs", json!({}));
    dockerd.create("created", sleeper(json!({})));
    let stopped = dockerd.run("stopped", json!({}));
    dockerd.post(&format!("/containers/{stopped}/kill"));
    dockerd.post(&format!("/containers/{stopped}/wait"));
    let paused = dockerd.run("paused", json!({}));
    dockerd.post(&format!("/containers/{paused}/pause"));

    let found = look(&asking(&dockerd));
    for (name, state) in [("stopped", "exited"), ("created", "created")] {
        let one = named(&found, name);
        let why = one.config.as_ref().expect_err("it has none");
        assert!(
            one.state == state && why.starts_with("it is not running: "),
            "{one:#?}"
        );
    }
    assert_eq!(named(&found, "paused").state, "paused");
    config(&found, "paused");

    // Its overlays are mounted in its own namespace: the layers are still there, in the right order.
    let one = named(&found, "runs");
    let told = (one.image.as_deref(), one.runtime.as_deref(), one.state.as_str());
    assert_eq!(told, (Some(BOX), Some("runc"), "running"));
    if one.rootfs.is_none() {
        let has = |path: &Path| path.join("bin/busybox").exists();
        assert!(
            has(one.layers.last().expect("layers")) && !has(&one.layers[0]),
            "{one:#?}"
        );
    }

    let hasty = Options {
        call_limit: Duration::from_nanos(1),
        ..asking(&dockerd)
    };
    let error = try_look(&hasty).expect_err("no time").to_string();
    assert!(error.contains("does not answer within"), "{error}");
    nothing_is_left_of(dockerd);
}

#[test]
fn the_engine_and_its_runtimes_are_told() {
    let Some((dockerd, runtimes)) = docker() else {
        return;
    };
    let engine = look(&asking(&dockerd)).engines.remove(0);
    assert_eq!(
        (engine.name.as_str(), engine.default_runtime.as_deref()),
        ("docker", Some("runc"))
    );
    assert!(
        engine.version.starts_with(|digit: char| digit.is_ascii_digit()),
        "{engine:?}"
    );
    for runtime in &runtimes {
        let (name, path) = (runtime.name(), runtime.path.display());
        assert!(engine.runtimes.contains(&format!("{name}={path}")), "{engine:?}");
        dockerd.run(name, json!({"Runtime": name}));
        let found = look(&asking(&dockerd));
        assert_eq!(named(&found, name).runtime.as_deref(), Some(name));
        config(&found, name);
    }
    if is_on_path("docker-init") {
        dockerd.run("init", json!({"Init": true}));
        let args = config(&look(&asking(&dockerd)), "init")["process"]["args"].clone();
        assert!(
            args[0].as_str().is_some_and(|program| program.ends_with("init")),
            "{args}"
        );
    }
}

fn nothing_is_left_of(dockerd: Dockerd) {
    let options = asking(&dockerd);
    let folder = dockerd.socket().parent().expect("a folder").to_owned();
    let cgroup = dockerd.cgroup();
    drop(dockerd);
    assert!(!folder.exists(), "{} is there", folder.display());
    let tops = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    for top in tops
        .map(|entry| entry.path())
        .chain([PathBuf::from("/sys/fs/cgroup")])
    {
        let left = top.join(cgroup.trim_start_matches('/'));
        assert!(!left.exists(), "{} is there", left.display());
    }
    let table = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert!(!table.contains(folder.to_str().expect("UTF-8")), "{table}");
    let error = try_look(&options).expect_err("it is gone").to_string();
    assert!(error.contains("there is no such socket"), "{error}");
}

fn named<'f>(found: &'f Found, name: &str) -> &'f ocidiff_engines::Workload {
    let one = found.workloads.iter().find(|one| one.name == name);
    one.unwrap_or_else(|| panic!("{name}: {found:#?}"))
}

fn config(found: &Found, name: &str) -> Value {
    let one = named(found, name);
    let config = one.config.as_ref().unwrap_or_else(|why| panic!("{name}: {why}"));
    serde_json::from_str(&config.text).expect("JSON")
}
