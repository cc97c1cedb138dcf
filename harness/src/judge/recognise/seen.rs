//! What a sign's conditions on other facts are about: facts of the container, of its life and of the process that the
//! difference is about.

use std::collections::BTreeMap;

use ocidiff_model::finding::{CALL, Predicate, SAID};
use ocidiff_model::life::in_first;
use ocidiff_model::record::CallResult;
use ocidiff_model::step::{MAIN, labels_of};
use ocidiff_model::{Channel, Fact, Op, Record, StepRecord, Value, facts};

/// What a runtime shows about one container, under the names that the main container's facts have in its first life.
pub(super) struct Seen {
    pub(super) facts: Vec<Fact>,
    /// Whether everything in the table of facts is looked at.
    is_main: bool,
}

impl Seen {
    /// What stands beside a fact, if it is due to the config of this container. Beside what is about the whole run
    /// stands everything.
    pub(super) fn beside(record: &Record, fact: &str, container: &str) -> Self {
        let all = record.facts.iter().cloned().chain(aside(record));
        let Some(own) = record.container_of(fact).filter(|_| has_several(record)) else {
            return Self {
                facts: all.collect(),
                is_main: true,
            };
        };
        let scope = if own == container {
            Scope::of(record, fact, container)
        } else {
            // It was made while the fact's own container ran.
            Scope::new(record, container, 1, Process::Any)
        };
        Self {
            facts: all.flat_map(|fact| scope.own(fact)).collect(),
            is_main: container == MAIN,
        }
    }

    /// Whether somebody looks at what is asked for: of other containers less is seen than of the main one, and what
    /// nobody looks at is not absent.
    pub(super) fn answers(&self, asked: &BTreeMap<String, Predicate>) -> bool {
        let is_looked_at = |pattern: &String| {
            let mut kinds = facts::named(pattern).into_iter().peekable();
            kinds.peek().is_none()
                || kinds.any(|kind| kind.per.is_some() || !kind.channel().is_some_and(is_of_container))
        };
        self.is_main || asked.keys().all(is_looked_at)
    }
}

fn is_of_container(channel: Channel) -> bool {
    !matches!(channel, Channel::Lifecycle | Channel::Leftover | Channel::Hook)
}

/// Whether there is more than one process to tell apart.
fn has_several(record: &Record) -> bool {
    let makes = record.steps.iter().filter(|step| step.op.makes_container());
    makes.count() > 1
        || record
            .steps
            .iter()
            .any(|step| step.op == Op::Exec || step.container() != MAIN)
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

/// Whose facts stand beside a difference, besides those of the container itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Process<'a> {
    /// Those of every process: it is about a step of the container.
    Any,
    /// Those of the workload: it is about that.
    Workload,
    /// Those of the process with this label, which is exec'ed in the container.
    Exec(&'a str),
}

/// The container, the life and the process that a difference is about.
struct Scope<'a> {
    record: &'a Record,
    container: &'a str,
    life: u32,
    process: Process<'a>,
    /// What the labels of its steps are in the first life of the main container.
    labels: BTreeMap<&'a str, String>,
}

impl<'a> Scope<'a> {
    fn of(record: &'a Record, fact: &'a str, container: &'a str) -> Self {
        let process = match record.step_of(fact) {
            Some(step) if step.op == Op::Exec => Process::Exec(step.label.as_str()),
            Some(_) => Process::Any,
            None => exec_of(record, fact).map_or(Process::Workload, Process::Exec),
        };
        Self::new(record, container, record.life_of(fact), process)
    }

    fn new(record: &'a Record, container: &'a str, life: u32, process: Process<'a>) -> Self {
        let is_own = |step: &&StepRecord| {
            step.is_of_container() && step.container() == container && record.life_at(step) == life
        };
        let own = || record.steps.iter().filter(is_own);
        let as_of_main = labels_of(own().map(|step| (MAIN, step.op)));
        let labels = own().map(|step| step.label.as_str()).zip(as_of_main).collect();
        Self {
            record,
            container,
            life,
            process,
            labels,
        }
    }

    /// A fact under the names that it has beside the difference; none if it is of another container, life or process.
    fn own(&self, fact: Fact) -> Vec<Fact> {
        let Some(container) = self.record.container_of(&fact.path) else {
            return vec![fact];
        };
        // What changed in a container's files is not told apart by lives.
        let is_of_life =
            Channel::of(&fact.path) == Some(Channel::File) || self.record.life_of(&fact.path) == self.life;
        if container != self.container || !is_of_life {
            return Vec::new();
        }
        let named = |path: String| Fact {
            path,
            value: fact.value.clone(),
        };
        let paths = match self.record.step_of(&fact.path) {
            Some(step) => vec![self.relabelled("lifecycle", &fact.path, &step.label)],
            None => self.paths(&fact.path),
        };
        paths.into_iter().map(named).collect()
    }

    fn paths(&self, path: &str) -> Vec<String> {
        let as_of_first = || facts::as_of_first(path).unwrap_or_else(|| path.to_owned());
        let Some(label) = exec_of(self.record, path) else {
            // Where an exec'ed process has such a fact, its container's is not about it.
            let is_of_workload = facts::find(path).is_some_and(|found| found.kind.per.is_some());
            let is_own = !matches!(self.process, Process::Exec(_)) || !is_of_workload;
            return is_own
                .then(|| in_first(&as_of_first()).to_owned())
                .into_iter()
                .collect();
        };
        let channel = path.split('.').next().unwrap_or_default();
        match self.process {
            Process::Workload => Vec::new(),
            Process::Exec(own) if own != label => Vec::new(),
            Process::Any => vec![self.relabelled(channel, path, label)],
            Process::Exec(_) => vec![as_of_first(), self.relabelled(channel, path, label)],
        }
    }

    /// `lifecycle.create.result` for `lifecycle.second.create.result`.
    fn relabelled(&self, channel: &str, path: &str, label: &str) -> String {
        let rest = path[channel.len()..].trim_start_matches('.').strip_prefix(label);
        match (self.labels.get(label), rest) {
            (Some(own), Some(rest)) => format!("{channel}.{own}{rest}"),
            _ => path.to_owned(),
        }
    }
}

/// The label of the exec'ed process that a fact is of.
fn exec_of<'p>(record: &Record, path: &'p str) -> Option<&'p str> {
    let of = facts::find(path)?.of?;
    let is_exec = |step: &StepRecord| step.op == Op::Exec && step.label == of;
    record.steps.iter().any(is_exec).then_some(of)
}

#[cfg(test)]
mod tests;
