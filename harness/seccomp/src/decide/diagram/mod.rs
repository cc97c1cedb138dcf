//! Decision diagrams over the bits of a call: sets of calls, and functions from calls to leaves, in a canonical form.
//!
//! A node looks at one bit and goes on to one of two others. On each path the bits come in one fixed order, no bit is
//! looked at that makes no difference, and no node is kept twice (a reduced ordered decision diagram, R. Bryant 1986).
//! So two functions are the same for all of the 2^512 calls exactly if they are the same node: equality is a proof, and
//! costs one comparison.
//!
//! The order is: architecture, number, the six arguments, instruction pointer; in each the highest bit first, so that
//! a test against a constant is a chain of 32 nodes, and ranges of numbers can be read off from left to right.

mod map;
mod ranges;

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

pub(crate) use ranges::{Range, Wanted};

/// Where the bits of the architecture begin.
pub(crate) const ARCH: u16 = 0;
/// Where the bits of the number begin.
pub(crate) const NR: u16 = 32;
/// Where the bits of the first argument begin.
pub(crate) const ARGS: u16 = 64;
/// Where the bits of the instruction pointer begin.
pub(crate) const IP: u16 = ARGS + 6 * 64;
/// After all bits: the level of a leaf.
pub(crate) const LEAF: u16 = IP + 64;

/// The nodes that a [`Diagrams`] holds at most: about 100 MiB with its tables, which would double with the next few.
const MOST_NODES: usize = 1_800_000;

/// The steps that a [`Diagrams`] takes at most: a few seconds. Comparing all real filters with each other takes a thousandth of it.
const MOST_STEPS: u32 = 200_000_000;

/// What a step costs that makes a node or finds it in a table; one that only looks costs 1.
const STEP: u32 = 8;

/// How many choices are remembered: further ones are forgotten, which costs time but no more memory.
const MOST_CHOICES: usize = 1_800_000;

/// The filter mixes the words of a call in a way that has no small diagram, such as the product of two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "decide a filter: it is too complex (more than {MOST_NODES} nodes or states; no runtime writes such a filter)"
)]
pub struct TooComplex;

/// A node, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Node(u32);

/// A set of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Set(pub(crate) Node);

impl Set {
    /// No call.
    pub const EMPTY: Self = Self(Node(0));
    /// Every call.
    pub const ALL: Self = Self(Node(1));

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Whether every call is in it.
    pub fn is_all(self) -> bool {
        self == Self::ALL
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Inner {
    level: u16,
    /// Where the bit is 0; for a leaf: its value.
    zero: Node,
    /// Where the bit is 1.
    one: Node,
}

/// How a word is compared with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Against {
    Equal,
    Greater,
    GreaterEqual,
}

/// The nodes of all diagrams that will be compared with each other.
#[derive(Debug)]
pub(crate) struct Diagrams {
    nodes: Vec<Inner>,
    unique: FxHashMap<Inner, Node>,
    choices: FxHashMap<(Node, Node, Node), Node>,
    /// What has been done so far: a limit on time, as [`MOST_NODES`] is on memory.
    steps: u32,
}

impl Default for Diagrams {
    fn default() -> Self {
        let mut new = Self {
            nodes: Vec::with_capacity(1 << 15),
            unique: FxHashMap::default(),
            choices: FxHashMap::default(),
            steps: 0,
        };
        new.unique.reserve(1 << 15);
        // The first two leaves are the empty set and the full one.
        for value in 0..2 {
            let inner = Inner {
                level: LEAF,
                zero: Node(value),
                one: Node(value),
            };
            new.unique.insert(inner, Node(value));
            new.nodes.push(inner);
        }
        new
    }
}

impl Diagrams {
    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn inner(&self, node: Node) -> Inner {
        self.nodes[node.0 as usize]
    }

    pub(crate) fn level(&self, node: Node) -> u16 {
        self.inner(node).level
    }

    /// The value of a leaf; meaningless for other nodes.
    pub(crate) fn value(&self, leaf: Node) -> u32 {
        self.inner(leaf).zero.0
    }

    /// Counts a step.
    pub(crate) fn step(&mut self) -> Result<(), TooComplex> {
        self.spend(STEP)
    }

    fn spend(&mut self, cost: u32) -> Result<(), TooComplex> {
        self.steps = self.steps.saturating_add(cost);
        if self.steps > MOST_STEPS {
            Err(TooComplex)
        } else {
            Ok(())
        }
    }

    fn intern(&mut self, inner: Inner) -> Result<Node, TooComplex> {
        let next = self.nodes.len();
        match self.unique.entry(inner) {
            Entry::Occupied(there) => Ok(*there.get()),
            Entry::Vacant(_) if next >= MOST_NODES => Err(TooComplex),
            Entry::Vacant(free) => {
                let node = Node(next as u32);
                free.insert(node);
                self.nodes.push(inner);
                Ok(node)
            }
        }
    }

    /// The leaf with a value. Values 0 and 1 are those of [`Set`].
    pub(crate) fn leaf(&mut self, value: u32) -> Result<Node, TooComplex> {
        self.intern(Inner {
            level: LEAF,
            zero: Node(value),
            one: Node(value),
        })
    }

    /// A node that looks at one bit; both branches must look at later bits only.
    pub(crate) fn node(&mut self, level: u16, zero: Node, one: Node) -> Result<Node, TooComplex> {
        if zero == one {
            return Ok(zero);
        }
        self.intern(Inner { level, zero, one })
    }

    /// Both branches from a level; the same node twice if it does not look at that bit.
    pub(crate) fn ways(&self, node: Node, level: u16) -> (Node, Node) {
        let inner = self.inner(node);
        if inner.level == level {
            (inner.zero, inner.one)
        } else {
            (node, node)
        }
    }

    /// The set of calls that have a bit set.
    pub(crate) fn bit(&mut self, level: u16) -> Result<Set, TooComplex> {
        self.node(level, Set::EMPTY.0, Set::ALL.0).map(Set)
    }

    /// `yes` for the calls of a set, `no` for all others.
    pub(crate) fn choose(&mut self, set: Set, yes: Node, no: Node) -> Result<Node, TooComplex> {
        self.spend(1)?;
        if set.is_all() || yes == no {
            return Ok(yes);
        }
        if set.is_empty() {
            return Ok(no);
        }
        if yes == Set::ALL.0 && no == Set::EMPTY.0 {
            return Ok(set.0);
        }
        let key = (set.0, yes, no);
        if let Some(&known) = self.choices.get(&key) {
            return Ok(known);
        }
        self.step()?;
        let level = self.level(set.0).min(self.level(yes)).min(self.level(no));
        let ((set0, set1), (yes0, yes1), (no0, no1)) = (
            self.ways(set.0, level),
            self.ways(yes, level),
            self.ways(no, level),
        );
        let zero = self.choose(Set(set0), yes0, no0)?;
        let one = self.choose(Set(set1), yes1, no1)?;
        let node = self.node(level, zero, one)?;
        if self.choices.len() >= MOST_CHOICES {
            self.choices.clear();
        }
        self.choices.insert(key, node);
        Ok(node)
    }

    pub(crate) fn not(&mut self, set: Set) -> Result<Set, TooComplex> {
        self.choose(set, Set::EMPTY.0, Set::ALL.0).map(Set)
    }

    pub(crate) fn and(&mut self, left: Set, right: Set) -> Result<Set, TooComplex> {
        self.choose(left, right.0, Set::EMPTY.0).map(Set)
    }

    pub(crate) fn or(&mut self, left: Set, right: Set) -> Result<Set, TooComplex> {
        self.choose(left, Set::ALL.0, right.0).map(Set)
    }

    pub(crate) fn xor(&mut self, left: Set, right: Set) -> Result<Set, TooComplex> {
        let other = self.not(right)?;
        self.choose(left, other.0, right.0).map(Set)
    }

    /// `yes` for the calls whose word at a level compares like this with a constant, `no` for all others.
    ///
    /// Does what [`Diagrams::choose`] would do with the set, in 32 steps: nearly every test of a real filter is one of these.
    pub(crate) fn choose_word(
        &mut self,
        level: u16,
        against: Against,
        constant: u32,
        yes: Node,
        no: Node,
    ) -> Result<Node, TooComplex> {
        self.choose_number((level, 32), against, constant.into(), yes, no)
    }

    /// As [`Diagrams::choose_word`], for a number of this many bits.
    pub(crate) fn choose_number(
        &mut self,
        (level, bits): (u16, u32),
        against: Against,
        constant: u64,
        yes: Node,
        no: Node,
    ) -> Result<Node, TooComplex> {
        self.step()?;
        if self.level(yes).min(self.level(no)) < level {
            // An earlier word is examined first: the test goes below it.
            let set = self.choose_bits((level, bits), against, constant, Set::ALL.0, Set::EMPTY.0)?;
            return self.choose(Set(set), yes, no);
        }
        self.choose_bits((level, bits), against, constant, yes, no)
    }

    fn choose_bits(
        &mut self,
        (level, left): (u16, u32),
        against: Against,
        constant: u64,
        yes: Node,
        no: Node,
    ) -> Result<Node, TooComplex> {
        if yes == no {
            return Ok(yes);
        }
        if left == 0 {
            return Ok(if against == Against::Greater { no } else { yes });
        }
        let ((yes0, yes1), (no0, no1)) = (self.ways(yes, level), self.ways(no, level));
        let rest = (level + 1, left - 1);
        let set = constant & (1 << (left - 1)) != 0;
        let (zero, one) = match (set, against) {
            (true, _) => (no0, self.choose_bits(rest, against, constant, yes1, no1)?),
            (false, Against::Equal) => (self.choose_bits(rest, against, constant, yes0, no0)?, no1),
            (false, _) => (self.choose_bits(rest, against, constant, yes0, no0)?, yes1),
        };
        self.node(level, zero, one)
    }

    /// The calls whose 64-bit register has a value under a mask: none, if the value has a bit that the mask does not
    /// have.
    pub(crate) fn masked(&mut self, level: u16, mask: u64, value: u64) -> Result<Set, TooComplex> {
        if value & !mask != 0 {
            return Ok(Set::EMPTY);
        }
        let mut node = Set::ALL.0;
        for bit in (0..64).filter(|bit| mask & 1 << bit != 0) {
            let none = Set::EMPTY.0;
            let (zero, one) = if value & 1 << bit != 0 {
                (none, node)
            } else {
                (node, none)
            };
            node = self.node(level + 63 - bit, zero, one)?;
        }
        Ok(Set(node))
    }

    /// The leaf that a call leads to, given its bits.
    pub(crate) fn follow(&self, mut node: Node, bit: impl Fn(u16) -> bool) -> u32 {
        loop {
            let inner = self.inner(node);
            if inner.level == LEAF {
                return inner.zero.0;
            }
            node = if bit(inner.level) { inner.one } else { inner.zero };
        }
    }

    /// The bits that are set in the least call of a set; `None` for the empty set.
    pub(crate) fn least(&self, set: Set) -> Option<Vec<u16>> {
        if set.is_empty() {
            return None;
        }
        let (mut node, mut bits) = (set.0, Vec::new());
        while self.level(node) != LEAF {
            let inner = self.inner(node);
            if inner.zero == Set::EMPTY.0 {
                bits.push(inner.level);
                node = inner.one;
            } else {
                node = inner.zero;
            }
        }
        Some(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(diagrams: &mut Diagrams, level: u16, against: Against, constant: u32) -> Set {
        Set(diagrams
            .choose_word(level, against, constant, Set::ALL.0, Set::EMPTY.0)
            .expect("small"))
    }

    #[test]
    fn the_same_set_is_the_same_node() {
        let mut diagrams = Diagrams::default();
        let greater = word(&mut diagrams, NR, Against::Greater, 41);
        let at_least = word(&mut diagrams, NR, Against::GreaterEqual, 42);
        assert_eq!(greater, at_least);
        let equal = word(&mut diagrams, NR, Against::Equal, 42);
        let beyond = word(&mut diagrams, NR, Against::Greater, 42);
        assert_eq!(diagrams.or(equal, beyond), Ok(at_least));
        assert_eq!(diagrams.and(equal, beyond), Ok(Set::EMPTY));
        let not = diagrams.not(at_least).expect("small");
        assert_eq!(diagrams.or(not, at_least), Ok(Set::ALL));
        assert_eq!(word(&mut diagrams, NR, Against::GreaterEqual, 0), Set::ALL);
        assert_eq!(word(&mut diagrams, NR, Against::Greater, u32::MAX), Set::EMPTY);
    }

    #[test]
    fn a_test_of_a_later_word_goes_below_an_earlier_one() {
        let mut diagrams = Diagrams::default();
        let arch = word(&mut diagrams, ARCH, Against::Equal, 7);
        let nr = word(&mut diagrams, NR, Against::Equal, 3);
        let both = diagrams.and(arch, nr).expect("small");
        let pushed = diagrams
            .choose_word(NR, Against::Equal, 3, arch.0, Set::EMPTY.0)
            .expect("small");
        assert_eq!(both.0, pushed);
    }
}
