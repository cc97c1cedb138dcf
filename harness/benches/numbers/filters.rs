//! Deciding seccomp filters: two real ones compared completely, and one call answered.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ocidiff::error::Error;
use ocidiff_seccomp::{Decider, Filter, SeccompData};

use crate::{best, say};

/// The same profile under two runtimes, as the kernel had it: 960 and 1,214 instructions.
const FILTERS: [&str; 2] = [
    include_str!("../../seccomp/tests/filters/docker-20.10.24.crun@1.8.1.hex"),
    include_str!("../../seccomp/tests/filters/docker-20.10.24.runc@1.4.3.hex"),
];

/// How many calls are answered for one figure.
const CALLS: u32 = 1 << 20;

pub(crate) fn filters() -> Result<bool, Error> {
    Ok(comparing()? & answering()?)
}

fn read(hex: &str) -> Result<Filter, Error> {
    let digits = hex.as_bytes().iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Vec<u8> = digits
        .map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::broken("a filter is not in hex"))?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Filter::from_bytes(&bytes).map_err(Error::broken)
}

/// Reads both, decides both, and lists where they differ.
fn comparing() -> Result<bool, Error> {
    let mut rows = 0;
    let took = best(|| {
        let started = Instant::now();
        let mut decider = Decider::default();
        let mut decisions = Vec::new();
        for hex in FILTERS {
            decisions.push(decider.filter(&read(hex)?).map_err(Error::broken)?);
        }
        rows = decider.compare(&decisions).map_err(Error::broken)?.len();
        Ok(started.elapsed())
    })?;
    let millis = took.as_secs_f64() * 1e3;
    Ok(say(
        "two filters read, decided, compared",
        &format!("{millis:.1} ms, {rows} rows"),
        "under 10 ms",
        millis < 10.0 && rows > 0,
    ))
}

/// Calls with all existing numbers, and some more.
fn answering() -> Result<bool, Error> {
    let mut decider = Decider::default();
    let decision = decider.filter(&read(FILTERS[1])?).map_err(Error::broken)?;
    let took: Duration = best(|| {
        let started = Instant::now();
        for at in 0..CALLS {
            let call = SeccompData::new(0xc000_003e, at % 512, [at.into(); 6]);
            black_box(decider.answer(decision, black_box(&call)));
        }
        Ok(started.elapsed())
    })?;
    let nanos = took.as_secs_f64() * 1e9 / f64::from(CALLS);
    Ok(say(
        "one call answered by a decision",
        &format!("{nanos:.0} ns"),
        "under 200 ns",
        nanos < 200.0,
    ))
}
