//! What is left when the program is killed, and what it leaves when it is asked to stop: nothing.

use crate::support;
use crate::support::{events, needs, processes};

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use events::Events;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use processes::{Random, kills, processes_of};
use support::traces::{left_by, name_of};
use support::{Output, Scene};

/// `clean` in one test would meet what another has just killed.
static ONE: Mutex<()> = Mutex::new(());

/// A corpus that takes a while, with every kind of thing that can be left behind: processes, mounts, cgroups, folders.
fn scene() -> Option<(Scene, Vec<String>)> {
    let runtimes = [
        ("runc", needs::runtime("runc")?),
        ("crun", needs::runtime("crun")?),
    ];
    let scene = Scene::new();
    for index in 0..40 {
        scene.write(
            &format!("cases/some/case-{index}.yaml"),
            "{summary: it, config: {process: {args: [/bin/probe, fork, '2', then, sleep, '0.05']}}}",
        );
    }
    let runtimes = runtimes.map(|(name, path)| format!("{name}={}", path.display()));
    Some((scene, runtimes.into()))
}

fn start(scene: &Scene, runtimes: &[String], events: &str) -> (Output, Child) {
    let mut args = vec!["run", "--cases", "cases", "--json", events];
    args.extend(runtimes.iter().flat_map(|runtime| ["--runtime", runtime]));
    let output = Output::new(scene.path());
    let child = output.spawn(&mut scene.command(&args));
    (output, child)
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// Waits until the run is under way: it has made its cgroups, and cases have their verdicts.
fn wait_for_verdicts(scene: &Scene, child: &mut Child, events: &str) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        assert!(
            child.try_wait().expect("look at the program").is_none(),
            "it ended by itself"
        );
        if fs::read_to_string(part(scene, events)).is_ok_and(|text| text.lines().count() > 2) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no case has a verdict after 30 s");
}

/// The events while the run is under way: in a temporary file, or where they belong.
fn part(scene: &Scene, events: &str) -> PathBuf {
    let found = fs::read_dir(scene.path())
        .expect("the test's folder")
        .flatten()
        .map(|entry| entry.path());
    let named = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().contains(events))
    };
    found
        .filter(named)
        .max_by_key(|path| fs::metadata(path).map_or(0, |metadata| metadata.len()))
        .unwrap_or_default()
}

#[test]
fn kill_at_any_moment_and_clean() {
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut random = Random::seeded();
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    // Another session, which `clean` must not touch. It is stopped while others are killed, to leave the machine to
    // them.
    let (neighbour_output, mut neighbour) = start(&scene, &runtimes, "neighbour");
    wait_for_verdicts(&scene, &mut neighbour, "neighbour");
    kill(pid_of(&neighbour), Signal::SIGSTOP).expect("stop the neighbour");
    let neighbour_name = name_of(neighbour.id());
    let untouched = left_by(&neighbour_name);
    assert!(!untouched.is_empty(), "the neighbour has cgroups and a folder");

    let mut killed = Vec::new();
    for _ in 0..kills(12) {
        let (_output, mut child) = start(&scene, &runtimes, "killed");
        std::thread::sleep(Duration::from_millis(random.below(600)));
        kill(pid_of(&child), Signal::SIGKILL).expect("kill it");
        killed.push(name_of(child.id()));
        child.wait().expect("wait for it");
        // Now and then, so that it also meets what is left of several runs at once.
        if random.below(5) == 0 {
            scene.run(&["clean"]).ends_with(0);
        }
    }
    scene.run(&["clean"]).ends_with(0);
    for run in &killed {
        assert_eq!(left_by(run), [] as [PathBuf; 0], "left of {run}");
        assert_eq!(processes_of(run), [] as [String; 0], "left of {run}");
    }
    assert_eq!(
        fs::read_to_string("/proc/self/mountinfo").expect("mountinfo"),
        mounts
    );

    assert_eq!(
        left_by(&neighbour_name),
        untouched,
        "clean touched a session that lives"
    );
    kill(pid_of(&neighbour), Signal::SIGCONT).expect("let the neighbour go on");
    let neighbour = neighbour_output.wait(neighbour, Duration::from_secs(60));
    neighbour.ends_with(0).leaves_nothing();
    let events = Events::read(&scene.path().join("neighbour"));
    assert_eq!(
        (events.cases().count(), events.end()),
        (40, Some((0, false))),
        "the neighbour ran all its cases"
    );
}

/// The cells go with the program, before anything cleans.
#[test]
fn nothing_outlives_a_kill() {
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (_output, mut child) = start(&scene, &runtimes, "events");
    wait_for_verdicts(&scene, &mut child, "events");
    let run = name_of(child.id());
    kill(pid_of(&child), Signal::SIGKILL).expect("kill it");
    child.wait().expect("wait for it");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !processes_of(&run).is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    let left = processes_of(&run);
    scene.run(&["clean"]).ends_with(0);
    assert_eq!(left, [] as [String; 0], "these outlived the program");
    assert_eq!(left_by(&run), [] as [PathBuf; 0]);
}

fn interrupted_by(signals: &[Signal]) {
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (output, mut child) = start(&scene, &runtimes, "events");
    wait_for_verdicts(&scene, &mut child, "events");
    let (pid, run) = (pid_of(&child), name_of(child.id()));
    for signal in signals {
        kill(pid, *signal).expect("interrupt it");
    }
    let ran = output.wait(child, Duration::from_secs(20));
    ran.ends_with(3).leaves_nothing();
    assert_eq!(processes_of(&run), [] as [String; 0]);
    let events = Events::read(&scene.path().join("events"));
    let cases = events.cases().count();
    assert!(
        (1..40).contains(&cases),
        "{cases} cases: what was there is kept, and no more"
    );
    assert_eq!(events.end(), Some((3, true)));
    let broken = events
        .cases()
        .filter(|report| report.verdict == ocidiff_model::Verdict::Broken);
    assert_eq!(broken.count(), 0, "a case that was cut off is no broken one");
}

#[test]
fn ctrl_c() {
    interrupted_by(&[Signal::SIGINT]);
}

#[test]
fn sigterm() {
    interrupted_by(&[Signal::SIGTERM]);
}

#[test]
fn sighup() {
    interrupted_by(&[Signal::SIGHUP]);
}

/// Pressing Ctrl-C twice does not wait; then `clean` removes what is left.
#[test]
fn ctrl_c_twice() {
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (output, mut child) = start(&scene, &runtimes, "events");
    wait_for_verdicts(&scene, &mut child, "events");
    let run = name_of(child.id());
    kill(pid_of(&child), Signal::SIGINT).expect("interrupt it");
    std::thread::sleep(Duration::from_millis(1));
    // It may have ended by then.
    let _ = kill(pid_of(&child), Signal::SIGINT);
    let ran = output.wait(child, Duration::from_secs(20));
    ran.ends_with(3).within(60);
    scene.run(&["clean"]).ends_with(0);
    assert_eq!(left_by(&run), [] as [PathBuf; 0]);
}

/// With nothing to do it says so, and a second time changes nothing.
#[test]
fn clean_is_idempotent() {
    if !needs::root() {
        return;
    }
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let scene = Scene::new();
    scene.run(&["clean"]).ends_with(0);
    scene.run(&["clean"]).ends_with(0);
}
