//! A sign that asks for nothing would explain whatever differs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ocidiff_model::facts::{self, Form, Kind};
use ocidiff_model::finding::{Applies, Context, Instead, Predicate, Sign};
use ocidiff_model::pattern::alternatives;
use ocidiff_model::{Channel, Value};
use serde_json::Value as Json;

use crate::corpus::check::slip::Slip;
use crate::machine::names::capability_names;

/// A sign that asks for nothing: it would be taken for the cause of whatever differs. `of_fact` are the rows of its fact.
pub(super) fn anything(sign: &Sign, applies: Option<&Applies>, of_fact: &[&Kind]) -> Option<Slip> {
    let asks_nothing = |conditions: &BTreeMap<String, Predicate>| {
        let mut all = conditions.iter();
        all.all(|(path, condition)| always_holds(condition, &kinds(path)))
    };
    let is_open = match &sign.instead {
        None => true,
        Some(Instead::Fits(condition)) => always_holds(condition, of_fact),
        Some(Instead::Is(value)) => *value == Value::from("*"),
    };
    let says_something = sign.is_placed()
        || !(always_holds(&sign.shows, of_fact)
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
fn kinds(path: &str) -> Vec<&'static Kind> {
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
    let lists = |items: &[&str]| {
        let lists = items.iter().map(|item| Value::List(vec![(*item).to_owned()]));
        lists.chain([Value::List(Vec::new())]).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    for form in kinds.iter().flat_map(|kind| &kind.values) {
        let mut values = match form {
            Form::Number => vec![Value::Int(0), Value::Int(255)],
            Form::Bool => vec![true.into(), false.into()],
            Form::Errno => texts(&["EPERM", "ENOENT"]),
            Form::Signal => texts(&["signal KILL", "signal TERM"]),
            Form::Text | Form::Words => texts(&["", "a text", "/another/one"]),
            Form::List => vec![Value::List(Vec::new()), Value::List(vec!["an item".to_owned()])],
            Form::Capabilities => {
                let names: Vec<String> = capability_names().iter().map(ToString::to_string).collect();
                vec![Value::List(Vec::new()), Value::List(names)]
            }
            Form::Signals => lists(&["HUP", "PIPE"]),
            Form::Denials => lists(&["mkdir EPERM", "fchmodat2 ENOSYS"]),
            Form::Departures => lists(&["every call: ALLOW [x32]", "negative numbers: ALLOW [i386]"]),
            Form::Word(_) => continue,
        };
        match form {
            Form::Text | Form::Words => values.extend(lacked.iter().map(|item| Value::from(item.as_str()))),
            form if form.is_list() => {
                values.extend(lacked.iter().map(|item| Value::List(vec![item.clone()])));
            }
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

/// Whether most workloads cannot meet it: most configs as they are usually written do not have what it asks for, or not
/// every case takes the step.
fn is_narrow(applies: &Applies) -> bool {
    let of_config = applies.config.as_ref().is_some_and(|pattern| {
        let met = USUAL.iter().filter(|config| pattern.fits(config)).count();
        2 * met < USUAL.len()
    });
    let defaults = ocidiff_model::Step::defaults();
    let of_steps = applies
        .steps
        .iter()
        .any(|op| defaults.iter().all(|step| step.op != *op));
    of_config || of_steps
}

/// Configs as they are usually written. What all of them have is asked of nobody in particular: of their values, no two
/// are the same where workloads differ.
// The text is part of the program, and is read by a test.
static USUAL: LazyLock<Vec<Json>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("usual.yaml")).unwrap_or_default());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::spec;

    #[test]
    fn the_usual_configs_are_as_the_spec_has_them_and_differ() {
        assert_eq!(USUAL.len(), 3);
        for config in USUAL.iter() {
            assert_eq!(spec::check("config", config, &[]), Vec::new());
        }
    }

    #[test]
    fn what_nearly_every_config_meets_does_not_narrow() {
        for (config, expected) in [
            ("{}", false),
            ("{process: '*'}", false),
            ("{process: {args: {$not: []}}}", false),
            ("{process: {args: [{$any: ['*']}]}}", false),
            ("{process: {args: {$not: [/no/such]}}}", false),
            ("{process: {user: {uid: {$above: -1}}}}", false),
            ("{process: {capabilities: '*'}}", false),
            ("{hostname: '*'}", false),
            ("{hostname: {$not: x}}", false),
            ("{hooks: null}", false),
            ("{linux: {resources: {}}}", false),
            ("{linux: {namespaces: [{type: mount}]}}", false),
            ("{mounts: [{destination: /proc}]}", false),
            ("{$any: [{hooks: '*'}, {hooks: null}]}", false),
            ("{process: {user: {uid: 0}}}", true),
            ("{process: {noNewPrivileges: true}}", true),
            ("{process: {terminal: '*'}}", true),
            ("{linux: {seccomp: '*'}}", true),
            ("{linux: {resources: {memory: {limit: '*'}}}}", true),
            ("{hooks: {prestart: ['*']}}", true),
            ("{hostname: null}", true),
        ] {
            let yaml = format!("{{config: {config}}}");
            let applies: Applies = serde_yaml::from_str(&yaml).expect(&yaml);
            assert_eq!(is_narrow(&applies), expected, "{config}");
        }
    }
}
