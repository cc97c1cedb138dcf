//! Judges a case: what was found against what is expected and what is written down.

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::known::{ANY, Machine, stands_for};
use ocidiff_model::step::labels;
use ocidiff_model::{Case, Difference, Known, KnownEntry, Op, Record, Value, Verdict, step::Outcome};

use crate::compare::{compare, difference, groups, speaks_of};

/// What is found in one run of a case under all runtimes.
#[must_use]
pub fn judge(case: &Case, known: &Known, machine: &Machine, records: &[&Record]) -> Vec<Difference> {
    let mut found = compare(case, records);
    for (path, value, requirement) in expectations(case) {
        hold_against(&mut found, &path, &value, requirement, records);
    }
    let mut entries: Vec<&KnownEntry> = known.0.iter().filter(|entry| entry.holds(machine)).collect();
    // What is written for an engine outweighs what is written for the case's own config.
    entries.sort_by_key(|entry| entry.when.as_ref().is_none_or(|when| when.via.is_none()));
    for difference in &mut found {
        if let Some(entry) = entries.iter().find(|entry| entry.fact == difference.fact) {
            if as_written(entry, difference, records) {
                difference.standing = Standing::Known;
                difference.accounts = accounts(entry, records);
                // Of whom any value is as written, none says what changed.
                difference.written = all_written(entry, records);
                difference.written.retain(|(_, value)| *value == Value::from(ANY));
            } else {
                // What is written is about other values: so is its cause.
                difference.written = all_written(entry, records);
            }
        }
    }
    for entry in entries {
        if found.iter().all(|difference| difference.fact != entry.fact) && should_show(case, entry, records) {
            let mut gone = difference(&entry.fact, groups(&entry.fact, records));
            gone.standing = Standing::Gone;
            gone.written = all_written(entry, records);
            gone.accounts = accounts(entry, records);
            found.push(gone);
        }
    }
    found
}

/// The verdict that the differences give.
#[must_use]
pub fn verdict(differences: &[Difference]) -> Verdict {
    differences
        .iter()
        .map(|difference| match difference.standing {
            Standing::Known => Verdict::Known,
            Standing::Gone => Verdict::Gone,
            Standing::Unstable { .. } => Verdict::Unstable,
            Standing::New { .. } if difference.disagree() => Verdict::New,
            Standing::New { .. } if difference.requirement.is_some() => Verdict::Violation,
            Standing::New { .. } => Verdict::Unexpected,
        })
        .max()
        .unwrap_or(Verdict::Agree)
}

/// The clauses that the case's expectations are about.
#[must_use]
pub fn expected_clauses(case: &Case) -> Vec<String> {
    let clauses = expectations(case).into_iter();
    clauses.filter_map(|(_, _, requirement)| requirement).collect()
}

/// The case's expectations: of facts, and of its steps.
pub(crate) fn expectations(case: &Case) -> Vec<(String, Value, Option<String>)> {
    let of_facts = case.body.expect.iter().map(|(path, expectation)| {
        (
            path.clone(),
            expectation.is.clone(),
            case.requirement_of(expectation),
        )
    });
    let only = match case.body.requirement.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let steps = labels(&case.body.steps)
        .into_iter()
        .zip(&case.body.steps)
        .filter_map(|(label, step)| {
            let of_process = matches!(step.op, Op::Exec | Op::Run);
            let (last, value) = match step.options.expect? {
                Outcome::Ok if of_process => ("exit", Value::Int(0)),
                Outcome::Ok => ("result", "ok".into()),
                Outcome::Error => ("result", "error".into()),
            };
            Some((format!("lifecycle.{label}.{last}"), value, only.clone()))
        });
    of_facts.chain(steps).collect()
}

/// Marks who does not do what is expected. A runtime that never came so far does not either, unless its step is
/// one that it did not take.
fn hold_against(
    found: &mut Vec<Difference>,
    path: &str,
    value: &Value,
    requirement: Option<String>,
    records: &[&Record],
) {
    let against: Vec<String> = records
        .iter()
        .filter(|record| record.value(path) != Some(value) && speaks_of(record, path))
        .map(|record| record.runtime.label.clone())
        .collect();
    if against.is_empty() {
        return;
    }
    let at = found
        .iter()
        .position(|difference| difference.fact == path)
        .unwrap_or_else(|| {
            found.push(difference(path, groups(path, records)));
            found.len() - 1
        });
    found[at].expected = Some(value.clone());
    found[at].requirement = requirement;
    found[at].against = against;
}

/// Why each shows what is written of it.
fn accounts(entry: &KnownEntry, records: &[&Record]) -> Vec<Account> {
    let speak = records.iter().filter(|record| speaks_of(record, &entry.fact));
    speak
        .map(|record| Account {
            who: record.runtime.label.clone(),
            because: entry.because(&record.runtime).to_vec(),
            how: How::Written,
        })
        .filter(|account| !account.because.is_empty())
        .collect()
}

/// Whether every runtime that speaks of the fact shows what is written of it.
fn as_written(entry: &KnownEntry, difference: &Difference, records: &[&Record]) -> bool {
    records
        .iter()
        .filter(|record| speaks_of(record, &difference.fact))
        .all(|record| {
            written(entry, record).is_some_and(|value| stands_for(value, record.value(&difference.fact)))
        })
}

/// What is written of each runtime that speaks of the fact.
fn all_written(entry: &KnownEntry, records: &[&Record]) -> Vec<(String, Value)> {
    let speak = records.iter().filter(|record| speaks_of(record, &entry.fact));
    speak
        .filter_map(|record| Some((record.runtime.label.clone(), written(entry, record)?.clone())))
        .collect()
}

fn written<'e>(entry: &'e KnownEntry, record: &Record) -> Option<&'e Value> {
    entry.value_for(&record.runtime)
}

/// Whether these runtimes are such that the entry's difference ought to show: what is written of them is not
/// all the same, or is not what the case expects.
fn should_show(case: &Case, entry: &KnownEntry, records: &[&Record]) -> bool {
    let values: Vec<&Value> = records
        .iter()
        .filter(|record| speaks_of(record, &entry.fact))
        .filter_map(|record| written(entry, record))
        .collect();
    let any = Value::from(ANY);
    let certain = values.iter().filter(|value| ***value != any);
    let distinct = values.iter().any(|value| {
        certain
            .clone()
            .next()
            .is_some_and(|first| value != first && **value != any)
    });
    let expected = expectations(case)
        .into_iter()
        .find(|(path, _, _)| *path == entry.fact);
    distinct || expected.is_some_and(|(_, value, _)| certain.clone().any(|written| **written != value))
}

#[cfg(test)]
pub(crate) mod tests;
