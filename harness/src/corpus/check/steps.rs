//! Steps that cannot be taken: about a container that has not been created, without what they need, or with names that
//! do not exist.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::Op;
use ocidiff_model::merge::merge;
use ocidiff_model::step::{MAIN, Outcome, Step};
use serde_json::Value;

use super::config::Excuses;
use super::place::Place;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::names;

pub(super) fn case(place: Place<'_>, config: &Value, excuses: &Excuses) -> Vec<Diagnostic> {
    let mut made = BTreeSet::new();
    let mut found = Vec::new();
    if place.case.body.steps.is_empty() {
        let help = "leave it out for create, start, wait, delete".to_owned();
        found.push(place.at(
            &["steps"],
            "a case without steps runs nothing".to_owned(),
            Some(help),
        ));
    }
    if place.case.body.repeat == Some(0) {
        found.push(place.at(
            &["repeat"],
            "a case that is run 0 times shows nothing".to_owned(),
            None,
        ));
    }
    for (index, step) in place.case.body.steps.iter().enumerate() {
        let index = index.to_string();
        let mut wrong = |message: String| found.push(place.at(&["steps", &index], message, None));
        container(step, &mut made, &mut wrong);
        options(step, &mut wrong);
        if let Some(extra) = &step.options.config
            && let Err(error) = merge(&mut config.clone(), extra)
        {
            found.push(place.at(
                &["steps", &index, step.op.name(), "config"],
                error.to_string(),
                None,
            ));
        }
        found.extend(signal(place, &index, step, excuses));
    }
    found.extend(configs(place));
    found
}

fn container(step: &Step, made: &mut BTreeSet<String>, wrong: &mut impl FnMut(String)) {
    let container = step.container();
    if container.is_empty() || !container.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        wrong(format!(
            "`{container}` is not a container's name: letters, digits and `-`"
        ));
    }
    if step.op.makes_container() {
        made.insert(container.to_owned());
    } else if container != MAIN && !made.contains(container) {
        wrong(format!("no step before makes the container `{container}`"));
    }
}

/// A container has one bundle, whose config its lives share: the first would be made from the config of the last.
fn configs(place: Place<'_>) -> Vec<Diagnostic> {
    let mut configs = BTreeMap::new();
    let mut found = Vec::new();
    for (index, step) in place.case.body.steps.iter().enumerate() {
        if !step.op.makes_container() {
            continue;
        }
        let name = step.container();
        let config = &step.options.config;
        if *configs.entry(name).or_insert(config) != config {
            let message = format!("`{name}` is made before from another config, and its bundle has only one");
            let help = "name another container: `as: second`".to_owned();
            found.push(place.at(&["steps", &index.to_string()], message, Some(help)));
        }
    }
    found
}

fn options(step: &Step, wrong: &mut impl FnMut(String)) {
    let of_process = matches!(step.op, Op::Exec | Op::Run);
    match step.op {
        _ if of_process && step.options.expect == Some(Outcome::Error) => {
            wrong(
                "the exit status of exec and run is the process's: expect `lifecycle.exec.exit`".to_owned(),
            );
        }
        // Every output has the empty text.
        Op::Await if step.options.stdout.as_ref().is_none_or(String::is_empty) => {
            wrong("await needs a text: `await: {stdout: ready}`".to_owned());
        }
        Op::Update if step.options.resources.is_none() => wrong("update needs `resources`".to_owned()),
        _ => {}
    }
    if step
        .options
        .limit
        .is_some_and(|limit| !(0.01..=600.0).contains(&limit))
    {
        wrong("a limit is between 0.01 and 600 seconds".to_owned());
    }
    for (option, there, takers) in [
        ("signal", step.options.signal.is_some(), &[Op::Kill][..]),
        ("force", step.options.force, &[Op::Delete]),
        ("process", step.options.process.is_some(), &[Op::Exec]),
        ("resources", step.options.resources.is_some(), &[Op::Update]),
        ("stdout", step.options.stdout.is_some(), &[Op::Await]),
        ("config", step.options.config.is_some(), &[Op::Create, Op::Run]),
    ] {
        if there && !takers.contains(&step.op) {
            let takers: Vec<&str> = takers.iter().map(|op| op.name()).collect();
            wrong(format!(
                "`{option}` is of {}, and {} does not take it",
                takers.join(" and "),
                step.op
            ));
        }
    }
}

fn signal(place: Place<'_>, index: &str, step: &Step, excuses: &Excuses) -> Option<Diagnostic> {
    let text = step.options.signal.as_ref()?;
    let help = names::signal(text)?;
    if excuses.holds(&place.case.body.invalid, "kill.signal") {
        return None;
    }
    let keys = ["steps", index, step.op.name(), "signal"];
    Some(place.at(&keys, format!("there is no signal `{text}`"), help))
}
