//! Files that commands write: completely or not at all, from one run, where they were asked for, and not readable
//! by others.

use crate::support;
use crate::support::{corpus, endings};

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::{Command, Stdio};

use corpus::{SECRET, scene, words};
use endings::{start, wait_for};
use support::Scene;
use support::events::with_cases;

/// A disk of 64 KiB at `disk`, visible only to the program.
fn on_small_disk(scene: &Scene, args: &[&str]) -> Command {
    let disk = scene.path().join("disk");
    fs::create_dir_all(&disk).expect("a folder");
    let plain = scene.command(args);
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=64k,mode=700 tmpfs \"$0\" && exec \"$@\"";
    command
        .args(["-m", "sh", "-c", script])
        .arg(&disk)
        .arg(plain.get_program())
        .args(args);
    command
        .current_dir(scene.path())
        .env("OCIDIFF_HOME", scene.path().join("home"));
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let Some((scene, runtimes)) = scene() else { return };
    let (from, to) = (runtimes[1].as_str(), runtimes[3].as_str());
    let with = |args: &[&'static str]| [args, &words(&runtimes)].concat();
    let large = {
        let events = fs::read_to_string(scene.path().join("events")).expect("events");
        let lines: Vec<String> = events.lines().map(str::to_owned).collect();
        with_cases([&lines[..1], &vec![lines[1].clone(); 60], &lines[2..]].concat())
    };
    scene.write("large", large);
    let check = ["check", "--from", from, "--to", to, "--bundle", "bundle", "--out"];
    for args in [
        with(&["run", "--cases", "cases", "--json", "/dev/full"]),
        with(&["run", "--cases", "cases", "--records", "disk/records"]),
        [&check[..], &["/dev/full"]].concat(),
        vec!["report", "events", "--output", "/dev/full"],
        vec!["report", "large", "--format", "json", "--output", "disk/out"],
        vec![
            "repro",
            "some/story",
            "--cases",
            "cases",
            "--output",
            "disk/repro",
            "--runtime",
            from,
        ],
    ] {
        let what = args.join(" ");
        let ended = start(&mut on_small_disk(&scene, &args), Stdio::null(), scene.path()).wait();
        ended.with(&what, &[3]).says(&what, "No space left on device");
    }
}

/// What was recorded before the disk was full is there, under a name that says that it is a part.
#[test]
fn half_of_the_events_are_not_the_events() {
    let Some((scene, runtimes)) = scene() else { return };
    let disk = scene.path().join("disk");
    fs::create_dir_all(&disk).expect("a folder");
    let args = [
        &["run", "--cases", "cases", "--json", "disk/events"][..],
        &words(&runtimes),
    ]
    .concat();
    // Most of the disk is used up.
    let script = "mount -t tmpfs -o size=64k tmpfs disk && head -c 60000 /dev/zero >disk/taken; \"$@\"; status=$?; \
                  cp disk/events* out/; exit $status";
    fs::create_dir_all(scene.path().join("out")).expect("a folder");
    let plain = scene.command(&args);
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(plain.get_program())
        .args(&args);
    command
        .current_dir(scene.path())
        .env("OCIDIFF_HOME", scene.path().join("home"));
    let ended = start(&mut command, Stdio::null(), scene.path()).wait();
    ended.with("a run on a disk that is nearly full", &[3]);
    ended.says(
        "it",
        "disk/events.part, which holds what came before: No space left on device",
    );
    assert!(
        !scene.path().join("out/events").exists(),
        "the part has its own name"
    );
    let part = fs::read_to_string(scene.path().join("out/events.part")).expect("the part");
    assert!(part.ends_with('\n') && part.contains("run-started"), "{part}");
}

#[test]
fn two_runs_do_not_write_one_file() {
    let Some((scene, runtimes)) = scene() else { return };
    let slow =
        |more: &[&'static str]| [&["run", "slow", "--cases", "cases"], more, &words(&runtimes)].concat();
    for (option, path) in [("--json", "both"), ("--records", "folder")] {
        let args = slow(&[option, path]);
        let first = start(&mut scene.command(&args), Stdio::null(), scene.path());
        let there = if option == "--json" {
            "both.part"
        } else {
            "folder/slow"
        };
        wait_for(&scene.path().join(there));
        let second = start(&mut scene.command(&args), Stdio::null(), scene.path()).wait();
        let holder = format!("process {} is writing to it", first.pid());
        second
            .with(&args.join(" "), &[2])
            .says(path, &holder)
            .says(path, path);
        first.wait().with(&args.join(" "), &[0]);
    }
    let events = fs::read_to_string(scene.path().join("both")).expect("events");
    assert_eq!(events.lines().count(), 22, "a start, 20 cases, an end");
}

/// What is in the way of a file is neither written to nor followed.
#[test]
fn no_link_is_followed_to_another_file() {
    let Some((scene, runtimes)) = scene() else { return };
    let canary = scene.write("canary", "as it was");
    symlink(&canary, scene.path().join("linked.part")).expect("a link");
    let story =
        |more: &[&'static str]| [&["run", "some", "--cases", "cases"], more, &words(&runtimes)].concat();
    let args = story(&["--json", "linked"]);
    let ended = start(&mut scene.command(&args), Stdio::null(), scene.path()).wait();
    ended
        .with("a link for a part", &[2])
        .says("it", "linked.part is a link, which is not followed; remove it");

    fs::create_dir_all(scene.path().join("records/some/story")).expect("folders");
    fs::create_dir_all(scene.path().join("elsewhere")).expect("a folder");
    symlink(&canary, scene.path().join("records/some/story/runc.json")).expect("a link");
    let args = story(&["--records", "records"]);
    start(&mut scene.command(&args), Stdio::null(), scene.path())
        .wait()
        .with("a link for a record", &[1]);
    assert!(!scene.path().join("records/some/story/runc.json").is_symlink());
    fs::remove_dir_all(scene.path().join("records/some")).expect("remove them");
    symlink(scene.path().join("elsewhere"), scene.path().join("records/some")).expect("a link");
    let ended = start(&mut scene.command(&args), Stdio::null(), scene.path()).wait();
    ended
        .with("a link for a folder of records", &[3])
        .says("it", "records/some/story");
    assert_eq!(
        fs::read_dir(scene.path().join("elsewhere"))
            .expect("a folder")
            .count(),
        0
    );
    assert_eq!(fs::read_to_string(&canary).expect("the canary"), "as it was");
}

/// Others must not be able to read what was found, unless the file existed and its mode allows it.
#[test]
fn files_are_ours_only_and_have_no_values_of_the_environment() {
    let Some((scene, runtimes)) = scene() else { return };
    let mode = |name: &str| fs::metadata(scene.path().join(name)).expect(name).mode() & 0o777;
    let bundle = [
        "run",
        "--bundle",
        "bundle",
        "--json",
        "found",
        "--records",
        "records",
    ];
    let args = [&bundle[..], &words(&runtimes)].concat();
    scene.write("shared", "");
    for _ in 0..2 {
        start(&mut scene.command(&args), Stdio::null(), scene.path())
            .wait()
            .with("run --bundle", &[0, 1]);
    }
    for format in ["terminal", "markdown", "junit", "json"] {
        for out in ["report", "shared"] {
            scene
                .run(&["report", "found", "--format", format, "--output", out])
                .ends_with(0);
            let text = fs::read_to_string(scene.path().join(out)).expect("a report");
            assert!(!text.contains(SECRET), "{format}:\n{text}");
        }
    }
    let to = [
        "check",
        "--from",
        &runtimes[1],
        "--to",
        &runtimes[3],
        "--bundle",
        "bundle",
        "--out",
        "checked",
    ];
    start(&mut scene.command(&to), Stdio::null(), scene.path())
        .wait()
        .with("check", &[0, 1]);
    let record = "records/bundle/bundle/runc.json";
    assert_eq!(
        (mode("found"), mode("report"), mode("checked"), mode(record)),
        (0o600, 0o600, 0o600, 0o600)
    );
    assert_eq!(mode("shared"), 0o644, "what was there keeps its mode");
    let texts = ["found", "checked", record, "records/bundle/bundle/crun.json"];
    for name in texts {
        let text = fs::read_to_string(scene.path().join(name)).expect(name);
        assert!(!text.contains(SECRET), "{name}:\n{text}");
    }
    let text = fs::read_to_string(scene.path().join(record)).expect("a record");
    assert!(text.contains("TOKEN="), "the name is there:\n{text}");

    // Unless they are asked for.
    let shown = [&args[..], &["--show-env"]].concat();
    start(&mut scene.command(&shown), Stdio::null(), scene.path())
        .wait()
        .with("--show-env", &[0, 1]);
    let text = fs::read_to_string(scene.path().join(record)).expect("a record");
    assert!(text.contains(&format!("TOKEN={SECRET}")), "{text}");
    scene
        .run(&["run", "some", "--cases", "cases", "--show-env"])
        .ends_with(2);
}
