//! Makes a record out of events: who made which call, and what came of it.
//!
//! A call is told when it leaves, so the record has calls in that order; of one thread it is the same as the order
//! in which they were entered, but for what a signal handler does inside of an interrupted call.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::constants::Constants;
use super::execve;
use super::kept::Kept;
use super::layout::{Count, Event, GROUP_DEAD, Kind, OF_WORKLOAD};
use super::setup::Setup;
use super::task::{Task, errno, failure, pending};
use crate::decode::{Caller, Decoder, Role};
use crate::ordinal::Ordinal;
use crate::pending::Pending;
use crate::record::{Arch, Call, CallResult, Exit, SetupCall, Trace};
use crate::sink::{Outcome, Sink};
use crate::{Options, Pid, arch};

/// The kernel's restart codes: `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`, `ERESTART_RESTARTBLOCK`.
const RESTARTS: [i64; 4] = [-512, -513, -514, -516];
/// Interrupted calls that a task may have open.
const MAX_INTERRUPTED: usize = 8;

/// The state of a replay.
pub(super) struct Replay {
    decoder: Decoder,
    sink: Sink,
    tasks: HashMap<Pid, Task>,
    /// By process: its ordinal, and how many threads it has had.
    threads: HashMap<Pid, (u32, u32)>,
    /// Pids as the workload sees them.
    inner: HashMap<Pid, Ordinal>,
    init: Option<Pid>,
    exec_seen: bool,
    ended: Option<i32>,
    setup: Setup,
    /// Of the program that init became; they are copied while it stands at its execve.
    constants: Arc<OnceLock<Constants>>,
    max_string: usize,
    /// Whether calls are recorded, and whether those that are not watched.
    calls: bool,
    unwatched: bool,
}

impl Replay {
    pub(super) fn new() -> Self {
        let options = Options::default();
        Self {
            decoder: Decoder::new(&options.watch, options.max_string),
            sink: Sink::new(options.max_calls),
            tasks: HashMap::new(),
            threads: HashMap::new(),
            inner: HashMap::new(),
            init: None,
            exec_seen: false,
            ended: None,
            setup: Setup::new(),
            constants: Arc::default(),
            max_string: options.max_string,
            calls: options.record_calls,
            unwatched: !options.only_watched,
        }
    }

    /// From now on, this is the init whose execve begins the workload.
    pub(super) fn arm(&mut self, init: Pid, options: &Options) {
        self.decoder = Decoder::new(&options.watch, options.max_string);
        self.sink = Sink::new(options.max_calls);
        self.init = Some(init);
        self.max_string = options.max_string;
        self.calls = options.record_calls;
        self.unwatched = !options.only_watched;
    }

    /// Where the constants of the program are to be put.
    pub(super) fn constants(&self) -> Arc<OnceLock<Constants>> {
        Arc::clone(&self.constants)
    }

    /// The kernel's side leaves out what is not wanted; this is for what comes along with other events.
    fn wants(&self, call: &Pending) -> bool {
        self.calls && (self.unwatched || self.decoder.watches(call.arch, call.nr))
    }

    /// What comes from here on belongs to this step.
    pub(super) fn phase(&mut self, label: &str) {
        self.setup.phase(label);
    }

    pub(super) fn take_setup(&mut self) -> Vec<SetupCall> {
        self.setup.take()
    }

    /// Whether the workload's init has ended: its exit code as wait(2) has it.
    pub(super) fn ended(&self) -> Option<i32> {
        self.ended
    }

    /// Calls that the kernel's side has only counted.
    pub(super) fn counted(&mut self, count: &Count, calls: u64) {
        let number = if count.compat {
            (Arch::I386, count.nr)
        } else {
            arch::split_native(count.nr)
        };
        let outcome = match count.error {
            0 => Outcome::Ok,
            error => Outcome::Errno(error),
        };
        self.sink.add(number, outcome, calls);
    }

    /// The record, once init has ended.
    pub(super) fn finish(&mut self, exit: Exit, visit: Option<Trace>) -> Trace {
        let tids: Vec<Pid> = self.tasks.keys().copied().collect();
        for tid in tids {
            self.close(tid, false);
        }
        let mut sink = std::mem::replace(&mut self.sink, Sink::new(0));
        sink.processes = u32::try_from(self.threads.len()).unwrap_or(u32::MAX);
        sink.threads = self.threads.values().map(|(_, threads)| threads).sum();
        let filters = visit.map(|visit| (visit.filters, visit.filters_unread));
        sink.finish(exit, self.exec_seen.then(|| filters.unwrap_or_default()))
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        if !event.has(OF_WORKLOAD) {
            if event.kind == Kind::End && self.init == Some(event.tgid) && event.has(GROUP_DEAD) {
                self.ended = Some(event.other);
            }
            return self.setup.event(event);
        }
        match event.kind {
            Kind::Call => self.called(event),
            Kind::Enter => self.entered(event),
            Kind::Fork => self.forked(event),
            Kind::Exec => self.execed(event),
            Kind::Trap => self.trapped(event.tid),
            Kind::End => self.end(event),
        }
    }

    fn add(&mut self, tid: Pid, tgid: Pid, inner: Pid, is_first_program: bool) -> Ordinal {
        let next = u32::try_from(self.threads.len()).unwrap_or(u32::MAX) + 1;
        // A number that has come around belongs to a new process.
        if tid == tgid {
            self.threads.insert(tgid, (next, 0));
        }
        let (process, threads) = self.threads.entry(tgid).or_insert((next, 0));
        *threads += 1;
        let ordinal = Ordinal {
            process: *process,
            thread: *threads,
        };
        self.tasks.insert(tid, Task::new(ordinal, is_first_program));
        self.inner.insert(inner, ordinal);
        ordinal
    }

    fn called(&mut self, event: &Event<'_>) {
        let mut call = pending(event);
        let Some(task) = self.tasks.get_mut(&event.tid) else {
            return;
        };
        task.suspect = None;
        let role = self.decoder.role(call.arch, call.nr);
        // One that was told when it entered: an execve that failed, a close.
        if let Some(entered) = task.entered.take() {
            return self.left(event, &entered, role);
        }
        let returned = std::mem::take(&mut task.returned);
        if let Some(open) = task.interrupted.last().copied() {
            if role == Role::Restart || call.repeats(&open) {
                task.interrupted.pop();
                call = open;
            } else {
                let stale = match role {
                    _ if returned => task.interrupted.pop(),
                    _ if task.interrupted.len() > MAX_INTERRUPTED => Some(task.interrupted.remove(0)),
                    _ => None,
                };
                if let Some(stale) = stale {
                    self.finish_call(&stale, Outcome::Errno(errno(libc::EINTR)));
                }
            }
        }
        if call.index.is_none() {
            self.open(event, &mut call);
        }
        self.left(event, &call, role);
    }

    /// What came of a call.
    fn left(&mut self, event: &Event<'_>, call: &Pending, role: Role) {
        let Some(task) = self.tasks.get_mut(&event.tid) else {
            return;
        };
        if RESTARTS.contains(&event.ret) {
            task.interrupted.push(*call);
            return;
        }
        task.suspect = arch::looks_rolled_back(call.nr, &call.args, event.ret).then_some(*call);
        let made = task.made.take();
        if role == Role::Return {
            task.returned = true;
            return self
                .sink
                .leave((call.arch, call.nr), call.index, Outcome::Ok, || {
                    CallResult::Value("0".to_owned())
                });
        }
        match failure(event.ret) {
            Some(outcome) => self.finish_call(call, outcome),
            None => {
                let kept = Kept {
                    event,
                    constants: None,
                    live: false,
                };
                let (decoder, inner) = (&self.decoder, &self.inner);
                self.sink
                    .leave((call.arch, call.nr), call.index, Outcome::Ok, || {
                        let known = |pid| inner.get(&pid).copied();
                        let caller = Caller {
                            source: &kept,
                            known: &known,
                        };
                        CallResult::Value(match made {
                            Some(made) => made.to_string(),
                            None => decoder.value(&caller, call.arch, call.nr, event.ret),
                        })
                    });
            }
        }
    }

    fn entered(&mut self, event: &Event<'_>) {
        let mut call = pending(event);
        if !self.wants(&call) {
            return;
        }
        self.open(event, &mut call);
        if let Some(task) = self.tasks.get_mut(&event.tid) {
            task.suspect = None;
            task.entered = Some(call);
        }
    }

    /// Writes down a call that is new.
    fn open(&mut self, event: &Event<'_>, call: &mut Pending) {
        let Some(task) = self.tasks.get(&event.tid) else {
            return;
        };
        let ordinal = task.ordinal;
        let kept = Kept {
            event,
            constants: self.constants.get().filter(|_| task.is_first_program),
            live: true,
        };
        let (decoder, inner) = (&self.decoder, &self.inner);
        call.index = self.sink.enter(|| {
            let known = |pid| inner.get(&pid).copied();
            let caller = Caller {
                source: &kept,
                known: &known,
            };
            let decoded = decoder.call(&caller, call.arch, call.nr, &call.args);
            Call {
                process: ordinal.process,
                thread: ordinal.thread,
                arch: call.arch,
                name: decoded.name,
                args: decoded.args,
                subject: decoded.subject,
                result: CallResult::Unfinished,
            }
        });
    }

    fn forked(&mut self, event: &Event<'_>) {
        let tgid = Pid::try_from(event.ret).unwrap_or(event.other);
        let inner = Pid::try_from(event.args[0]).unwrap_or(event.other);
        let is_first_program = self
            .tasks
            .get(&event.tid)
            .is_some_and(|parent| parent.is_first_program);
        let ordinal = self.add(event.other, tgid, inner, is_first_program);
        if let Some(parent) = self.tasks.get_mut(&event.tid) {
            parent.made = Some(ordinal);
        }
    }

    fn execed(&mut self, event: &Event<'_>) {
        if !self.exec_seen {
            self.exec_seen = true;
            let inner = Pid::try_from(event.args[2]).unwrap_or(event.tid);
            self.add(event.tgid, event.tgid, inner, true);
            self.setup.event(event);
            return;
        }
        let former = event.other;
        let Some(mut task) = self.tasks.remove(&former) else {
            return;
        };
        task.is_first_program = false;
        if former != event.tid {
            self.close(event.tid, false);
            task.ordinal.thread = 1;
        }
        if let Some(call) = task.entered.take() {
            let max_string = self.max_string;
            self.sink
                .amend(call.index, |call| execve::complete(call, event, max_string));
            self.sink
                .leave((call.arch, call.nr), call.index, Outcome::Ok, || {
                    CallResult::Value("0".to_owned())
                });
        }
        self.tasks.insert(event.tid, task);
    }

    fn trapped(&mut self, tid: Pid) {
        if let Some(call) = self.tasks.get_mut(&tid).and_then(|task| task.suspect.take()) {
            self.revise(&call, Outcome::Trapped);
        }
    }

    fn end(&mut self, event: &Event<'_>) {
        let by_sigsys = event.other & 0x7f == libc::SIGSYS;
        if let Some(task) = self.tasks.get(&event.tid) {
            let call = pending(event);
            let name = arch::name(call.arch, call.nr);
            let leaves = matches!(name, Some("exit" | "exit_group"));
            // A filter that kills a thread and not the process: the kernel ends it inside of the call.
            let killed = by_sigsys && event.other & 0x80 == 0 && task.suspect.is_none();
            if event.nr.cast_signed() >= 0 && (leaves || killed) && self.wants(&call) {
                let mut call = call;
                self.open(event, &mut call);
                self.finish_call(&call, Outcome::Unfinished);
            }
        }
        self.close(event.tid, by_sigsys);
        if self.init == Some(event.tgid) && event.has(GROUP_DEAD) {
            self.ended = Some(event.other);
        }
    }

    /// A task has ended: what it had open stays so, and so does a call for which a filter killed it.
    fn close(&mut self, tid: Pid, by_sigsys: bool) {
        let Some(task) = self.tasks.remove(&tid) else {
            return;
        };
        for call in task.entered.iter().chain(&task.interrupted) {
            self.finish_call(call, Outcome::Unfinished);
        }
        if let Some(call) = task.suspect.filter(|_| by_sigsys) {
            self.revise(&call, Outcome::Unfinished);
        }
    }

    fn revise(&mut self, call: &Pending, outcome: Outcome) {
        if self.sink.take_back((call.arch, call.nr), Outcome::Ok) {
            self.finish_call(call, outcome);
        }
    }

    /// Notes an end without a value.
    fn finish_call(&mut self, call: &Pending, outcome: Outcome) {
        self.sink
            .leave((call.arch, call.nr), call.index, outcome, || outcome.result());
    }
}
