//! The probe as a seccomp agent: what runtimes send it, and its answers to the calls that wait.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{at_most, count, required, utf8};
use crate::facts;
use crate::json::Value;
use crate::outcome::{Outcome, Stop};
use crate::parse::{self, number};
use crate::report::Report;
use crate::sys::agent::{self, Answer};
use crate::sys::fs::Fd;
use crate::sys::words::Words;
use crate::sys::{self, Errno};
use crate::tables::{errno, syscalls};

/// How long a runtime may take to send its state and to close the connection, in milliseconds.
const PATIENCE: i32 = 2000;
/// No limit.
const FOREVER: i32 = -1;

/// Answers until the given number of runtimes have connected, and no process is left under their filters. If
/// there are several states, the last one is reported.
pub(super) fn run(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 3)?;
    let path = required(args, 0, "SOCKET")?;
    let answer = answer(required(args, 1, "ANSWER")?)?;
    let expected = args.get(2).map_or(Ok(1), |text| count(text))?;
    let listener = match agent::listener(path) {
        Ok(listener) => listener,
        Err(errno) => {
            report.outcome("listen", path, Value::Failed(errno));
            return Ok(());
        }
    };
    report.fact("listen", "listening");
    report.flush();
    let mut calls = Vec::new();
    let served = serve(&listener, expected, answer, &mut calls, report);
    report.fact("listen.calls", calls);
    if let Err(errno) = served {
        report.fact("listen.error", Value::Failed(errno));
    }
    Ok(())
}

/// `leave` is not an answer: the agent lets go of the filter.
fn answer(text: &[u8]) -> Result<Option<Answer>, Stop> {
    match text {
        b"leave" => return Ok(None),
        b"continue" => return Ok(Some(Answer::Continue)),
        _ => {}
    }
    if let Some(value) = number::count(text) {
        return Ok(Some(Answer::Value(i64::try_from(value).unwrap_or(i64::MAX))));
    }
    errno::number(utf8(text)?)
        .map(|errno| Some(Answer::Errno(errno)))
        .ok_or_else(|| {
            Stop::wrong(format!(
                "{} is no errno, value, `continue` or `leave`",
                text.escape_ascii()
            ))
        })
}

fn serve(
    listener: &Fd,
    expected: u64,
    answer: Option<Answer>,
    calls: &mut Vec<String>,
    report: &mut Report,
) -> sys::Result<()> {
    let mut left = expected;
    let mut filters: Vec<Fd> = Vec::new();
    while left > 0 || !filters.is_empty() {
        let mut fds: Vec<i32> = filters.iter().map(|filter| filter.0).collect();
        if left > 0 {
            fds.push(listener.0);
        }
        let seen = agent::wait(&fds, FOREVER)?;
        let connected = left > 0 && seen.last().is_some_and(|seen| *seen != 0);
        let mut seen = seen.iter();
        filters.retain(|filter| match seen.next() {
            Some(seen) if seen & agent::READABLE != 0 => attend(filter, answer, calls),
            Some(seen) => seen & agent::GONE == 0,
            None => true,
        });
        if connected {
            left -= 1;
            let mut untold = Report::new();
            let to = if left == 0 { &mut *report } else { &mut untold };
            filters.extend(connection(&agent::accept(listener)?, to)?);
            report.flush();
        }
    }
    Ok(())
}

/// Answers one call; returns whether the filter is kept. A process that ended while it waited needs no answer.
fn attend(filter: &Fd, answer: Option<Answer>, calls: &mut Vec<String>) -> bool {
    if let Ok(call) = agent::notification(filter) {
        calls.push(syscalls::name(call.number.into()));
        let Some(answer) = answer else {
            return false;
        };
        let _ = agent::answer(filter, &call, answer);
    }
    true
}

/// Reports what a runtime sends, and returns the descriptors that came with the first bytes.
fn connection(connection: &Fd, report: &mut Report) -> sys::Result<Vec<Fd>> {
    let mut buffer = [0; 4096];
    let mut text = Vec::new();
    let mut passed: Option<Vec<Fd>> = None;
    let closed = loop {
        if agent::wait(&[connection.0], PATIENCE)? == [0] {
            break Ok(false);
        }
        match agent::receive(connection, &mut buffer) {
            Ok((0, _)) => break Ok(true),
            Ok((count, fds)) => {
                text.extend(&buffer[..count]);
                passed.get_or_insert(fds);
            }
            Err(errno) => break Err(errno),
        }
    };
    report.fact("listen.closed", closed);
    let passed = passed.unwrap_or_default();
    let kinds = passed
        .iter()
        .map(|fd| facts::target(fd.0).unwrap_or_else(|Errno(code)| errno::name(code).into_bytes()));
    report.fact("listen.descriptors", kinds.collect::<Vec<_>>());
    state(&text, report);
    Ok(passed)
}

/// The container process state, member by member. For process ids, it is reported whether they are there, and
/// whether both are the same.
fn state(text: &[u8], report: &mut Report) {
    let Some(leaves) = parse::json::leaves(text) else {
        report.fact("listen.text", text);
        return;
    };
    let pid = |path: &str| leaves.iter().find(|(known, _)| known == path).map(|(_, pid)| pid);
    let same = pid("pid").is_some() && pid("pid") == pid("state.pid");
    for (path, value) in &leaves {
        let value = match value {
            Value::Int(pid) if path.ends_with("pid") => Value::from(if *pid > 0 { "set" } else { "zero" }),
            other => other.clone(),
        };
        report.fact(format!("listen.{path}"), value);
    }
    report.fact("listen.pid.is-state.pid", same);
}
