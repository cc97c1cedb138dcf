//! Decisions as finite lists: every call of every architecture is in exactly one class, and a class has one answer.

use std::fmt;

use indexmap::IndexMap;
use rustc_hash::FxHashMap;

use super::diagram::{ARCH, Diagrams, NR, Node, Range, Set, TooComplex, Wanted};
use super::{Decider, Decision};
use crate::action::Action;
use crate::data::{ARCH_I386, ARCH_X86_64, SeccompData, X32_BIT, arch_name};
use crate::syscall::{LAST_NAMED, syscall_name, syscall_number, x32_name, x32_number};

/// How calls are made: an architecture of the kernel, or one of the two ways to call an x86_64 kernel from 64-bit mode.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Abi {
    /// x86_64, without the calls of x32.
    X86_64,
    /// 32-bit calls on x86.
    I386,
    /// The calls of x86_64 with bit 30 set.
    X32,
    /// Another architecture, by its `AUDIT_ARCH_*` value.
    Arch(u32),
    /// Everything that is not one of the above, where the answer does not depend on it; as ranges of
    /// `AUDIT_ARCH_*` values.
    Other(Vec<(u32, u32)>),
}

impl Abi {
    /// The value in [`SeccompData::arch`], and the bit in its number. If there are several values, the least.
    pub fn arch(&self) -> (u32, u32) {
        match self {
            Self::X86_64 => (ARCH_X86_64, 0),
            Self::I386 => (ARCH_I386, 0),
            Self::X32 => (ARCH_X86_64, X32_BIT),
            Self::Arch(arch) => (*arch, 0),
            Self::Other(ranges) => (ranges.first().map_or(0, |range| range.0), 0),
        }
    }

    /// The number of a call; for x32 with its bit.
    pub fn syscall_number(&self, name: &str) -> Option<u32> {
        match self {
            Self::X32 => x32_number(name).map(|nr| nr | X32_BIT),
            Self::Other(_) => None,
            _ => syscall_number(self.arch().0, name),
        }
    }

    /// All calls that have a name, by rising numbers.
    pub fn syscalls(&self) -> impl Iterator<Item = (u32, &'static str)> + use<'_> {
        let bit = self.arch().1;
        (0..LAST_NAMED).filter_map(move |nr| Some((nr | bit, self.syscall_name(nr | bit)?)))
    }

    /// Whether calls have arguments of 32 bits. What a filter sees of them is a different matter:
    /// [`Abi::shows_upper_halves`].
    pub fn is_narrow(&self) -> bool {
        match self {
            Self::I386 => true,
            // `__AUDIT_ARCH_64BIT`
            Self::Arch(arch) => arch & 0x8000_0000 == 0,
            Self::X86_64 | Self::X32 | Self::Other(_) => false,
        }
    }

    /// Whether a filter can meet a call whose registers hold more than the call's arguments: a 64-bit program may make
    /// i386's calls (`int 0x80`), and the kernel shows filters the whole registers, although the call gets only the
    /// lower halves. Elsewhere the upper halves of narrow arguments are zero.
    pub fn shows_upper_halves(&self) -> bool {
        *self == Self::I386 || !self.is_narrow()
    }

    /// The name of a call. A number of x32 is given with its bit.
    pub fn syscall_name(&self, nr: u32) -> Option<&'static str> {
        match self {
            Self::X32 => x32_name(nr & !X32_BIT),
            Self::Other(_) => None,
            _ => syscall_name(self.arch().0, nr),
        }
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X86_64 => out.write_str("x86_64"),
            Self::I386 => out.write_str("i386"),
            Self::X32 => out.write_str("x32"),
            Self::Arch(arch) => match arch_name(*arch).and_then(|name| name.strip_prefix("AUDIT_ARCH_")) {
                Some(name) => out.write_str(&name.to_lowercase()),
                None => write!(out, "arch-{arch:#x}"),
            },
            Self::Other(_) => out.write_str("other"),
        }
    }
}

/// Numbers of calls, from the first to the last. Those of x32 have bit 30.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Numbers {
    /// The first.
    pub first: u32,
    /// The last, inclusive.
    pub last: u32,
}

/// One class of calls: the same answers for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// How the calls are made.
    pub abi: Abi,
    /// Their numbers: ranges that rise and do not touch.
    pub numbers: Vec<Numbers>,
    /// Their arguments (and instruction pointers).
    pub arguments: Set,
    /// The answer of each of the decisions, in order.
    pub answers: Vec<Action>,
    /// One of the calls: the least number, and the least arguments.
    pub witness: SeccompData,
}

impl Class {
    /// Whether all decisions answer the same.
    pub fn is_equal(&self) -> bool {
        self.answers.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Its calls that have a name, by rising numbers.
    pub fn named(&self) -> impl Iterator<Item = (u32, &'static str)> + use<'_> {
        self.numbers.iter().flat_map(|range| {
            let end = (range.first & !(LAST_NAMED - 1)).saturating_add(LAST_NAMED);
            (range.first..=range.last.min(end)).filter_map(|nr| Some((nr, self.abi.syscall_name(nr)?)))
        })
    }

    /// Whether a number is one of its numbers.
    pub fn has_number(&self, nr: u32) -> bool {
        self.numbers
            .iter()
            .any(|range| range.first <= nr && nr <= range.last)
    }
}

impl Decider {
    /// All classes of some decisions together: they cover every call once.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn partition(&mut self, decisions: &[Decision]) -> Result<Vec<Class>, TooComplex> {
        let nodes: Vec<Node> = decisions.iter().map(|decision| decision.0).collect();
        let found = classes(&mut self.diagrams, &nodes, &|_| true)?;
        Ok(self.finish(found))
    }

    /// The classes in which decisions do not all answer the same. An empty list is a proof that they are equal.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn compare(&mut self, decisions: &[Decision]) -> Result<Vec<Class>, TooComplex> {
        let nodes: Vec<Node> = decisions.iter().map(|decision| decision.0).collect();
        let differ = |nodes: &[Node]| nodes.windows(2).any(|pair| pair[0] != pair[1]);
        let found = classes(&mut self.diagrams, &nodes, &differ)?;
        Ok(self.finish(found))
    }

    /// As [`Decider::compare`], with classes split so that each of `beside` (which are not compared) also has one
    /// answer in each.
    pub(crate) fn compare_beside(
        &mut self,
        decisions: &[Decision],
        beside: &[Node],
    ) -> Result<Vec<(Class, Vec<u32>)>, TooComplex> {
        let compared = decisions.len();
        let nodes: Vec<Node> = decisions
            .iter()
            .map(|decision| decision.0)
            .chain(beside.iter().copied())
            .collect();
        let differ = |nodes: &[Node]| nodes[..compared].windows(2).any(|pair| pair[0] != pair[1]);
        let found = classes(&mut self.diagrams, &nodes, &differ)?;
        let besides: Vec<Vec<u32>> = found.iter().map(|one| one.values[compared..].to_vec()).collect();
        let mut classes = self.finish(found);
        for class in &mut classes {
            class.answers.truncate(compared);
        }
        Ok(classes.into_iter().zip(besides).collect())
    }

    fn finish(&self, found: Vec<Found>) -> Vec<Class> {
        found
            .into_iter()
            .map(|one| {
                let mut witness = self.witness(one.arguments).unwrap_or_default();
                witness.arch = one.abi.arch().0;
                witness.nr = one.numbers.first().map_or(0, |range| range.first);
                Class {
                    abi: one.abi,
                    numbers: one.numbers,
                    arguments: one.arguments,
                    answers: one
                        .values
                        .iter()
                        .map(|value| Action::from_value(*value))
                        .collect(),
                    witness,
                }
            })
            .collect()
    }
}

/// A class before its answers are read.
struct Found {
    abi: Abi,
    numbers: Vec<Numbers>,
    arguments: Set,
    values: Vec<u32>,
}

fn classes(diagrams: &mut Diagrams, nodes: &[Node], wanted: Wanted<'_>) -> Result<Vec<Found>, TooComplex> {
    let mut found = Vec::new();
    let mut split = Split {
        wanted,
        known: FxHashMap::default(),
    };
    for (abi, nodes) in abis(&diagrams.ranges(nodes, ARCH, wanted)?) {
        let mut ranges = diagrams.ranges(&nodes, NR, wanted)?;
        if !abi.shows_upper_halves() {
            let mut memory = FxHashMap::default();
            for node in ranges.iter_mut().flat_map(|range| &mut range.nodes) {
                *node = diagrams.narrow(*node, &mut memory)?;
            }
        }
        match abi {
            Abi::X86_64 => {
                let (x86_64, x32) = take_x32(ranges);
                split.numbers(diagrams, Abi::X86_64, &x86_64, &mut found)?;
                split.numbers(diagrams, Abi::X32, &x32, &mut found)?;
            }
            other => split.numbers(diagrams, other, &ranges, &mut found)?,
        }
    }
    found.sort_by(|a, b| a.abi.cmp(&b.abi));
    Ok(found)
}

/// Architectures with the nodes from which the decisions continue.
///
/// Ranges of many values are all in one class if they continue from the same nodes, and so is a single value
/// that does. x86_64 and i386 are always separate: an x86 machine can make calls of both.
fn abis(ranges: &[Range]) -> Vec<(Abi, Vec<Node>)> {
    let mut abis = Vec::new();
    let mut others: IndexMap<&[Node], Vec<(u32, u32)>> = IndexMap::new();
    for range in ranges {
        let mut first = range.first;
        // ARCH_I386 is less than ARCH_X86_64, so they are met in this order.
        for (arch, abi) in [(ARCH_I386, Abi::I386), (ARCH_X86_64, Abi::X86_64)] {
            if range.first <= arch && arch <= range.last {
                abis.push((abi, range.nodes.clone()));
                if first < arch {
                    others.entry(&range.nodes).or_default().push((first, arch - 1));
                }
                first = arch + 1;
            }
        }
        if first <= range.last {
            others.entry(&range.nodes).or_default().push((first, range.last));
        }
    }
    for (nodes, ranges) in others {
        let abi = match ranges[..] {
            [(first, last)] if first == last => Abi::Arch(first),
            _ => Abi::Other(ranges),
        };
        abis.push((abi, nodes.to_vec()));
    }
    abis
}

/// Numbers with bit 30 and without bit 31 belong to x32.
fn take_x32(ranges: Vec<Range>) -> (Vec<Range>, Vec<Range>) {
    const LAST: u32 = X32_BIT | (X32_BIT - 1);
    let (mut x86_64, mut x32) = (Vec::new(), Vec::new());
    for range in ranges {
        for (first, last, list) in [(0, X32_BIT - 1, &mut x86_64), (X32_BIT, LAST, &mut x32)] {
            push_part(&range, first, last, list);
        }
        push_part(&range, LAST + 1, u32::MAX, &mut x86_64);
    }
    (x86_64, x32)
}

fn push_part(range: &Range, first: u32, last: u32, list: &mut Vec<Range>) {
    let (first, last) = (range.first.max(first), range.last.min(last));
    if first <= last {
        list.push(Range {
            first,
            last,
            nodes: range.nodes.clone(),
        });
    }
}

/// Arguments by what each decision answers.
type Parts = Vec<(Set, Vec<u32>)>;

struct Split<'a> {
    wanted: Wanted<'a>,
    known: FxHashMap<Vec<Node>, Parts>,
}

impl Split<'_> {
    /// Adds the classes of one ABI: numbers with the same arguments and answers are one class.
    fn numbers(
        &mut self,
        diagrams: &mut Diagrams,
        abi: Abi,
        ranges: &[Range],
        found: &mut Vec<Found>,
    ) -> Result<(), TooComplex> {
        let mut groups: IndexMap<(Set, Vec<u32>), Vec<Numbers>> = IndexMap::new();
        for range in ranges {
            if !(self.wanted)(&range.nodes) {
                continue;
            }
            if !self.known.contains_key(&range.nodes) {
                let parts = self.arguments(diagrams, &range.nodes)?;
                self.known.insert(range.nodes.clone(), parts);
            }
            for (set, values) in &self.known[&range.nodes] {
                let numbers = groups.entry((*set, values.clone())).or_default();
                match numbers.last_mut() {
                    Some(before) if before.last.checked_add(1) == Some(range.first) => {
                        before.last = range.last;
                    }
                    _ => numbers.push(Numbers {
                        first: range.first,
                        last: range.last,
                    }),
                }
            }
        }
        found.extend(groups.into_iter().map(|((arguments, values), numbers)| Found {
            abi: abi.clone(),
            numbers,
            arguments,
            values,
        }));
        Ok(())
    }

    /// Splits the arguments by the answers of all decisions.
    fn arguments(&self, diagrams: &mut Diagrams, nodes: &[Node]) -> Result<Parts, TooComplex> {
        let mut parts: Parts = vec![(Set::ALL, Vec::new())];
        for node in nodes {
            let sets = diagrams.sets(*node)?;
            let mut finer = Vec::new();
            for (set, values) in &parts {
                for (value, answered) in &sets {
                    let both = diagrams.and(*set, *answered)?;
                    if !both.is_empty() {
                        finer.push((both, values.iter().copied().chain([*value]).collect()));
                    }
                }
            }
            parts = finer;
            if parts.len() > MOST_PARTS {
                return Err(TooComplex);
            }
        }
        // Those with equal answers were only included to be split off.
        parts.retain(|(_, values)| {
            let leaves: Result<Vec<Node>, TooComplex> =
                values.iter().map(|value| diagrams.leaf(*value)).collect();
            leaves.is_ok_and(|leaves| (self.wanted)(&leaves))
        });
        Ok(parts)
    }
}

/// Classes of arguments that one number may have.
const MOST_PARTS: usize = 1 << 12;
