//! Small actions on the process itself.

use alloc::format;

use super::{at_most, count, required, utf8};
use crate::json::Value;
use crate::outcome::{Outcome, Stop};
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, task};
use crate::tables::names;

pub(super) fn print(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    report.flush();
    sys::write_all(1, &[&args.join(&b" "[..])[..], b"\n"].concat());
    Ok(())
}

pub(super) fn eprint(args: &[&[u8]], _: &Words, _: &mut Report) -> Outcome {
    sys::write_all(2, &[&args.join(&b" "[..])[..], b"\n"].concat());
    Ok(())
}

pub(super) fn exit(args: &[&[u8]], _: &Words, _: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let status = count(required(args, 0, "the status")?)?;
    match i32::try_from(status) {
        Ok(status @ 0..=255) => Err(Stop::Exit(status)),
        _ => Err(Stop::wrong("the status is from 0 to 255")),
    }
}

fn signal_number(text: &[u8]) -> Result<u32, Stop> {
    names::signal_number(utf8(text)?)
        .ok_or_else(|| Stop::wrong(format!("there is no signal {}", text.escape_ascii())))
}

/// Whether it is a signal.
pub(crate) fn check_signal(text: &[u8]) -> Outcome {
    signal_number(text).map(drop)
}

/// Whether `sleep` accepts it.
pub(crate) fn check_time(text: &[u8]) -> Outcome {
    if text == b"forever" {
        return Ok(());
    }
    time(text).map(drop)
}

pub(super) fn signal(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let name = required(args, 0, "NAME")?;
    let signal = signal_number(name)?;
    let pid = args.get(1).map(|text| count(text)).transpose()?;
    report.flush();
    let sent = match pid {
        Some(pid) => task::kill(pid as i32, signal),
        None => task::id(libc::SYS_getpid).and_then(|pid| task::kill(pid, signal)),
    };
    report.outcome("signal", names::signal(signal).as_bytes(), sent);
    Ok(())
}

/// Blocked signals wait, even for the first process of a pid namespace, which does not receive others.
pub(super) fn wait_signal(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    required(args, 0, "NAME")?;
    let mask = args.iter().try_fold(0, |mask, name| {
        let number = signal_number(name)?;
        Ok(mask | if number > 0 { 1_u64 << (number - 1) } else { 0 })
    })?;
    let blocked = task::block_signals(mask);
    report.fact("wait-signal", blocked.map(|()| "waiting"));
    report.flush();
    report.fact("wait-signal", task::wait_signal(mask).map(names::signal));
    Ok(())
}

pub(super) fn sleep(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let text = required(args, 0, "the time")?;
    report.flush();
    if text == b"forever" {
        loop {
            task::pause();
        }
    }
    let (seconds, nanoseconds) = time(text)?;
    task::sleep(seconds, nanoseconds);
    Ok(())
}

fn time(text: &[u8]) -> Result<(u64, u64), Stop> {
    duration(utf8(text)?).ok_or_else(|| Stop::wrong("the time is in seconds, or `forever`"))
}

/// `2` or `0.25`, as seconds and nanoseconds.
fn duration(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some((whole.parse().ok()?, format!("{fraction:0<9}").parse().ok()?))
}

pub(super) fn fork(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let wanted = count(required(args, 0, "the count")?)?;
    report.flush();
    let mut made = 0;
    let failed = loop {
        if made == wanted {
            break None;
        }
        match task::fork_sleeper() {
            Ok(_) => made += 1,
            Err(errno) => break Some(errno),
        }
    };
    report.outcome("fork", b"made", Value::Int(made as i64));
    if let Some(errno) = failed {
        report.outcome("fork", b"error", Value::Failed(errno));
    }
    Ok(())
}

pub(super) fn exec(args: &[&[u8]], words: &Words, report: &mut Report) -> Outcome {
    let path = required(args, 0, "PATH")?;
    report.flush();
    let errno = task::exec(path, args, words.env());
    report.outcome("exec", path, Value::Failed(errno));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_in_seconds() {
        assert_eq!(duration("2"), Some((2, 0)));
        assert_eq!(duration("0.25"), Some((0, 250_000_000)));
        for text in ["", ".5", "-1", "1.x", "1.0000000001"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
