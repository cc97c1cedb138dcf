//! The kernel answers calls as our decisions do: real filters byte for byte, random ones with arithmetic, stacks of
//! them; by `syscall`, and by `int 0x80` with registers of 64 bits.

use ocidiff_seccomp::data::{ARCH_I386, ARCH_X86_64};
use ocidiff_seccomp::{Action, Decider, Filter, Instruction, SeccompData};

use crate::generate::{self, Kind};
use crate::raw::{self, GUARD, Outcome};
use crate::support::{Dice, call_near, constants, real, real_names};

/// What the kernel does where a stack of filters and the guard below it decide this.
fn expected(action: Action) -> Outcome {
    match action {
        Action::Errno(errno) => Outcome::Returned(-i64::from(errno)),
        Action::Trap(_) | Action::KillThread | Action::KillProcess | Action::Unknown(_) => Outcome::Killed,
        other => panic!("the guard is stricter than {other}"),
    }
}

/// uretprobe and uprobe of x86_64: the kernel makes them past all filters (6.14, `seccomp_uprobe_exception`), since it has put them
/// into the program itself. Otherwise they do nothing, or end the program.
const NOT_FILTERED: [u32; 2] = [335, 336];

/// A call that this machine can make, and that filters decide.
fn native(dice: &mut Dice, constants: &[u32], with_i386: bool) -> SeccompData {
    let mut call = call_near(dice, constants);
    if call.arch != ARCH_I386 || !with_i386 {
        call.arch = ARCH_X86_64;
    }
    if dice.one_in(4) {
        call.nr = dice.below(600) as u32;
    }
    if call.arch == ARCH_X86_64 && NOT_FILTERED.contains(&call.nr) {
        call.nr += 1000;
    }
    call
}

/// Makes calls under filters, and checks each answer against the decision. Returns how many calls were made.
fn agree(filters: &[Filter], calls: &[SeccompData]) -> usize {
    let mut decider = Decider::default();
    let guard = Filter(vec![Instruction::plain(0x06, 0x0005_0000 | u32::from(GUARD))]);
    let stack = [filters, &[guard]].concat();
    let decision = decider.stack(&stack).expect("it can be decided");
    let mut made = 0;
    let mut left = calls;
    // A call that kills ends a child: the next child continues after it. A few times is enough.
    for _ in 0..4 {
        let (seen, outcomes) = raw::answers(filters, left);
        for (call, outcome) in seen.iter().zip(&outcomes) {
            if *outcome == Outcome::NotMade {
                break;
            }
            made += 1;
            let text = || {
                filters
                    .iter()
                    .flat_map(Filter::disassemble)
                    .collect::<Vec<_>>()
                    .join("\n")
            };
            let decided = decider.answer(decision, call);
            assert_eq!(*outcome, expected(decided), "{call:x?}: {decided}\n{}", text());
        }
        match outcomes.iter().position(|outcome| *outcome == Outcome::Killed) {
            Some(last) => left = &left[last + 1..],
            None => break,
        }
    }
    made
}

fn with_i386() -> bool {
    let there = raw::has_i386();
    if !there {
        println!("this kernel makes no calls of i386: only those of x86_64 are held against it");
    }
    there
}

/// The filters that runtimes load, unchanged.
fn real_filters(calls: usize) {
    let (mut dice, i386) = (Dice(21), with_i386());
    let (mut made, names) = (0, real_names());
    for name in &names {
        let filter = real(name);
        let constants = constants(&filter);
        let calls: Vec<SeccompData> = (0..calls / names.len())
            .map(|_| native(&mut dice, &constants, i386))
            .collect();
        made += agree(&[filter], &calls);
    }
    println!("real filters: {made} calls");
    assert!(made + names.len() > calls);
}

/// Gives each answer an errno of its own, which says which instruction gave it; a few kill.
fn telling(dice: &mut Dice, mut filter: Filter) -> Filter {
    for (at, one) in filter.0.iter_mut().enumerate() {
        if one.code == 0x06 && !dice.one_in(12) {
            one.k = 0x0005_0000 | (at as u32 + 1);
        }
    }
    filter
}

/// What an older filter begins with, so that the newer one can be loaded at all.
const LETS_LOAD: [Instruction; 3] = [
    Instruction::plain(0x20, 0),
    Instruction::test(0x15, 317, 0, 1),
    Instruction::plain(0x06, 0x7fff_0000),
];

fn random_filters(filters: usize, calls: usize) {
    let (mut dice, i386) = (Dice(22), with_i386());
    let (mut made, mut stacks) = (0, 0);
    let kind = |plain| Kind { groups: 25, plain };
    while stacks < filters {
        let depth = dice.pick(&[1, 1, 1, 2, 3]);
        let stack: Vec<Filter> = (0..depth)
            .map(|age| {
                let plain = dice.one_in(4);
                let filter = generate::filter(&mut dice, kind(plain));
                let mut filter = telling(&mut dice, filter);
                if age > 0 {
                    filter.0.splice(0..0, LETS_LOAD);
                }
                filter
            })
            .collect();
        if Decider::default().stack(&stack).is_err() {
            continue;
        }
        let constants: Vec<u32> = stack.iter().flat_map(constants).collect();
        let calls: Vec<SeccompData> = (0..calls).map(|_| native(&mut dice, &constants, i386)).collect();
        made += agree(&stack, &calls);
        stacks += 1;
    }
    println!("random filters: {stacks} stacks, {made} calls");
    assert!(made > filters * calls / 4);
}

#[test]
fn real_filters_answer_as_decided() {
    real_filters(100_000);
}

#[test]
fn random_filters_answer_as_decided() {
    random_filters(300, 400);
}

#[test]
#[ignore = "a minute: a million calls"]
fn a_million_calls_are_answered_as_decided() {
    real_filters(500_000);
    random_filters(3000, 400);
}

/// What is special about `int 0x80` from a 64-bit program: filters see registers whole, so the upper halves count.
#[test]
fn upper_halves_are_seen_under_i386() {
    if !with_i386() {
        return;
    }
    let filter = Filter(vec![
        Instruction::plain(0x20, 20),
        Instruction::plain(0x54, 0xfff),
        Instruction::plain(0x44, 0x0005_0000),
        Instruction::plain(0x16, 0),
    ]);
    let call = SeccompData::new(ARCH_I386, 20, [7 << 32 | 1, 0, 0, 0, 0, 0]);
    let (_, outcomes) = raw::answers(std::slice::from_ref(&filter), &[call]);
    assert_eq!(outcomes, [Outcome::Returned(-7)]);
    assert_eq!(filter.evaluate(&call), Ok(Action::Errno(7)));
}
