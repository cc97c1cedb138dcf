//! A runtime that hangs in case after case is given up: each such case costs the whole limit of a step, and shows no
//! more than the previous one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ocidiff_model::StepRecord;
use ocidiff_model::record::CallResult;

/// How many runs in a row must hang in the same step.
const MOST: u32 = 5;

/// The runs in a row of each runtime that hung in the same step.
#[derive(Debug, Default)]
pub struct Hangs(Mutex<BTreeMap<String, (String, u32)>>);

impl Hangs {
    /// Records a run's steps.
    pub fn note(&self, label: &str, steps: &[StepRecord]) {
        let calls = steps.iter().filter(|step| step.op.calls_runtime());
        let hung = calls.clone().find(|step| step.result == CallResult::Timeout);
        let mut all = self.all();
        if is_given_up(&all, label) {
            return;
        }
        match (hung, all.get_mut(label)) {
            (Some(step), Some((same, times))) if *same == step.op.name() => *times += 1,
            (Some(step), _) => {
                all.insert(label.to_owned(), (step.op.name().to_owned(), 1));
            }
            // A run in which nothing was called shows nothing.
            (None, _) if calls.count() == 0 => {}
            (None, _) => {
                all.remove(label);
            }
        }
    }

    /// Whether a runtime no longer takes part.
    #[must_use]
    pub fn is_given_up(&self, label: &str) -> bool {
        is_given_up(&self.all(), label)
    }

    /// A sentence for each runtime that was given up.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let all = self.all();
        let given_up = all.iter().filter(|(label, _)| is_given_up(&all, label));
        given_up
            .map(|(label, (step, times))| {
                format!(
                    "{label} was given up: its {step} did not end within its limit {times} times in a row"
                )
            })
            .collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, (String, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_given_up(all: &BTreeMap<String, (String, u32)>, label: &str) -> bool {
    all.get(label).is_some_and(|(_, times)| *times >= MOST)
}

#[cfg(test)]
mod tests {
    use ocidiff_model::Op;

    use super::*;

    fn step(op: Op, result: CallResult) -> StepRecord {
        StepRecord {
            label: op.name().to_owned(),
            op,
            argv: Vec::new(),
            result,
            exit: None,
            text: String::new(),
            seconds: 0.0,
        }
    }

    #[test]
    fn only_the_same_hang_in_a_row_counts() {
        let hangs = Hangs::default();
        let hung = |op| [step(op, CallResult::Timeout)];
        for _ in 1..MOST {
            hangs.note("crun", &hung(Op::Create));
        }
        hangs.note("crun", &[]);
        hangs.note("crun", &[step(Op::Create, CallResult::Error)]);
        for _ in 1..MOST {
            hangs.note("crun", &hung(Op::Create));
        }
        hangs.note("crun", &hung(Op::Start));
        for _ in 1..MOST {
            assert!(!hangs.is_given_up("crun") && hangs.sentences().is_empty());
            hangs.note("crun", &hung(Op::Start));
        }
        assert!(hangs.is_given_up("crun") && !hangs.is_given_up("runc"));
        hangs.note("crun", &[step(Op::Create, CallResult::Ok)]);
        assert_eq!(hangs.sentences().len(), 1, "for good");
        assert!(hangs.sentences()[0].contains("crun was given up: its start did not end"));
    }

    #[test]
    fn a_workload_that_does_not_end_is_not_the_runtime_s_hang() {
        let hangs = Hangs::default();
        for _ in 0..=MOST {
            hangs.note(
                "runc",
                &[
                    step(Op::Create, CallResult::Ok),
                    step(Op::Wait, CallResult::Timeout),
                ],
            );
        }
        assert!(!hangs.is_given_up("runc"));
    }
}
