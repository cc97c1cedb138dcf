//! The kernel takes exactly the filters that [`Filter::validate`] takes.

use ocidiff_seccomp::{Filter, Instruction};

use crate::generate::{self, Kind};
use crate::raw;
use crate::support::Dice;

const KIND: Kind = Kind {
    groups: 12,
    plain: false,
};

/// Opcodes of classic BPF, including those that seccomp does not take.
const CODES: [u16; 24] = [
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0e, 0x15, 0x16, 0x1d, 0x20, 0x28, 0x34, 0x3c, 0x60,
    0x61, 0x64, 0x80, 0x81, 0x87, 0x94, 0x8c,
];

/// Changes some instructions of a filter, so that it may have become invalid.
fn spoil(dice: &mut Dice, filter: &mut Filter) {
    for _ in 0..dice.below(3) {
        let at = dice.below(filter.len());
        let left = (filter.len() - at) as u32;
        let one = &mut filter.0[at];
        match dice.below(6) {
            0 => one.code = dice.pick(&CODES),
            1 => one.code = dice.roll() as u16,
            2 => one.k = dice.pick(&[0, 1, 3, 15, 16, 31, 32, 60, 64, left - 1, left, u32::MAX]),
            3 => one.jt = dice.roll() as u8,
            4 => one.jf = (left as u8).wrapping_sub(dice.below(3) as u8),
            _ => drop(filter.0.pop()),
        }
        if filter.is_empty() {
            return;
        }
    }
}

/// A filter about scratch memory: which words are set on which path.
fn about_scratch(dice: &mut Dice) -> Filter {
    let length = 4 + dice.below(10);
    let mut code: Vec<Instruction> = (0..length)
        .map(|at| {
            let left = length - at;
            let mut skip = || dice.below(left.min(4)) as u32;
            let (yes, no) = (skip(), skip());
            let word = dice.below(2) as u32;
            match dice.below(8) {
                0..3 => Instruction::test(0x15, 7, yes as u8, no as u8),
                3 => Instruction::plain(0x05, yes),
                4 => Instruction::plain(0x06, 0),
                5 => Instruction::plain(0x60, word),
                6 => Instruction::plain(0x02, word),
                _ => Instruction::plain(0x16, 0),
            }
        })
        .collect();
    code.push(Instruction::plain(0x06, 0));
    Filter(code)
}

#[test]
fn the_kernel_takes_what_validate_takes() {
    let mut dice = Dice(11);
    let mut filters = Vec::new();
    for _ in 0..8000 {
        let mut filter = generate::filter(&mut dice, KIND);
        spoil(&mut dice, &mut filter);
        filters.push(filter);
        filters.push(about_scratch(&mut dice));
    }
    for code in 0..0x200 {
        let (end, k) = (Instruction::plain(0x06, 0), 4);
        let one = Instruction {
            code,
            jt: 0,
            jf: 0,
            k,
        };
        filters.push(Filter(vec![
            Instruction::plain(0x02, 4),
            one,
            end,
            end,
            end,
            end,
            end,
            end,
        ]));
        filters.push(Filter(vec![one]));
    }
    for length in [0, 1, 4095, 4096, 4097, 65535] {
        filters.push(Filter(vec![Instruction::plain(0x06, 0); length]));
    }
    let accepted = raw::accepted(&filters);
    let mut taken = 0;
    for (filter, accepted) in filters.iter().zip(accepted) {
        let valid = filter.validate();
        assert_eq!(
            valid.is_ok(),
            accepted,
            "{valid:?}\n{}",
            filter.disassemble().join("\n")
        );
        taken += usize::from(accepted);
    }
    println!("{} filters, the kernel takes {taken}", filters.len());
    assert!(taken > 1000 && filters.len() - taken > 1000);
}
