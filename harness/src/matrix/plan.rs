//! The cells of a plan, in the order in which they run: this machine first, then kernel by kernel.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::depends::depends;
use super::file::{Axis, MatrixError, MatrixFile, Scope};
use crate::corpus::Entry;

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What it is, and the name of its folder.
    pub axis: Axis,
    /// The runtimes that take part, the reference first.
    pub runtimes: Vec<String>,
    /// Its cases, in order of their names.
    pub cases: Vec<String>,
    /// How many cases it would have in full.
    pub of: usize,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// Its cells, none of which is empty.
    pub cells: Vec<Cell>,
    /// For each case that depends on the machine: why.
    #[serde(skip)]
    pub why: BTreeMap<String, String>,
}

/// The cells of a plan over these cases.
///
/// # Errors
/// There is no such plan, or nothing is left of it.
pub fn plan(matrix: &MatrixFile, name: &str, entries: &[&Entry]) -> Result<Plan, MatrixError> {
    let Some(wanted) = matrix.plans.get(name) else {
        let has: Vec<&str> = matrix.plans.keys().map(String::as_str).collect();
        return Err(MatrixError::NoPlan {
            name: name.to_owned(),
            has: has.join(", "),
        });
    };
    let why: BTreeMap<String, String> = entries
        .iter()
        .filter_map(|entry| Some((entry.case.name.clone(), depends(entry, &matrix.machine)?)))
        .collect();
    let mut scopes: Vec<(Axis, Scope)> = axes(matrix)
        .into_iter()
        .filter(|axis| !wanted.exclude.iter().any(|rule| rule.fits(axis)))
        .map(|axis| {
            let scope = if axis.is_host() {
                wanted.cases.host
            } else {
                wanted.cases.vm
            };
            (axis, scope)
        })
        .collect();
    for extra in &wanted.include {
        let axis = Axis {
            runtimes: extra.runtimes.clone(),
            kernel: extra.kernel.clone(),
            cgroup: extra.cgroup,
        };
        match scopes.iter_mut().find(|(there, _)| *there == axis) {
            Some((_, scope)) => *scope = extra.cases,
            None => scopes.push((axis, extra.cases)),
        }
    }
    let cases = |axis: &Axis, scope: Scope| -> Vec<String> {
        let can = entries.iter().filter(|entry| can_run(axis, entry));
        can.map(|entry| &entry.case.name)
            .filter(|name| scope == Scope::All || why.contains_key(*name))
            .cloned()
            .collect()
    };
    let cells: Vec<Cell> = scopes
        .into_iter()
        .map(|(axis, scope)| {
            let cases = cases(&axis, scope);
            Cell {
                runtimes: matrix.runtimes.get(&axis.runtimes).cloned().unwrap_or_default(),
                of: cases.len(),
                cases,
                axis,
            }
        })
        .filter(|cell| !cell.cases.is_empty())
        .collect();
    if cells.is_empty() {
        return Err(MatrixError::Empty {
            name: name.to_owned(),
        });
    }
    Ok(Plan {
        name: name.to_owned(),
        cells,
        why,
    })
}

/// The properties of a virtual machine are known before it is switched on: what needs other cgroups would be
/// skipped there.
fn can_run(axis: &Axis, entry: &Entry) -> bool {
    let needs = entry.case.body.needs.cgroup;
    axis.cgroup
        .is_none_or(|cgroup| needs.is_none_or(|needed| needed == cgroup))
}

/// Every possible cell: this machine has the cgroups that it has.
fn axes(matrix: &MatrixFile) -> Vec<Axis> {
    let mut all = Vec::new();
    for kernel in &matrix.kernels {
        for runtimes in matrix.runtimes.keys() {
            let axis = |cgroup| Axis {
                runtimes: runtimes.clone(),
                kernel: kernel.clone(),
                cgroup,
            };
            if axis(None).is_host() {
                all.push(axis(None));
            } else {
                all.extend(matrix.cgroup.iter().map(|cgroup| axis(Some(*cgroup))));
            }
        }
    }
    all
}
