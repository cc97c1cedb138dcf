//! How much something matters.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a difference matters, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// No workload notices it.
    Cosmetic,
    /// A workload may break.
    MayBreak,
    /// A workload is known to break.
    Breaks,
    /// The container is confined less than its config asks for, or can reach the host.
    Security,
}

impl Impact {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosmetic => "cosmetic",
            Self::MayBreak => "may-break",
            Self::Breaks => "breaks",
            Self::Security => "security",
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
