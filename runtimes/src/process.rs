//! One short call of a tool of this machine: limited in time and output, alone in its process group.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::ask::{Answer, End};

/// How much output of a short call is kept.
pub(crate) const CAP: usize = 64 * 1024;

/// Runs a command to its end or to the limit.
pub(crate) fn run(command: &mut Command, limit: Duration, cap: usize) -> std::io::Result<Answer> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = spawn(command)?;
    let group = Pid::from_child(&child);
    let watched = watch(&mut child, group, Instant::now() + limit, cap);
    // Before the child is reaped: until then its number cannot belong to another group.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait()?;
    let (stdout, stderr, late) = watched?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let end = match (late, status.code(), status.signal()) {
        (true, ..) => End::Late,
        (_, Some(code), _) => End::Code(code),
        (_, _, signal) => End::Signal(signal.unwrap_or_default().to_string()),
    };
    Ok(Answer {
        stdout: text(stdout),
        stderr: text(stderr),
        end,
    })
}

/// A program that was just written may still be open in a process that another thread is forking.
pub(crate) fn spawn(command: &mut Command) -> std::io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(err) if err.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

type Output = (Vec<u8>, Vec<u8>, bool);

/// Reads until the child has ended; a pipe that a grandchild keeps open does not hold us up.
fn watch(child: &mut Child, pid: Pid, deadline: Instant, cap: usize) -> std::io::Result<Output> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok((stdout, stderr, true));
        }
        let (ended, out_ready, err_ready) = {
            let ready = wait(
                pidfd.as_fd(),
                out.as_ref().map(AsFd::as_fd),
                err.as_ref().map(AsFd::as_fd),
                left,
            )?;
            (ready[0], ready[1], ready[2])
        };
        if out_ready {
            read_some(&mut out, &mut stdout, cap)?;
        }
        if err_ready {
            read_some(&mut err, &mut stderr, cap)?;
        }
        if ended && !out_ready && !err_ready {
            return Ok((stdout, stderr, false));
        }
    }
}

/// Which of the process, its stdout and its stderr have something for us.
fn wait(
    process: BorrowedFd<'_>,
    out: Option<BorrowedFd<'_>>,
    err: Option<BorrowedFd<'_>>,
    left: Duration,
) -> std::io::Result<[bool; 3]> {
    let fds = [Some(process), out, err];
    let mut polled: Vec<_> = fds
        .into_iter()
        .flatten()
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let limit = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    };
    poll(&mut polled, Some(&limit))?;
    let mut answers = polled.iter().map(|fd| !fd.revents().is_empty());
    Ok(fds.map(|fd| fd.is_some() && answers.next().unwrap_or(false)))
}

fn read_some(pipe: &mut Option<impl Read>, kept: &mut Vec<u8>, cap: usize) -> std::io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let count = pipe.as_mut().map_or(Ok(0), |pipe| pipe.read(&mut buffer))?;
    if count == 0 {
        *pipe = None;
    }
    let room = cap.saturating_sub(kept.len());
    kept.extend_from_slice(&buffer[..count.min(room)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, limit_ms: u64) -> Answer {
        run(
            Command::new("sh").args(["-c", script]),
            Duration::from_millis(limit_ms),
            1000,
        )
        .expect("sh runs")
    }

    #[test]
    fn output_and_status_are_told() {
        let ended = sh("echo out; echo err >&2; exit 3", 5000);
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(ended.tell(), "ended with 3 and said `err`");
    }

    #[test]
    fn output_is_capped() {
        assert_eq!(sh("head -c 1000000 /dev/zero", 5000).stdout.len(), 1000);
    }

    #[test]
    fn the_limit_holds_against_a_hang_and_against_an_open_pipe() {
        assert_eq!(sh("trap '' TERM; sleep 60", 200).end, End::Late);
        let began = Instant::now();
        let ended = sh("sleep 60 & echo v1", 20_000);
        assert!(ended.end == End::Code(0) && began.elapsed() < Duration::from_secs(10));
        assert_eq!(ended.stdout, "v1\n");
    }
}
