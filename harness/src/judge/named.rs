//! Facts for which a known file gives no values, but only the findings that show in them: recognition must find these
//! findings, and they must show.

use std::collections::BTreeSet;

use ocidiff_model::difference::{Account, How, Standing};
use ocidiff_model::finding::Sign;
use ocidiff_model::known::stands_for;
use ocidiff_model::{Difference, Finding, FindingId, Group, KnownEntry, Record, Value};

use crate::judge::compare::{difference, groups, speaks_of};
use crate::judge::fixed::Newest;
use crate::judge::recognise::items::{self, Side};
use crate::judge::recognise::{Question, is_accused};
use crate::judge::verdict::accounts;

/// Compares what was recognised with what is named. What is taken for something else is new; what does not show is
/// gone, or fixed.
pub(crate) fn hold_against(
    entries: &[KnownEntry],
    question: &Question<'_>,
    newest: &Newest,
    found: &mut Vec<Difference>,
) {
    for entry in entries.iter().filter(|entry| entry.by_signs) {
        let named = Named { entry, question };
        match found.iter_mut().find(|difference| difference.fact == entry.fact) {
            Some(difference) => named.name(difference),
            None => found.extend(named.missing(newest)),
        }
    }
    // What follows from a named finding: if what identifies the finding was not observed, as through an engine, it is
    // not recognised there.
    let is_held = |fact: &str| entries.iter().any(|entry| entry.fact == fact);
    let open = |one: &&mut Difference| matches!(one.standing, Standing::New { .. }) && !is_held(&one.fact);
    for difference in found.iter_mut().filter(open) {
        let named = entries.iter().filter(|entry| entry.by_signs);
        let said = named.map(|entry| Named { entry, question }.as_said(difference, None));
        if let Some(accounts) = said.flatten().next() {
            difference.standing = Standing::Known;
            difference.accounts = accounts;
        }
    }
}

/// What a known file names for a fact, and what was observed.
struct Named<'a> {
    entry: &'a KnownEntry,
    question: &'a Question<'a>,
}

impl Named<'_> {
    /// The findings that a runtime should show here.
    fn of(&self, record: &Record) -> Vec<(&FindingId, &Finding)> {
        let written = self.entry.written.iter();
        let holding = written.filter(|written| written.who.iter().any(|key| key.holds(&record.runtime)));
        let ids = holding.flat_map(|written| &written.because);
        let findings = ids.filter_map(|id| Some((id, self.question.catalogue.find(id)?)));
        findings
            .filter(|(_, finding)| self.question.applies(finding, &self.entry.fact))
            .collect()
    }

    fn of_label(&self, label: &str) -> Vec<(&FindingId, &Finding)> {
        let mut records = self.question.records.iter();
        let record = records.find(|record| record.runtime.label == label);
        record.map_or_else(Vec::new, |record| self.of(record))
    }

    /// Whether it is named for every runtime that is compared in a difference, and all show it.
    fn is_of_all(&self, id: &FindingId, difference: &Difference) -> bool {
        let mut labels = difference.groups.iter().flat_map(|group| &group.runtimes);
        labels.all(|label| self.shown(label, &difference.fact).0.contains(id))
    }

    fn name(&self, difference: &mut Difference) {
        let mut is_other = false;
        if difference.standing == Standing::Known {
            // A list has an account for each item that differs: those that are not named stand beside those that are.
            let is_named = |who: &str, id: &FindingId| self.of_label(who).iter().any(|(one, _)| *one == id);
            let mut met: BTreeSet<String> = BTreeSet::new();
            for account in &mut difference.accounts {
                let who = &account.who;
                if account.because.iter().any(|id| is_named(who, id)) {
                    account.because.retain(|id| is_named(who, id));
                    account.how = How::Written;
                    met.insert(who.clone());
                }
            }
            // What follows from another difference hides what would show without it. What all of them have in common
            // would not show.
            is_other = difference.accounts.iter().any(|account| {
                let is_met = met.contains(&account.who);
                let mut named = self.of_label(&account.who).into_iter();
                !is_met
                    && account.how == How::Recognised
                    && named.any(|(id, _)| !self.is_of_all(id, difference))
            });
        }
        if is_other {
            difference.standing = Standing::New { runs: 1 };
            difference.accounts.clear();
        }
        if matches!(difference.standing, Standing::New { .. })
            && let Some(accounts) = self.as_said(difference, self.entry.otherwise.as_ref())
        {
            difference.standing = Standing::Known;
            difference.accounts = accounts;
        }
    }

    /// Why each shows what it shows, if all show what is said about them: the findings that are named, or the usual
    /// value. What the others show instead is not considered here: all runtimes that take part may depart.
    fn as_said(&self, difference: &Difference, otherwise: Option<&Value>) -> Option<Vec<Account>> {
        let mut accounts = Vec::new();
        let mut usual: Vec<&Group> = Vec::new();
        let mut sides = Vec::new();
        for group in &difference.groups {
            let mut side = Side {
                value: group.value.as_ref(),
                signs: Vec::new(),
            };
            let told = group.runtimes.iter().map(|label| {
                let (because, signs) = self.shown(label, &difference.fact);
                side.signs.extend(signs);
                (!because.is_empty()).then(|| Account {
                    who: label.clone(),
                    because,
                    how: How::Written,
                })
            });
            match told.collect::<Option<Vec<_>>>() {
                Some(all) => accounts.extend(all),
                None => {
                    side.signs.clear();
                    usual.push(group);
                }
            }
            sides.push(side);
        }
        let is_usual = match (usual.as_slice(), otherwise) {
            ([], _) => true,
            ([only], Some(value)) => stands_for(value, only.value.as_ref()),
            ([only], None) => difference.disagree() && !is_accused(difference, only),
            _ => false,
        };
        let is_all = is_usual && items::agree(&difference.fact, &sides);
        (is_all && !accounts.is_empty()).then_some(accounts)
    }

    /// Those of the findings of a runtime that it shows in a fact, with the signs that fit.
    fn shown(&self, label: &str, fact: &str) -> (Vec<FindingId>, Vec<&Sign>) {
        let named = self.of_label(label).into_iter();
        let with_signs = named.map(|(id, finding)| (id, self.question.shown(label, fact, finding)));
        let shown: Vec<(&FindingId, Vec<&Sign>)> =
            with_signs.filter(|(_, signs)| !signs.is_empty()).collect();
        let ids = shown.iter().map(|(id, _)| (*id).clone()).collect();
        (ids, shown.into_iter().flat_map(|(_, signs)| signs).collect())
    }

    /// The difference that should show, if some of the participants do what a finding says and others do not.
    fn missing(&self, newest: &Newest) -> Option<Difference> {
        let fact = &self.entry.fact;
        let speak = self
            .question
            .records
            .iter()
            .filter(|record| speaks_of(record, fact));
        let is_to_show = |record: &&&Record| {
            let mut named = self.of(record).into_iter();
            named.any(|(_, finding)| !finding.races && self.question.can_show(record, fact, finding))
        };
        let (departing, others): (Vec<&Record>, Vec<&Record>) = speak.partition(|record| is_to_show(record));
        if departing.is_empty() || others.is_empty() {
            return None;
        }
        let mut gone = difference(fact, groups(fact, self.question.records));
        gone.accounts = accounts(self.entry, &departing);
        gone.fixed = newest.all_newer(self.entry, &departing);
        gone.standing = match gone.fixed.is_empty() {
            true => Standing::Gone,
            false => Standing::Fixed,
        };
        Some(gone)
    }
}

#[cfg(test)]
mod tests;
