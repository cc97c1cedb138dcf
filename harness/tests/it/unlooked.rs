//! What nobody has looked at does not agree: what comes behind a limit is compared all the same, or the case is broken;
//! what no recorder sees cannot be asked for.

use crate::support;
use crate::support::{events, needs};

use events::Events;
use ocidiff_model::Verdict;
use support::{Ran, Scene};

/// A runtime whose workloads do something else at their end.
const OTHER: &str = r#"#!/bin/sh
case "$*" in *create*) sed -i 's/END 0/END 5/' /run/ocidiff/bundle/main/config.json ;; esac
exec @REAL@ "$@"
"#;

/// Runs cases, each by its name and its text, under runc and under crun with other workloads.
fn run(cases: &[(&str, String)]) -> Option<(Ran, Events)> {
    let (runc, crun) = (needs::runtime("runc")?, needs::runtime("crun")?);
    let scene = Scene::new();
    for (name, text) in cases {
        scene.write(&format!("cases/t/{name}.yaml"), format!("summary: s\n{text}\n"));
    }
    let other = scene.program("other", &OTHER.replace("@REAL@", &crun.to_string_lossy()));
    let (runc, other) = (
        format!("runc={}", runc.display()),
        format!("crun={}", other.display()),
    );
    let words = [
        "run",
        "--cases",
        "cases",
        "--json",
        "events",
        "--runtime",
        &runc,
        "--runtime",
        &other,
    ];
    let ran = scene.run_at_home(&words);
    ran.leaves_nothing();
    let events = Events::read(&scene.path().join("events"));
    Some((ran, events))
}

fn shell(script: &str, watch: &str) -> String {
    format!("rootfs: busybox\nconfig: {{process: {{args: [/bin/sh, -c, \"{script}\"]}}}}\nwatch: {watch}")
}

#[test]
fn what_comes_behind_a_limit_does_not_agree() {
    let calls = |what: &str, count: u32| {
        format!("i=0; while [ $i -lt {count} ]; do {what}; i=$((i+1)); done; mkdir '/END 0'; true")
    };
    let others = shell(&calls("[ -e /x ]", 30_000), "{syscall: [mkdir]}");
    let cases = [
        ("calls", others.clone()),
        (
            "path",
            others.replace("[mkdir]", "['mkdir(/END 0)', 'mkdir(/END 5)']"),
        ),
        (
            "entries",
            shell(
                "mkdir /d; cd /d; seq 1 21000 | xargs touch; : > 'END 0'",
                "{file: [/d]}",
            ),
        ),
        ("root", shell("mkdir '/END 0'", "{file: [/]}")),
        (
            "behind",
            shell(
                "mkdir /d /e; cd /d; seq 1 3000 | xargs touch; : > '/e/END 0'",
                "{file: [/e]}",
            ),
        ),
        (
            "content",
            shell(
                "yes | head -c 20000000 > /big; echo END 0 >> /big",
                "{file: [/big]}",
            ),
        ),
    ];
    let Some((_, events)) = run(&cases) else {
        return;
    };
    for (name, _) in &cases {
        let case = events.case(&format!("t/{name}"));
        assert_eq!(case.verdict(), Verdict::New, "{}", case.text());
    }
}

#[test]
fn what_cannot_be_compared_behind_a_limit_is_broken() {
    let cases = [
        (
            "calls",
            shell(
                "seq 1 21000 | xargs rmdir; mkdir '/END 0'",
                "{syscall: [only, rmdir, mkdir]}",
            ),
            "came when the record was full",
        ),
        (
            "content",
            shell(
                "truncate -s 2000000000 /big; echo END 0 >> /big",
                "{file: [/big]}",
            ),
            "the content of /big",
        ),
    ];
    let texts = cases.each_ref().map(|(name, text, _)| (*name, text.clone()));
    let Some((ran, events)) = run(&texts) else {
        return;
    };
    ran.ends_with(3);
    for (name, _, says) in &cases {
        let case = events.case(&format!("t/{name}"));
        assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
        assert!(case.text().contains(says), "{}", case.text());
    }
}

#[test]
fn a_watch_that_no_runtime_has_anything_for_is_broken() {
    let cases = [
        (
            "filter",
            "filter.0.digest",
            "watch: {filter: [0.digest]}".to_owned(),
        ),
        ("engine", "engine.config", "watch: {engine: [config]}".to_owned()),
    ];
    let texts = cases.each_ref().map(|(name, _, text)| (*name, text.clone()));
    let Some((_, events)) = run(&texts) else { return };
    for (name, path, _) in &cases {
        let case = events.case(&format!("t/{name}"));
        assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
        let says = format!("it watches {path}, which no runtime shows");
        assert!(case.text().contains(&says), "{}", case.text());
    }
    let cases = [(
        "settings",
        "watch: {cgroup: [memory.high, memory.limit_in_bytes]}".to_owned(),
    )];
    let Some((_, events)) = run(&cases) else { return };
    let case = events.case("t/settings");
    assert_eq!(case.verdict(), Verdict::Skipped, "{}", case.text());
    assert!(case.text().contains("needs cgroup v"), "{}", case.text());
}

#[test]
fn facts_and_texts_behind_a_cut_are_broken() {
    let print = "yes abcdefghij | head -n 200000; ";
    let probe = |umask: &str| {
        let script = format!("{print} exec /bin/probe facts umask");
        let case = shell(&script, "{}").replace("watch: {}", "files: {/bin/probe: {probe: true}}");
        format!("{case}\nexpect: {{proc.umask: {umask}}}")
    };
    let awaits = format!(
        "{}\nsteps: [create, start, {{await: {{stdout: ready, limit: 2}}}}, wait, delete]",
        shell(&format!("{print} echo ready; sleep 3"), "{}")
    );
    let behind = "process.stdout was cut at 1048576 bytes, and facts of the probe come behind that";
    let cases = [
        ("there", probe("\"0022\""), behind),
        ("absent", probe("(absent)"), behind),
        (
            "await",
            awaits,
            "await waited for `ready`, and what the container printed was cut at 1048576 bytes",
        ),
    ];
    let texts = cases.each_ref().map(|(name, text, _)| (*name, text.clone()));
    let Some((ran, events)) = run(&texts) else { return };
    ran.ends_with(3);
    for (name, _, says) in &cases {
        let case = events.case(&format!("t/{name}"));
        assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
        assert!(case.text().contains(says), "{}", case.text());
    }
    // What the cut leaves out besides is in the digest of the rest.
    let plain = [("plain", shell(&format!("{print} echo END 0"), "{}"))];
    let Some((_, events)) = run(&plain) else { return };
    assert_eq!(events.case("t/plain").verdict(), Verdict::New);
}
