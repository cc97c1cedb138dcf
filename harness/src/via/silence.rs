//! An engine that no longer answers, or no longer removes anything, is given up: each further case would take a call's
//! whole limit, show no more than the previous one, or leave one more container.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many times in a row it must fail.
const MOST: u32 = 5;

/// How many times in a row an engine failed, and why it did the last time.
#[derive(Debug)]
pub(super) struct Silence {
    /// How it failed so many times.
    what: &'static str,
    counted: Mutex<(u32, String)>,
}

impl Silence {
    /// Of its answers.
    pub(super) fn of_calls() -> Self {
        Self::of("calls in a row came to nothing")
    }

    /// Of what it was asked to remove.
    pub(super) fn of_removals() -> Self {
        Self::of("containers in a row could not be removed")
    }

    fn of(what: &'static str) -> Self {
        Self {
            what,
            counted: Mutex::default(),
        }
    }

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
        (times >= MOST).then(|| format!("the engine was given up: {times} {}, the last: {why}", self.what))
    }

    fn all(&self) -> MutexGuard<'_, (u32, String)> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_given_up_for_good_after_some_calls_in_a_row() {
        let silence = Silence::of_calls();
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
