//! One container of a run: its init, its streams, and the recorder that watches it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ocidiff_model::Fact;
use ocidiff_trace::{
    Calls, EbpfRecorder, Error, Exit, Options, Others, PtraceRecorder, Recorder, Recording, Trace,
};

use crate::machine::names::signal_name;

use super::job::RecordJob;
use super::observe;
use super::pump::{End, Pump, StreamId};

/// What the recorder's thread returns.
type Recorded = Result<Option<Trace>, Error>;

/// How often the recorder's thread checks whether it was given up.
const SLICE: Duration = Duration::from_millis(200);

/// A container that has been created.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) pid: Option<Pid>,
    /// stdout and stderr.
    pub(crate) streams: Option<[StreamId; 2]>,
    watcher: Option<Watcher>,
    trace: Option<Recorded>,
    /// Facts that were taken at the execve.
    at_exec: Arc<Mutex<Vec<Fact>>>,
    /// Why there is no recorder, if there is none.
    pub(crate) unrecorded: Option<String>,
}

#[derive(Debug)]
struct Watcher {
    thread: JoinHandle<Recorded>,
    /// Hangs up when the thread is done.
    ended: OwnedFd,
}

/// How a container ended, as facts express it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Code(i32),
    Signal(String),
    /// It is not known: the recorder lost it, or it was reported to another process.
    Unknown,
}

impl Container {
    pub(crate) fn new() -> Self {
        Self {
            pid: None,
            streams: None,
            watcher: None,
            trace: None,
            at_exec: Arc::default(),
            unrecorded: None,
        }
    }

    /// Attaches the recorder to the init, which waits for `start`.
    pub(crate) fn record(&mut self, pump: &mut Pump, job: &RecordJob, events: Option<&EbpfRecorder>) {
        let Some(pid) = self.pid else { return };
        let calls = job.calls.as_ref().map(|calls| Calls {
            watch: calls.watch.clone(),
            others: if calls.only_watched {
                Others::LeftOut
            } else {
                Others::Recorded
            },
            max: calls.max,
        });
        let options = Options {
            visit: job.visit,
            calls,
            ..Options::default()
        };
        if events.is_none() && !job.visit {
            self.unrecorded = Some("the case must not be visited, and ptrace does".to_owned());
            return;
        }
        let facts = Arc::clone(&self.at_exec);
        let look = Box::new(move |pid| {
            let mut seen = observe::proc::at_exec(pid);
            seen.extend(observe::mount::facts(pid));
            seen.extend(observe::cgroup::facts(pid));
            facts.lock().unwrap_or_else(PoisonError::into_inner).extend(seen);
        });
        let recording = match events {
            Some(recorder) => recorder.attach(pid.as_raw(), options, look),
            None => PtraceRecorder.attach(pid.as_raw(), options, look),
        };
        match recording {
            Ok(recording) => match watch(recording) {
                Ok(watcher) => {
                    // The recorder that visits it also reaps it.
                    if job.visit {
                        pump.leave_alone(pid);
                    }
                    self.watcher = Some(watcher);
                }
                Err(error) => self.unrecorded = Some(error.to_string()),
            },
            Err(error) => self.unrecorded = Some(error.to_string()),
        }
    }

    /// What wakes a loop when the init has ended and is recorded.
    pub(crate) fn wake(&self) -> Option<BorrowedFd<'_>> {
        self.watcher.as_ref().map(|watcher| watcher.ended.as_fd())
    }

    /// Whether the init has ended.
    pub(crate) fn has_ended(&self, pump: &Pump) -> bool {
        match (&self.watcher, self.pid) {
            (Some(watcher), _) => watcher.thread.is_finished(),
            (None, Some(pid)) => self.trace.is_some() || pump.end(pid).is_some(),
            (None, None) => true,
        }
    }

    /// Waits for the init's end; returns false if it did not come in time.
    pub(crate) fn wait(&self, pump: &mut Pump, deadline: Instant) -> bool {
        pump.until(self.wake(), deadline, |pump| self.has_ended(pump))
    }

    /// Ends the init.
    pub(crate) fn kill(&self) {
        if let Some(pid) = self.pid {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// How the init ended, once it has.
    pub(crate) fn ended(&mut self, pump: &Pump) -> Option<Ended> {
        self.collect();
        match (&self.trace, self.pid) {
            (Some(Ok(Some(trace))), _) => Some(match &trace.exit {
                Exit::Code(code) => Ended::Code(*code),
                Exit::Signal { name, .. } => Ended::Signal(name.trim_start_matches("SIG").to_owned()),
                Exit::Unknown => Ended::Unknown,
            }),
            (Some(_), _) => Some(Ended::Unknown),
            (None, Some(pid)) => pump.end(pid).map(|end| match end {
                End::Code(code) => Ended::Code(code),
                End::Signal { number, .. } => Ended::Signal(signal_name(number)),
            }),
            (None, None) => None,
        }
    }

    /// The facts that were taken at the execve.
    pub(crate) fn take_exec_facts(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.at_exec.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The recording, once the init has ended; `None` if there was no recorder.
    pub(crate) fn take_trace(&mut self) -> Option<Recorded> {
        self.collect();
        self.trace.take()
    }

    fn collect(&mut self) {
        if let Some(watcher) = self.watcher.take_if(|watcher| watcher.thread.is_finished()) {
            let recorded = watcher.thread.join().unwrap_or(Err(Error::Died));
            self.trace = Some(recorded);
        }
    }
}

fn watch(mut recording: Box<dyn Recording>) -> io::Result<Watcher> {
    let (ended, hold) = io::pipe()?;
    let thread = std::thread::Builder::new()
        .name("recording".to_owned())
        .spawn(move || {
            let _hold = hold;
            loop {
                match recording.wait(SLICE) {
                    Ok(None) => {}
                    Ok(trace) => return Ok(trace),
                    Err(error) => return Err(error),
                }
            }
        })?;
    Ok(Watcher {
        thread,
        ended: ended.into(),
    })
}
