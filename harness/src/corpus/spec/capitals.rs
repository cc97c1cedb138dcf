//! Members of a config whose names are the spec's in other capitals: some runtimes take them for the spec's, and others
//! for unknown ones.

use ocidiff_model::names::is_alike;
use serde_json::Value;

use super::{Members, TYPES, Type, is_member};

/// The paths to such members, as they are written: `linux.Resources`.
pub(crate) fn in_other_capitals(config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk_named("config", config, &mut Vec::new(), &mut found);
    found
}

fn walk_named(name: &str, value: &Value, keys: &mut Vec<String>, found: &mut Vec<String>) {
    if let Some(of) = name.strip_prefix("list of ") {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            below(&index.to_string(), keys, |keys| walk_named(of, item, keys, found));
        }
    } else if let Some(of) = name.strip_prefix("map of ") {
        // The keys are names of the user's own.
        for (key, item) in value.as_object().into_iter().flatten() {
            below(key, keys, |keys| walk_named(of, item, keys, found));
        }
    } else if let Some(of) = TYPES.get(name) {
        walk(of, value, keys, found);
    }
}

fn walk(of: &Type, value: &Value, keys: &mut Vec<String>, found: &mut Vec<String>) {
    match of {
        Type::Named(name) => walk_named(name, value, keys, found),
        Type::Words(_) => {}
        Type::Members(members) => {
            for (key, value) in value.as_object().into_iter().flatten() {
                below(key, keys, |keys| member(members, key, value, keys, found));
            }
        }
    }
}

fn member(members: &Members, key: &str, value: &Value, keys: &mut Vec<String>, found: &mut Vec<String>) {
    match members.types.get(key) {
        Some(of) => walk(of, value, keys, found),
        // What is `null` is not there, whatever it is called.
        None if !value.is_null() && members.types.keys().any(|name| is_alike(key, name)) => {
            let names = keys.iter().filter(|key| is_member(key));
            found.push(names.map(String::as_str).collect::<Vec<_>>().join("."));
        }
        None => {}
    }
}

fn below(key: &str, keys: &mut Vec<String>, go: impl FnOnce(&mut Vec<String>)) {
    keys.push(key.to_owned());
    go(keys);
    keys.pop();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
