//! Runtimes that break in every way that we could think of: each fault is a named fact or `broken`, in bounded
//! time, and the rest of the corpus goes on.
//!
//! `fakes/broken.sh` leaves everything except one thing to the real runc, and is compared with it: what
//! differs is the fault.

use crate::support;
use crate::support::{events, needs};

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use events::{Case, Events};
use ocidiff_model::Verdict;
use support::{Ran, Scene};

/// Faults that use up the whole machine run alone: the others have time limits to meet.
static MACHINE: RwLock<()> = RwLock::new(());

/// create, start, wait, delete with short limits, unless specified otherwise.
const PLAIN: &str = "[{create: {limit: 2}}, {start: {limit: 2}}, {wait: {limit: 1}}, {delete: {limit: 2}}]";
/// The same with a look at the state.
const STATE: &str = "[{create: {limit: 2}}, {state: {limit: 2}}, {start: {limit: 2}}, {wait: {limit: 1}}, {delete: {limit: 2}}]";

/// Runs a case with the fault, and one without.
fn run(fault: &str, steps: &str, check: impl FnOnce(Case<'_>, &Ran)) {
    let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
    run_now(fault, steps, check);
}

fn run_now(fault: &str, steps: &str, check: impl FnOnce(Case<'_>, &Ran)) {
    let Some(runc) = needs::runtime("runc") else {
        return;
    };
    let scene = Scene::new();
    let script = include_str!("fakes/broken.sh").replace("@REAL@", &runc.to_string_lossy());
    let fake = scene.program("broken", &script);
    scene.write(
        "cases/fault/it.yaml",
        format!("{{summary: it, config: {{annotations: {{fault: {fault}}}}}, steps: {steps}}}"),
    );
    scene.write("cases/plain/it.yaml", "{summary: nothing is broken here}");
    let [runc, fake] =
        [("runc", &runc), ("crun", &fake)].map(|(name, path)| format!("{name}={}", path.display()));
    let ran = scene.run(&[
        "run",
        "--cases",
        "cases",
        "--json",
        "events",
        "--runtime",
        &runc,
        "--runtime",
        &fake,
    ]);
    let events = Events::read(&scene.path().join("events"));
    let case = events.case("fault/it");
    println!("{:?} {}", ran.took, case.text());
    assert_eq!(
        events.case("plain/it").verdict(),
        Verdict::Agree,
        "the rest of the corpus goes on"
    );
    let status = match case.verdict() {
        Verdict::Broken => 3,
        Verdict::New | Verdict::Violation => 1,
        _ => 0,
    };
    ran.ends_with(status).within(60).leaves_nothing();
    assert_eq!(
        events.end(),
        Some((status as u8, false)),
        "the events tell the same"
    );
    assert!(
        !ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'),
        "an escape reached the terminal"
    );
    check(case, &ran);
}

/// The fault shows as this fact: the fake's value for it contains the text.
fn shows(fault: &str, steps: &str, fact: &str, text: &str) {
    run(fault, steps, |case, _| {
        assert_eq!(case.verdict(), Verdict::New, "{}", case.text());
        let shown = case
            .shows("crun", fact)
            .unwrap_or_else(|| panic!("{fact} does not differ: {}", case.text()));
        assert!(shown.contains(text), "{fact} = {shown}, not {text}");
    });
}

/// Each fault, the steps, the fact that shows it, and what the fact must contain.
macro_rules! faults {
    ($($name:ident: $fault:literal, $steps:expr, $fact:literal, $text:literal;)*) => {
        $(#[test] fn $name() { shows($fault, $steps, $fact, $text); })*
    };
}

/// If the recorder loses something, the case is run again with a larger ring; if that is not enough, there is
/// no record.
#[test]
fn more_calls_than_the_small_ring_holds() {
    run("many-calls", PLAIN, |case, _| {
        assert_eq!(case.verdict(), Verdict::Agree, "{}", case.text());
    });
}

#[test]
fn more_calls_than_any_ring_holds() {
    if !needs::root() {
        return;
    }
    if let Err(error) = ocidiff_trace::ebpf::Loaded::load() {
        return needs::skip(&format!("eBPF (failed to {error})"), true);
    }
    let steps = "[{create: {limit: 20}}, start, wait, delete]";
    run("too-many-calls", steps, |case, _| {
        assert_eq!(case.verdict(), Verdict::Broken, "{}", case.text());
        assert!(case.text().contains("the recorder lost"), "{}", case.text());
    });
}

faults! {
    a_hang_in_create: "hang-in-create", "[{create: {limit: 0.5}}, start, wait, delete]", "lifecycle.create.result", "timeout";
    a_hang_after_create: "hang-after-create", "[{create: {limit: 0.5}}, start, wait, delete]", "lifecycle.create.result", "timeout";
    a_hang_in_start: "hang-in-start", "[create, {start: {limit: 0.5}}, {wait: {limit: 0.5}}, {delete: {force: true}}]", "lifecycle.start.result", "timeout";
    a_hang_in_state: "hang-in-state", "[create, {state: {limit: 0.5}}, start, wait, delete]", "lifecycle.state.result", "timeout";
    a_hang_in_kill: "hang-in-kill", "[create, {kill: {signal: KILL, limit: 0.5}}, {wait: {limit: 0.5}}, {delete: {force: true}}]", "lifecycle.kill.result", "timeout";
    a_hang_in_delete: "hang-in-delete", "[create, start, wait, {delete: {limit: 0.5}}]", "lifecycle.delete.result", "timeout";
    a_hang_in_run: "hang-in-run", "[{run: {limit: 0.5}}]", "lifecycle.run.result", "timeout";
    a_hang_that_ignores_sigterm: "deaf-to-term", "[{create: {limit: 0.5}}, start, wait, delete]", "lifecycle.create.result", "timeout";
    a_runtime_that_stops_itself: "stopped", "[create, {start: {limit: 0.5}}, {wait: {limit: 0.5}}, {delete: {force: true}}]", "lifecycle.start.result", "timeout";

    killed_in_create: "killed-in-create", PLAIN, "lifecycle.create.result", "signal KILL";
    killed_in_start: "killed-in-start", PLAIN, "lifecycle.start.result", "signal KILL";
    killed_in_delete: "killed-in-delete", PLAIN, "lifecycle.delete.result", "signal KILL";
    a_segmentation_fault: "segfault", PLAIN, "lifecycle.create.result", "signal SEGV";
    a_panic: "panic", PLAIN, "lifecycle.start.result", "panic";

    a_flood_in_state: "flood-in-state", STATE, "lifecycle.state.json", "garbage";
    a_flood_that_goes_on: "flood-for-ever", PLAIN, "leftover.processes", "yes";
    garbage_for_a_state: "garbage-state", STATE, "lifecycle.state.json", "garbage";
    half_a_state: "half-a-state", STATE, "lifecycle.state.json", "garbage";
    no_state_at_all: "empty-state", STATE, "lifecycle.state.json", "garbage";
    escapes_in_a_state: "escapes-in-state", STATE, "lifecycle.state.status", "owned";
    escapes_in_an_error: "escapes-in-error", PLAIN, "lifecycle.create.result", "error";

    no_pid_file: "no-pid-file", PLAIN, "lifecycle.create.pid_file", "missing";
    a_garbage_pid_file: "garbage-pid-file", PLAIN, "lifecycle.create.pid_file", "garbage";
    the_pid_of_nobody: "pid-of-nobody", PLAIN, "lifecycle.create.pid_file", "pid of nobody";
    the_pid_of_the_cell: "pid-of-the-cell", PLAIN, "lifecycle.create.pid_file", "garbage";
    the_pid_of_another: "pid-of-another", "[create, start, {wait: {limit: 0.5}}, delete]", "lifecycle.wait.result", "timeout";

    a_process_is_left: "leave-a-process", PLAIN, "leftover.processes", "sleep";
    a_mount_is_left: "leave-a-mount", PLAIN, "leftover.mounts", "/root/stray";
    a_cgroup_is_left: "leave-a-cgroup", PLAIN, "leftover.cgroups", "stray";
    a_cgroup_in_use_is_left: "leave-a-busy-cgroup", PLAIN, "leftover.cgroups", "a/stray";
    a_file_is_left: "leave-a-file", PLAIN, "leftover.files", "root/stray";
    delete_does_nothing: "delete-nothing", PLAIN, "leftover.files", "root/main";

    create_does_nothing: "create-nothing", PLAIN, "lifecycle.create.pid_file", "missing";
    nothing_does_anything: "do-nothing", PLAIN, "lifecycle.create.pid_file", "missing";
    its_stdout_is_kept: "keep-stdout", PLAIN, "leftover.processes", "sleep";
    every_process_is_killed: "kill-all", PLAIN, "lifecycle.start.result", "error";
}

/// Either a difference or `broken`, depending on which of the two runs out first.
fn shows_or_breaks(case: Case<'_>, _: &Ran) {
    let verdict = case.verdict();
    assert!(
        matches!(verdict, Verdict::New | Verdict::Unstable | Verdict::Broken),
        "{}",
        case.text()
    );
}

/// Uses up the whole machine.
fn alone(fault: &str, steps: &str) {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    run_now(fault, steps, shows_or_breaks);
}

/// If it is `broken`, the reason says what ran out.
fn meets_its_bound(fault: &str) {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    run_now(fault, PLAIN, |case, ran| {
        shows_or_breaks(case, ran);
        let told = case.verdict() != Verdict::Broken || case.text().contains("bound of 2048 processes");
        assert!(told, "{}", case.text());
    });
}

#[test]
fn processes_without_end() {
    meets_its_bound("fork-for-ever");
}

#[test]
fn a_fork_bomb() {
    meets_its_bound("fork-bomb");
}

#[test]
fn memory_without_end() {
    alone("out-of-memory", "[{create: {limit: 10}}, start, wait, delete]");
}

#[test]
fn a_full_disk() {
    alone("fill-the-disk", PLAIN);
}

#[test]
fn the_cell_s_own_folder_is_removed() {
    run("remove-the-cell", PLAIN, shows_or_breaks);
}

#[test]
fn proc_is_unmounted() {
    run("unmount-proc", PLAIN, shows_or_breaks);
}

#[test]
fn the_run_s_own_cgroup_is_frozen() {
    run("frozen", PLAIN, shows_or_breaks);
}

/// Only the end of the run thaws the container.
#[test]
fn a_container_stays_paused() {
    let steps = "[{create: {config: {process: {args: [/bin/probe, sleep, forever]}}}}, start, pause]";
    run("none", steps, |case, _| {
        assert_eq!(case.verdict(), Verdict::Agree, "{}", case.text());
    });
}

#[test]
fn a_pid_file_that_is_a_fifo() {
    run("pid-file-is-a-fifo", PLAIN, shows_or_breaks);
}

#[test]
fn a_pid_file_without_end() {
    run("pid-file-is-endless", PLAIN, shows_or_breaks);
}

#[test]
fn a_pid_file_of_other_bytes() {
    shows("binary-pid-file", PLAIN, "lifecycle.create.pid_file", "garbage");
}

/// What a runtime prints is read and discarded: neither time nor memory grows with it.
#[test]
fn a_gigabyte_is_printed() {
    run(
        "flood-in-create",
        "[{create: {limit: 20}}, start, wait, delete]",
        |case, _| {
            assert_ne!(case.verdict(), Verdict::Broken, "{}", case.text());
        },
    );
}

/// The container gets the closed descriptors, or others; the harness carries on.
#[test]
fn stdout_is_closed() {
    run("close-stdout", PLAIN, |case, _| {
        assert_ne!(case.verdict(), Verdict::Broken, "{}", case.text());
    });
}

/// A runtime that cannot even report its version is refused before anything runs, and in bounded time.
#[test]
fn a_version_that_does_not_come() {
    let scene = Scene::new();
    scene.write("cases/plain/it.yaml", "{summary: plain}");
    for (script, limit) in [
        ("sleep 1000", 30),
        ("kill -SEGV $$", 5),
        ("exit 0", 5),
        ("exec yes", 30),
    ] {
        let fake = scene.program("fake", &format!("#!/bin/sh\n{script}\n"));
        let fake = format!("crun={}", fake.display());
        let ran = scene.run(&["run", "--cases", "cases", "--runtime", &fake, "--runtime", &fake]);
        ran.ends_with(2).within(limit);
        assert!(ran.took < Duration::from_secs(limit));
    }
}
