//! Versions as runtimes print them: `1.21`, `1.0.0~rc93`, `1.1.5+ds1`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A runtime's version: the text that it prints, and what orders it.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    semver: semver::Version,
}

/// Why a text is not a version.
#[derive(Debug, thiserror::Error)]
#[error("read `{text}` as a version: write it as 1.2.3, 1.21 or 1.0.0-rc93")]
pub struct VersionError {
    text: String,
}

impl Version {
    /// Reads a version leniently: `v1.2`, `1.0.0~rc93` and `20240729.0` are versions too.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let bad = || VersionError {
            text: text.to_owned(),
        };
        let plain = text.trim().trim_start_matches('v').replace('~', "-");
        let cut = plain.find(['-', '+']).unwrap_or(plain.len());
        let (numbers, rest) = plain.split_at(cut);
        let parts: Vec<u64> = numbers
            .split('.')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| bad())?;
        let (mut core, part) = (parts.clone(), parts.len());
        if part > 3 {
            return Err(bad());
        }
        core.resize(3, 0);
        let full = format!("{}.{}.{}{rest}", core[0], core[1], core[2]);
        let semver = semver::Version::parse(&full).map_err(|_| bad())?;
        Ok(Self { text: plain, semver })
    }

    /// The version as text, without a leading `v`, with `-` before a pre-release.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same with three numbers, for ranges.
    pub fn semver(&self) -> &semver::Version {
        &self.semver
    }

    /// Whether this is `other` or later.
    pub fn at_least(&self, other: &Self) -> bool {
        self >= other
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    /// Build metadata (`+ds1`) says how it was packaged, not what it is.
    fn cmp(&self, other: &Self) -> Ordering {
        self.semver.cmp_precedence(&other.semver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    #[test]
    fn short_and_odd_versions_are_read() {
        assert_eq!(v("1.21"), v("1.21.0"));
        assert_eq!(v("v1.1.5+ds1"), v("1.1.5"));
        assert_eq!(v("1.0.0~rc93").as_str(), "1.0.0-rc93");
        assert_eq!(v("1.21").as_str(), "1.21");
        assert_eq!(v("20240729.0").as_str(), "20240729.0");
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let mut all: Vec<_> = ["1.21", "0.17", "1.8.1", "1.0.0-rc93", "1.0.0"].map(v).into();
        all.sort();
        let text: Vec<_> = all.iter().map(Version::as_str).collect();
        assert_eq!(text, ["0.17", "1.0.0-rc93", "1.0.0", "1.8.1", "1.21"]);
        assert!(v("1.10").at_least(&v("1.9")));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "latest", "1.x", "1.2.3.4", "1..2"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
