//! Why a cell could not be made.

use std::io;

/// Why a cell could not be made; always the machine's or the harness's fault.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(crate) struct Error {
    what: String,
    source: io::Error,
}

pub(crate) trait Context<T> {
    fn context(self, what: impl Into<String>) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T, Error> {
        self.map_err(|error| Error {
            what: what.into(),
            source: error.into(),
        })
    }
}
