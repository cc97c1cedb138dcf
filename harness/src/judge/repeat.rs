//! Combines what was found in several runs of a case: what showed in the same way each time, and what did not.

use std::collections::BTreeMap;

use ocidiff_model::difference::{Seen, Standing};
use ocidiff_model::known::{Rate, stands_for};
use ocidiff_model::{Difference, Group, Record, Value};

use crate::judge::compare::{groups, is_comparable};

/// The result of all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    /// How many runs there were.
    pub runs: u32,
    /// Every difference that showed in any of them, in the order in which they appeared.
    pub differences: Vec<Difference>,
}

/// What every runtime showed for a fact in one of the runs, whether it differed or not.
pub trait Shown {
    /// The groups of a fact in the run of this index.
    fn groups(&self, run: usize, fact: &str) -> Vec<Group>;
}

/// The records without what is not compared, which may be large: the facts of every run are kept to the end.
pub(super) fn facts_only(records: &[Record]) -> Vec<Record> {
    let comparable = records.iter().filter(|record| is_comparable(record));
    comparable
        .map(|record| Record {
            case: record.case.clone(),
            runtime: record.runtime.clone(),
            bundle: record.bundle.clone(),
            recorder: record.recorder.clone(),
            outcome: record.outcome.clone(),
            ran: record.ran,
            steps: record.steps.clone(),
            facts: record.facts.clone(),
            filters: Vec::new(),
            setup: Vec::new(),
            calls: Vec::new(),
            total_calls: record.total_calls,
            seconds: record.seconds,
        })
        .collect()
}

impl Shown for Vec<Vec<Record>> {
    fn groups(&self, run: usize, fact: &str) -> Vec<Group> {
        let records: Vec<&Record> = self.get(run).into_iter().flatten().collect();
        groups(fact, &records)
    }
}

/// Combines the runs of a case. What did not show in the same way in each run is unstable, with every way in which it
/// showed; `rated` are the facts that are written down as races.
#[must_use]
pub fn over(runs: &[Vec<Difference>], shown: &impl Shown, rated: &BTreeMap<String, Rate>) -> Over {
    let count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    let mut facts: Vec<String> = Vec::new();
    for difference in runs.iter().flatten() {
        if !facts.contains(&difference.fact) {
            facts.push(difference.fact.clone());
        }
    }
    let differences = facts
        .into_iter()
        .filter_map(|fact| {
            let ways: Vec<Option<&Difference>> = runs
                .iter()
                .map(|found| found.iter().find(|difference| difference.fact == fact))
                .collect();
            let mut difference = one(&ways, count, rated.get(&fact).copied())?;
            let ways = seen((0..runs.len()).map(|run| shown.groups(run, &fact)));
            let is_known = matches!(difference.standing, Standing::Known | Standing::Gone);
            if matches!(difference.standing, Standing::Unstable { .. }) || (!is_known && ways.len() > 1) {
                difference.seen = ways;
            }
            Some(difference)
        })
        .collect();
    Over {
        runs: count,
        differences,
    }
}

/// A fact over all runs; `ways` has what was found about it in each.
fn one(ways: &[Option<&Difference>], runs: u32, rate: Option<Rate>) -> Option<Difference> {
    let mut tally: Vec<(&Difference, u32)> = Vec::new();
    for difference in ways.iter().flatten() {
        let same = |(other, _): &&mut (&Difference, u32)| {
            other.groups == difference.groups && kind(&other.standing) == kind(&difference.standing)
        };
        match tally.iter_mut().find(same) {
            Some((_, times)) => *times += 1,
            None => tally.push((difference, 1)),
        }
    }
    // A stable sort: of two ways that came equally often, the first stays first.
    tally.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let (main, shown) = *tally.first()?;
    let mut difference = main.clone();
    if let Some(rate) = rate {
        let told = |(way, _): &(&Difference, u32)| matches!(way.standing, Standing::Known | Standing::Gone);
        if tally.iter().all(told) {
            let showed = tally.iter().find(|(way, _)| way.standing == Standing::Known);
            return raced(showed.map(|(way, _)| *way), difference, rate, runs);
        }
    }
    if shown < runs && lasts(ways) {
        let every = ways.iter().flatten();
        let always = |who: &String| every.clone().all(|way| way.against.contains(who));
        difference.against.retain(always);
        difference.standing = Standing::New { runs };
        return Some(difference);
    }
    difference.standing = match main.standing {
        Standing::Known if shown == runs || is_explained(ways) => Standing::Known,
        _ if shown < runs => Standing::Unstable {
            shown: showed(ways),
            runs,
        },
        Standing::New { .. } => Standing::New { runs },
        ref other => other.clone(),
    };
    Some(difference)
}

/// In how many runs it showed, in whatever way.
fn showed(ways: &[Option<&Difference>]) -> u32 {
    let shows = |way: &&&Difference| way.standing != Standing::Gone;
    u32::try_from(ways.iter().flatten().filter(shows).count()).unwrap_or(u32::MAX)
}

/// Whether some of it shows in every run, although values vary: a runtime that never does what is expected, never shows
/// what is written, or never shows what another one always does.
fn lasts(ways: &[Option<&Difference>]) -> bool {
    let is_new = |way: &&Difference| matches!(way.standing, Standing::New { .. });
    let all: Vec<&Difference> = ways.iter().copied().flatten().filter(is_new).collect();
    let Some(first) = all.first().filter(|_| all.len() == ways.len()) else {
        return false;
    };
    let mut accused = first.against.iter();
    if accused.any(|who| all.iter().all(|way| way.against.contains(who))) {
        return true;
    }
    let never = |who: &String, is: &dyn Fn(Option<&Value>) -> bool| {
        let mut runs = all.iter();
        runs.all(|way| shown_by(way).any(|(other, value)| other == who && !is(value)))
    };
    if !first.written.is_empty() {
        let mut written = first.written.iter();
        return written.any(|(who, written)| never(who, &|value| stands_for(written, value)));
    }
    let mut steady =
        shown_by(first).filter(|one| all.iter().all(|way| shown_by(way).any(|other| other == *one)));
    steady.any(|(_, always)| shown_by(first).any(|(who, _)| never(who, &|value| value == always)))
}

/// Which runtimes show what.
fn shown_by(difference: &Difference) -> impl Iterator<Item = (&String, Option<&Value>)> {
    let groups = difference.groups.iter();
    groups.flat_map(|group| group.runtimes.iter().map(|who| (who, group.value.as_ref())))
}

/// Whether the same findings account for it in each run, whatever the values: some differ from run to run.
fn is_explained(ways: &[Option<&Difference>]) -> bool {
    let Some(Some(first)) = ways.first() else {
        return false;
    };
    let told = |way: &Option<&Difference>| {
        way.is_some_and(|way| way.standing == Standing::Known && way.accounts == first.accounts)
    };
    !first.accounts.is_empty() && ways.iter().all(told)
}

/// A race that is written down: it is known where it showed, and gone only if it is too unlikely that it did not show.
fn raced(showed: Option<&Difference>, gone: Difference, rate: Rate, runs: u32) -> Option<Difference> {
    match showed {
        Some(known) => Some(known.clone()),
        None => rate.is_gone_after(runs).then_some(gone),
    }
}

/// Every way in which a fact showed, the most frequent first.
fn seen(runs: impl Iterator<Item = Vec<Group>>) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    for groups in runs {
        match seen.iter_mut().find(|way| way.groups == groups) {
            Some(way) => way.times += 1,
            None => seen.push(Seen { groups, times: 1 }),
        }
    }
    seen.sort_by_key(|way| std::cmp::Reverse(way.times));
    seen
}

/// The standing without its counts.
fn kind(standing: &Standing) -> u8 {
    match standing {
        Standing::New { .. } => 0,
        Standing::Known => 1,
        Standing::Gone => 2,
        Standing::Unstable { .. } => 3,
        Standing::Fixed => 4,
    }
}

#[cfg(test)]
mod tests;
