//! The events of one cell's parts as those of one run: a report covers one run.

use std::collections::BTreeMap;

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Counts, Event, ExitStatus};

/// Why parts cannot form one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// They were observed elsewhere, or with other runtimes.
    #[error("its parts are of different runtimes or machines")]
    Different,
    /// There are no parts.
    #[error("it has no part that began")]
    Nothing,
}

/// Joins parts of one cell. A case that is in several is taken from the first; `planned` cases make the run whole.
///
/// # Errors
/// There are no parts, or two are not from the same runtimes on the same machine.
pub fn join(parts: Vec<Vec<Event>>, planned: usize) -> Result<Vec<Event>, JoinError> {
    let mut first: Option<Event> = None;
    let mut cases: BTreeMap<String, Box<CaseReport>> = BTreeMap::new();
    let mut whole = 0.0;
    let mut exit = ExitStatus::Ok;
    for event in parts.into_iter().flatten() {
        match event {
            Event::RunStarted { .. } => match &first {
                None => first = Some(event),
                Some(there) if is_same(there, &event) => {}
                Some(_) => return Err(JoinError::Different),
            },
            Event::CaseFinished(report) => {
                cases.entry(report.case.clone()).or_insert(report);
            }
            Event::RunFinished {
                seconds, exit: told, ..
            } => {
                whole += seconds;
                exit = worse(exit, told);
            }
        }
    }
    let Some(mut start) = first else {
        return Err(JoinError::Nothing);
    };
    if let Event::RunStarted { cases: number, .. } = &mut start {
        *number = planned.max(cases.len());
    }
    let mut counts = Counts::default();
    cases.values().for_each(|report| counts.add(report.verdict));
    let interrupted = cases.len() < planned;
    let exit = if interrupted {
        ExitStatus::Broken
    } else {
        worse(exit_of(exit), counts.exit(false))
    };
    let missing = planned.saturating_sub(cases.len());
    let end = Event::RunFinished {
        counts,
        seconds: whole,
        exit,
        interrupted,
        why: interrupted.then(|| format!("{missing} of {planned} cases were not run")),
    };
    let mut events = vec![start];
    events.extend(cases.into_values().map(Event::CaseFinished));
    events.push(end);
    Ok(events)
}

/// A part that was stopped says nothing about the whole; what its cases show is in their verdicts.
fn exit_of(told: ExitStatus) -> ExitStatus {
    match told {
        ExitStatus::Broken => ExitStatus::Ok,
        told => told,
    }
}

fn worse(one: ExitStatus, other: ExitStatus) -> ExitStatus {
    if one.code() >= other.code() { one } else { other }
}

fn is_same(one: &Event, other: &Event) -> bool {
    match (one, other) {
        (
            Event::RunStarted {
                runtimes, machine, ..
            },
            Event::RunStarted {
                runtimes: others,
                machine: theirs,
                ..
            },
        ) => runtimes == others && machine == theirs,
        _ => false,
    }
}
