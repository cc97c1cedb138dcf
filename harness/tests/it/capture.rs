//! `ocidiff capture`: containers of a real Docker, and bundles, become cases that run at once.

use crate::support;
use crate::support::{needs, running};

use std::fs;
use std::path::Path;

use ocidiff_model::CaseFile;
use ocidiff_model::merge::merge;
use running::Node;
use serde_json::{Value, json};
use support::{Ran, Scene};

fn capture(node: &Node, scene: &Scene, args: &[&str]) -> Ran {
    let (socket, root) = (node.dockerd.socket(), node.dockerd.exec_root());
    let (socket, root) = (socket.display().to_string(), root.display().to_string());
    let whom = ["--engine", "docker", "--socket", &socket, "--exec-root", &root];
    scene.run(&[&["capture"], args, &whom[..]].concat())
}

/// The command, under two runtimes.
fn with(scene: &Scene, command: &str, patterns: &[&str]) -> Ran {
    let runtime = |name| format!("{name}={}", needs::runtime(name).expect("it is there").display());
    let (runc, crun) = (runtime("runc"), runtime("crun"));
    let runtimes = ["--cases", "cases", "--runtime", &runc, "--runtime", &crun];
    scene.run(&[&[command], patterns, &runtimes[..]].concat())
}

/// What the engine gave to the runtime.
fn original(node: &Node, name: &str) -> Value {
    let told = node
        .dockerd
        .call("GET", &format!("/containers/{name}/json"), "text/plain", b"");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let tasks = node
        .dockerd
        .exec_root()
        .join("containerd/daemon/io.containerd.runtime.v2.task/moby");
    let config = tasks
        .join(told["Id"].as_str().expect("an id"))
        .join("config.json");
    serde_json::from_str(&fs::read_to_string(config).expect("a config")).expect("JSON")
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases").join(name);
    fs::read_to_string(path).expect(name)
}

/// The case's difference laid over the default config, by hand.
fn laid(text: &str) -> Value {
    let case: CaseFile = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut config: Value = serde_yaml::from_str(&shipped("default-config.yaml")).expect("YAML");
    merge(&mut config, &case.config).expect("merge");
    if let Some(Value::Object(mut said)) = config.pointer("/linux/seccomp").cloned()
        && let Some(Value::String(name)) = said.shift_remove("$profile")
    {
        let mut profile = serde_json::from_str(&shipped(&format!("profiles/{name}.json"))).expect("JSON");
        merge(&mut profile, &Value::Object(said)).expect("merge");
        config["linux"]["seccomp"] = profile;
    }
    config
}

/// What must match the engine's, word by word; what this machine cannot provide is left out.
fn compared(config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(memory) = config
        .pointer_mut("/linux/resources/memory")
        .and_then(Value::as_object_mut)
    {
        memory.shift_remove("swap");
    }
    for set in ["bounding", "effective", "permitted"] {
        if let Some(set) = config["process"]["capabilities"][set].as_array_mut() {
            set.retain(|one| one != "CAP_SYS_RESOURCE");
        }
    }
    for mount in config["mounts"].as_array_mut().expect("mounts") {
        if mount["type"] == "bind" {
            mount["source"] = Value::Null;
        }
    }
    let at = |pointer: &str| config.pointer(pointer).cloned();
    json!([
        at("/ociVersion"),
        at("/process/user"),
        at("/process/cwd"),
        at("/process/noNewPrivileges"),
        at("/process/capabilities"),
        at("/root/readonly"),
        at("/mounts"),
        at("/linux/sysctl"),
        at("/linux/resources"),
        at("/linux/maskedPaths"),
        at("/linux/readonlyPaths"),
        at("/linux/seccomp"),
        at("/linux/uidMappings"),
    ])
}

#[test]
fn every_kind_of_container_becomes_a_case_that_runs() {
    let Some(node) = Node::new() else { return };
    let scene = Scene::new();
    for name in &node.names {
        let ran = capture(&node, &scene, &[name]);
        ran.ends_with(0);
        assert!(
            !ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"),
            "{ran:?}"
        );
        let scratch = node.dockerd.scratch().display().to_string();
        assert!(!ran.stdout.contains(&scratch), "the host's path: {}", ran.stdout);
        assert_eq!(
            compared(&laid(&ran.stdout)),
            compared(&original(&node, name)),
            "{name}: {}",
            ran.stdout
        );
        scene.write(&format!("cases/mine/{name}.yaml"), &ran.stdout);
    }
    let default = fs::read_to_string(scene.path().join("cases/mine/default.yaml")).expect("as above");
    for part in [
        "summary: \"the container default (image box:1)\"",
        "image: \"box:1\"",
        "$profile: docker-",
        "PASSWORD=hidden",
    ] {
        assert!(default.contains(part), "{part}: {default}");
    }
    let own = |name: &str| capture(&node, &scene, &[name, "--rootfs", "probe"]).stdout;
    scene.write("cases/mine/anywhere.yaml", own("default"));
    let command = capture(&node, &scene, &["default", "--command"]);
    assert!(
        command
            .ends_with(0)
            .stdout
            .contains("args: [/bin/sleep, \"1000\"]")
    );
    scene.write("cases/mine/command.yaml", &command.stdout);

    let listed = scene.run(&["list", "--cases", "cases"]);
    assert_eq!(listed.ends_with(0).stdout.lines().count(), node.names.len() + 2);
    let ran = with(&scene, "run", &["mine"]);
    assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
    ran.leaves_nothing();
    for none in [
        " 0 broken",
        " 0 skipped",
        " 0 unsupported",
        " 0 unstable",
        " 0 violation",
    ] {
        assert!(ran.stdout.contains(none), "{none}: {}", ran.stdout);
    }
    let some = ["mine/default", "mine/anywhere", "mine/user"];
    with(&scene, "accept", &some).ends_with(0);
    with(&scene, "run", &some).ends_with(0);

    let runc = format!("runc={}", needs::runtime("runc").expect("as above").display());
    let repro = [
        "repro",
        "mine/default",
        "--cases",
        "cases",
        "--runtime",
        &runc,
        "--output",
        "shown",
    ];
    scene.run(&repro).ends_with(0);
    for part in ["rootfs/bin/busybox", "rootfs/.ocidiff/probe", "rootfs/etc/hosts"] {
        assert!(scene.path().join("shown").join(part).exists(), "{part}");
    }

    // Without the container, the image's command is still there; without the image there is nothing to run.
    let ended = |name: &str| node.dockerd.post(&format!("/containers/{name}/kill"));
    ended("default");
    let ran = with(&scene, "run", &["mine/default"]);
    assert!(ran.ends_with(0).stdout.contains(" 0 skipped"), "{}", ran.stdout);
    drop(node);
    let ran = with(&scene, "run", &["mine/default", "mine/anywhere"]);
    // Cgroup hierarchies that only the engine had mounted go with it: a difference in them may be new.
    assert!(matches!(ran.status, Some(0 | 1)), "{ran:?}");
    for part in [" 1 skipped", " 0 broken"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(
        ran.stdout.contains("needs the rootfs of box:1, which is gone"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_not_there_or_not_running_is_told() {
    let Some(node) = Node::new() else { return };
    let scene = Scene::new();
    for (args, status, says) in [
        (&["nobody"][..], 2, "there is no container `nobody`"),
        (&["default", "--rootfs", "none"], 2, "there is no rootfs `none`"),
        (&["created"], 3, "it is not running"),
        (&["ended"], 3, "it is not running"),
        (&[], 2, "CONTAINER"),
    ] {
        let ran = capture(&node, &scene, args);
        ran.ends_with(status).leaves_nothing();
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn a_bundle_becomes_a_case_too() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    fs::create_dir_all(scene.path().join("web/rootfs")).expect("a bundle");
    let config = json!({"ociVersion": "1.0.2", "process": {"args": ["x"], "cwd": "/", "user": {"uid": 7, "gid": 7}},
        "root": {"path": "rootfs"}, "mounts": [], "linux": {}});
    scene.write("web/config.json", config.to_string());
    let ran = scene.run(&["capture", "--bundle", "web"]);
    let text = &ran.ends_with(0).stdout;
    let rootfs = scene.path().canonicalize().expect("a folder").join("web/rootfs");
    assert!(
        text.contains(&format!("layers: [{}]", rootfs.display())),
        "{text}"
    );
    assert_eq!(laid(text)["process"]["user"], json!({"uid": 7, "gid": 7}));

    scene.write("cut/config.json", &config.to_string()[..60]);
    for (args, status, says) in [
        (&["--bundle", "cut"][..], 3, "its config.json cannot be read"),
        (&["--bundle", "none"], 2, "is not an OCI bundle"),
        (&["web", "--bundle", "web"], 2, "cannot be used with"),
        (
            &["web", "--engine", "docker", "--socket", "/no/such"],
            3,
            "there is no such socket",
        ),
        (&["web", "--engine", "none"], 2, "there is no container `web`"),
        (&[""], 2, "CONTAINER"),
    ] {
        let ran = scene.run(&[&["capture"], args].concat());
        ran.ends_with(status);
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
