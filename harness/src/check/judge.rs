//! How bad a difference is for a workload, why, and what to do about it.
//!
//! Most comes from the catalogue: what a finding accounts for has its impact, cause and remedy. For the rest there are
//! rules based on what a fact is about (`rules.yaml`).

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::check::{Depth, Finding};
use ocidiff_model::difference::Account;
use ocidiff_model::filter::FilterAnswer;
use ocidiff_model::finding::Finding as CatalogueFinding;
use ocidiff_model::{Difference, FilterRow, FindingId, Impact, RuntimeId, Value};

use super::devices::{self, DEVICES};
use super::ended::STARTED;
use super::from_to::Move;
use super::libc::Libc;
use super::look::Seen;
use super::read::reason as cause_of;
use super::rules::by_rule;
use super::shape::Shape;
use super::values::{self, improves, is_lower_limit};
use crate::corpus::Corpus;
use crate::workload::tame::Tamed;

/// Everything that was read and seen, judged and sorted with the worst first.
#[must_use]
pub fn judge(seen: &Seen, step: Move<'_>, shape: &Shape, corpus: &Corpus) -> Vec<Finding> {
    let tamed = &shape.tamed;
    let facts = seen.differences.iter().flat_map(|one| match values(one, step) {
        (Some(Value::List(from)), Some(Value::List(to))) if one.fact == DEVICES => {
            devices::findings(&from, &to, &tamed.uses, step, corpus, &tamed.config)
        }
        _ => vec![fact(one, step, tamed, corpus, &seen.said)],
    });
    let mut all: Vec<Finding> = Vec::new();
    for finding in seen.rows.iter().map(|row| calls(row, step, &shape.libc, corpus)) {
        // The same for another architecture.
        match all.iter_mut().find(|there| is_alike(there, &finding)) {
            Some(there) => {
                there.what = format!("{}; {}", there.what, finding.what.trim_start_matches("calls "));
            }
            None => all.push(finding),
        }
    }
    all.extend(facts);
    let starts = !seen
        .differences
        .iter()
        .any(|one| ["lifecycle.create.result", STARTED].contains(&one.fact.as_str()));
    // What the probe has already met is not reported again from reading, nor is what can be met only once it starts.
    let met: BTreeSet<Option<FindingId>> = all.iter().map(|one| one.id.clone()).collect();
    let read = shape
        .read
        .iter()
        .filter(|read| !read.is_settled_by(&seen.facts))
        .filter(|read| starts && (read.finding.id.is_none() || !met.contains(&read.finding.id)));
    all.extend(read.map(|read| read.finding.clone()));
    worst_first(&mut all);
    by_cause(all)
}

/// Separates a reason from its other consequences.
const ALSO: &str = "; also ";

/// One row for everything that a finding accounts for: the worst of it, with the names of the rest.
fn by_cause(all: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<(Finding, Vec<String>)> = Vec::new();
    for finding in all {
        let same = told
            .iter_mut()
            .find(|(there, _)| finding.id.is_some() && there.id == finding.id);
        match same {
            Some((_, more)) => more.push(finding.what),
            None => told.push((finding, Vec::new())),
        }
    }
    let join = |(mut finding, more): (Finding, Vec<String>)| {
        let (shown, rest) = more.split_at(more.len().min(3));
        if !shown.is_empty() {
            let reason = finding.reason.trim_end_matches('.');
            finding.reason = format!("{reason}{ALSO}{}", shown.join(", "));
        }
        if !rest.is_empty() {
            finding.reason = format!("{} and {} more", finding.reason, rest.len());
        }
        finding
    };
    told.into_iter().map(join).collect()
}

/// Puts the worst first; within the same impact, failures come before the rest, and then the order is by subject.
pub fn worst_first(findings: &mut [Finding]) {
    let later = |one: &Finding| !one.what.starts_with("lifecycle.");
    findings.sort_by(|a, b| {
        let by_impact = b.impact.cmp(&a.impact);
        by_impact.then_with(|| (later(a), &a.what).cmp(&(later(b), &b.what)))
    });
}

fn is_alike(one: &Finding, other: &Finding) -> bool {
    let of = |finding: &Finding| {
        (
            finding.impact,
            finding.from.clone(),
            finding.to.clone(),
            finding.reason.clone(),
        )
    };
    of(one) == of(other)
}

/// The value of a fact under each of the two runtimes.
pub(super) fn values(difference: &Difference, step: Move<'_>) -> (Option<Value>, Option<Value>) {
    let value = |who: &RuntimeId| {
        let mut groups = difference.groups.iter();
        groups
            .find(|group| group.runtimes.contains(&who.label))
            .and_then(|group| group.value.clone())
    };
    (value(step.from), value(step.to))
}

/// Facts about the folder in which v1's hierarchies are mounted.
const CGROUP_FOLDER: [&str; 4] = [
    "cgroup.inside.cgroupfs.writable",
    "mount.inside./sys/fs/cgroup",
    "mount.inside.readonly./sys/fs/cgroup",
    "proc.stat./sys/fs/cgroup",
];

/// A fact that differs.
fn fact(
    difference: &Difference,
    step: Move<'_>,
    tamed: &Tamed,
    corpus: &Corpus,
    said: &BTreeMap<String, String>,
) -> Finding {
    let (from, to) = values(difference, step);
    let shown = |value: &Option<Value>| value.as_ref().map_or_else(|| "(absent)".to_owned(), Value::line);
    let (impact, mut reason) = by_rule(&difference.fact, from.as_ref(), to.as_ref(), &tamed.config);
    if let (true, Some(words)) = (
        difference.fact.starts_with("lifecycle."),
        said.get(&step.to.label),
    ) {
        reason = format!("{reason}: {words}");
    }
    let mut finding = Finding {
        impact,
        depth: Depth::Probe,
        what: difference.fact.clone(),
        from: shown(&from),
        to: shown(&to),
        reason,
        remedy: None,
        link: Vec::new(),
        case: None,
        id: None,
        accounts: Vec::new(),
        ignored: None,
        before: false,
    };
    if difference.fact.starts_with("proc.net.") && tamed.network_is_not_its_own {
        finding.impact = Impact::Cosmetic;
        "its engine sets the network up; the probe's is new and empty".clone_into(&mut finding.reason);
        return finding;
    }
    if harmless(difference, tamed, [from.as_ref(), to.as_ref()], &mut finding) {
        // For a mask it is not known which finding is about the mask, and which about the mount below.
        let of_mask = values::is_mask(&difference.fact, &tamed.config);
        let because = worst(difference, step, corpus).filter(|_| !of_mask);
        finding.id = because.map(|(id, _)| id.clone());
        return finding;
    }
    if let Some((id, known)) = worst(difference, step, corpus) {
        let told = corpus.findings.impact(id, step.from, step.to);
        let told = told.unwrap_or(known.impact.worst());
        // What a user can no longer do, or could do beyond the config, and what does not start are visible, whatever is
        // usual. What starts only then is not a loss to anyone. A limit that begins to take effect is a loss too, however
        // wrong it was that it did not.
        finding.impact = match seen_outright(&difference.fact) {
            _ if is_lower_limit(&difference.fact, from.as_ref(), to.as_ref()) => told.max(impact),
            true if impact > Impact::Cosmetic => told.max(impact),
            true if told < Impact::Security && improves(&difference.fact, to.as_ref()) => impact,
            _ => told,
        };
        let words = said
            .get(&step.to.label)
            .filter(|_| difference.fact.starts_with("lifecycle."));
        let cause = cause_of(known);
        let cause = cause.trim_end_matches('.').to_owned();
        let seen = &finding.reason;
        finding.reason = match words {
            Some(words) => format!("{cause}; it says: {words}"),
            // What the values show is worse than what is known of the cause.
            None if seen_outright(&difference.fact) && finding.impact > told => format!("{seen}; {cause}"),
            None => cause,
        };
        finding.remedy.clone_from(&known.remedy);
        finding.link = known.addresses();
        finding.id = Some(id.clone());
        finding.accounts.clone_from(&difference.accounts);
    }
    finding
}

/// Whether a fact's values themselves show whether something works.
fn seen_outright(fact: &str) -> bool {
    fact.starts_with("proc.stat.") || fact.starts_with("lifecycle.") && fact.ends_with(".result")
}

/// Kinds of file systems that cannot contain symbolic links.
const WITHOUT_LINKS: [&str; 4] = ["cgroup", "cgroup2", "mqueue", "devpts"];

/// Whether it is a mount without symbolic links, and the only difference is whether they are followed.
fn differ_in_links_only(from: Option<&Value>, to: Option<&Value>) -> bool {
    let (Some(Value::Text(from)), Some(Value::Text(to))) = (from, to) else {
        return false;
    };
    let kind = from.split(' ').next().unwrap_or_default();
    let plain = |text: &str| text.replace("nosymfollow,", "").replace(",nosymfollow", "");
    WITHOUT_LINKS.contains(&kind) && plain(from) == plain(to)
}

/// What does not matter to a workload, whatever accounts for it.
fn harmless(
    difference: &Difference,
    tamed: &Tamed,
    [from, to]: [Option<&Value>; 2],
    finding: &mut Finding,
) -> bool {
    let fact = difference.fact.as_str();
    let reads = |value: Option<&Value>| matches!(value, Some(Value::Text(text)) if text.ends_with(" rdonly") || text.ends_with(" rdwr"));
    let why = match fact {
        // On v1 this is a folder of the container's own, in which the hierarchies are mounted.
        _ if !tamed.unified && CGROUP_FOLDER.contains(&fact) => {
            "the folder around the cgroup hierarchies holds nothing of theirs"
        }
        "proc.fd.0" if reads(from) && reads(to) => "standard input can be read in both",
        // The probe has tested whether it is masked.
        _ if values::is_mask(fact, &tamed.config) && from.is_some() && to.is_some() => {
            "masked by another kind of mount"
        }
        _ if fact.starts_with("mount.inside.") && differ_in_links_only(from, to) => {
            "a file system that has no symbolic links"
        }
        _ => return false,
    };
    finding.impact = Impact::Cosmetic;
    why.clone_into(&mut finding.reason);
    true
}

/// The finding that matters most of those that account for the difference.
fn worst<'c>(
    difference: &'c Difference,
    step: Move<'_>,
    corpus: &'c Corpus,
) -> Option<(&'c FindingId, &'c CatalogueFinding)> {
    difference
        .findings()
        .filter_map(|id| Some((id, corpus.findings.find(id)?)))
        .max_by_key(|(id, _)| corpus.findings.impact(id, step.from, step.to))
}

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
    let all: Vec<&str> = row.named.iter().map(|call| call.name.as_str()).collect();
    match &all[..] {
        [] => row.calls.clone(),
        some if some.len() <= 3 => some.join(", "),
        some => format!("{} and {} more", some[..3].join(", "), some.len() - 3),
    }
}

fn remedy(impact: Impact, is_lax: bool, known: Option<&CatalogueFinding>) -> Option<String> {
    match (impact, is_lax) {
        (Impact::Cosmetic, _) => None,
        // A profile cannot make up for conditions that a runtime does not keep.
        (_, true) => known.and_then(|known| known.remedy.clone()),
        (_, false) => Some(CURE.to_owned()),
    }
}

/// Calls to which the filters give different answers.
fn calls(
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
        _ => (
            Impact::MayBreak,
            "no program is known that makes them and cannot do without them".to_owned(),
        ),
    };
    let id = accounts_for(accounts, lax)
        .max_by_key(|id| corpus.findings.impact(id, step.from, step.to))
        .cloned();
    let known = id.as_ref().and_then(|id| corpus.findings.find(id));
    let remedy = remedy(impact, lax.is_some(), known);
    let links = hit.map(|hit| hit.link.clone()).into_iter();
    Finding {
        impact,
        depth: Depth::Filter,
        what: format!("calls {}", row.calls),
        from,
        to,
        reason,
        remedy,
        link: links
            .chain(known.iter().flat_map(|known| known.addresses()))
            .collect(),
        case: None,
        id,
        accounts: accounts.clone(),
        ignored: None,
        before: false,
    }
}
