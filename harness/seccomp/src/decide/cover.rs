//! A set of arguments as conditions that a profile can express: each on its own, and one that holds is enough.

use super::Decider;
use super::arguments::Register;
use super::diagram::{Against, Diagrams, Node, Set, TooComplex};

impl Decider {
    /// Conditions on one argument, at least one of which holds exactly for the calls of a set. `None`: they would be
    /// more than `most`, or the set is not about that argument alone.
    pub(crate) fn cover(
        &mut self,
        set: Set,
        index: u32,
        most: usize,
    ) -> Result<Option<Vec<Cover>>, TooComplex> {
        let register = Register::argument(index);
        let diagrams = &mut self.diagrams;
        let Some(plain) = cover(diagrams, (set, set), register, most)? else {
            return Ok(None);
        };
        // The values from some point on, in one condition: the rest may then take fewer.
        let Some(first) = last_run(diagrams, set.0, register, 0) else {
            return Ok(Some(plain));
        };
        let run = diagrams.choose_number(
            (register.begin, 64),
            Against::GreaterEqual,
            first,
            Set::EMPTY.0,
            set.0,
        )?;
        let mut with_run = vec![Cover::AtLeast(first)];
        with_run.extend(cover(diagrams, (Set(run), set), register, most)?.unwrap_or_default());
        Ok(Some(if with_run.len() < plain.len() {
            with_run
        } else {
            plain
        }))
    }
}

/// A condition on an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    /// It has this value under this mask.
    Masked(u64, u64),
    /// It is this or more.
    AtLeast(u64),
}

/// Covers `left` with conditions that hold only within `set`.
fn cover(
    diagrams: &mut Diagrams,
    (mut left, set): (Set, Set),
    register: Register,
    most: usize,
) -> Result<Option<Vec<Cover>>, TooComplex> {
    let mut list = Vec::new();
    while !left.is_empty() {
        let cube = first_cube(diagrams, left, register).filter(|_| list.len() < most);
        let Some(cube) = cube else {
            return Ok(None);
        };
        let (mask, value) = widen(diagrams, set, register, cube)?;
        let covered = diagrams.masked(register.begin, mask, value)?;
        let others = diagrams.not(covered)?;
        left = diagrams.and(left, others)?;
        list.push(Cover::Masked(mask, value));
    }
    Ok(Some(list))
}

/// Where the values begin that extend to the end without a gap.
fn last_run(diagrams: &Diagrams, node: Node, register: Register, done: u16) -> Option<u64> {
    if node == Set::ALL.0 {
        return Some(0);
    }
    if node == Set::EMPTY.0 {
        return None;
    }
    let (zero, one) = diagrams.ways(node, register.begin + done);
    let bit = 1 << (63 - done);
    if one != Set::ALL.0 {
        return last_run(diagrams, one, register, done + 1).map(|first| first | bit);
    }
    last_run(diagrams, zero, register, done + 1).or(Some(bit))
}

/// One path through a set.
fn first_cube(diagrams: &Diagrams, set: Set, register: Register) -> Option<(u64, u64)> {
    let (mut node, mut mask, mut value) = (set.0, 0, 0);
    while node != Set::ALL.0 {
        let level = diagrams.level(node);
        if !(register.begin..register.end()).contains(&level) {
            return None;
        }
        let bit = register.bit(level);
        let (zero, one) = diagrams.ways(node, level);
        mask |= bit;
        node = if one == Set::EMPTY.0 {
            zero
        } else {
            value |= bit;
            one
        };
    }
    Some((mask, value))
}

/// Drops bits of the mask as long as only values of the set are covered: those that must be 0 first.
fn widen(
    diagrams: &mut Diagrams,
    set: Set,
    register: Register,
    (mut mask, mut value): (u64, u64),
) -> Result<(u64, u64), TooComplex> {
    let others = diagrams.not(set)?;
    for must_be_set in [false, true] {
        for bit in (0..64).map(|at| 1_u64 << at) {
            if mask & bit == 0 || (value & bit != 0) != must_be_set {
                continue;
            }
            let wider = diagrams.masked(register.begin, mask & !bit, value & !bit)?;
            if diagrams.and(wider, others)?.is_empty() {
                mask &= !bit;
                value &= !bit;
            }
        }
    }
    Ok((mask, value))
}
