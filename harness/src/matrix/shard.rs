//! A part of a plan: cut so that each takes about as long, based on earlier measurements.

use std::collections::BTreeMap;
use std::str::FromStr;

use ocidiff_model::Event;

use super::plan::{Cell, Plan};

/// Seconds of a case that has not been measured, here and in a virtual machine, with the usual number at a time.
const CASE: (f64, f64) = (0.8, 5.0);
/// Seconds that a virtual machine needs until its first case.
const BOOT: f64 = 20.0;

/// `2/5`: the second of five parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((number, of)) if (1..=of).contains(&number) && of <= 1000 => Ok(Self { number, of }),
            _ => Err("write K/N, such as 2/5: part 2 of 5, at most 1000".to_owned()),
        }
    }
}

/// How long cases took, in seconds, here and in virtual machines.
#[derive(Debug, Clone, Default)]
pub struct Times {
    host: BTreeMap<String, f64>,
    vm: BTreeMap<String, f64>,
    /// How many cases run at a time, here and in a virtual machine; 0 counts as one.
    jobs: (usize, usize),
}

impl Times {
    /// No times yet, for runs with that many cases at a time, here and in a virtual machine.
    #[must_use]
    pub fn with_jobs(host: usize, vm: usize) -> Self {
        Self {
            jobs: (host, vm),
            ..Self::default()
        }
    }

    /// Takes the times of a run from its events.
    pub fn learn(&mut self, is_host: bool, events: &[Event]) {
        let into = if is_host { &mut self.host } else { &mut self.vm };
        for event in events {
            if let Event::CaseFinished(report) = event
                && !report.carried
                && report.seconds.is_finite()
                && report.seconds > 0.0
            {
                into.insert(report.case.clone(), report.seconds);
            }
        }
    }

    /// How long a case takes, approximately.
    #[must_use]
    pub fn of_case(&self, is_host: bool, case: &str) -> f64 {
        let (from, usual) = if is_host {
            (&self.host, CASE.0)
        } else {
            (&self.vm, CASE.1)
        };
        from.get(case).copied().unwrap_or(usual)
    }

    /// How long a cell takes, approximately.
    #[must_use]
    pub fn of_cell(&self, cell: &Cell) -> f64 {
        let is_host = cell.axis.is_host();
        let boot = if is_host { 0.0 } else { BOOT };
        let jobs = if is_host { self.jobs.0 } else { self.jobs.1 };
        let cases = cell.cases.iter().map(|case| self.of_case(is_host, case));
        let longest = cases.clone().fold(0.0, f64::max);
        // Several run at a time, but no case ends before its own time is over.
        boot + (cases.sum::<f64>() / jobs.max(1) as f64).max(longest)
    }
}

impl Plan {
    /// One part of it: a stretch of all cases of all cells, so that a cell is cut at most once at each end.
    #[must_use]
    pub fn shard(&self, shard: Shard, times: &Times) -> Self {
        let time = |cell: &Cell, case: &String| times.of_case(cell.axis.is_host(), case);
        let all: f64 = self
            .cells
            .iter()
            .flat_map(|cell| cell.cases.iter().map(move |case| time(cell, case)))
            .sum();
        let of = shard.of as f64;
        let mut before = 0.0;
        let mut cells = Vec::new();
        for cell in &self.cells {
            let mut part = cell.clone();
            part.cases.retain(|case| {
                let own = time(cell, case);
                // Decided by its midpoint: each case is in exactly one part, however rounding works out.
                let at = ((before + own / 2.0) / all * of).floor();
                before += own;
                (at as usize).min(shard.of - 1) == shard.number - 1
            });
            if !part.cases.is_empty() {
                cells.push(part);
            }
        }
        Self {
            name: self.name.clone(),
            cells,
            why: self.why.clone(),
        }
    }
}
