//! `clean`, run continuously and from everywhere, next to live commands: none of them loses anything.

use crate::support;
use crate::support::{binary, corpus, events, needs};

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use corpus::words;
use events::Events;
use ocidiff_model::Verdict;
use support::{Output, Scene};

/// Cleaners from everywhere are enough load for one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn many_cases(scene: &Scene, count: usize) {
    for index in 0..count {
        scene.write(
            &format!("cases/some/case-{index}.yaml"),
            "{summary: it, config: {process: {args: [/bin/probe, sleep, '0.05']}}}",
        );
    }
}

fn start(scene: &Scene, runtimes: &[String], events: &str) -> (Output, Child) {
    let mut args = vec!["run", "--cases", "cases", "--jobs", "2", "--json", events];
    args.extend(runtimes.iter().flat_map(|runtime| ["--runtime", runtime]));
    let output = Output::new(scene.path());
    let child = output.spawn(&mut scene.command(&args));
    (output, child)
}

/// `clean`, called from where none of the processes are visible, with or without a private `/run` and `/tmp`.
fn clean_from(namespaces: &str) -> bool {
    let script = "[ -z \"$1\" ] || for d in /run /tmp; do mount -t tmpfs tmpfs $d; done; shift; exec \"$@\"";
    let hide = if namespaces.contains("hidden") { "yes" } else { "" };
    let mut command = Command::new("unshare");
    match namespaces {
        "none" => command.arg("--fork"),
        _ => command.args(["--pid", "--mount", "--mount-proc", "--fork", "--kill-child"]),
    };
    command.args(["sh", "-c", script, "_", hide]);
    // By its descriptor: the place where it is may be hidden.
    command.args(["sh", "-c", "exec /proc/self/fd/9 clean"]);
    let fd9 = format!("exec 9<{}; exec \"$@\"", binary().display());
    let mut outer = Command::new("sh");
    outer
        .arg("-c")
        .arg(fd9)
        .arg("_")
        .arg(command.get_program())
        .args(command.get_args());
    outer.stdin(Stdio::null()).stdout(Stdio::null());
    outer.output().is_ok_and(|output| output.status.success())
}

/// Stops the cleaners even if an assertion fails: their scope waits for them.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while others clean, from every kind of namespace.
fn while_others_clean(work: impl FnOnce()) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let stop = AtomicBool::new(false);
    let cleaned = std::thread::scope(|scope| {
        let stop_at_end = StopAtEnd(&stop);
        let cleaners = ["none", "pid", "pid and hidden"].map(|namespaces| {
            let stop = &stop;
            scope.spawn(move || {
                let mut rounds = 0;
                while !stop.load(Ordering::Relaxed) {
                    rounds += u32::from(clean_from(namespaces));
                    // Three that never rest take all of two processors from the tests that run next to these.
                    std::thread::sleep(Duration::from_millis(30));
                }
                rounds
            })
        });
        work();
        drop(stop_at_end);
        cleaners.map(|thread| thread.join().expect("a cleaner"))
    });
    assert!(
        cleaned.iter().all(|rounds| *rounds > 0),
        "not everybody cleaned: {cleaned:?}"
    );
}

#[test]
fn three_runs_at_once() {
    let (Some(runc), Some(crun)) = (needs::runtime("runc"), needs::runtime("crun")) else {
        return;
    };
    let runtimes = [("runc", runc), ("crun", crun)].map(|(name, path)| format!("{name}={}", path.display()));
    let scene = Scene::new();
    many_cases(&scene, 20);
    while_others_clean(|| {
        let running = ["one", "two", "three"].map(|name| (name, start(&scene, &runtimes, name)));
        for (name, (output, child)) in running {
            let ran = output.wait(child, Duration::from_secs(180));
            ran.ends_with(0).leaves_nothing();
            let events = Events::read(&scene.path().join(name));
            let broken: Vec<_> = events
                .cases()
                .filter(|case| case.verdict != Verdict::Agree)
                .collect();
            assert!(broken.is_empty(), "{broken:?}");
            assert_eq!(events.cases().count(), 20);
        }
    });
}

/// Short commands, again and again: each makes a new session.
#[test]
fn check_seccomp_and_others_at_once() {
    let Some((scene, runtimes)) = corpus::scene() else {
        return;
    };
    let with =
        |args: &[&'static str]| -> Vec<&str> { args.iter().copied().chain(words(&runtimes)).collect() };
    let (from, to) = (runtimes[1].as_str(), runtimes[3].as_str());
    let check = vec!["check", "--from", from, "--to", to, "--bundle", "bundle"];
    let all = [
        (check, 1),
        (with(&["seccomp", "docker-20.10.24"]), 1),
        (with(&["control", "some/story", "--cases", "cases"]), 0),
        (with(&["run", "--bundle", "bundle"]), 1),
    ];
    // What each prints when nothing cleans.
    let quiet = all.each_ref().map(|(args, status)| {
        let ran = scene.run(args);
        ran.ends_with(*status);
        without_times(&ran.stdout)
    });
    while_others_clean(|| {
        for _ in 0..3 {
            let running = all.each_ref().map(|(args, _)| {
                let output = Output::new(scene.path());
                let child = output.spawn(&mut scene.command(args));
                (output, child)
            });
            for (((output, child), (args, status)), expected) in running.into_iter().zip(&all).zip(&quiet) {
                let ran = output.wait(child, Duration::from_secs(120));
                ran.ends_with(*status).leaves_nothing();
                assert_eq!(without_times(&ran.stdout), *expected, "{args:?}");
            }
        }
    });
}

/// The output, except how long it took.
fn without_times(text: &str) -> String {
    let seconds = |word: &&str| word.trim_end_matches([':', ',']).parse::<f64>().is_err();
    text.split_whitespace()
        .filter(seconds)
        .collect::<Vec<_>>()
        .join(" ")
}
