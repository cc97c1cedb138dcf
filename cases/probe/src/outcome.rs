//! Whether the chain of actions goes on, and why it does not.

use alloc::string::String;

/// Why the chain does not go on.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// Asked for, with this status.
    Exit(i32),
    /// The arguments mean nothing.
    WrongUse(String),
}

impl Stop {
    /// Wrong use, and what is wrong.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self::WrongUse(text.into())
    }
}

/// Whether the chain goes on.
pub type Outcome = Result<(), Stop>;
