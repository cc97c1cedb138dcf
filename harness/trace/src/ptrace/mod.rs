//! The backend that every kernel has: ptrace, on a thread of its own.
//!
//! | module | what it has |
//! |---|---|
//! | `attach` | seizes every thread of the created init |
//! | `approach` | follows init to its execve, but none of its children |
//! | `filters` | reads the seccomp filters there |
//! | `follow` | from there on: every stop of every thread and child |
//! | `calls` | entries and exits of calls, and what signals do to them |
//! | `forced` | signals that would have killed init without a recorder |
//! | `stop` | what a wait status means |
//! | `tasks` | which tasks are traced, in which call, with which ordinal |
//! | `pace` | where tracer and tracee run: what makes a stop cheap |
//! | `sys` | the calls themselves; all unsafe code |
//!
//! # What the process around it must do
//!
//! The thread waits with `__WNOTHREAD`, so it does not consume the end of any other child. The other
//! direction is up to the caller: where this process is also the *parent* of init (PID 1 of a private pid
//! namespace), a `waitpid(-1)` or a wait for init on another thread would take the tracee's stops away. While
//! a recording lasts, wait for children by their own pids or pidfds only, leave init to
//! [`crate::Recording::wait`] (which reaps it), and sweep up orphans afterwards.
//!
//! The kernel sends this process a SIGCHLD at each stop. Left alone (the default) it costs nothing; a handler
//! without `SA_NOCLDSTOP` would run twice per call.
//!
//! `/proc` must be the one of this process's pid namespace.

mod approach;
mod attach;
mod calls;
mod filters;
mod follow;
mod forced;
mod pace;
pub(crate) mod stop;
pub(crate) mod sys;
mod tasks;

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use self::approach::Arrival;
use crate::decode::{Decoder, Source};
use crate::sink::Sink;
use crate::{Error, OnExec, Options, Pid, Recorder, Recording, Trace};

/// A task that stands still: what a call points to is in its memory.
pub(crate) struct Live(pub(crate) Pid);

impl Source for Live {
    fn read(&self, address: u64, buffer: &mut [u8]) -> usize {
        sys::read_memory(self.0, address, buffer)
    }

    fn descriptor(&self, fd: i64) -> Option<String> {
        let link = std::fs::read_link(format!("/proc/{}/fd/{fd}", self.0)).ok()?;
        Some(link.to_string_lossy().into_owned())
    }
}

/// A handle on a container's init.
pub(crate) fn open_init(init: Pid) -> Result<OwnedFd, Error> {
    rustix::process::Pid::from_raw(init)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .ok_or(Error::Gone(init))
}

/// Records with ptrace.
#[derive(Debug, Clone, Copy, Default)]
pub struct PtraceRecorder;

impl Recorder for PtraceRecorder {
    fn attach(&self, init: Pid, options: Options, on_exec: OnExec) -> Result<Box<dyn Recording>, Error> {
        let pidfd = open_init(init)?;
        let (ready, attached) = channel();
        let (done, trace) = channel();
        thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(init, options, on_exec, &ready, &done))
            .map_err(Error::system("start the recorder's thread"))?;
        attached.recv().map_err(|_| Error::Died)??;
        Ok(Box::new(PtraceRecording {
            pidfd,
            trace,
            ended: false,
        }))
    }
}

struct PtraceRecording {
    pidfd: OwnedFd,
    trace: Receiver<Result<Trace, Error>>,
    ended: bool,
}

impl Recording for PtraceRecording {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Trace>, Error> {
        if self.ended {
            return Err(Error::Died);
        }
        let received = match self.trace.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            received => received,
        };
        self.ended = true;
        received.map_err(|_| Error::Died)?.map(Some)
    }
}

impl Drop for PtraceRecording {
    fn drop(&mut self) {
        if !self.ended {
            // The thread sees init's end and ends too; there is no need to wait for that here.
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
    }
}

/// The life of the recorder's thread.
fn record(
    init: Pid,
    options: Options,
    on_exec: OnExec,
    ready: &Sender<Result<(), Error>>,
    done: &Sender<Result<Trace, Error>>,
) {
    let seized = match attach::seize_all(init) {
        Ok(seized) => seized,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    // The receiver is gone when the caller has given up; init is killed then, and this ends as usual.
    let _ = ready.send(Ok(()));
    let _ = done.send(trace(init, options, on_exec, seized));
}

fn trace(init: Pid, options: Options, on_exec: OnExec, seized: HashSet<Pid>) -> Result<Trace, Error> {
    let mut sink = Sink::new(options.calls.as_ref().map_or(0, |calls| calls.max));
    let former = match approach::to_exec(init, seized)? {
        Arrival::Exec(former) => former,
        Arrival::Ended(exit) => return Ok(sink.finish(exit, None)),
    };
    let filters = filters::read(init);
    on_exec(init);
    let exit = match &options.calls {
        Some(calls) => {
            let decoder = Decoder::new(&calls.watch, options.max_string);
            follow::Follow::new(init, former, decoder, &mut sink).run()?
        }
        None => approach::let_go(init)?,
    };
    Ok(sink.finish(exit, Some(filters)))
}
