//! Known differences: written down beside the case, in `NAME.known.yaml`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fact::Value;
use crate::pattern::Pattern;
use crate::record::RuntimeId;
use crate::version::{Version, VersionError, VersionRange};

/// How much a difference matters; the later ones matter more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nobody's workload can tell.
    Cosmetic,
    /// Some workload may break.
    MayBreak,
    /// A workload is known to break.
    Breaks,
    /// The container is confined less than its config asks, or the host is reached.
    Security,
}

impl Impact {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosmetic => "cosmetic",
            Self::MayBreak => "may-break",
            Self::Breaks => "breaks",
            Self::Security => "security",
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// On which machines an entry holds; all that is said must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Range of kernel versions, `>=6.6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// `v1` or `v2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// `x86_64`, `aarch64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Only where this engine makes the containers (`docker`): it writes a config.json of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// What of a machine a known difference can depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `uname -r`.
    pub kernel: Version,
    /// `v1` or `v2`.
    pub cgroup: String,
    /// `uname -m`.
    pub arch: String,
    /// The container engine that makes the containers, `docker 20.10.24`; none where cells do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

impl Machine {
    /// The name of the engine that makes the containers.
    #[must_use]
    pub fn engine(&self) -> Option<&str> {
        self.via.as_deref()?.split(' ').next()
    }
}

impl When {
    /// Whether an entry holds on the machine.
    ///
    /// # Errors
    /// The kernel's range is none; the loader has checked that.
    pub fn holds(&self, machine: &Machine) -> Result<bool, VersionError> {
        let kernel = match &self.kernel {
            Some(range) => range.parse::<VersionRange>()?.holds(&machine.kernel),
            None => true,
        };
        Ok(kernel
            && self
                .cgroup
                .as_ref()
                .is_none_or(|cgroup| *cgroup == machine.cgroup)
            && self.arch.as_ref().is_none_or(|arch| *arch == machine.arch)
            && self
                .via
                .as_deref()
                .is_none_or(|via| machine.engine() == Some(via)))
    }
}

/// In which part of the runs something shows: above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Rate(f64);

/// What has this chance of not showing in so many runs, if its rate is as written, is gone.
const UNLIKELY: f64 = 1e-3;

impl Rate {
    /// Whether it is too unlikely that it did not show in any of so many runs.
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

/// Any value: what differs from run to run is written so.
pub const ANY: &str = "*";
/// The runtime does not have the fact at all.
pub const ABSENT: &str = "(absent)";

/// One known difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnownEntry {
    /// The fact's path.
    pub fact: String,
    /// The members of the family that it is about; all if not said.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// What each runtime shows. Keys are a name, or a name and a range: `crun >=1.21`. `"*"` is any value,
    /// `(absent)` is none.
    pub values: BTreeMap<String, Value>,
    /// On which machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Which workloads it concerns, where a look from inside of them does not show it: a part that their config.json has
    /// (see [`Pattern`]). `ocidiff check` reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<Pattern>,
    /// In which part of the runs it shows, above 0 and below 1: a race. It may be missing from a run without being gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much it matters.
    pub impact: Impact,
    /// Where it matters less, or more, for one of the runtimes than for the others: by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub impact_for: BTreeMap<String, Impact>,
    /// Why they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Where it is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The clause that decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Which runtimes (names) violate that clause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violates: Vec<String>,
}

/// A runtime key of `values`: a name and a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeKey {
    /// The runtime's name.
    pub name: String,
    /// Its versions.
    pub range: VersionRange,
}

impl std::str::FromStr for RuntimeKey {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (name, range) = text.split_once(' ').unwrap_or((text, ""));
        Ok(Self {
            name: name.to_owned(),
            range: range.parse()?,
        })
    }
}

impl KnownEntry {
    /// What the entry says that a runtime shows; none where it says nothing of it. One version outweighs a range, a range
    /// the plain name.
    ///
    /// # Errors
    /// A key's range is none; the loader has checked that.
    pub fn value_for(&self, runtime: &RuntimeId) -> Result<Option<&Value>, VersionError> {
        let (mut plain, mut ranged) = (None, None);
        for (key, value) in &self.values {
            let RuntimeKey { name, range } = key.parse()?;
            if name != runtime.name || !range.holds(&runtime.version) {
                continue;
            }
            if range.is_exact() {
                return Ok(Some(value));
            }
            if key.contains(' ') {
                ranged = ranged.or(Some(value));
            } else {
                plain = Some(value);
            }
        }
        Ok(ranged.or(plain))
    }

    /// Whether the entry is about this machine. A kernel range that is none holds nowhere; the loader has checked that.
    #[must_use]
    pub fn holds(&self, machine: &Machine) -> bool {
        self.when
            .as_ref()
            .is_none_or(|when| when.holds(machine).unwrap_or(false))
    }

    /// How much it matters for a move from one runtime to another: what stands for all need not stand for these two.
    #[must_use]
    pub fn impact_between(&self, from: &RuntimeId, to: &RuntimeId) -> Impact {
        let mine = [to, from]
            .into_iter()
            .find_map(|who| self.impact_for.get(&who.name));
        mine.copied().unwrap_or(self.impact)
    }

    /// Whether the entry is about this member of the case's family.
    #[must_use]
    pub fn is_about(&self, member: Option<&str>) -> bool {
        self.members.is_empty() || member.is_some_and(|member| self.members.iter().any(|name| name == member))
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

/// What a known file holds: a list of entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Known(pub Vec<KnownEntry>);

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(name: &str, version: &str) -> RuntimeId {
        RuntimeId {
            name: name.into(),
            version: version.parse().expect("version"),
            label: name.into(),
        }
    }

    #[test]
    fn a_range_outweighs_a_plain_name() {
        let entry: KnownEntry = serde_yaml::from_str(
            "{fact: process.exit, values: {runc: 0, 'crun <1.21': 1, crun: 2, 'youki >0.7': 3, 'youki =0.8': 4}, \
             impact: breaks}",
        )
        .expect("parse");
        for (name, version, expected) in [
            ("runc", "1.1.5", Some(0)),
            ("crun", "1.8.1", Some(1)),
            ("crun", "1.28", Some(2)),
            ("youki", "0.7", None),
            ("youki", "0.8", Some(4)),
            ("youki", "0.9", Some(3)),
        ] {
            let found = entry.value_for(&runtime(name, version)).expect("range").cloned();
            assert_eq!(found, expected.map(Value::Int), "{name} {version}");
        }
    }

    #[test]
    fn a_rate_says_when_something_is_gone() {
        let rate = Rate::try_from(0.05).expect("a rate");
        assert!(!rate.is_gone_after(20) && !rate.is_gone_after(134) && rate.is_gone_after(135));
        for none in [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Rate::try_from(none).is_err(), "{none}");
        }
    }

    #[test]
    fn an_entry_holds_on_the_machines_that_it_names() {
        let machine = |kernel: &str, cgroup: &str, arch: &str, via: Option<&str>| Machine {
            kernel: kernel.parse().expect("a version"),
            cgroup: cgroup.into(),
            arch: arch.into(),
            via: via.map(Into::into),
        };
        let here = machine("6.6", "v2", "x86_64", None);
        for (when, expected) in [
            ("{kernel: '>=6.6'}", true),
            ("{kernel: '>6.6'}", false),
            ("{kernel: '<6.6'}", false),
            ("{kernel: '<=6.6'}", true),
            ("{cgroup: v2}", true),
            ("{cgroup: v1}", false),
            ("{arch: x86_64}", true),
            ("{arch: aarch64}", false),
            ("{via: docker}", false),
            ("{kernel: '>=6.6', cgroup: v2, arch: x86_64}", true),
            ("{kernel: '>=6.6', cgroup: v2, arch: aarch64}", false),
        ] {
            let yaml = format!("{{fact: a, values: {{}}, impact: breaks, when: {when}}}");
            let entry: KnownEntry = serde_yaml::from_str(&yaml).expect("an entry");
            assert_eq!(entry.holds(&here), expected, "{when}");
        }
        let entry: KnownEntry =
            serde_yaml::from_str("{fact: a, values: {}, impact: breaks, when: {via: docker}}")
                .expect("an entry");
        assert!(entry.holds(&machine("6.6", "v2", "x86_64", Some("docker 28.5.2"))));
        assert!(!entry.holds(&machine("6.6", "v2", "x86_64", Some("podman 5.4"))));
    }

    #[test]
    fn how_much_it_matters_for_one_of_them() {
        let entry: KnownEntry =
            serde_yaml::from_str("{fact: a, values: {}, impact: breaks, impact_for: {crun: cosmetic}}")
                .expect("an entry");
        for (from, to, expected) in [
            ("runc", "crun", Impact::Cosmetic),
            ("crun", "runc", Impact::Cosmetic),
            ("runc", "youki", Impact::Breaks),
        ] {
            let between = entry.impact_between(&runtime(from, "1.0"), &runtime(to, "1.0"));
            assert_eq!(between, expected, "{from} to {to}");
        }
    }

    #[test]
    fn any_and_absent_are_written_as_words() {
        assert!(stands_for(&"*".into(), Some(&Value::Int(3))));
        assert!(stands_for(&ABSENT.into(), None));
        assert!(!stands_for(&ABSENT.into(), Some(&Value::Int(3))));
        assert!(!stands_for(&Value::Int(3), None));
    }
}
