//! Random filters and random calls: the decision answers as the interpreter does, classes cover every call once, and
//! what a comparison says about two filters is true.

use ocidiff_seccomp::{DecideError, Decider, Decision, Filter};

use crate::generate::{self, Kind};
use crate::support::{Dice, call_near, constants, has, possible, real, real_names};

const PLAIN: Kind = Kind {
    groups: 40,
    plain: true,
};
const ANY: Kind = Kind {
    groups: 25,
    plain: false,
};

/// Decides a filter; `None` if it is too complex, which only filters that mix words may be.
fn decide(decider: &mut Decider, filter: &Filter, kind: Kind, refused: &mut usize) -> Option<Decision> {
    match decider.filter(filter) {
        Ok(decision) => Some(decision),
        Err(DecideError::TooComplex(_)) if !kind.plain => {
            *refused += 1;
            None
        }
        Err(error) => panic!("{error}\n{}", filter.disassemble().join("\n")),
    }
}

/// Draws filters and calls; returns how many calls were compared, and how many filters were too complex.
fn answers(seed: u64, kind: Kind, filters: usize, calls: usize) -> (usize, usize) {
    let mut dice = Dice(seed);
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..filters {
        let filter = generate::filter(&mut dice, kind);
        assert_eq!(filter.validate(), Ok(()));
        let mut decider = Decider::default();
        let Some(decision) = decide(&mut decider, &filter, kind, &mut refused) else {
            continue;
        };
        let constants = constants(&filter);
        for _ in 0..calls {
            let call = call_near(&mut dice, &constants);
            let text = || format!("{call:x?}\n{}", filter.disassemble().join("\n"));
            assert_eq!(
                filter.evaluate(&call),
                Ok(decider.answer(decision, &call)),
                "{}",
                text()
            );
            compared += 1;
        }
    }
    (compared, refused)
}

#[test]
fn a_decision_answers_as_the_filter_does() {
    let (plain, _) = answers(1, PLAIN, 500, 100);
    let (any, refused) = answers(2, ANY, 1000, 200);
    println!("{plain} + {any} calls, {refused} of 1000 filters too complex");
    assert!(refused < 1000 / 50, "{refused} filters were too complex");
}

#[test]
fn classes_cover_every_call_once() {
    let mut dice = Dice(3);
    let (mut checked, mut refused) = (0, 0);
    for round in 0..600 {
        let kind = if round % 2 == 0 { PLAIN } else { ANY };
        let filter = generate::filter(&mut dice, kind);
        let mut decider = Decider::default();
        let Some(decision) = decide(&mut decider, &filter, kind, &mut refused) else {
            continue;
        };
        let classes = match decider.partition(&[decision]) {
            Ok(classes) => classes,
            // Testing single bits of a number makes too many ranges of numbers.
            Err(_) if !kind.plain => {
                refused += 1;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for class in &classes {
            assert!(has(&decider, class, &class.witness), "{class:x?}");
            assert_eq!(filter.evaluate(&class.witness), Ok(class.answers[0]));
        }
        let constants = constants(&filter);
        for _ in 0..100 {
            let call = possible(call_near(&mut dice, &constants));
            let mut there = classes.iter().filter(|class| has(&decider, class, &call));
            let class = there.next().expect("one class has the call");
            assert_eq!(there.next(), None, "{call:x?} is in two classes");
            assert_eq!(filter.evaluate(&call), Ok(class.answers[0]), "{call:x?}");
            checked += 1;
        }
    }
    println!("{checked} calls, {refused} of 600 filters too complex");
    assert!(refused < 60, "{refused} filters were too complex");
}

#[test]
fn what_a_comparison_says_is_so() {
    let mut dice = Dice(4);
    let (mut rows, mut equal, mut refused) = (0, 0, 0);
    for round in 0..800 {
        let kind = if round % 4 == 0 { ANY } else { PLAIN };
        let one = generate::filter(&mut dice, kind);
        let other = if dice.one_in(2) {
            changed(&mut dice, &one)
        } else {
            generate::filter(&mut dice, kind)
        };
        let mut decider = Decider::default();
        let Some(left) = decide(&mut decider, &one, kind, &mut refused) else {
            continue;
        };
        let Some(right) = decide(&mut decider, &other, kind, &mut refused) else {
            continue;
        };
        assert_eq!(decider.compare(&[left, left]), Ok(Vec::new()));
        let (Ok(there), Ok(back)) = (decider.compare(&[left, right]), decider.compare(&[right, left])) else {
            assert!(!kind.plain, "a comparison of plain filters was refused");
            refused += 1;
            continue;
        };
        for class in &there {
            let answers = [&one, &other].map(|filter| filter.evaluate(&class.witness));
            assert_ne!(answers[0], answers[1], "{:x?}", class.witness);
            assert_eq!(
                answers.map(Result::ok),
                [Some(class.answers[0]), Some(class.answers[1])]
            );
            let mirrored = back.iter().any(|row| {
                (&row.abi, &row.numbers, row.arguments) == (&class.abi, &class.numbers, class.arguments)
                    && row.answers.iter().rev().eq(&class.answers)
            });
            assert!(mirrored, "the other way round there is no such row");
        }
        assert_eq!(there.len(), back.len());
        rows += there.len();
        equal += usize::from(there.is_empty());
        // A call in no row gets the same answer from both.
        let constants = [constants(&one), constants(&other)].concat();
        for _ in 0..50 {
            let call = possible(call_near(&mut dice, &constants));
            let differs = one.evaluate(&call) != other.evaluate(&call);
            let listed = there.iter().any(|class| has(&decider, class, &call));
            assert_eq!(differs, listed, "{call:x?}");
        }
    }
    println!("{rows} rows, {equal} of 800 pairs equal, {refused} filters or pairs too complex");
    assert!(equal > 50 && refused < 80, "{equal} equal, {refused} refused");
}

/// The same for the filters that runtimes load, all together and in pairs.
#[test]
fn what_is_said_of_real_filters_is_so() {
    let mut dice = Dice(5);
    let filters: Vec<Filter> = real_names().iter().map(|name| real(name)).collect();
    let mut decider = Decider::default();
    let decisions: Vec<Decision> = filters
        .iter()
        .map(|filter| decider.filter(filter).expect("real filters are simple"))
        .collect();
    let all: Vec<u32> = filters.iter().flat_map(constants).collect();
    let partition = decider.partition(&decisions).expect("few classes");
    let rows = decider.compare(&decisions).expect("few rows");
    let different = partition.iter().filter(|class| !class.is_equal());
    assert!(
        different.eq(&rows),
        "the comparison is the part of the partition that differs"
    );
    for class in &partition {
        for (filter, answer) in filters.iter().zip(&class.answers) {
            assert_eq!(filter.evaluate(&class.witness), Ok(*answer), "{class:x?}");
        }
    }
    for _ in 0..20_000 {
        let call = possible(call_near(&mut dice, &all));
        let mut there = partition.iter().filter(|class| has(&decider, class, &call));
        let class = there.next().expect("one class has the call");
        assert_eq!(there.next(), None, "{call:x?} is in two classes");
        for (filter, answer) in filters.iter().zip(&class.answers) {
            assert_eq!(filter.evaluate(&call), Ok(*answer), "{call:x?}");
        }
    }
    println!(
        "{} filters: {} classes, {} rows",
        filters.len(),
        partition.len(),
        rows.len()
    );
}

/// A filter with one constant or branch changed; the filter itself if the result is not valid.
fn changed(dice: &mut Dice, filter: &Filter) -> Filter {
    let mut changed = filter.clone();
    let at = dice.below(changed.len());
    let one = &mut changed.0[at];
    match dice.below(4) {
        0 => one.k = one.k.wrapping_add(1),
        1 => one.k ^= 1 << dice.below(32),
        2 => std::mem::swap(&mut one.jt, &mut one.jf),
        _ => one.jf = one.jf.wrapping_add(1),
    }
    if changed.validate().is_ok() {
        changed
    } else {
        filter.clone()
    }
}
