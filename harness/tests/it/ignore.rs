//! `--ignore`: findings that should not be reported for a while; and what no longer shows in a new version.

use crate::support;
use crate::support::{corpus, events, needs, program, story};

use std::collections::BTreeSet;
use std::fs;

use events::Events;
use ocidiff_model::check::CheckReport;
use ocidiff_model::{Impact, Verdict};
use story::{FACT, STORY, both};
use support::{Ran, Scene};

/// A finding about every version of crun.
const FINDING: &str = "title: crun answers EPERM
affects: \"*\"
kind: bug
impact: {entering: breaks, leaving: cosmetic}
cause: It goes by the letter.
links:
  source: [containers/crun@1.8.1:src/a.c#L3]
searched: 2026-11
";

fn ignoring(entries: &[(&str, &str)]) -> String {
    let entry =
        |(id, until): &(&str, &str)| format!("- {{finding: {id}, reason: it is cured, until: {until}}}\n");
    entries.iter().map(entry).collect()
}

fn run(scene: &Scene, args: &[&str], runtimes: &[String]) -> Ran {
    let runtimes = runtimes.iter().map(String::as_str);
    scene.run(&args.iter().copied().chain(runtimes).collect::<Vec<_>>())
}

#[test]
fn a_run_does_not_tell_what_is_ignored_until_its_day() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let args = [
        "run",
        "--cases",
        "cases",
        "--json",
        "events",
        "--ignore",
        "ignore.yaml",
    ];
    scene.write(
        "ignore.yaml",
        ignoring(&[
            ("runc/enosys-stub", "2999-12-31"),
            ("crun/id-unchecked", "2999-12-31"),
            ("crun/no-nosymfollow", "2020-01-01"),
        ]),
    );
    let ran = run(&scene, &args, &runtimes);
    ran.ends_with(0).leaves_nothing();
    assert_eq!(
        Events::read(&scene.path().join("events"))
            .case("some/story")
            .verdict(),
        Verdict::Known
    );
    for words in [
        "1 known case by ignore.yaml: runc/enosys-stub (1)",
        "no longer ignored, the day is past: crun/no-nosymfollow (2020-01-01)",
        "met nothing here: crun/id-unchecked\n",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(
        ran.stderr
            .contains("ignored until 2020-01-01: no longer ignored: crun/no-nosymfollow"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains("some/story"), "{}", ran.stdout);
    let again = scene.run(&["report", "events"]);
    assert!(
        ran.stdout
            .ends_with(again.ends_with(0).stdout.split_once('\n').expect("lines").1),
        "{}",
        again.stdout
    );

    scene.write("ignore.yaml", ignoring(&[("runc/enosys-stub", "2020-01-01")]));
    let ran = run(&scene, &args, &runtimes);
    assert!(ran.ends_with(0).stdout.contains("some/story"), "{}", ran.stdout);
}

#[test]
fn a_bundle_whose_differences_are_ignored_ends_with_0() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    let bundle = corpus::bundle_of(&scene, "some/story", &runtimes[1]);
    fs::rename(bundle.join("main.json"), bundle.join("config.json")).expect("a config");
    let args = ["run", "--bundle", "bundle", "--json", "events"];
    run(&scene, &args, &runtimes).ends_with(1);
    let told = fs::read_to_string(scene.path().join("events")).expect("events");
    if told.contains("\"verdict\":\"new\"") {
        // This machine shows something unexplained, which cannot be ignored.
        return;
    }
    let ids = ["runc/enosys-stub", "runc/sysfs-superblock-read-only"].map(|id| (id, "2999-12-31"));
    scene.write("ignore.yaml", ignoring(&ids));
    let ran = run(
        &scene,
        &[&args[..], &["--ignore", "ignore.yaml"]].concat(),
        &runtimes,
    );
    ran.ends_with(0).leaves_nothing();
}

#[test]
fn a_wrong_file_is_told_before_anything_runs() {
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    for (text, words) in [
        (
            ignoring(&[("runc/enosis-stub", "2999-12-31")]),
            "= help: did you mean `runc/enosys-stub`?",
        ),
        (
            ignoring(&[("runc/enosys-stub", "soon")]),
            "`soon` is not a date; write YYYY-MM-DD",
        ),
        (
            "- {finding: runc/enosys-stub, until: 2999-12-31}\n".to_owned(),
            "ignore.yaml:1:4: an entry needs a `reason`",
        ),
        ("x: y\n".to_owned(), "ignore.yaml:1:1:"),
    ] {
        scene.write("ignore.yaml", &text);
        for args in [
            &["run", "--cases", "cases", "--ignore", "ignore.yaml"][..],
            &[
                "check",
                "--to",
                "crun",
                "--bundle",
                "nowhere",
                "--ignore",
                "ignore.yaml",
            ],
        ] {
            let ran = scene.run(args);
            assert!(
                !needs::root() || ran.stderr.contains(words),
                "{args:?} {words}: {}",
                ran.stderr
            );
            ran.ends_with(2);
        }
    }
    let ran = scene.run(&["run", "--cases", "cases", "--ignore", "/dev/zero"]);
    assert!(
        ran.ends_with(2).stderr.contains("not a regular file"),
        "{}",
        ran.stderr
    );
}

/// A runtime that claims to be crun 99 and does what runc does: what is written about crun does not show.
#[test]
fn what_shows_no_more_in_a_new_version_is_news() {
    let Some(mut runtimes) = both() else { return };
    let scene = Scene::new();
    let runc = runtimes[1].trim_start_matches("runc=").to_owned();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'crun version 99.0' && exit 0\nexec {runc} \"$@\"\n"
    );
    runtimes[3] = format!("crun={}", scene.program("crun", &script).display());
    scene.write("cases/some/story.yaml", STORY);
    scene.write("cases/findings/crun/test-a.yaml", FINDING);
    let known =
        format!("- facts:\n    {FACT}: [{{because: crun/test-a, shows: EPERM}}, {{otherwise: ENOSYS}}]\n");
    let path = scene.write("cases/some/story.known.yaml", &known);
    let args = ["run", "--cases", "cases", "--json", "events"];
    let ran = run(&scene, &args, &runtimes);
    assert!(
        ran.ends_with(0)
            .stdout
            .contains("crun/test-a does not show in crun 99.0: was seen until 1."),
        "{}",
        ran.stdout
    );
    assert_eq!(
        Events::read(&scene.path().join("events"))
            .case("some/story")
            .verdict(),
        Verdict::Fixed
    );
    run(&scene, &[&args[..], &["--strict"]].concat(), &runtimes).ends_with(1);
    let ran = run(&scene, &["accept", "some/story", "--cases", "cases"], &runtimes);
    assert!(
        ran.ends_with(0)
            .stderr
            .contains("end its range in cases/findings/crun/test-a.yaml"),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read_to_string(path).expect("the known file"), known);
}

#[test]
fn a_check_does_not_count_what_is_ignored() {
    let Some(runtimes) = both() else { return };
    let scene = Scene::new();
    scene.write(
        "bundle/config.json",
        r#"{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "hooks": {"poststart": [{"path": "/x", "env": ["A=1"]}]},
            "process": {"user": {"uid": 0, "gid": 0}, "args": ["/a"], "cwd": "/", "env": ["PATH=/bin"]},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
            "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network"}]}}"#,
    );
    let rootfs = scene.path().join("bundle/rootfs");
    for folder in ["etc", "dev", "proc"] {
        fs::create_dir_all(rootfs.join(folder)).expect("a rootfs");
    }
    program::put(&rootfs.join("a"), &program::elf(program::NATIVE));
    let check = |more: &[&str]| {
        let args = [
            "check",
            "--from",
            &runtimes[1],
            "--to",
            &runtimes[3],
            "--bundle",
            "bundle",
            "--format",
            "json",
        ];
        let ran = scene.run(&[&args[..], more].concat());
        let report = serde_json::from_str::<CheckReport>(&ran.stdout).expect("a report");
        ran.leaves_nothing();
        (ran.status, report)
    };
    let (status, plain) = check(&[]);
    let of = |report: &CheckReport| report.shapes[0].findings.clone();
    let ids: BTreeSet<String> = of(&plain)
        .iter()
        .filter_map(|one| Some(one.id.as_ref()?.to_string()))
        .collect();
    assert!(
        status == Some(1) && ids.contains("runc/poststart-in-create"),
        "{plain:#?}"
    );
    let entries: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "2999-12-31")).collect();
    scene.write("ignore.yaml", ignoring(&entries));
    let (status, told) = check(&["--ignore", "ignore.yaml", "--out", "events"]);
    let left: Vec<_> = of(&told)
        .into_iter()
        .filter(|one| one.ignored.is_none())
        .collect();
    assert!(left.iter().all(|one| one.id.is_none()), "{left:#?}");
    assert_eq!(of(&told).len(), of(&plain).len(), "all are told");
    let risky = left.iter().any(|one| one.impact > Impact::Cosmetic);
    assert_eq!(status, Some(i32::from(risky)), "{left:#?}");
    let text = scene.run(&["report", "events"]);
    let words = "ignored: runc/poststart-in-create until 2999-12-31 (it is cured): ";
    assert!(text.ends_with(0).stdout.contains(words), "{}", text.stdout);
    scene.write(
        "ignore.yaml",
        ignoring(
            &entries
                .iter()
                .map(|(id, _)| (*id, "2020-01-01"))
                .collect::<Vec<_>>(),
        ),
    );
    let (status, told) = check(&["--ignore", "ignore.yaml"]);
    assert!(status == Some(1) && of(&told).iter().all(|one| one.ignored.is_none()));
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let scene = Scene::new();
    let schema = scene.run(&["schema", "ignore"]);
    let schema: serde_json::Value = serde_json::from_str(&schema.ends_with(0).stdout).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for (text, good) in [
        (ignoring(&[("runc/enosys-stub", "2999-12-31")]), true),
        ("[]".to_owned(), true),
        (
            "- {finding: runc/enosys-stub, until: 2999-12-31}".to_owned(),
            false,
        ),
        (
            "- {finding: runc/enosys-stub, reason: r, until: 2999-12-31, x: 1}".to_owned(),
            false,
        ),
        ("{}".to_owned(), false),
    ] {
        let value: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
        assert_eq!(validator.is_valid(&value), good, "{text}");
    }
}
