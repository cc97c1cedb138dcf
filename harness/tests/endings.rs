//! How each command ends where what it says cannot be written, or it is told to end: with the documented status, soon,
//! and with nothing left behind.

#[path = "support/endings.rs"]
mod endings;
#[path = "support/needs.rs"]
mod needs;
#[expect(dead_code, reason = "which fact differs is not looked at here")]
#[path = "support/story.rs"]
mod story;
#[expect(dead_code, reason = "runs are waited for here in another way")]
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use endings::{full, head, start, start_with, unread};
use nix::sys::signal::{Signal, kill};
use story::{STORY, both};
use support::Scene;

/// A case that takes a while and ends with its whole cell.
const SLOW: &str = "{summary: it, config: {process: {args: [/bin/probe, sleep, '0.2']}}}";
/// What a config of somebody's has.
const SECRET: &str = "hunter2-correct-horse";

/// A corpus of one difference and some slow cases, a bundle, and events of a run.
fn scene() -> Option<(Scene, [String; 4])> {
    let runtimes = both()?;
    let scene = Scene::new();
    scene.write("cases/some/story.yaml", STORY);
    for index in 0..20 {
        scene.write(&format!("cases/slow/case-{index}.yaml"), SLOW);
    }
    let repro = [
        "repro",
        "some/story",
        "--cases",
        "cases",
        "--output",
        "bundle",
        "--runtime",
        &runtimes[1],
    ];
    scene.run(&repro).ends_with(0);
    let bundle = scene.path().join("bundle");
    let text = fs::read_to_string(bundle.join("main.json")).expect("a config");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    config["process"]["args"] = serde_json::json!(["/bin/probe", "facts", "env"]);
    config["process"]["env"] = serde_json::json!([format!("TOKEN={SECRET}"), "PATH=/bin"]);
    fs::write(bundle.join("config.json"), config.to_string()).expect("a config");
    let events = [
        &["run", "some/story", "--cases", "cases", "--json", "events"][..],
        &words(&runtimes),
    ]
    .concat();
    scene.run(&events).ends_with(1);
    Some((scene, runtimes))
}

fn words(runtimes: &[String; 4]) -> Vec<&str> {
    runtimes.iter().map(String::as_str).collect()
}

/// Every command, what it ends with where all is well, and whether it makes something on the machine.
fn commands<'a>(runtimes: &'a [String; 4]) -> Vec<(Vec<&'a str>, i32, bool)> {
    let with = |args: &[&'static str]| -> Vec<&'a str> {
        args.iter()
            .copied()
            .chain(runtimes.iter().map(String::as_str))
            .collect()
    };
    let to = runtimes[3].as_str();
    let from = runtimes[1].as_str();
    vec![
        (with(&["run", "some", "--cases", "cases"]), 1, true),
        (with(&["run", "--bundle", "bundle"]), 1, true),
        (with(&["explain", "some/story", "--cases", "cases"]), 1, true),
        (with(&["show", "some/story", "--cases", "cases"]), 0, true),
        (with(&["control", "some/story", "--cases", "cases"]), 0, true),
        (with(&["seccomp", "docker-20.10.24"]), 1, true),
        (
            vec!["check", "--from", from, "--to", to, "--bundle", "bundle"],
            1,
            true,
        ),
        (
            vec![
                "check", "--from", from, "--to", to, "--bundle", "bundle", "--out", "-",
            ],
            1,
            true,
        ),
        (vec!["capture", "--bundle", "bundle"], 0, true),
        (vec!["list", "--cases", "cases"], 0, false),
        (vec!["schema", "case"], 0, false),
        (vec!["report", "events"], 0, false),
        (vec!["report", "events", "--format", "junit"], 0, false),
        (vec!["runtimes"], 0, false),
        (vec!["clean"], 0, false),
        (
            vec![
                "check",
                "--kubernetes",
                "--to",
                "crun",
                "--nodes",
                "3",
                "--job-image",
                "x/y:1",
            ],
            0,
            false,
        ),
        (vec!["--help"], 0, false),
        (vec!["run", "--help"], 0, false),
        (vec!["--version"], 0, false),
    ]
}

/// `accept` and `repro` change what they find: each run has its own.
fn changing<'a>(runtimes: &'a [String; 4], index: usize) -> [(Vec<&'a str>, i32); 2] {
    let folder: &'static str = format!("repro-{index}").leak();
    let accept = ["accept", "some/story", "--cases", "cases"];
    [
        (
            accept
                .into_iter()
                .chain(runtimes.iter().map(String::as_str))
                .collect(),
            0,
        ),
        (
            vec![
                "repro",
                "some/story",
                "--cases",
                "cases",
                "--output",
                folder,
                "--runtime",
                &runtimes[1],
            ],
            0,
        ),
    ]
}

fn forget_accepted(scene: &Scene) {
    let _ = fs::remove_file(scene.path().join("cases/some/story.known.yaml"));
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let Some((scene, runtimes)) = scene() else { return };
    let all = commands(&runtimes).into_iter().map(|(args, ..)| args);
    for args in all.chain(changing(&runtimes, 0).map(|(args, _)| args)) {
        let ended = start(&mut scene.command(&args), full(), scene.path()).wait();
        let what = args.join(" ");
        ended
            .with(&what, &[3])
            .says(&what, "failed to write to stdout: No space left on device");
    }
    assert!(
        scene.path().join("cases/some/story.known.yaml").exists(),
        "what was accepted is written all the same"
    );
}

#[test]
fn a_reader_that_goes_away_is_not_told_so() {
    let Some((scene, runtimes)) = scene() else { return };
    let all = commands(&runtimes)
        .into_iter()
        .map(|(args, status, _)| (args, status));
    for (args, status) in all.chain(changing(&runtimes, 1)) {
        let what = args.join(" ");
        // They end before all was run: what the rest would have shown is not known.
        let is_cut = matches!(args[0], "run" | "control") && args[1] != "--help";
        let status = if is_cut { 3 } else { status };
        let ended = start(&mut scene.command(&args), unread(), scene.path()).wait();
        ended.with(&what, &[status]);
        assert!(
            !ended.stderr.contains("failed to write"),
            "{what}: {}",
            ended.stderr
        );
        forget_accepted(&scene);
        let _ = fs::remove_dir_all(scene.path().join("repro-1"));
        let nowhere = scene.path().join("nowhere");
        let ended = start_with(&mut scene.command(&args), unread(), unread(), nowhere).wait();
        ended.with(&what, &[status]);
        forget_accepted(&scene);
    }
}

/// The shell's `>&- 2>&-`: as if it were /dev/null.
#[test]
fn streams_that_are_closed_change_nothing() {
    let Some((scene, runtimes)) = scene() else { return };
    let all = commands(&runtimes)
        .into_iter()
        .map(|(args, status, _)| (args, status));
    for (args, status) in all.chain(changing(&runtimes, 2)) {
        for closed in [">&-", "2>&-", "<&- >&- 2>&-"] {
            let mut command = Command::new("/bin/sh");
            let plain = scene.command(&args);
            command
                .args(["-c", &format!("exec \"$@\" {closed}"), "sh"])
                .arg(plain.get_program())
                .args(&args);
            command
                .current_dir(scene.path())
                .env("OCIDIFF_HOME", scene.path().join("home"));
            let what = format!("{} {closed}", args.join(" "));
            start(&mut command, Stdio::null(), scene.path())
                .wait()
                .with(&what, &[status]);
            forget_accepted(&scene);
            let _ = fs::remove_dir_all(scene.path().join("repro-2"));
        }
    }
}

/// `2>&1 | head -3`, and each line of progress after that fails too.
#[test]
fn a_run_ends_with_its_reader() {
    let Some((scene, runtimes)) = scene() else { return };
    for (patterns, jobs, statuses) in [
        (&["slow"][..], "1", &[3][..]),
        // The story comes first, or it does not.
        (&["some", "slow"], "1", &[1, 3]),
        (&["slow"], "8", &[3]),
    ] {
        let args = [
            &["run", "--cases", "cases", "--jobs", jobs],
            patterns,
            &words(&runtimes),
        ]
        .concat();
        let (writer, reader) = head(3);
        let stderr = writer.try_clone().expect("a second end");
        let running = start_with(
            &mut scene.command(&args),
            writer,
            stderr,
            scene.path().join("nowhere"),
        );
        reader.join().expect("the reader");
        let ended = running.wait();
        ended.with(&args.join(" "), statuses);
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
    }
}

/// A disk of 64 KiB, seen by the program only; `DISK` in the arguments is its place.
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
    // The events of the run are more than 64 KiB.
    let many: String = (0..400)
        .map(|index| format!("# {index} {}\n", "x".repeat(200)))
        .collect();
    scene.write(
        "cases/some/story.yaml",
        format!("{STORY}files: {{/x: {{text: {}}}}}\n{many}", "y".repeat(100)),
    );
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
        let line = fs::read_to_string(scene.path().join("events")).expect("events");
        let (head, rest) = line.split_once('\n').expect("lines");
        let (case, end) = rest.trim_end().rsplit_once('\n').expect("lines");
        fs::write(
            scene.path().join("large"),
            format!("{head}\n{}{end}\n", format!("{case}\n").repeat(60)),
        )
        .expect("events");
        let what = args.join(" ");
        let ended = start(&mut on_small_disk(&scene, &args), Stdio::null(), scene.path()).wait();
        ended.with(&what, &[3]).says(&what, "No space left on device");
    }
}

/// What was recorded before the disk was full is there, by a name that says that it is a part.
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
    // Most of the disk is taken.
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

fn wait_for(path: &Path) {
    for _ in 0..6000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} did not come", path.display());
}

/// What lies in the way of a file is neither written to nor followed.
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

/// Others may not read what was found, unless the file was there and says so.
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

    // Unless one asks for them.
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

#[test]
fn a_signal_ends_each_command_at_any_moment() {
    let Some((scene, runtimes)) = scene() else { return };
    let makes = commands(&runtimes).into_iter().filter(|(_, _, makes)| *makes);
    for (args, status, _) in makes {
        for (millis, signal) in [
            (5, Signal::SIGTERM),
            (60, Signal::SIGINT),
            (150, Signal::SIGTERM),
            (300, Signal::SIGHUP),
        ] {
            let what = format!("{} {signal} after {millis} ms", args.join(" "));
            let running = start(&mut scene.command(&args), Stdio::null(), scene.path());
            std::thread::sleep(Duration::from_millis(millis));
            kill(running.pid(), signal).expect("a signal");
            let ended = running.wait();
            // Before the program has begun it is the signal's own end.
            match ended.status {
                None => assert!(millis < 50, "{what}: {ended:?}"),
                Some(_) => _ = ended.with(&what, &[status, 3]),
            }
            assert!(ended.took < Duration::from_secs(10), "{what}: {ended:?}");
        }
    }
}

/// The first one is heard in the middle of the run, the second one while it cleans up.
#[test]
fn a_second_signal_ends_it_at_once() {
    let Some((scene, runtimes)) = scene() else { return };
    let args = [
        &["run", "slow", "--cases", "cases", "--json", "again"][..],
        &words(&runtimes),
    ]
    .concat();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let running = start(&mut scene.command(&args), Stdio::null(), scene.path());
        wait_for(&scene.path().join("again.part"));
        std::thread::sleep(Duration::from_millis(100));
        let pid = running.pid();
        kill(pid, signal).expect("a signal");
        std::thread::sleep(Duration::from_millis(1));
        // It may have ended by then.
        let _ = kill(pid, signal);
        let name = support::traces::name_of(pid.as_raw().cast_unsigned());
        let ended = running.wait();
        assert_eq!(ended.status, Some(3), "{ended:?}");
        assert!(ended.took < Duration::from_secs(2), "{ended:?}");
        scene.run(&["clean"]).ends_with(0);
        assert!(support::traces::left_by(&name).is_empty());
        let _ = fs::remove_file(scene.path().join("again.part"));
    }
}

/// Both ends of a terminal. No other program may inherit the first, or it stays open.
fn terminal() -> (nix::pty::PtyMaster, fs::File) {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = nix::pty::posix_openpt(flags).expect("a terminal");
    nix::pty::grantpt(&master).expect("grant it");
    nix::pty::unlockpt(&master).expect("unlock it");
    let name = nix::pty::ptsname_r(&master).expect("its name");
    let slave = fs::File::options()
        .read(true)
        .write(true)
        .open(name)
        .expect("its other end");
    (master, slave)
}

/// One who reads nothing, and does not go away: what is found is cleaned up behind before it is told.
#[test]
fn a_reader_that_does_not_read() {
    let Some((scene, runtimes)) = scene() else { return };
    let run = [&["run", "some", "--cases", "cases"][..], &words(&runtimes)].concat();
    for args in [vec!["list"], vec!["schema", "case"], run] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        // Full, but for what the head of a run needs.
        let room = if args[0] == "run" { 400 } else { 0 };
        let taken = vec![b'x'; 65536 - room];
        std::io::Write::write_all(&mut writer, &taken).expect("fill the pipe");
        let running = start(&mut scene.command(&args), writer, scene.path());
        std::thread::sleep(Duration::from_secs(3));
        kill(running.pid(), Signal::SIGTERM).expect("a signal");
        let ended = running.wait();
        ended.with(&args.join(" "), &[3]);
        assert!(ended.took < Duration::from_secs(2), "{ended:?}");
        drop(reader);
    }
}

/// The window is closed: SIGHUP, and nothing can be written any more.
#[test]
fn a_terminal_that_is_closed() {
    let Some((scene, runtimes)) = scene() else { return };
    let slow = [&["run", "slow", "--cases", "cases"][..], &words(&runtimes)].concat();
    let control = [&["control", "slow", "--cases", "cases"][..], &words(&runtimes)].concat();
    for args in [slow, control] {
        let (master, slave) = terminal();
        let plain = scene.command(&args);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(plain.get_program()).args(&args);
        command
            .current_dir(scene.path())
            .env("OCIDIFF_HOME", scene.path().join("home"));
        command.stdin(slave.try_clone().expect("stdin"));
        let stderr = slave.try_clone().expect("stderr");
        let running = start_with(&mut command, slave, stderr, scene.path().join("nowhere"));
        // The test must not keep the terminal open.
        drop(command);
        std::thread::sleep(Duration::from_millis(700));
        drop(master);
        let ended = running.wait();
        ended.with(&args.join(" "), &[3]);
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
    }
}

/// What a workload prints and a bundle holds is somebody else's.
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
        with(&["explain", "some/odd", "--cases", "cases"]),
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
        vec!["report", "events", "--format", "junit"],
    ] {
        obeys_nothing(&args, &scene.run(&args));
    }
}

#[track_caller]
fn obeys_nothing(args: &[&str], ran: &support::Ran) {
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let obeyed = text
            .chars()
            .find(|letter| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}');
        assert_eq!(obeyed, None, "{args:?} {name}: {text:?}");
    }
    assert!(ran.stderr.len() + ran.stdout.len() > 10, "{args:?} says nothing");
}

/// Whatever the terminal would obey is shown as text, on stderr too.
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
