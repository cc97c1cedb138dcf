//! Why a command ended early. Errors that the user can fix end it with 2, those of the machine or the harness with 3.

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
    /// The reader of stdout went away: there is nothing to report, and no one to report it to.
    #[error("write to stdout: its reader is gone")]
    Unread,
}

impl Error {
    /// An error that the user can fix.
    pub fn usage(error: impl ToString) -> Self {
        Self::Usage(error.to_string())
    }

    /// An error of the machine or the harness.
    pub fn broken(error: impl ToString) -> Self {
        Self::Broken(error.to_string())
    }

    /// The exit status with which it ends.
    #[must_use]
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) => ExitStatus::Usage,
            Self::Broken(_) | Self::Unread => ExitStatus::Broken,
        }
    }
}
