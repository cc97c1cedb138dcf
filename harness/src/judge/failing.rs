//! Steps that fail under every runtime. Runtimes that all do nothing agree on everything: such a case must not pass,
//! unless it says that the step fails.

use ocidiff_model::difference::Standing;
use ocidiff_model::known::{Machine, stands_for};
use ocidiff_model::record::CallResult;
use ocidiff_model::step::labels;
use ocidiff_model::{Case, Difference, Op, Record, StepRecord, Value, last_words};

use crate::corpus::Entry;

/// How much of a runtime's own words is kept for each step.
const WORDS: usize = 200;

/// What is said of an init that ended before its program began, and printed nothing.
pub(crate) const UNEXECUTED: &str = "its init did not execute the program";

/// A step that failed under every runtime.
type Failed<'r> = Vec<(&'r str, &'r StepRecord)>;

/// The first step that fails under every runtime although neither the case, nor its known file, nor a finding says
/// so, with each runtime's words; `found` is what the case was judged to show.
#[must_use]
pub fn no_runtime_does(
    entry: &Entry,
    machine: &Machine,
    records: &[&Record],
    found: &[Difference],
) -> Option<String> {
    let is_known = |fact: &str| {
        let mut found = found.iter().filter(|difference| difference.fact == fact);
        found.any(|difference| difference.standing == Standing::Known)
    };
    let (label, failed) = unexpected(entry, machine, records)
        .into_iter()
        .find(|(label, _)| !is_known(&fact_of(label)))?;
    Some(format!("no runtime does this: {label}: {}", words(&failed)))
}

/// The facts of steps that fail under every runtime although neither the case nor its known file says so.
#[must_use]
pub fn unexpected_failures(entry: &Entry, machine: &Machine, records: &[&Record]) -> Vec<String> {
    let steps = unexpected(entry, machine, records).into_iter();
    steps.map(|(label, _)| fact_of(&label)).collect()
}

fn fact_of(label: &str) -> String {
    format!("lifecycle.{label}.result")
}

fn unexpected<'r>(entry: &Entry, machine: &Machine, records: &[&'r Record]) -> Vec<(String, Failed<'r>)> {
    let case = &entry.case;
    let steps = labels(&case.body.steps).into_iter().zip(&case.body.steps);
    let open = steps.enumerate().filter(|(at, (label, step))| {
        step.options.expect.is_none() && !is_expected(case, label) && !has_been_ended(case, *at, records)
    });
    open.filter_map(|(_, (label, _))| {
        let failed = failed_everywhere(&label, records)?;
        (!is_written(entry, machine, &label, records)).then_some((label, failed))
    })
    .collect()
}

/// Each runtime's words, if no runtime starts a bundle.
///
/// Where one refuses it and another says that it started, that is a difference, whatever becomes of the init.
#[must_use]
pub fn nobody_starts(records: &[&Record]) -> Option<String> {
    let began = |record: &Record| {
        let of = |op: Op| record.steps.iter().find(|step| step.op == op);
        [Op::Create, Op::Start]
            .into_iter()
            .all(|op| of(op).is_some_and(|step| step.result == CallResult::Ok))
    };
    let who = |record: &Record| record.runtime.label.clone();
    let said: Option<Vec<String>> = if records.iter().any(|record| began(record)) {
        let of = |record: &&Record| Some(format!("{}: {}", who(record), unexecuted(record)?));
        records.iter().map(of).collect()
    } else {
        let of = |record: &&Record| Some(words(&[(&who(record), record.failed().next()?)]));
        Some(records.iter().filter_map(of).collect())
    };
    let said = said.filter(|_| !records.is_empty())?;
    Some(format!("nobody starts it: {}", said.join("; ")))
}

/// The output of an init that ended without having executed the program, although its runtime says that it started: a
/// program cannot exit without a call.
fn unexecuted(record: &Record) -> Option<String> {
    let no_call = record.value("syscall.processes") == Some(&Value::from(0));
    (no_call && record.value("process.exit").is_some()).then(|| {
        let said = match record.value("process.stderr") {
            Some(Value::List(lines)) => lines.join("\n"),
            _ => String::new(),
        };
        last_or(&said, || UNEXECUTED.to_owned())
    })
}

/// The step under each runtime, if it was taken and failed under every one of them.
fn failed_everywhere<'r>(label: &str, records: &[&'r Record]) -> Option<Failed<'r>> {
    let of = |record: &'r Record| {
        let step = record.steps.iter().find(|step| step.label == label)?;
        (step.result != CallResult::Ok).then_some((record.runtime.label.as_str(), step))
    };
    let failed: Option<Failed<'_>> = comparing(label, records).map(of).collect();
    failed.filter(|failed| !failed.is_empty())
}

/// The records in which the step is not put aside.
fn comparing<'a, 'r>(label: &'a str, records: &'a [&'r Record]) -> impl Iterator<Item = &'r Record> + 'a {
    let fact = fact_of(label);
    records
        .iter()
        .copied()
        .filter(move |record| !record.is_aside(&fact))
}

/// Whether the case had ended the container before this step, and its process had ended under every runtime: a second
/// kill, in case the first does nothing, has nothing left to do.
fn has_been_ended(case: &Case, at: usize, records: &[&Record]) -> bool {
    let step = &case.body.steps[at];
    let of_same = || {
        let steps = labels(&case.body.steps)
            .into_iter()
            .zip(&case.body.steps)
            .take(at);
        steps.filter(|(_, earlier)| earlier.container() == step.container())
    };
    let is_ok = |record: &Record, label: &str| {
        let mut steps = record.steps.iter();
        steps.any(|step| step.label == label && step.result == CallResult::Ok)
    };
    let has_ended = |label: &str| comparing(label, records).all(|record| is_ok(record, label));
    matches!(step.op, Op::Kill | Op::Resume)
        && of_same().any(|(_, step)| step.op == Op::Kill)
        && of_same().any(|(label, step)| step.op == Op::Wait && has_ended(&label))
}

/// Whether the case itself says how the step ends.
fn is_expected(case: &Case, label: &str) -> bool {
    let of_step = |path: &String| {
        let rest = path
            .strip_prefix("lifecycle.")
            .and_then(|rest| rest.strip_prefix(label));
        rest.is_some_and(|rest| matches!(rest, ".result" | ".exit" | ".error"))
    };
    case.body.expect.keys().any(of_step)
}

/// Whether its known file does: these versions fail, and others do not.
fn is_written(entry: &Entry, machine: &Machine, label: &str, records: &[&Record]) -> bool {
    let fact = fact_of(label);
    let known = entry.known.on(machine);
    known.0.iter().any(|known| {
        known.fact == fact
            && comparing(label, records).all(|record| {
                let written = known.value_for(&record.runtime);
                written.is_some_and(|value| stands_for(value, record.value(&fact)))
            })
    })
}

/// `runc: create: error: no such thing; crun: ...`: the last line that each printed.
fn words(failed: &[(&str, &StepRecord)]) -> String {
    let said = |(who, step): &(&str, &StepRecord)| {
        let nothing = || format!("{} ended with {}", step.label, step.result.value());
        format!("{who}: {}", last_or(&step.text, nothing))
    };
    failed.iter().map(said).collect::<Vec<_>>().join("; ")
}

/// The last line that was printed, or a substitute if nothing was.
fn last_or(text: &str, nothing: impl FnOnce() -> String) -> String {
    match last_words(text) {
        last if last.is_empty() => nothing(),
        last => ocidiff_reports::words_to(&last, WORDS),
    }
}

#[cfg(test)]
mod tests;
