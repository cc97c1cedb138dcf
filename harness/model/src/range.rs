//! A range of versions as it is written.

use std::fmt;

use crate::version::{OR, Version, VersionError, VersionRange};

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
        let parts = self.text.split(OR).flat_map(|one| {
            let others = other.text.split(OR);
            others.map(move |two| format!("{one}, {two}"))
        });
        Self {
            text: parts.collect::<Vec<_>>().join(OR),
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

crate::text::written_as_text!(
    Range,
    "A range of versions, `>=1.21, <2`, or several joined by `or`; `*` for all."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_both_of_two_ranges_of_parts() {
        let range = |text: &str| text.parse::<Range>().expect(text);
        let both = range("<1.2.7 or >=1.3, <1.3.1").and(&range(">=1.2 or =1.0"));
        assert_eq!(
            both.to_string(),
            "<1.2.7, >=1.2 or <1.2.7, =1.0 or >=1.3, <1.3.1, >=1.2 or >=1.3, <1.3.1, =1.0"
        );
        let again = range(&both.to_string());
        for (version, holds) in [
            ("1.0", true),
            ("1.1", false),
            ("1.2.6", true),
            ("1.2.7", false),
            ("1.3.0", true),
        ] {
            let version = version.parse().expect(version);
            assert_eq!(
                [both.holds(&version), again.holds(&version)],
                [holds; 2],
                "{version}"
            );
        }
    }
}
