//! The trials: the table of programs, and those that need more than a comparison.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use ocidiff_trace::{Error, Exit, Options, PtraceRecorder, Recorder as _, Trace};

use crate::programs::filter::errno_for;
use crate::run::{Init, LIMIT, compare, lines, record, watch_all};

/// Programs whose record and observations are compared, one trial each.
const COMPARED: &[&str] = &[
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
    #[cfg(target_arch = "x86_64")]
    "int80",
];

/// Trials with a body of their own.
const OWN: &[(&str, fn())] = &[
    ("filters_come_oldest_first", filters_come_oldest_first),
    ("untraced_child_is_counted", untraced_child_is_counted),
    (
        "more_calls_than_kept_are_counted",
        more_calls_than_kept_are_counted,
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
];

pub(crate) fn all() -> Vec<Trial> {
    let compared = COMPARED.iter().map(|name| {
        Trial::test(*name, move || {
            compare("plain", name);
            Ok::<(), Failed>(())
        })
    });
    let own = OWN.iter().map(|(name, body)| {
        Trial::test(*name, move || {
            body();
            Ok::<(), Failed>(())
        })
    });
    compared.chain(own).collect()
}

fn count(trace: &Trace, name: &str, class: &str) -> u64 {
    trace
        .counts
        .get(name)
        .and_then(|classes| classes.get(class))
        .copied()
        .unwrap_or(0)
}

fn filters_come_oldest_first() {
    let trace = record("filters", "leaf", Options::default()).trace;
    if let Some(reason) = trace.filters_unread {
        eprintln!("skipped: {reason}");
        return;
    }
    let older = errno_for(libc::SYS_mkdirat, libc::EACCES);
    let newer = errno_for(libc::SYS_mknodat, libc::ENOSYS);
    assert_eq!(trace.filters, [older, newer]);
    let none = record("plain", "leaf", Options::default()).trace;
    assert_eq!((none.filters, none.filters_unread), (Vec::new(), None));
}

fn untraced_child_is_counted() {
    let trace = compare("plain", "untraced");
    assert_eq!((trace.unfollowed, trace.processes), (1, 1));
}

fn more_calls_than_kept_are_counted() {
    let options = Options {
        max_calls: 10,
        ..Options::default()
    };
    let trace = record("plain", "many", options).trace;
    assert_eq!(trace.calls.len(), 10);
    assert_eq!(trace.dropped, trace.total - 10);
    assert_eq!(count(&trace, "getppid", "ok"), 5000);
}

fn storm_of_threads_and_children() {
    let trace = record("plain", "storm", watch_all()).trace;
    assert_eq!(trace.exit, Exit::Code(0));
    assert_eq!((trace.processes, trace.threads), (9, 17));
    assert_eq!(count(&trace, "getppid", "ok"), 8 * 250);
}

fn death_of_all_threads() {
    let trace = record("plain", "death_of_group", Options::default()).trace;
    assert_eq!(
        trace.exit,
        Exit::Signal {
            name: "SIGKILL".to_owned(),
            core: false
        }
    );
    assert_eq!(trace.threads, 5);
}

fn exit_status_and_signal() {
    assert_eq!(
        record("plain", "exit7", Options::default()).trace.exit,
        Exit::Code(7)
    );
    let exit = record("plain", "abort", Options::default()).trace.exit;
    assert!(matches!(exit, Exit::Signal { name, .. } if name == "SIGABRT"));
}

/// A filter's kill, with other threads that die of it too: only the call that it was for has no result.
fn kill_of_all_threads() {
    let trace = record("plain", "kill_threads", watch_all()).trace;
    assert!(matches!(&trace.exit, Exit::Signal { name, .. } if name == "SIGSYS"));
    assert_eq!(count(&trace, "mkdirat", "unfinished"), 1);
    assert_eq!(count(&trace, "mkdirat", "ok"), 0);
}

fn init_with_threads() {
    for _ in 0..5 {
        compare("threads", "fork");
        compare("threads-late", "threads");
    }
}

fn init_that_execs_in_a_thread() {
    for _ in 0..5 {
        compare("threads-exec", "fork");
        compare("threads-making", "fork");
    }
}

fn init_that_fails() {
    let trace = record("fails", "leaf", Options::default()).trace;
    assert!(!trace.exec_seen);
    assert_eq!((trace.exit, trace.total), (Exit::Code(3), 0));
}

fn hook_is_not_recorded() {
    let trace = compare("hook", "threads");
    assert_eq!(trace.processes, 1);
}

fn visit_only() {
    let options = Options {
        record_calls: false,
        ..Options::default()
    };
    let trace = record("filters", "exit7", options).trace;
    assert_eq!(
        (trace.exit, trace.total, trace.exec_seen),
        (Exit::Code(7), 0, true)
    );
    assert!(trace.filters.len() == 2 || trace.filters_unread.is_some());
}

fn daemon_outlives_init() {
    let recorded = record("plain", "daemon", Options::default());
    assert_eq!(recorded.trace.exit, Exit::Code(0));
    // The output ends only when the daemon has.
    assert_eq!(lines(&recorded.output, "saw"), ["the daemon lives"]);
}

fn timeout_then_kill() {
    let mut init = Init::create("plain", "sleep");
    let mut recording = init.attach(Options::default());
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

fn dropped_recording_kills_init() {
    let mut init = Init::create("plain", "sleep");
    let recording = init.attach(Options::default());
    init.start();
    drop(recording);
    let start = Instant::now();
    // Its output ends with it.
    init.output();
    assert!(start.elapsed() < Duration::from_secs(30));
}

fn nobody_to_attach_to() {
    let mut gone = Init::create("plain", "leaf");
    gone.start();
    let attach = |init: &Init| PtraceRecorder.attach(init.pid(), Options::default(), Box::new(|_| ()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(matches!(attach(&gone), Err(Error::Gone(_))), "a zombie");
    gone.child.wait().expect("it ends");
    assert!(matches!(attach(&gone), Err(Error::Gone(_))), "nobody");
}

/// The control: the same program twice gives the same record, addresses and pids notwithstanding.
fn two_runs_are_equal() {
    let calls = || {
        let trace = record("plain", "fork", watch_all()).trace;
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

fn trace_is_json() {
    let trace = record("filters", "fork", watch_all()).trace;
    let text = serde_json::to_string(&trace).expect("it is written");
    assert_eq!(serde_json::from_str::<Trace>(&text).expect("it is read"), trace);
}
