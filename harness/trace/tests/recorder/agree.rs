//! Both backends on the same programs: what they record must be the same, thread by thread, except for what the
//! table below explains.

use std::collections::BTreeMap;

use ocidiff_trace::{Call, Trace};

use crate::backend::Backend;
use crate::run::{record, watch_all};
use crate::trials::COMPARED;

/// In addition to the programs that are compared with what they say about themselves.
const MORE: &[&str] = &[
    "untraced",
    "exec32",
    "daemon",
    "exit7",
    "abort",
    "kill_threads",
    "tracer",
];

/// Those of which no two runs are the same: one prints its process ids, one is killed at random moments.
const NEVER_THE_SAME: &[&str] = &["status", "killed_forking"];

/// Programs of hard kinds.
pub(crate) fn programs() -> impl Iterator<Item = &'static str> {
    let compared = COMPARED.iter().filter(|name| !NEVER_THE_SAME.contains(name));
    compared.chain(MORE).copied()
}

/// Where they disagree, and why: the program, whether a line is about it, the reason.
type Explained = (&'static str, fn(&str) -> bool, &'static str);

const EXPLAINED: &[Explained] = &[
    (
        "untraced",
        |line| line.starts_with("2.") || line.contains("clone(") || line.contains("wait4("),
        "CLONE_UNTRACED keeps tracers away from the child, so ptrace has no number for it; eBPF follows it",
    ),
    (
        "tracer",
        |line| {
            ["ptrace(", "write(", "read("]
                .iter()
                .any(|call| line.contains(call))
        },
        "the program asks to be traced: under ptrace it is already, and it reads and prints that",
    ),
    (
        "vfork",
        |line| line.contains("poll(") || line.contains("write("),
        "which of two pipes ends first is up to the scheduler; and it prints how large its environment is, in which \
         eBPF's trials have a variable of their own",
    ),
    (
        "exec_thread",
        |line| {
            let ended = ["1.2", "1.3", "1.4"]
                .iter()
                .any(|thread| line.starts_with(thread));
            ended
                || ["clone3(", "rt_sigprocmask("]
                    .iter()
                    .any(|call| line.contains(call))
        },
        "threads that another one's execve ends, the first one too: how far they come is up to the scheduler",
    ),
    (
        "setuid_exec",
        |line| line.contains("/ocidiff-trace-"),
        "the copy of the program has a process id in its name",
    ),
    (
        "group_stop",
        |line| line.contains("/stat"),
        "the program opens a path with a process id in it, and reads that id",
    ),
    (
        "daemon",
        |line| line.starts_with("2."),
        "a process that outlives init: where its record ends is up to the scheduler",
    ),
    (
        "group_stop_of_threads",
        |line| line.starts_with("2."),
        "threads that sleep through a stop: how far they come before the process ends is up to the scheduler",
    ),
    (
        "kill_threads",
        |line| !line.starts_with("1.1"),
        "threads that die in their sleep: whether they have fallen asleep is up to the scheduler",
    ),
];

/// Calls that libraries make a varying number of times, depending on the scheduler.
const ACCIDENTAL: [&str; 9] = [
    "futex",
    "sched_yield",
    "madvise",
    "mmap",
    "munmap",
    "mprotect",
    "brk",
    "rseq",
    "exit",
];

/// Records a program with both, and compares.
pub(crate) fn compare(program: &str) {
    let with = |backend| record(backend, "plain", program, watch_all()).trace;
    let (ptrace, ebpf) = (with(Backend::Ptrace), with(Backend::Ebpf));
    assert_eq!(ptrace.exit, ebpf.exit, "how it ended");
    let (left, right) = (by_thread(program, &ptrace), by_thread(program, &ebpf));
    for thread in left.keys().chain(right.keys()) {
        let lines = |of: &BTreeMap<_, Vec<String>>| of.get(thread).cloned().unwrap_or_default();
        let (left, right) = (lines(&left), lines(&right));
        let first = left
            .iter()
            .zip(&right)
            .position(|(left, right)| left != right)
            .unwrap_or(left.len().min(right.len()));
        let from = |lines: &[String]| lines.iter().skip(first).take(3).cloned().collect::<Vec<_>>();
        assert_eq!(
            (from(&left), left.len()),
            (from(&right), right.len()),
            "{thread:?} from line {first} on: ptrace on the left, eBPF on the right"
        );
    }
    // A program for which everything is explained away would compare nothing.
    assert!(!left.is_empty());
}

/// The lines of each thread.
fn by_thread(program: &str, trace: &Trace) -> BTreeMap<(u32, u32), Vec<String>> {
    let mut threads: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for call in &trace.calls {
        let line = line(call);
        let explained = EXPLAINED
            .iter()
            .any(|(of, is_about, _)| *of == program && is_about(&line));
        if !explained && !ACCIDENTAL.contains(&call.name.as_str()) {
            threads.entry((call.process, call.thread)).or_default().push(line);
        }
    }
    threads
}

fn line(call: &Call) -> String {
    format!(
        "{}.{} {:?} {call} about {:?}",
        call.process, call.thread, call.arch, call.subject
    )
}
