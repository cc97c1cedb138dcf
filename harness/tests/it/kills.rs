//! Every command that makes something on the machine, killed at moments spread over its life, and then `clean`: nothing
//! is left, and the user's own files are intact. OCIDIFF_TEST_KILLS says how often each is killed; runs are in
//! `cleanup.rs` too.

use crate::support;
use crate::support::{corpus, needs, processes};

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use corpus::{scene, words};
use processes::{Random, kills, processes_of, programs_of, still_loaded, wait_until_empty};
use support::Scene;
use support::traces::{left_by, name_of};

/// `clean` in one test would meet what another has just killed.
static ONE: Mutex<()> = Mutex::new(());

/// A command, its exit status, and the user's file or folder that it writes.
struct Killed<'a> {
    args: Vec<&'a str>,
    status: i32,
    writes: Option<&'static str>,
}

/// What a killed process left behind.
struct Corpse {
    name: String,
    programs: Vec<u32>,
}

/// Everything below a path, with its content; empty for a path that does not exist.
fn contents(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if !path.is_dir() {
        return fs::read(path).map_or_else(|_| Vec::new(), |bytes| vec![(path.to_owned(), bytes)]);
    }
    let entries = fs::read_dir(path).expect("a folder").flatten();
    let mut found: Vec<_> = entries.flat_map(|entry| contents(&entry.path())).collect();
    found.sort();
    found
}

fn remove(path: &Path) {
    let _ = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
}

/// Whether what was written is intact: as it was before, or as it is after a complete run.
fn is_whole(path: &Path, whole: &[(PathBuf, Vec<u8>)], before: &[(PathBuf, Vec<u8>)]) -> bool {
    let now = contents(path);
    // The last line of a run's events, or of a check's: they contain times, so that no two are the same.
    let ends = |files: &[(PathBuf, Vec<u8>)]| {
        files.iter().all(|(_, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            let last = text.lines().last().unwrap_or_default();
            ["run-finished", "check-finished"]
                .iter()
                .any(|word| last.contains(word))
        })
    };
    now == before || now == whole || (ends(whole) && ends(&now))
}

/// Starts it, kills it, and records what it could have left.
fn kill_after(scene: &Scene, args: &[&str], moment: Duration) -> Corpse {
    let mut command = scene.command(args);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    std::thread::sleep(moment);
    let corpse = Corpse {
        name: name_of(child.id()),
        programs: programs_of(child.id()),
    };
    child.kill().expect("kill it");
    child.wait().expect("wait for it");
    corpse
}

fn assert_nothing_left(corpses: &[Corpse], what: &str) {
    for Corpse { name, programs } in corpses {
        // Another `clean` may be working on it too.
        let left = wait_until_empty(|| left_by(name));
        assert_eq!(left, [] as [PathBuf; 0], "left of {what}");
        let processes = wait_until_empty(|| processes_of(name));
        assert_eq!(processes, [] as [String; 0], "left of {what}");
        assert_eq!(still_loaded(programs), [] as [u32; 0], "eBPF programs of {what}");
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let is_left = |line: &&str| corpses.iter().any(|corpse| line.contains(&corpse.name));
    assert_eq!(mounts.lines().find(is_left), None, "a mount of {what}");
}

/// Kills it at each of this many moments of its life, and cleans now and then.
fn kill_it(make: impl for<'a> Fn(&'a [String; 4]) -> Killed<'a>) {
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Killed { args, status, writes } = make(&runtimes);
    let (what, kills, mut random) = (args.join(" "), kills(3), Random::seeded());
    let mine = writes.map(|name| scene.path().join(name));
    if args[0] == "runtimes" {
        // Nothing is remembered from earlier queries.
        mine.iter().for_each(|path| remove(path));
    }
    let before = mine.as_deref().map(contents).unwrap_or_default();
    let restore = || {
        mine.iter().for_each(|path| remove(path));
        for (path, bytes) in &before {
            fs::write(path, bytes).expect("put it back");
        }
    };
    let began = Instant::now();
    scene.run(&args).ends_with(status).leaves_nothing();
    let life = u64::try_from(began.elapsed().as_micros()).expect("a life");
    let whole = mine.as_deref().map(contents).unwrap_or_default();
    let mut corpses = Vec::new();
    for part in 0..kills {
        restore();
        let moment = (life * part + random.below(life)) / kills;
        corpses.push(kill_after(&scene, &args, Duration::from_micros(moment)));
        if let Some(path) = &mine {
            assert!(
                is_whole(path, &whole, &before),
                "{} is half-written after {moment} us of {what}",
                path.display()
            );
        }
        if random.below(3) == 0 {
            scene.run(&["clean"]).ends_with(0);
        }
    }
    scene.run(&["clean"]).ends_with(0);
    assert_nothing_left(&corpses, &what);
    // And what is there is not in the way.
    restore();
    scene.run(&args).ends_with(status).leaves_nothing();
}

/// The runtimes after the words of a command.
fn with<'a>(args: &[&'static str], runtimes: &'a [String; 4]) -> Vec<&'a str> {
    args.iter().copied().chain(words(runtimes)).collect()
}

macro_rules! killed {
    ($($name:ident: $args:expr, $status:expr, $writes:expr;)*) => {
        $(#[test] fn $name() {
            kill_it(|runtimes| Killed { args: with(&$args, runtimes), status: $status, writes: $writes });
        })*
    };
}

killed! {
    run: ["run", "some", "--cases", "cases", "--json", "events"], 1, Some("events");
    run_of_a_bundle: ["run", "--bundle", "bundle", "--json", "events", "--records", "records"], 1, Some("events");
    seccomp: ["seccomp", "docker-20.10.24"], 1, None;
    control: ["control", "some/story", "--cases", "cases"], 0, None;
    explain: ["explain", "--run", "some/story", "--cases", "cases"], 1, None;
    show: ["show", "some/story", "--cases", "cases"], 0, None;
    accept: ["accept", "some/story", "--cases", "cases"], 0, Some("cases/some/story.known.yaml");
    mutants: ["mutants", "hostname/*"], 0, None;
}

#[test]
fn check_of_a_bundle() {
    kill_it(|runtimes| Killed {
        args: vec![
            "check",
            "--from",
            &runtimes[1],
            "--to",
            &runtimes[3],
            "--bundle",
            "bundle",
            "--out",
            "checked",
        ],
        status: 1,
        writes: Some("checked"),
    });
}

#[test]
fn repro() {
    kill_it(|runtimes| Killed {
        args: vec![
            "repro",
            "some/story",
            "--cases",
            "cases",
            "--output",
            "folder",
            "--runtime",
            &runtimes[1],
        ],
        status: 0,
        writes: Some("folder"),
    });
}

/// Programs are asked for their versions, each time anew since the store does not remember any.
#[test]
fn runtimes() {
    kill_it(|_| Killed {
        args: vec!["runtimes"],
        status: 0,
        writes: Some("home"),
    });
}

/// A known file with people's text in it is there as it was, or with what is new, at each moment.
#[test]
fn what_people_wrote_is_never_lost() {
    let Some((first, runtimes)) = scene() else { return };
    first
        .run(&with(&["accept", "some/story", "--cases", "cases"], &runtimes))
        .ends_with(0);
    let known = "cases/some/story.known.yaml";
    let text = fs::read_to_string(first.path().join(known)).expect("a known file");
    let noted = format!("# a word of people's\n{text}");
    drop(first);
    let Some((scene, runtimes)) = scene() else { return };
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let args = with(&["accept", "some/story", "--cases", "cases"], &runtimes);
    let began = Instant::now();
    scene.write(known, &noted);
    scene.run(&args).ends_with(0);
    let life = u64::try_from(began.elapsed().as_micros()).expect("a life");
    let (kills, mut random) = (kills(3), Random::seeded());
    for part in 0..kills {
        scene.write(known, &noted);
        let moment = (life * part + random.below(life)) / kills;
        kill_after(&scene, &args, Duration::from_micros(moment));
        let now = fs::read_to_string(scene.path().join(known)).expect("the known file");
        assert!(now.contains("a word of people's") && now.ends_with('\n'), "{now}");
        scene.run(&["list", "--cases", "cases"]).ends_with(0);
    }
    scene.run(&["clean"]).ends_with(0);
}

/// A cell that ran on would write beside the one that `--resume` begins.
#[test]
fn a_cell_ends_with_its_matrix() {
    let (Some(old), Some(new)) = (needs::runtime("crun"), needs::runtime("crun@1.21")) else {
        return;
    };
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let scene = Scene::new();
    let [old, new] = [old, new].map(|path| format!("\"crun={}\"", path.display()));
    scene.write(
        "m.yaml",
        format!(
            "{{runtimes: {{a: [{old}, {new}]}}, kernels: [host], plans: {{p: {{cases: {{host: all}}}}}}}}"
        ),
    );
    let args = [
        "matrix",
        "run",
        "p",
        "--file",
        "m.yaml",
        "--case",
        "process/*",
        "--out",
        "out",
    ];
    let output = support::Output::new(scene.path());
    let child = output.spawn(&mut scene.command(&args));
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let started = Instant::now();
    let cell = loop {
        let all = fs::read_to_string(&children).unwrap_or_default();
        if let Some(pid) = all.split_whitespace().next() {
            break pid.to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "no cell began");
        std::thread::sleep(Duration::from_millis(20));
    };
    // Until it is the cell's program, it is the one that asks the kernel to end it with its parent.
    while !scene.path().join("out/a-host/1.jsonl.part").exists() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the cell wrote nothing"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
    output.wait(child, Duration::from_secs(60));
    let runs = || {
        let status = fs::read_to_string(Path::new("/proc").join(&cell).join("status"));
        status.is_ok_and(|status| !status.contains("State:\tZ"))
    };
    while runs() {
        assert!(started.elapsed() < Duration::from_secs(90), "the cell runs on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let parts: Vec<_> = contents(&scene.path().join("out/a-host")).into_iter().collect();
    assert!(
        parts.iter().all(|(path, _)| !path.ends_with("1.jsonl")),
        "it went on to its end"
    );
}
