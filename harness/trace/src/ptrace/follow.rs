//! From the execve on: every stop of every thread and child.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::forced;
use super::pace::Pace;
use super::stop::Stop;
use super::sys::{self, Resume, Status};
use super::tasks::Tasks;
use crate::decode::Decoder;
use crate::ordinal::Ordinal;
use crate::record::Exit;
use crate::signals::signal_name;
use crate::sink::Sink;
use crate::{Error, Pid};

/// The events to be reported from the execve on. Not `TRACESECCOMP`: a filter's `TRACE` must answer ENOSYS, as
/// it does without a tracer.
const OPTIONS: usize = sys::TRACE_SYSGOOD
    | sys::TRACE_FORK
    | sys::TRACE_VFORK
    | sys::TRACE_CLONE
    | sys::TRACE_EXEC
    | sys::EXIT_KILL;

/// How long to try to detach from whatever outlives init.
const DETACH_TIME: Duration = Duration::from_secs(1);

/// Follows a workload. The handling of calls themselves is in `calls.rs`.
pub(super) struct Follow<'sink> {
    pub(super) init: Pid,
    pub(super) tasks: Tasks,
    pub(super) decoder: Decoder,
    pub(super) sink: &'sink mut Sink,
    pace: Pace,
    /// Tasks that reported something before the fork that made them was reported, with what they reported.
    early: HashMap<Pid, Status>,
    /// Of those, the tasks that were taken up without waiting for that fork, and their ordinals.
    adopted: HashMap<Pid, Ordinal>,
    /// Threads of the program before the execve, whose ends may be reported late.
    former: HashSet<Pid>,
    /// The forced signal by which init would have died.
    killed_by: Option<libc::c_int>,
}

impl<'sink> Follow<'sink> {
    /// Takes up a workload that stands at its execve.
    pub(super) fn new(init: Pid, former: HashSet<Pid>, decoder: Decoder, sink: &'sink mut Sink) -> Self {
        let mut tasks = Tasks::default();
        tasks.add(init, None, false);
        Self {
            init,
            tasks,
            decoder,
            sink,
            pace: Pace::new(),
            early: HashMap::new(),
            adopted: HashMap::new(),
            former,
            killed_by: None,
        }
    }

    /// Follows it to its end.
    pub(super) fn run(mut self) -> Result<Exit, Error> {
        // If it was killed at its execve, its end is reported next.
        let _ = sys::set_options(self.init, OPTIONS);
        let _ = sys::resume(self.init, Resume::Syscall, 0);
        let exit = loop {
            match self.pace.wait() {
                Ok((tid, status)) => {
                    if let Some(exit) = self.told(tid, status) {
                        break exit;
                    }
                }
                // Something else has reaped it.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => break Exit::Unknown,
                Err(source) => {
                    return Err(Error::System {
                        doing: "wait for the workload",
                        source,
                    });
                }
            }
        };
        self.let_go_of_rest();
        self.sink.processes = self.tasks.ordinals.processes;
        self.sink.threads = self.tasks.ordinals.total_threads;
        Ok(exit)
    }

    /// Handles what a wait returned; the result is init's end.
    fn told(&mut self, tid: Pid, status: Status) -> Option<Exit> {
        let stop = Stop::of(status);
        if !self.tasks.contains(tid) {
            if self.former.remove(&tid) {
                return None;
            }
            self.early.insert(tid, status);
            return None;
        }
        if let Stop::Ended(exit) = stop {
            let by_sigsys = matches!(
                status,
                Status::Killed {
                    signal: libc::SIGSYS,
                    ..
                }
            );
            self.close(tid, by_sigsys);
            self.adopt_orphans();
            return (tid == self.init).then(|| self.as_untraced(exit));
        }
        self.pace.stopped(tid);
        let (how, signal) = self.stopped(tid, &stop);
        // A task that was killed meanwhile is not an error: its end is reported next.
        let _ = sys::resume(tid, how, signal);
        None
    }

    /// How init would have ended without a recorder.
    fn as_untraced(&self, exit: Exit) -> Exit {
        match self.killed_by {
            Some(signal) => Exit::Signal {
                name: signal_name(signal),
                core: false,
            },
            None => exit,
        }
    }

    /// Handles a stop, and returns how the task goes on.
    fn stopped(&mut self, tid: Pid, stop: &Stop) -> (Resume, libc::c_int) {
        match *stop {
            Stop::Syscall => self.syscall(tid),
            Stop::Fork => self.forked(tid),
            Stop::Exec => self.execed(tid),
            Stop::Group => return (Resume::Listen, 0),
            Stop::Signal(signal) => {
                if signal == libc::SIGSYS {
                    self.trapped(tid);
                }
                if self.tasks.tgid(tid) == Some(self.init) && forced::would_kill_init(self.init, tid, signal)
                {
                    self.killed_by.get_or_insert(signal);
                    forced::kill(self.init);
                    return (Resume::Syscall, 0);
                }
                return (Resume::Syscall, signal);
            }
            Stop::Trap | Stop::Ended(_) => {}
        }
        (Resume::Syscall, 0)
    }

    /// A task has made another one, which may have reported something already.
    fn forked(&mut self, tid: Pid) {
        let Ok(child) = sys::event_message(tid) else {
            return;
        };
        // A task that was taken up may have ended since.
        let made = match self.adopted.remove(&child) {
            Some(ordinal) if self.tasks.contains(child) || !self.early.contains_key(&child) => ordinal,
            _ => {
                let is_thread = self.is_making_thread(tid);
                self.tasks.add(child, Some(tid), is_thread)
            }
        };
        if let Some(task) = self.tasks.get(tid) {
            task.made = Some(made);
        }
        if let Some(status) = self.early.remove(&child) {
            self.told(child, status);
        }
    }

    /// A task that is killed while it forks never reports its child, which would wait for us for ever. So
    /// whenever a task ends, all tasks that wait are taken up; a fork that is reported later finds them.
    fn adopt_orphans(&mut self) {
        for (tid, status) in std::mem::take(&mut self.early) {
            if matches!(status, Status::Stopped { .. }) {
                let ordinal = self.tasks.add(tid, None, false);
                self.adopted.insert(tid, ordinal);
                self.told(tid, status);
            }
        }
    }

    /// A program was replaced. In a thread that is not the first, the exec ends all others and takes the
    /// first one's id; its own id does not appear again.
    fn execed(&mut self, tid: Pid) {
        let former = sys::event_message(tid).unwrap_or(tid);
        if former == tid {
            return;
        }
        let Some(mut task) = self.tasks.remove(former) else {
            return;
        };
        self.close(tid, false);
        task.ordinal.thread = 1;
        self.tasks.replace(tid, task);
    }

    /// Detaches from what outlives init: outside a private pid namespace, a daemon may stay, and what stays
    /// is for others to see. The end of this thread would kill it.
    fn let_go_of_rest(&mut self) {
        let limit = Instant::now() + DETACH_TIME;
        self.tasks
            .all()
            .into_iter()
            .filter(|tid| sys::interrupt(*tid).is_err())
            .for_each(|tid| {
                self.tasks.remove(tid);
            });
        while !self.tasks.all().is_empty() && Instant::now() < limit {
            match sys::wait_any(false) {
                Ok(Some((tid, status))) => self.let_go(tid, status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => return,
            }
        }
    }

    fn let_go(&mut self, tid: Pid, status: Status) {
        let signal = match Stop::of(status) {
            Stop::Signal(signal) => signal,
            Stop::Fork => {
                // Its child is attached to us too, and comes to a stop by itself.
                if let Ok(child) = sys::event_message(tid) {
                    self.tasks.add(child, Some(tid), false);
                }
                0
            }
            _ => 0,
        };
        let _ = sys::resume(tid, Resume::Detach, signal);
        self.close(tid, false);
    }
}
