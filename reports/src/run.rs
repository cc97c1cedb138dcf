//! A run as the reports see it: the events, sorted out and counted.

use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::known::Machine;
use ocidiff_model::{Counts, Event, ExitStatus, FindingId, IgnoreList, Impact, Verdict};
use std::cmp::Reverse;

use crate::in_order;
use crate::style::count;

/// The head of a run. Events that were merged from several machines have several.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The version of ocidiff.
    pub ocidiff: &'a str,
    /// When it began, in seconds since 1970.
    pub time: u64,
    /// The participants, the reference first.
    pub runtimes: &'a [Participant],
    /// The machine.
    pub machine: &'a Machine,
    /// Which recorder sees the syscalls.
    pub recorder: &'a str,
    /// The findings that are not reported.
    pub ignore: Option<&'a IgnoreList>,
}

/// The events, sorted out.
#[derive(Debug, Clone, Default)]
pub struct Run<'a> {
    /// The heads, in order.
    pub starts: Vec<Start<'a>>,
    /// Every case that has its verdict, as they came.
    pub cases: Vec<&'a CaseReport>,
    /// How many of them have which verdict; counted here, so that a cut file has counts too.
    pub counts: Counts,
    /// How many cases were to come.
    pub planned: usize,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Whether the run ended before all cases had their verdict.
    pub interrupted: bool,
    /// Why it did, if that was not because of a signal.
    pub why: Option<&'a str>,
    /// Whether the last event is missing: the harness was killed.
    pub unfinished: bool,
    /// Whether cases that are not the same each time fail (`--strict`).
    pub strict: bool,
    /// Whether each known case is listed, however many there are.
    pub each_known: bool,
}

/// The verdicts that are reported first and in full, in this order.
pub(crate) const TOLD_WHOLE: [Verdict; 6] = [
    Verdict::New,
    Verdict::Gone,
    Verdict::Violation,
    Verdict::Unexpected,
    Verdict::Broken,
    Verdict::Unstable,
];

impl<'a> Run<'a> {
    /// Whether the label is that of the runtime with which the others are compared.
    #[must_use]
    pub fn is_reference(&self, label: &str) -> bool {
        let mut all = self.starts.iter().flat_map(|start| start.runtimes);
        all.any(|one| one.reference && one.runtime.label == label)
    }

    /// Sorts events out.
    #[must_use]
    pub fn of(events: &'a [Event]) -> Self {
        let mut run = Self::default();
        let mut ends = 0;
        let mut exits = Vec::new();
        for event in events {
            match event {
                Event::RunStarted { cases, .. } => {
                    run.planned += cases;
                    run.starts.extend(Start::of(event));
                }
                Event::CaseFinished(case) => {
                    run.counts.add(case.verdict);
                    run.cases.push(case);
                }
                Event::RunFinished {
                    seconds,
                    exit,
                    interrupted,
                    why,
                    ..
                } => {
                    ends += 1;
                    run.seconds += seconds;
                    run.interrupted |= interrupted;
                    run.why = run.why.or(why.as_deref());
                    exits.push(*exit);
                }
            }
        }
        run.unfinished = ends < run.starts.len();
        run.interrupted |= run.unfinished;
        if ends == 0 {
            run.seconds = run.cases.iter().map(|case| case.seconds).sum();
        }
        // Nothing that always fails occurred, and yet the run failed: then the unstable cases caused it.
        run.strict = run.counts.exit(false) == ExitStatus::Ok && exits.contains(&ExitStatus::Differs);
        run
    }

    /// Why not every case has a verdict, and how many have; `None` if all have.
    #[must_use]
    pub fn ended_early(&self) -> Option<String> {
        let why = self.why.map_or_else(|| "interrupted".to_owned(), crate::safe);
        let done = self.cases.len();
        self.interrupted
            .then(|| format!("{why}: {done} of {} have a verdict", count(self.planned, "case")))
    }

    /// What matters most, in words.
    pub(crate) fn headline(&self) -> String {
        let mut parts: Vec<_> = TOLD_WHOLE
            .into_iter()
            .chain([Verdict::Fixed])
            .filter(|verdict| self.counts.of(*verdict) > 0)
            .map(|verdict| format!("{} {verdict}", self.counts.of(verdict)))
            .collect();
        if self.interrupted {
            parts.insert(0, "interrupted".to_owned());
        }
        if parts.is_empty() {
            parts.push("nothing new".to_owned());
        }
        parts.join(", ")
    }

    /// The cases that are reported first and in full: by verdict, then by name.
    #[must_use]
    pub fn told_whole(&self) -> Vec<&'a CaseReport> {
        let mut cases: Vec<_> = self
            .cases
            .iter()
            .copied()
            .filter(|case| is_told_whole(case.verdict))
            .collect();
        cases.sort_by_key(|case| {
            let place = TOLD_WHOLE.iter().position(|verdict| *verdict == case.verdict);
            (place, case.case.as_str())
        });
        cases
    }

    /// The known cases that are reported, with the one that a reader should see first at the head: by impact, then
    /// those with a remedy, those in which the workload ends differently, those reported in most places, and by name.
    #[must_use]
    pub fn known(&self) -> Vec<&'a CaseReport> {
        let mut cases = self.with(Verdict::Known);
        cases.retain(|case| !case.ignored);
        cases.sort_by_cached_key(known_order);
        cases
    }

    /// The known cases that are not reported, because a file says so.
    #[must_use]
    pub fn ignored(&self) -> Vec<&'a CaseReport> {
        self.cases.iter().copied().filter(|case| case.ignored).collect()
    }

    /// Whether a finding is not reported.
    #[must_use]
    pub fn ignores(&self, id: &FindingId) -> bool {
        let mut lists = self.starts.iter().filter_map(|start| start.ignore);
        lists.any(|list| list.holding(id).is_some())
    }

    /// The cases with a verdict, as they came.
    #[must_use]
    pub fn with(&self, verdict: Verdict) -> Vec<&'a CaseReport> {
        let cases = self.cases.iter().copied();
        cases.filter(|case| case.verdict == verdict).collect()
    }

    /// Why cases have a verdict, and how many for each reason; the most frequent reason first.
    #[must_use]
    pub fn reasons(&self, verdict: Verdict) -> Vec<(&'a str, usize)> {
        let cases = self.with(verdict).into_iter();
        tally(cases.map(|case| case.why.as_deref().unwrap_or("no reason given")))
    }

    /// Runtimes that sat out cases in which the others were compared, with their reasons, and which cases.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut<'a>> {
        let compared = self
            .cases
            .iter()
            .filter(|case| case.verdict != Verdict::Unsupported);
        let mut all: Vec<LeftOut<'a>> = Vec::new();
        for case in compared {
            for (label, why) in &case.unsupported {
                let same = |other: &&mut LeftOut<'a>| other.label == label && other.why == why;
                match all.iter_mut().find(same) {
                    Some(other) => other.cases.push(&case.case),
                    None => all.push(LeftOut {
                        label,
                        why,
                        cases: vec![&case.case],
                    }),
                }
            }
        }
        all.sort_by_key(|one| (Reverse(one.cases.len()), one.label, one.why));
        all
    }

    /// How many runtimes take part.
    #[must_use]
    pub fn runtimes(&self) -> usize {
        let mut labels: Vec<_> = self
            .starts
            .iter()
            .flat_map(|start| start.runtimes)
            .map(|participant| participant.runtime.label.as_str())
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels.len()
    }
}

/// A runtime that sat cases out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut<'a> {
    /// The runtime.
    pub label: &'a str,
    /// Its reason, in its own words.
    pub why: &'a str,
    /// Which cases, as they came.
    pub cases: Vec<&'a str>,
}

impl<'a> Start<'a> {
    /// `kernel 6.18.44, cgroup v1, x86_64`
    pub(crate) fn machine_in_words(&self) -> String {
        let machine = self.machine;
        let via = machine
            .via
            .as_ref()
            .map_or_else(String::new, |via| format!(", via {via}"));
        format!(
            "kernel {}, cgroup {}, {}{via}",
            machine.kernel, machine.cgroup, machine.arch
        )
    }

    /// The head of a run, from its first event.
    #[must_use]
    pub fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::RunStarted {
                ocidiff,
                time,
                runtimes,
                machine,
                recorder,
                ignore,
                ..
            } => Some(Self {
                ocidiff,
                time: *time,
                runtimes,
                machine,
                recorder,
                ignore: ignore.as_deref(),
            }),
            _ => None,
        }
    }

    /// What made the containers, and what saw their calls.
    #[must_use]
    pub fn means(&self) -> String {
        match &self.machine.via {
            Some(engine) => format!("via {engine}"),
            None => format!("recorder {}", self.recorder),
        }
    }
}

/// Whether a case with this verdict is reported first and in full.
pub(crate) fn is_told_whole(verdict: Verdict) -> bool {
    TOLD_WHOLE.contains(&verdict)
}

type KnownOrder<'a> = (Reverse<Option<Impact>>, bool, bool, Reverse<usize>, &'a str);

/// The order of known differences: by impact; then those that a reader can act on (a remedy is written); then
/// those in which the workload itself ends differently; then those that were met most often (reported in more
/// places); then by name.
fn known_order<'a>(case: &&'a CaseReport) -> KnownOrder<'a> {
    let ends_differently = case
        .differences
        .iter()
        .any(|difference| matches!(difference.fact.as_str(), "process.exit" | "process.signal"));
    (
        Reverse(in_order::impact(case)),
        in_order::remedies(case).is_empty(),
        !ends_differently,
        Reverse(in_order::links(case).len()),
        &case.case,
    )
}

fn tally<T: Ord + Copy>(items: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut counts: Vec<(T, usize)> = Vec::new();
    for item in items {
        match counts.iter_mut().find(|(name, _)| *name == item) {
            Some((_, count)) => *count += 1,
            None => counts.push((item, 1)),
        }
    }
    counts.sort_by_key(|(name, count)| (Reverse(*count), *name));
    counts
}
