//! A range of versions as it is written.

use std::fmt;

use crate::version::{Version, VersionError, VersionRange};

/// A range of versions as it is written; `*` holds for all.
#[derive(Debug, Clone, Eq)]
pub struct Range {
    text: String,
    range: VersionRange,
}

impl Range {
    /// Every version.
    #[must_use]
    pub fn all() -> Self {
        Self {
            text: "*".to_owned(),
            range: VersionRange::default(),
        }
    }

    /// What lies in both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        if other.is_all() {
            return self;
        }
        if self.is_all() {
            return other.clone();
        }
        Self {
            text: format!("{}, {}", self.text, other.text),
            range: self.range.and(&other.range),
        }
    }

    /// Whether the version lies in it.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.range.holds(version)
    }

    /// Whether every version does.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.text == "*"
    }

    /// Whether any version can lie in it.
    #[must_use]
    pub fn can_hold(&self) -> bool {
        self.range.can_hold()
    }
}

impl std::str::FromStr for Range {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let all = text.trim() == "*";
        Ok(Self {
            text: text.trim().to_owned(),
            range: if all { "" } else { text }.parse()?,
        })
    }
}

impl PartialEq for Range {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PartialOrd for Range {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

// By the text: two that are written alike are the same.
impl Ord for Range {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

crate::text::written_as_text!(Range, "A range of versions, `>=1.21, <2`; `*` for all.");
