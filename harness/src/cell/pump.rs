//! Streams and children of a cell, in one loop.
//!
//! A container's init inherits the pipes of `create`, so the end of a pipe is never waited for: what counts is
//! the pidfd of the process. The loop reads every open pipe all the time, keeps what the cap allows, counts
//! the rest, and reaps what the runtimes leave to process 1.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest, Sha256};

use super::behind::Behind;
use crate::digest::hex;

/// How often to look after children that have no pidfd.
const TICK: Duration = Duration::from_millis(10);

/// A pipe that is being read.
#[derive(Debug)]
pub(crate) struct Stream {
    fd: Option<OwnedFd>,
    kept: Vec<u8>,
    total: u64,
    /// Over what is not kept: two runtimes whose output differs only there must not agree.
    rest: Sha256,
    /// Whether facts are there.
    behind: Behind,
    /// Still read, so that writers are not held up, but nothing is kept.
    is_mute: bool,
}

impl Stream {
    /// What was kept of it.
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Why facts of the probe are missing from it, if they are in what was discarded.
    pub(crate) fn unread(&self) -> Option<String> {
        let cut = self.cut()?;
        self.behind
            .found()
            .then(|| format!("{cut}, and facts of the probe come behind that"))
    }

    /// Where it was cut, if it was.
    pub(crate) fn cut(&self) -> Option<String> {
        let kept = self.kept.len();
        (self.total > kept as u64).then(|| format!("was cut at {kept} bytes"))
    }

    /// What was discarded; nothing if all was kept.
    pub(crate) fn lost(&self) -> Option<Lost> {
        let bytes = self.total - self.kept.len() as u64;
        (bytes > 0).then(|| Lost {
            bytes,
            digest: Some(hex(&self.rest.clone().finalize())),
        })
    }
}

/// What of a stream is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lost {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// Their SHA-256, in hexadecimal; none where an engine has thrown them away.
    pub(crate) digest: Option<String>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(and {} more bytes", self.bytes)?;
        if let Some(digest) = &self.digest {
            write!(f, ", sha256 {}", digest.get(..16).unwrap_or(digest))?;
        }
        f.write_str(")")
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal { number: i32, core: bool },
}

impl End {
    fn of(status: WaitStatus) -> Option<(Pid, Self)> {
        match status {
            WaitStatus::Exited(pid, code) => Some((pid, Self::Code(code))),
            WaitStatus::Signaled(pid, signal, core) => Some((
                pid,
                Self::Signal {
                    number: signal as i32,
                    core,
                },
            )),
            _ => None,
        }
    }
}

/// The name of a stream: an index into the pump's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StreamId(usize);

/// See the module.
#[derive(Debug)]
pub(crate) struct Pump {
    streams: Vec<Stream>,
    cap: usize,
    /// Children that are waited for, and how they ended.
    ends: BTreeMap<Pid, Option<End>>,
    /// Children that ended before they were asked for: an init can, between create and the look at its pid.
    strays: BTreeMap<Pid, End>,
    /// Children whose end another thread reaps: the recorder's.
    foreign: Vec<Pid>,
}

impl Pump {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            streams: Vec::new(),
            cap,
            ends: BTreeMap::new(),
            strays: BTreeMap::new(),
            foreign: Vec::new(),
        }
    }

    /// Reads the pipe from now on.
    pub(crate) fn add(&mut self, fd: OwnedFd) -> io::Result<StreamId> {
        let flags = rustix::fs::fcntl_getfl(&fd)?;
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK)?;
        self.streams.push(Stream {
            fd: Some(fd),
            kept: Vec::new(),
            total: 0,
            rest: Sha256::new(),
            behind: Behind::default(),
            is_mute: false,
        });
        Ok(StreamId(self.streams.len() - 1))
    }

    pub(crate) fn stream(&self, id: StreamId) -> &Stream {
        &self.streams[id.0]
    }

    /// What came so far is of no more use: what comes now belongs to another process, and has the whole cap.
    pub(crate) fn forget(&mut self, id: StreamId) {
        let stream = &mut self.streams[id.0];
        stream.kept.clear();
        stream.total = 0;
        stream.rest = Sha256::new();
        stream.behind = Behind::default();
    }

    /// What came and what will come is of no use.
    pub(crate) fn mute(&mut self, id: StreamId) {
        self.forget(id);
        let stream = &mut self.streams[id.0];
        stream.kept.shrink_to_fit();
        stream.is_mute = true;
    }

    /// The child's end is kept for [`Pump::end`] once it is reaped.
    pub(crate) fn look_after(&mut self, pid: Pid) {
        let end = self.strays.remove(&pid);
        self.ends.entry(pid).or_insert(end);
    }

    /// Whether a child of this pid was here and has ended.
    pub(crate) fn was_here(&self, pid: Pid) -> bool {
        self.strays.contains_key(&pid)
    }

    /// The child's end belongs to another thread.
    pub(crate) fn leave_alone(&mut self, pid: Pid) {
        self.ends.remove(&pid);
        self.foreign.push(pid);
    }

    /// How a child ended that was looked after; `None` while it runs.
    pub(crate) fn end(&self, pid: Pid) -> Option<End> {
        self.ends.get(&pid).copied().flatten()
    }

    /// Reads and reaps until `done` says so (then true) or the deadline passes (then false). `wake` is watched
    /// too: the loop wakes at once when it becomes readable.
    pub(crate) fn until(
        &mut self,
        wake: Option<BorrowedFd<'_>>,
        deadline: Instant,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        loop {
            self.reap();
            if done(self) {
                self.drain();
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            self.sleep(wake, TICK.min(deadline - now));
        }
    }

    fn sleep(&mut self, wake: Option<BorrowedFd<'_>>, limit: Duration) {
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(limit.subsec_nanos().max(1)),
        };
        let open = self
            .streams
            .iter()
            .filter_map(|stream| stream.fd.as_ref())
            .map(AsFd::as_fd);
        let mut fds: Vec<_> = open
            .chain(wake)
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        // EINTR is as good as a tick.
        if poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0) {
            self.drain();
        }
    }

    /// Reads what is there.
    pub(crate) fn drain(&mut self) {
        let mut buffer = [0_u8; 65536];
        for stream in &mut self.streams {
            while let Some(fd) = &stream.fd {
                match rustix::io::read(fd, &mut buffer) {
                    Ok(0) => stream.fd = None,
                    Ok(count) => {
                        stream.total += count as u64;
                        let cap = if stream.is_mute { 0 } else { self.cap };
                        let room = cap.saturating_sub(stream.kept.len()).min(count);
                        stream.kept.extend_from_slice(&buffer[..room]);
                        if !stream.is_mute {
                            stream.rest.update(&buffer[room..count]);
                            stream.behind.read(&buffer[..count], room);
                        }
                        // A stream that floods must not keep us from the deadline.
                        if count == buffer.len() {
                            break;
                        }
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => break,
                    Err(_) => stream.fd = None,
                }
            }
        }
    }

    /// Reaps every child that has ended, except those that belong to another thread.
    ///
    /// The kernel shows a traced child's stops here too, whatever is asked for (wait_task_stopped in
    /// kernel/exit.c): they are only looked at, never consumed.
    fn reap(&mut self) {
        let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        loop {
            match waitid(Id::All, peek) {
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(status) => match End::of(status) {
                    Some((pid, _)) if !self.foreign.contains(&pid) => self.take(pid),
                    // The recorder's child is first in the kernel's list: ask for ours one by one.
                    _ => return self.reap_known(),
                },
            }
        }
    }

    fn reap_known(&mut self) {
        let waiting: Vec<_> = self
            .ends
            .iter()
            .filter(|(_, end)| end.is_none())
            .map(|(pid, _)| *pid)
            .collect();
        for pid in waiting {
            self.take(pid);
        }
    }

    fn take(&mut self, pid: Pid) {
        let options = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
        if let Some((pid, end)) = waitid(Id::Pid(pid), options).ok().and_then(End::of) {
            match self.ends.get_mut(&pid) {
                Some(slot) => *slot = Some(end),
                None => {
                    self.strays.insert(pid, end);
                }
            }
        }
    }
}
