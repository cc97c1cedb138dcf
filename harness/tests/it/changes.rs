//! What changed between versions: by running them, from events, between nights.

use crate::support;
use crate::support::needs;

use std::fs;

use serde_json::Value as Json;
use support::events::with_cases;
use support::{Ran, Scene};

/// A case on which crun 1.8.1 and 1.21 differ, and the finding that says why.
const CASE: &str = "process/args-path";
const FINDING: &str = "crun/empty-path-entry-is-root";

/// crun 1.8.1 and crun 1.21 as arguments, in the scene's own store.
fn cruns() -> Option<[String; 2]> {
    let paths = [needs::runtime("crun")?, needs::runtime("crun@1.21")?];
    Some(paths.map(|path| format!("crun={}", path.display())))
}

fn json(ran: &Ran) -> Json {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

#[test]
fn versions_are_run_and_compared_by_finding_in_order() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    // The later one first: versions are sorted.
    let ran = scene.run(&["changes", &new, &old, CASE, "--json", "events"]);
    let text = &ran.ends_with(0).stdout;
    assert!(
        text.contains(FINDING) && text.contains("fixed in 1.21 (better"),
        "{text}"
    );
    let again = scene.run(&["changes", "--events", "events", "--format", "json"]);
    let told = json(again.ends_with(0));
    assert_eq!(told["versions"], serde_json::json!(["1.8.1", "1.21"]));
    assert_eq!(told["findings"][0]["turns"][0]["what"], "fixed");
    // Nothing about runtimes that do not take part.
    assert!(
        !again.stdout.contains("runc") && !again.stdout.contains("youki"),
        "{}",
        again.stdout
    );
    let ran = scene.run(&["run", CASE, "--runtime", &old, "--runtime", &new]);
    assert!(ran.ends_with(0).stdout.contains("fixed in 1.21"), "{ran:?}");
    let page = scene.run(&["changes", "--events", "events", "--format", "markdown"]);
    assert!(page.ends_with(0).stdout.contains("**fixed in 1.21**"), "{page:?}");
}

#[test]
fn a_folder_of_builds_is_taken_whole() {
    let Some(cruns) = cruns() else { return };
    let scene = Scene::new();
    fs::create_dir(scene.path().join("builds")).expect("a folder");
    for (name, crun) in ["b-old", "a-new"].iter().zip(&cruns) {
        let (_, path) = crun.split_once('=').expect("a path");
        std::os::unix::fs::symlink(path, scene.path().join("builds").join(name)).expect("a link");
    }
    scene.write("builds/README", "not a program");
    let ran = scene.run(&["changes", "crun=builds", CASE]);
    assert!(
        ran.ends_with(0).stdout.contains("crun 1.8.1, 1.21 on kernel"),
        "{ran:?}"
    );
    fs::create_dir(scene.path().join("none")).expect("a folder");
    let ran = scene.run(&["changes", "crun=none", CASE]);
    assert!(
        ran.ends_with(2).stderr.contains("no program lies in it"),
        "{ran:?}"
    );
}

#[test]
fn what_cannot_be_compared_is_said_before_anything_runs() {
    let Some([old, _]) = cruns() else { return };
    let scene = Scene::new();
    scene.write("events", "{\"event\":\"run-started\"\n");
    let both: Vec<&str> = vec!["changes", &old, "runc", CASE];
    for (args, status, says) in [
        (both, 2, "several runtimes"),
        (vec!["changes", &old, CASE], 2, "comparing takes two"),
        (vec!["changes", CASE], 2, "which versions?"),
        (vec!["changes", "crun@99.1", "crun@99.2"], 2, "crun@99.1"),
        (vec!["changes", "--events", "events"], 2, "line 1"),
        (vec!["changes", "--events", "no-such-file"], 2, "no-such-file"),
        (vec!["changes"], 2, "RUNTIME"),
    ] {
        let ran = scene.run(&args);
        assert!(
            ran.ends_with(status).stderr.contains(says),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn nights_are_compared_and_an_unreadable_one_is_no_answer() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let run = |file: &str, who: [&str; 2]| {
        let [first, second] = who;
        fs::create_dir_all(scene.path().join(file).parent().expect("a folder")).expect("a folder");
        let args = [
            "run",
            CASE,
            "--runtime",
            first,
            "--runtime",
            second,
            "--json",
            file,
        ];
        scene.run(&args).ends_with(0);
    };
    run("nights/1/a.jsonl", [&old, &new]);
    run("nights/2/a.jsonl", [&new, &old]);
    let same = scene.run(&["report", "--diff", "nights/1", "nights/2"]);
    assert!(same.ends_with(0).stdout.contains("0 new"), "{same:?}");
    // A different value from yesterday: the later version changed.
    let text = fs::read_to_string(scene.path().join("nights/1/a.jsonl")).expect("events");
    let before = text.replace("\"value\":\"error\"", "\"value\":\"panic\"");
    assert_ne!(text, before);
    scene.write("before.jsonl", before);
    let ran = scene.run(&["report", "--diff", "before.jsonl", "nights/2", "--format", "json"]);
    let told = json(ran.ends_with(1));
    assert_eq!(told["cases"][0]["became"], "changed");
    // A later run that was interrupted before a case of the earlier one has not checked it.
    let text = fs::read_to_string(scene.path().join("nights/2/a.jsonl")).expect("events");
    let mut more = text.lines().map(str::to_owned).collect::<Vec<_>>();
    let at = more
        .iter()
        .position(|line| line.contains("case-finished"))
        .expect("a case");
    more.insert(at, more[at].replacen(CASE, "exec/another", 1));
    scene.write("more.jsonl", with_cases(more));
    let cut = text.replace("\"interrupted\":false", "\"interrupted\":true");
    assert_ne!(cut, text);
    scene.write("cut.jsonl", cut);
    let ran = scene.run(&["report", "--diff", "more.jsonl", "cut.jsonl"]);
    assert!(ran.ends_with(3).stdout.contains("not checked: 1 case"), "{ran:?}");
    scene
        .run(&["report", "--diff", "more.jsonl", "nights/2/a.jsonl"])
        .ends_with(0);
    let pages = scene.run(&["trend", "nights", "--html", "pages"]);
    assert_eq!(pages.ends_with(0).stdout, "pages/index.html\n");
    let index = fs::read_to_string(scene.path().join("pages/index.html")).expect("the page");
    for file in index
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        let is_there = file.starts_with('#') || scene.path().join("pages").join(file).is_file();
        assert!(is_there, "{file}");
    }
    assert!(index.contains("href=\"run-1.html\""));
    let trend = scene.run(&["trend", "nights"]);
    assert_eq!(trend.ends_with(0).stdout.lines().count(), 2, "{trend:?}");
    scene.write("nights/3/a.jsonl", "nothing\n");
    scene.write("nights/notes.txt", "not a night");
    assert!(
        scene
            .run(&["trend", "nights", "--json"])
            .ends_with(3)
            .stderr
            .contains("line 1")
    );
    for (args, status, says) in [
        (
            ["report", "--diff", "nights/1", "nights/3"].as_slice(),
            2,
            "line 1",
        ),
        (&["report", "--diff", "nights/1", "nowhere"], 2, "nowhere"),
        (&["report", "--diff", "nights/1"], 2, "takes two"),
        (
            &["report", "--diff", "nights/1", "nights/2", "--format", "junit"],
            2,
            "junit",
        ),
        (&["trend", "nowhere"], 2, "nowhere"),
    ] {
        let ran = scene.run(args);
        assert!(
            ran.ends_with(status).stderr.contains(says),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

/// What cannot have changed is not run again, and this is reported; if anything that it depends on changes, it is run.
#[test]
fn results_are_taken_from_an_earlier_run_where_nothing_has_changed() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    scene.write(
        "cases/my/umask.yaml",
        "summary: it\nconfig: {process: {args: [/bin/probe, facts, umask]}}\n",
    );
    scene.write(
        "cases/my/env.yaml",
        "summary: it\nconfig: {process: {args: [/bin/probe, facts, env]}}\n",
    );
    let run = |extra: &[&str], first: &str| {
        let args = [
            "run",
            "my",
            "--cases",
            "cases",
            "--runtime",
            first,
            "--runtime",
            &new,
        ];
        scene.run(&[&args[..], extra].concat())
    };
    run(&["--json", "first"], &old).ends_with(0);
    let same = run(&["--changed", "first", "--json", "second"], &old);
    assert!(
        same.ends_with(0)
            .stderr
            .contains("2 of 2 results are those of the earlier run"),
        "{same:?}"
    );
    // What was carried can be carried again.
    let third = run(&["--changed", "second"], &old);
    assert!(third.ends_with(0).stderr.contains("2 of 2 results"), "{third:?}");
    scene.write(
        "cases/my/umask.yaml",
        "summary: it\nconfig: {process: {args: [/bin/probe, facts, umask], user: {umask: 7}}}\n",
    );
    let one = run(&["--changed", "second"], &old);
    assert!(one.ends_with(0).stderr.contains("1 of 2 results"), "{one:?}");
    let (_, path) = old.split_once('=').expect("a path");
    let other = scene.program("other", &format!("#!/bin/sh\nexec {path} \"$@\"\n"));
    let other = format!("crun={}", other.display());
    // What a script executes may have changed, whatever the script's own digest is.
    run(&["--json", "third"], &other).ends_with(0);
    let none = run(&["--changed", "third"], &other);
    let said = &none.ends_with(0).stderr;
    assert!(
        said.contains("no result is that of the earlier run: ") && said.contains("is not an ELF file"),
        "{said}"
    );
    let none = run(&["--changed", "second", "--repeat", "2"], &old);
    let why = "no result is that of the earlier run: its cases were not run as often";
    assert!(none.ends_with(0).stderr.contains(why), "{none:?}");
    scene.write("bad", "nothing\n");
    assert!(
        run(&["--changed", "bad"], &old)
            .ends_with(2)
            .stderr
            .contains("line 1")
    );
}

/// What is in folders of the machine is not digested: a case on them is run each time.
#[test]
fn a_case_on_folders_of_the_machine_is_never_taken() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    scene.write("layer/etc/x", "one\n");
    scene.write(
        "cases/my/layers.yaml",
        format!(
            "summary: it\nrootfs: {{layers: [{}]}}\nfiles: {{/bin/probe: {{probe: true}}}}\n\
             config: {{process: {{args: [/bin/probe, read, /etc/x]}}}}\nexpect: {{proc.read./etc/x: \"one\\n\"}}\n",
            scene.path().join("layer").display()
        ),
    );
    let run = |extra: &[&str]| {
        let args = ["run", "--cases", "cases", "--runtime", &old, "--runtime", &new];
        scene.run(&[&args[..], extra].concat())
    };
    run(&["--json", "first"]).ends_with(0);
    scene.write("layer/etc/x", "two\n");
    run(&["--changed", "first"]).ends_with(1);
}
