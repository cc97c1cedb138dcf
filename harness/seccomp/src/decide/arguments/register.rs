//! A set of values of one register in words.

use super::super::diagram::{Diagrams, Node, Set, TooComplex};
use super::{MOST_TERMS, Register, behind};

/// A set of values of one register.
pub(super) fn describe(
    diagrams: &mut Diagrams,
    set: Set,
    register: Register,
    narrow: bool,
) -> Result<String, TooComplex> {
    // Registers of narrow arguments may be wider, and a filter may look at all of them.
    let narrow = narrow && diagrams.level(set.0) >= register.end() - 32;
    if narrow && register.bits == 64 {
        return describe(diagrams, set, register.lower_half(), narrow);
    }
    if set.is_all() {
        return Ok(String::new());
    }
    let plain = register.name();
    let name = match narrow || register.bits == 64 {
        true => plain.clone(),
        false => format!("{plain} & 0xffffffff"),
    };
    let others = diagrams.not(set)?;
    // One interval, single values, and all but one value read best as such; otherwise a mask does.
    if let Some(intervals) = intervals(diagrams, set, register, 3)
        && (intervals.len() == 1 || are_values(&intervals) || are_all_but_one(&intervals, register))
    {
        return Ok(by_intervals(&name, register, &intervals));
    }
    if let Some((mask, value)) = cube(diagrams, set, register) {
        return Ok(masked(&plain, mask, "=", value));
    }
    if let Some((mask, value)) = cube(diagrams, others, register) {
        return Ok(masked(&plain, mask, "!=", value));
    }
    if let Some(intervals) = intervals(diagrams, set, register, MOST_TERMS) {
        return Ok(by_intervals(&name, register, &intervals));
    }
    if let Some(intervals) = intervals(diagrams, others, register, MOST_TERMS) {
        return Ok(format!("{name} not in {}", list(&intervals)));
    }
    if let Some(text) = by_halves(diagrams, set, register, narrow)? {
        return Ok(text);
    }
    let mut cubes = Vec::new();
    let more = push_cubes(diagrams, set.0, register, (0, 0), &mut cubes);
    let mut terms: Vec<String> = cubes
        .iter()
        .map(|(mask, value)| masked(&plain, *mask, "=", *value))
        .collect();
    if more {
        terms.push("more".to_owned());
    }
    Ok(format!("({})", terms.join(" or ")))
}

/// `A and B`, where A is about the upper half and B about the lower one.
fn by_halves(
    diagrams: &mut Diagrams,
    set: Set,
    register: Register,
    narrow: bool,
) -> Result<Option<String>, TooComplex> {
    if register.bits != 64 {
        return Ok(None);
    }
    let upper = Register {
        begin: register.begin,
        bits: 32,
    };
    let [(lower, values)] = behind(diagrams, set, upper)?[..] else {
        return Ok(None);
    };
    let below = describe(diagrams, lower, register.lower_half(), narrow)?;
    if values.is_all() {
        return Ok(Some(below));
    }
    if lower.is_all() {
        return Ok(None);
    }
    let above = describe(diagrams, values, register, narrow)?;
    Ok(Some(format!("{above} and {below}")))
}

fn masked(name: &str, mask: u64, is: &str, value: u64) -> String {
    format!("{name} & {mask:#x} {is} {}", number(value))
}

/// Small numbers as people write them, others in hexadecimal.
fn number(value: u64) -> String {
    if value < 4096 {
        value.to_string()
    } else {
        format!("{value:#x}")
    }
}

fn by_intervals(name: &str, register: Register, intervals: &[(u64, u64)]) -> String {
    let greatest = register.greatest();
    match *intervals {
        [(first, last)] if last == greatest => format!("{name} >= {}", number(first)),
        [(0, last)] if last > 0 => format!("{name} <= {}", number(last)),
        [(0, before), _] if are_all_but_one(intervals, register) => {
            format!("{name} != {}", number(before + 1))
        }
        [(first, last)] if first == last => format!("{name} = {}", number(first)),
        _ => format!("{name} in {}", list(intervals)),
    }
}

fn list(intervals: &[(u64, u64)]) -> String {
    let one = |(first, last): &(u64, u64)| match first == last {
        true => number(*first),
        false => format!("{}..{}", number(*first), number(*last)),
    };
    intervals.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn are_values(intervals: &[(u64, u64)]) -> bool {
    intervals.iter().all(|(first, last)| first == last)
}

fn are_all_but_one(intervals: &[(u64, u64)], register: Register) -> bool {
    matches!(*intervals, [(0, before), (after, last)] if before + 2 == after && last == register.greatest())
}

/// The intervals of a set in rising order, if there are not too many.
fn intervals(diagrams: &Diagrams, set: Set, register: Register, most: usize) -> Option<Vec<(u64, u64)>> {
    let mut intervals = Vec::new();
    push_intervals(diagrams, set.0, register, (0, 0), &mut intervals, most).then_some(intervals)
}

/// Adds the intervals of a set in rising order; false when there are more than `most`. `first` is the value of the `done` bits above.
fn push_intervals(
    diagrams: &Diagrams,
    node: Node,
    register: Register,
    (done, first): (u32, u64),
    intervals: &mut Vec<(u64, u64)>,
    most: usize,
) -> bool {
    if node == Set::EMPTY.0 {
        return true;
    }
    if node == Set::ALL.0 {
        let last = first | register.greatest().checked_shr(done).unwrap_or(0);
        match intervals.last_mut() {
            Some(before) if before.1.checked_add(1) == Some(first) => before.1 = last,
            _ => intervals.push((first, last)),
        }
        return intervals.len() <= most;
    }
    let level = register.begin + done as u16;
    let (zero, one) = diagrams.ways(node, level);
    push_intervals(diagrams, zero, register, (done + 1, first), intervals, most)
        && push_intervals(
            diagrams,
            one,
            register,
            (done + 1, first | register.bit(level)),
            intervals,
            most,
        )
}

/// The mask and the value of a set that is `register & mask = value`.
fn cube(diagrams: &Diagrams, set: Set, register: Register) -> Option<(u64, u64)> {
    let (mut node, mut mask, mut value) = (set.0, 0, 0);
    if set.is_empty() {
        return None;
    }
    while node != Set::ALL.0 {
        let level = diagrams.level(node);
        let bit = register.bit(level);
        let (zero, one) = diagrams.ways(node, level);
        mask |= bit;
        node = if zero == Set::EMPTY.0 {
            value |= bit;
            one
        } else if one == Set::EMPTY.0 {
            zero
        } else {
            return None;
        };
    }
    Some((mask, value))
}

/// Adds the paths through a set as masks and values; true if there were more.
fn push_cubes(
    diagrams: &Diagrams,
    node: Node,
    register: Register,
    (mask, value): (u64, u64),
    cubes: &mut Vec<(u64, u64)>,
) -> bool {
    if node == Set::EMPTY.0 {
        return false;
    }
    if node == Set::ALL.0 {
        if cubes.len() == MOST_TERMS {
            return true;
        }
        cubes.push((mask, value));
        return false;
    }
    let level = diagrams.level(node);
    let bit = register.bit(level);
    let (zero, one) = diagrams.ways(node, level);
    push_cubes(diagrams, zero, register, (mask | bit, value), cubes)
        || push_cubes(diagrams, one, register, (mask | bit, value | bit), cubes)
}
