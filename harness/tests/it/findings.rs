//! What is reported from the catalogue alone: without root, without a runtime, on small corpora of a test's own.

use crate::support;

use std::fs;

use support::Scene;

const FINDING: &str = "title: crun answers 0 for a
affects: \"<1.21\"
kind: bug
impact: {entering: security, leaving: breaks}
applies: {config: {linux: {seccomp: \"*\"}}}
cause: It forgets a.
links:
  source: [containers/crun@1.1:src/a.c#L3]
searched: 2026-11
remedy: Take a newer one.
";
const KNOWN: &str = "- facts:\n    process.exit: [{because: crun/test-a, shows: 0}, {otherwise: 2}]\n";

const SECCOMP: &str = "applies: {config: {linux: {seccomp: \"*\"}}}\n";
/// A run in which the story was as it is written.
const EVENTS: &str = r#"{"event":"run-started","ocidiff":"0.1.0","time":0,"runtimes":[{"runtime":{"name":"runc","version":"1.1.5","label":"runc"},"reference":true,"origin":"PATH"},{"runtime":{"name":"crun","version":"1.8.1","label":"crun"},"reference":false,"origin":"store"}],"machine":{"kernel":"6.1","cgroup":"v1","arch":"x86_64"},"recorder":"ebpf","cases":1}
{"event":"case-finished","case":"some/story","summary":"a story","source":"s","verdict":"known","differences":[{"fact":"process.exit","groups":[{"value":2,"runtimes":["runc"]},{"value":0,"runtimes":["crun"]}],"standing":{"is":"known"},"accounts":[{"who":"crun","because":["crun/test-a"],"how":"written"}]}],"seconds":0.1}
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.write("cases/findings/crun/test-a.yaml", FINDING);
    scene.write("cases/some/story.yaml", "summary: a story\n");
    scene.write("cases/some/story.known.yaml", KNOWN);
    scene
}

fn with<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().chain(["--cases", "cases"]).collect()
}

#[test]
fn findings_of_a_runtime_a_move_and_a_version() {
    let scene = scene();
    scene.write("with/config.json", r#"{"linux": {"seccomp": {}}}"#);
    scene.write("without/config.json", "{}");
    for (args, is_there, impact) in [
        (vec!["--runtime", "crun@1.20"], true, "security"),
        (vec!["--runtime", "crun@1.21"], false, ""),
        (vec!["--runtime", "crun"], true, "security"),
        (
            vec!["--from", "runc@1.1.5", "--to", "crun@1.20"],
            true,
            "security",
        ),
        (vec!["--from", "crun@1.20", "--to", "crun@1.28"], true, "breaks"),
        (vec!["--from", "crun@1.19", "--to", "crun@1.20"], false, ""),
        (vec!["--fixed-in", "crun@1.21"], true, "security"),
        (vec!["--fixed-in", "crun@1.20"], false, ""),
        (
            vec!["--component", "crun", "--unreported", "--bundle", "with"],
            true,
            "security",
        ),
        (vec!["--component", "crun", "--bundle", "without"], false, ""),
        (vec!["--component", "crun", "--impact", "cosmetic"], false, ""),
    ] {
        for format in ["text", "json", "markdown", "html"] {
            let args = [vec!["findings", "--format", format], args.clone()].concat();
            let ran = scene.run(&with(&args));
            ran.ends_with(0);
            assert_eq!(
                ran.stdout.contains("crun/test-a"),
                is_there,
                "{args:?}\n{}",
                ran.stdout
            );
            if format == "text" && is_there {
                let line = ran.stdout.lines().find(|line| line.contains("crun/test-a"));
                assert!(
                    line.is_some_and(|line| line.contains(impact)),
                    "{args:?} {line:?}"
                );
            }
        }
    }
    let told = scene.run(&with(&["findings", "--runtime", "cron@1"]));
    told.ends_with(2);
    assert!(told.stderr.contains("did you mean `crun`?"), "{}", told.stderr);
    scene
        .run(&with(&["findings", "--from", "crun", "--to", "runc@1"]))
        .ends_with(2);
    scene
        .run(&with(&["findings", "--bundle", "nowhere"]))
        .ends_with(2);
}

#[test]
fn explain_tells_everything_that_has_a_name() {
    let scene = scene();
    for (name, words) in [
        (
            "crun/test-a",
            vec![
                "crun answers 0",
                "<1.21",
                "security for those who move to it",
                "It forgets a.",
                "https://github.com/containers/crun/blob/1.1/src/a.c#L3",
                "no thread",
                "some/story",
            ],
        ),
        (
            "some/story",
            vec![
                "a story",
                "create",
                "crun <1.21: 0",
                "otherwise: 2",
                "crun/test-a",
            ],
        ),
        ("process.exit", vec!["a fact", "known in", "some/story"]),
        ("violation", vec!["a verdict", "fails"]),
        ("create-applies-properties", vec!["a clause", "MUST"]),
    ] {
        let ran = scene.run(&with(&["explain", name]));
        ran.ends_with(0);
        for word in words {
            assert!(ran.stdout.contains(word), "{name}: {word} not in\n{}", ran.stdout);
        }
    }
    for (name, meant) in [
        ("crun/test-b", "crun/test-a"),
        ("some/stori", "some/story"),
        ("violatoin", "violation"),
    ] {
        let ran = scene.run(&with(&["explain", name]));
        ran.ends_with(2);
        assert!(
            ran.stderr.contains(&format!("did you mean `{meant}`?")),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn lint_tells_and_mends() {
    let scene = scene();
    scene.run(&with(&["lint"])).ends_with(0);
    let path = "cases/findings/crun/test-a.yaml";
    let other = FINDING.replace("kind: bug", "kind:   bug");
    scene.write(path, format!("# Mine.\n{other}"));
    let ran = scene.run(&with(&["lint"]));
    ran.ends_with(1);
    assert!(
        ran.stdout
            .contains("test-a.yaml:4:1: it is not in canonical form"),
        "{}",
        ran.stdout
    );
    scene.run(&with(&["lint", "--fix"])).ends_with(0);
    let mended = fs::read_to_string(scene.path().join(path)).expect("the finding");
    assert_eq!(mended, format!("# Mine.\n{FINDING}"));
    let commented = FINDING.replace("kind: bug", "kind: bug # why");
    scene.write(path, &commented);
    scene.run(&with(&["lint", "--fix"])).ends_with(1);
    assert_eq!(
        fs::read_to_string(scene.path().join(path)).expect("the finding"),
        commented
    );
}

/// The known file is the reference; what is recognised without it is compared with that.
#[test]
fn lint_says_what_recognition_finds_without_the_known_files() {
    let scene = scene();
    scene.write("events", EVENTS);
    let path = "cases/findings/crun/test-a.yaml";
    let other = "cases/findings/crun/test-b.yaml";
    let signs = |shows: &str| FINDING.replace("cause:", &format!("shows: [{shows}]\ncause:"));
    let exit = signs("{fact: process.exit, is: 0, instead: 2}").replace(SECCOMP, "");
    for (own, another, expected) in [
        (
            FINDING.to_owned(),
            None,
            "0 (0.0 %) right, 0 (0.0 %) another finding, 1 (100.0 %) none",
        ),
        (
            exit.clone(),
            None,
            "1 (100.0 %) right, 0 (0.0 %) another finding, 0 (0.0 %) none",
        ),
        (
            FINDING.to_owned(),
            Some(&exit),
            "0 (0.0 %) right, 1 (100.0 %) another finding, 0 (0.0 %) none",
        ),
    ] {
        scene.write(path, own);
        if let Some(text) = another {
            scene.write(other, text.replace("crun answers", "crun says"));
        }
        let ran = scene.run(&with(&["lint", "--recognition", "--events", "events"]));
        ran.ends_with(0);
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.stdout);
        let is_told = ran.stdout.contains("some/story  process.exit");
        assert_eq!(is_told, !expected.starts_with('1'), "{}", ran.stdout);
    }
    scene.run(&with(&["lint", "--events", "events"])).ends_with(2);
    scene
        .run(&with(&["lint", "--recognition", "--events", "missing"]))
        .ends_with(2);
}

#[test]
fn upstream_writes_a_report() {
    let scene = scene();
    let ran = scene.run(&with(&["upstream", "crun/test-a"]));
    ran.ends_with(0);
    assert!(ran.stdout.starts_with("> **Security: write to"), "{}", ran.stdout);
    for part in [
        "https://github.com/containers/crun/security",
        "some/story",
        "`process.exit` = `2`",
        "`process.exit` = `0`",
        "## Cause",
    ] {
        assert!(ran.stdout.contains(part), "{part} not in\n{}", ran.stdout);
    }
    scene.write(
        "cases/findings/crun/test-a.yaml",
        FINDING.replace("security", "breaks"),
    );
    let ran = scene.run(&with(&["upstream", "crun/test-a"]));
    assert!(
        ran.ends_with(0).stdout.starts_with("# crun answers"),
        "{}",
        ran.stdout
    );
    let ran = scene.run(&with(&["upstream", "crun/test-b"]));
    assert!(
        ran.ends_with(2).stderr.contains("did you mean `crun/test-a`?"),
        "{}",
        ran.stderr
    );
}
