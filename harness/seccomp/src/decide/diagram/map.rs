//! Functions made from others: leaf by leaf, or for some calls only.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{ARGS, Diagrams, IP, LEAF, Node, Set, TooComplex};

impl Diagrams {
    /// A function of two others, leaf by leaf. `memory` belongs to this `join` and may be used again with it.
    pub(crate) fn join(
        &mut self,
        left: Node,
        right: Node,
        memory: &mut FxHashMap<(Node, Node), Node>,
        join: &mut dyn FnMut(u32, u32) -> u32,
    ) -> Result<Node, TooComplex> {
        if let Some(&known) = memory.get(&(left, right)) {
            return Ok(known);
        }
        self.step()?;
        let level = self.level(left).min(self.level(right));
        let node = if level == LEAF {
            let value = join(self.value(left), self.value(right));
            self.leaf(value)?
        } else {
            let ((left0, left1), (right0, right1)) = (self.ways(left, level), self.ways(right, level));
            let zero = self.join(left0, right0, memory, join)?;
            let one = self.join(left1, right1, memory, join)?;
            self.node(level, zero, one)?
        };
        memory.insert((left, right), node);
        Ok(node)
    }

    /// Another value for each leaf.
    pub(crate) fn map(
        &mut self,
        node: Node,
        memory: &mut FxHashMap<Node, Node>,
        map: &mut dyn FnMut(u32) -> u32,
    ) -> Result<Node, TooComplex> {
        if let Some(&known) = memory.get(&node) {
            return Ok(known);
        }
        self.step()?;
        let inner = self.inner(node);
        let mapped = if inner.level == LEAF {
            let value = map(inner.zero.0);
            self.leaf(value)?
        } else {
            let zero = self.map(inner.zero, memory, map)?;
            let one = self.map(inner.one, memory, map)?;
            self.node(inner.level, zero, one)?
        };
        memory.insert(node, mapped);
        Ok(mapped)
    }

    /// Another value for each leaf that the calls of a set lead to. `memory` belongs to this `map`.
    pub(crate) fn map_in(
        &mut self,
        set: Set,
        node: Node,
        memory: &mut FxHashMap<(Node, Node), Node>,
        map: &mut dyn FnMut(u32) -> u32,
    ) -> Result<Node, TooComplex> {
        if set.is_empty() {
            return Ok(node);
        }
        if let Some(&known) = memory.get(&(set.0, node)) {
            return Ok(known);
        }
        self.step()?;
        let level = self.level(set.0).min(self.level(node));
        let mapped = if level == LEAF {
            let value = map(self.value(node));
            self.leaf(value)?
        } else {
            let ((set0, set1), (zero, one)) = (self.ways(set.0, level), self.ways(node, level));
            let zero = self.map_in(Set(set0), zero, memory, map)?;
            let one = self.map_in(Set(set1), one, memory, map)?;
            self.node(level, zero, one)?
        };
        memory.insert((set.0, node), mapped);
        Ok(mapped)
    }

    /// The function of the lower halves of arguments: what it is for calls whose upper halves are 0.
    pub(crate) fn narrow(
        &mut self,
        node: Node,
        memory: &mut FxHashMap<Node, Node>,
    ) -> Result<Node, TooComplex> {
        let inner = self.inner(node);
        if inner.level == LEAF {
            return Ok(node);
        }
        if let Some(&known) = memory.get(&node) {
            return Ok(known);
        }
        self.step()?;
        let zero = self.narrow(inner.zero, memory)?;
        let upper = (ARGS..IP).contains(&inner.level) && (inner.level - ARGS) % 64 < 32;
        let narrowed = if upper {
            zero
        } else {
            let one = self.narrow(inner.one, memory)?;
            self.node(inner.level, zero, one)?
        };
        memory.insert(node, narrowed);
        Ok(narrowed)
    }

    /// For each leaf that a function has, the set of calls that lead there.
    pub(crate) fn sets(&mut self, node: Node) -> Result<Vec<(u32, Set)>, TooComplex> {
        let mut values: Vec<u32> = self
            .leaves(node)
            .into_iter()
            .map(|leaf| self.value(leaf))
            .collect();
        values.sort_unstable();
        values
            .into_iter()
            .map(|value| {
                let set = self.map(node, &mut FxHashMap::default(), &mut |leaf| {
                    u32::from(leaf == value)
                })?;
                Ok((value, Set(set)))
            })
            .collect()
    }

    fn leaves(&self, node: Node) -> Vec<Node> {
        let mut seen = FxHashSet::default();
        let mut open = vec![node];
        let mut leaves = Vec::new();
        while let Some(node) = open.pop() {
            if !seen.insert(node) {
                continue;
            }
            let inner = self.inner(node);
            if inner.level == LEAF {
                leaves.push(node);
            } else {
                open.extend([inner.zero, inner.one]);
            }
        }
        leaves
    }

    /// A number that is the same for the same set, whatever diagrams it is in.
    pub(crate) fn digest(&self, set: Set) -> u64 {
        self.digest_node(set.0, &mut FxHashMap::default())
    }

    fn digest_node(&self, node: Node, known: &mut FxHashMap<Node, u64>) -> u64 {
        if let Some(&digest) = known.get(&node) {
            return digest;
        }
        let inner = self.inner(node);
        let digest = if inner.level == LEAF {
            mix(u64::from(LEAF), u64::from(inner.zero.0))
        } else {
            let zero = self.digest_node(inner.zero, known);
            let one = self.digest_node(inner.one, known);
            mix(mix(u64::from(inner.level), zero), one)
        };
        known.insert(node, digest);
        digest
    }
}

/// FNV-1a over the bytes of the second number, from the first.
fn mix(seed: u64, value: u64) -> u64 {
    value
        .to_le_bytes()
        .iter()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
