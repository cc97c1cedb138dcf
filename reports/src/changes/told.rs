//! What happened to one finding, as it is collected case by case, and what that comes to from version to version.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{Card, FindingId};

use super::turn::{Scale, is_wrong};
use super::{CaseChange, FactChange, Row, Turn, What};

/// What happened to a finding between two versions, as it is collected.
#[derive(Default)]
pub(super) struct Between<'a> {
    pub(super) lost: Vec<Moved<'a>>,
    pub(super) gained: Vec<Moved<'a>>,
    pub(super) other: Vec<Moved<'a>>,
}

/// A fact of a case that a finding accounts for in one of two versions.
pub(super) struct Moved<'a> {
    pub(super) case: &'a CaseReport,
    pub(super) change: FactChange,
    /// Whether both versions violate the finding's clause, the other by another finding.
    pub(super) alike: bool,
    /// A clause that one of the two violates by the finding, and the other meets; whether the later one meets it.
    pub(super) clause: Option<(&'a str, bool)>,
}

/// Everything that is known about a finding.
pub(super) struct Told<'a> {
    pub(super) card: &'a Card,
    /// By version, the cases in which it shows.
    pub(super) shows: Vec<BTreeSet<&'a str>>,
    pub(super) between: BTreeMap<(usize, usize), Between<'a>>,
}

impl Told<'_> {
    /// Leaves out what went away (or came) between versions further apart, in cases that say nothing of those in between,
    /// if it had gone (or come) there by what other cases show.
    pub(super) fn once(mut self) -> Self {
        let pairs: Vec<(usize, usize)> = self.between.keys().copied().collect();
        for (from, to) in pairs.iter().copied() {
            let within = |(a, b): &&(usize, usize)| (*a, *b) != (from, to) && from <= *a && *b <= to;
            let is_gone = |at: usize| (at..=to).all(|one| self.shows[one].is_empty());
            let is_to_come = |at: usize| (from..=at).all(|one| self.shows[one].is_empty());
            let has_gone = pairs
                .iter()
                .filter(within)
                .any(|(a, b)| is_gone(*b) && !self.between[&(*a, *b)].lost.is_empty());
            let has_come = pairs
                .iter()
                .filter(within)
                .any(|(a, b)| is_to_come(*a) && !self.between[&(*a, *b)].gained.is_empty());
            if let Some(between) = self.between.get_mut(&(from, to)) {
                between.lost.retain(|_| !has_gone);
                between.gained.retain(|_| !has_come);
            }
        }
        self.between
            .retain(|_, one| !(one.lost.is_empty() && one.gained.is_empty() && one.other.is_empty()));
        self
    }

    pub(super) fn row(&self, id: &FindingId, versions: &[String]) -> Row {
        let turns = self.between.iter();
        Row {
            id: id.clone(),
            title: self.card.title.clone(),
            kind: self.card.kind,
            shows: self.shows.iter().map(BTreeSet::len).collect(),
            turns: turns
                .map(|((from, to), between)| self.turn((*from, *to), between, versions))
                .collect(),
        }
    }

    fn turn(&self, (from, to): (usize, usize), between: &Between<'_>, versions: &[String]) -> Turn {
        let Between { lost, gained, other } = between;
        let moved = || lost.iter().chain(gained);
        let wrong = is_wrong(self.card);
        let what = match (lost.is_empty(), gained.is_empty()) {
            // In part does not mean fixed: a version that has the finding elsewhere still has it.
            (false, true) if wrong && self.shows[to].is_empty() => What::Fixed,
            // What was as bad before, by another finding, did not break.
            (true, false) if wrong && self.shows[from].is_empty() && gained.iter().any(|one| !one.alike) => {
                What::Broke
            }
            _ => What::Changed,
        };
        let mut scale = Scale::default();
        for (moved, is_gone) in [(lost, true), (gained, false)] {
            if moved.iter().all(|one| one.alike) {
                continue;
            }
            match &self.card.violates {
                Some(clause) => scale.clause(clause, is_gone),
                None => scale.fault(self.card.kind, is_gone),
            }
        }
        for (clause, is_met) in moved().chain(other).filter_map(|one| one.clause) {
            scale.clause(clause, is_met);
        }
        let cases = by_case(moved().chain(other));
        cases
            .iter()
            .flat_map(|case| &case.facts)
            .for_each(|change| scale.fact(change));
        let leaving = (!lost.is_empty()).then_some(self.card.impact.leaving);
        let entering = (!gained.is_empty()).then_some(self.card.impact.entering);
        Turn {
            from: versions[from].clone(),
            to: versions[to].clone(),
            what,
            direction: scale.direction(),
            why: scale.why(),
            // What shows in another way comes and goes at once.
            impact: leaving.max(entering).or(Some(self.card.impact.worst())),
            cases,
        }
    }
}

fn by_case<'c>(all: impl Iterator<Item = &'c Moved<'c>>) -> Vec<CaseChange> {
    let mut cases: BTreeMap<&str, Vec<FactChange>> = BTreeMap::new();
    for moved in all {
        let facts = cases.entry(&moved.case.case).or_default();
        facts.push(moved.change.clone());
    }
    let told = cases.into_iter().map(|(case, facts)| CaseChange {
        case: case.to_owned(),
        facts,
    });
    told.collect()
}
