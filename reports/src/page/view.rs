//! What the page is about, with the places in it: each case and each finding has an anchor, which is a link that people keep.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{Card, FindingId};
use ocidiff_model::{Difference, Impact, Requirement, Verdict};

use super::depth::Depth;
use crate::accounts;
use crate::html::Html;
use crate::in_order;
use crate::run::Run;

/// The length of an anchor in characters; a case with a longer name gets a number.
const ANCHOR: usize = 160;

/// A case and its place.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) case: &'a CaseReport,
    pub(super) anchor: String,
    /// The topic, by its number.
    pub(super) topic: usize,
    /// The runtimes that show something that is not as it should be, or not as the reference shows it, by
    /// their numbers.
    pub(super) who: BTreeSet<usize>,
    /// Which runtimes show which finding in it, by their numbers.
    pub(super) because: BTreeSet<(usize, usize)>,
    pub(super) impact: Option<Impact>,
}

/// A finding of the run.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub(super) id: &'a FindingId,
    pub(super) card: &'a Card,
    pub(super) anchor: String,
    /// The worst of all cases, for users who move from the reference.
    pub(super) impact: Option<Impact>,
    pub(super) who: BTreeSet<usize>,
    /// The cases that show it, by their numbers.
    pub(super) cases: BTreeSet<usize>,
    /// Those in which it is written down and did not show.
    pub(super) missed: BTreeSet<usize>,
}

/// Everything that the page shows, sorted out.
pub(super) struct View<'a> {
    pub(super) run: &'a Run<'a>,
    /// How much of known cases is shown.
    pub(super) known: Depth,
    /// The participants by label, the reference first.
    pub(super) labels: Vec<&'a str>,
    pub(super) topics: Vec<&'a str>,
    /// In the order in which they came.
    pub(super) places: Vec<Place<'a>>,
    /// The worst first.
    pub(super) findings: Vec<Found<'a>>,
    by_topic: Vec<Vec<usize>>,
    clauses: HashMap<&'a str, &'a Requirement>,
    by_id: HashMap<&'a FindingId, usize>,
}

impl<'a> View<'a> {
    pub(super) fn of(run: &'a Run<'a>, known: Depth) -> Self {
        let labels = labels(run);
        let topics: BTreeSet<&str> = run.cases.iter().map(|case| topic(case)).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let mut taken = HashSet::new();
        let place = |case: &&'a CaseReport| Place {
            case,
            anchor: anchor("case", &case.case, &mut taken),
            topic: topics.binary_search(&topic(case)).unwrap_or_default(),
            who: who(case, &labels),
            because: BTreeSet::new(),
            impact: in_order::impact(case),
        };
        let mut places: Vec<Place<'a>> = run.cases.iter().map(place).collect();
        let findings = findings(run, &places, &labels);
        let by_id = findings.iter().enumerate().map(|(at, found)| (found.id, at));
        let by_id: HashMap<&FindingId, usize> = by_id.collect();
        let mut by_topic = vec![Vec::new(); topics.len()];
        for (at, place) in places.iter_mut().enumerate() {
            place.because = because(place.case, &labels, &by_id);
            if let Some(topic) = by_topic.get_mut(place.topic) {
                topic.push(at);
            }
        }
        let clauses = run.cases.iter().flat_map(|case| &case.requirements);
        let clauses = clauses.map(|clause| (clause.id.as_str(), clause)).collect();
        Self {
            run,
            known,
            labels,
            topics,
            places,
            by_topic,
            findings,
            clauses,
            by_id,
        }
    }

    /// The cases of a topic.
    pub(super) fn of_topic(&self, topic: usize) -> impl Iterator<Item = &Place<'a>> {
        self.by_topic[topic].iter().map(|at| &self.places[*at])
    }

    pub(super) fn finding(&self, id: &FindingId) -> Option<&Found<'a>> {
        self.by_id.get(id).map(|at| &self.findings[*at])
    }

    pub(super) fn clause(&self, id: &str) -> Option<&'a Requirement> {
        self.clauses.get(id).copied()
    }

    /// The id of a finding, which links to what there is to know about it.
    pub(super) fn link(&self, id: &FindingId) -> Html {
        match self.finding(id) {
            Some(found) => Html::to(&found.anchor, id.as_str()),
            None => Html::with("code", id.as_str()),
        }
    }

    /// The labels with these numbers, in one line.
    pub(super) fn names(&self, who: &BTreeSet<usize>) -> String {
        let names = who.iter().filter_map(|at| self.labels.get(*at).copied());
        names.collect::<Vec<_>>().join(", ")
    }

    /// The place of a topic's cases that differ.
    pub(super) fn topic_anchor(topic: usize) -> String {
        format!("topic/{}", topic + 1)
    }
}

impl Place<'_> {
    /// What the filters of the page use.
    pub(super) fn marks(&self) -> Marks {
        Marks {
            verdicts: self.case.verdict.name().to_owned(),
            topics: self.topic.to_string(),
            who: numbers(&self.who),
            impact: self.impact.map_or("", Impact::name),
        }
    }

    /// Whether it has a section of its own among the cases that differ.
    pub(super) fn differs(&self) -> bool {
        let verdict = self.case.verdict;
        !self.case.ignored && matches!(verdict, Verdict::Known | Verdict::Fixed)
    }
}

impl Found<'_> {
    pub(super) fn marks(&self, places: &[Place<'_>]) -> Marks {
        let cases = || self.cases.iter().chain(&self.missed).map(|at| &places[*at]);
        let verdicts: BTreeSet<&str> = cases().map(|place| place.case.verdict.name()).collect();
        Marks {
            verdicts: verdicts.into_iter().collect::<Vec<_>>().join(" "),
            topics: numbers(&cases().map(|place| place.topic).collect()),
            who: numbers(&self.who),
            impact: self.impact.map_or("", Impact::name),
        }
    }
}

/// What the filters of the page use: words with spaces between them.
pub(super) struct Marks {
    verdicts: String,
    topics: String,
    who: String,
    impact: &'static str,
}

impl Marks {
    /// The marks as attributes, in addition to others.
    pub(super) fn with<'m>(&'m self, others: &[(&'static str, &'m str)]) -> Vec<(&'static str, &'m str)> {
        let mut all = others.to_vec();
        all.extend([("data-v", self.verdicts.as_str()), ("data-t", &self.topics)]);
        if !self.who.is_empty() {
            all.push(("data-w", &self.who));
        }
        if !self.impact.is_empty() {
            all.push(("data-i", self.impact));
        }
        all
    }
}

fn numbers(all: &BTreeSet<usize>) -> String {
    let all: Vec<String> = all.iter().map(usize::to_string).collect();
    all.join(" ")
}

fn labels<'a>(run: &Run<'a>) -> Vec<&'a str> {
    let mut labels: Vec<&str> = Vec::new();
    for participant in run.starts.iter().flat_map(|start| start.runtimes) {
        let label = participant.runtime.label.as_str();
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

/// The folder that the case is in.
pub(super) fn topic(case: &CaseReport) -> &str {
    case.case.split_once('/').map_or("other", |(topic, _)| topic)
}

/// The runtimes that make the difference: those that are accounted for, otherwise those that are not as the
/// reference or not as expected. For a case in which nothing showed, those about which it is written.
fn who(case: &CaseReport, labels: &[&str]) -> BTreeSet<usize> {
    let number = |name: &str| labels.iter().position(|label| *label == name);
    let accounted = |one: &'_ Difference| -> BTreeSet<usize> {
        let names = one.accounts.iter().filter_map(|account| number(&account.who));
        names.collect()
    };
    let differing = |one: &Difference| -> BTreeSet<usize> {
        let others = one.groups.iter().skip(1).flat_map(|group| &group.runtimes);
        others
            .chain(&one.against)
            .filter_map(|name| number(name))
            .collect()
    };
    let mut shown = case.differences.iter().filter(|one| !is_missed(one)).peekable();
    if shown.peek().is_none() {
        return case.differences.iter().flat_map(accounted).collect();
    }
    let of = |one: &Difference| match one.accounts.is_empty() {
        true => differing(one),
        false => accounted(one),
    };
    shown.flat_map(of).collect()
}

/// Which runtimes show which finding.
fn because(
    case: &CaseReport,
    labels: &[&str],
    by_id: &HashMap<&FindingId, usize>,
) -> BTreeSet<(usize, usize)> {
    let shown = case.differences.iter().filter(|one| !is_missed(one));
    let accounts = shown.flat_map(|one| &one.accounts);
    let pairs = accounts.flat_map(|account| {
        let who = labels.iter().position(|label| *label == account.who);
        let ids = account.because.iter().filter_map(|id| by_id.get(id).copied());
        ids.filter_map(move |id| Some((who?, id)))
    });
    pairs.collect()
}

/// Whether it is written down and did not show.
fn is_missed(difference: &Difference) -> bool {
    matches!(difference.standing, Standing::Gone | Standing::Fixed)
}

fn findings<'a>(run: &Run<'a>, places: &[Place<'a>], labels: &[&str]) -> Vec<Found<'a>> {
    let mut all: BTreeMap<&FindingId, Found<'a>> = BTreeMap::new();
    for (at, place) in places.iter().enumerate() {
        let case = place.case;
        for (id, card) in in_order::findings(case) {
            if run.ignores(id) {
                continue;
            }
            let found = all.entry(id).or_insert_with(|| Found {
                id,
                card,
                anchor: String::new(),
                impact: None,
                who: BTreeSet::new(),
                cases: BTreeSet::new(),
                missed: BTreeSet::new(),
            });
            found.impact = found.impact.max(accounts::impact(case, id, card));
            let shows = |one: &&Difference| !is_missed(one) && one.findings().any(|other| other == id);
            let mut shown = case.differences.iter().filter(shows).peekable();
            match shown.peek() {
                Some(_) => found.cases.insert(at),
                None => found.missed.insert(at),
            };
            let accounts = shown.flat_map(|one| &one.accounts);
            let whose = accounts.filter(|account| account.because.contains(id));
            let numbers = whose.filter_map(|one| labels.iter().position(|label| *label == one.who));
            found.who.extend(numbers);
        }
    }
    let mut taken = HashSet::new();
    let mut all: Vec<Found<'a>> = all.into_values().collect();
    for found in &mut all {
        found.anchor = anchor("finding", found.id.as_str(), &mut taken);
    }
    let order = |one: &Found<'a>| {
        (
            one.cases.is_empty(),
            Reverse(one.impact),
            Reverse(one.cases.len()),
            one.id,
        )
    };
    all.sort_by(|one, other| order(one).cmp(&order(other)));
    all
}

/// A unique anchor, made of characters that stand for themselves in an address: `case/process/groups:many`.
fn anchor(kind: &str, name: &str, taken: &mut HashSet<String>) -> String {
    let letters = name.chars().take(ANCHOR).filter(|letter| *letter != ']');
    let plain = letters.map(|letter| match letter {
        '[' => ':',
        letter if letter.is_ascii_alphanumeric() || "/-._".contains(letter) => letter,
        _ => '_',
    });
    let base = format!("{kind}/{}", plain.collect::<String>());
    // The search for the number starts where the last one for the name was, or many with the same name would take long.
    let mut anchor = base.clone();
    let mut number = taken.len();
    while !taken.insert(anchor.clone()) {
        anchor = format!("{base}~{number}");
        number += 1;
    }
    anchor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_unique_and_themselves_in_an_address() {
        let mut taken = HashSet::new();
        for (name, told) in [
            ("process/groups[many]", "case/process/groups:many"),
            ("process/groups[many]", "case/process/groups:many~1"),
            ("process/groups:many~1", "case/process/groups_many_1"),
            ("a b\"<\u{202e}", "case/a_b___"),
            ("", "case/"),
        ] {
            assert_eq!(anchor("case", name, &mut taken), told);
        }
        assert!(anchor("case", &"x".repeat(1 << 20), &mut taken).len() < 200);
    }
}
