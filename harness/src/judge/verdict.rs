//! Judges a case: compares what was found with what is expected and what is written down.

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::finding::fits;
use ocidiff_model::known::{ANY, Machine, stands_for};
use ocidiff_model::step::labels;
use ocidiff_model::{
    Case, Channel, Difference, Expectation, Known, KnownEntry, Op, Record, Value, Verdict, facts,
    step::Outcome,
};

use crate::judge::compare::{compare, difference, groups, speaks_of};

/// What is found in one run of a case under all runtimes.
#[must_use]
pub fn judge(case: &Case, known: &Known, machine: &Machine, records: &[&Record]) -> Vec<Difference> {
    let mut found = compare(case, records);
    for expected in expectations(case) {
        hold_against(&mut found, expected, records);
    }
    let mut entries = entries(known, machine);
    // How those differ is given by findings alone: see `named`.
    entries.retain(|entry| !entry.by_signs);
    for difference in &mut found {
        if let Some(entry) = entries.iter().find(|entry| entry.fact == difference.fact) {
            if as_written(entry, difference, records) {
                difference.standing = Standing::Known;
                difference.accounts = accounts(entry, records);
                // If any of its values is as written, nothing says what changed.
                difference.written = all_written(entry, records);
                difference.written.retain(|(_, value)| *value == Value::from(ANY));
            } else {
                // What is written is about other values, and so is its cause.
                difference.written = all_written(entry, records);
            }
        }
    }
    for entry in &entries {
        let is_off = || should_show(case, entry, records) || is_belied(entry, records);
        if found.iter().all(|difference| difference.fact != entry.fact) && is_off() {
            let mut gone = difference(&entry.fact, groups(&entry.fact, records));
            gone.standing = Standing::Gone;
            gone.written = all_written(entry, records);
            gone.accounts = accounts(entry, records);
            found.push(gone);
        }
    }
    found
}

/// What is written and applies here: what is written for an engine outweighs what is written for the case's own config.
#[must_use]
pub fn entries(known: &Known, machine: &Machine) -> Vec<KnownEntry> {
    let mut entries = known.on(machine).0;
    entries.sort_by_key(|entry| entry.when.as_ref().is_none_or(|when| when.via.is_none()));
    entries
}

/// The verdict that the differences give.
#[must_use]
pub fn verdict(differences: &[Difference]) -> Verdict {
    differences
        .iter()
        .map(|difference| match difference.standing {
            Standing::Known if difference.fixed.is_empty() => Verdict::Known,
            Standing::Known => Verdict::Fixed,
            Standing::Gone => Verdict::Gone,
            Standing::Fixed => Verdict::Fixed,
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
    clauses.filter_map(|expected| expected.what.requirement).collect()
}

/// What a case expects of a fact, with the clause that it is based on.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The fact's path.
    pub(crate) fact: String,
    /// The values and the clause.
    pub(crate) what: Expectation,
}

/// The case's expectations: of facts, of its steps, and what these imply.
pub(crate) fn expectations(case: &Case) -> Vec<Expected> {
    let of_facts = of_facts(case);
    let implied = implied(case, &of_facts);
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
                Outcome::Any => return None,
            };
            Some(Expected {
                fact: format!("lifecycle.{label}.{last}"),
                what: Expectation::only(value, only.clone()),
            })
        });
    of_facts.into_iter().chain(steps).chain(implied).collect()
}

fn of_facts(case: &Case) -> Vec<Expected> {
    let expected = case.body.expect.iter();
    let written = expected.map(|(path, expectation)| Expected {
        fact: path.clone(),
        what: Expectation {
            requirement: case.requirement_of(expectation),
            ..expectation.clone()
        },
    });
    written.collect()
}

/// A case that expects something of a running container expects that it is created and started. A runtime that
/// refuses to do that has nothing to show, and would otherwise not be compared with anything.
fn implied(case: &Case, of_facts: &[Expected]) -> Vec<Expected> {
    let absent = Value::from(ocidiff_model::known::ABSENT);
    let of_run = |container: &str| -> Vec<&Expected> {
        let shown = of_facts.iter().filter(|expected| expected.what.is != absent);
        shown
            .filter(|expected| shows_while_running(case, &expected.fact) == Some(container))
            .collect()
    };
    labels(&case.body.steps)
        .into_iter()
        .zip(&case.body.steps)
        .filter(|(label, step)| {
            let comes_first = facts::without_count(label) == label;
            matches!(step.op, Op::Create | Op::Start) && comes_first && step.options.expect.is_none()
        })
        .filter_map(|(label, step)| {
            let fact = format!("lifecycle.{label}.result");
            let of_run = of_run(step.container());
            let is_open = !of_run.is_empty() && of_facts.iter().all(|other| other.fact != fact);
            let clause = of_run
                .iter()
                .find_map(|expected| expected.what.requirement.clone());
            is_open.then(|| Expected {
                fact,
                what: Expectation::only("ok".into(), clause),
            })
        })
        .collect()
}

/// The container that shows the fact while it runs.
fn shows_while_running<'p>(case: &Case, path: &'p str) -> Option<&'p str> {
    let of_run = !matches!(
        Channel::of(path),
        None | Some(Channel::Lifecycle | Channel::Leftover | Channel::Hook)
    );
    let is_container = |name: &str| case.body.steps.iter().any(|step| step.container() == name);
    of_run.then(|| facts::container_in(path, is_container))
}

/// Compares a step that fails under every runtime, without the case expecting that, with its success.
pub(crate) fn hold_against_success(found: &mut Vec<Difference>, fact: &str, records: &[&Record]) {
    if found.iter().all(|difference| difference.fact != fact) {
        let expected = Expected {
            fact: fact.to_owned(),
            what: Expectation::only("ok".into(), None),
        };
        hold_against(found, expected, records);
    }
}

/// Marks the runtimes that do not do what is expected. This includes a runtime that never got that far, unless
/// its step is one that it did not take.
fn hold_against(found: &mut Vec<Difference>, expected: Expected, records: &[&Record]) {
    let path = expected.fact.as_str();
    let is_met = |record: &&&Record| {
        expected
            .what
            .values()
            .any(|value| fits(value, record.value(path)))
    };
    let against: Vec<String> = records
        .iter()
        .filter(|record| !is_met(record) && speaks_of(record, path))
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
    found[at].expected = Some(expected.what.is);
    found[at].requirement = expected.what.requirement;
    found[at].against = against;
}

/// Why each shows what is written about it.
pub(crate) fn accounts(entry: &KnownEntry, records: &[&Record]) -> Vec<Account> {
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

/// Whether every runtime that speaks of the fact shows what is written about it.
fn as_written(entry: &KnownEntry, difference: &Difference, records: &[&Record]) -> bool {
    records
        .iter()
        .filter(|record| speaks_of(record, &difference.fact))
        .all(|record| {
            written(entry, record).is_some_and(|value| stands_for(value, record.value(&difference.fact)))
        })
}

/// What is written about each runtime that speaks of the fact.
fn all_written(entry: &KnownEntry, records: &[&Record]) -> Vec<(String, Value)> {
    let speak = records.iter().filter(|record| speaks_of(record, &entry.fact));
    speak
        .filter_map(|record| Some((record.runtime.label.clone(), written(entry, record)?.clone())))
        .collect()
}

fn written<'e>(entry: &'e KnownEntry, record: &Record) -> Option<&'e Value> {
    entry.value_for(&record.runtime)
}

/// Whether with these runtimes the entry's difference should show: what is written about them is not all the
/// same, or is not what the case expects.
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
        .find(|expected| expected.fact == entry.fact);
    distinct
        || expected.is_some_and(|expected| {
            let is_met = |written: &Value| expected.what.values().any(|value| written_fits(value, written));
            let mut certain = certain.clone();
            certain.any(|written| !is_met(written))
        })
}

/// Whether a runtime shows another value than the one that is written about it, although nothing differs: what the others
/// show may be any value.
fn is_belied(entry: &KnownEntry, records: &[&Record]) -> bool {
    let speak = || records.iter().filter(|record| speaks_of(record, &entry.fact));
    let any = Value::from(ANY);
    let named = |record: &&&Record| entry.named_value_for(&record.runtime);
    // Where nobody is named, the entry is not about these runtimes.
    let is_open = speak().any(|record| named(&record) == Some(&any));
    let written = |record: &&&Record| named(record).or_else(|| entry.otherwise.as_ref().filter(|_| is_open));
    speak()
        .any(|record| written(&record).is_some_and(|written| !stands_for(written, record.value(&entry.fact))))
}

/// Whether what is written about a runtime, which may be that it lacks the fact, is what the case expects.
fn written_fits(expected: &Value, written: &Value) -> bool {
    let is_absent = matches!(written, Value::Text(text) if text == ocidiff_model::known::ABSENT);
    fits(expected, (!is_absent).then_some(written))
}

#[cfg(test)]
pub(crate) mod tests;
