//! Known files: facts, members, runtimes, machines and clauses that there are.

use std::collections::BTreeSet;

use ocidiff_model::known::RuntimeKey;
use ocidiff_model::{Case, Known, KnownEntry, near};

use super::facts::{Names, Slip, known_fact};
use super::{machine, requirement};
use crate::corpus::diagnostic::{Diagnostic, Document};
use crate::corpus::{Corpus, spec};

/// What a known file is held against.
pub(in crate::corpus) struct Against<'a> {
    /// The cases of the file that it lies beside.
    pub(in crate::corpus) cases: &'a [Case],
    /// The runtimes that there are.
    pub(in crate::corpus) runtimes: &'a [String],
    /// The rest.
    pub(in crate::corpus) corpus: &'a Corpus,
}

/// What is wrong with a known file, if anything.
pub(in crate::corpus) fn check(
    document: &Document<'_>,
    known: &Known,
    against: &Against<'_>,
) -> Vec<Diagnostic> {
    let names: Vec<(&Case, Names)> = against.cases.iter().map(|case| (case, Names::of(case))).collect();
    let entries = known.0.iter().enumerate();
    entries
        .flat_map(|(index, entry)| {
            let index = index.to_string();
            let mut found = members(document, &index, entry, against);
            found.extend(fact(document, &index, entry, &names));
            found.extend(runtimes(document, &index, entry, against));
            found.extend(rest(document, &index, entry, against.corpus));
            found
        })
        .collect()
}

fn members(
    document: &Document<'_>,
    index: &str,
    entry: &KnownEntry,
    against: &Against<'_>,
) -> Vec<Diagnostic> {
    let all: BTreeSet<&str> = against
        .cases
        .iter()
        .filter_map(|case| case.member.as_deref())
        .collect();
    let missing = entry
        .members
        .iter()
        .enumerate()
        .filter(|(_, name)| !all.contains(name.as_str()));
    missing
        .map(|(at, name)| {
            let message = format!("the case has no member `{name}`");
            let help = near::help(name, all.iter().copied());
            document.at(&[index, "for", &at.to_string()], message, help)
        })
        .collect()
}

/// The fact must be one of each member that the entry names; where it names none, of one member at least.
fn fact(
    document: &Document<'_>,
    index: &str,
    entry: &KnownEntry,
    names: &[(&Case, Names)],
) -> Option<Diagnostic> {
    let at = |(message, help): Slip| document.at(&[index, "fact"], message, help);
    let found = match known_fact(&entry.fact) {
        Ok(found) => found,
        Err(slip) => return Some(at(slip)),
    };
    let about = names
        .iter()
        .filter(|(case, _)| entry.is_about(case.member.as_deref()));
    let slips: Vec<Option<Slip>> = about.map(|(_, names)| names.parts(&found)).collect();
    if entry.members.is_empty() && slips.iter().any(Option::is_none) {
        return None;
    }
    slips.into_iter().flatten().next().map(at)
}

fn runtimes(
    document: &Document<'_>,
    index: &str,
    entry: &KnownEntry,
    against: &Against<'_>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let all = || against.runtimes.iter().map(String::as_str);
    let unknown = |name: &str| machine::one_of("runtime", name, all().collect::<Vec<_>>());
    for key in entry.values.keys() {
        let keys = [index, "values", key];
        match key.parse::<RuntimeKey>() {
            Err(error) => {
                let help = "write a runtime's name, or a name and a range: `crun >=1.21`".to_owned();
                found.push(document.at(&keys, format!("`{key}`: {error}"), help));
            }
            Ok(RuntimeKey { name, range }) => {
                let slip = unknown(&name).or_else(|| {
                    (!range.can_hold()).then(|| (format!("no version can lie in `{key}`"), None))
                });
                found.extend(slip.map(|(message, help)| document.at(&keys, message, help)));
            }
        }
    }
    for name in entry.impact_for.keys() {
        let slip = unknown(name);
        found.extend(slip.map(|(message, help)| document.at(&[index, "impact_for", name], message, help)));
    }
    for (at, name) in entry.violates.iter().enumerate() {
        let slip = unknown(name);
        found.extend(
            slip.map(|(message, help)| document.at(&[index, "violates", &at.to_string()], message, help)),
        );
    }
    found
}

fn rest(document: &Document<'_>, index: &str, entry: &KnownEntry, corpus: &Corpus) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (keys, (message, help)) in entry.when.iter().flat_map(machine::when) {
        let mut place = vec![index, "when"];
        place.extend(keys.iter().map(String::as_str));
        found.push(document.at(&place, message, help));
    }
    if let Some(id) = &entry.requirement {
        let slip = requirement(id, corpus);
        found.extend(slip.map(|(message, help)| document.at(&[index, "requirement"], message, help)));
    }
    let wrong = entry
        .applies
        .iter()
        .flat_map(|pattern| spec::check_pattern(pattern.value()));
    for wrong in wrong {
        let mut place = vec![index, "applies"];
        place.extend(wrong.keys.iter().map(String::as_str));
        found.push(document.at(&place, wrong.message, wrong.help));
    }
    found
}
