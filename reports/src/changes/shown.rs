//! Whether a version shows a finding in a case: the one rule for `changes`, which counts by it, and for `bisect`, which
//! searches by it.

use std::collections::BTreeSet;

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::event::CaseReport;
use ocidiff_model::facts::is_result;
use ocidiff_model::finding::FindingId;
use ocidiff_model::known::ANY;
use ocidiff_model::{Difference, Group, Value};

/// What a case says about a finding and a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The finding accounts for something that the version shows.
    Yes,
    /// The version was compared with one that shows it, and does not show it.
    No,
    /// The case does not say: nobody shows it, the version did not get that far, or what it shows is not explained.
    Open,
}

/// What a case says about a finding and the version with this label.
#[must_use]
pub fn shown(case: &CaseReport, id: &FindingId, label: &str) -> Shown {
    let mut is_without = false;
    for difference in case.differences.iter().filter(|one| is_seen(one)) {
        if accounts_for(difference, label).contains(id) {
            return Shown::Yes;
        }
        is_without |= is_about(difference, id) && is_free(difference, label);
    }
    if is_without { Shown::No } else { Shown::Open }
}

/// Whether what a difference says is what was seen each time.
pub(super) fn is_seen(difference: &Difference) -> bool {
    !matches!(difference.standing, Standing::Unstable { .. } | Standing::Gone)
}

/// Whether some version shows the finding there.
fn is_about(difference: &Difference, id: &FindingId) -> bool {
    let mut accounts = difference.accounts.iter();
    accounts
        .any(|account| account.because.contains(id) && accounts_for(difference, &account.who).contains(id))
}

/// Whether a version was compared there and got far enough to show what it would. What follows from another difference,
/// or is a step that failed because of another finding, hides that. In a list, findings account for single items.
fn is_free(difference: &Difference, label: &str) -> bool {
    let Some(group) = group_of(difference, label) else {
        return false;
    };
    let value = &difference.groups[group].value;
    let is_failed = is_result(&difference.fact) && *value != Some(Value::from("ok"));
    let hides = |account: &Account| is_failed || account.how == How::Follows;
    let mut own = difference.accounts.iter().filter(|account| account.who == label);
    let is_hidden = !accounts_for(difference, label).is_empty() && own.any(hides);
    !matches!(difference.standing, Standing::New { .. }) && (is_list(value.as_ref()) || !is_hidden)
}

fn is_list(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::List(_)))
}

/// In which group of the difference a version is, where it was compared.
pub(super) fn group_of(difference: &Difference, label: &str) -> Option<usize> {
    let holds = |group: &Group| group.runtimes.iter().any(|one| one == label);
    difference.groups.iter().position(holds)
}

/// The findings that account for what a version shows.
pub(super) fn accounts_for<'d>(difference: &'d Difference, label: &str) -> BTreeSet<&'d FindingId> {
    if is_open(difference, label) && does_as_others(difference, label) {
        return BTreeSet::new();
    }
    let own = difference.accounts.iter().filter(|account| account.who == label);
    own.flat_map(|account| &account.because).collect()
}

/// Whether the case's known file accepts any value for a version.
pub(super) fn is_open(difference: &Difference, label: &str) -> bool {
    let any = Value::from(ANY);
    let mut written = difference.written.iter();
    difference.standing == Standing::Known && written.any(|(who, value)| who == label && *value == any)
}

/// Whether a version does what is expected while others do not, or shows the same as one that no finding names: then a
/// finding that may show there does not.
fn does_as_others(difference: &Difference, label: &str) -> bool {
    let is = |all: &[String]| all.iter().any(|one| one == label);
    let is_met = !difference.against.is_empty() && !is(&difference.against);
    let is_named = |who: &String| difference.accounts.iter().any(|account| account.who == *who);
    let mut groups = difference.groups.iter().filter(|group| is(&group.runtimes));
    is_met || groups.any(|group| group.runtimes.iter().any(|who| !is_named(who)))
}
