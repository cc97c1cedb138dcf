//! `ocidiff run --via cri` with a real containerd: the seed's story as pods, what is no pod, and what is left.

use crate::support;
use crate::support::containerd::{Containerd, wait};
use crate::support::needs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, Record, Value, Verdict};
use support::{Output, Ran, Scene};

const ALL: [&str; 3] = ["runc", "crun", "youki"];

fn node(names: &[&str]) -> Option<Containerd> {
    let found: Option<Vec<PathBuf>> = names.iter().map(|name| needs::runtime(name)).collect();
    let found = found?;
    let handlers: Vec<(&str, &Path)> = names
        .iter()
        .copied()
        .zip(found.iter().map(PathBuf::as_path))
        .collect();
    let new = Containerd::start(&handlers)?;
    new.images()?;
    Some(new)
}

/// The command against the node, with the real store: the story's rootfs is made of packages.
fn command(scene: &Scene, node: &Containerd, args: &[&str]) -> Command {
    let mut command = scene.command(args);
    command.env_remove("OCIDIFF_HOME");
    command.args(["--via", "cri", "--cgroup-parent", &node.cgroup(), "--socket"]);
    command.arg(node.socket());
    command
}

fn run(scene: &Scene, node: &Containerd, args: &[&str]) -> Ran {
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command(scene, node, args));
    output.wait(child, Duration::from_secs(600))
}

fn reports(scene: &Scene) -> (Option<String>, Vec<CaseReport>) {
    let text = std::fs::read_to_string(scene.path().join("events")).expect("events");
    let (mut via, mut cases) = (None, Vec::new());
    for line in text.lines() {
        match serde_json::from_str(line).expect("an event") {
            Event::RunStarted { machine, .. } => via = machine.via,
            Event::CaseFinished(report) => cases.push(*report),
            Event::RunFinished { .. } => {}
        }
    }
    (via, cases)
}

/// All pods, containers and images, as the node has them.
fn things(node: &Containerd) -> Vec<String> {
    wait(async {
        let client = node.client().await;
        let pods = client.pods().await.expect("pods").into_iter().map(|pod| pod.id);
        let containers = client.containers().await.expect("containers");
        let images = client.images().await.expect("images");
        let all = pods.chain(containers.into_iter().map(|one| one.id));
        let mut all: Vec<String> = all.chain(images).collect();
        all.sort();
        all
    })
}

/// What a runtime's record of a case has of a fact.
fn fact(scene: &Scene, case: &str, runtime: &str, path: &str) -> Option<Value> {
    let file = scene.path().join(format!("records/{case}/{runtime}.json"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let record: Record = serde_json::from_str(&text).expect("a record");
    record
        .facts
        .into_iter()
        .find(|fact| fact.path == path)
        .map(|fact| fact.value)
}

#[test]
fn the_story_shows_in_pods_and_nothing_is_left() {
    let Some(node) = node(&ALL) else { return };
    let before = things(&node);
    let scene = Scene::new();
    let args = [
        "run",
        "seccomp/tar-setgid*",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    ran.leaves_nothing();
    let (via, cases) = reports(&scene);
    assert!(
        via.is_some_and(|via| via.starts_with("cri containerd ")),
        "{ran:?}"
    );
    let story = [Value::Int(0), Value::Int(2), Value::Int(2)];
    let well = [Value::Int(0), Value::Int(0), Value::Int(0)];
    for (case, expected) in [
        ("seccomp/tar-setgid-runtime-default", &story),
        ("seccomp/tar-setgid", &story),
        ("seccomp/tar-setgid-unconfined", &well),
        ("seccomp/tar-setgid-cured", &well),
    ] {
        let exits = ALL.map(|name| fact(&scene, case, name, "process.exit").expect("it ended"));
        assert_eq!(exits, *expected, "{case}: {ran:?}");
        let report = cases.iter().find(|report| report.case == case).expect("a report");
        let verdict = if expected == &story {
            Verdict::Known
        } else {
            Verdict::Agree
        };
        assert_eq!(report.verdict, verdict, "{report:#?}");
    }
    assert_eq!(things(&node), before);
}

#[test]
fn what_is_no_pod_is_skipped_with_a_reason() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let scene = Scene::new();
    let args = [
        "run",
        "process/args*",
        "hooks/order",
        "process/rlimit*",
        "mounts/tmpfs*",
        "--json",
        "events",
        "--records",
        "records",
    ];
    let ran = run(&scene, &node, &args);
    ran.leaves_nothing();
    assert!(!ran.stderr.contains("panicked at"), "{ran:?}");
    let (_, cases) = reports(&scene);
    let count = |verdict: Verdict| cases.iter().filter(|report| report.verdict == verdict).count();
    assert!(count(Verdict::Agree) > 5, "{ran:?}");
    assert_eq!(count(Verdict::Broken), 0, "{ran:?}");
    for (name, why) in [
        ("hooks/order", "the engine has no setting for config.hooks"),
        ("process/args-none", "the engine wants a program in process.args"),
        ("process/rlimit", "the engine has no setting for process.rlimits"),
        (
            "mounts/tmpfs",
            "CRI has no setting for mounts but binds of the node's own folders",
        ),
    ] {
        let mut named = cases.iter().filter(|report| report.case.starts_with(name));
        let said: Vec<&str> = named
            .by_ref()
            .filter_map(|report| report.why.as_deref())
            .collect();
        let expected = format!("cannot be expressed as a container of the engine: {why}");
        assert!(said.contains(&expected.as_str()), "{name}: {said:?}");
    }
    let seen = |path: &str| {
        let mut well = cases.iter().filter(|report| report.verdict == Verdict::Agree);
        well.any(|report| fact(&scene, &report.case, "crun", path).is_some())
    };
    for path in [
        "engine.config.process.args",
        "engine.inspect.status",
        "process.stdout",
        "proc.args",
    ] {
        assert!(seen(path), "{path}: {ran:?}");
    }
}

#[test]
fn a_run_that_ends_early_is_cleaned_up_after_and_others_stay() {
    let Some(node) = node(&["runc", "crun"]) else {
        return;
    };
    let before = things(&node);
    for (signal, status) in [
        (rustix::process::Signal::INT, Some(3)),
        (rustix::process::Signal::KILL, None),
    ] {
        let scene = Scene::new();
        let output = Output::new(scene.path());
        let mut child = output.spawn(&mut command(&scene, &node, &["run", "seccomp/profiles*"]));
        let began = std::time::Instant::now();
        while things(&node).len() < before.len() + 3 && began.elapsed() < Duration::from_secs(60) {
            assert!(matches!(child.try_wait(), Ok(None)), "it ended early");
            std::thread::sleep(Duration::from_millis(50));
        }
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).expect("it is signalled");
        let ran = output.wait(child, Duration::from_secs(120));
        assert_eq!(ran.status, status, "{ran:?}");
        if status.is_none() {
            assert_ne!(things(&node), before);
            // It may have been about to make one more.
            for _ in 0..20 {
                let cleaned = run(&scene, &node, &["clean"]);
                cleaned.ends_with(0);
                if things(&node) == before {
                    break;
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        }
        ran.leaves_nothing();
        assert_eq!(things(&node), before, "{}", node.log());
    }
}

#[test]
fn what_is_no_node_is_said_in_one_line() {
    if !needs::root() {
        return;
    }
    let scene = Scene::new();
    let socket = scene.path().join("none.sock");
    let said = |socket: &Path| {
        let socket = socket.display().to_string();
        let ran = scene.run(&["run", "process/args", "--via", "cri", "--socket", &socket]);
        ran.ends_with(2);
        let line = ran.stderr.lines().last().unwrap_or_default().to_owned();
        assert!(line.starts_with("ocidiff: failed to use CRI: "), "{ran:?}");
        line
    };
    assert!(said(&socket).contains("there is no CRI socket at"));
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    assert!(said(&socket).contains("nobody listens at"));
    if let Some(node) = Containerd::without_plugin() {
        assert!(said(&node.socket()).contains("disabled_plugins"));
    }
    let Some(node) = node(&["crun"]) else { return };
    let mounts = node.mounts();
    let socket = node.socket().display().to_string();
    let ran = scene.run(&["run", "process/args", "--via", "cri", "--socket", &socket]);
    ran.ends_with(2);
    assert!(
        ran.stderr.contains(
            "comparing takes two runtimes that ocidiff knows, and containerd has crun registered: add"
        ),
        "{ran:?}"
    );
    assert_eq!(node.mounts(), mounts);
}
