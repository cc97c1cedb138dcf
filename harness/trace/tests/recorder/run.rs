//! What the trials share: running a program with and without a recorder, and comparing.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use ocidiff_trace::{Arch, Call, Calls, Options, Pid, Recording, Trace};

use crate::backend::{Backend, Session};

/// Longer than any trial takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// An init that waits to be started.
pub(crate) struct Init {
    pub(crate) child: Child,
    session: Session,
    output: BufReader<ChildStdout>,
}

impl Init {
    pub(crate) fn create(backend: Backend, way: &str, program: &str) -> Self {
        Self::create_in(Session::of(backend), way, program)
    }

    /// The same with eBPF and a ring that is too small.
    pub(crate) fn create_small(way: &str, program: &str) -> Self {
        Self::create_in(Session::small(), way, program)
    }

    fn create_in(session: Session, way: &str, program: &str) -> Self {
        let mut child = Command::new("/proc/self/exe")
            .args(["--init", way, program])
            .envs(session.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("init starts");
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("init speaks");
        assert_eq!(line, "standing\n");
        Self {
            child,
            session,
            output,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::try_from(self.child.id()).expect("a pid fits")
    }

    /// Starts it: closes what it reads from.
    pub(crate) fn start(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn output(mut self) -> String {
        let mut text = String::new();
        self.output.read_to_string(&mut text).expect("the output is text");
        text
    }

    pub(crate) fn attach(
        &self,
        options: Options,
        on_exec: ocidiff_trace::OnExec,
    ) -> Result<Box<dyn Recording>, ocidiff_trace::Error> {
        self.session.recorder().attach(self.pid(), options, on_exec)
    }
}

/// A program's output and record.
pub(crate) struct Recorded {
    pub(crate) output: String,
    pub(crate) trace: Trace,
}

/// Everything decoded.
pub(crate) fn watch_all() -> Options {
    Options {
        calls: Some(Calls {
            watch: vec!["*".to_owned()],
            ..Calls::default()
        }),
        ..Options::default()
    }
}

/// Runs a program under the recorder.
pub(crate) fn record(backend: Backend, way: &str, program: &str, options: Options) -> Recorded {
    let mut init = Init::create(backend, way, program);
    let (visited, visits) = channel();
    let pid = init.pid();
    let on_exec = Box::new(move |tgid| visited.send(tgid).expect("somebody listens"));
    let mut recording = init.attach(options, on_exec).expect("attach");
    init.start();
    let trace = recording.wait(LIMIT).expect("a trace").expect("it ends in time");
    let expected = if trace.exec_seen { vec![pid] } else { Vec::new() };
    assert_eq!(
        visits.iter().collect::<Vec<_>>(),
        expected,
        "the visit at the execve"
    );
    let sum: u64 = trace.counts.values().flat_map(|results| results.values()).sum();
    assert_eq!(sum, trace.total, "every call is counted once");
    assert_eq!(trace.calls.len() as u64 + trace.dropped, trace.total);
    assert!(trace.cut.values().sum::<u64>() <= trace.dropped);
    Recorded {
        output: init.output(),
        trace,
    }
}

/// Runs a program alone.
pub(crate) fn alone(program: &str) -> String {
    let mut init = Init::create(Backend::Ptrace, "plain", program);
    init.start();
    init.child.wait().expect("it ends");
    init.output()
}

/// The lines of an output that begin with a word, without it.
pub(crate) fn lines<'text>(output: &'text str, word: &str) -> Vec<&'text str> {
    output
        .lines()
        .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
        .collect()
}

/// A call as the programs write it: the task, and the architecture where it is not the usual one.
fn written(call: &Call) -> String {
    let arch = if call.arch == Arch::I386 { "i386 " } else { "" };
    format!("{}.{} {arch}{call}", call.process, call.thread)
}

/// Runs a program with and without the recorder: the program must see the same, and the record must show what
/// it says. Of the record, the calls between the marks are compared whose name the program mentions.
pub(crate) fn compare(backend: Backend, way: &str, program: &str) -> Trace {
    let recorded = record(backend, way, program, watch_all());
    let mut expected = lines(&recorded.output, "call");
    let said = expected.len() + lines(&recorded.output, "saw").len();
    assert!(said > 0, "the program says nothing, and would always pass");
    let names: Vec<&str> = expected.iter().map(|line| name_of(line)).collect();
    let calls = recorded.trace.calls.iter();
    let mut between = calls
        .skip_while(|call| call.name != "sched_yield")
        .collect::<Vec<_>>();
    if let Some(end) = between
        .iter()
        .rposition(|call| call.name == "sched_yield" && call.process == 1)
    {
        // The second of two marks; a program that does not reach its end has only one.
        if end > 0 {
            between.truncate(end);
        }
    }
    let mut shown: Vec<String> = between
        .into_iter()
        .filter(|call| names.contains(&call.name.as_str()))
        .map(written)
        .filter(|line| !is_noise(line))
        .collect();
    // How the calls of several processes interleave is up to the scheduler.
    shown.sort_by_key(|line| process_of(line));
    expected.sort_by_key(|line| process_of(line));
    assert_eq!(
        shown, expected,
        "what the record shows, and what the program says that it did"
    );
    let plain = alone(program);
    let (saw, sees) = (lines(&recorded.output, "saw"), lines(&plain, "saw"));
    let only = |of: &[&str], and: &[&str]| {
        let only = of.iter().filter(|line| !and.contains(line));
        only.map(|line| (*line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(only(&saw, &sees), only(&sees, &saw), "what the program sees");
    assert_eq!(saw, sees, "what the program sees");
    recorded.trace
}

fn process_of(line: &str) -> u32 {
    line.split('.')
        .next()
        .and_then(|process| process.parse().ok())
        .unwrap_or(0)
}

fn name_of(line: &str) -> &str {
    let head = line.split('(').next().unwrap_or_default();
    head.rsplit(' ').next().unwrap_or_default()
}

/// What libraries do between the marks: output, and closing of descriptors that were open.
fn is_noise(line: &str) -> bool {
    let is_mark = line.contains(" close(10") && line.ends_with(" = EBADF");
    line.contains(" close(") && !is_mark || line.contains(", \"saw ") || line.contains(", \"call ")
}
