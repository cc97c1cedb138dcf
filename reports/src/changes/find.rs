//! From the events of a run to what changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Standing;
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::finding::{Card, FindingId};
use ocidiff_model::known::ANY;
use ocidiff_model::{Difference, Value, Verdict};

use super::turn::{Scale, impact_of, is_wrong};
use super::{
    CaseChange, Changes, FactChange, LeftOut, NotVersions, Row, Turn, Unexplained, What, was_compared,
};
use crate::run::{Run, Start};

/// The versions of a run, in order.
struct Versions<'a> {
    labels: Vec<&'a str>,
    names: Vec<String>,
}

/// What happened to a finding between two versions, as it is collected.
#[derive(Default)]
struct Between<'a> {
    lost: Vec<Moved<'a>>,
    gained: Vec<Moved<'a>>,
    other: Vec<Moved<'a>>,
}

/// A fact of a case that a finding accounts for in one of two versions.
struct Moved<'a> {
    case: &'a CaseReport,
    change: FactChange,
    /// Whether both versions violate the finding's clause, the other by another finding.
    alike: bool,
}

/// Everything that is known about a finding.
struct Told<'a> {
    card: &'a Card,
    /// By version, the cases in which it shows.
    shows: Vec<BTreeSet<&'a str>>,
    between: BTreeMap<(usize, usize), Between<'a>>,
}

/// What no finding accounts for, by case and pair of versions.
type Open<'a> = BTreeMap<(&'a str, usize, usize), (Scale, Vec<FactChange>)>;

#[derive(Default)]
struct Found<'a> {
    findings: BTreeMap<&'a FindingId, Told<'a>>,
    open: Open<'a>,
    differing: BTreeSet<&'a str>,
    unstable: BTreeSet<&'a str>,
    races: BTreeSet<&'a str>,
    left_open: BTreeSet<&'a str>,
}

pub(super) fn changes(run: &Run<'_>) -> Result<Changes, NotVersions> {
    let (runtime, versions) = Versions::of(run)?;
    let mut found = Found::default();
    for case in run.cases.iter().copied().filter(|case| was_compared(case)) {
        found.case(case, &versions);
    }
    let mut findings: Vec<Row> = found
        .findings
        .iter()
        .filter(|(_, told)| !told.between.is_empty())
        .map(|(id, told)| told.row(id, &versions))
        .collect();
    findings.sort_by_key(|row| {
        let worst = row.turns.iter().map(|turn| turn.what).min();
        let impact = row.turns.iter().map(|turn| turn.impact).max().flatten();
        (worst, Reverse(impact), row.id.clone())
    });
    let unexplained = found.open.into_iter().map(|((case, from, to), (scale, facts))| {
        let case = CaseChange {
            case: case.to_owned(),
            facts,
        };
        Unexplained {
            from: versions.names[from].clone(),
            to: versions.names[to].clone(),
            direction: scale.direction(),
            why: scale.why(),
            case,
        }
    });
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect();
    let reasons = run.reasons(Verdict::Skipped).into_iter();
    let broken = run.with(Verdict::Broken);
    Ok(Changes {
        runtime,
        machine: run
            .starts
            .first()
            .map(Start::machine_in_words)
            .unwrap_or_default(),
        cases: run.cases.len(),
        differing: found.differing.len(),
        findings,
        unexplained: unexplained.collect(),
        unstable: owned(found.unstable),
        races: owned(found.races),
        left_open: owned(found.left_open),
        left_out: left_out(run, &versions),
        not_run: reasons.map(|(why, number)| (why.to_owned(), number)).collect(),
        broken: broken.iter().map(|case| case.case.clone()).collect(),
        ended_early: run.ended_early(),
        versions: versions.names,
    })
}

fn left_out(run: &Run<'_>, versions: &Versions<'_>) -> Vec<LeftOut> {
    let mut all: BTreeMap<(usize, &str), Vec<String>> = BTreeMap::new();
    for case in &run.cases {
        for (label, why) in &case.unsupported {
            if let Some(at) = versions.at(label) {
                all.entry((at, why)).or_default().push(case.case.clone());
            }
        }
    }
    let told = all.into_iter().map(|((at, why), cases)| LeftOut {
        version: versions.names[at].clone(),
        why: why.to_owned(),
        cases,
    });
    told.collect()
}

impl<'a> Versions<'a> {
    fn of(run: &Run<'a>) -> Result<(String, Self), NotVersions> {
        let [start] = run.starts.as_slice() else {
            return Err(NotVersions::Merged);
        };
        let mut all: Vec<&'a Participant> = start.runtimes.iter().collect();
        let mut names: Vec<&str> = all.iter().map(|one| one.runtime.name.as_str()).collect();
        names.dedup();
        let name = match names[..] {
            [name] => name.to_owned(),
            _ => return Err(NotVersions::Several(names.join(", "))),
        };
        if let [only] = all[..] {
            return Err(NotVersions::One(only.runtime.label.clone()));
        }
        // Builds of one version stay in the order in which they were named.
        all.sort_by(|a, b| a.runtime.version.cmp(&b.runtime.version));
        let text = |one: &Participant| one.runtime.version.as_str().to_owned();
        let is_alone = |one: &Participant| all.iter().filter(|other| text(other) == text(one)).count() == 1;
        let name_of = |one: &&Participant| {
            if is_alone(one) {
                text(one)
            } else {
                let label = &one.runtime.label;
                label
                    .strip_prefix(&format!("{name} "))
                    .unwrap_or(label)
                    .to_owned()
            }
        };
        let versions = Self {
            names: all.iter().map(name_of).collect(),
            labels: all.iter().map(|one| one.runtime.label.as_str()).collect(),
        };
        Ok((name, versions))
    }

    fn at(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|other| *other == label)
    }
}

/// In which group of the difference a version is, where it was compared.
fn group_of(difference: &Difference, label: &str) -> Option<usize> {
    let holds = |group: &ocidiff_model::Group| group.runtimes.iter().any(|one| one == label);
    difference.groups.iter().position(holds)
}

/// Whether the case's known file accepts any value for a version.
fn is_open(difference: &Difference, label: &str) -> bool {
    let any = Value::from(ANY);
    let mut written = difference.written.iter();
    difference.standing == Standing::Known && written.any(|(who, value)| who == label && *value == any)
}

impl<'a> Found<'a> {
    fn case(&mut self, case: &'a CaseReport, versions: &Versions<'a>) {
        for difference in &case.differences {
            match difference.standing {
                // What did not show says nothing about any version.
                Standing::Gone if !difference.disagree() => continue,
                Standing::Unstable { .. } => {
                    self.unstable.insert(&case.case);
                    continue;
                }
                _ => {}
            }
            let by_version = self.accounts(case, difference, versions);
            if !difference.disagree() {
                continue;
            }
            let mut all = by_version.iter().flatten();
            if by_version.iter().any(|ids| !ids.is_empty())
                && all.all(|id| case.findings.get(*id).is_some_and(|card| card.races))
            {
                self.races.insert(&case.case);
                continue;
            }
            let there: Vec<(usize, usize)> = versions
                .labels
                .iter()
                .enumerate()
                .filter_map(|(at, label)| Some((at, group_of(difference, label)?)))
                .collect();
            for pair in there.windows(2) {
                let (from, to) = (pair[0], pair[1]);
                if from.1 == to.1 {
                    continue;
                }
                if is_open(difference, versions.labels[from.0]) && is_open(difference, versions.labels[to.0])
                {
                    self.left_open.insert(&case.case);
                    continue;
                }
                self.differing.insert(&case.case);
                self.pair(case, difference, (from, to), &by_version, versions);
            }
        }
    }

    /// The findings that account for what each version shows.
    fn accounts(
        &mut self,
        case: &'a CaseReport,
        difference: &'a Difference,
        versions: &Versions<'a>,
    ) -> Vec<BTreeSet<&'a FindingId>> {
        let mut all = vec![BTreeSet::new(); versions.labels.len()];
        for account in &difference.accounts {
            let Some(at) = versions.at(&account.who) else {
                continue;
            };
            for id in &account.because {
                let Some((id, card)) = case.findings.get_key_value(id) else {
                    continue;
                };
                all[at].insert(id);
                let told = self.findings.entry(id).or_insert_with(|| Told {
                    card,
                    shows: vec![BTreeSet::new(); versions.labels.len()],
                    between: BTreeMap::new(),
                });
                if difference.standing != Standing::Gone {
                    told.shows[at].insert(&case.case);
                }
            }
        }
        all
    }

    /// What one fact of a case shows about two versions that differ in it.
    fn pair(
        &mut self,
        case: &'a CaseReport,
        difference: &'a Difference,
        ((from, group), (to, other)): ((usize, usize), (usize, usize)),
        by_version: &[BTreeSet<&'a FindingId>],
        versions: &Versions<'a>,
    ) {
        let change = FactChange {
            fact: difference.fact.clone(),
            from: difference.groups[group].value.clone(),
            to: difference.groups[other].value.clone(),
        };
        let (before, after) = (&by_version[from], &by_version[to]);
        for id in before.union(after) {
            let Some(told) = self.findings.get_mut(id) else {
                continue;
            };
            // If another finding appears or disappears, the difference belongs to that one.
            let stays = before.contains(id) && after.contains(id);
            if stays && before != after {
                continue;
            }
            let between = told.between.entry((from, to)).or_default();
            let place = match (stays, before.contains(id)) {
                (true, _) => &mut between.other,
                (false, true) => &mut between.lost,
                (false, false) => &mut between.gained,
            };
            let others = if before.contains(id) { after } else { before };
            let clause = |id: &FindingId| case.findings.get(id).and_then(|card| card.violates.as_deref());
            let alike = clause(id).is_some() && others.iter().any(|other| clause(other) == clause(id));
            place.push(Moved {
                case,
                change: change.clone(),
                alike,
            });
        }
        if before.is_empty() && after.is_empty() {
            let entry = self.open.entry((&case.case, from, to)).or_default();
            let (scale, facts) = entry;
            scale.fact(&change);
            let fails = |at: usize| difference.against.iter().any(|one| one == versions.labels[at]);
            let said = difference.requirement.as_deref();
            if let (Some(clause), true) = (said, fails(from) != fails(to)) {
                scale.clause(clause, fails(from));
            }
            facts.push(change);
        }
    }
}

impl Told<'_> {
    fn row(&self, id: &FindingId, versions: &Versions<'_>) -> Row {
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

    fn turn(&self, (from, to): (usize, usize), between: &Between<'_>, versions: &Versions<'_>) -> Turn {
        let Between { lost, gained, other } = between;
        let moved = || lost.iter().chain(gained);
        let wrong = is_wrong(self.card) && moved().any(|one| !one.alike);
        let what = match (lost.is_empty(), gained.is_empty()) {
            // In part does not mean fixed: a version that has the finding elsewhere still has it.
            (false, true) if wrong && self.shows[to].is_empty() => What::Fixed,
            (true, false) if wrong && self.shows[from].is_empty() => What::Broke,
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
        let cases = by_case(moved().chain(other));
        cases
            .iter()
            .flat_map(|case| &case.facts)
            .for_each(|change| scale.fact(change));
        let leaving = (!lost.is_empty()).then_some(self.card.impact.leaving);
        let entering = (!gained.is_empty()).then_some(self.card.impact.entering);
        Turn {
            from: versions.names[from].clone(),
            to: versions.names[to].clone(),
            what,
            direction: scale.direction(),
            why: scale.why(),
            impact: leaving.max(entering).or_else(|| impact_of(&cases)),
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
