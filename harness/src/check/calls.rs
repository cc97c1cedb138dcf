//! Calls to which the filters of the two runtimes give different answers.

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::difference::Account;
use ocidiff_model::filter::FilterAnswer;
use ocidiff_model::finding::Finding as CatalogueFinding;
use ocidiff_model::{FilterRow, FindingId, Impact, RuntimeId};
use ocidiff_reports::first_of;

use super::from_to::Move;
use super::libc::Libc;
use super::remedies;
use crate::corpus::Corpus;

/// What helps if a call gets an error other than ENOSYS, until a cure has been proven.
pub const CURE: &str = "give the container a cured profile: ocidiff seccomp CONFIG.JSON --fix enosys";

/// The findings that explain a row; those of the runtime that lets calls through, if one does.
fn accounts_for<'a>(accounts: &'a [Account], lax: Option<&RuntimeId>) -> impl Iterator<Item = &'a FindingId> {
    let whose = lax.map(|lax| lax.label.clone());
    accounts
        .iter()
        .filter(move |account| whose.as_ref().is_none_or(|whose| *whose == account.who))
        .flat_map(|account| &account.because)
}

/// The calls of a row by their names, if they have any.
fn names(row: &FilterRow) -> String {
    match &row.named[..] {
        [] => row.calls.clone(),
        named => first_of(named.iter().map(|call| &call.name), 3),
    }
}

fn remedy(
    impact: Impact,
    is_lax: bool,
    known: Option<(&FindingId, &CatalogueFinding)>,
    step: Move<'_>,
) -> Option<String> {
    match (impact, is_lax) {
        (Impact::Cosmetic, _) => None,
        // A profile cannot make up for conditions that a runtime does not keep.
        (_, true) => known.and_then(|(id, known)| remedies::helpful(id, known, step)),
        (_, false) => Some(CURE.to_owned()),
    }
}

/// Whether what is refused now would be answered as by an older kernel.
fn becomes_unknown(from: &str, to: &str) -> bool {
    let is_refused = ["ERRNO(", "KILL_", "TRAP"]
        .iter()
        .any(|head| from.starts_with(head));
    is_refused && to == "ERRNO(ENOSYS)"
}

/// Calls to which the filters give different answers.
pub(super) fn calls(
    (row, accounts): &(FilterRow, Vec<Account>),
    step: Move<'_>,
    libc: &Libc,
    corpus: &Corpus,
) -> Finding {
    let of = |who: &RuntimeId| -> Option<&FilterAnswer> {
        row.answers
            .iter()
            .find(|answer| answer.runtimes.contains(&who.label))
    };
    let action = |who: &RuntimeId| of(who).map_or_else(|| "(no filter)".to_owned(), |one| one.action.clone());
    let (from, to) = (action(step.from), action(step.to));
    let hits = || {
        row.hits
            .iter()
            .filter(|hit| hit.runtimes.contains(&step.to.label))
    };
    let made = hits().find(|hit| libc.makes(&hit.who));
    let hit = made.or_else(|| hits().next());
    let passes = |action: &str| action == "ALLOW" || action == "LOG";
    // What the profile allows finally gets through.
    let better = passes(&to) && row.written.as_deref().is_some_and(passes);
    let lax = [step.from, step.to].into_iter().find(|who| {
        let written = row.written.as_deref();
        passes(&action(who)) && written.is_some_and(|written| !passes(written))
    });
    let foreign = !(row.calls.starts_with("x86_64 ") || row.calls.starts_with("i386 "));
    let (impact, reason) = match (foreign, lax, hit) {
        (true, ..) => (
            Impact::Cosmetic,
            "no program of this workload makes calls of that architecture".to_owned(),
        ),
        (_, Some(who), _) => {
            let why = of(who)
                .and_then(|answer| answer.reason.as_deref())
                .unwrap_or_default();
            (
                Impact::Security,
                format!(
                    "the profile denies {}, and {} lets it through: {why}",
                    names(row),
                    who.label
                ),
            )
        }
        _ if better => (
            Impact::Cosmetic,
            format!(
                "the profile allows {}, and {} lets them through",
                names(row),
                step.to.label
            ),
        ),
        // A call that nothing in its files is known to make may be made by a program of its own.
        (_, None, Some(hit)) => (
            if made.is_some() {
                Impact::Breaks
            } else {
                Impact::MayBreak
            },
            format!(
                "{} is made by {}: {}; {}",
                hit.syscall,
                hit.who,
                hit.otherwise,
                libc.said()
            ),
        ),
        _ if row.named.is_empty() => (Impact::Cosmetic, "calls that have no name".to_owned()),
        _ if becomes_unknown(&from, &to) => (
            Impact::Cosmetic,
            "they are refused as by a kernel that does not have them, for which programs are made".to_owned(),
        ),
        _ => (
            Impact::MayBreak,
            "no program is known that makes them and cannot do without them".to_owned(),
        ),
    };
    let id = accounts_for(accounts, lax)
        .max_by_key(|id| corpus.findings.impact(id, step.from, step.to))
        .cloned();
    let known = id.as_ref().and_then(|id| Some((id, corpus.findings.find(id)?)));
    let remedy = remedy(impact, lax.is_some(), known, step);
    let links = hit.map(|hit| hit.link.clone()).into_iter();
    let what = format!("calls {}", row.calls);
    Finding {
        remedy,
        link: links
            .chain(known.iter().flat_map(|(_, known)| known.addresses()))
            .collect(),
        id: id.clone(),
        accounts: accounts.clone(),
        ..Finding::new(Depth::Filter, impact, what, [from, to], reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::from_to::who;
    use serde_json::json;

    #[test]
    fn what_is_refused_as_by_an_older_kernel_is_no_risk_and_the_other_way_round_is() {
        let (old, new) = (who("old", "1"), who("new", "1"));
        let told = |from: &str, to: &str| {
            let row = json!({"calls": "x86_64 450..", "named": [{"name": "fchmodat2", "nr": 452}],
                "answers": [{"action": from, "runtimes": ["old"]}, {"action": to, "runtimes": ["new"]}],
                "profile": "default action", "witness": {"arch": 0, "nr": 452, "args": [0, 0, 0, 0, 0, 0]}});
            let row: FilterRow = serde_json::from_value(row).expect("a row");
            let step = Move { from: &old, to: &new };
            calls(&(row, Vec::new()), step, &Libc::default(), &Corpus::default()).impact
        };
        let unknown = "ERRNO(ENOSYS)";
        for (from, to, impact) in [
            ("ERRNO(EPERM)", unknown, Impact::Cosmetic),
            ("KILL_PROCESS", unknown, Impact::Cosmetic),
            ("TRAP", unknown, Impact::Cosmetic),
            (unknown, "ERRNO(EPERM)", Impact::MayBreak),
            ("ALLOW", unknown, Impact::MayBreak),
            ("TRACE", unknown, Impact::MayBreak),
        ] {
            assert_eq!(told(from, to), impact, "{from} {to}");
        }
    }
}
