//! A word of the call as ranges of its values.

use super::{Diagrams, Node, TooComplex};

/// How many ranges [`Diagrams::ranges`] returns at most.
const MOST_RANGES: usize = 1 << 16;

/// A range of a word's values after which functions continue from the same nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first: u32,
    pub(crate) last: u32,
    pub(crate) nodes: Vec<Node>,
}

/// Whether to include what continues from some nodes; asked early, so that what is equal costs nothing.
pub(crate) type Wanted<'a> = &'a dyn Fn(&[Node]) -> bool;

impl Diagrams {
    /// The nodes from which a function continues after a 32-bit word, each with the ranges of that word that lead
    /// there.
    ///
    /// Ranges rise, touch each other and cover all 2^32 values, except those after which nothing is `wanted`.
    /// Neighbours differ.
    pub(crate) fn ranges(
        &self,
        nodes: &[Node],
        level: u16,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Range>, TooComplex> {
        let mut ranges = Vec::new();
        self.push_ranges(nodes, level, (level, 0), wanted, &mut ranges)?;
        Ok(ranges)
    }

    fn push_ranges(
        &self,
        nodes: &[Node],
        begin: u16,
        (level, first): (u16, u32),
        wanted: Wanted<'_>,
        ranges: &mut Vec<Range>,
    ) -> Result<(), TooComplex> {
        if !wanted(nodes) {
            return Ok(());
        }
        let left = u32::from(begin + 32 - level);
        if nodes.iter().all(|node| self.level(*node) >= begin + 32) {
            let last = first | (u32::MAX.checked_shr(32 - left).unwrap_or(0));
            let full = ranges.len() >= MOST_RANGES;
            match ranges.last_mut() {
                Some(before) if before.nodes == nodes && before.last + 1 == first => before.last = last,
                _ if full => return Err(TooComplex),
                _ => ranges.push(Range {
                    first,
                    last,
                    nodes: nodes.to_vec(),
                }),
            }
            return Ok(());
        }
        let zero: Vec<Node> = nodes.iter().map(|node| self.ways(*node, level).0).collect();
        let one: Vec<Node> = nodes.iter().map(|node| self.ways(*node, level).1).collect();
        self.push_ranges(&zero, begin, (level + 1, first), wanted, ranges)?;
        let first = first | 1 << (left - 1);
        self.push_ranges(&one, begin, (level + 1, first), wanted, ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Against, NR, Set};
    use super::*;

    fn word(diagrams: &mut Diagrams, against: Against, constant: u32) -> Set {
        Set(diagrams
            .choose_word(NR, against, constant, Set::ALL.0, Set::EMPTY.0)
            .expect("small"))
    }

    #[test]
    fn ranges_cover_every_value_once() {
        let mut diagrams = Diagrams::default();
        let low = word(&mut diagrams, Against::GreaterEqual, 100);
        let point = word(&mut diagrams, Against::Equal, 200);
        let set = diagrams.xor(low, point).expect("small");
        let ranges = diagrams.ranges(&[set.0], NR, &|_| true).expect("few");
        let told: Vec<_> = ranges.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(told, [(0, 99), (100, 199), (200, 200), (201, u32::MAX)]);
    }
}
