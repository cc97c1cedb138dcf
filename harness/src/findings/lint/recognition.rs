//! Whether recognition finds the causes that people have written: each case's known file is removed, and what a run
//! showed is compared with the catalogue alone.
//!
//! A run's events contain only what differs: a sign that looks at a fact on which all agree does not match here.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::{How, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::known::Machine;
use ocidiff_model::record::{CallResult, RunOutcome, StepRecord};
use ocidiff_model::step::labels;
use ocidiff_model::{Difference, Event, Fact, FindingId, Op, Record, RuntimeId};

use crate::corpus::configs::{Configs, texts};
use crate::corpus::{Corpus, Entry};
use crate::judge::recognise::{Question, recognise};

/// What recognition made of a difference whose cause is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guess {
    /// A finding that the known file names.
    Right,
    /// A different finding.
    Other,
    /// No finding.
    None,
}

/// A difference, what is written about it, and what was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The case.
    pub case: String,
    /// The fact.
    pub fact: String,
    /// What the known file names.
    pub written: BTreeSet<FindingId>,
    /// What was recognised.
    pub found: BTreeSet<FindingId>,
}

impl Row {
    /// How good the guess is.
    #[must_use]
    pub fn guess(&self) -> Guess {
        if self.found.is_empty() {
            Guess::None
        } else if self.found.is_disjoint(&self.written) {
            Guess::Other
        } else {
            Guess::Right
        }
    }
}

/// Every difference of a run whose cause is written in the known file of its case.
#[must_use]
pub fn rows(corpus: &Corpus, events: &[Event]) -> Vec<Row> {
    let mut runtimes: Vec<RuntimeId> = Vec::new();
    let mut on: Option<&Machine> = None;
    let mut found = Vec::new();
    for event in events {
        match event {
            Event::RunStarted {
                runtimes: all,
                machine,
                ..
            } => {
                runtimes = all.iter().map(|one| one.runtime.clone()).collect();
                on = Some(machine);
            }
            Event::CaseFinished(report) => {
                let entry = corpus.entries.iter().find(|entry| entry.case.name == report.case);
                if let (Some(entry), Some(machine)) = (entry, on) {
                    found.extend(of_case(corpus, entry, report, &runtimes, machine));
                }
            }
            _ => {}
        }
    }
    found
}

fn of_case(
    corpus: &Corpus,
    entry: &Entry,
    report: &CaseReport,
    runtimes: &[RuntimeId],
    machine: &Machine,
) -> Vec<Row> {
    let differences: Vec<Difference> = report
        .differences
        .iter()
        .filter(|difference| difference.groups.len() > 1 && difference.standing != Standing::Gone)
        .cloned()
        .collect();
    let Ok(texts) = texts(&entry.case, corpus) else {
        return Vec::new();
    };
    let records: Vec<Record> = runtimes
        .iter()
        .map(|runtime| record(entry, report, runtime, &differences))
        .collect();
    let names: Vec<&str> = corpus.runtimes.iter().map(String::as_str).collect();
    let steps: Vec<Op> = entry.case.body.steps.iter().map(|step| step.op).collect();
    let question = Question {
        catalogue: &corpus.findings,
        runtimes: &names,
        configs: &Configs::new(&entry.case, &texts),
        steps: &steps,
        machine,
        records: &records.iter().collect::<Vec<_>>(),
    };
    let told = recognise(&question, &differences);
    let rows = differences.iter().zip(told).map(|(difference, accounts)| Row {
        case: report.case.clone(),
        fact: difference.fact.clone(),
        written: difference
            .accounts
            .iter()
            .filter(|account| account.how == How::Written)
            .flat_map(|account| account.because.clone())
            .collect(),
        found: accounts.into_iter().flat_map(|account| account.because).collect(),
    });
    rows.filter(|row| !row.written.is_empty()).collect()
}

/// What is known about a runtime's record: the facts on which it differs.
fn record(entry: &Entry, report: &CaseReport, runtime: &RuntimeId, differences: &[Difference]) -> Record {
    let mut facts: Vec<Fact> = differences
        .iter()
        .filter_map(|difference| {
            let mut groups = difference.groups.iter();
            let own = groups.find(|group| group.runtimes.contains(&runtime.label))?;
            Some(Fact::new(&difference.fact, own.value.clone()?))
        })
        .collect();
    let steps = steps(entry, report, runtime);
    // All may agree on how a step ends.
    for step in &steps {
        let path = format!("lifecycle.{}.result", step.label);
        if differences.iter().all(|difference| difference.fact != path) {
            facts.push(Fact::new(path, step.result.value()));
        }
    }
    Record {
        case: report.case.clone(),
        runtime: runtime.clone(),
        bundle: report.bundle.clone().unwrap_or_default(),
        recorder: String::new(),
        outcome: RunOutcome::Complete,
        ran: true,
        steps,
        facts,
        filters: Vec::new(),
        setup: Vec::new(),
        calls: Vec::new(),
        total_calls: 0,
        seconds: 0.0,
    }
}

/// The case's steps: as they failed, otherwise as successful steps, with what the case says about the call.
fn steps(entry: &Entry, report: &CaseReport, runtime: &RuntimeId) -> Vec<StepRecord> {
    let body = &entry.case.body;
    let all = labels(&body.steps).into_iter().zip(&body.steps);
    all.map(|(label, step)| {
        let failed = report
            .failures
            .iter()
            .find(|(who, failed)| *who == runtime.label && failed.label == label);
        if let Some((_, failed)) = failed {
            return failed.clone();
        }
        let id = step.options.id.as_deref().unwrap_or_else(|| step.container());
        let words = [Some(step.op.name()), Some(id), step.options.signal.as_deref()];
        StepRecord {
            label,
            op: step.op,
            argv: words.into_iter().flatten().map(str::to_owned).collect(),
            result: CallResult::Ok,
            exit: Some(0),
            text: String::new(),
            seconds: 0.0,
        }
    })
    .collect()
}

fn count(rows: &[&Row], guess: Guess) -> usize {
    rows.iter().filter(|row| row.guess() == guess).count()
}

/// How many were right, different and missing, in total and by what is written; the worst first, with an example.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let all: Vec<&Row> = rows.iter().collect();
    let share = |guess: Guess| {
        let number = count(&all, guess);
        let tenths = number * 1000 / all.len().max(1);
        format!("{number} ({}.{} %)", tenths / 10, tenths % 10)
    };
    let mut text = format!(
        "{} differences whose cause is written: {} right, {} another finding, {} none\n",
        all.len(),
        share(Guess::Right),
        share(Guess::Other),
        share(Guess::None)
    );
    let mut by_written: BTreeMap<&BTreeSet<FindingId>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        by_written.entry(&row.written).or_default().push(row);
    }
    let mut worst: Vec<(&BTreeSet<FindingId>, Vec<&Row>)> = by_written
        .into_iter()
        .filter(|(_, rows)| count(rows, Guess::Right) < rows.len())
        .collect();
    worst.sort_by_key(|(_, rows)| Reverse((count(rows, Guess::Other), count(rows, Guess::None))));
    if !worst.is_empty() {
        text.push_str("\nother  none  right  written\n");
    }
    for (written, rows) in worst {
        text.push_str(&line(written, &rows));
    }
    text
}

/// The result for the differences about which the same is written, and the worst of them.
fn line(written: &BTreeSet<FindingId>, rows: &[&Row]) -> String {
    let of = |guess| count(rows, guess);
    let counts = format!(
        "{:>5}  {:>4}  {:>5}  {}\n",
        of(Guess::Other),
        of(Guess::None),
        of(Guess::Right),
        joined(written)
    );
    let wrong = rows.iter().filter(|row| row.guess() != Guess::Right);
    let Some(row) = wrong.min_by_key(|row| row.guess()) else {
        return counts;
    };
    let instead = if row.found.is_empty() {
        String::new()
    } else {
        format!(" is taken for {}", joined(&row.found))
    };
    format!("{counts}{:21}{}  {}{instead}\n", "", row.case, row.fact)
}

fn joined(ids: &BTreeSet<FindingId>) -> String {
    ids.iter().map(FindingId::as_str).collect::<Vec<_>>().join(", ")
}
