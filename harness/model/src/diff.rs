//! What a case must say so that its config becomes a given one: the inverse of [`crate::merge`].

use serde_json::{Map, Value, json};

use crate::merge::merge;

/// What no patch can say: `null`, and a key that ends with `+` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be expressed as a difference")]
pub struct DiffError(String);

/// What to lay over `base` so that it becomes `target`. A list is written in full, or as what is removed from it and
/// added to it, whichever is shorter.
///
/// # Errors
/// The target contains something that no patch can express.
pub fn diff(base: &Value, target: &Value) -> Result<Value, DiffError> {
    at(base, target, "")
}

fn at(base: &Value, target: &Value, path: &str) -> Result<Value, DiffError> {
    let Value::Object(target) = target else {
        return Ok(target.clone());
    };
    let nothing = Map::new();
    let base = base.as_object().unwrap_or(&nothing);
    let mut patch = Map::new();
    for key in base.keys().filter(|key| !target.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, wanted) in target {
        let here = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if wanted.is_null() || key.ends_with(['+', '-']) {
            return Err(DiffError(here));
        }
        let found = base.get(key);
        if found == Some(wanted) {
            continue;
        }
        match (found, wanted) {
            (Some(Value::Array(old)), Value::Array(new)) => patch.extend(list(key, old, new)),
            (found, wanted) => {
                patch.insert(key.clone(), at(found.unwrap_or(&Value::Null), wanted, &here)?);
            }
        }
    }
    Ok(Value::Object(patch))
}

/// The list in full, or its two changes.
fn list(key: &str, old: &[Value], new: &[Value]) -> Map<String, Value> {
    let whole = Map::from_iter([(key.to_owned(), Value::from(new))]);
    let (gone, added) = changes(old, new);
    let mut parts = Map::new();
    if !gone.is_empty() {
        parts.insert(format!("{key}-"), gone.into());
    }
    if !added.is_empty() {
        parts.insert(format!("{key}+"), added.into());
    }
    // Two equal entries cannot be distinguished: it is tried out.
    let mut tried = json!({ key: old });
    let parts = Value::Object(parts);
    let exact = merge(&mut tried, &parts).is_ok() && tried[key].as_array().is_some_and(|list| list == new);
    match parts {
        Value::Object(parts) if exact && length(&parts) < length(&whole) => parts,
        _ => whole,
    }
}

fn length(map: &Map<String, Value>) -> usize {
    map.iter()
        .map(|(key, value)| key.len() + value.to_string().len())
        .sum()
}

/// What must be removed from the old list so that the rest begins the new one, and what comes after that.
fn changes(old: &[Value], new: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let (mut gone, mut kept) = (Vec::new(), 0);
    for entry in old {
        if new.get(kept) == Some(entry) {
            kept += 1;
        } else {
            gone.push(entry);
        }
    }
    let stays = &new[..kept];
    let gone = gone.into_iter().map(|entry| pattern(entry, stays)).collect();
    (gone, new[kept..].to_vec())
}

/// The member that only this entry has, among those that stay; otherwise all of it.
fn pattern(entry: &Value, stays: &[Value]) -> Value {
    for name in ["type", "destination"] {
        if let Some(value) = entry.get(name)
            && stays.iter().all(|other| other.get(name) != Some(value))
        {
            return json!({ name: value });
        }
    }
    entry.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(base: &Value, target: &Value) -> Value {
        let patch = diff(base, target).expect("a patch");
        let mut laid = base.clone();
        merge(&mut laid, &patch).expect("merge");
        assert_eq!(&laid, target, "{patch}");
        patch
    }

    #[test]
    fn only_what_differs_is_said() {
        let base = json!({"a": {"b": 1, "c": 2}, "d": [1], "e": {"f": 1}});
        for (target, said) in [
            (base.clone(), json!({})),
            (
                json!({"a": {"b": 1, "c": 3}, "d": [1], "e": {"f": 1}}),
                json!({"a": {"c": 3}}),
            ),
            (
                json!({"a": {}, "d": {"x": {}}}),
                json!({"e": null, "a": {"b": null, "c": null}, "d": {"x": {}}}),
            ),
            (json!({"a": 1}), json!({"d": null, "e": null, "a": 1})),
        ] {
            assert_eq!(patch(&base, &target), said);
        }
    }

    #[test]
    fn lists_are_changed_where_that_is_shorter() {
        let base = json!({"ns": [{"type": "pid"}, {"type": "network"}, {"type": "mount"}]});
        let target = json!({"ns": [{"type": "pid"}, {"type": "mount"}, {"type": "user"}]});
        assert_eq!(
            patch(&base, &target),
            json!({"ns-": [{"type": "network"}], "ns+": [{"type": "user"}]})
        );
        for other in [
            json!([]),
            json!([{"type": "user"}]),
            json!([{"type": "mount"}, {"type": "pid"}]),
        ] {
            assert_eq!(patch(&base, &json!({"ns": other})), json!({"ns": other}));
        }
    }

    #[test]
    fn what_no_patch_can_say_is_told() {
        for target in [json!({"a": null}), json!({"x": {"a+": 1}}), json!({"a-": 1})] {
            assert!(diff(&json!({}), &target).is_err(), "{target}");
        }
        // In a list it can.
        patch(&json!({"a": 1}), &json!({"a": [null, {"x-": null}]}));
    }

    /// Every pair of small values from a generator without randomness.
    #[test]
    fn laid_over_the_base_it_gives_the_target() {
        let mut seed = 7;
        for _ in 0..5000 {
            let (base, target) = (object(&mut seed, 3), object(&mut seed, 3));
            patch(&base, &target);
            patch(&target, &base);
        }
    }

    fn next(seed: &mut u64, below: u64) -> u64 {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    fn object(seed: &mut u64, depth: u64) -> Value {
        let members = next(seed, 4);
        let members = (0..members).map(|_| {
            let key = ["a", "b", "c", "type", "destination"][usize::try_from(next(seed, 5)).expect("small")];
            (key.to_owned(), value(seed, depth))
        });
        Value::Object(members.collect())
    }

    fn value(seed: &mut u64, depth: u64) -> Value {
        match next(seed, if depth == 0 { 2 } else { 4 }) {
            0 => next(seed, 3).into(),
            1 => ["x", "y"][usize::try_from(next(seed, 2)).expect("small")].into(),
            2 => object(seed, depth - 1),
            _ => {
                let items = next(seed, 4);
                (0..items).map(|_| value(seed, depth - 1)).collect()
            }
        }
    }

    #[test]
    fn a_list_that_is_as_short_whole_is_written_whole() {
        // `{"a":["x"]}` and `{"a+":["x"]}` are equally long except for the sign.
        assert_eq!(
            patch(&json!({"a": []}), &json!({"a": ["x"]})),
            json!({"a": ["x"]})
        );
        let (old, new) = (json!({"a": ["1"]}), json!({"a": ["1", 2]}));
        let (whole, part) = (json!({"a": ["1", 2]}), json!({"a+": [2]}));
        assert_eq!(patch(&old, &new), part, "{whole} is longer");
    }

    #[test]
    fn a_list_that_is_as_short_by_what_it_loses_is_written_whole() {
        let (old, new) = (json!({"a": [11, 2]}), json!({"a": [11]}));
        assert_eq!(patch(&old, &new), new);
    }

    #[test]
    fn an_entry_that_another_is_equal_to_is_not_taken_away_alone() {
        let (old, new) = (json!({"a": ["x", "y", "x"]}), json!({"a": ["y", "x"]}));
        assert_eq!(patch(&old, &new), new);
    }

    #[test]
    fn an_entry_is_taken_away_by_what_it_alone_has() {
        let mount = |destination: &str, kind: &str| json!({"destination": destination, "type": kind, "options": ["ro", "nosuid"]});
        let mounts = |all: &[(&str, &str)]| {
            let all: Vec<Value> = all.iter().map(|(place, kind)| mount(place, kind)).collect();
            json!({ "mounts": all })
        };
        let base = mounts(&[("/proc", "proc"), ("/a", "tmpfs"), ("/b", "tmpfs")]);
        for (target, pattern) in [
            (
                mounts(&[("/a", "tmpfs"), ("/b", "tmpfs")]),
                json!({"type": "proc"}),
            ),
            (
                mounts(&[("/proc", "proc"), ("/b", "tmpfs")]),
                json!({"destination": "/a"}),
            ),
        ] {
            assert_eq!(patch(&base, &target), json!({ "mounts-": [pattern] }));
        }
    }
}
