//! What a report shows about a finding.

use serde::{Deserialize, Serialize};

use super::{Finding, Impacts, Kind, Reported};

/// What a report shows of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// What it does.
    pub title: String,
    /// Which versions, as people read it.
    pub versions: String,
    /// What kind of behaviour it is.
    pub kind: Kind,
    /// How much it matters.
    pub impact: Impacts,
    /// It shows in some runs only: a race.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub races: bool,
    /// The clause that it violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violates: Option<String>,
    /// Why.
    pub cause: String,
    /// Where it is written about, as addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<String>,
    /// Whether upstream has heard of it; nothing where nobody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported: Option<bool>,
    /// What an operator does about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl From<&Finding> for Card {
    fn from(finding: &Finding) -> Self {
        Self {
            title: finding.title.clone(),
            versions: finding.versions(),
            kind: finding.kind,
            impact: finding.impact,
            races: finding.races,
            violates: finding.violates.clone(),
            cause: finding.cause.trim().to_owned(),
            link: finding.addresses(),
            reported: finding.upstream().map(Reported::is_reported),
            remedy: finding.remedy.clone(),
        }
    }
}
