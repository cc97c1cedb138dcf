//! Which cases take longer than before. Times are noisy: a machine is loaded or not, and a case waits for others.

use std::collections::BTreeMap;

use ocidiff_model::event::CaseReport;
use serde::Serialize;

use super::places;
use crate::run::{Run, Start};

/// A case is reported if it takes this many times as long as before, apart from the slowdown of the whole run.
const RATIO: f64 = 3.0;
/// And this many seconds more.
const SECONDS: f64 = 1.0;
/// From this number of cases on it is known how much slower a whole run is.
const ENOUGH: usize = 5;

/// A case that takes longer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slower {
    /// Its name.
    pub case: String,
    /// The machine.
    pub machine: String,
    /// Seconds before.
    pub from: f64,
    /// Seconds now.
    pub to: f64,
    /// How many times as long, apart from the slowdown of the whole run.
    pub ratio: f64,
}

/// A run in which everything takes longer: a slower machine, or a harness that is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slowed {
    /// The machine.
    pub machine: String,
    /// How many times as long the cases take.
    pub ratio: f64,
}

impl Slowed {
    /// One line.
    #[must_use]
    pub fn told(&self) -> String {
        format!(
            "the whole run took {:.1} times as long as before on {}: a case is called slower only beyond that",
            self.ratio, self.machine
        )
    }
}

/// The cases that clearly take longer, and whether all do. Only for runs with the same runtimes: a case's time is that of all of them.
pub(super) fn slower(old: &Run<'_>, new: &Run<'_>) -> (Vec<Slower>, Option<Slowed>) {
    if places(old) != places(new) {
        return (Vec::new(), None);
    }
    let by_name: BTreeMap<&str, &CaseReport> =
        old.cases.iter().map(|case| (case.case.as_str(), *case)).collect();
    let pairs: Vec<(&CaseReport, &CaseReport)> = new
        .cases
        .iter()
        .filter_map(|case| Some((*by_name.get(case.case.as_str())?, *case)))
        // A case that was run more often for certainty takes longer for that reason.
        .filter(|(before, now)| before.runs == now.runs && before.verdict == now.verdict)
        .filter(|(before, now)| before.seconds > 0.0 && now.seconds > 0.0)
        .collect();
    let mut ratios: Vec<f64> = pairs
        .iter()
        .map(|(before, now)| now.seconds / before.seconds)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let usual = match ratios.len() {
        number if number < ENOUGH => 1.0,
        number => ratios[number / 2].max(1.0),
    };
    let machine = new
        .starts
        .first()
        .map(Start::machine_in_words)
        .unwrap_or_default();
    let clearly = pairs.into_iter().filter_map(|(before, now)| {
        let ratio = now.seconds / before.seconds / usual;
        let more = now.seconds - before.seconds * usual;
        (ratio >= RATIO && more >= SECONDS).then(|| Slower {
            case: now.case.clone(),
            machine: machine.clone(),
            from: before.seconds,
            to: now.seconds,
            ratio,
        })
    });
    let slower = clearly.collect();
    let slowed = (usual >= RATIO).then_some(Slowed {
        machine,
        ratio: usual,
    });
    (slower, slowed)
}
