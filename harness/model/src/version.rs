//! Versions of runtimes and kernels, and ranges of them as known files write them (`>=1.21, <2`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version as a program prints it: `1.1.5`, `1.21`, `1.0.0-rc93`, `6.18.44-fc`.
///
/// Ordered as semver orders after missing parts are taken for 0; what follows `+` or `~` of a package is
/// build metadata and does not count.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    parsed: semver::Version,
}

impl Version {
    /// Reads a version leniently: `v1.2`, `1.0.0~rc93` and `20240729.0` are versions too.
    ///
    /// # Errors
    /// It does not open with digits, or has more than three numbers.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        text.parse()
    }

    /// The version as it was written, without a leading `v`, with `-` before a pre-release.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same with three numbers, as cargo wants it.
    #[must_use]
    pub fn semver(&self) -> &semver::Version {
        &self.parsed
    }
}

/// What is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version: write it as 1.2.3, 1.21 or 1.0.0-rc93")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.trim().to_owned());
        let text = text.trim().trim_start_matches('v').replace('~', "-");
        let plain = text.split('+').next().unwrap_or_default();
        let (numbers, pre) = plain.split_once('-').map_or((plain, ""), |(n, p)| (n, p));
        let mut parts = [0_u64; 3];
        for (index, part) in numbers.split('.').enumerate() {
            *parts.get_mut(index).ok_or_else(error)? = part.parse().map_err(|_| error())?;
        }
        let pre = pre.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        // `rc93` must come after `rc9`: semver orders letters and digits apart only when a dot stands between.
        let pre = match pre.find(|c: char| c.is_ascii_digit()) {
            Some(at) if at > 0 && !pre.contains('.') => format!("{}.{}", &pre[..at], &pre[at..]),
            _ => pre,
        };
        let pre = semver::Prerelease::new(&pre).unwrap_or(semver::Prerelease::EMPTY);
        let parsed = semver::Version {
            pre,
            ..semver::Version::new(parts[0], parts[1], parts[2])
        };
        Ok(Self {
            text: text.trim().to_owned(),
            parsed,
        })
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
    fn cmp(&self, other: &Self) -> Ordering {
        self.parsed.cmp_precedence(&other.parsed)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(VersionVisitor)
    }
}

/// Parses within the deserializer, so that an error has the position of the text and not of what is around it.
struct VersionVisitor;

impl serde::de::Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version such as 1.2.3")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Version, E> {
        text.parse().map_err(E::custom)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

/// A range: bounds that must all hold, between commas; empty holds for every version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange(Vec<(Bound, Version)>);

impl VersionRange {
    /// Whether the version lies in the range.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.0.iter().all(|(bound, limit)| {
            let order = version.cmp(limit);
            match bound {
                Bound::Less => order.is_lt(),
                Bound::LessOrEqual => order.is_le(),
                Bound::Equal => order.is_eq(),
                Bound::GreaterOrEqual => order.is_ge(),
                Bound::Greater => order.is_gt(),
            }
        })
    }
}

impl VersionRange {
    /// Whether any version can lie in it: `>=2, <1` holds for none.
    #[must_use]
    pub fn can_hold(&self) -> bool {
        let is_lower = |bound: &Bound| matches!(bound, Bound::GreaterOrEqual | Bound::Greater | Bound::Equal);
        let is_upper = |bound: &Bound| matches!(bound, Bound::LessOrEqual | Bound::Less | Bound::Equal);
        let is_open = |bound: &Bound| matches!(bound, Bound::Less | Bound::Greater);
        let lower = self.0.iter().filter(|(bound, _)| is_lower(bound));
        lower.into_iter().all(|(low, from)| {
            let upper = self.0.iter().filter(|(bound, _)| is_upper(bound));
            upper.into_iter().all(|(high, to)| match from.cmp(to) {
                Ordering::Less => true,
                Ordering::Equal => !is_open(low) && !is_open(high),
                Ordering::Greater => false,
            })
        })
    }
}

impl FromStr for VersionRange {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        const BOUNDS: [(&str, Bound); 5] = [
            ("<=", Bound::LessOrEqual),
            (">=", Bound::GreaterOrEqual),
            ("<", Bound::Less),
            (">", Bound::Greater),
            ("=", Bound::Equal),
        ];
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let (bound, version) = BOUNDS
                    .iter()
                    .find_map(|(sign, bound)| part.strip_prefix(sign).map(|rest| (*bound, rest)))
                    .unwrap_or((Bound::Equal, part));
                Ok((bound, version.parse()?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect(text)
    }

    #[test]
    fn versions_are_ordered_as_their_authors_mean() {
        let mut all = [
            "1.21",
            "1.8.1",
            "1.1.15+ds1",
            "1.0.0-rc93",
            "1.0.0-rc9",
            "1.0.0",
            "0.17",
            "6.18.44-fc-v595",
        ];
        all.sort_by_key(|text| version(text));
        assert_eq!(
            all,
            [
                "0.17",
                "1.0.0-rc9",
                "1.0.0-rc93",
                "1.0.0",
                "1.1.15+ds1",
                "1.8.1",
                "1.21",
                "6.18.44-fc-v595"
            ]
        );
    }

    #[test]
    fn ranges() {
        for (range, text, expected) in [
            ("", "1.0", true),
            (">=1.21", "1.21", true),
            (">=1.21", "1.8.1", false),
            (">=1.8, <1.21", "1.8.1", true),
            ("<1.3", "1.1.5", true),
            ("1.1.5", "1.1.5", true),
            ("=1.1.5", "1.1.15", false),
        ] {
            let range: VersionRange = range.parse().expect(range);
            assert_eq!(range.holds(&version(text)), expected, "{range:?} {text}");
        }
        assert!(">=one".parse::<VersionRange>().is_err());
    }

    #[test]
    fn some_ranges_hold_for_no_version() {
        for (range, expected) in [
            ("", true),
            (">=1, <2", true),
            ("<2, >=1", true),
            (">=1, <=1", true),
            ("1.1.5", true),
            (">1", true),
            (">=2, <1", false),
            (">1, <1", false),
            (">=1, <1", false),
            (">1, <=1", false),
            ("1.1, 1.2", false),
            ("=1.1, <1", false),
        ] {
            assert_eq!(
                range.parse::<VersionRange>().expect(range).can_hold(),
                expected,
                "{range}"
            );
        }
    }
}
