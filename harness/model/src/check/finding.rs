//! One difference, judged for an operator.

use serde::{Deserialize, Serialize};

use crate::difference::Account;
use crate::finding::FindingId;
use crate::ignore::Ignore;
use crate::impact::Impact;

/// How a difference was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// In the config.json: what the corpus knows of such configs, and what a runtime says that it supports.
    Read,
    /// In the seccomp filters that the runtimes make of its profile.
    Filter,
    /// By the probe in the workload's place.
    #[default]
    Probe,
    /// By the workload's own command.
    Run,
}

/// One difference, judged for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub impact: Impact,
    /// How it was found.
    #[serde(default)]
    pub depth: Depth,
    /// What differs: a fact's path, or calls.
    pub what: String,
    /// How it is now.
    pub from: String,
    /// How it would be.
    pub to: String,
    /// Why it is as bad as that, in one sentence.
    pub reason: String,
    /// What to do first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where it is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link: Vec<String>,
    /// The finding of the catalogue that accounts for it; of several the one that matters most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<FindingId>,
    /// All that account for it, by runtime, and how that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    /// By what entry of the ignore file it does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Ignore>,
    /// Whether the baseline has it already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub before: bool,
    /// The case of the corpus that knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
}

impl Finding {
    /// A difference with how it is now and how it would be; what accounts for it, and what to do, is not known.
    #[must_use]
    pub fn new(depth: Depth, impact: Impact, what: String, [from, to]: [String; 2], reason: String) -> Self {
        Self {
            impact,
            depth,
            what,
            from,
            to,
            reason,
            remedy: None,
            link: Vec::new(),
            id: None,
            accounts: Vec::new(),
            ignored: None,
            before: false,
            case: None,
        }
    }

    /// Whether it says anything new: it is neither ignored nor in the baseline.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.ignored.is_none() && !self.before
    }

    /// Whether it is more than cosmetic, and counts.
    #[must_use]
    pub fn is_risk(&self) -> bool {
        self.counts() && self.impact > Impact::Cosmetic
    }

    /// Whether no workload can notice it; what is ignored is reported elsewhere.
    #[must_use]
    pub fn is_mild(&self) -> bool {
        self.counts() && self.impact == Impact::Cosmetic
    }

    /// Whether it is a risk that the baseline has already.
    #[must_use]
    pub fn is_old_risk(&self) -> bool {
        self.ignored.is_none() && self.before && self.impact > Impact::Cosmetic
    }

    /// Whether a call of the runtime fails, so that the container does not come up.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.what.starts_with("lifecycle.") && self.impact == Impact::Breaks
    }

    /// What makes it the same finding in another report: its id, or otherwise what differs and how; if something does
    /// not start, what the runtime says about it.
    #[must_use]
    pub fn sameness(&self) -> (String, Impact) {
        let what = match &self.id {
            Some(id) => id.to_string(),
            None if self.is_failure() => {
                format!("{}: {} -> {}: {}", self.what, self.from, self.to, self.reason)
            }
            None => format!("{}: {} -> {}", self.what, self.from, self.to),
        };
        (what, self.impact)
    }
}
