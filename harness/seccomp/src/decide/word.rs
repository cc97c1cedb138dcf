//! What a register of the filter's machine holds, as a function of the call: 32 sets, one for each bit.
//!
//! Real filters load a word of the call and compare it with constants; the kernel accepts any arithmetic, so all of it
//! is here.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::diagram::{ARCH, ARGS, Against, Diagrams, IP, NR, Node, Set, TooComplex};
use crate::data::Field;
use crate::evaluate::calculate;
use crate::opcode::{Math, Test};

/// A value that depends on the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Word {
    /// Always the same.
    Constant(u32),
    /// A word of the call, by the level of its highest bit.
    Field(u16),
    /// Anything else, by its index in [`Words`].
    Bits(u32),
}

/// The bits of a word, the lowest first.
type Bits = [Set; 32];

/// The words that are neither constants nor words of the call.
#[derive(Debug, Default)]
pub(super) struct Words {
    bits: IndexSet<Bits, FxBuildHasher>,
    calculated: FxHashMap<(Math, Word, Word), (Word, Set)>,
}

/// How many words, and calculations, are kept at most: some 50 MiB.
const MOST_WORDS: usize = 1 << 17;

/// The level of a field's highest bit.
pub(super) fn level(field: Field) -> u16 {
    let half = |high| if high { 0 } else { 32 };
    match field {
        Field::Nr => NR,
        Field::Arch => ARCH,
        Field::Ip { high } => IP + half(high),
        Field::Arg { index, high } => ARGS + u16::from(index) * 64 + half(high),
    }
}

impl Words {
    fn bits(&self, diagrams: &mut Diagrams, word: Word) -> Result<Bits, TooComplex> {
        let mut bits = [Set::EMPTY; 32];
        match word {
            Word::Bits(at) => return Ok(self.bits[at as usize]),
            Word::Constant(value) => {
                for (at, bit) in bits.iter_mut().enumerate() {
                    if value & (1 << at) != 0 {
                        *bit = Set::ALL;
                    }
                }
            }
            Word::Field(level) => {
                for (at, bit) in (0..).zip(&mut bits) {
                    *bit = diagrams.bit(level + 31 - at)?;
                }
            }
        }
        Ok(bits)
    }

    /// Keeps a word; a constant, or a word that is already there, is not kept twice.
    fn keep(&mut self, bits: Bits) -> Result<Word, TooComplex> {
        if bits.iter().all(|bit| bit.is_all() || bit.is_empty()) {
            let value = (0..)
                .zip(bits)
                .fold(0, |value, (at, bit)| value | u32::from(bit.is_all()) << at);
            return Ok(Word::Constant(value));
        }
        let (at, new) = self.bits.insert_full(bits);
        if new && at >= MOST_WORDS {
            return Err(TooComplex);
        }
        Ok(Word::Bits(at as u32))
    }

    /// `A op v`. The second value is the set of calls for which the kernel ends the filter with the answer 0: a
    /// division by an X of 0.
    pub(super) fn calculate(
        &mut self,
        diagrams: &mut Diagrams,
        math: Math,
        a: Word,
        v: Word,
    ) -> Result<(Word, Set), TooComplex> {
        diagrams.step()?;
        if let (Word::Constant(a), Word::Constant(v)) = (a, v) {
            let ended = (Word::Constant(0), Set::ALL);
            let value = calculate(math, a, v);
            return Ok(value.map_or(ended, |value| (Word::Constant(value), Set::EMPTY)));
        }
        if let Some(known) = self.calculated.get(&(math, a, v)) {
            return Ok(*known);
        }
        let calculated = self.calculate_bits(diagrams, math, a, v)?;
        if self.calculated.len() < MOST_WORDS {
            self.calculated.insert((math, a, v), calculated);
        }
        Ok(calculated)
    }

    fn calculate_bits(
        &mut self,
        diagrams: &mut Diagrams,
        math: Math,
        a: Word,
        v: Word,
    ) -> Result<(Word, Set), TooComplex> {
        let (a, v) = (self.bits(diagrams, a)?, self.bits(diagrams, v)?);
        let mut end = Set::EMPTY;
        let bits = match math {
            Math::And => pairwise(diagrams, &a, &v, Diagrams::and)?,
            Math::Or => pairwise(diagrams, &a, &v, Diagrams::or)?,
            Math::Xor => pairwise(diagrams, &a, &v, Diagrams::xor)?,
            Math::Add => add(diagrams, &a, &v, Set::EMPTY)?.0,
            Math::Sub => subtract(diagrams, &a, &v)?.0,
            Math::Mul => multiply(diagrams, &a, &v)?,
            Math::Div => {
                let nothing = [Set::EMPTY; 32];
                let not_zero = greater(diagrams, &v, &nothing)?;
                end = diagrams.not(not_zero)?;
                divide(diagrams, &a, &v)?
            }
            Math::Lsh => shift(diagrams, &a, &v, |at, by| at.checked_sub(by))?,
            Math::Rsh => shift(diagrams, &a, &v, |at, by| Some(at + by).filter(|from| *from < 32))?,
        };
        Ok((self.keep(bits)?, end))
    }

    /// `-A`
    pub(super) fn negate(&mut self, diagrams: &mut Diagrams, a: Word) -> Result<Word, TooComplex> {
        let a = self.bits(diagrams, a)?;
        let (bits, _) = subtract(diagrams, &[Set::EMPTY; 32], &a)?;
        self.keep(bits)
    }

    /// `yes` where a test holds, `no` elsewhere.
    pub(super) fn branch(
        &mut self,
        diagrams: &mut Diagrams,
        (test, a, v): (Test, Word, Word),
        yes: Node,
        no: Node,
    ) -> Result<Node, TooComplex> {
        if yes == no {
            return Ok(yes);
        }
        if let (Word::Field(level), Word::Constant(constant)) = (a, v) {
            let against = match test {
                Test::Equal => Some(Against::Equal),
                Test::Greater => Some(Against::Greater),
                Test::GreaterEqual => Some(Against::GreaterEqual),
                Test::Set => None,
            };
            if let Some(against) = against {
                return diagrams.choose_word(level, against, constant, yes, no);
            }
        }
        let (a, v) = (self.bits(diagrams, a)?, self.bits(diagrams, v)?);
        let set = match test {
            Test::Equal => {
                let different = pairwise(diagrams, &a, &v, Diagrams::xor)?;
                let any = any(diagrams, &different)?;
                diagrams.not(any)?
            }
            Test::Greater => greater(diagrams, &a, &v)?,
            Test::GreaterEqual => {
                let less = greater(diagrams, &v, &a)?;
                diagrams.not(less)?
            }
            Test::Set => {
                let both = pairwise(diagrams, &a, &v, Diagrams::and)?;
                any(diagrams, &both)?
            }
        };
        diagrams.choose(set, yes, no)
    }

    /// A function whose leaves are derived from the word's values.
    pub(super) fn spread(
        &mut self,
        diagrams: &mut Diagrams,
        word: Word,
        leaf: &mut dyn FnMut(&mut Diagrams, u32) -> Result<Node, TooComplex>,
    ) -> Result<Node, TooComplex> {
        let bits = self.bits(diagrams, word)?;
        let mut budget = MOST_ANSWERS;
        spread(diagrams, &bits, 0, &mut budget, leaf)
    }
}

/// The different answers that a `ret A` may give.
const MOST_ANSWERS: usize = 1 << 12;

fn spread(
    diagrams: &mut Diagrams,
    bits: &[Set],
    value: u32,
    budget: &mut usize,
    leaf: &mut dyn FnMut(&mut Diagrams, u32) -> Result<Node, TooComplex>,
) -> Result<Node, TooComplex> {
    let Some((&highest, rest)) = bits.split_last() else {
        *budget = budget.checked_sub(1).ok_or(TooComplex)?;
        return leaf(diagrams, value);
    };
    let with = value | 1 << rest.len();
    if highest.is_all() {
        return spread(diagrams, rest, with, budget, leaf);
    }
    let zero = spread(diagrams, rest, value, budget, leaf)?;
    if highest.is_empty() {
        return Ok(zero);
    }
    let one = spread(diagrams, rest, with, budget, leaf)?;
    diagrams.choose(highest, one, zero)
}

type Pair = fn(&mut Diagrams, Set, Set) -> Result<Set, TooComplex>;

fn pairwise(diagrams: &mut Diagrams, a: &Bits, v: &Bits, pair: Pair) -> Result<Bits, TooComplex> {
    let mut bits = [Set::EMPTY; 32];
    for at in 0..32 {
        bits[at] = pair(diagrams, a[at], v[at])?;
    }
    Ok(bits)
}

fn any(diagrams: &mut Diagrams, bits: &Bits) -> Result<Set, TooComplex> {
    bits.iter()
        .try_fold(Set::EMPTY, |any, bit| diagrams.or(*bit, any))
}

/// The sum, and the carry out of the highest bit.
fn add(diagrams: &mut Diagrams, a: &Bits, v: &Bits, mut carry: Set) -> Result<(Bits, Set), TooComplex> {
    let mut sum = [Set::EMPTY; 32];
    for at in 0..32 {
        let half = diagrams.xor(a[at], v[at])?;
        sum[at] = diagrams.xor(half, carry)?;
        let both = diagrams.and(a[at], v[at])?;
        let passed = diagrams.and(half, carry)?;
        carry = diagrams.or(both, passed)?;
    }
    Ok((sum, carry))
}

/// The difference, and where no borrow was needed: where a >= v.
fn subtract(diagrams: &mut Diagrams, a: &Bits, v: &Bits) -> Result<(Bits, Set), TooComplex> {
    let mut inverse = *v;
    for bit in &mut inverse {
        *bit = diagrams.not(*bit)?;
    }
    add(diagrams, a, &inverse, Set::ALL)
}

fn greater(diagrams: &mut Diagrams, a: &Bits, v: &Bits) -> Result<Set, TooComplex> {
    let mut greater = Set::EMPTY;
    for at in 0..32 {
        let other = diagrams.not(v[at])?;
        let here = diagrams.and(a[at], other)?;
        let equal_or_more = diagrams.or(a[at], other)?;
        let later = diagrams.and(equal_or_more, greater)?;
        greater = diagrams.or(here, later)?;
    }
    Ok(greater)
}

fn pick(diagrams: &mut Diagrams, set: Set, yes: &Bits, no: &Bits) -> Result<Bits, TooComplex> {
    let mut bits = [Set::EMPTY; 32];
    for at in 0..32 {
        bits[at] = Set(diagrams.choose(set, yes[at].0, no[at].0)?);
    }
    Ok(bits)
}

/// By long multiplication.
fn multiply(diagrams: &mut Diagrams, a: &Bits, v: &Bits) -> Result<Bits, TooComplex> {
    let mut product = [Set::EMPTY; 32];
    for (by, set) in v.iter().enumerate() {
        if set.is_empty() {
            continue;
        }
        let mut shifted = [Set::EMPTY; 32];
        shifted[by..].copy_from_slice(&a[..32 - by]);
        let (sum, _) = add(diagrams, &product, &shifted, Set::EMPTY)?;
        product = pick(diagrams, *set, &sum, &product)?;
    }
    Ok(product)
}

/// By long division. The result for a divisor of 0 does not matter: the kernel ends the filter there.
fn divide(diagrams: &mut Diagrams, a: &Bits, v: &Bits) -> Result<Bits, TooComplex> {
    let (mut quotient, mut rest) = ([Set::EMPTY; 32], [Set::EMPTY; 32]);
    for at in (0..32).rev() {
        // The bit that is shifted out counts: a remainder that had it is greater than any divisor.
        let over = rest[31];
        rest.copy_within(0..31, 1);
        rest[0] = a[at];
        let (difference, enough) = subtract(diagrams, &rest, v)?;
        quotient[at] = diagrams.or(over, enough)?;
        rest = pick(diagrams, quotient[at], &difference, &rest)?;
    }
    Ok(quotient)
}

/// Shifts by v modulo 32, as the kernel does. `from` gives the bit that moves to a position.
fn shift(
    diagrams: &mut Diagrams,
    a: &Bits,
    v: &Bits,
    from: fn(usize, usize) -> Option<usize>,
) -> Result<Bits, TooComplex> {
    let mut bits = *a;
    for (step, set) in v[..5].iter().enumerate() {
        let mut shifted = [Set::EMPTY; 32];
        for (at, bit) in shifted.iter_mut().enumerate() {
            *bit = from(at, 1 << step).map_or(Set::EMPTY, |from| bits[from]);
        }
        bits = pick(diagrams, *set, &shifted, &bits)?;
    }
    Ok(bits)
}
