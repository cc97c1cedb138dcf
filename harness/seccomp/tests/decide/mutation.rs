//! A real filter with one instruction changed: the comparison finds the change, with a call that shows it, or has
//! proven that nothing changed.

use ocidiff_seccomp::{DecideError, Decider, Decision, Filter, Instruction, SeccompData};

use crate::support::{constants, real};

const JSET: u16 = 0x45;

/// Instructions that could be in this place instead.
fn mutants(at: usize, one: Instruction) -> Vec<Instruction> {
    let k = |k| Instruction { k, ..one };
    let ways = |jt, jf| Instruction { jt, jf, ..one };
    let code = |code| Instruction { code, ..one };
    let mut list = vec![k(one.k.wrapping_add(1)), k(one.k ^ 1 << (at % 32))];
    if one.code & 7 == 5 && one.code != 5 {
        list.extend([
            ways(one.jf, one.jt),
            match at % 2 {
                0 => ways(one.jt.wrapping_add(1), one.jf),
                _ => ways(one.jt, one.jf.wrapping_add(1)),
            },
        ]);
        list.push(code([0x15, 0x25, 0x35][at % 3]));
        // Slow: it splits the numbers into 65,536 ranges and more.
        list.extend((at % 32 < 2).then_some(code(JSET)));
    }
    list.retain(|mutant| *mutant != one);
    list
}

/// Calls at every edge that a filter has: each class of its partition, and each of its constants with its neighbours.
fn edges(decider: &mut Decider, decision: Decision, filter: &Filter) -> Vec<SeccompData> {
    let classes = decider.partition(&[decision]).expect("real filters are simple");
    let mut calls: Vec<SeccompData> = classes.iter().map(|class| class.witness).collect();
    for constant in constants(filter) {
        for value in [constant.wrapping_sub(1), constant, constant.wrapping_add(1)] {
            for arch in [0xc000_003e, 0x4000_0003] {
                calls.push(SeccompData::new(arch, value, [0; 6]));
                for nr in [56, 120, 135, 136, 0x4000_0087] {
                    let both = u64::from(value) << 32 | u64::from(value);
                    for arg in [value.into(), u64::from(value) << 32, both] {
                        calls.push(SeccompData::new(arch, nr, [arg, arg, 0, 0, 0, 0]));
                    }
                }
            }
            calls.push(SeccompData::new(value, 0, [0; 6]));
        }
    }
    calls
}

/// The results for the mutants of one half of the instructions.
#[derive(Default, Debug)]
struct Tally {
    found: usize,
    equal: usize,
    refused: usize,
    rows: usize,
    /// Found, but the numbers are in too many ranges to list (`jset` on a number).
    scattered: usize,
}

fn run(base: &Filter, places: impl Iterator<Item = usize>) -> Tally {
    let mut tally = Tally::default();
    let mut decider = Decider::default();
    let mut decision = decider.filter(base).expect("simple");
    let calls = edges(&mut decider, decision, base);
    let answers: Vec<_> = calls.iter().map(|call| base.evaluate(call)).collect();
    for at in places {
        // A small table is a fast table.
        if decider.nodes() > 50_000 {
            decider = Decider::default();
            decision = decider.filter(base).expect("simple");
        }
        for mutant in mutants(at, base.0[at]) {
            let mut changed = base.clone();
            changed.0[at] = mutant;
            let other = match decider.filter(&changed) {
                Ok(other) => other,
                Err(DecideError::Invalid(_)) => {
                    tally.refused += 1;
                    continue;
                }
                Err(error) => panic!("instruction {at}: {error}"),
            };
            let Ok(rows) = decider.compare(&[decision, other]) else {
                assert_eq!(mutant.code, JSET, "instruction {at}: {mutant:?}");
                let mut both = calls.iter().zip(&answers);
                let shown = both.any(|(call, answer)| changed.evaluate(call) != *answer);
                assert!(decision != other && shown, "instruction {at}: {mutant:?}");
                tally.scattered += 1;
                continue;
            };
            assert_eq!(rows.is_empty(), decision == other, "instruction {at}: {mutant:?}");
            for row in &rows {
                let evaluated = [base, &changed].map(|filter| filter.evaluate(&row.witness).ok());
                assert_eq!(evaluated, [Some(row.answers[0]), Some(row.answers[1])]);
                assert_ne!(evaluated[0], evaluated[1], "instruction {at}: {mutant:?}");
            }
            tally.rows += rows.len();
            if rows.is_empty() {
                tally.equal += 1;
                for (call, answer) in calls.iter().zip(&answers) {
                    assert_eq!(changed.evaluate(call), *answer, "{at}: {mutant:?}: {call:x?}");
                }
            } else {
                tally.found += 1;
            }
        }
    }
    tally
}

#[test]
fn no_change_of_an_instruction_is_overlooked() {
    let base = real("docker-20.10.24.crun@1.8.1");
    assert!(base.len() > 900);
    // Two threads, to shorten the wait.
    let tallies = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let base = &base;
            scope.spawn(move || run(base, (half..base.len()).step_by(2)))
        });
        halves.map(|half| half.join().expect("no mutant is overlooked"))
    });
    println!("{} instructions: {tallies:?}", base.len());
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    assert!(sum(|tally| tally.found) > 4000, "{tallies:?}");
}
