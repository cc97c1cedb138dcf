//! The cell: a process of ours, number 1 of a private pid namespace, that runs one case under one runtime.
//!
//! The harness starts itself again as `ocidiff cell`, and gives it a [`job::Job`] over the socket that is its
//! stdin, from which it reads [`job::Message`]s. Whatever the runtime does, it ends with this process: the kernel
//! kills all of the pid namespace, and the mounts go with the mount namespace.
//!
//! | file             | what it does                                             |
//! |------------------|----------------------------------------------------------|
//! | `job`            | what is asked for, what is reported                      |
//! | `paths`          | where things are, the same in every cell                 |
//! | `isolate`, `overlay` | the containment; the machine's files under overlays   |
//! | `trees`          | the steps of it: mounts are made, cloned, attached       |
//! | `table`, `other_mounts`, `dev` | mounts other than `/`, and the cell's own `/dev`     |
//! | `unseen`, `error` | what of the machine is not visible; why there is no cell |
//! | `stand_in`, `joined` | what stands in for files and namespaces of the machine |
//! | `pin`            | what every runtime is called with: nice, limits, session, ... |
//! | `bundle`         | the overlay and the config of each container             |
//! | `run`, `finish`    | the steps, and what is reported at their end             |
//! | `call`, `pump`   | one call of a runtime; streams and children in one loop  |
//! | `container`      | a container's init, its streams, its recorder            |
//! | `console`        | the terminal that a runtime sends                        |
//! | `observe`        | what can be seen from outside, a file each channel       |
//! | `trace_facts`    | the facts of a recording                                 |

mod behind;
mod bundle;
mod call;
mod console;
mod container;
mod dev;
mod error;
mod finish;
mod isolate;
pub mod job;
pub(crate) mod joined;
mod observe;
mod other_mounts;
mod overlay;
pub(crate) mod pin;
mod pump;
mod run;
mod run_programs;
pub mod stand_in;
mod table;
mod trace_facts;
mod trees;
mod unseen;

pub(crate) use bundle::like;
pub(crate) use observe::{lifecycle::class, stdio};
pub(crate) use pump::Lost;

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use job::{Answer, Ask, Job, Message};
use ocidiff_model::Fact;
use ocidiff_trace::EbpfRecorder;
use ocidiff_trace::ebpf::{Place, Role};
use unseen::Unseen;

/// The word of the command line that starts the program as a cell.
pub(crate) const COMMAND: &str = "cell";

/// What the program does as a cell: reads the job, runs it, reports, and ends with the process.
///
/// # Errors
/// Only where nothing can be reported: stdin is not a socket of the harness, or is broken.
pub fn main() -> io::Result<()> {
    // This comes first: from here on we do not outlive the harness. Had it died before, stdin would end at once.
    ocidiff_trace::process::set_parent_death_signal_kill()?;
    ocidiff_trace::process::reset_signal_dispositions();
    nix::sys::signal::SigSet::empty().thread_set_mask()?;
    if std::process::id() != 1 {
        return Err(io::Error::other(
            "the cell must be process 1 of its pid namespace: it is started by ocidiff only",
        ));
    }
    pin::leave_the_caller()?;
    let mut socket = take_stdin()?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    let job = serde_json::from_str::<Job>(&text);
    let secret = job.as_ref().map_or("", |job| job.secret.as_str());
    let mut tell = |message: Message| {
        // A harness that has gone away has no use for it.
        if let Ok(line) = serde_json::to_string(&message) {
            let _ = socket.write_all(format!("{secret} {line}\n").as_bytes());
        }
    };
    match &job {
        Ok(job) => match carry_out(job, &mut tell) {
            Ok(ran) => tell(Message::Done { ran }),
            Err(why) => tell(Message::Broken(why)),
        },
        Err(error) => return Err(io::Error::other(format!("failed to read the job: {error}"))),
    }
    Ok(())
}

/// The socket, which is not passed on to started programs: in its place stdin is empty.
fn take_stdin() -> io::Result<UnixStream> {
    let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    nix::unistd::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(socket.into())
}

fn carry_out(job: &Job, tell: &mut dyn FnMut(Message)) -> Result<bool, String> {
    let joining = isolate::Joining::start(&job.cgroups).map_err(|error| format!("failed to {error}"))?;
    let recorder = match &job.events {
        None => None,
        Some(place) => Some(follow(*place).map_err(|error| format!("failed to {error}"))?),
    };
    let unseen = isolate::enter(job, joining).map_err(|error| format!("failed to {error}"))?;
    tell_unseen(job, &unseen, tell)?;
    join_keyring();
    bundle::make(job).map_err(|error| format!("failed to {error}"))?;
    pin::pin(&job.caller).map_err(|error| format!("failed to {error}"))?;
    let ran = match &job.ask {
        Some(ask) => answer(job, ask).map(|answer| {
            tell(Message::Answer(answer));
            false
        }),
        None => run::Run::new(job, recorder, tell).take_steps(),
    };
    ran.map_err(|error| format!("failed to call the runtime: {error}"))
}

/// Some runtimes make a session keyring and some do not; what the container then sees must not be the user's. Where
/// the kernel has no keyrings there is nothing to keep apart.
///
/// The new one is empty: it does not link root's user keyring (`_uid.0`), so its keys are not possessed here and a
/// search does not find them. The keyring itself can still be named (KEY_SPEC_USER_KEYRING) by any process that is root
/// in the machine's user namespace: it belongs to a uid of a user namespace, and a cell in its own user namespace could
/// not mount, or make devices or cgroups, as the runtimes do.
fn join_keyring() {
    let _ = ocidiff_trace::process::join_session_keyring(c"cell");
}

/// One call, without a container.
fn answer(job: &Job, ask: &Ask) -> io::Result<Answer> {
    let mut pump = pump::Pump::new(job.stream_cap);
    let limit = Duration::from_millis(ask.limit_ms);
    let call = call::run(&mut pump, &ask.argv, &job.env, limit)?;
    let text = |id| String::from_utf8_lossy(pump.stream(id).kept()).into_owned();
    Ok(Answer {
        stdout: text(call.stdout),
        stderr: text(call.stderr),
        result: call.result,
        exit: call.exit,
    })
}

/// An empty folder in place of what a container should have shows nothing about the container.
fn tell_unseen(job: &Job, unseen: &[Unseen], tell: &mut dyn FnMut(Message)) -> Result<(), String> {
    for source in job.containers.values().flat_map(|config| sources(config)) {
        if let Some(Unseen { path, why, .. }) = unseen.iter().rev().find(|unseen| unseen.holds(&source)) {
            return Err(format!(
                "failed to give the container {source}: a cell does not see {path} ({why}); copy what is needed to \
                 another filesystem"
            ));
        }
    }
    let lines: Vec<String> = unseen
        .iter()
        .map(|Unseen { path, why, .. }| format!("{path} ({why})"))
        .collect();
    if !lines.is_empty() {
        tell(Message::Facts(vec![Fact::new("mount.unseen", lines)]));
    }
    Ok(())
}

/// The sources of the mounts of a config, except devices: those are made again.
fn sources(config: &str) -> Vec<String> {
    let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let sources = mounts.filter_map(|mount| mount["source"].as_str());
    sources
        .filter(|source| !source.starts_with("/dev/"))
        .map(str::to_owned)
        .collect()
}

/// From here on the kernel's programs follow what this process starts.
fn follow(place: Place) -> Result<EbpfRecorder, ocidiff_trace::Error> {
    let recorder = EbpfRecorder::open(place)?;
    EbpfRecorder::enrol(&place, Role::Harness)?;
    Ok(recorder)
}
