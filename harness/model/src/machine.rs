//! The machine, as far as anything that is known depends on it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::range::Range;
use crate::version::Version;

/// The version of the kernel's control groups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CgroupVersion {
    /// One hierarchy for each controller; also a hybrid machine, since that is where its controllers are.
    V1,
    /// One hierarchy.
    #[default]
    V2,
}

impl CgroupVersion {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

impl fmt::Display for CgroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whichever engine makes the containers.
const ANY: &str = "*";

/// The machines on which an entry holds; everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// A range of kernel versions, `>=6.6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Range>,
    /// `v1` or `v2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<CgroupVersion>,
    /// `x86_64`, `aarch64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Only if this engine makes the containers (`docker`, `podman`, `cri`; `*` for any engine): an engine
    /// writes its own config.json, and keeps the containers of a runtime under one `--root`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

/// What of a machine a known difference can depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// `uname -r`.
    pub kernel: Version,
    /// `v1` or `v2`.
    pub cgroup: CgroupVersion,
    /// `uname -m`.
    pub arch: String,
    /// The container engine that makes the containers, `docker 20.10.24`, `cri containerd 1.6.20`; none where cells do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
}

impl Machine {
    /// The name of the engine that makes the containers.
    #[must_use]
    pub fn engine(&self) -> Option<&str> {
        self.via.as_deref()?.split(' ').next()
    }

    /// Whether what only applies on some machines applies on this one.
    #[must_use]
    pub fn is_meant_by(&self, when: Option<&When>) -> bool {
        when.is_none_or(|when| when.holds(self))
    }
}

/// Whether two conditions leave room for the same: one of them may ask for nothing.
fn agree<T>(one: Option<&T>, other: Option<&T>, can_be_both: impl Fn(&T, &T) -> bool) -> bool {
    one.zip(other).is_none_or(|(one, other)| can_be_both(one, other))
}

impl When {
    /// Whether entries of both can apply in one run, and neither outweighs the other: what is about an engine outweighs
    /// what is not.
    #[must_use]
    pub fn competes_with(&self, other: &Self) -> bool {
        let is_one_engine =
            |one: &String, other: &String| one == other || [one, other].iter().any(|via| *via == ANY);
        self.via.is_some() == other.via.is_some()
            && agree(self.via.as_ref(), other.via.as_ref(), is_one_engine)
            && agree(self.cgroup.as_ref(), other.cgroup.as_ref(), |one, other| {
                one == other
            })
            && agree(self.arch.as_ref(), other.arch.as_ref(), |one, other| one == other)
            && agree(self.kernel.as_ref(), other.kernel.as_ref(), |one, other| {
                one.clone().and(other).can_hold()
            })
    }

    /// Whether an entry applies on the machine.
    #[must_use]
    pub fn holds(&self, machine: &Machine) -> bool {
        self.kernel
            .as_ref()
            .is_none_or(|range| range.holds(&machine.kernel))
            && self.cgroup.is_none_or(|cgroup| cgroup == machine.cgroup)
            && self.arch.as_ref().is_none_or(|arch| *arch == machine.arch)
            && self.via.as_deref().is_none_or(|via| {
                machine
                    .engine()
                    .is_some_and(|engine| [engine, ANY].contains(&via))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_compete_where_one_run_can_be_of_both_and_neither_outweighs_the_other() {
        let when = |yaml: &str| serde_yaml::from_str::<When>(yaml).expect(yaml);
        for (one, other, expected) in [
            ("{}", "{}", true),
            ("{cgroup: v1}", "{}", true),
            ("{cgroup: v1}", "{cgroup: v2}", false),
            ("{arch: x86_64}", "{arch: aarch64}", false),
            ("{arch: x86_64}", "{cgroup: v2}", true),
            ("{kernel: '>=6.6'}", "{kernel: '<6.6'}", false),
            ("{kernel: '>=6.6'}", "{kernel: '<6.7'}", true),
            (
                "{kernel: '>=6.6', cgroup: v1}",
                "{kernel: '<6.7', cgroup: v2}",
                false,
            ),
            ("{via: docker}", "{}", false),
            ("{via: docker}", "{via: podman}", false),
            ("{via: docker}", "{via: '*'}", true),
            ("{via: docker}", "{via: docker}", true),
        ] {
            let (one, other) = (when(one), when(other));
            assert_eq!(one.competes_with(&other), expected, "{one:?} {other:?}");
            assert_eq!(other.competes_with(&one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_version_of_cgroups_is_written_as_it_is_named() {
        for version in [CgroupVersion::V1, CgroupVersion::V2] {
            let written = serde_json::to_value(version).expect("a word");
            assert_eq!(written, version.name());
            assert_eq!(version.to_string(), version.name());
        }
    }
}
