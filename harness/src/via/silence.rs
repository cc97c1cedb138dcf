//! An engine that no longer answers is given up: each further case would take a call's whole limit, or show no more
//! than the previous one.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many calls in a row must come to nothing.
const MOST: u32 = 5;

/// How many calls in a row got no answer, and why the last of them did not.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<(u32, String)>);

impl Silence {
    /// It answered, whatever the answer.
    pub(super) fn broken(&self) {
        let mut all = self.all();
        // Giving up is final: what is under way by then may still be answered.
        if all.0 < MOST {
            *all = (0, String::new());
        }
    }

    /// It did not answer.
    pub(super) fn goes_on(&self, why: &str) {
        let mut all = self.all();
        if all.0 < MOST {
            *all = (all.0 + 1, why.to_owned());
        }
    }

    /// A sentence once it is given up.
    pub(super) fn sentence(&self) -> Option<String> {
        let (times, why) = self.all().clone();
        (times >= MOST).then(|| {
            format!("the engine was given up: {times} calls in a row came to nothing, the last: {why}")
        })
    }

    fn all(&self) -> MutexGuard<'_, (u32, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_given_up_for_good_after_some_calls_in_a_row() {
        let silence = Silence::default();
        for _ in 1..MOST {
            silence.goes_on("lost");
        }
        silence.broken();
        for _ in 0..MOST {
            assert_eq!(silence.sentence(), None);
            silence.goes_on("lost");
        }
        silence.broken();
        let said = silence.sentence().expect("it is given up");
        assert!(
            said.ends_with("5 calls in a row came to nothing, the last: lost"),
            "{said}"
        );
    }
}
