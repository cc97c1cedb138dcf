//! What a known file says about a fact: findings, or values.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::RuntimeKey;
use crate::fact::Value;
use crate::finding::FindingId;
use crate::read::{OneOrList, one_or_list};

/// One finding, or several that cause a value together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Because {
    /// One finding.
    One(FindingId),
    /// All of these findings.
    All(Vec<FindingId>),
}

impl<'de> Deserialize<'de> for Because {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_list(deserializer, "a finding, or a list of findings").map(|read| match read {
            OneOrList::One(id) => Self::One(id),
            OneOrList::List(ids) => Self::All(ids),
        })
    }
}

impl Because {
    /// The findings.
    #[must_use]
    pub fn ids(&self) -> &[FindingId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::All(ids) => ids,
        }
    }
}

/// The value of a fact under some runtimes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// The findings that cause it.
    pub because: Because,
    /// The runtimes that have the value; the default is the versions that the findings are about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who: Vec<RuntimeKey>,
    /// The value. `"*"` is any value, `(absent)` is none.
    pub shows: Value,
    /// Why it can be any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The value of a fact under all other runtimes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otherwise {
    /// The value.
    pub otherwise: Value,
    /// Why it can be any value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One value of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Item {
    /// The value that a finding causes.
    Because(Explained),
    /// The value under all other runtimes.
    Otherwise(Otherwise),
}

/// An item as it is read: an error in one must name its place, which an untagged enum forgets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawItem {
    because: Option<Because>,
    #[serde(default)]
    who: Vec<RuntimeKey>,
    shows: Option<Value>,
    otherwise: Option<Value>,
    reason: Option<String>,
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match RawItem::deserialize(deserializer)? {
            RawItem {
                because: Some(because),
                who,
                shows: Some(shows),
                otherwise: None,
                reason,
            } => Ok(Self::Because(Explained {
                because,
                who,
                shows,
                reason,
            })),
            RawItem {
                because: None,
                who,
                shows: None,
                otherwise: Some(otherwise),
                reason,
            } if who.is_empty() => Ok(Self::Otherwise(Otherwise { otherwise, reason })),
            _ => Err(serde::de::Error::custom(
                "an item is {because: ID, shows: VALUE} or {otherwise: VALUE}",
            )),
        }
    }
}

/// What is known about a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Said {
    /// It differs as this finding shows.
    Shown(FindingId),
    /// It differs as these findings show, each for its own runtime.
    AllShown(Vec<FindingId>),
    /// What each runtime shows, if no finding's `shows` can say it.
    Values(Vec<Item>),
}

impl Said {
    /// The findings whose `shows` says how the fact differs.
    #[must_use]
    pub fn shown(&self) -> &[FindingId] {
        match self {
            Self::Shown(id) => std::slice::from_ref(id),
            Self::AllShown(ids) => ids,
            Self::Values(_) => &[],
        }
    }

    /// The values, if they are written.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Values(items) => items,
            Self::Shown(_) | Self::AllShown(_) => &[],
        }
    }

    /// Every finding that is named.
    pub fn ids(&self) -> impl Iterator<Item = &FindingId> {
        let of_items = self.items().iter().flat_map(|item| match item {
            Item::Because(item) => item.because.ids(),
            Item::Otherwise(_) => &[],
        });
        self.shown().iter().chain(of_items)
    }
}

impl From<Vec<Item>> for Said {
    fn from(items: Vec<Item>) -> Self {
        Self::Values(items)
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finding, a list of findings, or a list of items")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Said, E> {
        text.parse().map(Said::Shown).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Said, A::Error> {
        let (mut ids, mut items) = (Vec::new(), Vec::new());
        while let Some(entry) = list.next_element()? {
            match entry {
                Listed::Id(id) => ids.push(id),
                Listed::Item(item) => items.push(item),
            }
        }
        match (ids.is_empty(), items.is_empty()) {
            (false, true) => Ok(Said::AllShown(ids)),
            (true, _) => Ok(Said::Values(items)),
            _ => Err(serde::de::Error::custom(
                "a list holds findings, or items, not both",
            )),
        }
    }
}

/// An entry of a fact's list.
enum Listed {
    Id(FindingId),
    Item(Item),
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListedVisitor;
        impl<'de> Visitor<'de> for ListedVisitor {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finding, {because: ID, shows: VALUE} or {otherwise: VALUE}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Listed, E> {
                text.parse().map(Listed::Id).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Listed, A::Error> {
                Item::deserialize(MapAccessDeserializer::new(map)).map(Listed::Item)
            }
        }
        deserializer.deserialize_any(ListedVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(yaml: &str) -> Result<Said, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_fact_has_findings_or_items_and_every_finding_is_named() {
        for (yaml, shown, items, ids) in [
            ("crun/a", vec!["crun/a"], 0, vec!["crun/a"]),
            (
                "[crun/a, runc/b]",
                vec!["crun/a", "runc/b"],
                0,
                vec!["crun/a", "runc/b"],
            ),
            (
                "[{because: [crun/a, crun/b], shows: 1}, {because: runc/c, shows: 2}, {otherwise: 3}]",
                vec![],
                3,
                vec!["crun/a", "crun/b", "runc/c"],
            ),
        ] {
            let said = said(yaml).expect(yaml);
            let names = |ids: Vec<&FindingId>| {
                ids.into_iter()
                    .map(|id| id.as_str().to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(said.shown().iter().collect()), shown, "{yaml}");
            assert_eq!(said.items().len(), items, "{yaml}");
            assert_eq!(names(said.ids().collect()), ids, "{yaml}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_is_meant() {
        for (yaml, text) in [
            ("3", "a finding, a list of findings, or a list of items"),
            ("[crun/a, {otherwise: 3}]", "not both"),
            ("[3]", "a finding, {because: ID"),
            ("[{because: crun/a}]", "an item is"),
            ("[{otherwise: 3, shows: 3}]", "an item is"),
            ("[{otherwise: 3, who: [crun]}]", "an item is"),
            ("Crun", "COMPONENT/SLUG"),
        ] {
            let error = said(yaml).expect_err(yaml);
            assert!(error.contains(text), "{yaml}: {error}");
        }
    }
}
