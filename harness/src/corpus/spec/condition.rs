//! Conditions over a config (`applies` of findings): each part of one must be something that a config as the spec has it
//! can hold, as a case's config must. Only what stands for any value is looked through.

use ocidiff_model::pattern::glob;
use serde_json::{Map, Value};

use super::{Members, TYPES, Type, Walk, Wrong, unknown};

/// Everything in a condition over a config that no config as the spec has it can meet.
pub(crate) fn check_pattern(pattern: &Value) -> Vec<Wrong> {
    let mut walk = Walk::default();
    condition(pattern, Of::Name("config"), &mut walk);
    walk.found
}

/// The name of a type, or a type without one.
#[derive(Clone, Copy)]
enum Of {
    Name(&'static str),
    Type(&'static Type),
}

/// What a type comes to.
enum Is {
    Members(&'static Members),
    Map(&'static str),
    List(&'static str),
    Words(&'static [String]),
    Number,
    /// Any text, or a text of some form.
    Text,
    Bool,
    /// What the table does not know.
    Any,
}

impl Of {
    fn is(self) -> Is {
        match self {
            Self::Type(Type::Members(members)) => Is::Members(members),
            Self::Type(Type::Words(words)) => Is::Words(words),
            Self::Type(Type::Named(name)) => Self::Name(name).is(),
            Self::Name(name) => match (name.strip_prefix("list of "), name.strip_prefix("map of ")) {
                (Some(of), _) => Is::List(of),
                (_, Some(of)) => Is::Map(of),
                _ => match name {
                    "any" => Is::Any,
                    "bool" => Is::Bool,
                    "text" | "call" | "version" | "access" => Is::Text,
                    name => TYPES.get(name).map_or(Is::Number, |of| Self::Type(of).is()),
                },
            },
        }
    }
}

fn condition(pattern: &Value, of: Of, walk: &mut Walk) {
    match pattern {
        Value::Null => {}
        Value::String(text) if text == "*" => {}
        Value::String(text) if text.contains('*') => open(text, pattern, of, walk),
        Value::Array(items) => match of.is() {
            Is::List(entry) => {
                for (index, item) in items.iter().enumerate() {
                    walk.within(&index.to_string(), |walk| condition(item, Of::Name(entry), walk));
                }
            }
            _ => literal(pattern, of, walk),
        },
        Value::Object(map) => match map.iter().next() {
            Some((name, inner)) if name.starts_with('$') => operator(name, inner, pattern, of, walk),
            _ => members(map, pattern, of, walk),
        },
        _ => literal(pattern, of, walk),
    }
}

/// A value as a config could have it. What says no word is meant as it is: a text in place of a number is `"**"`, a list
/// in place of a map `["*"]`.
fn literal(pattern: &Value, of: Of, walk: &mut Walk) {
    match of {
        _ if is_open(pattern) => {}
        Of::Type(of) => walk.of(of, pattern),
        Of::Name(name) => walk.named(name, pattern),
    }
}

/// Whether a condition asks for a kind of value, and for nothing that is in it.
fn is_open(pattern: &Value) -> bool {
    let is_star = |text: &str| text.chars().all(|letter| letter == '*');
    match pattern {
        Value::String(text) => !text.chars().any(char::is_alphanumeric),
        Value::Array(items) => items.iter().all(is_open),
        Value::Object(map) => map.iter().all(|(name, inner)| match name.as_str() {
            "$above" | "$below" | "$semver" | "$twice" => true,
            name => (name.starts_with('$') || is_star(name)) && is_open(inner),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A text with `*`: it stands for texts only.
fn open(text: &str, pattern: &Value, of: Of, walk: &mut Walk) {
    match of.is() {
        Is::Text | Is::Any => {}
        Is::Words(words) if words.iter().any(|word| glob(text, word)) => {}
        _ => literal(pattern, of, walk),
    }
}

/// `{$not: P}` and the like.
fn operator(name: &str, inner: &Value, pattern: &Value, of: Of, walk: &mut Walk) {
    walk.within(name, |walk| match (name, of.is()) {
        ("$not", _) => condition(inner, of, walk),
        ("$any", _) => {
            for (index, one) in inner.as_array().into_iter().flatten().enumerate() {
                walk.within(&index.to_string(), |walk| condition(one, of, walk));
            }
        }
        (_, Is::Any) | ("$above" | "$below", Is::Number) | ("$semver", Is::Text) => {}
        ("$twice", Is::List(entry)) => twice(inner, Of::Name(entry), walk),
        _ => literal(pattern, of, walk),
    });
}

/// The member that two entries have alike.
fn twice(member: &Value, entry: Of, walk: &mut Walk) {
    let Some(name) = member.as_str().filter(|name| *name != "*") else {
        return;
    };
    match entry.is() {
        Is::Members(members) if !members.types.contains_key(name) => {
            let keys = [&walk.keys[..], &[name.to_owned()]].concat();
            walk.found.push(unknown(&keys, name, members));
        }
        Is::Members(_) | Is::Map(_) | Is::Any => {}
        _ => walk.wrong("no maps; `*` is for entries that are the same", member),
    }
}

fn members(map: &Map<String, Value>, pattern: &Value, of: Of, walk: &mut Walk) {
    match of.is() {
        Is::Members(members) => {
            for (key, inner) in map {
                walk.within(key, |walk| member(key, inner, members, walk));
            }
        }
        Is::Map(entry) => {
            for (key, inner) in map {
                walk.within(key, |walk| condition(inner, Of::Name(entry), walk));
            }
        }
        Is::Any => {}
        _ => literal(pattern, of, walk),
    }
}

/// A member, or with `*` all that have such a name: one of them must be able to be so. A name with `*` can also be about
/// what the spec does not have, except below `hooks`, where it stands for the spec's only.
fn member(key: &str, inner: &Value, members: &'static Members, walk: &mut Walk) {
    if !key.contains('*') {
        match members.types.get(key) {
            Some(of) => condition(inner, Of::Type(of), walk),
            None => walk.found.push(unknown(&walk.keys, key, members)),
        }
        return;
    }
    if walk.is_below("hooks") && !members.types.keys().any(|name| glob(key, name)) {
        return walk.found.push(unknown(&walk.keys, key, members));
    }
    let meant = members.types.iter().filter(|(name, _)| glob(key, name));
    let mut told = meant.map(|(_, of)| {
        let mut inside = Walk {
            keys: walk.keys.clone(),
            ..Walk::default()
        };
        condition(inner, Of::Type(of), &mut inside);
        inside.found
    });
    let first = told.next().unwrap_or_default();
    if !first.is_empty() && told.all(|found| !found.is_empty()) {
        walk.found.extend(first);
    }
}
