//! The interpreter: what a filter answers to one call.

use crate::action::Action;
use crate::data::{DATA_SIZE, SeccompData};
use crate::filter::Filter;
use crate::opcode::{Math, Op, Register, Source};

/// The filter is not one that a kernel would run; [`Filter::validate`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("evaluate a filter: instruction {0} cannot be carried out")]
pub struct EvaluateError(pub usize);

impl Filter {
    /// Answers one call.
    ///
    /// Jumps only go forward, so this ends after at most as many steps as there are instructions.
    pub fn evaluate(&self, call: &SeccompData) -> Result<Action, EvaluateError> {
        let mut machine = Machine::default();
        let mut at = 0;
        loop {
            let op = self
                .0
                .get(at)
                .and_then(|one| Op::decode(*one))
                .ok_or(EvaluateError(at))?;
            match machine.step(op, call).ok_or(EvaluateError(at))? {
                Next::Skip(count) => at += 1 + count as usize,
                Next::Answer(value) => return Ok(Action::from_value(value)),
            }
        }
    }
}

enum Next {
    Skip(u32),
    Answer(u32),
}

#[derive(Default)]
struct Machine {
    a: u32,
    x: u32,
    scratch: [u32; 16],
}

impl Machine {
    fn step(&mut self, op: Op, call: &SeccompData) -> Option<Next> {
        match op {
            Op::LoadData(offset) => self.a = call.word(offset)?,
            Op::LoadLength(register) => *self.register(register) = DATA_SIZE,
            Op::LoadConstant(register, k) => *self.register(register) = k,
            Op::LoadScratch(register, word) => {
                *self.register(register) = *self.scratch.get(word as usize)?;
            }
            Op::Store(register, word) => {
                let value = *self.register(register);
                *self.scratch.get_mut(word as usize)? = value;
            }
            Op::Math(math, source) => match calculate(math, self.a, self.value(source)) {
                Some(value) => self.a = value,
                // The kernel ends a filter that divides by an X of zero with the answer 0.
                None => return Some(Next::Answer(0)),
            },
            Op::Negate => self.a = self.a.wrapping_neg(),
            Op::CopyToX => self.x = self.a,
            Op::CopyToA => self.a = self.x,
            Op::Jump(count) => return Some(Next::Skip(count)),
            Op::Branch {
                test,
                source,
                yes,
                no,
            } => {
                let skip = if test.holds(self.a, self.value(source)) {
                    yes
                } else {
                    no
                };
                return Some(Next::Skip(skip.into()));
            }
            Op::Return(value) => return Some(Next::Answer(value)),
            Op::ReturnA => return Some(Next::Answer(self.a)),
        }
        Some(Next::Skip(0))
    }

    fn register(&mut self, register: Register) -> &mut u32 {
        match register {
            Register::A => &mut self.a,
            Register::X => &mut self.x,
        }
    }

    fn value(&self, source: Source) -> u32 {
        match source {
            Source::K(k) => k,
            Source::X => self.x,
        }
    }
}

/// `A op v`; `None` for a division by 0.
pub(crate) fn calculate(math: Math, a: u32, v: u32) -> Option<u32> {
    Some(match math {
        Math::Add => a.wrapping_add(v),
        Math::Sub => a.wrapping_sub(v),
        Math::Mul => a.wrapping_mul(v),
        Math::Div => a.checked_div(v)?,
        Math::Or => a | v,
        Math::And => a & v,
        // A shift by X counts modulo 32, as in the kernel.
        Math::Lsh => a.wrapping_shl(v),
        Math::Rsh => a.wrapping_shr(v),
        Math::Xor => a ^ v,
    })
}
