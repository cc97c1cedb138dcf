//! The single interface for running a case: in cells, or through an engine.

use std::path::Path;

use ocidiff_model::event::Participant;
use ocidiff_model::known::Machine;

use crate::cells::runner::CellRunner;
use crate::corpus::Entry;
use crate::judge::finished::Finished;

/// What runs one case under each of its runtimes, and judges it.
pub trait CaseRunner: Send + Sync + 'static {
    /// The runtimes that take part, the reference first.
    fn participants(&self) -> Vec<Participant>;

    /// The machine on which it runs.
    fn machine(&self) -> &Machine;

    /// The recorder in words, as reports have it.
    fn recorder(&self) -> &str;

    /// Runs a case, or a bundle of the user's in its place.
    fn run_case(&self, entry: &Entry, bundle: Option<&Path>) -> impl Future<Output = Finished> + Send;

    /// A sentence for each runtime that no longer takes part, and whether too few are left to compare.
    fn given_up(&self) -> (Vec<String>, bool) {
        (Vec::new(), false)
    }

    /// Removes what was made outside the session, whatever the outcome of the run; in a hurry, what does not go soon is
    /// left to the next run.
    ///
    /// # Errors
    /// What is left, in words.
    fn close(&self, _hurry: bool) -> impl Future<Output = Result<(), String>> + Send {
        async { Ok(()) }
    }
}

impl CaseRunner for CellRunner {
    fn participants(&self) -> Vec<Participant> {
        self.contenders
            .iter()
            .map(|contender| contender.participant())
            .collect()
    }

    fn machine(&self) -> &Machine {
        &self.machine
    }

    fn recorder(&self) -> &str {
        &self.recorder_said
    }

    async fn run_case(&self, entry: &Entry, bundle: Option<&Path>) -> Finished {
        match bundle {
            None => self.run(entry).await,
            Some(folder) => self.run_copy(entry, folder).await,
        }
    }

    fn given_up(&self) -> (Vec<String>, bool) {
        let sentences = self.hangs.sentences();
        let too_few = !sentences.is_empty() && self.contenders.len() < sentences.len() + 2;
        (sentences, too_few)
    }
}
