//! Entries and exits of calls, and what signals do to calls.

use super::Live;
use super::follow::Follow;
use super::sys::{self, SyscallStop};
use crate::decode::{Caller, Role};
use crate::interrupted::{Next, is_restart};
use crate::pending::Pending;
use crate::record::CallResult;
use crate::sink::Outcome;
use crate::{Pid, arch};

impl Follow<'_> {
    /// A task stands before or after a call.
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
        match task.interrupted.next(&call, role) {
            Next::GoesOn(open) => {
                task.call = Some(open);
                return;
            }
            Next::New(Some(stale)) => self.sink.end(&stale, Outcome::error(libc::EINTR)),
            Next::New(None) => {}
        }
        self.open(tid, &mut call);
    }

    /// Writes down a call that is new.
    fn open(&mut self, tid: Pid, call: &mut Pending) {
        let Some(task) = self.tasks.get(tid) else { return };
        let ordinal = task.ordinal;
        let (decoder, tasks) = (&self.decoder, &self.tasks);
        let is_watched = decoder.watches(call.arch, call.nr);
        call.index = self.sink.enter(call, is_watched, || {
            let known = |pid| tasks.known(pid);
            let caller = Caller {
                source: &Live(tid),
                known: &known,
            };
            decoder.line(&caller, ordinal, call)
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
        if is_error && is_restart(value) {
            task.interrupted.push(call);
            return;
        }
        task.suspect = arch::looks_rolled_back(call.nr, &call.args, value).then_some(call);
        let made = task.made.take();
        match self.decoder.role(call.arch, call.nr) {
            // What it "returns" is a register of the interrupted program.
            Role::Return => {
                if let Some(task) = self.tasks.get(tid) {
                    task.interrupted.handler_returned();
                }
                self.sink.succeed(&call, || CallResult::Value("0".to_owned()));
            }
            Role::Fork if !is_error && value > 0 && made.is_none() => {
                self.sink.unfollowed += 1;
                self.sink.end(&call, Outcome::Ok);
            }
            _ if is_error => self
                .sink
                .end(&call, Outcome::Errno(u16::try_from(-value).unwrap_or(u16::MAX))),
            _ => self.succeeded(tid, &call, value, made),
        }
    }

    fn succeeded(&mut self, tid: Pid, call: &Pending, value: i64, made: Option<crate::ordinal::Ordinal>) {
        let (decoder, tasks) = (&self.decoder, &self.tasks);
        self.sink.succeed(call, || {
            let known = |pid| tasks.known(pid);
            let caller = Caller {
                source: &Live(tid),
                known: &known,
            };
            decoder.result(&caller, call, value, made)
        });
    }

    /// A SIGSYS that a seccomp filter sent: the last call was not made.
    pub(super) fn trapped(&mut self, tid: Pid) {
        let Some(call) = self.tasks.get(tid).and_then(|task| task.suspect.take()) else {
            return;
        };
        if sys::is_seccomp_signal(tid) {
            self.sink.revise(&call, Outcome::Trapped);
        }
    }

    /// A task has ended: what it had open stays open, and so does a call for which a filter killed it.
    pub(super) fn close(&mut self, tid: Pid, by_sigsys: bool) {
        let Some(task) = self.tasks.remove(tid) else {
            return;
        };
        for call in task.call.iter().chain(task.interrupted.open()) {
            self.sink.end(call, Outcome::Unfinished);
        }
        if let Some(call) = task.suspect.filter(|_| by_sigsys) {
            self.sink.revise(&call, Outcome::Unfinished);
        }
    }

    /// Whether the fork that a task is in makes a thread, for a child that ended too early to be examined.
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
