//! Versions of runtimes and kernels, and ranges of them as known files write them (`>=1.21, <2`,
//! `<1.2.7 or >=1.3, <1.3.1`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version as a program prints it: `1.1.5`, `1.21`, `1.0.0-rc93`, `1.8.1.24-cdd5`, `6.18.44-fc`.
///
/// Ordered as semver orders after missing parts are taken for 0. The first three numbers count, and a pre-release
/// (`-rc93`) comes before its release. Whatever else follows is a build made at or after that version (of a package,
/// `1.1.15+ds1`; of git, `1.8.1.24-cdd5` or `1.28-dirty`), and does not count.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    parsed: semver::Version,
}

/// The text of a version that cannot be read: a user's own build.
const LOCAL: &str = "local";

/// What a version before its release is called, by the field's custom; anything else after the numbers is a build.
const PRE_RELEASES: [&str; 5] = ["alpha", "beta", "pre", "preview", "rc"];

impl Version {
    /// The version of a program whose version cannot be read. It is newer than every other: a user's own build most
    /// likely has what the newest release has.
    #[must_use]
    pub fn local() -> Self {
        Self {
            text: LOCAL.to_owned(),
            parsed: semver::Version::new(u64::MAX, u64::MAX, u64::MAX),
        }
    }

    /// Whether it could not be read.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.text == LOCAL
    }

    /// Whether it is a build after that version: the version itself may lack what such a build has.
    #[must_use]
    pub fn is_build(&self) -> bool {
        let plain = self.text.split('+').next().unwrap_or_default();
        let (numbers, rest) = numbers_of(plain);
        self.parsed.pre.is_empty() && (!rest.is_empty() || numbers.split('.').count() > 3)
    }

    /// Reads a version leniently: `v1.2`, `1.0.0~rc93` and `20240729.0` are versions too.
    ///
    /// # Errors
    /// It does not begin with a number.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        text.parse()
    }

    /// Reads a version as a person types it: nothing follows it that would be read as a build and ignored, unless a build
    /// is meant (`1.28-dirty`, `1.1.15+ds1`).
    ///
    /// # Errors
    /// It is not a version, or something else follows it (`1.2l`, `1.21,youki`).
    pub fn typed(text: &str) -> Result<Self, VersionError> {
        let version: Self = text.parse()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-+~_".contains(c);
        // `1.2l`, `1.21.fc`, `1.21-`: a slip of the finger is not a build.
        let (numbers, _) = numbers_of(version.as_str());
        let rest = &version.as_str()[numbers.len()..];
        let is_build = rest.len() > 1 && rest.starts_with(['-', '+', '~']);
        if text.chars().all(plain) && (rest.is_empty() || is_build || version.is_local()) {
            return Ok(version);
        }
        Err(VersionError(text.to_owned()))
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

/// What is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version: write it as 1.2.3, 1.21 or 1.0.0-rc93, and a comma between bounds")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.trim().to_owned());
        if text.trim() == LOCAL {
            return Ok(Self::local());
        }
        let text = text.trim().trim_start_matches('v').replace('~', "-");
        let plain = text.split('+').next().unwrap_or_default();
        let (numbers, rest) = numbers_of(plain);
        let mut parts = [0_u64; 3];
        for (part, slot) in numbers.split('.').zip(&mut parts) {
            *slot = part.parse().map_err(|_| error())?;
        }
        let parsed = semver::Version {
            pre: pre_release(rest),
            ..semver::Version::new(parts[0], parts[1], parts[2])
        };
        Ok(Self { text, parsed })
    }
}

/// The numbers with which a version begins, and what follows them.
fn numbers_of(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let numbers = text[..end].trim_end_matches('.');
    (numbers, &text[end..])
}

fn pre_release(rest: &str) -> semver::Prerelease {
    let rest = rest.trim_start_matches(['-', '.']);
    let word = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .map_or(rest, |end| &rest[..end]);
    if !PRE_RELEASES.contains(&word.to_ascii_lowercase().as_str()) {
        return semver::Prerelease::EMPTY;
    }
    // `rc93` must come after `rc9`: semver orders letters and digits separately only when there is a dot between
    // them. What comes after the number (`rc5-12-gdeadbee`) is a build.
    let tail = rest[word.len()..].trim_start_matches(['-', '.']);
    let (number, _) = numbers_of(tail);
    let text = if number.is_empty() {
        word.to_owned()
    } else {
        format!("{word}.{number}")
    };
    semver::Prerelease::new(&text).unwrap_or(semver::Prerelease::EMPTY)
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

type Bounds = Vec<(Bound, Version)>;

/// A range: bounds that must all hold, between commas; an empty one holds for every version. Several of these,
/// between `or`s, are needed for releases whose branches were fixed separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange(Vec<Bounds>);

impl Default for VersionRange {
    fn default() -> Self {
        Self(vec![Bounds::new()])
    }
}

/// The separator between two parts of a range.
pub(crate) const OR: &str = " or ";

impl VersionRange {
    /// What lies in both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(move |two| (one, two)));
        Self(pairs.map(|(one, two)| [&one[..], &two[..]].concat()).collect())
    }

    /// Whether the version lies in the range.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.0.iter().any(|bounds| all_hold(bounds, version))
    }

    /// Whether any version can lie in it: `>=2, <1` holds for none.
    #[must_use]
    pub fn can_hold(&self) -> bool {
        self.0.iter().any(|bounds| can_all_hold(bounds))
    }
}

fn all_hold(bounds: &[(Bound, Version)], version: &Version) -> bool {
    bounds.iter().all(|(bound, limit)| {
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

fn can_all_hold(bounds: &[(Bound, Version)]) -> bool {
    let is_lower = |bound: &Bound| matches!(bound, Bound::GreaterOrEqual | Bound::Greater | Bound::Equal);
    let is_upper = |bound: &Bound| matches!(bound, Bound::LessOrEqual | Bound::Less | Bound::Equal);
    let is_open = |bound: &Bound| matches!(bound, Bound::Less | Bound::Greater);
    let mut lower = bounds.iter().filter(|(bound, _)| is_lower(bound));
    lower.all(|(low, from)| {
        let mut upper = bounds.iter().filter(|(bound, _)| is_upper(bound));
        upper.all(|(high, to)| match from.cmp(to) {
            Ordering::Less => true,
            Ordering::Equal => !is_open(low) && !is_open(high),
            Ordering::Greater => false,
        })
    })
}

impl FromStr for VersionRange {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let one = !text.contains(OR);
        let parts = text.split(OR).map(|part| match bounds_of(part)? {
            empty if empty.is_empty() && !one => Err(VersionError(text.trim().to_owned())),
            bounds => Ok(bounds),
        });
        parts.collect::<Result<_, _>>().map(Self)
    }
}

fn bounds_of(text: &str) -> Result<Bounds, VersionError> {
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
            Ok((bound, limit(bound, version.trim())?))
        })
        .collect()
}

/// A version as people write it in a range: it must not be followed by anything that would be read as a build and
/// ignored, unless one build is meant (`=1.28-dirty`).
fn limit(bound: Bound, text: &str) -> Result<Version, VersionError> {
    let version = Version::typed(text)?;
    if bound != Bound::Equal && version.is_build() {
        return Err(VersionError(text.to_owned()));
    }
    Ok(version)
}

#[cfg(test)]
mod tests;
