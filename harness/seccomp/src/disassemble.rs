//! A filter as text: one line per instruction, with names where a number has one.
//!
//! ```text
//!    0  ld [arch]
//!    1  jeq #0xc000003e (AUDIT_ARCH_X86_64), true->2, false->5
//!    2  ld [nr]
//!    3  jeq #452 (fchmodat2), true->4, false->5
//!    4  ret ERRNO(EPERM)
//! ```

use crate::action::Action;
use crate::data::{Field, X32_BIT, arch_name};
use crate::filter::{Filter, Instruction};
use crate::opcode::{Math, Op, Register, Source, Test};
use crate::syscall::syscall_name;

/// What is known about the accumulator and about the call when an instruction is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    field: Option<Field>,
    arch: Option<u32>,
}

impl Known {
    /// What is known whichever of two paths was taken.
    fn meet(self, other: Self) -> Self {
        Self {
            field: self.field.filter(|_| self.field == other.field),
            arch: self.arch.filter(|_| self.arch == other.arch),
        }
    }
}

impl Filter {
    /// One line per instruction. An opcode that seccomp does not know is shown raw.
    ///
    /// Jumps only go forward, so one pass can keep track of which architecture was tested for: a call's
    /// number gets its name only where that is certain.
    pub fn disassemble(&self) -> Vec<String> {
        let mut ways: Vec<Option<Known>> = vec![None; self.len()];
        if let Some(first) = ways.first_mut() {
            *first = Some(Known::default());
        }
        let mut lines = Vec::with_capacity(self.len());
        for (at, one) in self.0.iter().enumerate() {
            let known = ways[at].unwrap_or_default();
            let Some(op) = Op::decode(*one) else {
                lines.push(format!("{at:>4}  {}", raw(*one)));
                continue;
            };
            for (skip, after) in successors(op, known) {
                if let Some(way) = ways.get_mut((at + 1).saturating_add(skip as usize)) {
                    *way = Some(way.map_or(after, |earlier| earlier.meet(after)));
                }
            }
            lines.push(format!("{at:>4}  {}", line(at, op, known)));
        }
        lines
    }
}

fn raw(one: Instruction) -> String {
    format!("unknown {:#06x} {} {} {:#x}", one.code, one.jt, one.jf, one.k)
}

/// Where an instruction continues, by what it skips, and what is known there.
fn successors(op: Op, known: Known) -> Vec<(u32, Known)> {
    match op {
        Op::Return(_) | Op::ReturnA => Vec::new(),
        Op::Jump(skip) => vec![(skip, known)],
        Op::Branch {
            test,
            source,
            yes,
            no,
        } => {
            let mut held = known;
            if let (Test::Equal, Source::K(k), Some(Field::Arch)) = (test, source, known.field) {
                held.arch = Some(k);
            }
            vec![(yes.into(), held), (no.into(), known)]
        }
        Op::LoadData(offset) => vec![(
            0,
            Known {
                field: Field::at(offset),
                ..known
            },
        )],
        Op::LoadLength(Register::A)
        | Op::LoadConstant(Register::A, _)
        | Op::LoadScratch(Register::A, _)
        | Op::Math(..)
        | Op::Negate
        | Op::CopyToA => vec![(0, Known { field: None, ..known })],
        _ => vec![(0, known)],
    }
}

fn line(at: usize, op: Op, known: Known) -> String {
    let register = |register| if register == Register::A { "" } else { "x" };
    let target = |skip: u32| at + 1 + skip as usize;
    match op {
        Op::LoadData(offset) => match Field::at(offset) {
            Some(field) => format!("ld [{field}]"),
            None => format!("ld [{offset}]"),
        },
        Op::LoadLength(which) => format!("ld{} len", register(which)),
        Op::LoadConstant(which, k) => format!("ld{} #{k:#x}", register(which)),
        Op::LoadScratch(which, word) => format!("ld{} M[{word}]", register(which)),
        Op::Store(which, word) => format!("st{} M[{word}]", register(which)),
        Op::Math(math, source) => format!("{} {}", math_name(math), operand(source)),
        Op::Negate => "neg".to_owned(),
        Op::CopyToX => "tax".to_owned(),
        Op::CopyToA => "txa".to_owned(),
        Op::Jump(skip) => format!("ja {}", target(skip)),
        Op::Branch {
            test,
            source,
            yes,
            no,
        } => format!(
            "{} {}, true->{}, false->{}",
            test_name(test),
            compared(source, known),
            target(yes.into()),
            target(no.into())
        ),
        Op::Return(value) => format!("ret {}", Action::from_value(value)),
        Op::ReturnA => "ret a".to_owned(),
    }
}

fn operand(source: Source) -> String {
    match source {
        Source::K(k) => format!("#{k:#x}"),
        Source::X => "x".to_owned(),
    }
}

/// The right-hand side of a test, with its name where the left-hand side is known.
fn compared(source: Source, known: Known) -> String {
    let (Source::K(k), Some(field)) = (source, known.field) else {
        return operand(source);
    };
    match field {
        Field::Arch => named(format!("#{k:#x}"), arch_name(k)),
        Field::Nr if k >= X32_BIT => format!("#{k:#x}"),
        Field::Nr => named(format!("#{k}"), known.arch.and_then(|arch| syscall_name(arch, k))),
        Field::Ip { .. } | Field::Arg { .. } => format!("#{k:#x}"),
    }
}

fn named(number: String, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{number} ({name})"),
        None => number,
    }
}

fn math_name(math: Math) -> &'static str {
    match math {
        Math::Add => "add",
        Math::Sub => "sub",
        Math::Mul => "mul",
        Math::Div => "div",
        Math::Or => "or",
        Math::And => "and",
        Math::Lsh => "lsh",
        Math::Rsh => "rsh",
        Math::Xor => "xor",
    }
}

fn test_name(test: Test) -> &'static str {
    match test {
        Test::Equal => "jeq",
        Test::Greater => "jgt",
        Test::GreaterEqual => "jge",
        Test::Set => "jset",
    }
}
