//! What is said about a case, and the exit status of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict of a case; the later ones outweigh the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A need of the case is not met by the machine.
    Skipped,
    /// All facts are equal and all expectations hold.
    Agree,
    /// So few runtimes support what the case asks for that nothing could be compared.
    Unsupported,
    /// Every difference is written down, and as written.
    Known,
    /// As written, but for what newer versions of a runtime do no more.
    Fixed,
    /// Not the same each time.
    Unstable,
    /// A difference that is written down did not show.
    Gone,
    /// An expectation of the case's own, that no requirement gives, does not hold, and is not written down.
    Unexpected,
    /// An expectation that a requirement gives does not hold, and is not written down.
    Violation,
    /// A difference that is not written down.
    New,
    /// The harness, the machine or the case failed, not the runtime.
    Broken,
}

impl Verdict {
    /// Every verdict, in the order of the summary line.
    pub const ALL: [Self; 11] = [
        Self::Agree,
        Self::Known,
        Self::Fixed,
        Self::New,
        Self::Gone,
        Self::Violation,
        Self::Unexpected,
        Self::Unsupported,
        Self::Unstable,
        Self::Broken,
        Self::Skipped,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Agree => "agree",
            Self::Unsupported => "unsupported",
            Self::Known => "known",
            Self::Fixed => "fixed",
            Self::Unstable => "unstable",
            Self::Gone => "gone",
            Self::Violation => "violation",
            Self::Unexpected => "unexpected",
            Self::New => "new",
            Self::Broken => "broken",
        }
    }

    /// Whether a run with such a case fails; with `strict`, `fixed` and `unstable` do too.
    #[must_use]
    pub fn fails(self, strict: bool) -> bool {
        match self {
            Self::New | Self::Gone | Self::Violation | Self::Unexpected | Self::Broken => true,
            Self::Fixed | Self::Unstable => strict,
            Self::Skipped | Self::Agree | Self::Unsupported | Self::Known => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many cases have which verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(std::collections::BTreeMap<Verdict, usize>);

impl Counts {
    /// Counts one more case.
    pub fn add(&mut self, verdict: Verdict) {
        *self.0.entry(verdict).or_insert(0) += 1;
    }

    /// How many cases have the verdict.
    #[must_use]
    pub fn of(&self, verdict: Verdict) -> usize {
        self.0.get(&verdict).copied().unwrap_or(0)
    }

    /// All cases.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// The exit status that these verdicts give.
    #[must_use]
    pub fn exit(&self, strict: bool) -> ExitStatus {
        let nothing_ran = self.total() > 0 && self.of(Verdict::Skipped) == self.total();
        if self.of(Verdict::Broken) > 0 || nothing_ran {
            ExitStatus::Broken
        } else if self
            .0
            .iter()
            .any(|(verdict, count)| *count > 0 && verdict.fails(strict))
        {
            ExitStatus::Differs
        } else {
            ExitStatus::Ok
        }
    }
}

/// How the program ends; documented in harness/README.md and `run --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// 0: nothing new.
    Ok,
    /// 1: a case is new, gone, a violation or unexpected (or fixed or unstable, with `--strict`).
    Differs,
    /// 2: wrong use, or an error in a case, a known file or a manifest.
    Usage,
    /// 3: a case is broken, every case was skipped, or the run was interrupted.
    Broken,
}

impl ExitStatus {
    /// The number for the shell.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Differs => 1,
            Self::Usage => 2,
            Self::Broken => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(verdicts: &[Verdict], strict: bool) -> u8 {
        let mut counts = Counts::default();
        verdicts.iter().for_each(|verdict| counts.add(*verdict));
        counts.exit(strict).code()
    }

    #[test]
    fn the_exit_status_follows_the_worst_verdict() {
        use Verdict::*;
        assert_eq!(exit(&[Agree, Known, Skipped, Unsupported], false), 0);
        assert_eq!(exit(&[Agree, Unstable], false), 0);
        assert_eq!(exit(&[Agree, Unstable], true), 1);
        assert_eq!(exit(&[Agree, Fixed], false), 0);
        assert_eq!(exit(&[Agree, Fixed], true), 1);
        assert_eq!(exit(&[New, Agree], false), 1);
        assert_eq!(exit(&[Gone], false), 1);
        assert_eq!(exit(&[Violation], false), 1);
        assert_eq!(exit(&[Unexpected], false), 1);
        assert_eq!(exit(&[New, Broken], false), 3);
        assert_eq!(exit(&[Skipped, Skipped], false), 3, "nothing ran");
        assert_eq!(exit(&[], false), 0);
    }

    #[test]
    fn a_count_of_nothing_fails_nothing() {
        let counts: Counts = serde_json::from_str(r#"{"agree": 1, "new": 0}"#).expect("counts");
        assert_eq!(counts.exit(true), ExitStatus::Ok);
    }

    #[test]
    fn a_verdict_is_written_as_it_is_named() {
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).expect("a word"), verdict.name());
            assert_eq!(verdict.to_string(), verdict.name());
        }
    }
}
