//! Entries and exits of calls, and what signals do to them.
//!
//! A call that a signal interrupts leaves with one of the kernel's own restart codes, which no program ever
//! sees: it goes on by itself, goes on after the handler, or answers EINTR. Under ptrace even an ignored signal
//! does that. So such a call stays open until it is clear which of them it is, and the record says what the
//! program saw, whether or not a signal happened to come just then.

use super::Live;
use super::follow::Follow;
use super::sys::{self, SyscallStop};
use crate::decode::{Caller, Role};
use crate::pending::Pending;
use crate::record::{Call, CallResult};
use crate::sink::Outcome;
use crate::{Pid, arch};

/// The kernel's restart codes: `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`, `ERESTART_RESTARTBLOCK`.
const RESTARTS: [i64; 4] = [-512, -513, -514, -516];

/// Interrupted calls that a task may have open: a program that jumps out of its handlers never ends them.
const MAX_INTERRUPTED: usize = 8;

impl Follow<'_> {
    /// A task stands before or behind a call.
    pub(super) fn syscall(&mut self, tid: Pid) {
        match sys::syscall_stop(tid) {
            Ok(SyscallStop::Entry { audit_arch, nr, args }) => {
                let (arch, nr) = arch::split(audit_arch, nr);
                self.entered(
                    tid,
                    Pending {
                        arch,
                        nr,
                        args,
                        index: None,
                    },
                );
            }
            Ok(SyscallStop::Exit { value, is_error }) => self.exited(tid, value, is_error),
            // Killed meanwhile, or stopped for something else.
            Ok(SyscallStop::Other) | Err(_) => {}
        }
    }

    fn entered(&mut self, tid: Pid, mut call: Pending) {
        let role = self.decoder.role(call.arch, call.nr);
        let Some(task) = self.tasks.get(tid) else { return };
        task.skip_exit = false;
        task.made = None;
        task.suspect = None;
        let returned = std::mem::take(&mut task.returned);
        if let Some(open) = task.interrupted.last().copied() {
            if role == Role::Restart || call.repeats(&open) {
                task.interrupted.pop();
                task.call = Some(open);
                return;
            }
            let stale = match role {
                _ if returned => task.interrupted.pop(),
                _ if task.interrupted.len() > MAX_INTERRUPTED => Some(task.interrupted.remove(0)),
                _ => None,
            };
            if let Some(stale) = stale {
                self.end(&stale, Outcome::Errno(errno(libc::EINTR)));
            }
        }
        self.open(tid, &mut call);
    }

    /// Writes down a call that is new.
    fn open(&mut self, tid: Pid, call: &mut Pending) {
        let Some(task) = self.tasks.get(tid) else { return };
        let ordinal = task.ordinal;
        let (decoder, tasks) = (&self.decoder, &self.tasks);
        call.index = self.sink.enter(|| {
            let known = |pid| tasks.known(pid);
            let caller = Caller {
                source: &Live(tid),
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
        if let Some(task) = self.tasks.get(tid) {
            task.call = Some(*call);
        }
    }

    fn exited(&mut self, tid: Pid, value: i64, is_error: bool) {
        let Some(task) = self.tasks.get(tid) else { return };
        if std::mem::take(&mut task.skip_exit) {
            return;
        }
        let Some(call) = task.call.take() else { return };
        if is_error && RESTARTS.contains(&value) {
            task.interrupted.push(call);
            return;
        }
        task.suspect = arch::looks_rolled_back(call.nr, &call.args, value).then_some(call);
        let made = task.made.take();
        match self.decoder.role(call.arch, call.nr) {
            // What it "returns" is a register of the interrupted program.
            Role::Return => {
                if let Some(task) = self.tasks.get(tid) {
                    task.returned = true;
                }
                self.sink
                    .leave((call.arch, call.nr), call.index, Outcome::Ok, || {
                        CallResult::Value("0".to_owned())
                    });
            }
            Role::Fork if !is_error && value > 0 && made.is_none() => {
                self.sink.unfollowed += 1;
                self.end(&call, Outcome::Ok);
            }
            _ if is_error => self.end(&call, Outcome::Errno(u16::try_from(-value).unwrap_or(u16::MAX))),
            _ => self.succeeded(tid, &call, value, made),
        }
    }

    fn succeeded(&mut self, tid: Pid, call: &Pending, value: i64, made: Option<crate::ordinal::Ordinal>) {
        let (decoder, tasks) = (&self.decoder, &self.tasks);
        self.sink
            .leave((call.arch, call.nr), call.index, Outcome::Ok, || {
                let known = |pid| tasks.known(pid);
                let caller = Caller {
                    source: &Live(tid),
                    known: &known,
                };
                CallResult::Value(match made {
                    Some(made) => made.to_string(),
                    None => decoder.value(&caller, call.arch, call.nr, value),
                })
            });
    }

    /// Notes an end without a value.
    fn end(&mut self, call: &Pending, outcome: Outcome) {
        self.sink
            .leave((call.arch, call.nr), call.index, outcome, || outcome.result());
    }

    /// A SIGSYS that a seccomp filter sent: the last call was not made.
    pub(super) fn trapped(&mut self, tid: Pid) {
        let Some(call) = self.tasks.get(tid).and_then(|task| task.suspect.take()) else {
            return;
        };
        if sys::is_seccomp_signal(tid) {
            self.revise(&call, Outcome::Trapped);
        }
    }

    /// Replaces a success that was none.
    fn revise(&mut self, call: &Pending, outcome: Outcome) {
        if self.sink.take_back((call.arch, call.nr), Outcome::Ok) {
            self.end(call, outcome);
        }
    }

    /// A task has ended: what it had open stays so, and so does a call for which a filter killed it.
    pub(super) fn close(&mut self, tid: Pid, by_sigsys: bool) {
        let Some(task) = self.tasks.remove(tid) else {
            return;
        };
        for call in task.call.iter().chain(&task.interrupted) {
            self.end(call, Outcome::Unfinished);
        }
        if let Some(call) = task.suspect.filter(|_| by_sigsys) {
            self.revise(&call, Outcome::Unfinished);
        }
    }

    /// Whether the fork that a task is in makes a thread, for a child that ended too early to be looked at.
    pub(super) fn is_making_thread(&mut self, tid: Pid) -> bool {
        let Some(call) = self.tasks.get(tid).and_then(|task| task.call) else {
            return false;
        };
        let flags = match arch::name(call.arch, call.nr) {
            Some("clone") => call.args[0],
            Some("clone3") => self.decoder.word(&Live(tid), call.args[0]).unwrap_or(0),
            _ => 0,
        };
        flags & libc::CLONE_THREAD as u64 != 0
    }
}

fn errno(errno: libc::c_int) -> u16 {
    u16::try_from(errno).unwrap_or(u16::MAX)
}
