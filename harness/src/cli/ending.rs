//! When a run ends before its last case, and with which exit status: the first failure, a limit, runtimes that hang.

use std::time::Duration;

use ocidiff_model::{Counts, ExitStatus, Verdict};

use super::args::RunArgs;
use super::output;
use crate::error::Error;
use crate::run::stop::Stop;

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct Until {
    strict: bool,
    fail_fast: bool,
    limit: Option<Duration>,
    left_out: usize,
}

impl Until {
    /// As it was typed; this many runtimes were left out before the first case.
    pub(super) fn of(args: &RunArgs, left_out: usize) -> Self {
        Self {
            strict: args.strict,
            fail_fast: args.fail_fast,
            limit: args.limit.map(|seconds| Duration::from_secs(seconds.into())),
            left_out,
        }
    }

    /// From now on; `stop` ends the run.
    pub(super) fn begin(self, stop: Stop) -> Early {
        Early {
            until: self,
            stop,
            given_up: 0,
            failed: false,
            why: None,
        }
    }
}

/// Why a run ends early, if it does.
#[derive(Debug)]
pub(super) struct Early {
    until: Until,
    stop: Stop,
    /// Runtimes that were given up under way.
    given_up: usize,
    /// Whether it was the first failure that ended it.
    failed: bool,
    why: Option<String>,
}

impl Early {
    /// How long the run may take.
    pub(super) fn limit(&self) -> Option<Duration> {
        self.until.limit
    }

    /// After each case: whether it was the last one.
    pub(super) fn look(&mut self, verdict: Verdict, (sentences, too_few): (Vec<String>, bool)) {
        for sentence in sentences.iter().skip(self.given_up) {
            output::complain(sentence);
        }
        self.given_up = sentences.len();
        if self.why.is_some() {
            return;
        }
        if too_few {
            self.end(format!("{}: nothing is left to compare", sentences.join("; ")));
        } else if self.until.fail_fast && verdict.fails(self.until.strict) {
            self.failed = true;
            self.end("stopped at the first failure".to_owned());
        }
    }

    /// Once all has ended, and whether the limit had to end it.
    pub(super) fn late(&mut self, late: bool) {
        if let (true, Some(limit)) = (late, self.until.limit) {
            self.failed = false;
            self.end(format!("the limit of {} s was reached", limit.as_secs()));
        }
    }

    fn end(&mut self, why: String) {
        self.why = Some(why);
        self.stop.now();
    }

    /// Why it ended early, if that was not because of a signal.
    pub(super) fn why(self) -> Option<String> {
        self.why
    }

    /// The program's exit status.
    pub(super) fn exit(&self, counts: &Counts, interrupted: bool, unread: bool) -> ExitStatus {
        let whole = self.given_up + self.until.left_out == 0;
        match (interrupted, counts.exit(self.until.strict)) {
            (_, ExitStatus::Ok | ExitStatus::Differs) if !whole => ExitStatus::Broken,
            (false, exit) => exit,
            // The end was not requested: what was found by then counts.
            (true, ExitStatus::Differs) if unread || self.failed => ExitStatus::Differs,
            (true, _) => ExitStatus::Broken,
        }
    }
}

/// Asks everything under way to end when the time is up, and returns whether it was.
pub(super) async fn within(
    running: impl Future<Output = Result<(), Error>>,
    limit: Option<Duration>,
    stop: &Stop,
) -> Result<bool, Error> {
    let Some(limit) = limit else {
        return running.await.map(|()| false);
    };
    let mut running = std::pin::pin!(running);
    tokio::select! {
        ran = &mut running => return ran.map(|()| false),
        () = tokio::time::sleep(limit) => {}
    }
    stop.now();
    running.await.map(|()| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(fail_fast: bool, left_out: usize) -> Until {
        Until {
            strict: false,
            fail_fast,
            limit: Some(Duration::from_secs(7)),
            left_out,
        }
    }

    fn counts(verdicts: &[Verdict]) -> Counts {
        let mut counts = Counts::default();
        verdicts.iter().for_each(|verdict| counts.add(*verdict));
        counts
    }

    fn none() -> (Vec<String>, bool) {
        (Vec::new(), false)
    }

    #[test]
    fn the_first_failure_is_the_last_case_where_that_was_asked_for() {
        for (fail_fast, verdict, ends) in [
            (true, Verdict::New, true),
            (true, Verdict::Known, false),
            (true, Verdict::Unstable, false),
            (false, Verdict::New, false),
        ] {
            let stop = Stop::default();
            let mut early = until(fail_fast, 0).begin(stop.clone());
            early.look(verdict, none());
            assert_eq!(stop.is_asked(), ends, "{fail_fast} {verdict}");
            let exit = early.exit(&counts(&[Verdict::New]), true, false);
            assert_eq!(exit == ExitStatus::Differs, ends);
            assert_eq!(early.why().is_some(), ends);
        }
    }

    #[test]
    fn a_run_that_lost_a_runtime_does_not_end_well() {
        let mut early = until(false, 0).begin(Stop::default());
        early.look(Verdict::Agree, (vec!["crun was given up".to_owned()], false));
        assert_eq!(
            early.exit(&counts(&[Verdict::Agree]), false, false),
            ExitStatus::Broken
        );
        let stop = Stop::default();
        let mut early = until(false, 0).begin(stop.clone());
        early.look(Verdict::Agree, (vec!["crun was given up".to_owned()], true));
        assert!(stop.is_asked());
        assert_eq!(
            early.why().as_deref(),
            Some("crun was given up: nothing is left to compare")
        );
        let early = until(false, 1).begin(Stop::default());
        assert_eq!(
            early.exit(&counts(&[Verdict::Agree]), false, false),
            ExitStatus::Broken
        );
    }

    #[test]
    fn a_limit_that_was_reached_is_never_green() {
        let mut early = until(true, 0).begin(Stop::default());
        early.look(Verdict::New, none());
        early.late(true);
        assert_eq!(
            early.exit(&counts(&[Verdict::New]), true, false),
            ExitStatus::Broken
        );
        assert_eq!(early.why().as_deref(), Some("the limit of 7 s was reached"));
        let early = until(false, 0).begin(Stop::default());
        assert_eq!(
            early.exit(&counts(&[Verdict::Agree]), false, false),
            ExitStatus::Ok
        );
    }
}
