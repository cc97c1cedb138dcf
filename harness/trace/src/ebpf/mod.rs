//! The backend that costs nearly nothing: programs in the kernel send what the followed tasks do into a ring.
//!
//! One process loads them ([`Loaded`]), once, and makes a place for each run ([`Place`]). The process under which
//! a run happens opens its place, and enrols itself. The kernel follows everything that it starts from then on,
//! through fork and exec. Nothing is stopped, and nothing can see it.
//!
//! | module | what it has |
//! |---|---|
//! | `recorder.bpf.c` | the kernel's side |
//! | `layout` | what both sides share |
//! | `load` | loads it, once |
//! | `shapes` | which arguments of a call it reads |
//! | `ring` | reads a ring |
//! | `replay` | makes a record from events |
//! | `task` | what is known about a followed thread |
//! | `execve` | an execve that succeeded |
//! | `setup` | what runtimes do before the workload |
//! | `constants` | strings that a program has not touched yet |
//! | `wall`, `wall.bpf.c` | not a recorder: bars devices and sysctls for a cgroup |
//! | `kept` | what was kept from a caller's memory and descriptors |
//!
//! The seccomp filters, and what `/proc` shows at the execve, need a workload that stands still: for those
//! [`PtraceRecorder`] visits it there and lets go before its first instruction.

mod constants;
mod execve;
mod kept;
mod layout;
mod load;
mod replay;
mod ring;
mod setup;
mod shapes;
mod task;
mod wall;

use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use rustix::process::{PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

pub use self::load::{Loaded, Place};
pub use self::wall::Wall;

use self::constants::Constants;
use self::layout::{Count, Event, Run};
use self::load::failed;
use self::replay::Replay;
use self::ring::Ring;
use crate::ptrace::open_init;
use crate::record::{Arch, SetupCall};
use crate::{Error, OnExec, Options, Others, Pid, PtraceRecorder, Recorder, Recording, Trace, arch};

/// How often the ring is read.
const TICK: Duration = Duration::from_millis(4);
/// How long to wait for the last event once the workload is known to have ended.
const PATIENCE: Duration = Duration::from_millis(500);

/// The role in which a process is enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The harness: not recorded, but whatever it starts is.
    Harness,
    /// A runtime, or an init that it made.
    Runtime,
}

/// Records one run with eBPF.
#[derive(Clone)]
pub struct EbpfRecorder {
    place: Place,
    stream: Arc<Mutex<Stream>>,
}

impl std::fmt::Debug for EbpfRecorder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("EbpfRecorder")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

struct Stream {
    ring: Ring,
    runs: MapHandle,
    counts: MapHandle,
    replay: Replay,
}

impl EbpfRecorder {
    /// Opens a place. Whatever an earlier run left there is discarded.
    ///
    /// # Errors
    /// The place is gone, or this process may not open it.
    pub fn open(place: Place) -> Result<Self, Error> {
        let ring = MapHandle::from_map_id(place.ring).map_err(failed("open the ring"))?;
        let runs = MapHandle::from_map_id(place.runs).map_err(failed("open the table of runs"))?;
        let counts = MapHandle::from_map_id(place.counts).map_err(failed("open the table of counts"))?;
        forget(&counts, place.slot);
        let size = usize::try_from(place.size).unwrap_or(0);
        let mut ring = Ring::map(ring.as_fd(), size).map_err(Error::system("map the ring"))?;
        ring.read(|_| ());
        write_run(&runs, place.slot, &Run::default())?;
        Ok(Self {
            place,
            stream: Arc::new(Mutex::new(Stream {
                ring,
                runs,
                counts,
                replay: Replay::new(),
            })),
        })
    }

    /// Makes the calling process a member of the run. It must have only one thread: others are not followed.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn enrol(place: &Place, role: Role) -> Result<(), Error> {
        let members = MapHandle::from_map_id(place.members).map_err(failed("open the table of members"))?;
        let pidfd = pidfd_open(getpid(), PidfdFlags::empty())
            .map_err(|error| Error::system("open the own process")(error.into()))?;
        let state = match role {
            Role::Harness => layout::SILENT,
            Role::Runtime => layout::SETUP,
        };
        members
            .update(
                &pidfd.as_raw_fd().to_ne_bytes(),
                &layout::member(place.slot, state),
                MapFlags::ANY,
            )
            .map_err(failed("enrol the own process"))
    }

    /// What has been done so far belongs to the previous steps; what comes next belongs to this one.
    pub fn phase(&self, label: &str) {
        let mut stream = self.stream();
        stream.read();
        stream.replay.phase(label);
    }

    /// What runtimes have done since this was last asked.
    #[must_use]
    pub fn take_setup(&self) -> Vec<SetupCall> {
        let mut stream = self.stream();
        stream.read();
        stream.replay.take_setup()
    }

    /// How many events were lost.
    ///
    /// # Errors
    /// The table cannot be read.
    pub fn lost(&self) -> Result<u64, Error> {
        self.stream().lost(self.place.slot)
    }

    fn stream(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    fn read(&mut self) {
        let Self { ring, replay, .. } = self;
        ring.read(|bytes| {
            if let Some(event) = Event::parse(bytes) {
                replay.take(&event);
            }
        });
    }

    /// Adds what was only counted to the record.
    fn count(&mut self, slot: u32) {
        for key in counts_of(&self.counts, slot) {
            let values = self.counts.lookup_percpu(&key, MapFlags::ANY).ok().flatten();
            self.replay
                .counted(&Count::parse(&key), Count::sum(&values.unwrap_or_default()));
        }
        forget(&self.counts, slot);
    }

    fn lost(&self, slot: u32) -> Result<u64, Error> {
        let bytes = self.runs.lookup(&slot.to_ne_bytes(), MapFlags::ANY);
        let bytes = bytes.map_err(failed("read what was lost"))?.unwrap_or_default();
        Ok(Run::lost_of(&bytes))
    }
}

/// The counts of one slot.
fn counts_of(counts: &MapHandle, slot: u32) -> Vec<Vec<u8>> {
    counts
        .keys()
        .filter(|key| Count::parse(key).slot == slot)
        .collect()
}

fn forget(counts: &MapHandle, slot: u32) {
    for key in counts_of(counts, slot) {
        // If it is already gone, that is fine.
        let _ = counts.delete(&key);
    }
}

fn write_run(runs: &MapHandle, slot: u32, run: &Run) -> Result<(), Error> {
    runs.update(&slot.to_ne_bytes(), &run.to_bytes(), MapFlags::ANY)
        .map_err(failed("write what to record"))
}

impl Recorder for EbpfRecorder {
    fn attach(&self, init: Pid, options: Options, on_exec: OnExec) -> Result<Box<dyn Recording>, Error> {
        let pidfd = open_init(init)?;
        {
            let mut stream = self.stream();
            stream.read();
            stream.replay.arm(init, &options);
            let mut run = Run {
                armed: init,
                everything: options
                    .calls
                    .as_ref()
                    .is_some_and(|calls| calls.others == Others::Recorded),
                lost: stream.lost(self.place.slot)?,
                keep: options.calls.as_ref().map_or(0, |calls| calls.max as u64),
                ..Run::default()
            };
            if let Some(calls) = &options.calls {
                for (compat, arch) in [(false, arch::NATIVE), (true, Arch::I386)] {
                    shapes::numbers(arch, &calls.watch).for_each(|nr| run.want(compat, nr));
                }
            }
            write_run(&stream.runs, self.place.slot, &run)?;
        }
        let visit = if options.visit {
            let options = Options {
                calls: None,
                ..options
            };
            let place = self.stream().replay.constants();
            let look: OnExec = Box::new(move |pid| {
                let _ = place.set(Constants::of(pid));
                on_exec(pid);
            });
            Some(PtraceRecorder.attach(init, options, look)?)
        } else {
            None
        };
        Ok(Box::new(EbpfRecording {
            recorder: self.clone(),
            pidfd,
            visit,
            ended: false,
        }))
    }
}

struct EbpfRecording {
    recorder: EbpfRecorder,
    pidfd: std::os::fd::OwnedFd,
    visit: Option<Box<dyn Recording>>,
    ended: bool,
}

impl Recording for EbpfRecording {
    fn wait(&mut self, timeout: Duration) -> Result<Option<Trace>, Error> {
        if self.ended {
            return Err(Error::Died);
        }
        let deadline = Instant::now() + timeout;
        let _hurry = Hurry::now();
        loop {
            let slice = TICK.min(deadline.saturating_duration_since(Instant::now()));
            let visited = match &mut self.visit {
                Some(visit) => visit.wait(slice)?,
                None => {
                    std::thread::sleep(slice);
                    None
                }
            };
            let ended = self.read();
            // The event comes before the end itself: a runtime would still find a living process.
            let gone = self.visit.is_none() && ended.is_some() && self.is_gone();
            if visited.is_some() || gone {
                self.ended = true;
                return self.finish(visited).map(Some);
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
        }
    }
}

/// The thread that reads a ring must get its turn, however many threads fill the ring. Where that is not
/// allowed, a larger ring must do. What the thread starts later must not inherit this priority, so it ends with
/// the reading.
struct Hurry(Option<i32>);

impl Hurry {
    fn now() -> Self {
        let me = Some(rustix::thread::gettid());
        let before = rustix::process::getpriority_process(me).ok();
        Self(before.filter(|_| rustix::process::setpriority_process(me, -20).is_ok()))
    }
}

impl Drop for Hurry {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), before);
        }
    }
}

impl EbpfRecording {
    fn read(&self) -> Option<i32> {
        let mut stream = self.recorder.stream();
        stream.read();
        stream.replay.ended()
    }

    /// Whether everyone can see that init has ended.
    fn is_gone(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Init has ended: its last event is on its way, or in the ring.
    fn finish(&self, visited: Option<Trace>) -> Result<Trace, Error> {
        let patience = Instant::now() + PATIENCE;
        // An init that never came to its execve may have ended before it was known to be the init.
        let came_through = visited.as_ref().is_none_or(|visited| visited.exec_seen);
        let code = loop {
            match self.read() {
                Some(code) => break Some(code),
                None if !came_through || Instant::now() > patience => break None,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let mut stream = self.recorder.stream();
        let lost = stream.lost(self.recorder.place.slot)?;
        if lost > 0 {
            return Err(Error::Lost(lost));
        }
        stream.count(self.recorder.place.slot);
        let exit = match (&visited, code) {
            (Some(visited), _) if visited.exit != crate::Exit::Unknown => visited.exit.clone(),
            (_, Some(code)) => task::exit(code),
            (_, None) => crate::Exit::Unknown,
        };
        Ok(stream.replay.finish(exit, visited))
    }
}

impl Drop for EbpfRecording {
    fn drop(&mut self) {
        if !self.ended {
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
    }
}
