//! Findings that have been examined and should not be reported for a while: the file of `--ignore`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::difference::{Account, ids};
use crate::finding::FindingId;

/// One finding that is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ignore {
    /// Its name.
    pub finding: FindingId,
    /// Why it may be ignored.
    pub reason: String,
    /// The last day on which it is ignored.
    pub until: Date,
}

/// An ignore file, as it stood on the day of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoreList {
    /// The file.
    pub file: String,
    /// The day of the run.
    pub today: Date,
    /// What is written in it.
    pub entries: Vec<Ignore>,
}

impl IgnoreList {
    /// The entry by which a finding is ignored today.
    #[must_use]
    pub fn holding(&self, id: &FindingId) -> Option<&Ignore> {
        self.entries
            .iter()
            .find(|entry| entry.finding == *id && entry.until >= self.today)
    }

    /// The entries whose last day is past.
    pub fn over(&self) -> impl Iterator<Item = &Ignore> {
        self.entries.iter().filter(|entry| entry.until < self.today)
    }

    /// Whether findings account for something, and every one of them is ignored: of two that fit equally it may be the
    /// other.
    #[must_use]
    pub fn covers(&self, accounts: &[Account]) -> bool {
        let mut ids = ids(accounts).peekable();
        ids.peek().is_some() && ids.all(|id| self.holding(id).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_until_its_last_day_is_past() {
        let list = |today: &str| IgnoreList {
            file: "f".to_owned(),
            today: today.parse().expect("a date"),
            entries: serde_json::from_value(
                serde_json::json!([{"finding": "crun/a", "reason": "r", "until": "2026-12-31"}]),
            )
            .expect("entries"),
        };
        let id: FindingId = "crun/a".parse().expect("an id");
        assert!(list("2026-12-31").holding(&id).is_some());
        assert!(list("2027-01-01").holding(&id).is_none());
        assert_eq!(list("2026-12-31").over().count(), 0);
        assert_eq!(list("2027-01-01").over().count(), 1);
        assert!(
            list("2026-12-31")
                .holding(&"crun/b".parse().expect("an id"))
                .is_none()
        );
    }

    #[test]
    fn all_that_account_must_be_ignored() {
        let entries = serde_json::json!([{"finding": "crun/a", "reason": "r", "until": "2026-12-31"}]);
        let list = IgnoreList {
            file: "f".to_owned(),
            today: "2026-12-01".parse().expect("a date"),
            entries: serde_json::from_value(entries).expect("entries"),
        };
        let account = |ids: &[&str]| {
            let text = serde_json::json!({"who": "crun", "because": ids, "how": "written"});
            serde_json::from_value::<Account>(text).expect("an account")
        };
        assert!(list.covers(&[account(&["crun/a"])]));
        assert!(!list.covers(&[account(&["crun/a", "crun/b"])]));
        assert!(!list.covers(&[account(&["crun/a"]), account(&["crun/b"])]));
        assert!(
            !list.covers(&[account(&[])]) && !list.covers(&[]),
            "nothing is not ignored"
        );
    }
}
