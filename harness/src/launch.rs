//! Launches a cell: a thread, a pid namespace, the program anew as its process 1.
//!
//! The thread is the cell's parent for as long as it lives: the kernel kills the cell with the thread that
//! started it (PR_SET_PDEATHSIG is about the thread), whatever becomes of the harness.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use ocidiff_model::{Fact, StepRecord};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::cell::job::{Job, JobStep, Message, RecordJob, TraceReport};
use crate::session::Session;

/// How much of what a cell itself complains is kept, in bytes.
const COMPLAINT: u64 = 4096;

/// Everything that a run needs but the cgroups, which are made for it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Layers of the rootfs, the topmost first.
    pub lower: Vec<PathBuf>,
    /// The probe on the machine.
    pub probe: PathBuf,
    /// Configs by container.
    pub configs: std::collections::BTreeMap<String, String>,
    /// The config's name in the bundle.
    pub config_file: String,
    /// The calls.
    pub steps: Vec<JobStep>,
    /// What to record.
    pub record: Option<RecordJob>,
    /// The whole run's limit.
    pub limit: Duration,
}

/// What a cell told, whole or up to where it broke.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Steps that ended.
    pub steps: Vec<StepRecord>,
    /// Facts, as observed.
    pub facts: Vec<Fact>,
    /// What the recorder saw.
    pub trace: TraceReport,
    /// Whether the workload ran.
    pub ran: bool,
    /// Why the run is worth nothing, if so.
    pub broken: Option<String>,
}

/// Launches cells of one session.
#[derive(Debug, Clone)]
pub struct Launcher {
    program: PathBuf,
    session: Arc<Session>,
    stop: watch::Receiver<bool>,
    counter: Arc<AtomicU64>,
}

impl Launcher {
    /// A launcher; `program` is ocidiff itself, `stop` turns true when all must end.
    #[must_use]
    pub fn new(program: PathBuf, session: Arc<Session>, stop: watch::Receiver<bool>) -> Self {
        Self {
            program,
            session,
            stop,
            counter: Arc::default(),
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs a cell and waits for its end.
    pub async fn launch(&self, order: Order) -> Told {
        let (done, told) = oneshot::channel();
        let this = self.clone();
        let handle = Handle::current();
        let thread = std::thread::Builder::new()
            .name("cell".to_owned())
            .spawn(move || {
                // The receiver is gone only when the harness ends.
                let _ = done.send(this.on_thread(&handle, order));
            });
        match thread {
            Ok(_) => told
                .await
                .unwrap_or_else(|_| broken("the cell's thread died".to_owned())),
            Err(error) => broken(format!("failed to start a thread: {error}")),
        }
    }

    fn on_thread(&self, handle: &Handle, order: Order) -> Told {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let cgroups = match self.session.cgroups(&number.to_string()) {
            Ok(cgroups) => cgroups,
            Err(error) => return broken(format!("failed to make the run's cgroups: {error}")),
        };
        let job = Job {
            lower: order.lower,
            probe: order.probe,
            containers: order.configs,
            config_file: order.config_file,
            steps: order.steps,
            record: order.record,
            cgroups,
            env: environment(),
            stream_cap: 1 << 20,
        };
        // tokio watches the child from here on, so it must be started within its context.
        let _context = handle.enter();
        let mut told = match self.start() {
            Ok(child) => handle.block_on(self.drive(child, &job, order.limit)),
            Err(error) => broken(format!("failed to start a cell: {error}")),
        };
        for dir in job.cgroups.remove() {
            told.broken
                .get_or_insert(format!("{}: the run's cgroup would not go", dir.display()));
        }
        told
    }

    /// The child is process 1 of a new pid namespace; the thread itself stays where it is.
    fn start(&self) -> io::Result<Child> {
        unshare(CloneFlags::CLONE_NEWPID)?;
        Command::new(&self.program)
            .arg("cell")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_clear()
            .kill_on_drop(true)
            .spawn()
    }

    async fn drive(&self, mut child: Child, job: &Job, limit: Duration) -> Told {
        let mut told = Told::default();
        let mut stop = self.stop.clone();
        let outcome = tokio::select! {
            done = converse(&mut child, job, &mut told) => done.map_err(|error| format!("the cell broke off: {error}")),
            () = tokio::time::sleep(limit) => Err(format!("the run did not end within {} s", limit.as_secs())),
            _ = stop.wait_for(|stop| *stop) => Err("interrupted".to_owned()),
        };
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

/// Gives the job and listens; whether the cell told everything.
async fn converse(child: &mut Child, job: &Job, told: &mut Told) -> io::Result<bool> {
    let text = serde_json::to_vec(job)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&text).await?;
    }
    let Some(stdout) = child.stdout.take() else {
        return Ok(false);
    };
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line)? {
            Message::Step(step) => told.steps.push(step),
            Message::Facts(facts) => told.facts.extend(facts),
            Message::Trace(trace) => told.trace = trace,
            Message::Done { ran } => {
                told.ran = ran;
                return Ok(true);
            }
            Message::Broken(why) => told.broken = Some(why),
        }
    }
    Ok(false)
}

/// Ends the cell, which ends everything in it; what it complained on its stderr.
async fn end(child: &mut Child) -> String {
    // Already ended is as good.
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

/// The runtime's environment: the same everywhere, so that nothing of the user's shell becomes a difference.
fn environment() -> std::collections::BTreeMap<String, String> {
    [
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("HOME", "/root"),
        ("LANG", "C"),
        ("TMPDIR", crate::cell::paths::TMP),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
