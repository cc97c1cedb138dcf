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

impl When {
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
    fn a_version_of_cgroups_is_written_as_it_is_named() {
        for version in [CgroupVersion::V1, CgroupVersion::V2] {
            let written = serde_json::to_value(version).expect("a word");
            assert_eq!(written, version.name());
            assert_eq!(version.to_string(), version.name());
        }
    }
}
