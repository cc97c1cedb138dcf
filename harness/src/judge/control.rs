//! A runtime that is compared with itself: what of a case counts, and which cases say nothing under any of the runtimes.

use ocidiff_model::known::ANY;
use ocidiff_model::{RuntimeId, Value, Verdict};

use crate::corpus::Entry;
use crate::judge::finished::Finished;

/// Verdicts of cases in which nothing was compared with anything.
pub const UNCOMPARED: [Verdict; 3] = [Verdict::Skipped, Verdict::Unsupported, Verdict::Broken];

/// The case without what has no meaning between a runtime and itself: what is written about a difference between
/// runtimes, unless it is written to change from run to run, and an expectation that the runtime breaks both times.
#[must_use]
pub fn alone(entry: &Entry, runtime: &RuntimeId) -> Entry {
    let mut entry = entry.clone();
    let any = Value::from(ANY);
    let known = &mut entry.known.0;
    known.retain(|known| matches!(known.value_for(runtime), Some(value) if *value == any));
    entry.case.body.expect_nothing();
    entry
}

/// Makes a case broken that was compared with itself under some of the runtimes, and under none of them does what it is
/// about: a run under all of them is broken.
pub fn break_idle<'f>(of_all: impl Iterator<Item = &'f mut Finished>) {
    let is_compared = |one: &&mut Finished| !UNCOMPARED.contains(&one.report.verdict);
    let mut compared: Vec<&mut Finished> = of_all.filter(is_compared).collect();
    if compared.iter().any(|one| one.idle.is_none()) {
        return;
    }
    for one in &mut compared {
        one.report.verdict = Verdict::Broken;
        one.report.why = one.idle.take();
        one.report.differences.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::finished::skipped;
    use ocidiff_model::Case;

    #[test]
    fn a_case_is_broken_that_says_nothing_under_any_of_the_runtimes_that_ran_it() {
        let case = Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str("summary: s").expect("a case"),
        };
        let of = |verdict: Verdict, idle: Option<&str>| {
            let mut finished = skipped(&case, String::new());
            finished.report.verdict = verdict;
            finished.idle = idle.map(str::to_owned);
            finished
        };
        let idle = Some("no runtime shows it");
        for (all, expected) in [
            (
                [(Verdict::Agree, idle), (Verdict::New, idle)],
                [Verdict::Broken, Verdict::Broken],
            ),
            (
                [(Verdict::Agree, idle), (Verdict::Agree, None)],
                [Verdict::Agree, Verdict::Agree],
            ),
            (
                [(Verdict::Agree, idle), (Verdict::Skipped, None)],
                [Verdict::Broken, Verdict::Skipped],
            ),
        ] {
            let mut all = all.map(|(verdict, idle)| of(verdict, idle));
            break_idle(all.iter_mut());
            assert_eq!(all.map(|one| one.report.verdict), expected);
        }
    }
}
