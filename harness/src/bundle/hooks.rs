//! Hooks of an untrusted bundle: commands that every runtime runs as root, outside the container.
//!
//! They are removed from the copy, however a runtime's reader would find them: Go's accepts members in any case. A text
//! that is not JSON to us may be JSON to others.

use ocidiff_model::names::{folded, is_alike};
use serde_json::{Map, Value};

/// A config without hooks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hookless {
    /// The text: unchanged, to the byte, if it has no hooks.
    pub(crate) config: String,
    /// How many hooks were removed.
    pub(crate) count: usize,
}

/// The config without its hooks.
///
/// # Errors
/// A sentence: it is not JSON, and there may be hooks in it.
pub(crate) fn without_hooks(config: &str) -> Result<Hookless, String> {
    let as_it_is = |count| Hookless {
        config: config.to_owned(),
        count,
    };
    let mut value: Value = match serde_json::from_str(config) {
        Ok(value) => value,
        Err(error) if may_name_hooks(config) => {
            return Err(format!(
                "config.json is not JSON ({error}), and it may have hooks all the same; --hooks gives it to the \
                 runtimes as it is"
            ));
        }
        Err(_) => return Ok(as_it_is(0)),
    };
    let Some(members) = value.as_object_mut() else {
        return Ok(as_it_is(0));
    };
    let taken = take(members);
    if taken.is_empty() {
        return Ok(as_it_is(0));
    }
    let count = taken.values().map(count).sum();
    let config = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())?;
    Ok(Hookless { config, count })
}

/// Takes out what a runtime would read as the hooks of a config, by the names that it has there.
pub(crate) fn take(config: &mut Map<String, Value>) -> Map<String, Value> {
    let names = config.keys().filter(|name| is_alike(name, "hooks"));
    let names: Vec<String> = names.cloned().collect();
    let taken = names.iter().filter_map(|name| config.shift_remove_entry(name));
    taken.collect()
}

/// Whether the text contains the word, or an escape that may hide it.
fn may_name_hooks(text: &str) -> bool {
    let folded: String = text.chars().map(folded).collect();
    folded.contains("hooks") || folded.contains("\\u")
}

fn count(hooks: &Value) -> usize {
    let kinds = hooks.as_object().into_iter().flat_map(|kinds| kinds.values());
    kinds.map(|kind| kind.as_array().map_or(1, Vec::len)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_found_however_they_are_written() {
        for name in ["hooks", "Hooks", "HOOKS", "hoo\u{212a}\u{17f}", "h\\u006foks"] {
            let config = format!(r#"{{"a": 1, "{name}": {{"prestart": [{{}}, {{}}], "poststop": [{{}}]}}}}"#);
            let without = without_hooks(&config).expect("JSON");
            assert_eq!(without.count, 3, "{name}");
            assert_eq!(without.config, "{\n  \"a\": 1\n}", "{name}");
        }
        let twice = r#"{"hooks": {"prestart": [{}]}, "hooks": {"poststop": [{}]}}"#;
        assert_eq!(without_hooks(twice).expect("JSON").config, "{}");
    }

    #[test]
    fn a_config_without_hooks_stays_as_it_is_to_the_byte() {
        for config in [r#"{ "a":1,"linux": {"hooks":[]}}"#, "[1]", "no config at all", ""] {
            let without = without_hooks(config).expect(config);
            assert_eq!((without.config.as_str(), without.count), (config, 0));
        }
    }

    #[test]
    fn what_is_no_json_to_us_may_be_to_a_runtime() {
        for config in ["{\"hooks\": {}} x", "{\"HOOKS\": {},}", "{\"h\\u006foks\": 1,}"] {
            assert!(without_hooks(config).is_err(), "{config}");
        }
    }
}
