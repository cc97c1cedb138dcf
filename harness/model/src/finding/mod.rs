//! A finding: one root cause of one component, written once, in `cases/findings/COMPONENT/SLUG.yaml`.

mod link;
mod sign;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use self::link::{Link, LinkError};
pub use self::sign::{Context, Predicate, Sign};
use crate::difference::Difference;
use crate::known::{Impact, Machine, When};
use crate::pattern::Pattern;
use crate::record::RuntimeId;
use crate::step::Op;
use crate::version::{Version, VersionError, VersionRange};

/// What a finding is called: `COMPONENT/SLUG`, the path of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(String);

/// How `accept` names the cause of what nobody has explained yet.
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

    /// Whether it stands for a cause that nobody has written yet.
    #[must_use]
    pub fn is_unexplained(&self) -> bool {
        self.0 == UNEXPLAINED
    }

    /// The place of a cause that is to be written.
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

/// What kind of behaviour it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nobody meant it.
    Bug,
    /// It is so on purpose.
    Design,
    /// A feature that is not there.
    Missing,
    /// The spec leaves it open.
    Unspecified,
    /// Words and numbers of messages.
    Wording,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bug => "bug",
            Self::Design => "design",
            Self::Missing => "missing",
            Self::Unspecified => "unspecified",
            Self::Wording => "wording",
        }
    }
}

/// How much it matters, by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impacts {
    /// For who moves to the component.
    pub entering: Impact,
    /// For who moves away from it.
    pub leaving: Impact,
}

impl Impacts {
    /// The greater of the two.
    #[must_use]
    pub fn worst(self) -> Impact {
        self.entering.max(self.leaving)
    }
}

/// Which workloads can meet it; all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Applies {
    /// A part that their config.json has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Pattern>,
    /// Steps that are taken with them, all of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Op>,
    /// On which machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

impl Applies {
    /// Whether such a workload can meet it.
    #[must_use]
    pub fn fits(&self, config: &Json, steps: &[Op], machine: &Machine) -> bool {
        self.config.as_ref().is_none_or(|pattern| pattern.fits(config))
            && self.steps.iter().all(|step| steps.contains(step))
            && self
                .when
                .as_ref()
                .is_none_or(|when| when.holds(machine).unwrap_or(false))
    }

    /// How much it asks for: of two findings that fit, the one that asks for more is meant.
    #[must_use]
    pub fn weight(&self) -> usize {
        let config = self.config.as_ref().map_or(0, |pattern| leaves(pattern.value()));
        config + self.steps.len() + usize::from(self.when.is_some())
    }
}

fn leaves(value: &Json) -> usize {
    match value {
        Json::Object(map) if map.len() == 1 && map.contains_key("$any") => 1,
        Json::Object(map) => map.values().map(leaves).sum::<usize>().max(1),
        Json::Array(items) => items.iter().map(leaves).sum::<usize>().max(1),
        _ => 1,
    }
}

/// Where it is written about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// Lines of the source that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<Link>,
    /// Where it was mended, or changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Link>,
    /// Threads and pages about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discussed: Vec<Link>,
}

impl Links {
    /// All of them, with what each is.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &Link)> {
        let source = self.source.iter().map(|link| ("source", link));
        let fixed = self.fixed.iter().map(|link| ("fixed", link));
        source
            .chain(fixed)
            .chain(self.discussed.iter().map(|link| ("discussed", link)))
    }
}

/// Whether upstream has heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// `no`.
    No,
    /// A thread.
    At(Link),
}

impl Reported {
    /// Whether there is a thread.
    #[must_use]
    pub fn is_reported(&self) -> bool {
        *self != Self::No
    }
}

impl std::str::FromStr for Reported {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        match text {
            "no" => Ok(Self::No),
            link => link.parse().map(Self::At),
        }
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.pad("no"),
            Self::At(link) => link.fmt(f),
        }
    }
}

crate::text::written_as_text!(Reported, "`no`, or a link to the thread");

/// A root cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What it does, in a sentence that can be false.
    pub title: String,
    /// The upstream versions that do it, as the source or the changelog says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affects: Option<Range>,
    /// The versions that were seen doing it, where nobody has read where it begins and ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Range>,
    /// What kind of behaviour it is.
    pub kind: Kind,
    /// How much it matters.
    pub impact: Impacts,
    /// It shows in some runs only: a race.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub races: bool,
    /// The clause that it violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violates: Option<String>,
    /// The clause that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows: Option<String>,
    /// Which workloads can meet it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<Applies>,
    /// How it looks, in any bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<Sign>,
    /// Why.
    pub cause: String,
    /// Where it is written about.
    #[serde(default)]
    pub links: Links,
    /// Whether upstream has heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// When somebody last looked for a thread, `2026-11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<String>,
    /// What an operator does about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// Whether this version of the component does it.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        let range = self.affects.as_ref().or(self.seen.as_ref());
        range.is_none_or(|range| range.holds(version))
    }

    /// Its versions; none where nobody said.
    #[must_use]
    pub fn range(&self) -> Option<&Range> {
        self.affects.as_ref().or(self.seen.as_ref())
    }

    /// Whether such a workload can meet it.
    #[must_use]
    pub fn fits(&self, config: &Json, steps: &[Op], machine: &Machine) -> bool {
        self.applies
            .as_ref()
            .is_none_or(|applies| applies.fits(config, steps, machine))
    }

    /// Its versions as people read them: `<1.1`, `all versions`, `seen in >=1.8.1`.
    #[must_use]
    pub fn versions(&self) -> String {
        match (&self.affects, &self.seen) {
            (Some(range), _) if range.is_all() => "all versions".to_owned(),
            (Some(range), _) => range.to_string(),
            (None, Some(range)) if range.is_all() => "seen in all versions that were run".to_owned(),
            (None, Some(range)) => format!("seen in {range}"),
            (None, None) => String::new(),
        }
    }
}

/// What a report shows of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// What it does.
    pub title: String,
    /// Which versions, as people read it.
    pub versions: String,
    /// What kind of behaviour it is.
    pub kind: Kind,
    /// How much it matters.
    pub impact: Impacts,
    /// The clause that it violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violates: Option<String>,
    /// Why.
    pub cause: String,
    /// Where it is written about, as addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<String>,
    /// Whether upstream has heard of it; nothing where nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<bool>,
    /// What an operator does about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl From<&Finding> for Card {
    fn from(finding: &Finding) -> Self {
        let thread = match &finding.reported {
            Some(Reported::At(link)) => Some(link.url()),
            _ => None,
        };
        Self {
            title: finding.title.clone(),
            versions: finding.versions(),
            kind: finding.kind,
            impact: finding.impact,
            violates: finding.violates.clone(),
            cause: finding.cause.trim().to_owned(),
            link: thread
                .into_iter()
                .chain(finding.links.all().map(|(_, link)| link.url()))
                .collect(),
            reported: finding.reported.as_ref().map(Reported::is_reported),
            remedy: finding.remedy.clone(),
        }
    }
}

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

/// Every finding, by its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue(pub BTreeMap<FindingId, Finding>);

impl Catalogue {
    /// The finding of a name.
    #[must_use]
    pub fn find(&self, id: &FindingId) -> Option<&Finding> {
        self.0.get(id)
    }

    /// The findings of a runtime in its version.
    pub fn of<'c>(&'c self, runtime: &'c RuntimeId) -> impl Iterator<Item = (&'c FindingId, &'c Finding)> {
        self.0
            .iter()
            .filter(|(id, finding)| id.component() == runtime.name && finding.holds(&runtime.version))
    }

    /// How much a difference matters for who moves from the reference to the others; none where nothing accounts for it.
    #[must_use]
    pub fn impact_of(&self, difference: &Difference, reference: Option<&str>) -> Option<Impact> {
        let accounts = difference.accounts.iter();
        let impacts = accounts.flat_map(|account| {
            let leaves = reference == Some(account.who.as_str());
            let of = move |finding: &Finding| match leaves {
                true => finding.impact.leaving,
                false => finding.impact.entering,
            };
            account.because.iter().filter_map(move |id| self.find(id).map(of))
        });
        impacts.max()
    }

    /// How much a finding matters for a move from one runtime to another; none where both do it, or neither.
    #[must_use]
    pub fn impact(&self, id: &FindingId, from: &RuntimeId, to: &RuntimeId) -> Option<Impact> {
        let finding = self.find(id)?;
        let does = |who: &RuntimeId| id.component() == who.name && finding.holds(&who.version);
        match (does(from), does(to)) {
            (false, true) => Some(finding.impact.entering),
            (true, false) => Some(finding.impact.leaving),
            _ => None,
        }
    }
}
