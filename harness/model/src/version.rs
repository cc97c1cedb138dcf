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

/// How a version is written that cannot be read: a build of somebody's own.
const LOCAL: &str = "local";

/// What a version before its release is called, by the field's custom; anything else after the numbers is a build.
const PRE_RELEASES: [&str; 5] = ["alpha", "beta", "pre", "preview", "rc"];

impl Version {
    /// The version of a program whose version cannot be read. It is newer than every other: of a build of somebody's
    /// own the most likely is that it has what the newest release has.
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
    /// It does not open with a number.
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

/// The numbers that a version opens with, and what follows them.
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
    // `rc93` must come after `rc9`: semver orders letters and digits apart only when a dot stands between. What comes
    // after the number (`rc5-12-gdeadbee`) is a build.
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

/// A range: bounds that must all hold, between commas; empty holds for every version. Several such, between `or`s,
/// are what releases need whose branches were mended apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRange(Vec<Bounds>);

impl Default for VersionRange {
    fn default() -> Self {
        Self(vec![Bounds::new()])
    }
}

/// What stands between two parts of a range.
pub(crate) const OR: &str = " or ";

impl VersionRange {
    /// Whether it names one version.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(&self.0[..], [bounds] if matches!(bounds[..], [(Bound::Equal, _)]))
    }

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

fn all_hold(bounds: &Bounds, version: &Version) -> bool {
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

fn can_all_hold(bounds: &Bounds) -> bool {
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

/// A version as people write it in a range: nothing may follow it that would be taken for a build and forgotten, but
/// where one build is meant (`=1.28-dirty`).
fn limit(bound: Bound, text: &str) -> Result<Version, VersionError> {
    let error = || VersionError(text.to_owned());
    let version: Version = text.parse()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+~_".contains(c);
    let exact = bound == Bound::Equal;
    if !text.chars().all(plain) || (!exact && version.is_build()) {
        return Err(error());
    }
    Ok(version)
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
    fn a_build_is_at_or_after_the_version_that_it_opens_with() {
        for (build, at) in [
            ("1.28-dirty", "1.28"),
            ("1.8.1.24-cdd5", "1.8.1"),
            ("0.20.1.5-925d-dirty", "0.20.1"),
            ("1.4.0+dev", "1.4"),
            ("v1.2.0-12-gdeadbee", "1.2"),
            ("1.3.0-rc.1+dev", "1.3.0-rc1"),
            ("1.3.0-rc5-12-gdeadbee", "1.3.0-rc5"),
            ("20240729.0", "20240729"),
        ] {
            assert_eq!(version(build), version(at), "{build}");
            let at_least: VersionRange = format!(">={at}").parse().expect("a range");
            let before: VersionRange = format!("<{at}").parse().expect("a range");
            assert!(
                at_least.holds(&version(build)) && !before.holds(&version(build)),
                "{build}"
            );
        }
        for (text, is_build) in [
            ("1.28-dirty", true),
            ("1.8.1.24", true),
            ("1.28", false),
            ("1.0-rc1", false),
        ] {
            assert_eq!(version(text).is_build(), is_build, "{text}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_is_newer_than_all() {
        let local = Version::local();
        assert_eq!(version("local"), local);
        assert!(local > version("999.9.9") && local.is_local() && local.as_str() == "local");
        for (range, expected) in [
            (">=1.21", true),
            ("", true),
            ("<1.21", false),
            ("=1.28", false),
            (">=1, <2", false),
        ] {
            let holds = range.parse::<VersionRange>().expect(range).holds(&local);
            assert_eq!(holds, expected, "{range}");
        }
        for text in ["UNKNOWN", "", "-", "v", ".", "99999999999999999999"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_bound_that_is_met_exactly() {
        for (range, below, at, above) in [
            ("<1.21", true, false, false),
            ("<=1.21", true, true, false),
            ("=1.21", false, true, false),
            (">=1.21", false, true, true),
            (">1.21", false, false, true),
        ] {
            let holds = |text: &str| range.parse::<VersionRange>().expect(range).holds(&version(text));
            assert_eq!(
                [holds("1.20.9"), holds("1.21"), holds("1.21.1")],
                [below, at, above],
                "{range}"
            );
        }
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
            ("<1.2.7 or >=1.3, <1.3.1", "1.2.6", true),
            ("<1.2.7 or >=1.3, <1.3.1", "1.2.7", false),
            ("<1.2.7 or >=1.3, <1.3.1", "1.3.0", true),
            ("<1.2.7 or >=1.3, <1.3.1", "1.3.1", false),
        ] {
            let range: VersionRange = range.parse().expect(range);
            assert_eq!(range.holds(&version(text)), expected, "{range:?} {text}");
        }
        for wrong in [
            ">=one",
            ">=1.0 <1.5",
            "1.0 <1.5",
            ">=1.8.1 or so",
            "<1.2 or ",
            " or <1.2",
            "<1.2 or , or >2",
            "<=1.5;>=1.8",
            "<1.8.l",
            ">=6.6x",
            ">=99.x",
            ">=1.2.3.4",
            ">=1.28-dirty",
            "=1.28 dirty",
            "=1.28\u{1b}",
        ] {
            assert!(wrong.parse::<VersionRange>().is_err(), "{wrong}");
        }
        for right in [
            "=1.28-dirty",
            "=1.8.1.24-cdd5",
            "=local",
            ">=1.0.0-rc93",
            "<v1.2",
            "> 1.2",
        ] {
            assert!(right.parse::<VersionRange>().is_ok(), "{right}");
        }
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

    #[test]
    fn what_cannot_be_read_is_local_and_a_release_is_no_build() {
        assert!(Version::local().is_local());
        for (text, local, build) in [
            ("1.2.3", false, false),
            ("1.2", false, false),
            ("1.1.15+ds1", false, false),
            ("1.28-dirty", false, true),
            ("1.8.1.24-cdd5", false, true),
            ("1.0.0-rc93", false, false),
        ] {
            let version = version(text);
            assert_eq!((version.is_local(), version.is_build()), (local, build), "{text}");
        }
    }
}
