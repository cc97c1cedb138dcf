//! A set of arguments in words: `args[0] = 8`, `args[1] & 0x7e020000 != 0`, `args[2] in 16..4095 and args[0] > 3`.
//!
//! Derived from the set itself and not from the filter's instructions, so that filters that say the same in two ways
//! read the same.

mod register;

use super::Decider;
use super::diagram::{ARGS, Diagrams, IP, LEAF, Node, Set, TooComplex};
use super::partition::Abi;

/// How many terms a text has at most; what is left out is counted.
pub(super) const MOST_TERMS: usize = 6;

impl Decider {
    /// Describes a set of arguments of calls of an ABI; empty if every call is in it.
    ///
    /// # Errors
    ///
    /// When its complement has no small diagram.
    pub fn describe(&mut self, set: Set, abi: &Abi) -> Result<String, TooComplex> {
        if set.is_all() {
            return Ok(String::new());
        }
        let text = limited(&alternatives(&mut self.diagrams, set, abi.is_narrow())?, " or ");
        // What is left out must not make two sets read the same.
        Ok(if text.contains("more") {
            format!("{text} #{:08x}", self.diagrams.digest(set) & 0xffff_ffff)
        } else {
            text
        })
    }
}

/// A set as a union: each alternative is a condition on several registers.
fn alternatives(diagrams: &mut Diagrams, set: Set, narrow: bool) -> Result<Vec<String>, TooComplex> {
    let level = diagrams.level(set.0);
    if level == LEAF {
        return Ok(vec![String::new()]);
    }
    let register = Register::of(level);
    let mut alternatives = Vec::new();
    for (rest, values) in behind(diagrams, set, register)? {
        let here = register::describe(diagrams, values, register, narrow)?;
        for rest in self::alternatives(diagrams, rest, narrow)? {
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

/// A register of the call, or its lower half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Register {
    /// The level of its highest bit.
    pub(super) begin: u16,
    /// 64, or 32 for a lower half.
    pub(super) bits: u16,
}

impl Register {
    pub(super) fn argument(index: u32) -> Self {
        Self::of(ARGS + index as u16 * 64)
    }

    fn of(level: u16) -> Self {
        Self {
            begin: ARGS + (level - ARGS) / 64 * 64,
            bits: 64,
        }
    }

    fn lower_half(self) -> Self {
        Self {
            begin: self.end() - 32,
            bits: 32,
        }
    }

    /// Where the bits of the next register begin.
    pub(super) fn end(self) -> u16 {
        self.begin + self.bits
    }

    /// The value of one bit.
    pub(super) fn bit(self, level: u16) -> u64 {
        1 << (self.end() - 1 - level)
    }

    /// The greatest value.
    fn greatest(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    fn name(self) -> String {
        if self.begin >= IP {
            "ip".to_owned()
        } else {
            format!("args[{}]", (self.begin - ARGS) / 64)
        }
    }
}

/// For each set of later registers that a register can lead to: the values that lead there.
pub(super) fn behind(
    diagrams: &mut Diagrams,
    set: Set,
    register: Register,
) -> Result<Vec<(Set, Set)>, TooComplex> {
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
