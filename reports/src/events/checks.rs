//! The checks of one or more nodes, read back.

use std::collections::BTreeMap;
use std::io::BufRead;

use ocidiff_model::check::{CheckEvent, NodeCheck};

use super::Error;
use super::lines::Lines;

/// The checks that a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// In the order in which they began.
    pub checks: Vec<NodeCheck>,
    /// What a reader must know about the file.
    pub warnings: Vec<String>,
}

/// Reads the events of checks back: of one, or of several one after the other, as `kubectl logs` prints those of many
/// pods. If the lines have that program's prefixes, those of different pods may also be mixed. A last line that was
/// cut is left out, and a check without its end is reported in the warnings.
///
/// # Errors
/// A line that holds no event, with its number; an event of no check that was started; a file that holds no check.
pub fn read_checks(reader: impl BufRead) -> Result<Checks, Error> {
    let mut checks: Vec<NodeCheck> = Vec::new();
    // The check that a prefix's lines belong to.
    let mut under_way: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next()? {
        let number = line.number;
        let Some(event) = lines.event(&line)? else {
            continue;
        };
        match (event, under_way.get(&line.prefix)) {
            (CheckEvent::CheckStarted(head), _) => {
                under_way.insert(line.prefix, checks.len());
                checks.push(NodeCheck::new(*head));
            }
            (event, Some(at)) => checks[*at]
                .take(event)
                .map_err(|_| Error::Astray { line: number })?,
            _ if checks.is_empty() => return Err(Error::NoCheck),
            _ => return Err(Error::Astray { line: number }),
        }
    }
    if checks.is_empty() {
        return Err(Error::NoCheck);
    }
    for check in checks.iter().filter(|check| check.exit.is_none()) {
        let node = crate::safe(&check.report.node);
        lines.warn(format!(
            "the check of {node} has no end: there may be more workloads"
        ));
    }
    Ok(Checks {
        checks,
        warnings: lines.into_warnings(),
    })
}
