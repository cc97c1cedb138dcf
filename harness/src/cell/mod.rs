//! The cell: a process of ours, number 1 of a private pid namespace, that runs one case under one runtime.
//!
//! The harness starts itself anew as `ocidiff cell`, gives it a [`job::Job`] on stdin and reads
//! [`job::Message`]s from its stdout. Whatever the runtime does, it ends with this process: the kernel kills
//! all of the pid namespace, and the mounts go with the mount namespace.
//!
//! | file             | what it does                                             |
//! |------------------|----------------------------------------------------------|
//! | `job`            | what is asked, what is told                              |
//! | `paths`          | where things are, the same in every cell                 |
//! | `isolate`, `machine` | the containment; the machine's files as an overlay     |
//! | `bundle`         | the overlay and the config of each container             |
//! | `run`, `finish`    | the steps, and what is told at their end                 |
//! | `call`, `pump`   | one call of a runtime; streams and children in one loop  |
//! | `container`      | a container's init, its streams, its recorder            |
//! | `console`        | the terminal that a runtime sends                        |
//! | `observe`        | what can be seen from outside, a file each channel       |
//! | `trace_facts`    | the facts of a recording                                 |

mod bundle;
mod call;
mod console;
mod container;
mod finish;
mod isolate;
pub mod job;
mod machine;
mod observe;
pub mod paths;
mod pump;
mod run;
mod trace_facts;

pub(crate) use call::signal_name;
pub(crate) use observe::proc::{capability_names, capability_number};
pub(crate) use observe::{lifecycle::class, stdio};

use std::io::{self, Read, Write};

use job::{Job, Message};
use ocidiff_trace::EbpfRecorder;
use ocidiff_trace::ebpf::{Place, Role};

/// The hidden subcommand: reads the job, runs it, tells, and ends with the process.
///
/// # Errors
/// Only where nothing can be told: stdin or stdout is broken.
pub fn main() -> io::Result<()> {
    // First of all: from here on we do not outlive the harness. Had it died before, stdin would end at once.
    ocidiff_trace::process::set_parent_death_signal_kill()?;
    ocidiff_trace::process::reset_signal_dispositions();
    nix::sys::signal::SigSet::empty().thread_set_mask()?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let mut out = io::stdout();
    let mut tell = |message: Message| {
        // A harness that went away has no use for it.
        if let Ok(line) = serde_json::to_string(&message) {
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    };
    match serde_json::from_str::<Job>(&text) {
        Ok(job) => match carry_out(&job, &mut tell) {
            Ok(ran) => tell(Message::Done { ran }),
            Err(why) => tell(Message::Broken(why)),
        },
        Err(error) => tell(Message::Broken(format!("failed to read the job: {error}"))),
    }
    Ok(())
}

fn carry_out(job: &Job, tell: &mut dyn FnMut(Message)) -> Result<bool, String> {
    if std::process::id() != 1 {
        return Err(
            "the cell must be process 1 of its pid namespace: it is started by ocidiff only".to_owned(),
        );
    }
    let recorder = match &job.events {
        None => None,
        Some(place) => Some(follow(*place).map_err(|error| format!("failed to {error}"))?),
    };
    isolate::enter(job).map_err(|error| format!("failed to {error}"))?;
    // Some runtimes make a session keyring and some do not; what the container then sees must not be the user's.
    // Where the kernel has no keyrings there is nothing to keep apart.
    let _ = ocidiff_trace::process::join_session_keyring(c"cell");
    bundle::make(job).map_err(|error| format!("failed to {error}"))?;
    run::Run::new(job, recorder, tell)
        .take_steps()
        .map_err(|error| format!("failed to call the runtime: {error}"))
}

/// From here on the kernel's programs follow what this process starts.
fn follow(place: Place) -> Result<EbpfRecorder, ocidiff_trace::Error> {
    let recorder = EbpfRecorder::open(place)?;
    EbpfRecorder::enrol(&place, Role::Harness)?;
    Ok(recorder)
}
