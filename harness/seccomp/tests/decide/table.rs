//! Handwritten filters (`table.txt`): the interpreter and the decision both answer what the table says, and no opcode
//! is left out.

use std::collections::BTreeSet;

use ocidiff_seccomp::opcode::Op;
use ocidiff_seccomp::{Action, Decider, Instruction, SeccompData};

use crate::assemble::{self, Entry};

fn entries() -> Vec<Entry> {
    assemble::read(include_str!("table.txt"))
}

/// The answer of a stack according to seccomp(2).
fn evaluate(entry: &Entry, call: &SeccompData) -> Action {
    let answers = entry
        .filters
        .iter()
        .map(|filter| filter.evaluate(call).expect("it is valid"));
    answers
        .reduce(|newer, older| match older.precedence() < newer.precedence() {
            true => older,
            false => newer,
        })
        .expect("there is a filter")
}

/// Errnos as numbers, and everything else in its readable form.
fn text(action: Action) -> String {
    match action {
        Action::Errno(errno) => format!("ERRNO({errno})"),
        other => other.to_string(),
    }
}

#[test]
fn every_row_is_answered_as_it_says() {
    let mut rows = 0;
    for entry in entries() {
        let mut decider = Decider::default();
        for filter in &entry.filters {
            assert_eq!(filter.validate(), Ok(()), "{}", entry.name);
        }
        let decision = decider
            .stack(&entry.filters)
            .unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        let classes = decider.partition(&[decision]);
        assert!(!entry.rows.is_empty(), "{} has no rows", entry.name);
        for row in &entry.rows {
            let place = format!("table.txt:{}: {}", row.line, entry.name);
            assert_eq!(text(evaluate(&entry, &row.call)), row.action, "{place}");
            assert_eq!(text(decider.answer(decision, &row.call)), row.action, "{place}");
            if let Ok(classes) = &classes {
                let class = classes
                    .iter()
                    .find(|class| crate::support::has(&decider, class, &row.call))
                    .unwrap_or_else(|| panic!("{place}: no class"));
                assert_eq!(text(class.answers[0]), row.action, "{place}");
            }
            rows += 1;
        }
    }
    println!("{rows} rows");
}

#[test]
fn the_table_has_every_opcode() {
    let used: BTreeSet<u16> = entries()
        .iter()
        .flat_map(|entry| &entry.filters)
        .flat_map(|filter| &filter.0)
        .map(|one| one.code)
        .collect();
    let known: BTreeSet<u16> = (0..=u16::MAX)
        .filter(|code| Op::decode(Instruction::plain(*code, 0)).is_some())
        .collect();
    assert_eq!(used, known);
}
