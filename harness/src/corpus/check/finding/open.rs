//! A sign that asks for nothing would explain whatever differs.

use std::collections::BTreeMap;

use ocidiff_model::facts::{self, Form, Kind};
use ocidiff_model::finding::{Applies, Context, Instead, Predicate, Sign};
use ocidiff_model::pattern::alternatives;
use ocidiff_model::{Channel, Value};
use serde_json::{Value as Json, json};

use crate::corpus::check::slip::Slip;
use crate::machine::names::capability_names;

/// A sign that asks for nothing: it would be taken for the cause of whatever differs.
pub(super) fn anything(sign: &Sign, applies: Option<&Applies>) -> Option<Slip> {
    let asks_nothing = |conditions: &BTreeMap<String, Predicate>| {
        let mut all = conditions.iter();
        all.all(|(path, condition)| always_holds(condition, &kinds(path)))
    };
    let of_fact = kinds(&sign.fact);
    let is_open = match &sign.instead {
        None => true,
        Some(Instead::Fits(condition)) => always_holds(condition, &of_fact),
        Some(Instead::Is(value)) => *value == Value::from("*"),
    };
    let says_something = sign.is_placed()
        || !(always_holds(&sign.shows, &of_fact)
            && is_open
            && asks_nothing(&sign.beside)
            && asks_nothing(&sign.others));
    let is_every_channel = || {
        Channel::ALL.iter().all(|channel| {
            let mut of_channel = facts::kinds().filter(|kind| kind.channel() == Some(*channel));
            of_channel.all(|kind| kind.examples().iter().all(|path| sign.is_about(path)))
        })
    };
    if says_something || (applies.is_some_and(is_narrow) && !is_every_channel()) {
        return None;
    }
    let message = "this sign would explain whatever differs under the component".to_owned();
    let help = "say which fact and which value, and which workloads (`applies`)".to_owned();
    Some((message, Some(help)))
}

/// The rows of the facts that a path with `*` and `{a,b}` can name.
pub(super) fn kinds(path: &str) -> Vec<&'static Kind> {
    alternatives(path)
        .iter()
        .flat_map(|path| facts::named(path))
        .collect()
}

/// A condition that any value meets, or any two of the values that one of the facts can have.
fn always_holds(condition: &Predicate, kinds: &[&Kind]) -> bool {
    let is_star = |text: &str| !text.is_empty() && text.chars().all(|letter| letter == '*');
    let context = Context {
        config: &Json::Null,
        facts: &[],
    };
    let holds = |values: &Vec<Value>| values.iter().all(|value| condition.fits(Some(value), &context));
    match condition {
        Predicate::Any(any) => *any,
        Predicate::Absent(absent) => !*absent,
        Predicate::Is(Value::Text(text)) | Predicate::Has(text) if is_star(text) => true,
        Predicate::Matches(text) if alternatives(text).iter().any(|one| is_star(one)) => true,
        Predicate::OneOf(all)
            if all
                .iter()
                .any(|value| matches!(value, Value::Text(text) if is_star(text))) =>
        {
            true
        }
        _ => arbitrary(condition, kinds).iter().any(holds),
    }
}

/// Two values or more of each form that the facts can have, as unlike each other as they can be.
fn arbitrary(condition: &Predicate, kinds: &[&Kind]) -> Vec<Vec<Value>> {
    // What a text or a list is asked to lack can be in it.
    let lacked: Vec<String> = match condition {
        Predicate::Lacks(item) => vec![item.replace('*', "")],
        _ => Vec::new(),
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>();
    let mut all = Vec::new();
    for form in kinds.iter().flat_map(|kind| &kind.values) {
        let mut values = match form {
            Form::Number => vec![Value::Int(0), Value::Int(255)],
            Form::Bool => vec![true.into(), false.into()],
            Form::Errno => texts(&["EPERM", "ENOENT"]),
            Form::Signal => texts(&["signal KILL", "signal TERM"]),
            Form::Text => texts(&["", "a text", "/another/one"]),
            Form::List => vec![Value::List(Vec::new()), Value::List(vec!["an item".to_owned()])],
            Form::Capabilities => {
                let names: Vec<String> = capability_names().iter().map(ToString::to_string).collect();
                vec![Value::List(Vec::new()), Value::List(names)]
            }
            Form::Word(_) => continue,
        };
        match form {
            Form::Text => values.extend(lacked.iter().map(|item| Value::from(item.as_str()))),
            Form::List => values.extend(lacked.iter().map(|item| Value::List(vec![item.clone()]))),
            _ => {}
        }
        all.push(values);
    }
    let words = |kind: &&&Kind| {
        let words = kind.values.iter().filter_map(|form| match form {
            Form::Word(word) => Some(Value::from(word.as_str())),
            _ => None,
        });
        words.collect::<Vec<_>>()
    };
    all.extend(
        kinds
            .iter()
            .map(|kind| words(&kind))
            .filter(|words| words.len() > 1),
    );
    all
}

/// Whether some workloads cannot meet it: a member of the config is asked for, or a step that not every case has.
fn is_narrow(applies: &Applies) -> bool {
    let asks = |pattern: &Json| match pattern {
        Json::Object(map) => !map.is_empty(),
        _ => true,
    };
    // What every config has, whatever it is.
    let least = json!({
        "ociVersion": "1.0.2", "root": {"path": "rootfs"},
        "process": {"args": ["a"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
    });
    let of_config = applies
        .config
        .as_ref()
        .is_some_and(|pattern| asks(pattern.value()) && !(is_any(pattern.value()) && pattern.fits(&least)));
    let defaults = ocidiff_model::Step::defaults();
    let of_steps = applies
        .steps
        .iter()
        .any(|op| defaults.iter().all(|step| step.op != *op));
    of_config || of_steps
}

/// Whether it asks for members only, and for nothing of their values.
fn is_any(pattern: &Json) -> bool {
    match pattern {
        Json::Object(map) => map
            .iter()
            .all(|(key, inner)| !key.starts_with('$') && is_any(inner)),
        Json::Array(items) => !items.is_empty() && items.iter().all(is_any),
        Json::String(text) => text == "*",
        _ => false,
    }
}
