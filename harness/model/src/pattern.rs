//! A condition over a `config.json`: a part of one, written as a case writes its config.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::names::HOOKS;

/// A part that a config must have.
///
/// - a map: each of its members must fit; a name with `*` stands for any that fits (below `hooks`, for those that the spec
///   names: no runtime runs others); `null` asks that the member is not there
/// - a list: each of its items must fit one of the config's list, in any order; `[]` asks for an empty list
/// - a text: the same text, where `*` stands for anything; `"*"` alone for any value at all
/// - a number, `true`, `false`: the same
/// - `{$not: PATTERN}`, `{$any: [PATTERN, ...]}`, `{$above: NUMBER}`, `{$below: NUMBER}`
/// - `{$semver: true}`: a text that is a version of SemVer 2.0; `{$semver: false}`: one that is not
/// - `{$twice: MEMBER}`: a list, two of whose maps have the same there; `{$twice: "*"}`: two of whose items are the same
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pattern(Value);

impl Pattern {
    /// The part, as it is written.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Whether a config has that part.
    #[must_use]
    pub fn fits(&self, config: &Value) -> bool {
        Place::Top.fits(&self.0, config)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match well_formed(&value) {
            Ok(()) if value.is_object() => Ok(Self(value)),
            Ok(()) => Err(serde::de::Error::custom(
                "`applies` takes a part of a config, such as {hooks: {poststop: [\"*\"]}}",
            )),
            Err(why) => Err(serde::de::Error::custom(why)),
        }
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "A part that a config must have; `*` stands for anything, null for an absent member, and there are $not, $any, $above, $below, $semver and $twice.",
        })
    }
}

/// The operator of `{$name: ...}`.
fn operator(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, value) = map.iter().next().filter(|_| map.len() == 1)?;
    name.starts_with('$').then_some((name.as_str(), value))
}

fn well_formed(pattern: &Value) -> Result<(), String> {
    match pattern {
        Value::Object(map) => {
            match operator(map) {
                Some(("$not", inner)) => return well_formed(inner),
                Some(("$any", Value::Array(inner))) if !inner.is_empty() => {
                    return inner.iter().try_for_each(well_formed);
                }
                Some(
                    ("$above" | "$below", Value::Number(_))
                    | ("$semver", Value::Bool(_))
                    | ("$twice", Value::String(_)),
                ) => return Ok(()),
                Some((name, _)) => {
                    return Err(format!(
                        "`{name}`: there are $not: PATTERN, $any: [PATTERN, ...], $above: NUMBER, $below: NUMBER, $semver: BOOL and $twice: MEMBER"
                    ));
                }
                None => {}
            }
            if let Some(name) = map.keys().find(|name| name.starts_with('$')) {
                return Err(format!("`{name}` must stand alone in its map"));
            }
            map.values().try_for_each(well_formed)
        }
        Value::Array(items) => items.iter().try_for_each(well_formed),
        _ => Ok(()),
    }
}

/// Where in a config a condition is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The config itself.
    Top,
    /// Its member `hooks`.
    Hooks,
    /// What is below another member.
    Below,
}

impl Place {
    fn fits(self, pattern: &Value, value: &Value) -> bool {
        match pattern {
            Value::Null => value.is_null(),
            Value::String(text) if text == "*" => !value.is_null(),
            Value::String(text) => value.as_str().is_some_and(|value| glob(text, value)),
            Value::Number(_) | Value::Bool(_) => pattern == value,
            Value::Array(items) if items.is_empty() => value.as_array().is_some_and(Vec::is_empty),
            Value::Array(items) => value.as_array().is_some_and(|there| {
                items
                    .iter()
                    .all(|item| there.iter().any(|one| Self::Below.fits(item, one)))
            }),
            Value::Object(map) => match operator(map) {
                Some(("$not", inner)) => !self.fits(inner, value),
                Some(("$any", inner)) => inner
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| self.fits(one, value))),
                Some(("$above", least)) => {
                    matches!((value.as_f64(), least.as_f64()), (Some(value), Some(least)) if value > least)
                }
                Some(("$below", most)) => {
                    matches!((value.as_f64(), most.as_f64()), (Some(value), Some(most)) if value < most)
                }
                Some(("$semver", is)) => value
                    .as_str()
                    .is_some_and(|text| *is == semver::Version::parse(text).is_ok()),
                Some(("$twice", name)) => value.as_array().is_some_and(|items| repeats(name, items)),
                _ => value
                    .as_object()
                    .is_some_and(|there| map.iter().all(|(name, inner)| self.member(name, inner, there))),
            },
        }
    }

    /// A member; a name with `*` is any of those that can have it.
    fn member(self, name: &str, pattern: &Value, there: &Map<String, Value>) -> bool {
        let below = match (self, name) {
            (Self::Top, "hooks") => Self::Hooks,
            _ => Self::Below,
        };
        if name.contains('*') {
            return there.iter().any(|(found, value)| {
                self.can_stand_for(found) && glob(name, found) && below.fits(pattern, value)
            });
        }
        below.fits(pattern, there.get(name).unwrap_or(&Value::Null))
    }

    /// Whether a name with `*` can stand for this one.
    fn can_stand_for(self, name: &str) -> bool {
        self != Self::Hooks || HOOKS.contains(&name)
    }
}

/// Whether two items have the same in the member, or are the same where it is `*`.
fn repeats(name: &Value, items: &[Value]) -> bool {
    let said = |item: &Value| match name.as_str() {
        Some("*") => Some(item.clone()),
        name => name.and_then(|name| item.get(name)).cloned(),
    };
    let all: Vec<Value> = items.iter().filter_map(said).collect();
    (1..all.len()).any(|at| all[..at].contains(&all[at]))
}

/// `a{b,c}d` as `abd`, `acd`; braces may stand in several places, not in each other.
#[must_use]
pub fn alternatives(text: &str) -> Vec<String> {
    let Some((head, rest)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let Some((choices, tail)) = rest.split_once('}') else {
        return vec![text.to_owned()];
    };
    let tails = alternatives(tail);
    choices
        .split(',')
        .flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}")))
        .collect()
}

/// `*` stands for any text, including none.
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| glob(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_fits_a_config_that_has_it() {
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {"noNewPrivileges": false, "env": ["A=1", "PATH=/bin"], "rlimits": [{"type": "RLIMIT_FSIZE", "soft": 0}]},
            "mounts": [{"type": "tmpfs", "options": ["ro"]}, {"type": "bind", "options": ["rw", "rbind"]}],
            "linux": {"sysctl": {"net.core.somaxconn": "1"}, "devices": [], "groups": [5, 6, 5],
                "devices2": [{"path": "/a", "major": 1}, {"path": "/b"}, {"path": "/a"}]}
        });
        for (pattern, expected) in [
            ("{}", true),
            ("{process: {noNewPrivileges: false}}", true),
            ("{process: {noNewPrivileges: true}}", false),
            ("{process: {noNewPrivileges: '*', terminal: null}}", true),
            ("{hooks: null}", true),
            ("{hooks: '*'}", false),
            ("{hooks: {poststop: '*'}}", false),
            ("{mounts: [{type: tmpfs, options: [ro]}]}", true),
            // One item must have all of it.
            ("{mounts: [{type: tmpfs, options: [rw]}]}", false),
            ("{mounts: [{options: [rbind, rw]}, {type: tmpfs}]}", true),
            ("{process: {env: ['PATH=*']}}", true),
            ("{process: {env: {$not: ['PATH=*']}}}", false),
            ("{process: {env: {$not: ['HOME=*']}}}", true),
            ("{linux: {sysctl: {'net.*': '*'}}}", true),
            ("{linux: {sysctl: {'kernel.*': '*'}}}", false),
            ("{linux: {devices: []}}", true),
            ("{linux: {devices: ['*']}}", false),
            ("{mounts: []}", false),
            ("{process: {rlimits: [{soft: {$below: 1}}]}}", true),
            ("{process: {rlimits: [{soft: {$above: 0}}]}}", false),
            ("{process: {rlimits: [{soft: {$above: -1}}]}}", true),
            ("{ociVersion: {$semver: true}}", true),
            ("{ociVersion: {$semver: false}}", false),
            ("{hostname: {$semver: false}}", false),
            ("{process: {env: {$twice: '*'}}}", false),
            ("{process: {umask: {$twice: '*'}}}", false),
            ("{mounts: {$twice: type}}", false),
            ("{linux: {groups: {$twice: '*'}}}", true),
            ("{linux: {devices2: {$twice: path}}}", true),
            (
                "{process: {rlimits: [{type: {$any: [x, 'RLIMIT_*SIZE']}}]}}",
                true,
            ),
        ] {
            let pattern: Pattern = serde_yaml::from_str(pattern).expect(pattern);
            assert_eq!(pattern.fits(&config), expected, "{pattern:?}");
        }
    }

    /// No runtime runs what is under another name, so nothing about hooks follows from it.
    #[test]
    fn any_hook_is_one_that_the_spec_names() {
        let config =
            json!({"hooks": {"fooHook": [{"path": "/a"}], "Prestart": [{"path": "/b"}], "poststop": []}});
        for (pattern, expected) in [
            ("{hooks: {'*': ['*']}}", false),
            ("{hooks: {$any: [{'*': ['*']}, {'P*': '*'}]}}", false),
            ("{hooks: {$not: {'*': ['*']}}}", true),
            ("{hooks: {'*': []}}", true),
            ("{hooks: {fooHook: ['*']}}", true),
        ] {
            let pattern: Pattern = serde_yaml::from_str(pattern).expect(pattern);
            assert_eq!(pattern.fits(&config), expected, "{pattern:?}");
        }
        let known: Pattern = serde_yaml::from_str("{hooks: {'*': [{path: '/a'}]}}").expect("a pattern");
        assert!(known.fits(&json!({"hooks": {"poststop": [{"path": "/a"}]}})));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for (text, part) in [
            ("[]", "takes a part of a config"),
            ("{a: {$nott: 1}}", "there are $not"),
            ("{a: [{$nott: 1}]}", "there are $not"),
            ("{a: {$any: []}}", "there are $not"),
            ("{a: {$not: 1, b: 2}}", "must stand alone"),
        ] {
            let error = serde_yaml::from_str::<Pattern>(text).expect_err(text).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
