//! Places to run in: each is a thread that sits in cgroups of its own and starts one cell after the other.
//!
//! A cell inherits the cgroups of the thread that starts it. Moving a process costs a wait for all CPUs in every
//! hierarchy of cgroup v1 (0.9 ms each, one after the other for the whole machine), so it is done once per slot
//! and not once per run. The thread is also the parent that a cell dies with: PR_SET_PDEATHSIG is about threads.

use std::fs;
use std::io;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, setns, unshare};
use ocidiff_trace::ebpf::{Loaded, Place, Wall};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use crate::cells::session::Session;
use crate::cells::wall;
use crate::machine::cgroup::{self, Kind, Layout};

/// Major and minor number.
type Device = (u32, u32);

/// What is done on a slot's thread: it is given the slot's cgroups.
pub(crate) type Work = Box<dyn FnOnce(&Layout) -> After + Send>;
/// What is done after that: it is given the names of those settings of the slot's own cgroups that were changed.
pub(crate) type After = Box<dyn FnOnce(Vec<String>)>;

/// A slot; dropping it waits for the end of its thread, so that its cgroups are empty afterwards.
#[derive(Debug)]
pub(crate) struct Slot {
    work: Option<mpsc::Sender<(Vec<Device>, Work)>>,
    thread: Option<JoinHandle<()>>,
    cgroups: Arc<Mutex<Layout>>,
    number: u32,
    /// Where the events of its runs go, once a run has been recorded with eBPF.
    place: Mutex<Option<Place>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.work.take();
        // The last launcher can be dropped with the work that the thread itself has just done.
        let thread = self
            .thread
            .take()
            .filter(|thread| thread.thread().id() != std::thread::current().id());
        if let Some(thread) = thread {
            wait_for(thread);
        }
    }
}

/// Waits for a thread. Its work may wait for the async runtime: a worker hands its other work on first.
fn wait_for(thread: JoinHandle<()>) {
    let on_worker =
        Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    // Those that wait for its work report that the thread panicked.
    let _ = if on_worker {
        tokio::task::block_in_place(|| thread.join())
    } else {
        thread.join()
    };
}

impl Slot {
    /// Starts the thread; it makes cgroups named after the slot, and joins them.
    pub(crate) fn start(session: Arc<Session>, number: u32) -> io::Result<Self> {
        let name = number.to_string();
        let (sender, receiver) = mpsc::channel::<(Vec<Device>, Work)>();
        let (ready, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(format!("slot {name}"))
            .spawn(
                move || match leave_machine().and_then(|()| Places::make(&session, &name)) {
                    Ok(mut places) => {
                        let _ = ready.send(Ok(Arc::clone(&places.shared)));
                        while let Ok((devices, work)) = receiver.recv() {
                            places.allow(&devices);
                            let after = work(&places.cgroups);
                            let changed = places.changed();
                            places.tidy(&session, &name, changed.is_empty());
                            after(changed);
                        }
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                    }
                },
            )?;
        let cgroups = match started.recv().map_err(io::Error::other).and_then(|made| made) {
            Ok(cgroups) => cgroups,
            Err(error) => {
                // It holds the session until its end, and leaving before that would leave the session's folder behind.
                wait_for(thread);
                return Err(error);
            }
        };
        Ok(Self {
            work: Some(sender),
            thread: Some(thread),
            cgroups,
            number,
            place: Mutex::default(),
        })
    }

    /// Where the events of the next run go. A ring that was enlarged for one run is not kept: it takes up memory.
    pub(crate) fn place(&self, kernel: &Loaded, ring: u32) -> Result<Place, ocidiff_trace::Error> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        match *place {
            Some(place) if place.size == ring => Ok(place),
            _ => Ok(*place.insert(kernel.place(self.number, ring)?)),
        }
    }

    /// Does the work on the slot's thread, with which these devices can be opened; also returns which settings of
    /// the slot's own cgroups it changed.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        devices: Vec<Device>,
        work: impl FnOnce(&Layout) -> T + Send + 'static,
    ) -> Option<(T, Vec<String>)> {
        let (done, result) = oneshot::channel();
        let work: Work = Box::new(move |cgroups| {
            let value = work(cgroups);
            Box::new(move |changed| {
                let _ = done.send((value, changed));
            })
        });
        self.work.as_ref()?.send((devices, work)).ok()?;
        result.await.ok()
    }

    /// Thaws the slot's cgroups if its own is frozen, and says whether it was. A runtime that mistakes it for
    /// the container's freezes the cell, and the slot's thread with it: nothing in there can help.
    pub(crate) fn thaw_if_frozen(&self) -> bool {
        let cgroups = self
            .cgroups
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let frozen = cgroups.is_frozen();
        if frozen {
            cgroups.thaw();
        }
        frozen
    }
}

/// The cgroups of a slot, and what they looked like when they were new.
struct Places {
    cgroups: Layout,
    /// The same, for access from outside the thread.
    shared: Arc<Mutex<Layout>>,
    fresh: Vec<(String, String)>,
    generation: u32,
    wall: Option<Wall>,
}

impl Places {
    fn make(session: &Session, name: &str) -> io::Result<Self> {
        let cgroups = session.cgroups(name)?;
        join(&cgroups)?;
        Ok(Self {
            fresh: settings(&cgroups),
            shared: Arc::new(Mutex::new(cgroups.clone())),
            wall: wall::raise(&cgroups),
            cgroups,
            generation: 0,
        })
    }

    fn allow(&self, devices: &[Device]) {
        if let Some(wall) = &self.wall {
            // What it does not let through shows as an error of the workload, under every runtime.
            let _ = wall.allow(devices);
        }
    }

    /// The names of the settings that have changed.
    fn changed(&self) -> Vec<String> {
        let now = settings(&self.cgroups);
        now.into_iter()
            .filter(|setting| !self.fresh.contains(setting))
            .map(|(name, _)| name)
            .collect()
    }

    /// After a run: removes what it left. Where a runtime changed the slot's own cgroup (some mistake it for
    /// the container's), the next run gets new ones.
    fn tidy(&mut self, session: &Session, name: &str, unchanged: bool) {
        let clean = self
            .cgroups
            .hierarchies
            .iter()
            .all(|hierarchy| cgroup::remove_below(&hierarchy.dir));
        if clean && unchanged {
            self.cgroups.take_controllers_back();
            return;
        }
        self.generation += 1;
        let name = format!("{name}.{}", self.generation);
        // If new ones cannot be had, the old ones must do: the next run says what is wrong with them.
        if let Ok(next) = Self::make(session, &name) {
            *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = next.cgroups.clone();
            let old = std::mem::replace(&mut self.cgroups, next.cgroups);
            self.fresh = next.fresh;
            self.wall = next.wall;
            let _ = old.remove();
        }
    }
}

/// The calling thread joins. On cgroup v2 the cell does that itself: there, threads of one process cannot be in
/// different cgroups.
fn join(cgroups: &Layout) -> io::Result<()> {
    for hierarchy in &cgroups.hierarchies {
        if let Kind::V1 { .. } = hierarchy.kind {
            let tasks = hierarchy.dir.join("tasks");
            fs::write(&tasks, "0")
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", tasks.display())))?;
        }
    }
    Ok(())
}

fn settings(cgroups: &Layout) -> Vec<(String, String)> {
    cgroups
        .hierarchies
        .iter()
        .flat_map(|hierarchy| cgroup::settings(&hierarchy.dir))
        .collect()
}

/// Moves the calling thread into network and ipc namespaces of the slot's own, for cells whose containers
/// have their own.
fn leave_machine() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC)?)
}

/// The next child of the calling thread is process 1 of a new pid namespace; the thread stays where it is.
pub(crate) fn new_pid_namespace() -> io::Result<()> {
    // A second unshare is refused as long as the children's namespace is not the thread's own.
    let own = fs::File::open("/proc/thread-self/ns/pid")?;
    setns(own, CloneFlags::CLONE_NEWPID)?;
    Ok(unshare(CloneFlags::CLONE_NEWPID)?)
}
