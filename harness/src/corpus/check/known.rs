//! Known files: the facts, members, findings, runtimes and machines in them must exist.

mod shown;
mod twice;

use std::collections::BTreeSet;

use ocidiff_model::compared::is_compared;
use ocidiff_model::known::{ANY, Explained, Group, Item, KnownFile, RuntimeKey};
use ocidiff_model::pattern::glob;
use ocidiff_model::step::Outcome;
use ocidiff_model::{Case, Channel, FindingId, KnownEntry, Value, facts, near, step};

use super::facts::{Names, known_fact};
use super::slip::Slip;
use super::{machine, unlooked, values};
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::{Corpus, limits};

/// What a known file is checked against.
pub(in crate::corpus) struct Against<'a> {
    /// The cases of the file that it belongs to.
    pub(in crate::corpus) cases: &'a [Case],
    /// The existing runtimes.
    pub(in crate::corpus) runtimes: &'a [String],
    /// The rest.
    pub(in crate::corpus) corpus: &'a Corpus,
}

/// The entries of a known file, or what is wrong with it.
pub(in crate::corpus) fn check(
    document: &Document<'_>,
    known: &KnownFile,
    against: &Against<'_>,
) -> Result<Vec<KnownEntry>, Vec<Diagnostic>> {
    let mut found = limits::known(document, known);
    if !found.is_empty() {
        return Err(found);
    }
    let cases: Vec<shown::About> = against.cases.iter().map(shown::About::new).collect();
    let names: Vec<(&Case, Names)> = against.cases.iter().map(|case| (case, Names::of(case))).collect();
    for (index, group) in known.0.iter().enumerate() {
        let index = index.to_string();
        found.extend(members(document, &index, group, against));
        for (keys, (message, help)) in group.when.iter().flat_map(machine::when) {
            let mut place = vec![index.as_str(), "when"];
            place.extend(keys.iter().map(String::as_str));
            found.push(document.at(&place, message, help));
        }
        for (fact, said) in &group.facts {
            let wrong = path(document, &index, group, fact, &names);
            if wrong.is_none() {
                let at = |message: String, help| document.at(&[&index, "facts", fact], message, help);
                let about: Vec<&Case> = about(group, &cases).iter().map(|about| about.case).collect();
                let slip = uncompared(fact, &about).or_else(|| same(fact, said.items(), &about));
                found.extend(slip.map(|(message, help)| at(message, help)));
            }
            found.extend(wrong);
            found.extend(unlike(document, &index, fact, said.items()));
            if said.shown().is_empty() {
                found.extend(whole(document, &index, fact, said.items()));
            }
            for id in said.shown() {
                let slip = shown::slip(id, fact, &about(group, &cases), against.corpus);
                found
                    .extend(slip.map(|(message, help)| document.at(&[&index, "facts", fact], message, help)));
            }
            for (at, item) in said.items().iter().enumerate() {
                if let Item::Because(item) = item {
                    found.extend(who(
                        document,
                        [&index, "facts", fact, &at.to_string(), "who"],
                        item,
                        against,
                    ));
                }
            }
        }
    }
    found.extend(twice::check(document, known, against.cases));
    match entries(document, known, against) {
        Err(more) => found.extend(more),
        Ok(entries) if found.is_empty() => return Ok(entries),
        Ok(_) => {}
    }
    Err(found)
}

/// The entries of a known file, if the catalogue has every finding that it names.
pub(in crate::corpus) fn entries(
    document: &Document<'_>,
    known: &KnownFile,
    against: &Against<'_>,
) -> Result<Vec<KnownEntry>, Vec<Diagnostic>> {
    let (mut entries, mut found) = (Vec::new(), Vec::new());
    for (index, group) in known.0.iter().enumerate() {
        match group.entries(&against.corpus.findings, against.runtimes) {
            Ok(of_group) => entries.extend(of_group),
            Err(slips) => found.extend(slips.into_iter().map(|slip| {
                let place = [
                    &*index.to_string(),
                    "facts",
                    &slip.fact,
                    &slip.item.to_string(),
                    "because",
                ];
                let help = match &slip.error {
                    ocidiff_model::known::ResolveError::NoFinding(id) => {
                        let all = against.corpus.findings.0.keys();
                        near::help(id.as_str(), all.map(FindingId::as_str)).or_else(|| {
                            Some(format!(
                                "write it in cases/findings/{id}.yaml, or see `ocidiff findings`"
                            ))
                        })
                    }
                    _ => None,
                };
                document.at(&place, slip.error.to_string(), help)
            })),
        }
    }
    if found.is_empty() { Ok(entries) } else { Err(found) }
}

fn members(document: &Document<'_>, index: &str, group: &Group, against: &Against<'_>) -> Vec<Diagnostic> {
    let cases = against.cases.iter();
    let all: BTreeSet<&str> = cases.filter_map(|case| case.member.as_deref()).collect();
    let named = group.members.iter().enumerate();
    let missing = named.filter(|(_, name)| !all.iter().any(|member| glob(name, member)));
    missing
        .map(|(at, name)| {
            let message = format!("the case has no member `{name}`");
            let help = near::help(name, all.iter().copied());
            document.at(&[index, "for", &at.to_string()], message, help)
        })
        .collect()
}

/// The fact must belong to each member that the group names, and be looked at there; if it names none, to at least one
/// member.
fn path(
    document: &Document<'_>,
    index: &str,
    group: &Group,
    fact: &str,
    names: &[(&Case, Names)],
) -> Option<Diagnostic> {
    let at = |(message, help): Slip| document.at(&[index, "facts", fact], message, help);
    let found = match known_fact(fact) {
        Ok(found) => found,
        Err(slip) => return Some(at(slip)),
    };
    let about = names
        .iter()
        .filter(|(case, _)| group.is_about(case.member.as_deref()));
    // As for what a case expects and watches.
    let slip = |(case, names): &(&Case, Names)| names.parts(&found).or_else(|| unlooked::fact(case, fact));
    let slips: Vec<Option<Slip>> = about.map(slip).collect();
    if group.members.is_empty() && slips.iter().any(Option::is_none) {
        return None;
    }
    slips.into_iter().flatten().next().map(at)
}

fn is_expected(case: &Case, fact: &str) -> bool {
    let steps = step::labels(&case.body.steps);
    let mut expecting = steps
        .iter()
        .zip(&case.body.steps)
        .filter(|(_, step)| step.options.expect.is_some_and(Outcome::is_one));
    let of_step = |label: &String| {
        let rest = fact
            .strip_prefix("lifecycle.")
            .and_then(|rest| rest.strip_prefix(label.as_str()));
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    case.body.expect.contains_key(fact) || expecting.any(|(label, _)| of_step(label))
}

/// The cases that a group is about.
fn about<'a, 'c>(group: &Group, cases: &'a [shown::About<'c>]) -> Vec<&'a shown::About<'c>> {
    let about = |about: &&shown::About| group.is_about(about.case.member.as_deref());
    cases.iter().filter(about).collect()
}

/// A fact that is not compared in any of the cases is not looked at, whatever is written about it.
fn uncompared(fact: &str, about: &[&Case]) -> Option<Slip> {
    let is_looked_at = |case: &&Case| is_compared(case, fact) || is_expected(case, fact);
    if about.is_empty() || about.iter().any(is_looked_at) {
        return None;
    }
    let (channel, rest) = fact.split_once('.')?;
    let help = format!("write `watch: {{{channel}: [{rest}]}}` in the case");
    Some((format!("the case does not compare `{fact}`"), Some(help)))
}

/// What is the same for all runtimes is not a difference, unless the case expects something else.
fn same(fact: &str, items: &[Item], about: &[&Case]) -> Option<Slip> {
    let mut values = items.iter().map(|item| match item {
        Item::Because(item) => &item.shows,
        Item::Otherwise(item) => &item.otherwise,
    });
    let first = values.next()?;
    // This may be said of steps that fail everywhere.
    let is_step = Channel::of(fact) == Some(Channel::Lifecycle);
    let differs = *first == Value::from(ANY) || values.any(|value| value != first);
    if is_step || differs || about.iter().any(|case| is_expected(case, fact)) {
        return None;
    }
    let message = "all runtimes show the same, and the case expects nothing of it: that is not a difference";
    Some((message.to_owned(), None))
}

/// Values of another kind than the fact has.
fn unlike(document: &Document<'_>, index: &str, fact: &str, items: &[Item]) -> Vec<Diagnostic> {
    let kinds = facts::named(fact);
    let slips = items.iter().enumerate().filter_map(|(at, item)| {
        let (member, value) = match item {
            Item::Because(item) => ("shows", &item.shows),
            Item::Otherwise(item) => ("otherwise", &item.otherwise),
        };
        let slip = (*value != Value::from(ANY)).then(|| values::observed(fact, &kinds, value))??;
        Some((at.to_string(), member, slip))
    });
    slips
        .map(|(at, member, (message, help))| document.at(&[index, "facts", fact, &at, member], message, help))
        .collect()
}

/// Items end with what all others show, and an item that can be anything says why.
fn whole(document: &Document<'_>, index: &str, fact: &str, items: &[Item]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let last = items.iter().position(|item| matches!(item, Item::Otherwise(_)));
    if last.is_none() || last.map(|at| at + 1) != Some(items.len()) {
        let help = "{otherwise: VALUE} is what runtimes show that no finding names".to_owned();
        let message = "its items do not end with `otherwise`";
        found.push(document.at(&[index, "facts", fact], message, help));
    }
    let any = Value::from(ANY);
    for (at, item) in items.iter().enumerate() {
        let (value, reason) = match item {
            Item::Because(item) => (&item.shows, &item.reason),
            Item::Otherwise(item) => (&item.otherwise, &item.reason),
        };
        if *value == any && reason.is_none() {
            let help = "say in `reason` why no value can be given".to_owned();
            let place = [index, "facts", fact, &at.to_string()];
            found.push(document.at(&place, "\"*\" without a reason", help));
        }
    }
    found
}

fn who(
    document: &Document<'_>,
    place: [&str; 5],
    item: &Explained,
    against: &Against<'_>,
) -> Vec<Diagnostic> {
    let all = || against.runtimes.iter().map(String::as_str).collect::<Vec<_>>();
    let keys = item.who.iter().enumerate();
    keys.filter_map(|(at, RuntimeKey { name, range })| {
        let slip = machine::one_of("runtime", name, all())
            .or_else(|| (!range.can_hold()).then(|| (format!("no version can lie in `{range}`"), None)));
        let at = at.to_string();
        let place: Vec<&str> = place.into_iter().chain([at.as_str()]).collect();
        slip.map(|(message, help)| document.at(&place, message, help))
    })
    .collect()
}
