//! A finding: one root cause of one component, written once, in `cases/findings/COMPONENT/SLUG.yaml`.

mod card;
mod catalogue;
mod id;
mod link;
mod place;
mod predicate;
mod sign;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

pub use self::card::Card;
pub use self::catalogue::Catalogue;
pub use self::id::{FindingId, IdError, UNEXPLAINED};
pub use self::link::{Link, LinkError};
pub use self::predicate::{Context, Items, Predicate, fits, words};
pub use self::sign::{CALL, Instead, SAID, Short, Sign, is_said};
use crate::impact::Impact;
use crate::machine::{Machine, When};
use crate::pattern::Pattern;
use crate::range::Range;
use crate::record::RuntimeId;
use crate::step::Op;
use crate::version::Version;

/// What kind of behaviour it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nobody intended it.
    Bug,
    /// It is intended.
    Design,
    /// A feature is missing.
    Missing,
    /// The spec leaves it open.
    Unspecified,
    /// The wording and the numbers of messages.
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

/// How much it matters, by the direction of the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(with = "ImpactsForm")]
pub struct Impacts {
    /// For those who move to the component.
    pub entering: Impact,
    /// For those who move away from the component.
    pub leaving: Impact,
}

/// One impact if both directions are the same, or one for each.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is the schema only")]
enum ImpactsForm {
    /// For both directions.
    Same(Impact),
    /// For each direction.
    Each(EachImpact),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EachImpact {
    entering: Impact,
    leaving: Impact,
}

impl<'de> Deserialize<'de> for Impacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ImpactsVisitor;
        impl<'de> Visitor<'de> for ImpactsVisitor {
            type Value = Impacts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an impact, or {entering: IMPACT, leaving: IMPACT}")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Impacts, E> {
                let same = Impact::deserialize(word.into_deserializer())?;
                Ok(Impacts {
                    entering: same,
                    leaving: same,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Impacts, A::Error> {
                let EachImpact { entering, leaving } =
                    EachImpact::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Impacts { entering, leaving })
            }
        }
        deserializer.deserialize_any(ImpactsVisitor)
    }
}

impl Impacts {
    /// The greater of the two.
    #[must_use]
    pub fn worst(self) -> Impact {
        self.entering.max(self.leaving)
    }
}

/// Which workloads can meet the finding; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Applies {
    /// What their config.json must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Pattern>,
    /// Steps that must be taken with them, all of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Op>,
    /// The machines on which it happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

impl Applies {
    /// Whether such a workload can meet it.
    #[must_use]
    pub fn fits(&self, config: &Json, steps: &[Op], machine: &Machine) -> bool {
        self.config.as_ref().is_none_or(|pattern| pattern.fits(config))
            && self.steps.iter().all(|step| steps.contains(step))
            && machine.is_meant_by(self.when.as_ref())
    }

    /// How many conditions it has: of two findings that fit, the one with more is chosen.
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

/// Where one can read about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Links {
    /// Lines of the source that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<Link>,
    /// Where it was fixed or changed.
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
    /// What the component does, in a sentence that can be false.
    pub title: String,
    /// The upstream versions that do it, as the source or the changelog says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affects: Option<Range>,
    /// The versions that were seen doing it, if nobody has read in the source where it begins and ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Range>,
    /// What kind of behaviour it is.
    pub kind: Kind,
    /// How much it matters.
    pub impact: Impacts,
    /// `true` for a race, which shows in some runs only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub races: bool,
    /// Why no case of the corpus shows it, if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unshown: Option<String>,
    /// The clause that it violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violates: Option<String>,
    /// The clause that allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows: Option<String>,
    /// Which workloads can meet it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<Applies>,
    /// Members of the config that are wrong where it applies, by the names that lead to them: `linux.namespaces.type`,
    /// with `*` for any text. Everything else in `applies` must be as the runtime-spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
    /// How it shows, in any bundle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shows: Vec<Sign>,
    /// Why the component does it, in its source.
    pub cause: String,
    /// Where one can read about it.
    #[serde(default)]
    pub links: Links,
    /// The upstream thread, or `no`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<Reported>,
    /// The month of the last search for a thread that found none, `2026-11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched: Option<String>,
    /// What an operator can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// Whether this version of the component does it.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.range().is_none_or(|range| range.holds(version))
    }

    /// Whether the runtime does it, in its version: the finding's name says which runtime it belongs to.
    #[must_use]
    pub fn is_of(&self, id: &FindingId, runtime: &RuntimeId) -> bool {
        id.component() == runtime.name && self.holds(&runtime.version)
    }

    /// Whether it has been reported upstream, if that is known: a month in which a search found nothing counts as `no`.
    #[must_use]
    pub fn upstream(&self) -> Option<&Reported> {
        let searched = self.searched.as_ref().map(|_| &Reported::No);
        self.reported.as_ref().or(searched)
    }

    /// Where it is written about, as addresses: the upstream thread first.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        let thread = match &self.reported {
            Some(Reported::At(link)) => Some(link.url()),
            _ => None,
        };
        let links = self.links.all().map(|(_, link)| link.url());
        let mut all: Vec<String> = Vec::new();
        for address in thread.into_iter().chain(links) {
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    /// Its versions; `None` if they are not given.
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
