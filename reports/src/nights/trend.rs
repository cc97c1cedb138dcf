//! Many nights, one line each.

use std::collections::BTreeMap;

use ocidiff_model::{Counts, Event, Verdict};
use serde::Serialize;

use super::{Became, Diff};
use crate::run::{Run, Start};
use crate::style::{Ink, Style, pad};
use crate::{Error, object, when};

/// A night: the runs of one file or folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Night {
    /// The file or folder.
    pub name: String,
    /// When it began, in seconds since 1970, UTC.
    pub time: u64,
    /// The versions that took part, `crun@1.28`.
    pub versions: Vec<String>,
    /// How many machines.
    pub machines: usize,
    /// How many cases have which verdict.
    pub counts: Counts,
    /// How many cases were compared with the night before; `None` for the first.
    pub compared: Option<usize>,
    /// What happened to cases since the night before.
    pub since: BTreeMap<Became, usize>,
    /// Cases that are new.
    pub new: Vec<String>,
    /// Whether a run did not finish.
    pub cut: bool,
}

/// Nights in the order of their times.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// The nights.
    pub nights: Vec<Night>,
    /// The last one, compared with the one before; its numbers are the night's.
    #[serde(skip)]
    pub since: Option<Diff>,
}

impl Trend {
    /// From the runs of each night, by its name.
    #[must_use]
    pub fn of(nights: &[(String, Vec<Vec<Event>>)]) -> Self {
        let mut all: Vec<(u64, &String, &Vec<Vec<Event>>)> = nights
            .iter()
            .map(|(name, runs)| (began(runs), name, runs))
            .collect();
        all.sort_by_key(|(time, name, _)| (*time, *name));
        let mut nights = Vec::new();
        let mut since = None;
        for (at, (time, name, runs)) in all.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| all[before].2);
            since = before.map(|before| Diff::of(before, runs));
            nights.push(night(name, *time, runs, since.as_ref()));
        }
        Self { nights, since }
    }
}

fn began(runs: &[Vec<Event>]) -> u64 {
    let times = runs.iter().flatten().filter_map(|event| match event {
        Event::RunStarted { time, .. } => Some(*time),
        _ => None,
    });
    times.min().unwrap_or(0)
}

fn night(name: &str, time: u64, runs: &[Vec<Event>], diff: Option<&Diff>) -> Night {
    let sorted: Vec<Run<'_>> = runs.iter().map(|events| Run::of(events)).collect();
    let mut counts = Counts::default();
    for case in sorted.iter().flat_map(|run| &run.cases) {
        counts.add(case.verdict);
    }
    let starts = || sorted.iter().flat_map(|run| &run.starts);
    let mut versions: Vec<String> = starts()
        .flat_map(|start| {
            start
                .runtimes
                .iter()
                .map(|one| super::pair::version_of(start, &one.runtime.label))
        })
        .collect();
    versions.sort();
    versions.dedup();
    let mut machines: Vec<String> = starts().map(Start::machine_in_words).collect();
    machines.sort();
    machines.dedup();
    let number = |diff: &Diff| {
        let numbers = Became::ALL.map(|became| (became, diff.number(became)));
        numbers.into_iter().filter(|(_, number)| *number > 0).collect()
    };
    let fresh = diff.iter().flat_map(|diff| &diff.cases);
    Night {
        name: name.to_owned(),
        time,
        versions,
        machines: machines.len(),
        counts,
        compared: diff.map(|diff| diff.compared),
        since: diff.map(number).unwrap_or_default(),
        new: fresh
            .filter(|case| case.became == Became::New)
            .map(|case| case.case.clone())
            .collect(),
        cut: sorted.iter().any(|run| run.interrupted),
    }
}

/// One line per night, for people.
fn lines(trend: &Trend, style: &Style) -> String {
    let names = trend.nights.iter().map(|night| style.brief(&night.name, 40));
    let columns = names.map(|name| crate::style::width(&name)).max().unwrap_or(0);
    let mut out = String::new();
    for night in &trend.nights {
        let date = when::utc(night.time).unwrap_or_else(|| "no date".to_owned());
        let counts: Vec<String> = Verdict::ALL
            .into_iter()
            .filter(|verdict| night.counts.of(*verdict) > 0)
            .map(|verdict| format!("{} {verdict}", night.counts.of(verdict)))
            .collect();
        let cut = if night.cut { "; cut short" } else { "" };
        out.push_str(&format!(
            "{}  {}  {:20}  {}  {}{cut}\n",
            style.paint(Ink::Quiet, &pad(&date, 20)),
            pad(&style.brief(&night.name, 40), columns),
            format!(
                "{} on {}",
                crate::style::count(night.versions.len(), "version"),
                night.machines
            ),
            counts.join(", "),
            style.paint(Ink::Warn, &since(night)),
        ));
    }
    out
}

fn since(night: &Night) -> String {
    match night.compared {
        None => "(first)".to_owned(),
        Some(0) => "(nothing in common with the night before)".to_owned(),
        Some(_) if night.since.is_empty() => "(as the night before)".to_owned(),
        Some(_) => {
            let said: Vec<String> = night
                .since
                .iter()
                .map(|(became, number)| format!("{number} {became}"))
                .collect();
            format!("(since the night before: {})", said.join(", "))
        }
    }
}

/// Draws it: one line per night, or one JSON object.
///
/// # Errors
/// It cannot be written as JSON.
pub fn render_trend(trend: &Trend, json: bool, style: &Style) -> Result<String, Error> {
    if json {
        object(trend)
    } else {
        Ok(lines(trend, style))
    }
}
