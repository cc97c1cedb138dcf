//! What a finding looks like: a predicate over a fact, and what the others show instead.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::predicate::{Context, Items, Predicate, Raw, fits};
use crate::fact::{ABSENT, Channel, Value};
use crate::pattern::{Pattern, alternatives, glob};
use crate::read::{ValueOr, value_or};
use crate::{facts, life};

/// The last part of `lifecycle.STEP.said`: the lines that a failed step printed. They are the runtime's own words,
/// which are not compared; `where` can refer to them.
pub const SAID: &str = "said";

/// Whether it is what a step printed, `lifecycle.STEP.said`, or a pattern of such.
#[must_use]
pub fn is_said(path: &str) -> bool {
    path.rsplit('.').next() == Some(SAID)
}

/// The last part of `lifecycle.STEP.call`: the words of the call, also for `where`.
pub const CALL: &str = "call";

/// What the others show: a value, or a condition on it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Instead {
    /// A value, which may have `*`.
    Is(Value),
    /// A condition.
    Fits(Predicate),
}

impl<'de> Deserialize<'de> for Instead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = "a value, or a condition such as {one-of: [V, ...]}";
        value_or(deserializer, wanted).map(|read| match read {
            ValueOr::Value(value) => Self::Is(value),
            ValueOr::Map(condition) => Self::Fits(condition),
        })
    }
}

/// One way in which a finding shows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(into = "RawSign")]
#[schemars(with = "SignForm")]
pub struct Sign {
    /// The fact's path: `*` for anything, `{a,b}` for one of several.
    pub fact: String,
    /// A list of the config, `linux.maskedPaths`: the fact is about one of the paths that it holds.
    pub listed: Option<String>,
    /// A mount of the config, `{type: tmpfs}`: such a one is mounted last at the path that the fact is about.
    pub mounted: Option<Pattern>,
    /// A mount of the config, `{options: {$not: [noexec]}}`: the path that the fact is about lies in such a one, or is
    /// its place. What lies in none lies in `{destination: /}`.
    pub within: Option<Pattern>,
    /// What the component shows.
    pub shows: Predicate,
    /// What the others show.
    pub instead: Option<Instead>,
    /// What else the component shows then, by fact; `lifecycle.STEP.said` is what a failed step printed,
    /// `lifecycle.STEP.call` how it was called.
    pub beside: BTreeMap<String, Predicate>,
    /// What else one of the others shows then, who shows something else: why it refuses the config, say.
    pub others: BTreeMap<String, Predicate>,
}

/// A common sign, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Short {
    /// The component makes a container from what others refuse.
    Accepts,
    /// The component refuses what others make a container from.
    Refuses,
}

impl Short {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Accepts, Self::Refuses];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepts => "accepts",
            Self::Refuses => "refuses",
        }
    }

    /// What it stands for.
    #[must_use]
    pub fn sign(self) -> Sign {
        let (shows, instead) = match self {
            Self::Accepts => ("ok", "error"),
            Self::Refuses => ("error", "ok"),
        };
        Sign {
            fact: "lifecycle.*{create,run}.result".to_owned(),
            listed: None,
            mounted: None,
            within: None,
            shows: Predicate::Is(shows.into()),
            instead: Some(Instead::Is(instead.into())),
            beside: BTreeMap::new(),
            others: BTreeMap::new(),
        }
    }
}

/// How a sign can be written.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is the schema only")]
enum SignForm {
    /// In one word.
    Short(Short),
    /// With its members.
    Long(Box<RawSign>),
}

impl<'de> Deserialize<'de> for Sign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SignVisitor;
        impl<'de> Visitor<'de> for SignVisitor {
            type Value = Sign;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sign, or `accepts` or `refuses`")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Sign, E> {
                Short::deserialize(word.into_deserializer()).map(Short::sign)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Sign, A::Error> {
                let raw = RawSign::deserialize(MapAccessDeserializer::new(map))?;
                raw.try_into().map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(SignVisitor)
    }
}

/// A sign, as people write it: `fact`, one condition, and optionally `listed`, `mounted`, `within`,
/// `instead`, `where` and `others`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct RawSign {
    fact: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mounted: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead: Option<Instead>,
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    beside: BTreeMap<String, Predicate>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    others: BTreeMap<String, Predicate>,
    // Refuses what it does not know.
    #[serde(flatten)]
    shows: Raw,
}

impl TryFrom<RawSign> for Sign {
    type Error = &'static str;

    fn try_from(raw: RawSign) -> Result<Self, &'static str> {
        Ok(Self {
            fact: raw.fact,
            listed: raw.listed,
            mounted: raw.mounted,
            within: raw.within,
            shows: raw.shows.try_into()?,
            instead: raw.instead,
            beside: raw.beside,
            others: raw.others,
        })
    }
}

impl From<Sign> for RawSign {
    fn from(sign: Sign) -> Self {
        Self {
            fact: sign.fact,
            listed: sign.listed,
            mounted: sign.mounted,
            within: sign.within,
            instead: sign.instead,
            beside: sign.beside,
            others: sign.others,
            shows: sign.shows.into(),
        }
    }
}

impl Sign {
    /// Whether the sign is about this fact.
    #[must_use]
    pub fn is_about(&self, path: &str) -> bool {
        // Most signs are about another fact: what comes before the first hole shows that at once.
        let head = self.fact.find(['*', '{']).unwrap_or(self.fact.len());
        let is_about = |path: &str| path.starts_with(&self.fact[..head]) && is_named(&self.fact, path);
        let first = || life::in_first(path);
        is_about(path)
            // A second life of the container shows the same under names of its own.
            || (path.contains('#') && is_about(first()))
            // So does what the probe sees of mounts and cgroups in a second container, or in an exec'ed process.
            || (path.contains(".inside.") && facts::as_of_first(first()).is_some_and(|own| is_about(&own)))
    }

    /// Whether a value is what the component shows.
    #[must_use]
    pub fn fits(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        self.shows.fits(value, context) && self.can_show(context)
    }

    /// Whether a runtime shows what the sign requires besides the value: if it does not, nothing can be seen.
    #[must_use]
    pub fn can_show(&self, context: &Context<'_>) -> bool {
        all_fit(&self.beside, context)
    }

    /// Whether a value fits if channels, or a runtime's words, were not observed at all, as through an engine: what is
    /// required of them is left out. Only for callers that know otherwise that the component is involved.
    #[must_use]
    pub fn fits_as_far_as_seen(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        let is_observed = |pattern: &String| {
            let channel = Channel::of(pattern);
            let mut facts = context.facts.iter();
            match is_said(pattern) {
                true => facts.any(|fact| is_said(&fact.path)),
                false => channel.is_none() || facts.any(|fact| Channel::of(&fact.path) == channel),
            }
        };
        let mut seen = self.beside.iter().filter(|(pattern, _)| is_observed(pattern));
        self.shows.fits(value, context)
            && seen.all(|(pattern, predicate)| one_fits(pattern, predicate, context))
    }

    /// Whether one of the others shows what it should show besides the value.
    #[must_use]
    pub fn others_show(&self, context: &Context<'_>) -> bool {
        all_fit(&self.others, context)
    }

    /// Whether a value is what the others show.
    #[must_use]
    pub fn others_fit(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        match &self.instead {
            // A value that is not there is not a value that differs.
            None => !matches!(self.shows, Predicate::Any(true)) || value.is_some(),
            Some(Instead::Fits(predicate)) => predicate.fits(value, context),
            Some(Instead::Is(expected)) => fits(expected, value),
        }
    }

    /// Whether it says nothing about a list but that there is, or is not, such an item.
    #[must_use]
    pub fn is_about_items(&self, of: Items) -> bool {
        self.shows.is_about_items(of)
    }

    /// Whether it says which items the others' list has or lacks.
    #[must_use]
    pub fn instead_is_about_items(&self, of: Items) -> bool {
        self.instead_fits()
            .is_some_and(|instead| instead.is_about_items(of))
    }

    /// Whether it accounts for an item of a list that the component shows.
    #[must_use]
    pub fn names(&self, item: &str) -> bool {
        self.shows.has_item(item)
            || self
                .instead_fits()
                .is_some_and(|instead| instead.lacks_item(item))
    }

    /// Whether it accounts for an item of a list that the others show.
    #[must_use]
    pub fn names_instead(&self, item: &str) -> bool {
        self.shows.lacks_item(item) || self.instead_fits().is_some_and(|instead| instead.has_item(item))
    }

    fn instead_fits(&self) -> Option<&Predicate> {
        match &self.instead {
            Some(Instead::Fits(predicate)) => Some(predicate),
            _ => None,
        }
    }

    /// The value that the component shows, if it is a single one.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        one_value(&self.shows)
    }

    /// The values that the component shows, if they are a few; none if they are not.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        match &self.shows {
            Predicate::Is(value) => vec![value.clone()],
            Predicate::OneOf(values) => values.clone(),
            _ => Vec::new(),
        }
    }

    /// The value that the others show, if it is a single one.
    #[must_use]
    pub fn usual(&self) -> Option<Value> {
        match self.instead.as_ref()? {
            Instead::Fits(predicate) => one_value(predicate),
            Instead::Is(value) => one_value(&Predicate::Is(value.clone())),
        }
    }

    /// How many conditions it has.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of_value = match &self.shows {
            Predicate::Is(_) | Predicate::Config(_) | Predicate::IsUser(_) => 3,
            Predicate::OneOf(_) | Predicate::Has(_) | Predicate::Lacks(_) | Predicate::Matches(_) => 2,
            Predicate::Absent(_) | Predicate::Above(_) | Predicate::Below(_) => 1,
            Predicate::Any(_) => 0,
        };
        of_value
            + self.beside.len()
            + self.others.len()
            + usize::from(self.instead.is_some())
            + usize::from(self.listed.is_some())
            + usize::from(self.mounted.is_some())
            + usize::from(self.within.is_some())
    }
}

fn one_value(predicate: &Predicate) -> Option<Value> {
    match predicate {
        Predicate::Is(value) => (!value.line().contains('*')).then(|| value.clone()),
        Predicate::Absent(true) => Some(ABSENT.into()),
        _ => None,
    }
}

/// Whether a runtime shows all of this.
fn all_fit(beside: &BTreeMap<String, Predicate>, context: &Context<'_>) -> bool {
    beside
        .iter()
        .all(|(pattern, predicate)| one_fits(pattern, predicate, context))
}

/// Whether a runtime shows it in one of the facts with that name.
fn one_fits(pattern: &str, predicate: &Predicate, context: &Context<'_>) -> bool {
    let mut named = context
        .facts
        .iter()
        .filter(|fact| is_named(pattern, &fact.path))
        .peekable();
    if named.peek().is_none() {
        return predicate.fits(None, context);
    }
    named.any(|fact| predicate.fits(Some(&fact.value), context))
}

/// Whether a pattern of paths names the path.
fn is_named(pattern: &str, path: &str) -> bool {
    alternatives(pattern).iter().any(|one| glob(one, path))
}

#[cfg(test)]
mod tests;
