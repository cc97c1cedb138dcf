//! Raw system calls.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::utf8;
use crate::json::Value;
use crate::outcome::{Outcome, Stop};
use crate::parse::number;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{self, Arg};
use crate::tables::syscalls;

/// What `buf` stands for.
const BUFFER: usize = 4096;

/// `call fchmodat2 AT_FDCWD /x 0o2775 0 -- getpid`. Each result is written before the next call, which may be
/// the last one.
pub(super) fn run(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    for one in args.split(|word| *word == b"--") {
        let (name, number, args) = parse(one)?;
        report.flush();
        let mut args: Vec<Arg> = args.iter().map(|word| argument(word)).collect();
        report.outcome(
            "call",
            name.as_bytes(),
            told(name, sys::any_call(number, &mut args)),
        );
    }
    Ok(())
}

/// Name, number and arguments of one call.
fn parse<'a>(one: &'a [&'a [u8]]) -> Result<(&'a str, i64, &'a [&'a [u8]]), Stop> {
    let (name, args) = one
        .split_first()
        .ok_or_else(|| Stop::wrong("the name of a call is missing"))?;
    let name = utf8(name)?;
    let number = syscalls::number(name)
        .ok_or_else(|| Stop::wrong(format!("there is no call {name}; `#123` gives it by number")))?;
    if args.len() > 6 {
        return Err(Stop::wrong(format!("{name}: a call has six arguments at most")));
    }
    Ok((name, number, args))
}

/// Whether it is a valid call.
pub(crate) fn check(one: &[&[u8]]) -> Outcome {
    parse(one).map(drop)
}

/// Numbers are numbers, a few names are known, and everything else is a string; `s:` makes a string of anything.
fn argument(word: &[u8]) -> Arg {
    match word {
        b"AT_FDCWD" => Arg::Int(libc::AT_FDCWD as isize as usize),
        b"NULL" => Arg::Int(0),
        b"buf" => Arg::Memory(vec![0; BUFFER]),
        [b's', b':', text @ ..] => c_string(text),
        _ => number::word(word).map_or_else(|| c_string(word), Arg::Int),
    }
}

fn c_string(text: &[u8]) -> Arg {
    Arg::Memory([text, b"\0"].concat())
}

fn told(name: &str, result: sys::Result<usize>) -> Value {
    match result {
        Ok(_) if syscalls::is_volatile(name) => "ok".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_told_apart() {
        assert_eq!(argument(b"AT_FDCWD"), Arg::Int(usize::MAX - 99));
        assert_eq!(argument(b"0o17"), Arg::Int(15));
        assert_eq!(argument(b"NULL"), Arg::Int(0));
        assert_eq!(argument(b"/x"), Arg::Memory(b"/x\0".to_vec()));
        assert_eq!(argument(b"s:12"), Arg::Memory(b"12\0".to_vec()));
        assert_eq!(argument(b"buf"), Arg::Memory(vec![0; BUFFER]));
    }

    #[test]
    fn results_that_vary_are_ok_only() {
        assert_eq!(told("getpid", Ok(7)), Value::from("ok"));
        assert_eq!(told("chmod", Ok(0)), Value::Int(0));
        assert_eq!(
            told("openat", Err(sys::Errno(libc::EPERM))),
            Value::Failed(sys::Errno(libc::EPERM))
        );
    }
}
