//! Recognition: which findings account for a difference, in any bundle.
//!
//! A pure function of what was observed and what is known: no I/O, and nothing from a case's own known file. `run`,
//! `run --bundle`, `check` and `explain` all use it.
//!
//! - A runtime's value is accounted for by a finding of that runtime if the finding's versions, workloads and machines
//!   apply, and if one of its signs fits the value and what the others show instead.
//! - A difference is explained when all its groups but one are accounted for.
//! - What follows from an explained difference is explained by it: where a step fails under some runtimes, what its
//!   container shows is compared among those that got that far, and so is what comes later of the whole run; where a call
//!   of the workload is answered in two ways, what the workload then does differs between the same two groups. Another
//!   container's facts are compared as ever.
//! - Where a workload prints what is explained, its output is explained by it.
//! - The finding with the most conditions is chosen; two that have equally many are both named.
//!
//! What is not explained is new. A wrong cause is worse than none, so nothing that does not fit is named.

use ocidiff_model::difference::{Account, How};
use ocidiff_model::finding::{CALL, Context, SAID, Sign};
use ocidiff_model::known::{ABSENT, Machine};
use ocidiff_model::life::{in_first, life_of, seen_in};
use ocidiff_model::record::CallResult;
use ocidiff_model::{Catalogue, Difference, Fact, Finding, FindingId, Group, Op, Record, Value};
use serde_json::Value as Json;

use follows::{Parted, follows};
use printed::printed;

mod follows;
mod printed;

/// What recognition knows besides the difference.
pub struct Question<'a> {
    /// Every finding.
    pub catalogue: &'a Catalogue,
    /// The runtimes that there are, by name: a finding about another component can show under each of them.
    pub runtimes: &'a [&'a str],
    /// The workload's config.json.
    pub config: &'a Json,
    /// The steps that were taken.
    pub steps: &'a [Op],
    /// The machine.
    pub machine: &'a Machine,
    /// What was observed, the reference first.
    pub records: &'a [&'a Record],
}

/// Which findings account for each difference; empty where it is not explained.
#[must_use]
pub fn recognise(question: &Question<'_>, differences: &[Difference]) -> Vec<Vec<Account>> {
    let candidates = question.candidates();
    let mut told: Vec<Vec<Account>> = differences
        .iter()
        .map(|difference| question.by_signs(difference, &candidates))
        .collect();
    let parted: Vec<Parted<'_>> = differences
        .iter()
        .zip(&told)
        .filter(|(_, accounts)| !accounts.is_empty())
        .filter_map(|(difference, accounts)| Parted::of(difference, accounts, question.records))
        .collect();
    for (difference, accounts) in differences.iter().zip(&mut told) {
        // That nothing is seen of a workload that never began says nothing about what it would have done.
        let is_cut = parted.iter().any(|parted| parted.leaves_out(difference));
        if !accounts.is_empty() && !is_cut {
            continue;
        }
        let mut again = follows(difference, &parted);
        if again.is_empty() {
            again = among_the_rest(question, difference, &candidates, &parted);
        }
        if !again.is_empty() {
            *accounts = again;
        }
    }
    for at in 0..differences.len() {
        if told[at].is_empty() {
            told[at] = printed(&differences[at], differences, &told);
        }
    }
    told
}

/// Where some did not get that far, for a known reason, the others are compared with each other.
fn among_the_rest(
    question: &Question<'_>,
    difference: &Difference,
    candidates: &[Candidate<'_>],
    parted: &[Parted<'_>],
) -> Vec<Account> {
    for parted in parted.iter().filter(|parted| parted.outruns(difference)) {
        let mut rest = difference.clone();
        for group in &mut rest.groups {
            group.runtimes.retain(|label| !parted.failed.contains(label));
        }
        rest.groups.retain(|group| !group.runtimes.is_empty());
        if rest.groups.len() == difference.groups.len() {
            continue;
        }
        let found = question.by_signs(&rest, candidates);
        if !found.is_empty() {
            return found.into_iter().chain(parted.followed()).collect();
        }
    }
    Vec::new()
}

/// Whether those that show this are among those that do not do what is expected.
pub(super) fn is_accused(difference: &Difference, group: &Group) -> bool {
    group
        .runtimes
        .iter()
        .any(|label| difference.against.contains(label))
}

struct Candidate<'a> {
    id: &'a FindingId,
    finding: &'a Finding,
    /// Which of the records belong to a runtime under which it can show.
    labels: Vec<&'a str>,
    weight: usize,
}

impl<'a> Question<'a> {
    /// The findings that this workload can meet, with these runtimes, on this machine.
    fn candidates(&self) -> Vec<Candidate<'a>> {
        let all = self
            .catalogue
            .0
            .iter()
            .filter(|(_, finding)| !finding.shows.is_empty());
        all.filter_map(|(id, finding)| {
            let is_of_runtime = self.runtimes.contains(&id.component());
            let labels: Vec<&str> = self
                .records
                .iter()
                .filter(|record| {
                    let runtime = &record.runtime;
                    !is_of_runtime || finding.is_of(id, runtime)
                })
                .map(|record| record.runtime.label.as_str())
                .collect();
            let fits = !labels.is_empty() && finding.fits(self.config, self.steps, self.machine);
            fits.then(|| Candidate {
                id,
                finding,
                labels,
                weight: finding.applies.as_ref().map_or(0, |applies| 4 * applies.weight()),
            })
        })
        .collect()
    }

    fn by_signs(&self, difference: &Difference, candidates: &[Candidate<'_>]) -> Vec<Account> {
        // Where all depart from what the case expects, they are compared with that.
        let expected = self.expected(difference);
        if difference.groups.len() + usize::from(expected.is_some()) < 2 {
            return Vec::new();
        }
        let signs: Vec<(&Candidate<'_>, &Sign)> = candidates
            .iter()
            .flat_map(|candidate| candidate.finding.shows.iter().map(move |sign| (candidate, sign)))
            .filter(|(_, sign)| {
                sign.is_about(&difference.fact) && sign.is_in_config(&difference.fact, self.config)
            })
            .collect();
        if signs.is_empty() {
            return Vec::new();
        }
        let (life, _) = life_of(&difference.fact);
        let mut accounts = Vec::new();
        let mut open = Vec::new();
        for (at, group) in difference.groups.iter().enumerate() {
            let others: Vec<&Group> = difference
                .groups
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != at)
                .map(|(_, group)| group)
                .chain(&expected)
                .collect();
            let of_group: Vec<Option<Account>> = group
                .runtimes
                .iter()
                .map(|label| self.account((label, life), group.value.as_ref(), &others, &signs))
                .collect();
            if of_group.iter().all(Option::is_some) {
                accounts.extend(of_group.into_iter().flatten());
            } else {
                open.push(at);
            }
        }
        // One group is as it should be, whichever it is; but not a group that is known not to be.
        let is_accused = |at: &usize| is_accused(difference, &difference.groups[*at]);
        if open.len() <= 1 && !open.iter().any(is_accused) {
            accounts
        } else {
            Vec::new()
        }
    }

    /// What the case expects, as a group without runtimes, if no runtime does it.
    fn expected(&self, difference: &Difference) -> Option<Group> {
        let expected = difference.expected.as_ref()?;
        let nobody = difference
            .groups
            .iter()
            .all(|group| is_accused(difference, group));
        nobody.then(|| Group {
            value: (*expected != Value::from(ABSENT)).then(|| expected.clone()),
            runtimes: Vec::new(),
        })
    }

    /// The findings that account for the value of one runtime in a life of the container.
    fn account(
        &self,
        (label, life): (&str, u32),
        value: Option<&Value>,
        others: &[&Group],
        signs: &[(&Candidate<'_>, &Sign)],
    ) -> Option<Account> {
        let facts = self.facts_of(label, life)?;
        let context = self.context(&facts);
        let mut best = 0;
        let mut ids: Vec<FindingId> = Vec::new();
        for (candidate, sign) in signs {
            let fits = candidate.labels.contains(&label)
                && sign.fits(value, &context)
                && others.iter().any(|other| {
                    sign.others_fit(other.value.as_ref(), &context) && self.show(&other.runtimes, life, sign)
                });
            let weight = 1 + candidate.weight + sign.weight();
            if !fits || weight < best {
                continue;
            }
            if weight > best {
                ids.clear();
                best = weight;
            }
            if !ids.contains(candidate.id) {
                ids.push(candidate.id.clone());
            }
        }
        (!ids.is_empty()).then(|| Account {
            who: label.to_owned(),
            because: ids,
            how: How::Recognised,
        })
    }
}

impl Question<'_> {
    /// Whether a runtime shows for a fact what a finding says, whatever the others show, as far as its facts were
    /// observed.
    pub(super) fn shows(&self, label: &str, fact: &str, finding: &Finding) -> bool {
        let (life, _) = life_of(fact);
        let Some(facts) = self.facts_of(label, life) else {
            return false;
        };
        let context = self.context(&facts);
        let mut named = facts.iter().filter(|one| one.path == in_first(fact));
        let value = named.next().map(|one| &one.value);
        let mut signs = finding.shows.iter().filter(|sign| sign.is_about(fact));
        signs.any(|sign| sign.is_in_config(fact, self.config) && sign.fits_as_far_as_seen(value, &context))
    }

    /// Whether a finding's sign for a fact requires nothing else that the runtime does not show.
    pub(super) fn can_show(&self, record: &Record, fact: &str, finding: &Finding) -> bool {
        let Some(facts) = self.facts_of(&record.runtime.label, life_of(fact).0) else {
            return false;
        };
        let context = self.context(&facts);
        let mut signs = finding.shows.iter().filter(|sign| sign.is_about(fact));
        signs.any(|sign| sign.can_show(&context))
    }

    /// What a runtime shows in a life of the container, including its steps.
    fn facts_of(&self, label: &str, life: u32) -> Option<Vec<Fact>> {
        let record = self.records.iter().find(|record| record.runtime.label == label)?;
        Some(seen_in(life, record.facts.iter().cloned().chain(aside(record))))
    }

    fn context<'f>(&'f self, facts: &'f [Fact]) -> Context<'f> {
        Context {
            config: self.config,
            facts,
        }
    }

    /// Whether one of these runtimes shows what the sign requires of the others.
    fn show(&self, labels: &[String], life: u32, sign: &Sign) -> bool {
        sign.others.is_empty()
            || labels
                .iter()
                .filter_map(|label| self.facts_of(label, life))
                .any(|facts| sign.others_show(&self.context(&facts)))
    }
}

/// How each step was called, and what a failed one printed, as facts in addition to the record's own: signs can refer
/// to them, but they are not compared.
fn aside(record: &Record) -> impl Iterator<Item = Fact> {
    record.steps.iter().flat_map(|step| {
        let fact =
            |last: &str, lines| Fact::new(format!("lifecycle.{}.{last}", step.label), Value::List(lines));
        let said = || step.text.lines().map(str::to_owned).collect();
        let failed = (step.result != CallResult::Ok).then(|| fact(SAID, said()));
        std::iter::once(fact(CALL, step.argv.clone())).chain(failed)
    })
}

#[cfg(test)]
pub(crate) mod tests;
