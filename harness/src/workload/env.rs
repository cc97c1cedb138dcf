//! The environment of the probe's copy: its values are private, and its form is what runtimes look at.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::secrets::digest;

/// Variables that a runtime supplies when they are missing.
const MADE_UP: [&str; 2] = ["HOME", "PATH"];

/// Replaces each value with a digest. An entry without `=` stays like that: some runtimes refuse it.
pub(super) fn disguise(list: &mut [Value]) {
    for one in list {
        *one = match one.as_str().and_then(|text| text.split_once('=')) {
            Some((name, value)) => format!("{name}={}", digest(value)).into(),
            // An empty entry has nothing to hide.
            None => match one.as_str() {
                Some("") => String::new().into(),
                text => digest(text.unwrap_or_default()).into(),
            },
        };
    }
}

/// What a runtime does with an environment besides passing it on, in words: entries that are there twice, have no name,
/// or are not variables at all.
pub(crate) fn form(list: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut form = BTreeSet::new();
    for one in list.as_array().into_iter().flatten() {
        let Some((name, _)) = one.as_str().and_then(|text| text.split_once('=')) else {
            form.insert("no variable".to_owned());
            continue;
        };
        if name.is_empty() {
            form.insert("no name".to_owned());
        }
        if one.as_str().is_some_and(|text| text.contains('\0')) {
            form.insert("a zero byte".to_owned());
        }
        if !names.insert(name) {
            form.insert("twice".to_owned());
        }
    }
    let known = MADE_UP.iter().filter(|name| names.contains(**name));
    form.extend(known.map(|name| format!("has {name}")));
    form
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_hidden_and_the_form_stays() {
        let mut list = [json!("A=secret"), json!("secret"), json!("=secret"), json!("B=")];
        disguise(&mut list);
        let text = json!(list).to_string();
        assert!(
            !text.contains("secret") && text.contains("\"A=") && text.contains("\"B="),
            "{text}"
        );
        assert!(list[1].as_str().is_some_and(|one| !one.contains('=')), "{text}");
        assert!(list[2].as_str().is_some_and(|one| one.starts_with('=')), "{text}");
    }

    #[test]
    fn the_form_is_what_runtimes_look_at() {
        let of = |list: Value| form(&list).into_iter().collect::<Vec<_>>().join(", ");
        assert_eq!(of(json!(["A=1", "B=2"])), "");
        assert_eq!(of(json!(["PATH=/bin", "A=1", "A=2"])), "has PATH, twice");
        assert_eq!(
            of(json!(["A", "=1", "HOME=/\0"])),
            "a zero byte, has HOME, no name, no variable"
        );
        assert_eq!(form(&Value::Null), BTreeSet::new());
    }
}
