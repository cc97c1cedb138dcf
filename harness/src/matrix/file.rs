//! `matrix.yaml`: axes, plans, and what is left out of them.

use ocidiff_confine::in_plain_words;
use ocidiff_model::CgroupVersion;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// This machine, as it is.
pub(super) const HOST: &str = "host";

/// A matrix as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixFile {
    /// Groups of runtimes that one run compares, by name.
    pub runtimes: BTreeMap<String, Vec<String>>,
    /// `host`, or the series of a kernel.
    pub kernels: Vec<String>,
    /// What virtual machines mount; needed if there are any.
    #[serde(default)]
    pub cgroup: Vec<CgroupVersion>,
    /// What is run when, by name.
    pub plans: BTreeMap<String, PlanFile>,
    /// Cases that depend on the machine although nothing in them says so.
    #[serde(default)]
    pub machine: Vec<Picked>,
}

/// A plan as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// Which cases run here, and which in virtual machines.
    pub cases: Scopes,
    /// Cells that are left out.
    #[serde(default)]
    pub exclude: Vec<Rule>,
    /// Cells that are included in any case, or with other cases.
    #[serde(default)]
    pub include: Vec<Extra>,
}

/// Which cases run where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scopes {
    /// On this machine.
    pub host: Scope,
    /// In virtual machines, if there are any.
    #[serde(default = "Scope::machine")]
    pub vm: Scope,
}

/// Which cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every case.
    All,
    /// Those that depend on the kernel or the cgroups.
    Machine,
}

impl Scope {
    fn machine() -> Self {
        Self::Machine
    }
}

/// Cells, by their properties; what is not named does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The group.
    pub runtimes: Option<String>,
    /// The kernel.
    pub kernel: Option<String>,
    /// The cgroups.
    pub cgroup: Option<CgroupVersion>,
}

/// An additional cell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    /// The group.
    pub runtimes: String,
    /// The kernel.
    pub kernel: String,
    /// The cgroups; `None` on this machine.
    #[serde(default)]
    pub cgroup: Option<CgroupVersion>,
    /// Which cases.
    pub cases: Scope,
}

/// Cases by pattern, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picked {
    /// Patterns.
    pub cases: Vec<String>,
    /// Why they depend on the machine.
    pub why: String,
}

/// What a cell is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The group of runtimes.
    pub runtimes: String,
    /// `host`, or a series.
    pub kernel: String,
    /// What a virtual machine mounts; `None` on this machine.
    pub cgroup: Option<CgroupVersion>,
}

/// What is wrong with a matrix.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's message says it")]
pub enum MatrixError {
    #[error("read {file}: {why}")]
    Bad { file: String, why: String },
    #[error("read {file}: {place} names {what}, which the file does not have; it has {has}")]
    Unknown {
        file: String,
        place: String,
        what: String,
        has: String,
    },
    #[error("plan `{name}`: there is no such plan; there are {has}")]
    NoPlan { name: String, has: String },
    #[error("plan `{name}`: nothing is left of it")]
    Empty { name: String },
}

impl Axis {
    /// Whether it is this machine.
    #[must_use]
    pub fn is_host(&self) -> bool {
        self.kernel == HOST
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cgroup = self
            .cgroup
            .map_or_else(String::new, |cgroup| format!("-{}", cgroup.name()));
        f.pad(&format!("{}-{}{cgroup}", self.runtimes, self.kernel))
    }
}

impl Rule {
    /// Whether it applies to a cell.
    #[must_use]
    pub fn fits(&self, axis: &Axis) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|one| one == has);
        is(&self.runtimes, &axis.runtimes)
            && is(&self.kernel, &axis.kernel)
            && self.cgroup.is_none_or(|cgroup| axis.cgroup == Some(cgroup))
    }
}

impl MatrixFile {
    /// Reads a matrix.
    ///
    /// # Errors
    /// It is not a matrix, or a rule names something that does not exist.
    pub fn parse(file: &str, text: &str) -> Result<Self, MatrixError> {
        let bad = |why: String| MatrixError::Bad {
            file: file.to_owned(),
            why,
        };
        let matrix: Self =
            serde_yaml::from_str(text).map_err(|error| bad(in_plain_words(&error.to_string())))?;
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|one| one.is_ascii_alphanumeric() || "._".contains(one))
        };
        for name in matrix.runtimes.keys().chain(&matrix.kernels) {
            if !is_name(name) {
                return Err(bad(format!(
                    "`{name}` is not a name of letters, digits, dots and `_`"
                )));
            }
        }
        for (name, group) in &matrix.runtimes {
            if group.len() < 2 {
                return Err(bad(format!(
                    "the group {name} has fewer than two runtimes to compare"
                )));
            }
        }
        if matrix.kernels.is_empty() {
            return Err(bad(
                "kernels is empty: `host` is this machine, others are virtual machines".to_owned(),
            ));
        }
        if matrix.cgroup.is_empty() && matrix.kernels.iter().any(|kernel| kernel != HOST) {
            return Err(bad(
                "cgroup is missing: it says what the virtual machines of `kernels` mount, such as [v2]"
                    .to_owned(),
            ));
        }
        matrix.check(file)?;
        Ok(matrix)
    }

    fn check(&self, file: &str) -> Result<(), MatrixError> {
        let groups: Vec<&str> = self.runtimes.keys().map(String::as_str).collect();
        let kernels: Vec<&str> = self.kernels.iter().map(String::as_str).collect();
        let known = |what: Option<&str>, all: &[&str], place: String| match what {
            Some(what) if !all.contains(&what) => Err(MatrixError::Unknown {
                file: file.to_owned(),
                place,
                what: what.to_owned(),
                has: all.join(", "),
            }),
            _ => Ok(()),
        };
        for (name, plan) in &self.plans {
            for rule in &plan.exclude {
                let place = format!("plans.{name}.exclude");
                known(rule.runtimes.as_deref(), &groups, place.clone())?;
                known(rule.kernel.as_deref(), &kernels, place)?;
            }
            for extra in &plan.include {
                known(Some(&extra.runtimes), &groups, format!("plans.{name}.include"))?;
                known(Some(&extra.kernel), &kernels, format!("plans.{name}.include"))?;
                if extra.cgroup.is_none() != (extra.kernel == HOST) {
                    return Err(MatrixError::Bad {
                        file: file.to_owned(),
                        why: format!(
                            "plans.{name}.include: a virtual machine has `cgroup: v2` or `v1`, and the host none"
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}
