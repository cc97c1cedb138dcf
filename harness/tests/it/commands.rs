//! The commands that run cases and report on them, end to end, on small corpora of a test's own.

use crate::support;
use crate::support::{events, needs, story};

use std::fs;

use events::Events;
use ocidiff_model::Verdict;
use story::{FACT, STORY, both};
use support::{Ran, Scene};

impl Scene {
    /// A command on the scene's cases with these runtimes.
    fn with(&self, args: &[&str], runtimes: &[String]) -> Ran {
        let runtimes = runtimes.iter().map(String::as_str);
        self.run(
            &args
                .iter()
                .copied()
                .chain(["--cases", "cases"])
                .chain(runtimes)
                .collect::<Vec<_>>(),
        )
    }
}

#[test]
fn a_report_from_the_file_is_what_run_printed() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene.write("cases/some/plain.yaml", "summary: plain\n");
    scene.write(
        "cases/some/skipped.yaml",
        "{summary: skipped, needs: {arch: pdp11}}\n",
    );
    let ran = scene.with(&["run", "--json", "events"], &runtimes);
    ran.ends_with(0).leaves_nothing();
    let file = fs::read_to_string(scene.path().join("events")).expect("the events");
    let report = |format: &str| {
        scene
            .run(&["report", "events", "--format", format])
            .ends_with(0)
            .stdout
            .clone()
    };
    assert_eq!(report("terminal"), ran.stdout);
    assert_eq!(report("json"), file);
    assert!(report("markdown").contains("runc/enosys-stub"));
    assert!(report("junit").starts_with("<?xml"));
    let page = report("html");
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains(" id=\"case/some/story\"") && page.contains(" id=\"case/some/skipped\""));
    let whole = scene.run(&["report", "events", "--format", "html", "--full"]);
    assert!(whole.ends_with(0).stdout.len() >= page.len());
    let refused = scene.run(&["report", "events", "--format", "junit", "--full"]);
    assert!(
        refused
            .ends_with(2)
            .stderr
            .contains("--full is for terminal, markdown and html")
    );
    for format in ["terminal", "markdown", "html", "junit", "json"] {
        scene
            .run(&["report", "events", "--format", format, "--output", "out"])
            .ends_with(0);
        assert_eq!(
            fs::read_to_string(scene.path().join("out")).expect("the report"),
            report(format),
            "{format}"
        );
    }
    let events = Events::read(&scene.path().join("events"));
    assert_eq!(events.end(), Some((0, false)));
    assert_eq!(events.cases().count(), 3);
}

#[test]
fn accept_writes_once_and_keeps_what_people_wrote() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let known = scene.path().join("cases/some/story.known.yaml");
    let verdict = |status| {
        scene
            .with(&["run", "--json", "events"], &runtimes)
            .ends_with(status)
            .leaves_nothing();
        Events::read(&scene.path().join("events"))
            .case("some/story")
            .verdict()
    };
    // Nothing is written down, and it is known all the same: the catalogue recognises it.
    assert_eq!(verdict(0), Verdict::Known);
    scene.write(
        "cases/some/story.known.yaml",
        format!(
            "- facts:\n    {FACT}: [{{because: unexplained, who: [crun], shows: ENOENT}}, {{otherwise: ENOSYS}}]\n"
        ),
    );
    assert_eq!(verdict(1), Verdict::New);

    scene
        .with(&["accept", "some/story"], &runtimes)
        .ends_with(0)
        .leaves_nothing();
    let written = fs::read_to_string(&known).expect("a known file");
    assert!(written.contains(FACT) && written.contains("EPERM"), "{written}");
    assert_eq!(verdict(0), Verdict::Known);

    let by_hand = format!(
        "# By hand.\n{}",
        written.replace("- facts:", "- facts:   # tar fails")
    );
    fs::write(&known, &by_hand).expect("write by hand");
    for _ in 0..2 {
        scene.with(&["accept", "some/story"], &runtimes).ends_with(0);
        assert_eq!(fs::read_to_string(&known).expect("the known file"), by_hand);
    }
    assert_eq!(verdict(0), Verdict::Known);

    scene.write(
        "cases/some/story.yaml",
        STORY.replace("$profile: docker-20.10.24", "defaultAction: SCMP_ACT_ALLOW"),
    );
    assert_eq!(verdict(1), Verdict::Gone);
    let refused = scene.with(&["accept", "some/story"], &runtimes);
    refused.ends_with(2);
    assert!(
        refused.stderr.contains("the comment in line 2 would be lost"),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&known).expect("the known file"), by_hand);
    fs::write(&known, by_hand.replace("   # tar fails", "")).expect("write by hand");
    scene.with(&["accept", "some/story"], &runtimes).ends_with(0);
    assert!(!known.exists(), "nobody had said why, and nothing of it shows");
    assert_eq!(verdict(0), Verdict::Agree);

    // These versions do not show it; what was written about others stays.
    scene.write(
        "cases/some/story.known.yaml",
        format!(
            "- facts:\n    {FACT}: [{{because: runc/enosys-stub, shows: ENOSYS}}, {{otherwise: EPERM}}]\n"
        ),
    );
    assert_eq!(verdict(1), Verdict::Gone);
    scene.with(&["accept", "some/story"], &runtimes).ends_with(0);
    let narrowed = fs::read_to_string(&known).expect("the known file");
    assert!(narrowed.contains("runc/enosys-stub"), "{narrowed}");
    assert!(narrowed.contains(" ="), "the versions that were run: {narrowed}");
    assert_eq!(verdict(0), Verdict::Agree);
}

/// What accept would overwrite by mistake: nothing, if the case cannot be judged.
#[test]
fn accept_takes_no_broken_case() {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let by_hand =
        "- facts: {proc.call.fchmodat2: [{because: runc/enosys-stub, shows: ENOSYS}, {otherwise: EPERM}]}\n";
    let known = scene.write("cases/some/story.known.yaml", by_hand);
    let fake = scene.program("fake", "#!/bin/sh\n[ \"$1\" = --version ] && echo 'crun version 1.8.1' && exit\nrm -rf /run/ocidiff/*\nkill -9 -1\n");
    let runtimes = [
        format!("runc={}", runc.display()),
        format!("crun={}", fake.display()),
    ];
    let ran = scene.with(
        &[
            "accept",
            "some/story",
            "--runtime",
            &runtimes[0],
            "--runtime",
            &runtimes[1],
        ],
        &[],
    );
    ran.leaves_nothing();
    assert!(matches!(ran.status, Some(0 | 3)), "{ran:?}");
    if ran.status == Some(3) {
        assert_eq!(fs::read_to_string(&known).expect("the known file"), by_hand);
    }
}

#[test]
fn a_runtime_does_not_differ_from_itself() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let ran = scene.with(&["control", "some/story"], &runtimes);
    ran.ends_with(0).within(60).leaves_nothing();
}

#[test]
fn what_did_not_run_is_said_and_is_not_green() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/t/skipped.yaml", "{summary: s, needs: {kernel: '>=99'}}");
    scene.write(
        "cases/t/broken.yaml",
        "{summary: s, watch: {syscall: [fchmodat2]}}",
    );
    scene.write("cases/t/agrees.yaml", "{summary: s}");
    for (words, status, says) in [
        (&["run", "t/skipped"][..], 3, "needs kernel >=99"),
        (
            &["control", "t/skipped"],
            3,
            "0 comparisons, 0 false alarms, 2 skipped",
        ),
        (
            &["control", "t/skipped", "t/agrees"],
            0,
            "2 comparisons, 0 false alarms, 2 skipped",
        ),
        (
            &["control", "t/broken", "t/agrees"],
            3,
            "2 comparisons, 0 false alarms, 2 broken",
        ),
        (
            &["accept", "t/skipped"],
            3,
            "t/skipped: skipped: needs kernel >=99",
        ),
        (
            &["accept", "t/broken"],
            3,
            "t/broken: broken: it watches syscall.fchmodat2",
        ),
        (
            &["accept", "t/skipped", "t/agrees"],
            0,
            "1 of 2 cases were skipped",
        ),
        (&["show", "t/skipped"], 3, "t/skipped: skipped: needs kernel >=99"),
        (
            &["show", "t/broken"],
            3,
            "t/broken: broken: it watches syscall.fchmodat2",
        ),
        (&["explain", "--run", "t/skipped"], 3, "needs kernel >=99"),
    ] {
        let ran = scene.with(words, &runtimes);
        ran.ends_with(status);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(says), "{words:?}: {said}");
    }
}

#[test]
fn explain_tells_who_what_and_where() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    scene.write(
        "cases/some/story.known.yaml",
        format!(
            "- facts: {{{FACT}: [{{because: runc/enosys-stub, shows: ENOSYS}}, {{otherwise: EPERM}}]}}\n"
        ),
    );
    let ran = scene.with(&["explain", "--run", "some/story"], &runtimes);
    ran.leaves_nothing();
    for text in [
        "some/story",
        "fchmodat2",
        "runc",
        "crun",
        "ENOSYS",
        "EPERM",
        "patchbpf",
        "opencontainers/runc",
        "--fix enosys",
        "seccomp",
    ] {
        assert!(
            ran.stdout.contains(text),
            "no `{text}` in:\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn show_prints_everything_that_was_recorded() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let all = scene.with(&["show", "some/story"], &runtimes);
    all.ends_with(0).leaves_nothing();
    for text in [
        "lifecycle.create.result = ok",
        "process.exit = ",
        "filter.count = 1",
        "leftover.processes",
        "proc.init.",
        "cgroup.",
        "mount.",
        "fchmodat2",
    ] {
        assert!(all.stdout.contains(text), "no `{text}` in:\n{}", all.stdout);
    }
    let one = scene.with(&["show", "some/story", "--channel", "leftover"], &runtimes);
    assert!(one.ends_with(0).stdout.contains("leftover.mounts"));
    assert!(!one.stdout.contains("lifecycle.create"));
}

#[test]
fn records_are_written_a_file_each() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/plain.yaml", "summary: plain\n");
    scene
        .with(&["run", "--records", "records"], &runtimes)
        .ends_with(0);
    let digests = ["runc", "crun"].map(|name| {
        let text = fs::read_to_string(scene.path().join(format!("records/some/plain/{name}.json")))
            .expect("a record");
        serde_json::from_str::<ocidiff_model::Record>(&text)
            .expect("a record")
            .bundle
    });
    assert_eq!(digests[0], digests[1], "every runtime gets the same bytes");
}
