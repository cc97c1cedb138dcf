//! Never green and never red without having run: what is reported if nothing starts, if a step fails everywhere, if a
//! runtime hangs, and for a user's own builds.

use crate::support;
use crate::support::{events, needs};

use std::path::Path;

use events::Events;
use ocidiff_model::Verdict;
use support::{Ran, Scene};

/// Like the real runtime, except for its version line and for cases that carry its annotation.
const LOCAL: &str = r#"#!/bin/sh
for word; do [ "$word" = --version ] && { echo "@VERSION@"; exit 0; }; done
if [ "$FAULT" != none ] && grep -qs '"fault": *"@FAULT@"' /run/ocidiff/bundle/*/config.json; then @DO@; fi
exec @REAL@ "$@"
"#;

pub(crate) fn local(scene: &Scene, name: &str, real: &Path, version: &str, fault: (&str, &str)) -> String {
    let script = LOCAL
        .replace("@VERSION@", version)
        .replace("@FAULT@", fault.0)
        .replace("@DO@", fault.1)
        .replace("@REAL@", &real.to_string_lossy());
    scene.program(name, &script).to_string_lossy().into_owned()
}

pub(crate) fn pair() -> Option<[String; 2]> {
    let (runc, crun) = (needs::runtime("runc")?, needs::runtime("crun")?);
    Some([
        format!("runc={}", runc.display()),
        format!("crun={}", crun.display()),
    ])
}

pub(crate) fn run(scene: &Scene, runtimes: &[String], args: &[&str]) -> Ran {
    let mut words = vec!["run", "--json", "events"];
    words.extend(args);
    words.extend(
        runtimes
            .iter()
            .flat_map(|runtime| ["--runtime", runtime.as_str()]),
    );
    let ran = scene.run(&words);
    ran.leaves_nothing();
    ran
}

/// A bundle with this change to the corpus's default config.
fn bundle(scene: &Scene, runtime: &str, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
    scene.write("cases/plain/it.yaml", "summary: s\n");
    let output = scene.path().join(name);
    scene
        .run(&[
            "repro",
            "plain/it",
            "--cases",
            "cases",
            "--runtime",
            runtime,
            "--output",
            name,
        ])
        .ends_with(0);
    let text = std::fs::read_to_string(output.join("main.json")).expect("its config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    change(&mut config);
    scene.write(&format!("{name}/config.json"), config.to_string());
}

#[test]
fn a_bundle_that_nobody_starts_is_no_agreement() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    for (name, text) in [("text", "{\"no\": \"config\"}"), ("list", "[1, 2]")] {
        scene.write(&format!("{name}/config.json"), text);
        std::fs::create_dir_all(scene.path().join(name).join("rootfs")).expect("a rootfs");
        let ran = run(&scene, &runtimes, &["--bundle", name]);
        assert_ne!(ran.status, Some(0), "{}", ran.stdout);
        assert!(!ran.stdout.contains("1 agree"), "{}", ran.stdout);
    }
    bundle(&scene, &runtimes[0], "oom", |config| {
        config["process"]["args"] = serde_json::json!(["/nobody"]);
    });
    let ran = run(&scene, &runtimes, &["--bundle", "oom"]);
    ran.ends_with(3);
    for words in ["nobody starts it", "runc", "crun", "no such file"] {
        assert!(
            ran.stdout.to_lowercase().contains(words),
            "{words}: {}",
            ran.stdout
        );
    }
}

#[test]
fn a_refusal_by_one_is_a_difference_of_a_bundle() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    bundle(&scene, &runtimes[0], "newer", |config| {
        config["ociVersion"] = "1.2.0".into();
    });
    let ran = run(&scene, &runtimes, &["--bundle", "newer"]);
    ran.ends_with(1);
    assert!(ran.stdout.contains("lifecycle.create.result"), "{}", ran.stdout);
    assert!(ran.stdout.contains("0 agree"), "{}", ran.stdout);
}

#[test]
fn what_fails_everywhere_is_broken_and_an_expectation_without_a_clause_unexpected() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    scene.write(
        "cases/a/broken.yaml",
        "{summary: s, config: {hostname: h, linux: {'namespaces-': [{type: uts}]}}}",
    );
    scene.write(
        "cases/a/expected.yaml",
        "{summary: s, config: {hostname: h, linux: {'namespaces-': [{type: uts}]}}, expect: {lifecycle.create.result: error}}",
    );
    scene.write(
        "cases/a/unexpected.yaml",
        "{summary: s, expect: {process.exit: 7}}",
    );
    scene.write(
        "cases/a/violation.yaml",
        "{summary: s, requirement: [user-umask-unset-keep], expect: {process.exit: 7}}",
    );
    let ran = run(&scene, &runtimes, &["--cases", "cases"]);
    ran.ends_with(3);
    let events = Events::read(&scene.path().join("events"));
    for (case, verdict) in [
        ("a/broken", Verdict::Broken),
        ("a/unexpected", Verdict::Unexpected),
        ("a/violation", Verdict::Violation),
    ] {
        assert_eq!(
            events.case(case).verdict(),
            verdict,
            "{}",
            events.case(case).text()
        );
    }
    let expected = events.case("a/expected").verdict();
    assert!(matches!(expected, Verdict::Agree | Verdict::New), "{expected}");
    assert!(
        ran.stdout.contains("no runtime does this: create: runc: "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("UNEXPECTED a/unexpected"), "{}", ran.stdout);
}

#[test]
fn a_watch_of_what_nobody_shows_is_broken_unless_the_case_expects_that() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    for (name, body) in [
        ("file", "watch: {file: [/no/such]}"),
        ("mount", "watch: {mount: [/mtn]}"),
        (
            "absent",
            "watch: {file: [/no/such]}, expect: {file./no/such: (absent)}",
        ),
        (
            "shown",
            "watch: {mount: [/dev/shm]}, expect: {mount./dev/shm: 'tmpfs *'}",
        ),
    ] {
        scene.write(&format!("cases/a/{name}.yaml"), format!("{{summary: s, {body}}}"));
    }
    let ran = run(&scene, &runtimes, &["--cases", "cases"]);
    ran.ends_with(3);
    let events = Events::read(&scene.path().join("events"));
    for name in ["file", "mount"] {
        let case = events.case(&format!("a/{name}"));
        assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
        assert!(
            ran.stdout.contains(&format!("it watches {name}.")),
            "{}",
            ran.stdout
        );
    }
    for name in ["absent", "shown"] {
        let case = events.case(&format!("a/{name}"));
        assert!(
            matches!(case.verdict(), Verdict::Agree | Verdict::Known),
            "{}",
            case.text()
        );
    }
}

#[test]
fn accept_prints_the_change_and_a_dry_run_writes_nothing() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    let crun = needs::runtime("crun").expect("there a moment ago");
    local(&scene, "fake", &crun, "crun version 1.8.1", ("differ", "exit 9"));
    scene.write(
        "cases/a/it.yaml",
        "{summary: s, config: {annotations: {fault: differ}}}",
    );
    let accept = |more: &[&str]| {
        let mut words = vec![
            "accept",
            "a/it",
            "--cases",
            "cases",
            "--runtime",
            &runtimes[0],
            "--runtime",
            "crun=./fake",
        ];
        words.extend(more);
        scene.run(&words)
    };
    let dry = accept(&["--dry-run"]);
    dry.ends_with(0);
    assert!(
        dry.stdout.contains("would write") && dry.stdout.contains("lifecycle.create.result:"),
        "{}",
        dry.stdout
    );
    let known = scene.path().join("cases/a/it.known.yaml");
    assert!(!known.exists());
    accept(&[]).ends_with(0);
    assert!(known.exists());
    // A handwritten cause about versions other than those that were run stays.
    scene.write(
        "cases/a/it.known.yaml",
        "- facts:\n    lifecycle.create.result: [{because: youki/exec-without-filter, who: [crun, youki <0.1], shows: error}, {otherwise: ok}]\n",
    );
    let real = scene.run(&[
        "accept",
        "a/it",
        "--cases",
        "cases",
        "--runtime",
        &runtimes[0],
        "--runtime",
        &runtimes[1],
    ]);
    real.ends_with(0);
    let text = std::fs::read_to_string(&known).expect("still there");
    for kept in [
        "who: [crun, youki <0.1], shows: error",
        "otherwise: ok",
        "who: [crun =1.8.1], shows: ok",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

#[test]
fn what_is_not_recorded_is_not_judged() {
    let Some(runtimes) = pair() else { return };
    let scene = Scene::new();
    scene.write("cases/a/it.yaml", "{summary: s, watch: {syscall: [getuid]}}");
    // The only case that was chosen was not run.
    let ran = run(&scene, &runtimes, &["--cases", "cases", "--recorder", "none"]);
    let said = &ran.ends_with(3).stdout;
    assert!(said.contains("`--recorder none` does not record (1)"), "{said}");
    assert!(said.contains(" 0 agree") && said.contains("1 skipped"), "{said}");
}

#[test]
fn a_runtime_that_does_not_come_back_is_given_up() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    let fake = local(
        &scene,
        "fake",
        &crun,
        "crun version 1.8.1",
        ("hang", "exec sleep 600"),
    );
    for index in 0..12 {
        scene.write(
            &format!("cases/a/hang-{index}.yaml"),
            "{summary: s, config: {annotations: {fault: hang}}, steps: [{create: {limit: 0.5}}, start, wait, delete]}",
        );
    }
    let runtimes = [format!("runc={}", runc.display()), format!("crun={fake}")];
    let ran = run(&scene, &runtimes, &["--cases", "cases", "--jobs", "1"]);
    ran.ends_with(3);
    assert!(
        ran.stderr.contains("crun was given up: its create did not end"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("nothing is left to compare"),
        "{}",
        ran.stdout
    );
    // A runtime that never starts anything is reported before the first case.
    let dead = scene.program(
        "dead",
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'crun version 1.8.1' && exit\necho 'no way' >&2; exit 1\n",
    );
    let runtimes = [
        format!("runc={}", runc.display()),
        format!("crun={}", dead.display()),
    ];
    let ran = run_without_events(&scene, &runtimes);
    ran.ends_with(3);
    assert!(
        ran.stderr.contains("does not start a plain container") && ran.stderr.contains("no way"),
        "{}",
        ran.stderr
    );
}

fn run_without_events(scene: &Scene, runtimes: &[String]) -> Ran {
    let mut words = vec!["run", "--cases", "cases"];
    words.extend(
        runtimes
            .iter()
            .flat_map(|runtime| ["--runtime", runtime.as_str()]),
    );
    scene.run(&words)
}

#[test]
fn the_first_failure_a_limit_and_a_rate() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let scene = Scene::new();
    let fake = local(&scene, "fake", &crun, "crun version 1.8.1", ("differ", "exit 9"));
    for index in 0..6 {
        scene.write(
            &format!("cases/a/case-{index}.yaml"),
            "{summary: s, config: {annotations: {fault: differ}}}",
        );
    }
    let runtimes = [format!("runc={}", runc.display()), format!("crun={fake}")];
    let ran = run(
        &scene,
        &runtimes,
        &["--cases", "cases", "--jobs", "1", "--fail-fast"],
    );
    ran.ends_with(1);
    assert!(
        ran.stdout.contains("stopped at the first failure"),
        "{}",
        ran.stdout
    );
    scene.write(
        "cases/a/case-0.yaml",
        "{summary: s, config: {process: {args: [/bin/probe, sleep, '60']}}, steps: [create, start, {wait: {limit: 90}}, delete]}",
    );
    let ran = run(&scene, &runtimes, &["--cases", "cases", "--limit", "3"]);
    ran.ends_with(3).within(60);
    assert!(
        ran.stdout.contains("the limit of 3 s was reached"),
        "{}",
        ran.stdout
    );
    let ran = run(
        &scene,
        &runtimes,
        &["--cases", "cases", "a/case-1", "--repeat", "5"],
    );
    ran.ends_with(1);
    assert!(ran.stdout.contains("in each of 5 runs"), "{}", ran.stdout);
    scene.write(
        "cases/a/case-1.yaml",
        "{summary: s, repeat: 7, config: {annotations: {fault: differ}}}",
    );
    let ran = run(&scene, &runtimes, &["--cases", "cases", "a/case-1"]);
    assert!(ran.stdout.contains("in each of 7 runs"), "{}", ran.stdout);
}
