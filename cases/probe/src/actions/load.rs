//! Work to measure a recorder with, and output to fill a reader.

use super::{at_most, count, required};
use crate::outcome::Outcome;
use crate::report::Report;
use crate::sys::words::Words;
use crate::sys::{Errno, fs, task};

/// How much `flood` writes at a time.
const CHUNK: [u8; 4096] = {
    let mut chunk = [b'x'; 4096];
    let mut at = 63;
    while at < chunk.len() {
        chunk[at] = b'\n';
        at += 64;
    }
    chunk
};

pub(super) fn flood(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let mut left = count(required(args, 0, "BYTES")?)?;
    report.flush();
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK.len());
        match fs::write(1, &CHUNK[..part]) {
            Ok(count) => left -= count as u64,
            Err(Errno(libc::EINTR | libc::EAGAIN)) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

pub(super) fn spin(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 1)?;
    let times = count(required(args, 0, "the count")?)?;
    let good = (0..times).filter(|_| task::id(libc::SYS_getppid).is_ok()).count();
    report.fact("spin", good);
    Ok(())
}

pub(super) fn open_loop(args: &[&[u8]], _: &Words, report: &mut Report) -> Outcome {
    at_most(args, 2)?;
    let times = count(required(args, 0, "the count")?)?;
    let path = args.get(1).copied().unwrap_or(b"/");
    let good = (0..times)
        .filter(|_| fs::open(path, libc::O_RDONLY, 0).is_ok())
        .count();
    report.fact("openloop", good);
    Ok(())
}
