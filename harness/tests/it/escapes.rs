//! What others wrote is printed as text: a terminal obeys none of it.

use crate::support;
use crate::support::corpus;

use std::fs;

use corpus::{scene, words};
use support::{Ran, Scene};

/// What a workload prints and what a bundle holds is not trusted.
#[test]
fn nothing_that_a_workload_prints_is_obeyed() {
    let Some((scene, runtimes)) = scene() else { return };
    let hostile = "\u{1b}[2J\u{9b}31m\u{202e}owned";
    let path = scene.path().join("bundle/config.json");
    let text = fs::read_to_string(&path).expect("a config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["process"]["args"] = serde_json::json!(["/bin/probe", "stdout", hostile]);
    config["process"]["cwd"] = format!("/{hostile}").into();
    config["hostname"] = hostile.into();
    config["annotations"] = serde_json::json!({hostile: hostile});
    fs::write(&path, config.to_string()).expect("a config");
    let args = serde_json::json!(["/bin/probe", hostile]);
    scene.write(
        "cases/some/odd.yaml",
        format!("summary: s\nconfig: {{process: {{args: {args}}}}}\n"),
    );
    let with = |args: &[&'static str]| [args, &words(&runtimes)].concat();
    for args in [
        with(&["run", "--bundle", "bundle", "--json", "events"]),
        with(&["run", "some/odd", "--cases", "cases"]),
        with(&["show", "some/odd", "--cases", "cases"]),
        with(&["explain", "--run", "some/odd", "--cases", "cases"]),
        vec!["capture", "--bundle", "bundle", "--command"],
        vec![
            "check",
            "--from",
            &runtimes[1],
            "--to",
            &runtimes[3],
            "--bundle",
            "bundle",
        ],
        vec![
            "check",
            "--from",
            &runtimes[1],
            "--to",
            &runtimes[3],
            "--bundle",
            "bundle",
            "--out",
            "-",
        ],
        vec!["report", "events"],
        vec!["report", "events", "--format", "json"],
        vec!["report", "events", "--format", "markdown"],
        vec!["report", "events", "--format", "html"],
        vec!["report", "events", "--format", "junit"],
    ] {
        obeys_nothing(&args, &scene.run(&args));
    }
}

#[track_caller]
fn obeys_nothing(args: &[&str], ran: &Ran) {
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let obeyed = text
            .chars()
            .find(|letter| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}');
        assert_eq!(obeyed, None, "{args:?} {name}: {text:?}");
    }
    assert!(ran.stderr.len() + ran.stdout.len() > 10, "{args:?} says nothing");
}

/// Everything that the terminal would obey is shown as text, on stderr too.
#[test]
fn nothing_that_a_terminal_obeys_is_printed() {
    let scene = Scene::new();
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    scene.write("cases/a/one.yaml", format!("summary: s\n\"a{hostile}b\": 1\n"));
    scene.write(&format!("cases/a/n{hostile}.yaml"), "summary: s\n");
    scene.write(&format!("named/a/n{hostile}.yaml"), "summary: s\n");
    scene.write("events", format!("{{\"event\": \"{hostile}\"}}\n"));
    scene.write("profile.json", format!("{{\"{}\": 1}}", hostile.escape_unicode()));
    let fake = scene.program(
        "fake",
        &format!("#!/bin/sh\nprintf 'runc version \\033[31m%s\\n' '{hostile}'\n"),
    );
    let fake = format!("runc={}{}", fake.display(), "");
    let odd = format!("/{hostile}");
    for args in [
        &["list", "--cases", "cases"][..],
        &["list", "--cases", "named"],
        &["list", "--cases", &odd],
        &["list", "--cases", "named", hostile],
        &["run", "--runtime", &fake, "--cases", "named"],
        &["run", "--runtime", hostile, "--cases", "named"],
        &["report", "events"],
        &["report", &odd],
        &["report", "events", "--format", hostile],
        &["seccomp", "profile.json"],
        &["seccomp", hostile],
        &["capture", "--bundle", &odd],
        &["check", "--to", hostile, "--bundle", &odd],
        &["run", "--bundle", &odd],
        &["run", &format!("--{hostile}")],
        &[hostile],
        &["show", "x", "--channel", hostile],
        &["run", "--jobs", hostile],
    ] {
        obeys_nothing(args, &scene.run(args));
    }
}
