//! Recognition: which findings account for a difference, in any bundle.
//!
//! A pure function of what was observed and what is known: no I/O, and nothing from a case's own known file. `run`,
//! `run --bundle`, `check` and `explain` all use it.
//!
//! - A runtime's value is accounted for by a finding of that runtime if the finding's versions, workloads and machines
//!   apply, and if one of its signs fits the value and what the others show instead.
//! - A difference is explained when all its groups but one are accounted for. If signs are about items of a list, the
//!   items that no sign names must be the same.
//! - What follows from an explained difference is explained by it: where a step fails under some runtimes, what its
//!   container shows is compared among those that got that far, and so is what comes later of the whole run; where a call
//!   of the workload is answered in two ways, what the workload then does differs between the same two groups. Another
//!   container's facts are compared as ever.
//! - Where a workload prints what is explained, its output is explained by it.
//! - The finding with the most conditions is chosen; two that have equally many are both named. Each item of a list in
//!   which the runtimes differ has a choice of its own.
//!
//! What is not explained is new. A wrong cause is worse than none, so nothing that does not fit is named.

use ocidiff_model::difference::Account;
use ocidiff_model::finding::{Context, Sign, is_said};
use ocidiff_model::known::Machine;
use ocidiff_model::{Catalogue, Difference, Finding, Group, Op, Record};
use serde_json::Value as Json;

use crate::corpus::configs::Configs;

use follows::{Parted, follows};
use printed::printed;
use seen::Seen;
use signs::BySigns;

mod follows;
pub(super) mod items;
mod printed;
mod seen;
mod signs;

/// What recognition knows besides the difference.
pub struct Question<'a> {
    /// Every finding.
    pub catalogue: &'a Catalogue,
    /// The runtimes that there are, by name: a finding about another component can show under each of them.
    pub runtimes: &'a [&'a str],
    /// The configs of its containers.
    pub configs: &'a Configs,
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
    let by_signs = differences.iter().map(|difference| question.by_signs(difference));
    let mut told: Vec<Vec<Account>> = by_signs.collect();
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
            again = among_the_rest(question, difference, &parted);
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
fn among_the_rest(question: &Question<'_>, difference: &Difference, parted: &[Parted<'_>]) -> Vec<Account> {
    for parted in parted.iter().filter(|parted| parted.outruns(difference)) {
        let mut rest = difference.clone();
        for group in &mut rest.groups {
            group.runtimes.retain(|label| !parted.failed.contains(label));
        }
        rest.groups.retain(|group| !group.runtimes.is_empty());
        if rest.groups.len() == difference.groups.len() {
            continue;
        }
        let found = question.by_signs(&rest);
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

impl Question<'_> {
    /// The accounts by the first config behind the fact with which it is explained.
    fn by_signs(&self, difference: &Difference) -> Vec<Account> {
        let configs = self.configs.behind(&difference.fact).into_iter();
        let mut told = configs.map(|behind| BySigns::of(self, behind, difference).accounts());
        told.find(|accounts| !accounts.is_empty()).unwrap_or_default()
    }

    /// Whether a workload can meet a finding in a fact.
    pub(super) fn applies(&self, finding: &Finding, fact: &str) -> bool {
        let mut configs = self.configs.behind(fact).into_iter();
        configs.any(|(_, config)| finding.fits(config, self.steps, self.machine))
    }

    /// The signs of a finding that a runtime shows for a fact, whatever the others show, as far as its facts were
    /// observed.
    pub(super) fn shown<'f>(&self, label: &str, fact: &str, finding: &'f Finding) -> Vec<&'f Sign> {
        let Some(record) = self.record_of(label) else {
            return Vec::new();
        };
        let value = record.value(fact);
        let of = |(container, config): (&str, &Json)| {
            let mut seen = Seen::beside(record, fact, container);
            if self.machine.via.is_some() {
                // An engine passes on what it likes of its runtime's words.
                seen.facts.retain(|fact| !is_said(&fact.path));
            }
            let context = Context {
                config,
                facts: &seen.facts,
            };
            let fits = |sign: &&Sign| {
                sign.is_about(fact)
                    && sign.is_in_config(fact, config)
                    && seen.answers(&sign.beside)
                    && sign.fits_as_far_as_seen(value, &context)
            };
            let signs: Vec<&Sign> = finding.shows.iter().filter(fits).collect();
            (!signs.is_empty()).then_some(signs)
        };
        let configs = self.configs.behind(fact).into_iter();
        let mut configs = configs.filter(|(_, config)| finding.fits(config, self.steps, self.machine));
        configs.find_map(of).unwrap_or_default()
    }

    /// Whether a finding's sign for a fact requires nothing else that the runtime does not show.
    pub(super) fn can_show(&self, record: &Record, fact: &str, finding: &Finding) -> bool {
        let mut configs = self.configs.behind(fact).into_iter();
        configs.any(|(container, config)| {
            let seen = Seen::beside(record, fact, container);
            let context = Context {
                config,
                facts: &seen.facts,
            };
            let mut signs = finding.shows.iter().filter(|sign| sign.is_about(fact));
            signs.any(|sign| seen.answers(&sign.beside) && sign.can_show(&context))
        })
    }

    fn record_of(&self, label: &str) -> Option<&Record> {
        let mut records = self.records.iter().copied();
        records.find(|record| record.runtime.label == label)
    }
}

#[cfg(test)]
pub(crate) mod tests;
