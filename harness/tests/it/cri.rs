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
        pods.chain(containers.into_iter().map(|one| one.id))
            .chain(images)
            .collect()
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
