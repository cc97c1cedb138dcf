//! What the kernel demands of a filter before it takes it (`bpf_check_classic`, `seccomp_check_filter`).

use crate::data::Field;
use crate::filter::Filter;
use crate::opcode::{Math, Op, Source};

/// The kernel's limit, `BPF_MAXINSNS`.
pub const MAX_INSTRUCTIONS: usize = 4096;
/// Words of scratch memory.
pub const SCRATCH_WORDS: u32 = 16;

/// Why no kernel would accept a filter. Positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Too short or too long.
    #[error("check a filter: {0} instructions, 1 to {MAX_INSTRUCTIONS} are accepted")]
    Length(usize),
    /// An operation that does not exist for a seccomp filter.
    #[error("check a filter: instruction {at} has opcode {code:#06x}, which seccomp does not know")]
    Opcode {
        /// The position.
        at: usize,
        /// The opcode.
        code: u16,
    },
    /// A jump that leaves the filter.
    #[error("check a filter: instruction {0} jumps past the end")]
    Jump(usize),
    /// A load of something that is not a word of the call's data.
    #[error("check a filter: instruction {at} loads offset {offset}, which is not a word of the call's data")]
    Load {
        /// The position.
        at: usize,
        /// Byte offset.
        offset: u32,
    },
    /// Division by 0 or a shift of 32 and more.
    #[error("check a filter: instruction {0} divides by zero or shifts too far")]
    Constant(usize),
    /// A scratch word that does not exist, or is read before it has been written on every path.
    #[error("check a filter: instruction {0} uses a scratch word that does not exist or is not set")]
    Scratch(usize),
    /// The last instruction gives no answer.
    #[error("check a filter: it does not end with a return")]
    NoReturn,
}

impl Filter {
    /// Checks what the kernel would check.
    pub fn validate(&self) -> Result<(), Invalid> {
        if !(1..=MAX_INSTRUCTIONS).contains(&self.len()) {
            return Err(Invalid::Length(self.len()));
        }
        let mut ops = Vec::with_capacity(self.len());
        for (at, one) in self.0.iter().enumerate() {
            let op = Op::decode(*one).ok_or(Invalid::Opcode { at, code: one.code })?;
            check_one(at, op, self.len())?;
            ops.push(op);
        }
        if !matches!(ops.last(), Some(Op::Return(_) | Op::ReturnA)) {
            return Err(Invalid::NoReturn);
        }
        check_scratch(&ops)
    }
}

fn check_one(at: usize, op: Op, length: usize) -> Result<(), Invalid> {
    let in_range = |skip: u32| at + 1 + (skip as usize) < length;
    match op {
        Op::LoadData(offset) if Field::at(offset).is_none() => Err(Invalid::Load { at, offset }),
        Op::LoadScratch(_, word) | Op::Store(_, word) if word >= SCRATCH_WORDS => Err(Invalid::Scratch(at)),
        Op::Math(Math::Div, Source::K(0)) => Err(Invalid::Constant(at)),
        Op::Math(Math::Lsh | Math::Rsh, Source::K(32..)) => Err(Invalid::Constant(at)),
        Op::Jump(skip) if !in_range(skip) => Err(Invalid::Jump(at)),
        Op::Branch { yes, no, .. } if !in_range(yes.into()) || !in_range(no.into()) => Err(Invalid::Jump(at)),
        _ => Ok(()),
    }
}

/// Each scratch word must be written on every path that leads to where it is read.
///
/// Jumps only go forward, so one pass that keeps the words set on *all* paths to an instruction is enough.
fn check_scratch(ops: &[Op]) -> Result<(), Invalid> {
    let mut set_at = vec![u16::MAX; ops.len()];
    let mut set = 0;
    for (at, op) in ops.iter().enumerate() {
        set &= set_at[at];
        let mut meet = |skip: u32, set: u16| {
            if let Some(there) = set_at.get_mut(at + 1 + skip as usize) {
                *there &= set;
            }
        };
        match *op {
            Op::Store(_, word) => set |= 1 << word,
            Op::LoadScratch(_, word) if set & (1 << word) == 0 => return Err(Invalid::Scratch(at)),
            Op::Jump(skip) => meet(skip, set),
            Op::Branch { yes, no, .. } => {
                meet(yes.into(), set);
                meet(no.into(), set);
            }
            _ => {}
        }
        // Nothing falls through these: what comes next is reached only by jumps. Nothing falls through a return either,
        // but the kernel ignores that (`check_load_and_stores`), and so refuses more than it would have to.
        if matches!(op, Op::Jump(_) | Op::Branch { .. }) {
            set = u16::MAX;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Instruction;

    const ALLOW: Instruction = Instruction::plain(0x06, 0x7fff_0000);

    #[test]
    fn what_the_kernel_refuses() {
        let plain = Instruction::plain;
        let table: &[(&[Instruction], Result<(), Invalid>)] = &[
            (&[ALLOW], Ok(())),
            (&[], Err(Invalid::Length(0))),
            (&[plain(0x20, 0)], Err(Invalid::NoReturn)),
            (
                &[plain(0x20, 64), ALLOW],
                Err(Invalid::Load { at: 0, offset: 64 }),
            ),
            (&[plain(0x20, 2), ALLOW], Err(Invalid::Load { at: 0, offset: 2 })),
            (
                &[plain(0x28, 0), ALLOW],
                Err(Invalid::Opcode { at: 0, code: 0x28 }),
            ),
            (&[plain(0x05, 0), ALLOW], Ok(())),
            (&[plain(0x05, 1), ALLOW], Err(Invalid::Jump(0))),
            (&[plain(0x05, u32::MAX), ALLOW], Err(Invalid::Jump(0))),
            (&[Instruction::test(0x15, 0, 0, 1), ALLOW], Err(Invalid::Jump(0))),
            (&[plain(0x34, 0), ALLOW], Err(Invalid::Constant(0))),
            (&[plain(0x64, 32), ALLOW], Err(Invalid::Constant(0))),
            (&[plain(0x60, 3), ALLOW], Err(Invalid::Scratch(0))),
            (&[plain(0x02, 16), ALLOW], Err(Invalid::Scratch(0))),
            (&[plain(0x02, 3), plain(0x60, 3), ALLOW], Ok(())),
        ];
        for (code, expected) in table {
            assert_eq!(Filter(code.to_vec()).validate(), *expected, "{code:?}");
        }
        assert_eq!(Filter(vec![ALLOW; 4097]).validate(), Err(Invalid::Length(4097)));
        assert_eq!(Filter(vec![ALLOW; 4096]).validate(), Ok(()));
    }

    #[test]
    fn scratch_must_be_set_on_every_way() {
        let branch = Instruction::test(0x15, 0, 0, 1);
        let one_way = [
            branch,
            Instruction::plain(0x02, 0),
            Instruction::plain(0x60, 0),
            ALLOW,
        ];
        assert_eq!(Filter(one_way.to_vec()).validate(), Err(Invalid::Scratch(2)));
        // Never reached, and refused all the same.
        let behind_return = [ALLOW, Instruction::plain(0x60, 0), ALLOW];
        assert_eq!(
            Filter(behind_return.to_vec()).validate(),
            Err(Invalid::Scratch(1))
        );
    }
}
