//! One call of a runtime: its own process group, a limit, captured output with a cap.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use ocidiff_model::record::CallResult;

use crate::machine::names::signal_name;

use super::pump::{End, Pump, StreamId};

/// A call that has ended, or has been ended.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) result: CallResult,
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: StreamId,
    pub(crate) stderr: StreamId,
    pub(crate) seconds: f64,
}

/// How a runtime that crashed in its own code says so, whatever language it is written in.
const CRASHES: [&str; 4] = [
    "panicked at ",
    "panic: runtime error",
    "goroutine 1 [",
    "AddressSanitizer",
];

/// How long the kernel may take to end the process after a kill.
const GRACE: Duration = Duration::from_secs(2);

/// Calls the runtime and waits for the end of its own process, whatever its children do.
///
/// # Errors
/// The program could not be started at all.
pub(crate) fn run(
    pump: &mut Pump,
    argv: &[String],
    env: &BTreeMap<String, String>,
    limit: Duration,
) -> io::Result<Call> {
    let started = Instant::now();
    let (program, args) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let (out_read, out_write) = io::pipe()?;
    let (err_read, err_write) = io::pipe()?;
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(env).process_group(0);
    command.stdin(Stdio::null()).stdout(out_write).stderr(err_write);
    // Root without supplementary groups, whichever user started us. It also makes std fork and exec: with
    // posix_spawn, glibc would leave signals 32 and 33 ignored in the runtime, and so in the container.
    command.uid(0).gid(0);
    // Not waited for through the handle: the pump reaps.
    let child = command.spawn()?;
    drop(command);
    let pid = Pid::from_raw(child.id().cast_signed());
    pump.look_after(pid);
    let stdout = pump.add(out_read.into())?;
    let stderr = pump.add(err_read.into())?;
    // Where the kernel has no pidfd (before 5.3) the loop's tick has to do.
    let pidfd = rustix::process::Pid::from_raw(pid.as_raw())
        .and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok());
    let wake = pidfd.as_ref().map(std::os::fd::AsFd::as_fd);
    let ended = pump.until(wake, started + limit, |pump| pump.end(pid).is_some());
    if !ended {
        // The group first, so that nothing is left that could take the place of the leader's children.
        let _ = killpg(pid, Signal::SIGKILL);
        let _ = kill(pid, Signal::SIGKILL);
        pump.until(wake, Instant::now() + GRACE, |pump| pump.end(pid).is_some());
    }
    let end = pump.end(pid).filter(|_| ended);
    let (result, exit) = judge(end, pump.stream(stderr).kept());
    Ok(Call {
        result,
        exit,
        stdout,
        stderr,
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn judge(end: Option<End>, stderr: &[u8]) -> (CallResult, Option<i32>) {
    match end {
        None => (CallResult::Timeout, None),
        Some(End::Signal { number, .. }) => (CallResult::Signal(signal_name(number)), None),
        Some(End::Code(0)) => (CallResult::Ok, Some(0)),
        Some(End::Code(code)) => {
            let text = String::from_utf8_lossy(stderr);
            let crashed = CRASHES.iter().any(|crash| text.contains(crash));
            (
                if crashed {
                    CallResult::Panic
                } else {
                    CallResult::Error
                },
                Some(code),
            )
        }
    }
}
