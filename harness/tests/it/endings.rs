//! How each command ends if its output cannot be written, or if it is told to end: with the documented status, soon,
//! and leaving nothing behind.

use crate::support;
use crate::support::{corpus, endings};

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use corpus::{scene, words};
use endings::{full, head, start, start_with, unread, wait_for};
use nix::sys::signal::{Signal, kill};
use support::Scene;

/// Every command, with its exit status when all is well, and whether it makes something on the machine.
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
        (
            with(&["explain", "--run", "some/story", "--cases", "cases"]),
            1,
            true,
        ),
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

/// `accept` and `repro` change what they find: each run has its own files.
fn changing(runtimes: &[String; 4], index: usize) -> [(Vec<&str>, i32); 2] {
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
    corpus::write_known(scene);
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
        // They end before everything was run: what the rest would have shown is not known.
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

/// The shell's `>&- 2>&-`: as if they were /dev/null.
#[test]
fn streams_that_are_closed_change_nothing() {
    let Some((scene, runtimes)) = scene() else { return };
    let all = commands(&runtimes)
        .into_iter()
        .map(|(args, status, _)| (args, status));
    for (args, status) in all.chain(changing(&runtimes, 2)) {
        for closed in ["2>&-", "<&- >&- 2>&-"] {
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

/// `2>&1 | head -3`, after which each line of progress fails too.
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

#[test]
fn a_signal_ends_each_command_at_any_moment() {
    let Some((scene, runtimes)) = scene() else { return };
    let makes = commands(&runtimes).into_iter().filter(|(_, _, makes)| *makes);
    for (args, status, _) in makes {
        for (millis, signal) in [
            (0, Signal::SIGTERM),
            (60, Signal::SIGINT),
            (150, Signal::SIGTERM),
            (300, Signal::SIGHUP),
        ] {
            let what = format!("{} {signal} after {millis} ms", args.join(" "));
            let running = start(&mut scene.command(&args), Stdio::null(), scene.path());
            running.wait_until_it_listens();
            std::thread::sleep(Duration::from_millis(millis));
            kill(running.pid(), signal).expect("a signal");
            let ended = running.wait();
            ended.with(&what, &[status, 3]);
            assert!(ended.took < Duration::from_secs(10), "{what}: {ended:?}");
        }
    }
}

/// The first signal arrives in the middle of the run, the second while it cleans up.
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
        let name = support::traces::name_of(pid.as_raw().cast_unsigned());
        // Two signals that come before the first is handled count as one.
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(10));
            // It may have ended by then.
            let _ = kill(pid, signal);
        }
        let ended = running.wait();
        assert_eq!(ended.status, Some(3), "{ended:?}");
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
        scene.run(&["clean"]).ends_with(0);
        assert!(support::traces::left_by(&name).is_empty());
        let _ = fs::remove_file(scene.path().join("again.part"));
    }
}

/// A reader that reads nothing, and does not go away: everything is cleaned up before the results are reported.
#[test]
fn a_reader_that_does_not_read() {
    let Some((scene, runtimes)) = scene() else { return };
    let run = [&["run", "some", "--cases", "cases"][..], &words(&runtimes)].concat();
    for args in [vec!["list"], vec!["schema", "case"], run] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        // Full, except for what the head of a run needs.
        let room = if args[0] == "run" { 400 } else { 0 };
        let taken = vec![b'x'; 65536 - room];
        std::io::Write::write_all(&mut writer, &taken).expect("fill the pipe");
        let running = start(&mut scene.command(&args), writer, scene.path());
        // Longer than it needs to finish printing.
        running.wait_until_it_listens();
        std::thread::sleep(Duration::from_secs(3));
        kill(running.pid(), Signal::SIGTERM).expect("a signal");
        let ended = running.wait();
        ended.with(&args.join(" "), &[3]);
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
        drop(reader);
    }
}

/// Both ends of a terminal. Other programs must not inherit the first, or it stays open.
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

/// The window is closed: SIGHUP, and nothing can be written any more.
#[test]
fn a_terminal_that_is_closed() {
    let Some((scene, runtimes)) = scene() else { return };
    let long = [&["run", "slow", "--cases", "cases"][..], &words(&runtimes)].concat();
    let longer = [&["control", "slow", "--cases", "cases"][..], &words(&runtimes)].concat();
    let makes = commands(&runtimes).into_iter().filter(|(_, _, makes)| *makes);
    // The others may have finished by then.
    let all = makes.map(|(args, status, _)| (args, 100, vec![status, 3]));
    for (args, millis, statuses) in all.chain([(long, 700, vec![3]), (longer, 700, vec![3])]) {
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
        running.wait_until_it_listens();
        std::thread::sleep(Duration::from_millis(millis));
        drop(master);
        let ended = running.wait();
        ended.with(&args.join(" "), &statuses);
        assert!(ended.took < Duration::from_secs(10), "{ended:?}");
    }
}
