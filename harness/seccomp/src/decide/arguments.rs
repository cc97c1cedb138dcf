//! A set of arguments in words: `args[0] = 8`, `args[1] & 0x7e020000 != 0`, `args[2] in 16..4095 and args[0] > 3`.
//!
//! Derived from the set itself and not from the filter's instructions, so that filters which say the same in two ways read the same.

use super::Decider;
use super::diagram::{ARGS, Diagrams, IP, LEAF, Node, Set, TooComplex};

/// Terms that a text has at most; what is left out is counted.
const MOST_TERMS: usize = 6;

impl Decider {
    /// Describes a set of arguments; empty where every call is in it.
    ///
    /// # Errors
    ///
    /// When its complement has no small diagram.
    pub fn describe(&mut self, set: Set) -> Result<String, TooComplex> {
        if set.is_all() {
            return Ok(String::new());
        }
        let text = limited(&alternatives(&mut self.diagrams, set)?, " or ");
        // What is left out must not make two sets read the same.
        Ok(if text.contains("more") {
            format!("{text} #{:08x}", self.diagrams.digest(set) & 0xffff_ffff)
        } else {
            text
        })
    }
}

/// A set as a union: each alternative is a condition on several registers.
fn alternatives(diagrams: &mut Diagrams, set: Set) -> Result<Vec<String>, TooComplex> {
    let level = diagrams.level(set.0);
    if level == LEAF {
        return Ok(vec![String::new()]);
    }
    let register = Register::of(level);
    let mut alternatives = Vec::new();
    for (rest, values) in behind(diagrams, set, register)? {
        let here = describe_one(diagrams, values, register)?;
        for rest in self::alternatives(diagrams, rest)? {
            alternatives.push(match (here.is_empty(), rest.is_empty()) {
                (_, true) => here.clone(),
                (true, false) => rest,
                (false, false) => format!("{here} and {rest}"),
            });
        }
        if alternatives.len() > MOST_TERMS * 4 {
            alternatives.push("more".to_owned());
            break;
        }
    }
    Ok(alternatives)
}

fn limited(terms: &[String], between: &str) -> String {
    if terms.len() <= MOST_TERMS {
        return terms.join(between);
    }
    let left = terms.len() - MOST_TERMS;
    format!("{}{between}{left} more", terms[..MOST_TERMS].join(between))
}

/// A 64-bit register of the call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Register {
    pub(super) begin: u16,
}

impl Register {
    pub(super) fn argument(index: u32) -> Self {
        Self {
            begin: ARGS + index as u16 * 64,
        }
    }

    fn of(level: u16) -> Self {
        Self {
            begin: ARGS + (level - ARGS) / 64 * 64,
        }
    }

    pub(super) fn end(self) -> u16 {
        self.begin + 64
    }

    fn name(self) -> String {
        if self.begin >= IP {
            "ip".to_owned()
        } else {
            format!("args[{}]", (self.begin - ARGS) / 64)
        }
    }
}

/// For each set of later registers that a register can lead to: the values that do.
fn behind(diagrams: &mut Diagrams, set: Set, register: Register) -> Result<Vec<(Set, Set)>, TooComplex> {
    let mut targets = Vec::new();
    collect(
        diagrams,
        set.0,
        register.end(),
        &mut targets,
        &mut rustc_hash::FxHashSet::default(),
    );
    let mut list = Vec::new();
    for target in targets {
        if target == Set::EMPTY.0 {
            continue;
        }
        let mut known = rustc_hash::FxHashMap::default();
        let values = only(diagrams, set.0, target, register.end(), &mut known)?;
        list.push((Set(target), Set(values)));
    }
    Ok(list)
}

fn collect(
    diagrams: &Diagrams,
    node: Node,
    end: u16,
    targets: &mut Vec<Node>,
    seen: &mut rustc_hash::FxHashSet<Node>,
) {
    if !seen.insert(node) {
        return;
    }
    let level = diagrams.level(node);
    if level >= end {
        targets.push(node);
        return;
    }
    let (zero, one) = diagrams.ways(node, level);
    collect(diagrams, zero, end, targets, seen);
    collect(diagrams, one, end, targets, seen);
}

/// The values that lead to one target.
fn only(
    diagrams: &mut Diagrams,
    node: Node,
    target: Node,
    end: u16,
    known: &mut rustc_hash::FxHashMap<Node, Node>,
) -> Result<Node, TooComplex> {
    if let Some(&there) = known.get(&node) {
        return Ok(there);
    }
    let level = diagrams.level(node);
    let made = if level >= end {
        if node == target { Set::ALL.0 } else { Set::EMPTY.0 }
    } else {
        let (zero, one) = diagrams.ways(node, level);
        let zero = only(diagrams, zero, target, end, known)?;
        let one = only(diagrams, one, target, end, known)?;
        diagrams.node(level, zero, one)?
    };
    known.insert(node, made);
    Ok(made)
}

/// A set of values of one register.
fn describe_one(diagrams: &mut Diagrams, set: Set, register: Register) -> Result<String, TooComplex> {
    if set.is_all() {
        return Ok(String::new());
    }
    let name = register.name();
    let others = diagrams.not(set)?;
    if let Some(intervals) = intervals(diagrams, set, register, 3) {
        return Ok(by_intervals(&name, &intervals));
    }
    if let Some((mask, value)) = cube(diagrams, set, register) {
        return Ok(masked(&name, mask, "=", value));
    }
    if let Some((mask, value)) = cube(diagrams, others, register) {
        return Ok(masked(&name, mask, "!=", value));
    }
    if let Some(intervals) = intervals(diagrams, set, register, MOST_TERMS) {
        return Ok(by_intervals(&name, &intervals));
    }
    if let Some(intervals) = intervals(diagrams, others, register, MOST_TERMS) {
        return Ok(format!("{name} not in {}", list(&intervals)));
    }
    let mut cubes = Vec::new();
    let more = push_cubes(diagrams, set.0, register, (0, 0), &mut cubes);
    let mut terms: Vec<String> = cubes
        .iter()
        .map(|(mask, value)| masked(&name, *mask, "=", *value))
        .collect();
    if more {
        terms.push("more".to_owned());
    }
    Ok(format!("({})", terms.join(" or ")))
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

fn by_intervals(name: &str, intervals: &[(u64, u64)]) -> String {
    match *intervals {
        [(first, u64::MAX)] => format!("{name} >= {}", number(first)),
        [(0, last)] if last > 0 => format!("{name} <= {}", number(last)),
        [(0, before), (after, u64::MAX)] if before + 2 == after => {
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
        let last = first | u64::MAX.checked_shr(done).unwrap_or(0);
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
            (done + 1, first | 1 << (63 - done)),
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
        let bit = 1 << (63 - (level - register.begin));
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

/// Adds the ways through a set as masks and values; true when there were more.
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
    let bit = 1 << (63 - (level - register.begin));
    let (zero, one) = diagrams.ways(node, level);
    push_cubes(diagrams, zero, register, (mask | bit, value), cubes)
        || push_cubes(diagrams, one, register, (mask | bit, value | bit), cubes)
}
