//! Makes a record from events: which task made which call, and what came of it.
//!
//! A call is reported when it leaves, so the record has calls in that order. Within one thread that is the order
//! in which they were entered, except for what a signal handler does inside an interrupted call.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::constants::Constants;
use super::execve;
use super::kept::Kept;
use super::layout::{Count, Event, GROUP_DEAD, Kind, OF_WORKLOAD};
use super::setup::Setup;
use super::task::{Task, failure, numbered, pending};
use crate::decode::{Caller, Decoder, Role};
use crate::interrupted::{Next, is_restart};
use crate::ordinal::{Ordinal, Ordinals};
use crate::pending::Pending;
use crate::record::{CallResult, Exit, SetupCall, Trace};
use crate::sink::{Outcome, Sink};
use crate::{Options, Others, Pid, arch};

/// The state of a replay.
pub(super) struct Replay {
    decoder: Decoder,
    sink: Sink,
    tasks: HashMap<Pid, Task>,
    ordinals: Ordinals,
    init: Option<Pid>,
    exec_seen: bool,
    ended: Option<i32>,
    setup: Setup,
    /// From the program that init became; they are copied while it stands at its execve.
    constants: Arc<OnceLock<Constants>>,
    max_string: usize,
    /// Which calls are recorded, if any: what becomes of those that are not watched.
    others: Option<Others>,
}

impl Replay {
    pub(super) fn new() -> Self {
        let options = Options::default();
        Self {
            decoder: Decoder::new(&[], options.max_string),
            sink: Sink::new(0),
            tasks: HashMap::new(),
            ordinals: Ordinals::default(),
            init: None,
            exec_seen: false,
            ended: None,
            setup: Setup::new(),
            constants: Arc::default(),
            max_string: options.max_string,
            others: None,
        }
    }

    /// From now on, this is the init whose execve begins the workload.
    pub(super) fn arm(&mut self, init: Pid, options: &Options) {
        let calls = options.calls.as_ref();
        let watch = calls.map_or(&[][..], |calls| &calls.watch);
        self.decoder = Decoder::new(watch, options.max_string);
        self.sink = Sink::new(calls.map_or(0, |calls| calls.max));
        self.init = Some(init);
        self.max_string = options.max_string;
        self.others = calls.map(|calls| calls.others);
    }

    /// Where to put the constants of the program.
    pub(super) fn constants(&self) -> Arc<OnceLock<Constants>> {
        Arc::clone(&self.constants)
    }

    /// The kernel's side leaves out what is not wanted; this filters what comes along with other events.
    fn wants(&self, call: &Pending) -> bool {
        match self.others {
            None => false,
            Some(Others::Recorded) => true,
            Some(Others::LeftOut) => self.decoder.watches(call.arch, call.nr),
        }
    }

    /// What comes from now on belongs to this step.
    pub(super) fn phase(&mut self, label: &str) {
        self.setup.phase(label);
    }

    pub(super) fn take_setup(&mut self) -> Vec<SetupCall> {
        self.setup.take()
    }

    /// Whether the workload's init has ended: its exit code as in wait(2).
    pub(super) fn ended(&self) -> Option<i32> {
        self.ended
    }

    /// Calls that the kernel's side has only counted.
    pub(super) fn counted(&mut self, count: &Count, calls: u64) {
        let number = numbered(count.compat, count.nr);
        let outcome = match count.error {
            0 => Outcome::Ok,
            error => Outcome::Errno(error),
        };
        let is_watched = self.decoder.watches(number.0, number.1);
        self.sink.add(number, is_watched, outcome, calls);
    }

    /// The record, once init has ended.
    pub(super) fn finish(&mut self, exit: Exit, visit: Option<Trace>) -> Trace {
        let tids: Vec<Pid> = self.tasks.keys().copied().collect();
        for tid in tids {
            self.close(tid, false);
        }
        let mut sink = std::mem::replace(&mut self.sink, Sink::new(0));
        sink.processes = self.ordinals.processes;
        sink.threads = self.ordinals.total_threads;
        let filters = visit.map(|visit| (visit.filters, visit.filters_unread));
        sink.finish(exit, self.exec_seen.then(|| filters.unwrap_or_default()))
    }

    /// Takes one event.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        if event.kind == Kind::End && self.init == Some(event.tgid) && event.has(GROUP_DEAD) {
            self.ended = Some(event.other);
        }
        if !event.has(OF_WORKLOAD) {
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
        let ordinal = self.ordinals.give(tid, tgid, inner);
        self.tasks.insert(tid, Task::new(ordinal, is_first_program));
        ordinal
    }

    fn called(&mut self, event: &Event<'_>) {
        let mut call = pending(event);
        let Some(task) = self.tasks.get_mut(&event.tid) else {
            return;
        };
        task.suspect = None;
        let role = self.decoder.role(call.arch, call.nr);
        // A call that was already reported when it entered: an execve that failed, a close.
        if let Some(entered) = task.entered.take() {
            return self.left(event, &entered, role);
        }
        match task.interrupted.next(&call, role) {
            Next::GoesOn(open) => call = open,
            Next::New(stale) => {
                if let Some(stale) = stale {
                    self.sink.end(&stale, Outcome::error(libc::EINTR));
                }
                self.open(event, &mut call);
            }
        }
        self.left(event, &call, role);
    }

    /// What came of a call.
    fn left(&mut self, event: &Event<'_>, call: &Pending, role: Role) {
        let Some(task) = self.tasks.get_mut(&event.tid) else {
            return;
        };
        if is_restart(event.ret) {
            task.interrupted.push(*call);
            return;
        }
        task.suspect = arch::looks_rolled_back(call.nr, &call.args, event.ret).then_some(*call);
        let made = task.made.take();
        if role == Role::Return {
            task.interrupted.handler_returned();
            return self.sink.succeed(call, || CallResult::Value("0".to_owned()));
        }
        if let Some(outcome) = failure(event.ret) {
            return self.sink.end(call, outcome);
        }
        let kept = Kept {
            event,
            constants: None,
            live: false,
        };
        let (decoder, ordinals) = (&self.decoder, &self.ordinals);
        self.sink.succeed(call, || {
            let known = |pid| ordinals.known(pid);
            let caller = Caller {
                source: &kept,
                known: &known,
            };
            decoder.result(&caller, call, event.ret, made)
        });
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
        let (decoder, ordinals) = (&self.decoder, &self.ordinals);
        let is_watched = decoder.watches(call.arch, call.nr);
        call.index = self.sink.enter(call, is_watched, || {
            let known = |pid| ordinals.known(pid);
            let caller = Caller {
                source: &kept,
                known: &known,
            };
            decoder.line(&caller, ordinal, call)
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
            self.sink.succeed(&call, || CallResult::Value("0".to_owned()));
        }
        self.tasks.insert(event.tid, task);
    }

    fn trapped(&mut self, tid: Pid) {
        if let Some(call) = self.tasks.get_mut(&tid).and_then(|task| task.suspect.take()) {
            self.sink.revise(&call, Outcome::Trapped);
        }
    }

    fn end(&mut self, event: &Event<'_>) {
        let by_sigsys = event.other & 0x7f == libc::SIGSYS;
        if let Some(task) = self.tasks.get(&event.tid) {
            let call = pending(event);
            let name = arch::name(call.arch, call.nr);
            let leaves = matches!(name, Some("exit" | "exit_group"));
            // A filter that kills a thread and not the process: the kernel ends the thread inside the call.
            let killed = by_sigsys && event.other & 0x80 == 0 && task.suspect.is_none();
            if event.nr.cast_signed() >= 0 && (leaves || killed) && self.wants(&call) {
                let mut call = call;
                self.open(event, &mut call);
                self.sink.end(&call, Outcome::Unfinished);
            }
        }
        self.close(event.tid, by_sigsys);
    }

    /// A task has ended: what it had open stays open, and so does a call for which a filter killed it.
    fn close(&mut self, tid: Pid, by_sigsys: bool) {
        let Some(task) = self.tasks.remove(&tid) else {
            return;
        };
        for call in task.entered.iter().chain(task.interrupted.open()) {
            self.sink.end(call, Outcome::Unfinished);
        }
        if let Some(call) = task.suspect.filter(|_| by_sigsys) {
            self.sink.revise(&call, Outcome::Unfinished);
        }
    }
}
