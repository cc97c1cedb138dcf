//! Calls to which the filters of the two runtimes give different answers.

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::difference::Account;
use ocidiff_model::filter::FilterAnswer;
use ocidiff_model::finding::Finding as CatalogueFinding;
use ocidiff_model::{FilterRow, FindingId, Impact, RuntimeId};
use ocidiff_reports::first_of;
use ocidiff_seccomp::data::X32_BIT;
use ocidiff_seccomp::syscall::is_gap_of_x32;

use super::from_to::Move;
use super::libc::Libc;
use super::read::reason as cause_of;
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

fn passes(action: &str) -> bool {
    action == "ALLOW" || action == "LOG"
}

/// Whether the calls of a row are of one of these architectures.
fn made_here(row: &FilterRow, architectures: &[&str]) -> bool {
    let of = row.calls.split(' ').next().unwrap_or_default();
    architectures.contains(&of)
}

/// The runtime that lets through what the profile denies, or that opens what the other's filter closes where the profile
/// says nothing: an architecture whose calls every program here can make.
fn lax<'a>(row: &FilterRow, step: Move<'a>, [from, to]: [&str; 2]) -> Option<&'a RuntimeId> {
    // x32 has other numbers for some calls of x86_64: the kernel answers ENOSYS to theirs, whatever a filter says.
    let is_gap = row.named.is_empty() && made_here(row, &["x32"]) && is_gap_of_x32(row.witness.nr & !X32_BIT);
    let can_be_made = made_here(row, &["x86_64", "i386", "x32"]) && !is_gap;
    let written = row.written.as_deref().filter(|_| can_be_made);
    let is_denied = written.is_some_and(|written| !passes(written));
    match (passes(from), passes(to)) {
        _ if !can_be_made => None,
        (true, _) if is_denied => Some(step.from),
        (_, true) if is_denied => Some(step.to),
        (false, true) if row.written.is_none() => Some(step.to),
        _ => None,
    }
}

/// What denies the calls that a runtime lets through.
fn denied(row: &FilterRow, step: Move<'_>, lax: &RuntimeId) -> String {
    let other = if *lax == *step.to { step.from } else { step.to };
    match (&row.written, &row.named[..]) {
        (Some(_), _) => format!("the profile denies {}", names(row)),
        (None, []) => format!("{}'s filter refuses {}", other.label, row.calls),
        (None, _) => format!("{}'s filter refuses {}", other.label, names(row)),
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
    // What the profile allows finally gets through.
    let better = passes(&to) && row.written.as_deref().is_some_and(passes);
    let lax = lax(row, step, [&from, &to]);
    let id = accounts_for(accounts, lax)
        .max_by_key(|id| corpus.findings.impact(id, step.from, step.to))
        .cloned();
    let known = id.as_ref().and_then(|id| Some((id, corpus.findings.find(id)?)));
    let foreign = !made_here(row, &["x86_64", "i386"]);
    let (impact, reason) = match (foreign, lax, hit) {
        (_, Some(who), _) => {
            // Where it is known what a runtime does, that is the cause; its filter shows no more than what it did.
            let why = known.map(|(_, known)| cause_of(known).trim_end_matches('.').to_owned());
            let why = why.or_else(|| of(who)?.reason.clone()).unwrap_or_default();
            // What is let through now and refused then is a loss at most.
            let impact = match made {
                _ if *who == *step.to => Impact::Security,
                Some(_) => Impact::Breaks,
                None => Impact::MayBreak,
            };
            (
                impact,
                format!(
                    "{}, and {} lets it through: {why}",
                    denied(row, step, who),
                    who.label
                ),
            )
        }
        (true, ..) => (
            Impact::Cosmetic,
            "no program of this workload makes calls of that architecture".to_owned(),
        ),
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

    #[test]
    fn a_filter_that_opens_what_the_other_closes_is_a_matter_of_security_whatever_the_way() {
        let (old, new) = (who("old", "1"), who("new", "1"));
        let told = |named: &str, written: Option<&str>, from: &str, to: &str| {
            let row = json!({"calls": named, "written": written, "unlisted": written.is_none(), "profile": "x",
                "named": [{"name": "mkdir", "nr": 83}],
                "answers": [{"action": from, "runtimes": ["old"]}, {"action": to, "runtimes": ["new"]}],
                "witness": {"arch": 0, "nr": 83, "args": [0, 0, 0, 0, 0, 0]}});
            let row: FilterRow = serde_json::from_value(row).expect("a row");
            let step = Move { from: &old, to: &new };
            calls(&(row, Vec::new()), step, &Libc::default(), &Corpus::default()).impact
        };
        let (denied, allowed) = (Some("ERRNO(EPERM)"), Some("ALLOW"));
        for (row, written, from, to, impact) in [
            ("x86_64 mkdir", denied, "ERRNO(EPERM)", "ALLOW", Impact::Security),
            ("x86_64 mkdir", denied, "ALLOW", "ERRNO(EPERM)", Impact::MayBreak),
            ("x86_64 mkdir", allowed, "ERRNO(EPERM)", "ALLOW", Impact::Cosmetic),
            ("i386 every call", None, "KILL_THREAD", "ALLOW", Impact::Security),
            ("x32 0..", None, "KILL_THREAD", "LOG", Impact::Security),
            ("i386 every call", None, "ALLOW", "KILL_THREAD", Impact::MayBreak),
            // No kernel of this machine takes them.
            ("other every call", None, "KILL_THREAD", "ALLOW", Impact::Cosmetic),
            ("arm every call", denied, "KILL_THREAD", "ALLOW", Impact::Cosmetic),
        ] {
            assert_eq!(
                told(row, written, from, to),
                impact,
                "{row} {written:?} {from} {to}"
            );
        }
    }

    #[test]
    fn a_number_that_x32_does_not_have_is_nobody_s_risk() {
        let (old, new) = (who("old", "1"), who("new", "1"));
        let told = |nr: u32| {
            let row = json!({"calls": format!("x32 {nr}"), "written": "ERRNO(EPERM)", "profile": "x",
                "answers": [{"action": "ERRNO(EPERM)", "runtimes": ["old"]}, {"action": "ALLOW", "runtimes": ["new"]}],
                "witness": {"arch": 0, "nr": X32_BIT + nr, "args": [0, 0, 0, 0, 0, 0]}});
            let row: FilterRow = serde_json::from_value(row).expect("a row");
            let step = Move { from: &old, to: &new };
            calls(&(row, Vec::new()), step, &Libc::default(), &Corpus::default()).impact
        };
        // map_shadow_stack is a call of x86_64 only; numbers that come may be anything.
        assert_eq!(told(453), Impact::Cosmetic);
        assert_eq!(told(600), Impact::Security);
    }
}
