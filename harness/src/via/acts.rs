//! What a case does with a container between its start and its end, for engines that have calls for it.

use std::time::Duration;

use ocidiff_engines::remote::Output;
use ocidiff_model::step::{StepOptions, labels};
use ocidiff_model::{Case, Op, Step};
use serde_json::Value;

use super::express::{Part, Refusal, apart, is_special, refuse, texts};
use crate::cells::participants::DEFAULT_LIMIT;
use crate::machine::names::signal_number;

/// One such action.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    /// The step's label in facts.
    pub label: String,
    /// What is done.
    pub deed: Deed,
    /// How long it may take.
    pub limit: Duration,
}

/// What kind of action it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// Wait until it has printed a text.
    Await(String),
    /// Run a program in it.
    Exec(Vec<String>),
    /// Change its limits, which are those of `linux.resources`.
    Update(Value),
    /// Send a signal, and KILL once the limit is over: this is how engines stop.
    Stop(i32),
}

/// The result of an action.
#[derive(Debug)]
pub enum Done {
    /// It succeeded.
    Well,
    /// It was not done in time; a stop had to kill.
    Late,
    /// A program has ended.
    Ended(i64, Output),
}

/// The steps of a case as actions of an engine that supports them; `process` is the container's own.
///
/// # Errors
/// The first step that such an engine cannot do.
pub(super) fn of(case: &Case, process: &Value) -> Result<Vec<Act>, Refusal> {
    apart(case)?;
    let steps = &case.body.steps;
    let labelled: Vec<(&Step, String)> = steps.iter().zip(labels(steps)).collect();
    if let Some(step) = steps.iter().find(|step| !DONE.contains(&step.op)) {
        return refuse(format!("it takes the step {}", step.op));
    }
    let [(create, _), (start, _), rest @ ..] = labelled.as_slice() else {
        return refuse(ORDER);
    };
    if (create.op, start.op) != (Op::Create, Op::Start) {
        return refuse(ORDER);
    }
    let rest = match rest {
        [rest @ .., (last, _)] if last.op == Op::Delete => rest,
        rest => rest,
    };
    let is_end = |(step, _): &&(&Step, String)| matches!(step.op, Op::Kill | Op::Wait);
    let (living, end) = rest.split_at(rest.iter().take_while(|one| !is_end(one)).count());
    steps.iter().try_for_each(plain)?;
    let mut acts = living
        .iter()
        .map(|(step, label)| act(step, label, process))
        .collect::<Result<Vec<Act>, Refusal>>()?;
    acts.extend(stop(end)?);
    Ok(acts)
}

const DONE: [Op; 8] = [
    Op::Create,
    Op::Start,
    Op::Await,
    Op::Exec,
    Op::Update,
    Op::Kill,
    Op::Wait,
    Op::Delete,
];
const ORDER: &str = "its steps are not create, start, what is done with a container that runs, its end";

/// The step may have only what its kind needs.
fn plain(step: &Step) -> Part {
    let mut bare = step.clone();
    let options = &mut bare.options;
    match step.op {
        Op::Await => options.stdout = None,
        Op::Exec => options.process = None,
        Op::Update => options.resources = None,
        Op::Kill => options.signal = None,
        _ => {}
    }
    if is_special(&bare) {
        return refuse(format!("its step {} has options", step.op));
    }
    Ok(())
}

fn act(step: &Step, label: &str, process: &Value) -> Result<Act, Refusal> {
    let options = &step.options;
    let deed = match step.op {
        Op::Await => Deed::Await(options.stdout.clone().unwrap_or_default()),
        Op::Exec => Deed::Exec(program(options, process)?),
        Op::Update => Deed::Update(options.resources.clone().unwrap_or_default()),
        _ => return refuse(ORDER),
    };
    Ok(Act {
        label: label.to_owned(),
        deed,
        limit: limit(options),
    })
}

fn limit(options: &StepOptions) -> Duration {
    Duration::from_secs_f64(options.limit.unwrap_or(DEFAULT_LIMIT))
}

/// The rest of an exec's process comes from the container.
fn program(options: &StepOptions, process: &Value) -> Result<Vec<String>, Refusal> {
    let mut whole = process.clone();
    let over = options.process.clone().unwrap_or_default();
    if ocidiff_model::merge::merge(&mut whole, &over).is_err() {
        return refuse("what exec runs is not a process");
    }
    let args = texts(&whole["args"], "the args of exec")?.unwrap_or_default();
    whole["args"] = process["args"].clone();
    if whole != *process {
        return refuse("the engine's exec takes a program with its arguments, and nothing else of a process");
    }
    if args.first().is_none_or(String::is_empty) {
        return refuse("the engine's exec wants a program");
    }
    Ok(args)
}

/// How the container ends: by itself, or by a signal, after which any surviving process is killed.
fn stop(end: &[(&Step, String)]) -> Result<Option<Act>, Refusal> {
    let (kill, label, wait) = match end {
        [(wait, _)] if wait.op == Op::Wait => return Ok(None),
        [(kill, label), (wait, _)] if (kill.op, wait.op) == (Op::Kill, Op::Wait) => (kill, label, wait),
        [(kill, label), (wait, _), (last, _), (end, _)]
            if [kill.op, wait.op, last.op, end.op] == [Op::Kill, Op::Wait, Op::Kill, Op::Wait]
                && last.options.signal.as_deref().and_then(number) == Some(KILL) =>
        {
            (kill, label, wait)
        }
        _ => return refuse(ORDER),
    };
    let Some(name) = &kill.options.signal else {
        return refuse("the engine's stop always names a signal");
    };
    let Some(signal) = number(name) else {
        return refuse(format!("the engine's stop has no signal `{name}`"));
    };
    Ok(Some(Act {
        label: label.clone(),
        deed: Deed::Stop(signal),
        limit: limit(&wait.options),
    }))
}

/// The signal that no process survives.
pub(super) const KILL: i32 = 9;

/// A signal by its name, with SIG or without, or by its number.
fn number(name: &str) -> Option<i32> {
    let by_number = name.parse().ok().filter(|number| (1..=64).contains(number));
    by_number.or_else(|| signal_number(name))
}

impl Deed {
    pub(super) fn op(&self) -> Op {
        match self {
            Self::Await(_) => Op::Await,
            Self::Exec(_) => Op::Exec,
            Self::Update(_) => Op::Update,
            Self::Stop(_) => Op::Kill,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn acts(steps: &str) -> Result<Vec<(String, Deed, f64)>, String> {
        let case = Case {
            name: "t/c".to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str(&format!("{{summary: s, steps: {steps}}}")).expect("a case"),
        };
        let process = json!({"args": ["/bin/a"], "env": ["A=1"], "cwd": "/"});
        let acts = of(&case, &process).map_err(|why| why.to_string())?;
        let told = acts.into_iter();
        Ok(told
            .map(|act| (act.label, act.deed, act.limit.as_secs_f64()))
            .collect())
    }

    #[test]
    fn what_is_done_with_a_container_that_runs() {
        let exec = |args: &[&str]| Deed::Exec(args.iter().map(|arg| (*arg).to_owned()).collect());
        let usual = "{await: {stdout: on, limit: 3}}, {exec: {process: {args: [/b]}}}, {exec: {process: {args: [/c, d]}}}";
        let told = acts(&format!(
            "[create, start, {usual}, {{update: {{resources: {{a: 1}}}}}}, wait, delete]"
        ));
        let expected = [
            ("await".to_owned(), Deed::Await("on".to_owned()), 3.0),
            ("exec".to_owned(), exec(&["/b"]), 10.0),
            ("exec#2".to_owned(), exec(&["/c", "d"]), 10.0),
            ("update".to_owned(), Deed::Update(json!({"a": 1})), 10.0),
        ];
        assert_eq!(told, Ok(expected.to_vec()));
        assert_eq!(acts("[create, start, wait]"), Ok(Vec::new()));
    }

    #[test]
    fn a_kill_is_a_stop_that_waits() {
        for (steps, signal, limit) in [
            ("{kill: {signal: TERM}}, wait", 15, 10.0),
            (
                "{kill: {signal: SIGUSR1}}, {wait: {limit: 0.5}}, {kill: {signal: KILL}}, wait",
                10,
                0.5,
            ),
            ("{kill: {signal: '12'}}, wait, delete", 12, 10.0),
            ("{kill: {signal: KILL}}, wait, {delete: {force: true}}", 9, 10.0),
        ] {
            let told = acts(&format!("[create, start, {steps}]"));
            assert_eq!(
                told,
                Ok(vec![("kill".to_owned(), Deed::Stop(signal), limit)]),
                "{steps}"
            );
        }
    }

    #[test]
    fn what_no_engine_does_is_refused() {
        for (steps, why) in [
            ("[create, start, pause, resume, wait]", "it takes the step pause"),
            ("[create, start, wait, state]", "it takes the step state"),
            ("[create, wait, start, wait]", ORDER),
            ("[create, start, {kill: {signal: TERM}}]", ORDER),
            ("[create, start, wait, {kill: {signal: TERM}}, wait]", ORDER),
            (
                "[create, start, {kill: {signal: TERM}}, wait, {kill: {signal: TERM}}, wait]",
                ORDER,
            ),
            ("[create, {exec: {process: {args: [a]}}}, start, wait]", ORDER),
            (
                "[create, start, kill, wait]",
                "the engine's stop always names a signal",
            ),
            (
                "[create, start, {kill: {signal: NOSUCH}}, wait]",
                "the engine's stop has no signal `NOSUCH`",
            ),
            (
                "[create, start, {kill: {signal: '0'}}, wait]",
                "the engine's stop has no signal `0`",
            ),
            (
                "[create, start, {exec: {process: {args: [a], cwd: /b}}}, wait]",
                "the engine's exec takes a program with its arguments, and nothing else of a process",
            ),
            (
                "[create, start, {exec: {process: {args: []}}}, wait]",
                "the engine's exec wants a program",
            ),
            (
                "[create, start, {wait: {as: second}}]",
                "its step wait has options",
            ),
        ] {
            assert_eq!(acts(steps), Err(why.to_owned()), "{steps}");
        }
    }
}
