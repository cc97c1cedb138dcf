//! Which cases are tried for a mutant: those that are about what it breaks and that its rule affects at all, with
//! those that expect the clause first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ocidiff_model::{Case, Op};

use super::edit::edited;
use super::rule::{Mutant, Rule};
use crate::cell::job::JobStep;
use crate::corpus::{Corpus, Entry};
use crate::judge::verdict::expected_clauses;

/// A case that may catch a mutant.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'c> {
    /// The case.
    pub entry: &'c Entry,
    /// Whether it expects something that a broken clause requires, or anything if the spec has no clause: then it
    /// can catch the mutant as well as any.
    pub expects: bool,
}

/// The cases that are about what the mutant breaks, or all; the most likely first.
#[must_use]
pub fn candidates<'c>(mutant: &Mutant, corpus: &'c Corpus, whole: bool) -> Vec<Candidate<'c>> {
    let words: Vec<&str> = mutant
        .name
        .split(['/', '-'])
        .filter(|word| word.len() > 2)
        .collect();
    let mut found: Vec<_> = corpus
        .entries
        .iter()
        .filter_map(|entry| {
            let name = entry.case.name.as_str();
            let named = names(&entry.case, &mutant.breaks);
            let in_topic = mutant.topics.iter().any(|topic| topic == entry.case.topic());
            let expects = if mutant.breaks.is_empty() {
                expects_anything(&entry.case)
            } else {
                let clauses = expected_clauses(&entry.case);
                clauses.iter().any(|id| mutant.breaks.contains(id))
            };
            // Many cases name a clause as wide as `start-runs-program`: the one about the env has that in its name.
            let alike = words.iter().filter(|word| name.contains(**word)).count();
            let order = (!expects, Reverse(alike), !named, !in_topic, name);
            (whole || named || in_topic).then_some((order, Candidate { entry, expects }))
        })
        .collect();
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, candidate)| candidate).collect()
}

fn expects_anything(case: &Case) -> bool {
    !case.body.expect.is_empty() || case.body.steps.iter().any(|step| step.options.expect.is_some())
}

/// Whether a case names one of the clauses.
#[must_use]
pub fn names(case: &Case, clauses: &[String]) -> bool {
    let of_facts = case
        .body
        .expect
        .values()
        .filter_map(|expectation| expectation.requirement.as_ref());
    case.body
        .requirement
        .iter()
        .chain(of_facts)
        .any(|id| clauses.contains(id))
}

/// Whether the rule changes anything in these steps; a rule that does nothing is tried everywhere.
#[must_use]
pub fn touches(rule: &Rule, steps: &[JobStep], configs: &BTreeMap<String, String>) -> bool {
    let changes = |step: &JobStep| {
        let text = match step.op {
            Op::Create | Op::Run => configs.get(&step.container),
            _ => step.input.as_ref().map(|(_, text)| text),
        };
        rule.calls.contains_key(&step.op)
            || text.is_some_and(|text| edited(rule.edits(step.op), text).is_some())
    };
    rule.is_empty() || steps.iter().any(changes)
}
