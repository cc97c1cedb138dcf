//! The trials: the table of programs, and those that need more than a comparison.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use ocidiff_trace::{Call, CallResult, Calls, Error, Exit, Options, Trace};

use crate::agree;
use crate::backend::Backend;
use crate::programs::filter::errno_for;
use crate::run::{Init, LIMIT, alone, compare, lines, record, watch_all};

/// Programs whose record and observations are compared, one trial each.
pub(crate) const COMPARED: &[&str] = &[
    "plain",
    "decoded",
    "setuid",
    "status",
    "threads",
    "fork",
    "clone3",
    "vfork",
    "exec",
    "exec_thread",
    "death",
    "killed_forking",
    "setuid_exec",
    "eintr",
    "restart",
    "ignored",
    "group_stop",
    "group_stop_of_threads",
    "mask",
    "errno",
    "trap",
    "kill",
    "trace",
    "log",
    "kill_one_thread",
    "notify",
    "io_uring",
    #[cfg(target_arch = "x86_64")]
    "int80",
];

/// A trial's name and body.
type Own = (&'static str, fn(Backend));

/// Trials with a body of their own.
const OWN: &[Own] = &[
    ("filters_come_oldest_first", filters_come_oldest_first),
    ("untraced_child_is_counted", untraced_child_is_counted),
    (
        "more_calls_than_kept_are_counted",
        more_calls_than_kept_are_counted,
    ),
    (
        "watched_calls_are_kept_behind_a_flood_of_others",
        watched_calls_are_kept_behind_a_flood_of_others,
    ),
    ("storm_of_threads_and_children", storm_of_threads_and_children),
    ("death_of_all_threads", death_of_all_threads),
    ("kill_of_all_threads", kill_of_all_threads),
    ("exit_status_and_signal", exit_status_and_signal),
    ("init_with_threads", init_with_threads),
    ("init_that_execs_in_a_thread", init_that_execs_in_a_thread),
    ("init_that_fails", init_that_fails),
    ("hook_is_not_recorded", hook_is_not_recorded),
    ("visit_only", visit_only),
    ("daemon_outlives_init", daemon_outlives_init),
    ("timeout_then_kill", timeout_then_kill),
    ("dropped_recording_kills_init", dropped_recording_kills_init),
    ("nobody_to_attach_to", nobody_to_attach_to),
    ("two_runs_are_equal", two_runs_are_equal),
    ("trace_is_json", trace_is_json),
    ("who_sees_the_recorder", who_sees_the_recorder),
    ("flood", flood),
    ("lost_events_are_told", lost_events_are_told),
];

pub(crate) fn all() -> Vec<Trial> {
    let each = |backend: Backend| {
        let name = move |trial: &str| format!("{}::{trial}", backend.name());
        let compared = COMPARED.iter().map(move |program| {
            trial(name(program), backend, move || {
                compare(backend, "plain", program);
            })
        });
        let own = OWN
            .iter()
            .map(move |(own, body)| trial(name(own), backend, move || body(backend)));
        compared.chain(own)
    };
    let agree = agree::programs().map(|program| {
        trial(format!("agree::{program}"), Backend::Ebpf, move || {
            agree::compare(program);
        })
    });
    Backend::ALL.into_iter().flat_map(each).chain(agree).collect()
}

fn trial(name: String, backend: Backend, body: impl FnOnce() + Send + 'static) -> Trial {
    let trial = Trial::test(name, move || {
        body();
        Ok::<(), Failed>(())
    });
    match backend.missing() {
        Some(why) => trial.with_kind(why).with_ignored_flag(true),
        None => trial,
    }
}

fn count(trace: &Trace, name: &str, class: &str) -> u64 {
    trace
        .counts
        .get(name)
        .and_then(|classes| classes.get(class))
        .copied()
        .unwrap_or(0)
}

fn filters_come_oldest_first(backend: Backend) {
    let trace = record(backend, "filters", "leaf", Options::default()).trace;
    if let Some(reason) = trace.filters_unread {
        crate::skip::skipped(&reason);
        return;
    }
    let older = errno_for(libc::SYS_mkdirat, libc::EACCES);
    let newer = errno_for(libc::SYS_mknodat, libc::ENOSYS);
    assert_eq!(trace.filters, [older, newer]);
    let none = record(backend, "plain", "leaf", Options::default()).trace;
    assert_eq!((none.filters, none.filters_unread), (Vec::new(), None));
}

fn untraced_child_is_counted(backend: Backend) {
    // The program says what a tracer can see. The kernel's programs follow this child too.
    if backend == Backend::Ebpf {
        let trace = record(backend, "plain", "untraced", watch_all()).trace;
        assert_eq!((trace.unfollowed, trace.processes), (0, 2));
        return;
    }
    let trace = compare(backend, "plain", "untraced");
    assert_eq!((trace.unfollowed, trace.processes), (1, 1));
}

fn more_calls_than_kept_are_counted(backend: Backend) {
    let options = Options {
        calls: Some(Calls {
            max: 10,
            ..Calls::default()
        }),
        ..Options::default()
    };
    let trace = record(backend, "plain", "many", options).trace;
    assert_eq!(trace.calls.len(), 10);
    assert_eq!(trace.dropped, trace.total - 10);
    assert_eq!(count(&trace, "getppid", "ok"), 5000);
    assert!(trace.cut.is_empty(), "{:?}", trace.cut);
}

/// The program closes a descriptor that is not open after 5000 other calls.
fn watched_calls_are_kept_behind_a_flood_of_others(backend: Backend) {
    let watching = |name: &str| Options {
        calls: Some(Calls {
            watch: vec![name.to_owned()],
            max: 10,
            ..Calls::default()
        }),
        ..Options::default()
    };
    let trace = record(backend, "plain", "many", watching("close")).trace;
    let mark = CallResult::Errno("EBADF".to_owned());
    let kept = |call: &Call| call.name == "close" && call.result == mark;
    assert!(trace.calls.iter().any(kept), "{:#?}", trace.calls);
    assert!(trace.cut.is_empty(), "{:?}", trace.cut);
    let trace = record(backend, "plain", "many", watching("getppid")).trace;
    assert_eq!(trace.cut, [("getppid".to_owned(), 4990)].into());
}

fn storm_of_threads_and_children(backend: Backend) {
    let trace = record(backend, "plain", "storm", watch_all()).trace;
    assert_eq!(trace.exit, Exit::Code(0));
    assert_eq!((trace.processes, trace.threads), (9, 17));
    assert_eq!(count(&trace, "getppid", "ok"), 8 * 250);
}

fn death_of_all_threads(backend: Backend) {
    let trace = record(backend, "plain", "death_of_group", Options::default()).trace;
    assert_eq!(
        trace.exit,
        Exit::Signal {
            name: "SIGKILL".to_owned(),
            core: false
        }
    );
    assert_eq!(trace.threads, 5);
}

fn exit_status_and_signal(backend: Backend) {
    assert_eq!(
        record(backend, "plain", "exit7", Options::default()).trace.exit,
        Exit::Code(7)
    );
    let exit = record(backend, "plain", "abort", Options::default()).trace.exit;
    assert!(matches!(exit, Exit::Signal { name, .. } if name == "SIGABRT"));
}

/// A filter's kill, with other threads that die of it too: only the call that caused it has no result.
fn kill_of_all_threads(backend: Backend) {
    let trace = record(backend, "plain", "kill_threads", watch_all()).trace;
    assert!(matches!(&trace.exit, Exit::Signal { name, .. } if name == "SIGSYS"));
    assert_eq!(count(&trace, "mkdirat", "unfinished"), 1);
    assert_eq!(count(&trace, "mkdirat", "ok"), 0);
}

fn init_with_threads(backend: Backend) {
    for _ in 0..5 {
        compare(backend, "threads", "fork");
        compare(backend, "threads-late", "threads");
    }
}

fn init_that_execs_in_a_thread(backend: Backend) {
    for _ in 0..5 {
        compare(backend, "threads-exec", "fork");
        compare(backend, "threads-making", "fork");
    }
}

fn init_that_fails(backend: Backend) {
    let trace = record(backend, "fails", "leaf", Options::default()).trace;
    assert!(!trace.exec_seen);
    assert_eq!((trace.exit, trace.total), (Exit::Code(3), 0));
}

fn hook_is_not_recorded(backend: Backend) {
    let trace = compare(backend, "hook", "threads");
    assert_eq!(trace.processes, 1);
}

fn visit_only(backend: Backend) {
    let options = Options {
        calls: None,
        ..Options::default()
    };
    let trace = record(backend, "filters", "exit7", options).trace;
    assert_eq!(
        (trace.exit, trace.total, trace.exec_seen),
        (Exit::Code(7), 0, true)
    );
    assert!(trace.filters.len() == 2 || trace.filters_unread.is_some());
}

fn daemon_outlives_init(backend: Backend) {
    let recorded = record(backend, "plain", "daemon", Options::default());
    assert_eq!(recorded.trace.exit, Exit::Code(0));
    // The output ends only when the daemon has ended.
    assert_eq!(lines(&recorded.output, "saw"), ["the daemon lives"]);
}

fn timeout_then_kill(backend: Backend) {
    let mut init = Init::create(backend, "plain", "sleep");
    let mut recording = init.attach(Options::default(), Box::new(|_| ())).expect("attach");
    assert!(
        recording.wait(Duration::ZERO).expect("no error").is_none(),
        "before the start"
    );
    init.start();
    assert!(
        recording
            .wait(Duration::from_millis(200))
            .expect("no error")
            .is_none(),
        "while it sleeps"
    );
    init.child.kill().expect("kill");
    let trace = recording.wait(LIMIT).expect("a trace").expect("it has ended");
    assert_eq!(
        trace.exit,
        Exit::Signal {
            name: "SIGKILL".to_owned(),
            core: false
        }
    );
    assert!(trace.total > 0);
    assert!(
        matches!(recording.wait(Duration::ZERO), Err(Error::Died)),
        "there is one result only"
    );
}

fn dropped_recording_kills_init(backend: Backend) {
    let mut init = Init::create(backend, "plain", "sleep");
    let recording = init.attach(Options::default(), Box::new(|_| ())).expect("attach");
    init.start();
    drop(recording);
    let start = Instant::now();
    // Its output ends with it.
    init.output();
    assert!(start.elapsed() < Duration::from_secs(30));
}

fn nobody_to_attach_to(backend: Backend) {
    let mut gone = Init::create(backend, "plain", "leaf");
    gone.start();
    let attach = |init: &Init| init.attach(Options::default(), Box::new(|_| ()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(matches!(attach(&gone), Err(Error::Gone(_))), "a zombie");
    gone.child.wait().expect("it ends");
    assert!(matches!(attach(&gone), Err(Error::Gone(_))), "nobody");
}

/// The control: the same program run twice gives the same record, whatever the addresses and pids.
fn two_runs_are_equal(backend: Backend) {
    let calls = || {
        let trace = record(backend, "plain", "fork", watch_all()).trace;
        let mut by_process: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for call in &trace.calls {
            by_process
                .entry(call.process)
                .or_default()
                .push(format!("{call} about {:?}", call.subject));
        }
        by_process
    };
    assert_eq!(calls(), calls());
}

fn trace_is_json(backend: Backend) {
    let trace = record(backend, "filters", "fork", watch_all()).trace;
    let text = serde_json::to_string(&trace).expect("it is written");
    assert_eq!(serde_json::from_str::<Trace>(&text).expect("it is read"), trace);
}

/// Programs that look for a tracer, or trace by themselves, see ptrace and do not see eBPF.
fn who_sees_the_recorder(backend: Backend) {
    for program in ["tracer", "debugger"] {
        let recorded = record(backend, "plain", program, watch_all());
        let same = lines(&recorded.output, "saw") == lines(&alone(program), "saw");
        assert_eq!(same, backend == Backend::Ebpf, "{program}: {}", recorded.output);
    }
}

/// Two million calls from fifty processes. ptrace would take minutes, and loses nothing because of the way it
/// works.
fn flood(backend: Backend) {
    if backend == Backend::Ptrace {
        return;
    }
    let trace = record(backend, "plain", "flood", Options::default()).trace;
    assert_eq!((trace.processes, trace.exit.clone()), (51, Exit::Code(0)));
    assert_eq!(count(&trace, "getppid", "ok"), 2_000_000);
    assert!(trace.dropped > 1_900_000);
}

/// A ring of one page, which is not read until the end.
fn lost_events_are_told(backend: Backend) {
    if backend == Backend::Ptrace {
        return;
    }
    let mut init = Init::create_small("plain", "many");
    let mut recording = init.attach(Options::default(), Box::new(|_| ())).expect("attach");
    init.start();
    std::thread::sleep(Duration::from_millis(500));
    match recording.wait(LIMIT) {
        Err(Error::Lost(lost)) => assert!((4000..6000).contains(&lost), "{lost} lost"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        Error::Lost(3).to_string(),
        "record a workload: the recorder lost 3 events"
    );
}
