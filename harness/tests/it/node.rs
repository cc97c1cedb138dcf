//! `ocidiff check` on a node with a real Docker: every kind of container is checked, and nothing that belongs to them
//! is touched.

use crate::support;
use crate::support::{dockerd, needs, running};

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, ShapeReport};
use running::Node;
use serde_json::{Value, json};
use support::{Output, Scene};

impl Node {
    fn args<'a>(&'a self, scene: &'a Scene, more: &[&'a str]) -> Vec<String> {
        let from = needs::runtime("runc").expect("as above");
        let crun = needs::runtime("crun").expect("as above");
        let _ = scene;
        let mut args = vec![
            "check".to_owned(),
            "--from".to_owned(),
            format!("runc={}", from.display()),
            "--to".to_owned(),
            format!("crun={}", crun.display()),
            "--engine".to_owned(),
            "docker".to_owned(),
            "--socket".to_owned(),
            self.dockerd.socket().display().to_string(),
            "--exec-root".to_owned(),
            self.dockerd.exec_root().display().to_string(),
        ];
        args.extend(more.iter().map(|&one| one.to_owned()));
        args
    }

    /// Everything that an engine and the kernel report about the containers.
    fn state(&self) -> State {
        let list = self
            .dockerd
            .call("GET", "/containers/json?all=true", "text/plain", b"");
        let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
        let ids = list
            .iter()
            .map(|one| one["Id"].as_str().expect("an id").to_owned());
        let inspect = ids.map(|id| {
            let told = self
                .dockerd
                .call("GET", &format!("/containers/{id}/json"), "text/plain", b"");
            (id, serde_json::from_str(&told).expect("JSON"))
        });
        State {
            inspect: inspect.collect(),
            mounts: fs::read_to_string("/proc/self/mountinfo").expect("mounts"),
            theirs: self.dockerd.mounts(),
            cgroups: cgroups(&self.dockerd.cgroup()),
            secret: fs::read_to_string(self.dockerd.scratch().join("secret")).expect("the file"),
        }
    }

    /// What its engine has done since a time, in seconds.
    fn events_since(&self, began: u64) -> String {
        let now = seconds() + 1;
        // A check does not use exec to look: any event is one too many.
        let path = format!("/events?since={began}&until={now}");
        self.dockerd.call("GET", &path, "text/plain", b"")
    }
}

#[derive(Debug, PartialEq)]
struct State {
    inspect: BTreeMap<String, Value>,
    mounts: String,
    theirs: String,
    cgroups: BTreeMap<PathBuf, String>,
    secret: String,
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

/// The cgroups below one, in every hierarchy, with their processes and limits.
fn cgroups(parent: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let tops = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let tops = tops
        .map(|entry| entry.path())
        .chain([PathBuf::from("/sys/fs/cgroup")]);
    for top in tops {
        walk(&top.join(parent.trim_start_matches('/')), &mut found);
    }
    found
}

fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let files = [
        "cgroup.procs",
        "memory.limit_in_bytes",
        "memory.max",
        "pids.max",
        "cpu.cfs_quota_us",
        "cpu.max",
        "devices.list",
    ];
    let told = files.map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
    found.insert(folder.to_owned(), told.join("\n"));
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        walk(&entry.path(), found);
    }
}

fn shape<'r>(report: &'r CheckReport, workload: &str) -> &'r ShapeReport {
    let found = report
        .shapes
        .iter()
        .find(|shape| shape.workloads.iter().any(|name| name == workload));
    found.unwrap_or_else(|| panic!("{workload} was not checked: {:#?}", report.unchecked))
}

#[test]
fn every_kind_of_container_is_checked_and_none_is_touched() {
    let Some(node) = Node::new() else { return };
    let scene = Scene::new();
    std::thread::sleep(Duration::from_secs(1));
    let began = seconds();
    let before = node.state();
    let args = node.args(&scene, &["--format", "json"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    ran.ends_with(1).leaves_nothing();
    assert_eq!(node.state(), before);
    assert_eq!(node.events_since(began), "");

    let report: CheckReport = serde_json::from_str(&ran.stdout).expect("a report");
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    assert_eq!(report.engines[0].name, "docker");
    for name in &node.names {
        shape(&report, name);
    }
    for (name, why) in [("created", "it is not running"), ("ended", "it is not running")] {
        let one = report.unchecked.iter().find(|one| one.workload == name);
        assert!(
            one.is_some_and(|one| one.why.contains(why)),
            "{name}: {:#?}",
            report.unchecked
        );
    }
    assert_eq!(report.unchecked.len(), 2, "{:#?}", report.unchecked);
    // Docker's own profile is older than fchmodat2; a container without a profile, or with another one, is
    // not affected.
    let breaks_tar = |name: &str| {
        let mut findings = shape(&report, name).findings.iter();
        // The box has no libc for which that is known.
        findings.any(|one| one.impact == Impact::MayBreak && one.reason.contains("fchmodat2"))
    };
    assert!(
        breaks_tar("default") && breaks_tar("limits") && breaks_tar("user"),
        "{report:#?}"
    );
    assert!(!breaks_tar("unconfined") && !breaks_tar("own-profile"));
    // What a runtime is asked for determines the shape, and what was left out is reported.
    for (name, part) in [
        ("devices", "/dev/nothing"),
        ("mounts", "/data"),
        ("host-pids", "pid namespace"),
    ] {
        let changes = &shape(&report, name).changes;
        assert!(
            changes.iter().any(|change| change.contains(part)),
            "{name}: {changes:#?}"
        );
    }
    for name in ["capabilities", "limits", "sysctls", "user"] {
        assert_ne!(shape(&report, name).digest, shape(&report, "default").digest);
    }
}

#[test]
fn a_check_that_is_killed_harms_nobody_either() {
    let Some(node) = Node::new() else { return };
    std::thread::sleep(Duration::from_secs(1));
    let began = seconds();
    let before = node.state();
    for delay in [200, 700, 1500] {
        let scene = Scene::new();
        let args = node.args(&scene, &[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = Output::new(scene.path());
        let mut child = output.spawn(&mut scene.command(&args));
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().expect("kill -9");
        let ran = output.wait(child, Duration::from_secs(10));
        assert_eq!(ran.status, None, "it had ended already");
        scene.run(&["clean"]).ends_with(0);
        ran.leaves_nothing();
        assert_eq!(node.state(), before);
        assert_eq!(node.events_since(began), "");
    }
}

#[test]
fn one_container_can_be_asked_for_and_one_that_is_not_there_is_told() {
    let Some(node) = Node::new() else { return };
    let scene = Scene::new();
    let args = node.args(
        &scene,
        &[
            "--container",
            "unconfined",
            "--container",
            "nobody",
            "--format",
            "json",
        ],
    );
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(report.shapes.len(), 1);
    assert_eq!(report.shapes[0].workloads, ["unconfined"]);
    assert_eq!(report.unchecked[0].workload, "nobody");
    assert!(report.notes.is_empty(), "{:?}", report.notes);

    // Without --from, the move begins with the engine's default runtime.
    node.dockerd.run("elsewhere", json!({"Runtime": "crun"}));
    let args = node.args(&scene, &["--container", "elsewhere", "--format", "json"]);
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with("runc=") && *arg != "--from")
        .collect();
    let ran = scene.run(&args);
    let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(report.from.name, "runc");
    // It already runs under the target.
    let [aside] = &report.set_aside[..] else {
        panic!("{report:#?}")
    };
    assert!(
        aside.why.starts_with("under crun ") && aside.why.ends_with(" already"),
        "{aside:?}"
    );
    assert_eq!(aside.workloads, ["elsewhere"]);
    assert!(
        report.shapes.is_empty() && report.unchecked.is_empty(),
        "{report:#?}"
    );
}

#[test]
fn an_image_is_checked_as_its_container_would_be_and_nothing_of_that_stays() {
    let Some(node) = Node::new() else { return };
    let scene = Scene::new();
    let before = node.state();
    let images = [
        "--image",
        dockerd::BOX,
        "--image",
        "no/such:image",
        "--format",
        "json",
    ];
    let args = node.args(&scene, &images);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    ran.ends_with(1).leaves_nothing();
    assert_eq!(node.state(), before);
    assert_eq!(report.shapes.len(), 1, "{report:#?}");
    assert_eq!(report.shapes[0].workloads, [dockerd::BOX]);
    let [one] = &report.unchecked[..] else {
        panic!("{report:#?}")
    };
    assert!(
        one.workload == "no/such:image" && one.why.contains("pull it first"),
        "{one:?}"
    );
    // Devices are made in the probe's place if that is asked for: the node still stays as it is.
    let devices = ["--container", "devices", "--with-devices", "--format", "json"];
    let args = node.args(&scene, &devices);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let report: CheckReport = serde_json::from_str(&scene.run(&args).stdout).expect("a report");
    let changes = &shape(&report, "devices").changes;
    assert!(
        !changes.iter().any(|change| change.contains("/dev/nothing")),
        "{changes:#?}"
    );
    assert_eq!(node.state(), before);
    // With a command, it is what a container of the node with that command is.
    let more = [
        "--image",
        dockerd::BOX,
        "--format",
        "json",
        "--run",
        "--command",
        "/bin/sh",
        "-c",
        "exit 3",
    ];
    let args = node.args(&scene, &more);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ran = scene.run(&args);
    let report: CheckReport = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    assert!(
        report.unchecked.is_empty() && report.shapes.len() == 1,
        "{report:#?}"
    );
    // What a check leaves that is killed in the middle is removed by `clean`.
    assert_eq!(node.state(), before);
    let output = Output::new(scene.path());
    let mut child = output.spawn(&mut scene.command(&args));
    let ours = || {
        node.dockerd
            .call("GET", "/containers/json?all=true", "text/plain", b"")
            .contains("/ocidiff-")
    };
    let began = std::time::Instant::now();
    while !ours() && began.elapsed() < Duration::from_secs(20) {}
    child.kill().expect("kill -9");
    let ran = output.wait(child, Duration::from_secs(10));
    assert_eq!(ran.status, None, "it had ended already");
    let socket = node.dockerd.socket().display().to_string();
    scene
        .run(&["clean", "--via", "docker", "--socket", &socket])
        .ends_with(0);
    ran.leaves_nothing();
    assert_eq!(node.state(), before);
}
