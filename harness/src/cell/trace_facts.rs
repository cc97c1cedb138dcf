//! The facts of a recording.

use ocidiff_model::names::DENIALS;
use ocidiff_model::{Fact, Value};
use ocidiff_trace::{Call, Trace};

use super::observe::Names;

/// `syscall.NAME(SUBJECT)` for every call that is distinguished by what it is about, what was denied, how much
/// was recorded, and how many filters there were.
pub(crate) fn facts(trace: &Trace) -> Vec<Fact> {
    let mut facts = vec![Fact::new("syscall.denied", denied(trace))];
    facts.extend(of_filters(trace));
    facts.push(Fact::new(
        "syscall.total",
        i64::try_from(trace.total).unwrap_or(i64::MAX),
    ));
    facts.push(Fact::new("syscall.processes", i64::from(trace.processes)));
    let mut seen = Names::default();
    for call in &trace.calls {
        let base = match &call.subject {
            Some(subject) => format!("{}({subject})", call.name),
            None => call.name.clone(),
        };
        let name = seen.next(base);
        facts.push(Fact::new(format!("syscall.{name}"), call.result.to_string()));
    }
    facts
}

/// Why the facts are not all that the case watches, if there were more calls than are kept.
pub(crate) fn cut(trace: &Trace) -> Option<String> {
    if trace.cut.is_empty() {
        return None;
    }
    let more: Vec<String> = trace
        .cut
        .iter()
        .map(|(name, count)| format!("{count} of {name}"))
        .collect();
    Some(format!(
        "of the calls that it watches, {} came when the record was full: watch fewer calls, or let the workload make fewer",
        more.join(", ")
    ))
}

/// How many filters there were, and what they are; where reading stopped at one, neither is known.
fn of_filters(trace: &Trace) -> Vec<Fact> {
    if let Some(why) = &trace.filters_unread {
        return vec![Fact::new("filter.unread", why.as_str())];
    }
    let mut facts = Vec::new();
    if trace.exec_seen {
        facts.push(Fact::new("filter.count", int(trace.filters.len())));
    }
    for (index, filter) in trace.filters.iter().rev().enumerate() {
        facts.push(Fact::new(
            format!("filter.{index}.instructions"),
            int(filter.len()),
        ));
        facts.push(Fact::new(format!("filter.{index}.digest"), filter.digest()));
    }
    facts
}

fn int(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// `fchmodat2 EPERM`: each name once.
fn denied(trace: &Trace) -> Vec<String> {
    trace
        .counts
        .iter()
        .flat_map(|(name, results)| {
            results
                .keys()
                .filter(|result| DENIALS.contains(&result.as_str()))
                .map(move |result| format!("{name} {result}"))
        })
        .collect()
}

/// A call on one line; with `[2.1]` if it was not made by the first thread of the first process.
pub(crate) fn line(call: &Call) -> String {
    match (call.process, call.thread) {
        (1, 1) => call.to_string(),
        (process, thread) => format!("[{process}.{thread}] {call}"),
    }
}
