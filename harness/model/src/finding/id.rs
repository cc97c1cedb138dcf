//! The name of a finding.

use std::fmt;

/// What a finding is called: `COMPONENT/SLUG`, the path of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(String);

/// The name that `accept` gives to the cause of what has not been explained yet.
pub const UNEXPLAINED: &str = "unexplained";

/// What is not the name of a finding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a finding: write COMPONENT/SLUG, lower-case letters, digits and dashes")]
pub struct IdError(String);

impl FindingId {
    /// The component that does it.
    #[must_use]
    pub fn component(&self) -> &str {
        self.0.split_once('/').map_or("", |(component, _)| component)
    }

    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for a cause that has not been written down yet.
    #[must_use]
    pub fn is_unexplained(&self) -> bool {
        self.0 == UNEXPLAINED
    }

    /// A placeholder for a cause that must be written.
    #[must_use]
    pub fn unexplained() -> Self {
        Self(UNEXPLAINED.to_owned())
    }
}

impl std::str::FromStr for FindingId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |part: &str| {
            let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            let mut all = part.chars();
            edge(part.chars().next())
                && edge(part.chars().next_back())
                && all.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        match text.split_once('/') {
            None if text == UNEXPLAINED => Ok(Self::unexplained()),
            Some((component, slug)) if plain(component) && plain(slug) => Ok(Self(text.to_owned())),
            _ => Err(IdError(text.to_owned())),
        }
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

crate::text::written_as_text!(FindingId, "a finding: COMPONENT/SLUG");
