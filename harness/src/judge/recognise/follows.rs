//! What follows from an explained difference: only what is of the same container, or of the whole run and later.

use std::collections::BTreeMap;

use ocidiff_model::difference::{Account, How};
use ocidiff_model::facts::{self, From};
use ocidiff_model::{Channel, Difference, Group, Record, Value};

/// What is seen of every workload whose program has begun.
const BEGUN: &str = "proc.init.exe";

/// The fact of its end. Both are of the main container: of the others less is seen.
const EXIT: &str = "process.exit";

/// An explained difference from which others follow.
pub(super) struct Parted<'a> {
    /// Its fact.
    fact: String,
    records: &'a [&'a Record],
    /// What follows from it.
    what: Follows,
    /// The group in which each runtime is.
    groups: BTreeMap<String, usize>,
    /// Those whose step failed, or whose workload never began.
    pub(super) failed: Vec<String>,
    accounts: Vec<Account>,
}

#[derive(PartialEq, Eq)]
enum Follows {
    /// Whatever is seen after the step.
    Everything,
    /// Whatever is seen of the workload.
    Begun,
    /// What the workload does.
    Workload,
}

impl<'a> Parted<'a> {
    pub(super) fn of(
        difference: &Difference,
        accounts: &[Account],
        records: &'a [&'a Record],
    ) -> Option<Self> {
        let what = match Channel::of(&difference.fact) {
            Some(Channel::Lifecycle) if facts::is_result(&difference.fact) => Follows::Everything,
            Some(Channel::Process) if difference.fact == EXIT => Follows::Begun,
            Some(Channel::Proc) if difference.fact == BEGUN => Follows::Begun,
            Some(Channel::Syscall) => Follows::Workload,
            _ => return None,
        };
        let ok = Value::from("ok");
        let failed: Vec<String> = match what {
            Follows::Begun => never_begun(records),
            _ => difference
                .groups
                .iter()
                .filter(|group| group.value.as_ref() != Some(&ok))
                .flat_map(|group| group.runtimes.clone())
                .collect(),
        };
        if what == Follows::Begun && (failed.is_empty() || failed.len() == records.len()) {
            return None;
        }
        Some(Self {
            fact: difference.fact.clone(),
            records,
            what,
            groups: difference
                .groups
                .iter()
                .enumerate()
                .flat_map(|(at, group)| group.runtimes.iter().map(move |label| (label.clone(), at)))
                .collect(),
            failed,
            accounts: accounts.to_vec(),
        })
    }

    /// Whether the difference can follow at all: what one container does changes nothing about another, unless that one
    /// was running then, as an agent that listens for it, and what came before was seen.
    fn reaches(&self, fact: &str) -> bool {
        // A step that a failure prevents is in the records of the others.
        match (
            container_of(self.records, &self.fact),
            container_of(self.records, fact),
        ) {
            (Some(own), Some(other)) => {
                let was_running = |record: &&Record| {
                    let step = record.step_of(&self.fact);
                    step.is_some_and(|step| record.was_running(other, &step.label))
                };
                own == other || self.records.iter().any(was_running)
            }
            (_, None) => !self
                .records
                .iter()
                .any(|record| is_before(record, fact, &self.fact)),
            (None, Some(_)) => false,
        }
    }

    /// Whether those that failed have nothing to say about the difference, so that it is between the others.
    pub(super) fn outruns(&self, difference: &Difference) -> bool {
        if !self.reaches(&difference.fact) {
            return false;
        }
        let channel = Channel::of(&difference.fact);
        match self.what {
            Follows::Everything => channel != Some(Channel::Leftover),
            Follows::Begun => is_of_workload(channel),
            Follows::Workload => false,
        }
    }

    /// Whether the difference has a group of runtimes whose workload never began, and of which nothing is seen.
    pub(super) fn leaves_out(&self, difference: &Difference) -> bool {
        let unseen = |group: &Group| {
            group.value.is_none() && group.runtimes.iter().any(|label| self.failed.contains(label))
        };
        self.what == Follows::Begun && self.outruns(difference) && difference.groups.iter().any(unseen)
    }

    /// Its accounts, for what follows from it.
    pub(super) fn followed(&self) -> impl Iterator<Item = Account> {
        self.accounts.iter().map(|account| Account {
            how: How::Follows,
            ..account.clone()
        })
    }

    /// Whether everything that differs in the difference differs between the groups of this one.
    fn separates(&self, difference: &Difference) -> bool {
        let mut value_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, group) in difference.groups.iter().enumerate() {
            for label in &group.runtimes {
                let Some(class) = self.groups.get(label) else {
                    return false;
                };
                if *value_of.entry(*class).or_insert(at) != at {
                    return false;
                }
            }
        }
        true
    }

    /// Which error a failed step ends with is up to the runtime; that there is one follows from the failure.
    fn words_a_failure(&self, difference: &Difference) -> bool {
        difference.fact.starts_with("lifecycle.")
            && difference.fact.ends_with(".error")
            && difference.groups.iter().all(|group| {
                let failed = |label: &String| self.failed.contains(label);
                group.value.is_none() != group.runtimes.iter().all(failed)
            })
    }

    fn accounts_for(&self, difference: &Difference) -> bool {
        if !self.reaches(&difference.fact) {
            return false;
        }
        let channel = Channel::of(&difference.fact);
        match self.what {
            Follows::Workload => {
                matches!(channel, Some(Channel::Process | Channel::Syscall | Channel::File))
                    && self.separates(difference)
            }
            // What stays behind after a failure has its own cause.
            Follows::Everything if channel == Some(Channel::Leftover) => {
                let empty = |value: &Value| matches!(value, Value::List(items) if items.is_empty());
                let failed_leave_nothing = difference.groups.iter().all(|group| {
                    group.value.as_ref().is_none_or(empty)
                        || !group.runtimes.iter().any(|label| self.failed.contains(label))
                });
                failed_leave_nothing && self.separates(difference)
            }
            Follows::Everything => self.separates(difference) || self.words_a_failure(difference),
            Follows::Begun => is_of_workload(channel) && self.separates(difference),
        }
    }
}

fn container_of<'p>(records: &'p [&Record], fact: &'p str) -> Option<&'p str> {
    records.iter().find_map(|record| record.container_of(fact))
}

/// Whether a fact is about a step that was taken before that of another fact.
fn is_before(record: &Record, fact: &str, other: &str) -> bool {
    let place = |fact: &str| {
        let label = &record.step_of(fact)?.label;
        record.steps.iter().position(|step| step.label == *label)
    };
    matches!((place(fact), place(other)), (Some(first), Some(second)) if first < second)
}

/// Whether the probe says it, and nobody sees it from outside.
fn is_reported(path: &str) -> bool {
    Channel::of(path) == Some(Channel::Proc)
        && facts::find(path).is_some_and(|found| found.kind.from == From::Inside)
}

/// The runtimes under which the workload's program was never seen. Through an engine nobody sees it begin: there it is
/// what the program reports about itself.
fn never_begun(records: &[&Record]) -> Vec<String> {
    // A container that is put aside is not among those that are compared.
    let compared = || records.iter().filter(|record| !record.is_aside(BEGUN));
    let is_watched = compared().any(|record| record.value(BEGUN).is_some());
    let has_begun = |record: &Record| match is_watched {
        true => record.value(BEGUN).is_some(),
        false => record.facts.iter().any(|fact| is_reported(&fact.path)),
    };
    let without = compared().filter(|record| !has_begun(record));
    without.map(|record| record.runtime.label.clone()).collect()
}

/// Whether it is seen at the workload's execve or after it.
fn is_of_workload(channel: Option<Channel>) -> bool {
    matches!(
        channel,
        Some(
            Channel::Proc
                | Channel::Mount
                | Channel::Cgroup
                | Channel::Filter
                | Channel::Syscall
                | Channel::File
        )
    )
}

/// The accounts of the explained difference that this one follows from.
pub(super) fn follows(difference: &Difference, parted: &[Parted<'_>]) -> Vec<Account> {
    if difference.groups.len() < 2 {
        return Vec::new();
    }
    let found = parted.iter().find(|parted| parted.accounts_for(difference));
    found.into_iter().flat_map(Parted::followed).collect()
}

#[cfg(test)]
mod tests;
