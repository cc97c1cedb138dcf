//! How a case's `config` is laid over the default one.
//!
//! RFC 7396 (JSON Merge Patch): maps merge, `null` removes, anything else replaces. Lists would have to be
//! written whole, so two kinds of key go beyond it: `mounts+` adds entries to `mounts`, and `mounts-` removes
//! each entry that has all the members of one of its patterns (`namespaces-: [{type: network}]`). Next to
//! `$profile` they change the profile's lists, which are not here yet: they stay as they are.

use serde_json::{Map, Value};

/// What is wrong with a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// `NAME+` and `NAME-` take lists.
    #[error("`{key}` takes a list")]
    TakesList {
        /// The key, with those that it lies in.
        key: String,
    },
    /// And so must what they change.
    #[error("`{key}` changes a list, but `{name}` is not one")]
    ChangesNoList {
        /// The key, with those that it lies in.
        key: String,
        /// What it changes.
        name: String,
    },
    /// A pattern is misspelt, or no longer needed.
    #[error("`{key}` takes away nothing: no entry has {pattern}")]
    TakesAwayNothing {
        /// The key, with those that it lies in.
        key: String,
        /// The pattern, as JSON.
        pattern: String,
    },
}

/// Lays `patch` over `target`.
///
/// # Errors
/// It changes a list that is not one, by what is not one, or to no effect.
pub fn merge(target: &mut Value, patch: &Value) -> Result<(), MergeError> {
    merge_at(target, patch, "")
}

fn merge_at(target: &mut Value, patch: &Value, path: &str) -> Result<(), MergeError> {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return Ok(());
    };
    let of_profile = patch.contains_key("$profile");
    for (key, value) in patch {
        if of_profile && key.ends_with(['+', '-']) {
            target.insert(key.clone(), value.clone());
            continue;
        }
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if let Some(name) = key.strip_suffix('+') {
            list(target, name, &here)?.extend(entries(value, &here)?.iter().cloned());
        } else if let Some(name) = key.strip_suffix('-') {
            let patterns = entries(value, &here)?;
            take_away(list(target, name, &here)?, patterns, &here)?;
        } else if value.is_null() {
            target.shift_remove(key);
        } else {
            merge_at(target.entry(key.clone()).or_insert(Value::Null), value, &here)?;
        }
    }
    Ok(())
}

/// Each pattern must remove something: one that does not is misspelt, or no longer needed.
fn take_away(list: &mut Vec<Value>, patterns: &[Value], path: &str) -> Result<(), MergeError> {
    let idle = patterns
        .iter()
        .find(|pattern| !list.iter().any(|entry| matches(entry, pattern)));
    if let Some(idle) = idle {
        return Err(MergeError::TakesAwayNothing {
            key: path.to_owned(),
            pattern: idle.to_string(),
        });
    }
    list.retain(|entry| !patterns.iter().any(|pattern| matches(entry, pattern)));
    Ok(())
}

fn entries<'a>(value: &'a Value, path: &str) -> Result<&'a Vec<Value>, MergeError> {
    value
        .as_array()
        .ok_or_else(|| MergeError::TakesList { key: path.to_owned() })
}

fn list<'a>(
    target: &'a mut Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<&'a mut Vec<Value>, MergeError> {
    let entry = target
        .entry(name.to_owned())
        .or_insert_with(|| Value::Array(Vec::new()));
    entry.as_array_mut().ok_or_else(|| MergeError::ChangesNoList {
        key: path.to_owned(),
        name: name.to_owned(),
    })
}

/// Whether `entry` has everything that `pattern` says; a pattern that is not a map must be equal.
fn matches(entry: &Value, pattern: &Value) -> bool {
    match (entry, pattern) {
        (Value::Object(entry), Value::Object(pattern)) => pattern
            .iter()
            .all(|(key, value)| entry.get(key).is_some_and(|found| matches(found, value))),
        _ => entry == pattern,
    }
}

/// Puts `text` in place of `${for}` in every string and key.
#[must_use]
pub fn substitute(value: &Value, text: &str) -> Value {
    let replace = |from: &str| from.replace("${for}", text);
    match value {
        Value::String(from) => Value::String(replace(from)),
        Value::Array(items) => Value::Array(items.iter().map(|item| substitute(item, text)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, item)| (replace(key), substitute(item, text)))
                .collect(),
        ),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch).expect("merge");
        target
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn rfc_7396_examples() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            assert_eq!(merged(target, &patch), result);
        }
    }

    #[test]
    fn plus_adds_and_minus_takes_away() {
        let base = json!({"ns": [{"type": "pid"}, {"type": "network", "path": "/x"}]});
        let patch = json!({"ns-": [{"type": "network"}], "ns+": [{"type": "user"}], "new+": [1]});
        assert_eq!(
            merged(base, &patch),
            json!({"ns": [{"type": "pid"}, {"type": "user"}], "new": [1]})
        );
    }

    #[test]
    fn what_takes_away_nothing_is_an_error() {
        let mut base = json!({"ns": [{"type": "pid"}]});
        let error =
            merge(&mut base, &json!({"ns-": [{"type": "pid"}, {"type": "netwrok"}]})).expect_err("idle");
        assert_eq!(
            error.to_string(),
            r#"`ns-` takes away nothing: no entry has {"type":"netwrok"}"#
        );
    }

    #[test]
    fn lists_of_a_profile_are_changed_once_it_is_there() {
        let patch = json!({"$profile": "p", "syscalls+": [1]});
        assert_eq!(merged(json!({}), &patch), patch);
    }

    #[test]
    fn plus_on_something_else_names_the_key() {
        let mut base = json!({"a": {"b": 1}});
        let error = merge(&mut base, &json!({"a": {"b+": [1]}})).expect_err("no list");
        assert_eq!(error.to_string(), "`a.b+` changes a list, but `b` is not one");
    }

    #[test]
    fn the_member_of_a_family_is_put_into_strings_and_keys() {
        assert_eq!(
            substitute(&json!({"x.${for}": ["${for}!"]}), "y"),
            json!({"x.y": ["y!"]})
        );
    }
}
