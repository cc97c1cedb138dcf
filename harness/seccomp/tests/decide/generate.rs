//! Random filters that the kernel accepts: every operation, forward jumps, scratch memory.

use ocidiff_seccomp::data::{ARCH_AARCH64, ARCH_ARM, ARCH_I386, ARCH_X86_64, X32_BIT};
use ocidiff_seccomp::{Filter, Instruction};

use crate::support::Dice;

const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const RETURN: u16 = 0x06;
const RETURN_A: u16 = 0x16;
const STORE: u16 = 0x02;
const TAX: u16 = 0x07;
const AND: u16 = 0x54;
/// By the constant; with bit 3, by X.
const MATH: [u16; 9] = [0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0xa4];
const MULTIPLY: u16 = 0x24;
const DIVIDE: u16 = 0x34;
const SHIFTS: [u16; 2] = [0x64, 0x74];
const TESTS: [u16; 4] = [0x15, 0x25, 0x35, 0x45];

/// What filters to make.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    /// How many groups of instructions, at most.
    pub(crate) groups: usize,
    /// Only comparisons of words with constants: what runtimes write.
    pub(crate) plain: bool,
}

/// A group of instructions; jumps lead to the first instruction of a group.
enum Group {
    Run(Vec<Instruction>),
    Test(u16, u32),
    Jump,
}

/// A random filter. It is valid: jumps lead to a later group, and scratch words that are read are written at the start.
pub(crate) fn filter(dice: &mut Dice, kind: Kind) -> Filter {
    let scratch = if kind.plain { 0 } else { dice.below(4) as u32 };
    let mut groups: Vec<Group> = (0..scratch).map(|word| fill(dice, word)).collect();
    let start = groups.len();
    for _ in 0..2 + dice.below(kind.groups) {
        groups.push(group(dice, kind, scratch));
    }
    groups.push(Group::Run(vec![Instruction::plain(RETURN, answer(dice))]));
    link(dice, &groups, start)
}

/// The first groups are linear, so that each scratch word is written on every path.
fn fill(dice: &mut Dice, word: u32) -> Group {
    Group::Run(vec![
        load(dice),
        Instruction::plain(STORE + dice.below(2) as u16, word),
    ])
}

fn group(dice: &mut Dice, kind: Kind, scratch: u32) -> Group {
    let plain = Instruction::plain;
    let sorts = if kind.plain { 8 } else { 16 };
    match dice.below(sorts) {
        0..2 => Group::Run(vec![load(dice)]),
        2..6 => {
            let code = dice.pick(&TESTS[..if kind.plain { 3 } else { 4 }]);
            Group::Test(code, constant(dice))
        }
        6 => Group::Run(vec![plain(RETURN, answer(dice))]),
        7 => Group::Jump,
        8..10 => Group::Run(vec![by_constant(dice)]),
        // X is a constant, or a few bits of the call: two whole words have no small diagram.
        10 => Group::Run(vec![plain(0x01, factor(dice)), by_x(dice)]),
        11 => Group::Run(vec![
            load(dice),
            plain(AND, 7 << dice.below(29)),
            plain(TAX, 0),
            load(dice),
            by_x(dice),
        ]),
        12 => Group::Run(vec![plain(0x01, constant(dice)), load(dice)]),
        13 => Group::Test(
            dice.pick(&TESTS) | if dice.one_in(4) { 8 } else { 0 },
            constant(dice),
        ),
        14 if scratch > 0 => {
            let word = dice.below(scratch as usize) as u32;
            Group::Run(vec![plain(dice.pick(&[STORE, 0x60, 0x60]), word)])
        }
        14 => Group::Run(vec![plain(dice.pick(&[0x80, 0x81, 0x87, 0x84]), 0)]),
        _ => ending(dice),
    }
}

/// `ret A` where A has few values.
fn ending(dice: &mut Dice) -> Group {
    let plain = Instruction::plain;
    let mut list = vec![load(dice), plain(AND, 7 << dice.below(13))];
    if dice.one_in(2) {
        list.push(plain(0x44, answer(dice)));
    }
    list.push(plain(RETURN_A, 0));
    Group::Run(list)
}

fn load(dice: &mut Dice) -> Instruction {
    let offset = match dice.below(8) {
        0..2 => 0,
        2 => 4,
        _ => dice.below(16) as u32 * 4,
    };
    Instruction::plain(LOAD, offset)
}

fn by_constant(dice: &mut Dice) -> Instruction {
    let code = dice.pick(&MATH);
    let k = match code {
        MULTIPLY | DIVIDE => factor(dice),
        code if SHIFTS.contains(&code) => dice.below(32) as u32,
        _ => constant(dice),
    };
    Instruction::plain(code, k)
}

/// Small, or a single bit: the product of a word and any other number has no small diagram.
fn factor(dice: &mut Dice) -> u32 {
    if dice.one_in(2) {
        1 + dice.below(12) as u32
    } else {
        1 << dice.below(32)
    }
}

fn by_x(dice: &mut Dice) -> Instruction {
    Instruction::plain(dice.pick(&MATH) | 8, 0)
}

pub(crate) fn constant(dice: &mut Dice) -> u32 {
    match dice.below(6) {
        0 => dice.pick(&[ARCH_X86_64, ARCH_I386, ARCH_ARM, ARCH_AARCH64, X32_BIT]),
        1 => dice.pick(&[39, 56, 59, 435, 452]),
        2 => 1 << dice.below(32),
        3 => dice.roll() as u32,
        _ => dice.below(40) as u32,
    }
}

/// All actions, with data that matters and data that does not, and values that mean nothing.
pub(crate) fn answer(dice: &mut Dice) -> u32 {
    let action = dice.pick(&[
        0x7fff_0000,
        0x7fff_0000,
        0x7ffc_0000,
        0x7ff0_0000,
        0x7fc0_0000,
        0x0005_0000,
        0x0005_0000,
        0x0005_0000,
        0x0003_0000,
        0,
        0x8000_0000,
        0x1234_0000,
    ]);
    action | dice.pick(&[0, 0, 1, 38, 4095, 4096, 0xffff])
}

/// Puts groups one after the other; tests and jumps lead to one of the next few.
fn link(dice: &mut Dice, groups: &[Group], start: usize) -> Filter {
    let length = |group: &Group| match group {
        Group::Run(list) => list.len(),
        Group::Test(..) | Group::Jump => 1,
    };
    let mut places = Vec::with_capacity(groups.len());
    let mut place = 0;
    for group in groups {
        places.push(place);
        place += length(group);
    }
    let mut code = Vec::with_capacity(place);
    for (at, group) in groups.iter().enumerate() {
        debug_assert!(at >= start || matches!(group, Group::Run(_)));
        let mut target = || {
            let to = (at + 1 + dice.below(6)).min(groups.len() - 1);
            (places[to] - places[at] - 1) as u8
        };
        match group {
            Group::Run(list) => code.extend(list),
            Group::Test(test, k) => code.push(Instruction::test(*test, *k, target(), target())),
            Group::Jump => code.push(Instruction::plain(JUMP, target().into())),
        }
    }
    Filter(code)
}
