//! Launches a cell in a free slot: the program anew, as process 1 of a pid namespace, and listens to it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ocidiff_model::{Channel, Fact};
use ocidiff_trace::ebpf::{Loaded, Place};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use crate::cell::job::Job;
use crate::cells::hear::{converse, secret};
use crate::cells::order::{Order, Told};
use crate::cells::session::Session;
use crate::cells::slot::{Slot, new_pid_namespace};
use crate::cells::wall;
use crate::machine::cgroup::Layout;

/// How often to check whether a slot is frozen.
const FREEZER_TICK: Duration = Duration::from_millis(500);
/// Room for events of a run, in bytes: mapping it costs something in each run.
const RING: u32 = 1 << 20;
/// The same where that was not enough.
const LARGE_RING: u32 = 64 << 20;
/// How much of a cell's own complaints is kept, in bytes.
const COMPLAINT: u64 = 4096;

/// Launches cells of one session, as many at a time as there are slots.
#[derive(Debug, Clone)]
pub struct Launcher {
    program: PathBuf,
    stop: watch::Receiver<bool>,
    /// The kernel's programs, if they are what records.
    kernel: Option<Arc<Loaded>>,
    // Declared before the session: what the session removes must be empty by then.
    slots: Arc<Slots>,
    session: Arc<Session>,
}

#[derive(Debug)]
struct Slots {
    /// One permit for each slot that is free or has not been made yet.
    free: Semaphore,
    made: Mutex<(Vec<Slot>, u32)>,
}

impl Launcher {
    /// A launcher; `program` is ocidiff itself, `stop` turns true when all must end, `kernel` records if it is there.
    #[must_use]
    pub fn new(
        program: PathBuf,
        session: Arc<Session>,
        width: usize,
        stop: watch::Receiver<bool>,
        kernel: Option<Arc<Loaded>>,
    ) -> Self {
        let slots = Slots {
            free: Semaphore::new(width),
            made: Mutex::default(),
        };
        Self {
            program,
            session,
            stop,
            kernel,
            slots: Arc::new(slots),
        }
    }

    /// How long the kernel's programs took to load, if they record.
    #[must_use]
    pub fn loading(&self) -> Option<Duration> {
        self.kernel.as_ref().map(|kernel| kernel.took())
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs a cell as soon as a slot is free, and waits for its end. If the recorder lost events, the cell is run
    /// once more, with a larger ring.
    pub async fn launch(&self, order: Order) -> Told {
        // The semaphore is never closed.
        let _permit = self.slots.free.acquire().await;
        let slot = match self.take_slot() {
            Ok(slot) => slot,
            Err(error) => return broken(format!("failed to make a slot to run in: {error}")),
        };
        let mut told = self.launch_in(&slot, order.clone(), RING).await;
        if told.lost() > 0 {
            told = self.launch_in(&slot, order, LARGE_RING).await;
        }
        let lost = told.lost();
        if lost > 0 {
            told.broken
                .get_or_insert_with(|| format!("the recorder lost {lost} events"));
        }
        self.made().0.push(slot);
        told
    }

    async fn launch_in(&self, slot: &Slot, order: Order, ring: u32) -> Told {
        let place = self.kernel.as_ref().map(|kernel| slot.place(kernel, ring));
        let place = match place.transpose() {
            Ok(place) => place,
            Err(error) => return broken(format!("failed to {error}")),
        };
        let this = self.clone();
        let handle = Handle::current();
        let devices = wall::devices(&order.configs);
        let mut frozen = false;
        let told = {
            let mut work = pin!(slot.run(devices, move |cgroups| {
                this.on_thread(&handle, order, place, cgroups)
            }));
            loop {
                tokio::select! {
                    told = &mut work => break told,
                    () = tokio::time::sleep(FREEZER_TICK) => frozen |= slot.thaw_if_frozen(),
                }
            }
        };
        let Some((mut told, changed)) = told else {
            return broken("the slot's thread died".to_owned());
        };
        if frozen {
            told.facts.push(Fact::new("leftover.frozen", true));
        }
        if told
            .facts
            .iter()
            .any(|fact| fact.channel() == Some(Channel::Leftover))
        {
            told.facts.push(Fact::new("leftover.settings", changed));
        }
        told
    }

    fn made(&self) -> MutexGuard<'_, (Vec<Slot>, u32)> {
        self.slots.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_slot(&self) -> io::Result<Slot> {
        let mut made = self.made();
        if let Some(slot) = made.0.pop() {
            return Ok(slot);
        }
        made.1 += 1;
        Slot::start(Arc::clone(&self.session), made.1 - 1)
    }

    fn on_thread(&self, handle: &Handle, order: Order, events: Option<Place>, cgroups: &Layout) -> Told {
        let started = Instant::now();
        let secret = match secret() {
            Ok(secret) => secret,
            Err(error) => return broken(format!("failed to read /dev/urandom: {error}")),
        };
        let job = Job {
            secret,
            ask: order.ask,
            caller: order.caller,
            lower: order.lower,
            rootfs: order.rootfs,
            probe: order.probe,
            programs: order.programs,
            containers: order.configs,
            stand_ins: order.stand_ins,
            config_file: order.config_file,
            steps: order.steps,
            record: order.record,
            events,
            cgroups: cgroups.clone(),
            env: environment(),
            stream_cap: 1 << 20,
        };
        // tokio watches the child from here on, so it must be started within its context.
        let _context = handle.enter();
        let mut told = match self.start() {
            Ok((child, socket)) => handle.block_on(self.drive(child, socket, &job, order.limit, cgroups)),
            Err(error) => broken(format!("failed to start a cell: {error}")),
        };
        told.seconds = started.elapsed().as_secs_f64();
        told
    }

    /// The child is process 1 of a new pid namespace. A single socket carries both directions: unlike a pipe, it
    /// cannot be opened again through `/proc/1/fd` (ENXIO, whichever process tries).
    fn start(&self) -> io::Result<(Child, UnixStream)> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        new_pid_namespace()?;
        let child = Command::new(&self.program)
            .arg(crate::cell::COMMAND)
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_clear()
            .kill_on_drop(true)
            .spawn()?;
        Ok((child, ours))
    }

    async fn drive(
        &self,
        mut child: Child,
        socket: UnixStream,
        job: &Job,
        limit: Duration,
        cgroups: &Layout,
    ) -> Told {
        let mut told = Told::default();
        let mut stop = self.stop.clone();
        let outcome = tokio::select! {
            done = converse(socket, job, &mut told) => done,
            () = tokio::time::sleep(limit) => Err(format!("the run did not end within {} s", limit.as_secs())),
            _ = stop.wait_for(|stop| *stop) => Err("interrupted".to_owned()),
        };
        // Here, where the run's cgroups can be seen by their paths, and while all that fills them is alive.
        let outcome = outcome.map_err(|why| cgroups.with_bound(why));
        told.broken = told.broken.map(|why| cgroups.with_bound(why));
        // A frozen process does not even die.
        cgroups.thaw();
        let complaint = end(&mut child).await;
        match outcome {
            Ok(true) => {}
            Ok(false) if told.broken.is_some() => {}
            Ok(false) => told.broken = Some(format!("the cell ended before it was through{complaint}")),
            Err(why) => told.broken = Some(why),
        }
        told
    }
}

/// Ends the cell, which ends everything in it; returns what it complained about on its stderr.
async fn end(child: &mut Child) -> String {
    // If it has already ended, that is fine.
    let _ = child.start_kill();
    let _ = child.wait().await;
    let mut text = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(COMPLAINT).read_to_string(&mut text).await;
    }
    if text.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", text.trim())
    }
}

fn broken(why: String) -> Told {
    Told {
        broken: Some(why),
        ..Told::default()
    }
}

/// The runtime's environment: the same everywhere, so that nothing from the user's shell becomes a difference.
fn environment() -> std::collections::BTreeMap<String, String> {
    [
        ("PATH", crate::paths::PATH),
        ("HOME", "/root"),
        ("LANG", "C"),
        ("TMPDIR", crate::paths::TMP),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
