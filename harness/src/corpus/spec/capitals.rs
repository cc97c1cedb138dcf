//! Members of a config whose names are the spec's in other capitals: some runtimes take them for the spec's, and others
//! for unknown ones.

use ocidiff_model::names::is_alike;
use serde_json::{Map, Value};

use super::{Members, TYPES, Type, Walk};

/// The paths to such members, as they are written: `linux.Resources`.
pub(crate) fn in_other_capitals(config: &Value) -> Vec<String> {
    let mut walk = Walk::default();
    walk.named("config", config);
    walk.alike
}

/// The config as a runtime reads it that takes such members for the spec's; `None` if there are none.
pub(crate) fn without_case(config: &Value) -> Option<Value> {
    Some(named("config", config)).filter(|read| read != config)
}

fn named(name: &str, value: &Value) -> Value {
    let of_list = name.strip_prefix("list of ");
    match (of_list, name.strip_prefix("map of "), value) {
        (Some(of), _, Value::Array(items)) => items.iter().map(|item| named(of, item)).collect(),
        (_, Some(of), Value::Object(map)) => {
            let entries = map.iter().map(|(key, item)| (key.clone(), named(of, item)));
            Value::Object(entries.collect())
        }
        _ => TYPES
            .get(name)
            .map_or_else(|| value.clone(), |of| typed(of, value)),
    }
}

fn typed(of: &Type, value: &Value) -> Value {
    match (of, value) {
        (Type::Named(name), _) => named(name, value),
        (Type::Members(members), Value::Object(map)) => members_of(members, map),
        _ => value.clone(),
    }
}

fn members_of(members: &Members, map: &Map<String, Value>) -> Value {
    let mut read = Map::new();
    for (key, value) in map {
        let alike = || members.types.iter().find(|(name, _)| is_alike(key, name));
        match members.types.get_key_value(key).or_else(alike) {
            Some((name, of)) => lay_over(read.entry(name.as_str()).or_insert(Value::Null), typed(of, value)),
            None => drop(read.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(read)
}

/// Go's encoding/json reads a member that comes again into what it has: a map is added to, and the rest is replaced.
fn lay_over(before: &mut Value, again: Value) {
    match (before, again) {
        (Value::Object(before), Value::Object(again)) => {
            for (key, value) in again {
                lay_over(before.entry(key).or_insert(Value::Null), value);
            }
        }
        (before, again) => *before = again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reader_without_case_takes_them_for_the_spec_s() {
        for (config, read) in [
            (
                json!({"linux": {"maskedPaths": ["/a"]}, "annotations": {"Hooks": "x"}}),
                None,
            ),
            (
                json!({"Linux": {"MASKEDPATHS": ["/a"], "odd": 1}}),
                Some(json!({"linux": {"maskedPaths": ["/a"], "odd": 1}})),
            ),
            (
                json!({"mounts": [{"Destination": "/a", "Options": ["ro"]}]}),
                Some(json!({"mounts": [{"destination": "/a", "options": ["ro"]}]})),
            ),
            // The last one counts.
            (
                json!({"linux": {"maskedPaths": ["/a"], "MaskedPaths": ["/b"]}}),
                Some(json!({"linux": {"maskedPaths": ["/b"]}})),
            ),
            (
                json!({"linux": {"maskedpaths": ["/a"], "MaskedPaths": ["/b"], "maskedPaths": ["/c"]}}),
                Some(json!({"linux": {"maskedPaths": ["/c"]}})),
            ),
            (
                json!({"process": {"user": {"uid": 1}}, "Process": {"User": {"GID": 2}}}),
                Some(json!({"process": {"user": {"uid": 1, "gid": 2}}})),
            ),
        ] {
            assert_eq!(without_case(&config), read, "{config}");
        }
    }

    #[test]
    fn only_the_spec_s_own_names_are_found() {
        for (config, paths) in [
            (json!({"Process": {"args": []}}), vec!["Process"]),
            (json!({"OCIVersion": "1.0.2"}), vec!["OCIVersion"]),
            (
                json!({"linux": {"Resources": {}, "maskedpaths": []}}),
                vec!["linux.Resources", "linux.maskedpaths"],
            ),
            (json!({"process": {"user": {"UID": 1}}}), vec!["process.user.UID"]),
            (
                json!({"mounts": [{"destination": "/"}, {"Options": ["ro"]}]}),
                vec!["mounts.Options"],
            ),
            (
                json!({"linux": {"\u{17f}eccomp": {}}}),
                vec!["linux.\u{17f}eccomp"],
            ),
            // Others are nobody's, or a user's own.
            (
                json!({"annotations": {"Hooks": "x"}, "linux": {"sysctl": {"Kernel": "1"}}}),
                vec![],
            ),
            (json!({"ociVersion": "1", "prozess": {}, "Linux": null}), vec![]),
            (json!([]), vec![]),
        ] {
            assert_eq!(in_other_capitals(&config), paths, "{config}");
        }
    }
}
