//! Why a command ended early. Two kinds only: what the user can mend (exit status 2), and what the machine or
//! the harness did (3).

use ocidiff_model::ExitStatus;

/// A message that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong use, or an error in a case or manifest.
    #[error("{0}")]
    Usage(String),
    /// The harness or the machine.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    /// An error that the user can mend.
    pub fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }

    /// An error of the machine or the harness.
    pub fn broken(error: impl ToString) -> Self {
        Self::Broken(error.to_string())
    }

    /// The exit status that it ends with.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) => ExitStatus::Usage,
            Self::Broken(_) => ExitStatus::Broken,
        }
    }
}
