//! A difference: a fact on which runtimes disagree.

use serde::{Deserialize, Serialize};

use crate::fact::{Channel, Value};
use crate::finding::{Catalogue, Finding, FindingId};
use crate::impact::Impact;
use crate::version::Version;

/// Runtimes that agree among themselves on a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they show; none where they do not have the fact at all.
    pub value: Option<Value>,
    /// Who they are, in the order of the run, `runc@1.1.5`.
    pub runtimes: Vec<String>,
}

/// One way in which a fact showed in repeated runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Who showed what; one group where all agreed.
    pub groups: Vec<Group>,
    /// In how many runs.
    pub times: u32,
}

/// How a difference stands to what is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Standing {
    /// Not written down; it showed in every one of `runs` runs.
    New {
        /// How often the case was run.
        runs: u32,
    },
    /// Written down, and as written.
    Known,
    /// Written down, but it did not show.
    Gone,
    /// Written down of older versions, whose range has no end, and it does not show in a newer one.
    Fixed,
    /// It did not show each time.
    Unstable {
        /// In how many runs it showed.
        shown: u32,
        /// How often the case was run.
        runs: u32,
    },
}

/// How it is known which findings account for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The case's own known file says so.
    Written,
    /// It looks as the finding says, in whatever bundle.
    Recognised,
    /// It follows from another difference, which they account for.
    Follows,
}

/// Why a runtime shows what it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The runtime, by its label.
    pub who: String,
    /// The findings: together where they are written, else either.
    pub because: Vec<FindingId>,
    /// How that is known.
    pub how: How,
}

/// A runtime that shows no more what is written of it, in a version that is newer than any that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixed {
    /// The runtime, by its label.
    pub who: String,
    /// Its version.
    pub version: Version,
    /// The findings that may be fixed.
    pub because: Vec<FindingId>,
    /// The newest version that was looked at.
    pub until: Version,
}

/// The findings of accounts, each once.
pub fn ids(accounts: &[Account]) -> impl Iterator<Item = &FindingId> {
    let all = || accounts.iter().flat_map(|account| &account.because);
    let first = move |(at, id): &(usize, &FindingId)| all().position(|other| other == *id) == Some(*at);
    all().enumerate().filter(first).map(|(_, id)| id)
}

/// A fact on which runtimes disagree, or on which all disagree with what is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The fact's path.
    pub fact: String,
    /// Who shows what; the group of the reference comes first.
    pub groups: Vec<Group>,
    /// New, known, gone or unstable.
    pub standing: Standing,
    /// Where it was not the same in each run: every way in which it showed, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// Where something is written of it that is not what showed: by runtime, what is written. Where it is as written, who
    /// may show any value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<(String, Value)>,
    /// What the case expects of the fact, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Value>,
    /// The requirement that the expectation or the known file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The runtimes whose value is not the expected one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub against: Vec<String>,
    /// How much it matters for those who move from the reference to the others; none where nothing accounts for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// Why what each shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<Account>,
    /// Who shows no more what is written, in a version newer than any that was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<Fixed>,
}

impl Difference {
    /// Whether it says that some runtime does not start a container.
    #[must_use]
    pub fn is_of_a_start(&self) -> bool {
        ["create", "start", "run"]
            .iter()
            .any(|step| self.fact == format!("lifecycle.{step}.result"))
    }

    /// The channel, for the order of a report.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        Channel::of(&self.fact)
    }

    /// The findings that account for it, each once.
    pub fn findings(&self) -> impl Iterator<Item = &FindingId> {
        ids(&self.accounts)
    }

    /// How much it matters to users who move from the reference to the others; `None` if nothing accounts for it.
    #[must_use]
    pub fn impact_by(&self, catalogue: &Catalogue, reference: Option<&str>) -> Option<Impact> {
        let impacts = self.accounts.iter().flat_map(|account| {
            let leaves = reference == Some(account.who.as_str());
            let of = move |finding: &Finding| match leaves {
                true => finding.impact.leaving,
                false => finding.impact.entering,
            };
            let findings = account.because.iter().filter_map(|id| catalogue.find(id));
            findings.map(of)
        });
        impacts.max()
    }

    /// Whether the runtimes disagree among themselves (and not only with the expectation).
    #[must_use]
    pub fn disagree(&self) -> bool {
        self.groups.len() > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(fact: &str, accounts: serde_json::Value) -> Difference {
        let text = serde_json::json!({
            "fact": fact, "standing": {"is": "known"}, "accounts": accounts,
            "groups": [{"value": 1, "runtimes": ["runc"]}, {"value": null, "runtimes": ["crun"]}],
        });
        serde_json::from_value(text).expect("a difference")
    }

    #[test]
    fn a_start_is_create_start_or_run() {
        for (fact, wanted) in [
            ("lifecycle.create.result", true),
            ("lifecycle.start.result", true),
            ("lifecycle.run.result", true),
            ("lifecycle.exec.result", false),
            ("lifecycle.create.error", false),
        ] {
            let difference = difference(fact, serde_json::json!([]));
            assert_eq!(difference.is_of_a_start(), wanted, "{fact}");
            assert_eq!(difference.channel(), Some(Channel::Lifecycle));
        }
    }

    #[test]
    fn findings_come_once_and_matter_by_who_is_left() {
        let account =
            |who: &str, ids: &[&str]| serde_json::json!({"who": who, "because": ids, "how": "written"});
        let accounts = serde_json::json!([
            account("crun", &["crun/a", "crun/b"]),
            account("youki", &["crun/a"])
        ]);
        let mut of = difference("process.exit", accounts);
        let ids: Vec<_> = of.findings().map(FindingId::as_str).collect();
        assert_eq!(ids, ["crun/a", "crun/b"]);
        let finding = |impact: &str| {
            let yaml = format!("{{title: t, kind: bug, cause: c, impact: {impact}}}");
            serde_yaml::from_str::<Finding>(&yaml).expect("a finding")
        };
        let id = |text: &str| text.parse::<FindingId>().expect("an id");
        let a = finding("{entering: may-break, leaving: security}");
        let b = finding("{entering: breaks, leaving: cosmetic}");
        let catalogue = Catalogue([(id("crun/a"), a), (id("crun/b"), b)].into());
        assert_eq!(of.impact_by(&catalogue, Some("runc")), Some(Impact::Breaks));
        assert_eq!(of.impact_by(&catalogue, Some("crun")), Some(Impact::Security));
        of.accounts.clear();
        assert_eq!(of.impact_by(&catalogue, Some("runc")), None);
    }

    #[test]
    fn one_group_agrees() {
        let mut of = difference("process.exit", serde_json::json!([]));
        assert!(of.disagree());
        of.groups.pop();
        assert!(!of.disagree());
    }
}
