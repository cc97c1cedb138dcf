//! `ocidiff check --out` and `ocidiff report [--merge]`: from nodes' event files to one report.

use crate::support;
use crate::support::{needs, program};

use ocidiff_model::check::FleetReport;
use serde_json::{Value, json};
use support::Scene;

/// The events of a node with one workload, as they are in its log.
fn events(node: &str, time: u64, impact: &str) -> String {
    let runtime = |name: &str| json!({"name": name, "version": "1.1", "label": name});
    let finding =
        json!({"impact": impact, "what": "process.exit", "from": "0", "to": "2", "reason": "tar fails"});
    let events = [
        json!({"event": "check-started", "ocidiff": "0.1.0", "time": time, "node": node, "from": runtime("runc"), "to": runtime("crun")}),
        json!({"event": "shape-checked", "digest": "d1", "workloads": ["web"], "changes": [], "findings": [finding]}),
        json!({"event": "check-finished", "exit": if impact == "breaks" { "differs" } else { "ok" }}),
    ];
    events.map(|event| format!("{event}\n")).concat()
}

#[test]
fn event_files_of_many_nodes_become_one_report() {
    let scene = Scene::new();
    scene.write("a", events("node-a", 5, "breaks"));
    let log = events("node-b", 5, "cosmetic");
    let log = log.lines().map(|line| format!("[pod/ocidiff-x7/check] {line}\n"));
    scene.write("pods", log.collect::<String>() + &events("node-a", 3, "cosmetic"));
    let ran = scene.run(&["report", "--merge", "a", "pods"]);
    let text = &ran.ends_with(0).stdout;
    for line in [
        "2 nodes, 2 workloads in 1 shape: 1 safe, 1 at risk, 0 not checked",
        "1 node safe to move: node-b",
        "1 node at risk: node-a",
        "an older check is left out: node-a",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    let ran = scene.run(&["report", "a", "pods", "--merge", "--format", "json"]);
    let report: FleetReport = serde_json::from_str(&ran.ends_with(0).stdout).expect("a report");
    assert_eq!(report.moves[0].nodes.len(), 2);
    let ran = scene.run(&[
        "report", "a", "pods", "--merge", "--format", "html", "--output", "page",
    ]);
    assert_eq!(ran.ends_with(0).stdout, "");
    let page = std::fs::read_to_string(scene.path().join("page")).expect("a page");
    assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
}

#[test]
fn nodes_of_a_list_that_were_not_seen_are_named() {
    let scene = Scene::new();
    scene.write("a", events("node-a", 5, "breaks"));
    scene.write("nodes", "node/node-a\n\nnode/node-b\r\nnode-c\n");
    let ran = scene.run(&["report", "--merge", "a", "--nodes-list", "nodes"]);
    assert!(
        ran.ends_with(0)
            .stdout
            .contains("2 nodes not seen: node-b, node-c\n"),
        "{}",
        ran.stdout
    );
    for (what, list) in [
        ("a lone head", "NAME\nnode-a\nnode-b\nnode-c\n"),
        (
            "a table",
            "NAME     STATUS   AGE\r\nnode-a   Ready    1d\r\n\r\nnode-b   Ready    1d\r\nnode-c   NotReady 9d",
        ),
        (
            "comments",
            "# mine\n\n  node-a\n#node-d\nnode-b\n # yours\nnode-c\n",
        ),
        ("kinds", "NAME\nnode/node-a\nnode/node-b\nnode/node-c\n"),
    ] {
        scene.write("nodes", list);
        let ran = scene.run(&["report", "--merge", "a", "--nodes-list", "nodes"]);
        assert!(
            ran.ends_with(0)
                .stdout
                .contains("2 nodes not seen: node-b, node-c\n"),
            "{what}: {}",
            ran.stdout
        );
    }
    scene.write("none", "\n");
    scene.write("head", "# mine\nNAME   STATUS\n");
    scene.write("other", "Name   STATUS\nnode-a Ready\n");
    scene.write("behind", "node-a # mine\n");
    for (list, told) in [
        ("none", "--nodes-list none: names no node"),
        ("nowhere", "--nodes-list nowhere: "),
        ("head", "--nodes-list head: names no node"),
        ("other", "`Name   STATUS` is not a node's name"),
        ("behind", "`node-a # mine` is not a node's name"),
    ] {
        let ran = scene.run(&["report", "--merge", "a", "--nodes-list", list]);
        assert!(ran.ends_with(2).stderr.contains(told), "{list}: {}", ran.stderr);
    }
}

#[test]
fn one_event_file_is_drawn_as_the_check_was() {
    let scene = Scene::new();
    scene.write("a", events("node-a", 5, "breaks"));
    for (format, part) in [
        ("terminal", "node-a \u{b7} runc 1.1 -> crun 1.1"),
        ("markdown", "## ocidiff check"),
        ("json", "\"shapes\": ["),
        ("html", "<h1>ocidiff check: node-a</h1>"),
    ] {
        let ran = scene.run(&["report", "a", "--format", format]);
        assert!(
            ran.ends_with(0).stdout.contains(part),
            "{format}:\n{}",
            ran.stdout
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_told_with_its_file_and_line() {
    let scene = Scene::new();
    let one = events("node-a", 5, "breaks");
    scene.write("a", &one);
    scene.write("two", format!("{one}{}", events("node-b", 5, "breaks")));
    scene.write("cut", &one[..one.len() - 9]);
    scene.write("noise", format!("{one}some other program\n"));
    scene.write("run", "{\"event\":\"run-finished\"}\n");
    for (args, told) in [
        (&["report", "a", "two"][..], "several files need --merge"),
        (&["report", "two"], "two: 2 checks; --merge"),
        (
            &["report", "--merge", "a", "--format", "junit"],
            "junit is for the check of one node",
        ),
        (&["report", "--merge"], "<FILE>"),
        (
            &["report", "--merge", "a", "noise"],
            "noise: line 4: not an event of ocidiff",
        ),
        (&["report", "--merge", "a", "nowhere"], "nowhere: No such file"),
        (
            &["report", "--merge", "a", "run"],
            "run: line 1: not an event of ocidiff",
        ),
    ] {
        let ran = scene.run(args);
        assert!(ran.ends_with(2).stderr.contains(told), "{args:?}: {}", ran.stderr);
    }
    let ran = scene.run(&["report", "--merge", "a", "cut"]);
    assert!(
        ran.ends_with(0).stderr.contains("cut: line 3 is cut"),
        "{}",
        ran.stderr
    );
}

/// A check of one bundle, with a runtime compared with a copy of itself.
fn check(scene: &Scene, more: &[&str]) -> Option<support::Ran> {
    let runc = needs::runtime("runc")?;
    let twin = scene.path().join("twin");
    std::fs::copy(&runc, &twin).expect("a copy");
    let config = json!({
        "ociVersion": "1.0.2", "root": {"path": "rootfs"},
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/serve"], "cwd": "/"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]}
    });
    scene.write("plain/config.json", config.to_string());
    program::of_config(&scene.path().join("plain/rootfs"), &config);
    let [from, to] = [&runc, &twin].map(|path| format!("runc={}", path.display()));
    let args = ["check", "--from", &from, "--to", &to, "--bundle", "plain"];
    Some(scene.run(&[&args[..], more].concat()))
}

#[test]
fn a_check_writes_events_that_report_draws() {
    let scene = Scene::new();
    let Some(ran) = check(&scene, &["--out", "events", "--format", "json"]) else {
        return;
    };
    let drawn = scene.run(&["report", "events", "--format", "json"]);
    let [printed, drawn] = [ran.ends_with(0), drawn.ends_with(0)]
        .map(|ran| serde_json::from_str::<Value>(&ran.stdout).expect("JSON"));
    assert_eq!(printed, drawn);
    assert!(printed["time"].as_u64() > Some(1_700_000_000), "{printed}");
    let ran = check(&scene, &["--out", "-"]).expect("as above");
    scene.write("log", &ran.ends_with(0).stdout);
    scene.run(&["report", "--merge", "log", "events"]).ends_with(0);
    let ran = check(&scene, &["--out", "nowhere/events"]).expect("as above");
    assert!(
        ran.ends_with(2).stderr.contains("nowhere/events: No such file"),
        "{}",
        ran.stderr
    );
}
