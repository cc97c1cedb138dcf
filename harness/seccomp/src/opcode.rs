//! The opcodes that the kernel accepts in a seccomp filter, decoded once.
//!
//! Everything else in this crate works on [`Op`], so that no other file knows the bit layout.

use crate::filter::Instruction;

/// An arithmetic operation on the accumulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Math {
    /// `A += v`
    Add,
    /// `A -= v`
    Sub,
    /// `A *= v`
    Mul,
    /// `A /= v`
    Div,
    /// `A |= v`
    Or,
    /// `A &= v`
    And,
    /// `A <<= v`
    Lsh,
    /// `A >>= v`
    Rsh,
    /// `A ^= v`
    Xor,
}

/// A test on the accumulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// `A == v`
    Equal,
    /// `A > v`
    Greater,
    /// `A >= v`
    GreaterEqual,
    /// `A & v != 0`
    Set,
}

impl Test {
    /// Whether it holds for two values.
    pub const fn holds(self, a: u32, v: u32) -> bool {
        match self {
            Self::Equal => a == v,
            Self::Greater => a > v,
            Self::GreaterEqual => a >= v,
            Self::Set => a & v != 0,
        }
    }
}

/// The right-hand side of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The instruction's constant.
    K(u32),
    /// The index register.
    X,
}

/// The register of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// The accumulator.
    A,
    /// The index register.
    X,
}

/// A decoded instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Load a word of the call's data, by byte offset.
    LoadData(u32),
    /// Load the length of the data.
    LoadLength(Register),
    /// Load a constant.
    LoadConstant(Register, u32),
    /// Load a scratch word.
    LoadScratch(Register, u32),
    /// Store to a scratch word.
    Store(Register, u32),
    /// `A = A op v`
    Math(Math, Source),
    /// `A = -A`
    Negate,
    /// `X = A`
    CopyToX,
    /// `A = X`
    CopyToA,
    /// Skip this many instructions.
    Jump(u32),
    /// Skip `yes` or `no` instructions.
    Branch {
        /// The test.
        test: Test,
        /// What the accumulator is compared with.
        source: Source,
        /// Skipped when it holds.
        yes: u8,
        /// Skipped when it does not.
        no: u8,
    },
    /// The answer, a constant.
    Return(u32),
    /// The answer is in the accumulator.
    ReturnA,
}

impl Op {
    /// Decodes an instruction; `None` for an opcode that a seccomp filter cannot have.
    pub const fn decode(one: Instruction) -> Option<Self> {
        let k = one.k;
        Some(match one.code {
            0x20 => Self::LoadData(k),
            0x80 => Self::LoadLength(Register::A),
            0x81 => Self::LoadLength(Register::X),
            0x00 => Self::LoadConstant(Register::A, k),
            0x01 => Self::LoadConstant(Register::X, k),
            0x60 => Self::LoadScratch(Register::A, k),
            0x61 => Self::LoadScratch(Register::X, k),
            0x02 => Self::Store(Register::A, k),
            0x03 => Self::Store(Register::X, k),
            0x84 => Self::Negate,
            0x07 => Self::CopyToX,
            0x87 => Self::CopyToA,
            0x05 => Self::Jump(k),
            0x06 => Self::Return(k),
            0x16 => Self::ReturnA,
            code => return Self::decode_pair(code, one),
        })
    }

    /// The opcodes that come in two forms, with the constant and with X (bit 3).
    const fn decode_pair(code: u16, one: Instruction) -> Option<Self> {
        let source = if code & 0x08 == 0 {
            Source::K(one.k)
        } else {
            Source::X
        };
        if let Some(math) = math(code & !0x08) {
            return Some(Self::Math(math, source));
        }
        match test(code & !0x08) {
            Some(test) => Some(Self::Branch {
                test,
                source,
                yes: one.jt,
                no: one.jf,
            }),
            None => None,
        }
    }
}

const fn math(code: u16) -> Option<Math> {
    Some(match code {
        0x04 => Math::Add,
        0x14 => Math::Sub,
        0x24 => Math::Mul,
        0x34 => Math::Div,
        0x44 => Math::Or,
        0x54 => Math::And,
        0x64 => Math::Lsh,
        0x74 => Math::Rsh,
        0xa4 => Math::Xor,
        _ => return None,
    })
}

const fn test(code: u16) -> Option<Test> {
    Some(match code {
        0x15 => Test::Equal,
        0x25 => Test::Greater,
        0x35 => Test::GreaterEqual,
        0x45 => Test::Set,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modulo_and_packet_loads_are_not_for_seccomp() {
        for code in [0x94, 0x9c, 0x28, 0x30, 0x40, 0xb1, 0x09, 0xffff] {
            assert_eq!(Op::decode(Instruction::plain(code, 0)), None, "{code:#x}");
        }
    }

    #[test]
    fn the_two_forms_of_a_test() {
        let k = Op::decode(Instruction::test(0x15, 7, 1, 2));
        assert_eq!(
            k,
            Some(Op::Branch {
                test: Test::Equal,
                source: Source::K(7),
                yes: 1,
                no: 2
            })
        );
        let x = Op::decode(Instruction::test(0x1d, 7, 1, 2));
        assert_eq!(
            x,
            Some(Op::Branch {
                test: Test::Equal,
                source: Source::X,
                yes: 1,
                no: 2
            })
        );
    }
}
