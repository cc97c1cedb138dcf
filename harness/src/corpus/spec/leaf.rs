//! Words in a condition over a config that the member does not know, and that are like one that it does: findings can be
//! about values that the spec does not have, whatever their type.

use serde_json::Value;

use super::{TYPES, Type, Walk, Wrong};

/// Slips in the words that a condition gives for a member, outside of maps; the keys lead to the member.
pub(super) fn check(pattern: &Value, of: &'static Type, keys: &[String], found: &mut Vec<Wrong>) {
    let mut walk = Walk {
        keys: keys.to_vec(),
        found: Vec::new(),
    };
    value(pattern, Of::from(of), &mut walk);
    let is_slip = |wrong: &Wrong| {
        let help = wrong.help.as_deref().unwrap_or_default();
        help.starts_with("did you mean") && !is_recursive(help, wrong.value.as_ref())
    };
    found.extend(walk.found.into_iter().filter(is_slip));
}

/// Runtimes take mount(8)'s `rshared` beside `shared`.
fn is_recursive(help: &str, value: Option<&Value>) -> bool {
    let plain = value.and_then(|value| value.as_str()?.strip_prefix('r'));
    plain.is_some_and(|plain| help.contains(&format!("`{plain}`")))
}

/// The name of a type, or a type without one.
#[derive(Clone, Copy)]
enum Of {
    Name(&'static str),
    Type(&'static Type),
}

impl From<&'static Type> for Of {
    fn from(of: &'static Type) -> Self {
        match of {
            Type::Named(name) => Self::Name(name),
            other => Self::Type(other),
        }
    }
}

fn value(pattern: &Value, of: Of, walk: &mut Walk) {
    match pattern {
        Value::Array(items) => {
            if let Some(entry) = entry_of(of) {
                items.iter().for_each(|item| value(item, entry, walk));
            }
        }
        Value::Object(map) => {
            for (key, inner) in map {
                match key.as_str() {
                    "$not" => value(inner, of, walk),
                    "$any" => {
                        let all = inner.as_array().into_iter().flatten();
                        all.for_each(|one| value(one, of, walk));
                    }
                    _ => {}
                }
            }
        }
        Value::Null => {}
        Value::String(text) if text.contains('*') => {}
        _ => literal(pattern, of, walk),
    }
}

fn literal(pattern: &Value, of: Of, walk: &mut Walk) {
    match of {
        Of::Type(of) => walk.of(of, pattern),
        Of::Name(name) => walk.named(name, pattern),
    }
}

/// What the entries of a list are.
fn entry_of(of: Of) -> Option<Of> {
    let Of::Name(name) = of else { return None };
    match name.strip_prefix("list of ") {
        Some(entry) => Some(Of::Name(entry)),
        None => entry_of(Of::from(TYPES.get(name)?)),
    }
}
