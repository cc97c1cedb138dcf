//! The findings, by their names.

use std::collections::BTreeMap;

use super::{Finding, FindingId};
use crate::impact::Impact;
use crate::record::RuntimeId;

/// Every finding, by its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue(pub BTreeMap<FindingId, Finding>);

impl Catalogue {
    /// The finding with a name.
    #[must_use]
    pub fn find(&self, id: &FindingId) -> Option<&Finding> {
        self.0.get(id)
    }

    /// How much a finding matters for a move from one runtime to another; `None` if both do it, or neither.
    #[must_use]
    pub fn impact(&self, id: &FindingId, from: &RuntimeId, to: &RuntimeId) -> Option<Impact> {
        let finding = self.find(id)?;
        match (finding.is_of(id, from), finding.is_of(id, to)) {
            (false, true) => Some(finding.impact.entering),
            (true, false) => Some(finding.impact.leaving),
            _ => None,
        }
    }
}
