//! Where a behaviour changed: among versions, and among the commits of a checkout, using the answer of `repro`'s
//! script.

use crate::support;
use crate::support::needs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Output, Ran, Scene};

/// crun 1.8.1 accepts a config that crun 1.21 refuses, as it should.
const CASE: &str = "process/scheduler-invalid[deadline-without-times]";
const FINDING: &str = "crun/no-scheduler";

fn cruns() -> Option<[String; 2]> {
    let paths = [needs::runtime("crun")?, needs::runtime("crun@1.21")?];
    Some(paths.map(|path| path.display().to_string()))
}

#[test]
fn the_pair_of_versions_is_found_and_held_against_the_range() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let [old, new] = [old, new].map(|path| format!("crun={path}"));
    for (what, repeat, turned) in [(CASE, "1", "changed"), (FINDING, "2", "went")] {
        let args = [
            "bisect",
            what,
            "--runtime",
            &new,
            "--runtime",
            &old,
            "--repeat",
            repeat,
        ];
        let ran = scene.run(&args);
        let text = &ran.ends_with(0).stdout;
        for says in [
            &format!("{turned} between crun@1.8.1 and crun@1.21"),
            "lifecycle.create.result  ok -> error",
            FINDING,
            "its range says so",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }
    let same = scene.run(&[
        "bisect",
        "process/umask[077]",
        "--runtime",
        &new,
        "--runtime",
        &old,
        "--repeat",
        "1",
    ]);
    assert!(same.ends_with(1).stdout.contains("no change between"), "{same:?}");
}

/// A user's own case, about which nothing is known: the range for its finding is proposed.
#[test]
fn a_range_is_proposed_where_no_finding_says_why() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    scene.write(
        "cases/my/case.yaml",
        "summary: it\nconfig: {process: {args: [/bin/probe, facts, sched]}}\n",
    );
    // As if the later version were nicer.
    let new = scene
        .program("new", &format!("#!/bin/sh\nexec nice -n 5 {new} \"$@\"\n"))
        .display()
        .to_string();
    let [old, new] = [old, new].map(|path| format!("crun={path}"));
    let args = [
        "bisect",
        "my/case",
        "--cases",
        "cases",
        "--runtime",
        &old,
        "--runtime",
        &new,
        "--repeat",
        "1",
    ];
    let ran = scene.run(&args);
    let text = &ran.ends_with(0).stdout;
    for says in [
        "proc.sched.nice  0 -> 5",
        "no finding accounts",
        "seen: \"<=1.8.1\"",
        "seen: \">=1.21\"",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    // A case that the harness cannot run shows nothing.
    scene.write(
        "cases/my/case.yaml",
        "summary: it\ninvalid: [process.args]\nconfig: {process: {args: [/no/such/program]}}\n",
    );
    assert!(scene.run(&args).ends_with(3).stderr.contains("cannot tell"));
}

#[test]
fn what_cannot_be_searched_is_said() {
    let Some([old, _]) = cruns() else { return };
    let scene = Scene::new();
    let old = format!("crun={old}");
    for (args, says) in [
        (vec!["bisect", CASE], "which runtime?"),
        (vec!["bisect", CASE, "--runtime", &old], "two versions"),
        (
            vec!["bisect", CASE, "--runtime", &old, "--runtime", "runc"],
            "several runtimes",
        ),
        (
            vec!["bisect", "process/umask", "--runtime", &old],
            "name one of them",
        ),
        (
            vec!["bisect", "crun/no-schedulr", "--runtime", &old],
            "did you mean",
        ),
        (vec!["bisect", CASE, "--runtime", &old, "--git", "."], "--build"),
        (
            vec![
                "bisect",
                CASE,
                "--runtime",
                &old,
                "--git",
                ".",
                "--build",
                "make",
                "--old",
                "a",
                "--new",
                "--b",
            ],
            "",
        ),
    ] {
        let ran = scene.run(&args);
        assert!(ran.ends_with(2).stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}

fn script(scene: &Scene, folder: &Path, runtime: &str) -> Ran {
    let mut command = Command::new(folder.join("repro.sh"));
    command.arg(runtime).stdin(Stdio::null()).current_dir(folder);
    let output = Output::new(scene.path());
    let child = output.spawn(&mut command);
    output.wait(child, Duration::from_secs(100))
}

#[test]
fn the_script_of_repro_answers() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let runtime = format!("crun={new}");
    scene
        .run(&["repro", CASE, "--runtime", &runtime, "--output", "repro"])
        .ends_with(0);
    let folder = scene.path().join("repro");
    let broken = scene
        .program("broken", "#!/bin/sh\nexit 3\n")
        .display()
        .to_string();
    for (program, status, says) in [
        (new.as_str(), 0, "as expected: lifecycle.create.result is error"),
        (
            &old,
            1,
            "DIFFERS: lifecycle.create.result should be error, and is ok",
        ),
        (&broken, 125, "cannot tell"),
        ("/no/such/program", 125, "cannot tell"),
    ] {
        let ran = script(&scene, &folder, program);
        assert!(ran.ends_with(status).stdout.contains(says), "{program}: {ran:?}");
    }
    // It can also judge how a container's process ended.
    scene.write(
        "cases/my/exit.yaml",
        "summary: it\nconfig: {process: {args: [/bin/probe, exit, '7']}}\nexpect: {process.exit: 7}\n",
    );
    scene
        .run(&[
            "repro",
            "my/exit",
            "--cases",
            "cases",
            "--runtime",
            &runtime,
            "--output",
            "exit",
        ])
        .ends_with(0);
    let ran = script(&scene, &scene.path().join("exit"), &new);
    assert!(
        ran.ends_with(0).stdout.contains("as expected: process.exit is 7"),
        "{ran:?}"
    );
}

/// A repository with a commit and a tag for each program, `t0` being the first; and how to call git there.
fn repository(scene: &Scene, programs: &[&str]) -> (PathBuf, impl Fn(&[&str]) -> String + use<>) {
    let checkout = scene.path().join("checkout");
    fs::create_dir(&checkout).expect("a folder");
    let folder = checkout.clone();
    let git = move |args: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&folder)
            .args(["-c", "user.name=n", "-c", "user.email=e@example.org"]);
        let done = command.args(args).output().expect("git");
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"]);
    for (at, program) in programs.iter().enumerate() {
        fs::write(checkout.join("program"), format!("{program}\n")).expect("a file");
        fs::write(checkout.join("number"), format!("{at}\n")).expect("a file");
        git(&["add", "-A"]);
        git(&["commit", "-q", "-m", &format!("change {at}")]);
        git(&["tag", &format!("t{at}")]);
    }
    (checkout, git)
}

/// A repository whose build is one of two real runtimes, and in one commit nothing at all.
#[test]
fn the_commit_is_found_in_a_checkout() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let (checkout, git) = repository(&scene, &[&old, &old, "/no/such/program", &old, &new, &new]);
    let runtime = format!("crun={old}");
    let build = "test -x \"$(cat program)\" && ln -sf \"$(cat program)\" crun";
    let bisect = |old: &str, new: &str| {
        let args = [
            "bisect",
            CASE,
            "--runtime",
            &runtime,
            "--git",
            "checkout",
            "--build",
            build,
            "--old",
            old,
            "--new",
            new,
        ];
        scene.run(&args)
    };
    let ran = bisect("t0", "t5");
    assert!(ran.ends_with(0).stdout.contains("change 4"), "{ran:?}");
    assert!(
        ran.stdout
            .replace("\n      ", " ")
            .contains("differs from what is expected; from this commit on it is as expected"),
        "{ran:?}"
    );
    // The checkout is as it was.
    assert_eq!(git(&["symbolic-ref", "--short", "HEAD"]), "main");
    assert!(bisect("t0", "t1").ends_with(2).stderr.contains("answer alike"));
    assert!(bisect("t0", "t9").ends_with(2).stderr.contains("`t9` of --new"));
    assert!(
        bisect("t0", "t2")
            .ends_with(3)
            .stderr
            .contains("failed to get an answer")
    );
    assert_eq!(git(&["symbolic-ref", "--short", "HEAD"]), "main");
    // What the script cannot see is said before anything is built.
    let unseen = [
        "bisect",
        "crun/masked-folders-0555",
        "--runtime",
        &runtime,
        "--git",
        "checkout",
    ];
    let unseen = [&unseen[..], &["--build", "false", "--old", "t0", "--new", "t5"]].concat();
    let unseen = scene.run(&unseen);
    assert!(
        unseen
            .ends_with(2)
            .stderr
            .contains("does not see leftover.caches"),
        "{unseen:?}"
    );
    fs::write(checkout.join("number"), "mine\n").expect("a file");
    assert!(bisect("t0", "t5").ends_with(2).stderr.contains("not committed"));
}

/// The pid of the build, once there is one.
fn building(file: &Path) -> String {
    let started = std::time::Instant::now();
    loop {
        let pid = fs::read_to_string(file).unwrap_or_default();
        if !pid.trim().is_empty() {
            return pid.trim().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "nothing is built");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Killed while something is being built: the next command removes what it had written.
#[test]
fn what_a_killed_search_left_is_removed_by_the_next_command() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let (checkout, _) = repository(&scene, &[&old, &new]);
    let runtime = format!("crun={old}");
    let args = [
        "bisect",
        CASE,
        "--runtime",
        &runtime,
        "--git",
        "checkout",
        "--build",
        "echo $$ >../building; exec sleep 1000",
        "--old",
        "t0",
        "--new",
        "t1",
    ];
    let output = Output::new(scene.path());
    let child = output.spawn(&mut scene.command(&args));
    let left = format!("ocidiff.{}.", child.id());
    let build = building(&checkout.with_file_name("building"));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
    output.wait(child, Duration::from_secs(60));
    let build = build.parse().ok().and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(build.expect("a pid"), rustix::process::Signal::KILL).expect("a signal");
    let folders = || {
        let all = fs::read_dir(std::env::temp_dir()).expect("a folder").flatten();
        let names = all.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(&left)).collect::<Vec<_>>()
    };
    assert_eq!(folders().len(), 1, "{left}");
    // The checkout is still where the killed one left it.
    let mut again = args;
    again[7] = "false";
    scene.run(&again).ends_with(3);
    assert_eq!(folders(), Vec::<String>::new());
}

/// A signal while something is being built: the checkout is put back, and what was started is ended.
#[test]
fn an_interrupted_search_puts_the_checkout_back() {
    let Some([old, new]) = cruns() else { return };
    let scene = Scene::new();
    let (checkout, git) = repository(&scene, &[&old, &new]);
    let runtime = format!("crun={old}");
    let build = "echo $$ >../building; exec sleep 1000";
    let args = [
        "bisect",
        CASE,
        "--runtime",
        &runtime,
        "--git",
        "checkout",
        "--build",
        build,
        "--old",
        "t0",
        "--new",
        "t1",
    ];
    let output = Output::new(scene.path());
    let child = output.spawn(&mut scene.command(&args));
    let builder = building(&checkout.with_file_name("building"));
    let started = std::time::Instant::now();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a signal");
    let ran = output.wait(child, Duration::from_secs(60));
    assert!(ran.ends_with(3).stderr.contains("interrupted"), "{ran:?}");
    assert_eq!(git(&["symbolic-ref", "--short", "HEAD"]), "main");
    // A process that has not been waited for yet does not count any more.
    let is_there = || {
        let status = fs::read_to_string(Path::new("/proc").join(&builder).join("status"));
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    };
    while is_there() {
        assert!(started.elapsed() < Duration::from_secs(90), "the build goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}
