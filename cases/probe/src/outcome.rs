//! Whether the chain of actions continues, and why it does not.

use alloc::string::String;

/// Why the chain does not continue.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// An exit was asked for, with this status.
    Exit(i32),
    /// The arguments are not valid.
    WrongUse(String),
}

impl Stop {
    /// Wrong use, and what is wrong.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self::WrongUse(text.into())
    }
}

/// Whether the chain continues.
pub type Outcome = Result<(), Stop>;
