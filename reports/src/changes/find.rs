//! From the events of a run to what changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::difference::Standing;
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::finding::FindingId;
use ocidiff_model::{Difference, Verdict};

use super::shown::{Shown, accounts_for, group_of, is_open, is_seen, shown};
use super::told::{Moved, Told};
use super::turn::Scale;
use super::{CaseChange, Changes, FactChange, LeftOut, NotVersions, Row, Unexplained, was_compared};
use crate::run::{Run, Start};

/// The versions of a run, in order.
struct Versions<'a> {
    labels: Vec<&'a str>,
    names: Vec<String>,
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
    let told = found.findings.into_iter().map(|(id, told)| (id, told.once()));
    let mut findings: Vec<Row> = told
        .filter(|(_, told)| !told.between.is_empty())
        .map(|(id, told)| told.row(id, &versions.names))
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

/// The findings that each version shows, in a case or in one fact of it.
type ByVersion<'a> = Vec<BTreeSet<&'a FindingId>>;

impl<'a> Found<'a> {
    fn case(&mut self, case: &'a CaseReport, versions: &Versions<'a>) {
        let here = self.shown_in(case, versions);
        for difference in &case.differences {
            match difference.standing {
                Standing::Unstable { .. } => {
                    self.unstable.insert(&case.case);
                }
                // What all show alike says nothing about any version.
                _ if difference.disagree() => self.fact(case, difference, &here, versions),
                _ => {}
            }
        }
    }

    /// The findings that each version shows anywhere in a case.
    fn shown_in(&mut self, case: &'a CaseReport, versions: &Versions<'a>) -> ByVersion<'a> {
        let mut here = vec![BTreeSet::new(); versions.labels.len()];
        for difference in case.differences.iter().filter(|one| is_seen(one)) {
            for (at, ids) in accounts(case, difference, versions).into_iter().enumerate() {
                for id in ids {
                    self.told(id, case, versions).shows[at].insert(&case.case);
                    here[at].insert(id);
                }
            }
        }
        here
    }

    /// What is collected about a finding.
    fn told(&mut self, id: &'a FindingId, case: &'a CaseReport, versions: &Versions<'a>) -> &mut Told<'a> {
        self.findings.entry(id).or_insert_with(|| Told {
            card: &case.findings[id],
            shows: vec![BTreeSet::new(); versions.labels.len()],
            between: BTreeMap::new(),
        })
    }

    /// A fact on which versions differ.
    fn fact(
        &mut self,
        case: &'a CaseReport,
        difference: &'a Difference,
        here: &ByVersion<'a>,
        versions: &Versions<'a>,
    ) {
        let by_version = accounts(case, difference, versions);
        let mut all = by_version.iter().flatten().peekable();
        if all.peek().is_some() && all.all(|id| case.findings[*id].races) {
            self.races.insert(&case.case);
            return;
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
            if is_open(difference, versions.labels[from.0]) && is_open(difference, versions.labels[to.0]) {
                self.left_open.insert(&case.case);
                continue;
            }
            self.differing.insert(&case.case);
            let pair = Pair {
                case,
                difference,
                from,
                to,
            };
            self.pair(&pair, &by_version, here, versions);
        }
    }

    /// What one fact of a case shows about two versions that differ in it.
    fn pair(
        &mut self,
        pair: &Pair<'a>,
        by_version: &ByVersion<'a>,
        here: &ByVersion<'a>,
        versions: &Versions<'a>,
    ) {
        let (from, to) = (pair.from.0, pair.to.0);
        let (before, after) = (&by_version[from], &by_version[to]);
        if before.is_empty() && after.is_empty() {
            self.unexplained(pair, versions);
            return;
        }
        let all: Vec<&FindingId> = before.union(after).copied().collect();
        let stays = |id: &FindingId| here[from].contains(id) && here[to].contains(id);
        // If another finding appears or disappears, the difference belongs to that one.
        let is_of_another = |id: &FindingId| {
            let has = [before.contains(id), after.contains(id)];
            let others = if has[0] { after } else { before };
            // What another finding hides has not gone; what it hid before is met from now on.
            let is_hidden = has == [true, false] && shown(pair.case, id, versions.labels[to]) == Shown::Open;
            !others.is_empty() && (is_hidden || (stays(id) && before != after))
        };
        let is_nobodys = all.iter().all(|id| is_of_another(id));
        for id in all.into_iter().filter(|id| is_nobodys || !is_of_another(id)) {
            let others = if before.contains(id) { after } else { before };
            let clause = |id: &FindingId| pair.case.findings[id].violates.as_deref();
            let moved = Moved {
                case: pair.case,
                change: pair.change(),
                alike: clause(id).is_some() && others.iter().any(|other| clause(other) == clause(id)),
                clause: pair.clause(versions).filter(|(_, is_met)| {
                    let violating = if *is_met { before } else { after };
                    violating.contains(id)
                }),
            };
            let between = self.told(id, pair.case, versions).between.entry((from, to));
            let between = between.or_default();
            match (stays(id), before.contains(id)) {
                (true, _) => between.other.push(moved),
                (false, true) => between.lost.push(moved),
                (false, false) => between.gained.push(moved),
            }
        }
    }

    fn unexplained(&mut self, pair: &Pair<'a>, versions: &Versions<'a>) {
        let key = (pair.case.case.as_str(), pair.from.0, pair.to.0);
        let (scale, facts) = self.open.entry(key).or_default();
        let change = pair.change();
        scale.fact(&change);
        if let Some((clause, is_met)) = pair.clause(versions) {
            scale.clause(clause, is_met);
        }
        facts.push(change);
    }
}

/// A fact on which two versions differ, each with its group.
struct Pair<'a> {
    case: &'a CaseReport,
    difference: &'a Difference,
    from: (usize, usize),
    to: (usize, usize),
}

impl<'a> Pair<'a> {
    fn change(&self) -> FactChange {
        let value = |group: usize| self.difference.groups[group].value.clone();
        FactChange {
            fact: self.difference.fact.clone(),
            from: value(self.from.1),
            to: value(self.to.1),
        }
    }

    /// The clause that one of the two violates and the other meets, and whether the later one meets it.
    fn clause(&self, versions: &Versions<'_>) -> Option<(&'a str, bool)> {
        let fails = |at: usize| {
            let mut against = self.difference.against.iter();
            against.any(|one| one == versions.labels[at])
        };
        let clause = self.difference.requirement.as_deref()?;
        (fails(self.from.0) != fails(self.to.0)).then(|| (clause, fails(self.from.0)))
    }
}

/// The findings that account for what each version shows for a fact.
fn accounts<'a>(case: &'a CaseReport, difference: &'a Difference, versions: &Versions<'a>) -> ByVersion<'a> {
    let labels = versions.labels.iter();
    let of = |label: &&str| {
        let ids = accounts_for(difference, label).into_iter();
        ids.filter(|id| case.findings.contains_key(*id)).collect()
    };
    labels.map(of).collect()
}
