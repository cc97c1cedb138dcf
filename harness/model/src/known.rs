//! Known differences: written down next to the case, in `NAME.known.yaml`.

mod resolve;
mod said;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::resolve::{ResolveError, Slip};
pub use self::said::{Because, Explained, Item, Otherwise, Said};
use crate::fact::Value;
use crate::finding::{Catalogue, FindingId};
pub use crate::impact::Impact;
pub use crate::machine::{Machine, When};
use crate::pattern::glob;
use crate::range::Range;
use crate::record::RuntimeId;
use crate::version::{Version, VersionError};

/// The share of runs in which something shows: above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Rate(f64);

/// What has only this chance of not showing in that many runs, if its rate is as written, is gone.
const UNLIKELY: f64 = 1e-3;

impl Rate {
    /// Whether it is too unlikely that it did not show in any of that many runs.
    #[must_use]
    pub fn is_gone_after(self, runs: u32) -> bool {
        (1.0 - self.0).powf(f64::from(runs)) < UNLIKELY
    }
}

// It is never NaN.
impl Eq for Rate {}

impl TryFrom<f64> for Rate {
    type Error = &'static str;

    fn try_from(rate: f64) -> Result<Self, &'static str> {
        if rate > 0.0 && rate < 1.0 {
            Ok(Self(rate))
        } else {
            Err("a rate is above 0 and below 1: 0.05 for once in twenty runs")
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

/// Any value: this is how what differs from run to run is written.
pub const ANY: &str = "*";
pub use crate::fact::ABSENT;

/// Whose values an item of a known file gives: a name, or a name and a range.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuntimeKey {
    /// The runtime's name.
    pub name: String,
    /// Its versions.
    pub range: Range,
}

impl RuntimeKey {
    /// Whether it names this runtime in its version.
    #[must_use]
    pub fn holds(&self, runtime: &RuntimeId) -> bool {
        self.name == runtime.name && self.range.holds(&runtime.version)
    }
}

impl std::str::FromStr for RuntimeKey {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (name, range) = text.trim().split_once(' ').unwrap_or((text.trim(), "*"));
        Ok(Self {
            name: name.to_owned(),
            range: range.parse()?,
        })
    }
}

impl fmt::Display for RuntimeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.range.is_all() {
            return f.pad(&self.name);
        }
        write!(f, "{} {}", self.name, self.range)
    }
}

crate::text::written_as_text!(
    RuntimeKey,
    "a runtime's name, or a name and a range: `crun >=1.21`"
);

/// Facts of the same members of a family, on the same machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The members of the family that show them, where `*` stands for any text; the default is all.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// The machines on which they show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// For a race, the share of runs in which they show: above 0 and below 1. They may be missing from a run
    /// without being gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// What each runtime shows, by fact.
    pub facts: BTreeMap<String, Said>,
}

/// What a known file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct KnownFile(pub Vec<Group>);

/// A value that some runtimes show, with the findings that make it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The findings.
    pub because: Vec<FindingId>,
    /// Whose value it is.
    pub who: Vec<RuntimeKey>,
    /// The machines on which the findings apply; all of these must hold.
    pub when: Vec<When>,
    /// The value.
    pub shows: Value,
}

/// One known difference: a fact of the case, and what each runtime shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEntry {
    /// The fact's path.
    pub fact: String,
    /// The members of the family that it is of; all if empty.
    pub members: Vec<String>,
    /// The machines on which they show.
    pub when: Option<When>,
    /// The share of runs in which it shows.
    pub rate: Option<Rate>,
    /// What those runtimes show that a finding names; the first that applies counts.
    pub written: Vec<Written>,
    /// What all others show.
    pub otherwise: Option<Value>,
    /// Whether no values are written: the findings' `shows` says how it differs. The values are its, where it says some.
    pub by_signs: bool,
}

impl Group {
    /// Whether the group is about this member of the case's family.
    #[must_use]
    pub fn is_about(&self, member: Option<&str>) -> bool {
        is_among(&self.members, member)
    }
}

/// Whether a member of a family is one of those that are meant: all, if none is named; `*` stands for any text.
fn is_among(members: &[String], member: Option<&str>) -> bool {
    members.is_empty() || member.is_some_and(|member| members.iter().any(|name| glob(name, member)))
}

impl KnownEntry {
    /// What is written about a runtime, and why; `None` if nothing is.
    #[must_use]
    pub fn value_for(&self, runtime: &RuntimeId) -> Option<&Value> {
        self.named_value_for(runtime).or(self.otherwise.as_ref())
    }

    /// What is written about a runtime that an item names; `None` if it is like all others.
    #[must_use]
    pub fn named_value_for(&self, runtime: &RuntimeId) -> Option<&Value> {
        self.written_for(runtime).map(|written| &written.shows)
    }

    /// The findings that make a runtime's value what it is; empty if it is like all others.
    #[must_use]
    pub fn because(&self, runtime: &RuntimeId) -> &[FindingId] {
        self.written_for(runtime).map_or(&[], |written| &written.because)
    }

    /// The findings that make a runtime's value what it is, if what is written has no last version.
    #[must_use]
    pub fn open_ended(&self, runtime: &RuntimeId) -> Option<&[FindingId]> {
        let written = self.written_for(runtime)?;
        let mut keys = written.who.iter().filter(|key| key.holds(runtime));
        let is_open = keys.any(|key| key.range.holds(&Version::local()));
        let is_told = written.because.iter().all(|id| !id.is_unexplained());
        (is_open && is_told).then_some(&*written.because)
    }

    fn written_for(&self, runtime: &RuntimeId) -> Option<&Written> {
        self.written
            .iter()
            .find(|written| written.who.iter().any(|key| key.holds(runtime)))
    }

    /// What it says about a machine: without the values that come of findings that do not apply on it. `None` if it is
    /// not about this machine, or nothing is left.
    #[must_use]
    pub fn on(&self, machine: &Machine) -> Option<Self> {
        if !machine.is_meant_by(self.when.as_ref()) {
            return None;
        }
        let mut entry = self.clone();
        entry
            .written
            .retain(|written| written.when.iter().all(|when| when.holds(machine)));
        (self.written.is_empty() || !entry.written.is_empty()).then_some(entry)
    }

    /// Whether the entry is about this member of the case's family.
    #[must_use]
    pub fn is_about(&self, member: Option<&str>) -> bool {
        is_among(&self.members, member)
    }

    /// Every value that is written.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.written
            .iter_mut()
            .map(|written| &mut written.shows)
            .chain(self.otherwise.as_mut())
    }
}

/// What is known of a case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(pub Vec<KnownEntry>);

impl Known {
    /// What is known of it on a machine.
    #[must_use]
    pub fn on(&self, machine: &Machine) -> Self {
        Self(self.0.iter().filter_map(|entry| entry.on(machine)).collect())
    }
}

/// Whether a written value stands for what was observed.
#[must_use]
pub fn stands_for(written: &Value, observed: Option<&Value>) -> bool {
    match (written, observed) {
        (Value::Text(text), _) if text == ANY => true,
        (Value::Text(text), None) => text == ABSENT,
        (_, None) => false,
        (written, Some(observed)) => written == observed,
    }
}

#[cfg(test)]
mod tests;
