//! Whether a config follows the runtime-spec: members, types and words (`spec.yaml`).
//!
//! This uses our own table and not the typed crate, because the crate stops at the first error, cannot name the
//! member that was meant, and supports members of newer specs late; a test compares the two.

mod capitals;
mod condition;
mod part;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ocidiff_model::names::is_alike;
use ocidiff_model::near;
use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::capitals::{in_other_capitals, without_case};
pub(crate) use self::condition::check_pattern;
pub(crate) use self::part::{Into, check_path};

/// Something in a config that the spec does not have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wrong {
    /// The keys and indices that lead to it.
    pub(crate) keys: Vec<String>,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The value there, if that is what is wrong.
    pub(crate) value: Option<Value>,
}

impl Wrong {
    /// The members that lead to it, without list indices: `mounts.type`.
    pub(super) fn path(&self) -> String {
        self.names().collect::<Vec<_>>().join(".")
    }

    /// The members that lead to it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str).filter(|key| is_member(key))
    }
}

/// Whether a key is a member's name: neither an index nor an operator of a condition.
fn is_member(key: &str) -> bool {
    !key.starts_with('$') && key.parse::<usize>().is_err()
}

/// A type as in the table.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Type {
    Named(String),
    Words(Vec<String>),
    Members(Members),
}

/// Members of a map by name; a name written as `NAME!` in the table is required.
#[derive(Debug, Deserialize)]
#[serde(from = "BTreeMap<String, Type>")]
struct Members {
    types: BTreeMap<String, Type>,
    required: BTreeSet<String>,
}

impl From<BTreeMap<String, Type>> for Members {
    fn from(written: BTreeMap<String, Type>) -> Self {
        let required = written.keys().filter_map(|name| name.strip_suffix('!'));
        Self {
            required: required.map(str::to_owned).collect(),
            types: written
                .into_iter()
                .map(|(name, of)| (name.trim_end_matches('!').to_owned(), of))
                .collect(),
        }
    }
}

// The text is part of the program, and is read by tests.
static TYPES: LazyLock<BTreeMap<String, Type>> =
    LazyLock::new(|| serde_yaml::from_str(include_str!("spec.yaml")).unwrap_or_default());

/// Everything in a value that does not match the type; `keys` lead to the value.
pub(super) fn check(name: &str, value: &Value, keys: &[&str]) -> Vec<Wrong> {
    let mut walk = Walk {
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..Walk::default()
    };
    walk.named(name, value);
    if name == "config" {
        walk.binds(value);
        walk.devices(value);
    }
    walk.found
}

/// Members that a case removes and that the spec does not have: after the merge nothing is left of them.
pub(super) fn check_removed(patch: &Value) -> Vec<Wrong> {
    fn walk(patch: &Value, members: &'static Members, keys: &mut Vec<String>, found: &mut Vec<Wrong>) {
        for (key, inner) in patch.as_object().into_iter().flatten() {
            keys.push(key.clone());
            match members.types.get(key) {
                None if inner.is_null() => found.push(unknown(keys, key, members)),
                None => {}
                Some(of) => below(of)
                    .into_iter()
                    .for_each(|members| walk(inner, members, keys, found)),
            }
            keys.pop();
        }
    }
    let mut found = Vec::new();
    if let Some(Type::Members(members)) = TYPES.get("config") {
        walk(patch, members, &mut Vec::new(), &mut found);
    }
    found
}

/// A member that does not exist; the keys lead to it.
fn unknown(keys: &[String], name: &str, members: &Members) -> Wrong {
    Wrong {
        keys: keys.to_vec(),
        message: format!("unknown member `{name}`"),
        help: near::help(name, members.types.keys().map(String::as_str)),
        value: None,
    }
}

#[derive(Default)]
struct Walk {
    keys: Vec<String>,
    found: Vec<Wrong>,
    /// The paths of members whose names are the spec's in other capitals.
    alike: Vec<String>,
}

impl Walk {
    /// Goes below a key, and comes back.
    fn within(&mut self, key: &str, go: impl FnOnce(&mut Self)) {
        self.keys.push(key.to_owned());
        go(self);
        self.keys.pop();
    }

    /// Whether the keys lead to a member of this member of the config.
    fn is_below(&self, member: &str) -> bool {
        let names: Vec<&String> = self.keys.iter().filter(|key| is_member(key)).collect();
        matches!(names[..], [first, _] if first == member)
    }

    fn named(&mut self, name: &str, value: &Value) {
        if let Some(of) = name.strip_prefix("list of ") {
            return self.list(of, value);
        }
        if let Some(of) = name.strip_prefix("map of ") {
            return self.map(of, value);
        }
        match (name, value) {
            ("any", _) | ("text", Value::String(_)) | ("bool", Value::Bool(_)) => {}
            ("call", Value::String(call)) => self.call(call, value),
            ("version", Value::String(text)) => {
                if semver::Version::parse(text).is_err() {
                    self.wrong("a version as SemVer 2.0 has it, such as 1.0.2", value);
                }
            }
            ("access", Value::String(text)) => {
                if text.chars().any(|letter| !"rwm".contains(letter)) {
                    self.wrong("some of the letters r, w and m", value);
                }
            }
            ("text" | "call" | "version" | "access", _) => self.wrong("a text", value),
            ("bool", _) => self.wrong("true or false", value),
            ("i32" | "i64" | "u16" | "u32" | "u64", _) => self.integer(name, value),
            _ => match TYPES.get(name) {
                Some(of) => self.of(of, value),
                None => self.wrong(name, value),
            },
        }
    }

    fn of(&mut self, of: &Type, value: &Value) {
        match of {
            Type::Named(name) => self.named(name, value),
            Type::Words(words) => match value.as_str() {
                Some(word) if words.iter().any(|known| known == word) => {}
                Some(word) => {
                    let help = near::help(word, words.iter().map(String::as_str));
                    self.push(
                        format!("`{word}` is not a value of `{}`", self.last()),
                        help,
                        value,
                    );
                }
                None => self.wrong("a text", value),
            },
            Type::Members(members) => match value.as_object() {
                Some(map) => self.members(members, map),
                None => self.wrong("a map", value),
            },
        }
    }

    fn members(&mut self, members: &Members, map: &Map<String, Value>) {
        let of_profile = map.contains_key("$profile");
        for (key, value) in map {
            // Lists of a profile are changed once the profile has been filled in.
            let name = if of_profile {
                key.trim_end_matches(['+', '-'])
            } else {
                key
            };
            if of_profile && key == "$profile" {
                continue;
            }
            self.keys.push(key.clone());
            match members.types.get(name) {
                Some(of) => self.of(of, value),
                None => {
                    let wrong = unknown(&self.keys, key, members);
                    // What is `null` is not there, whatever it is called.
                    if !value.is_null() && members.types.keys().any(|name| is_alike(key, name)) {
                        self.alike.push(wrong.path());
                    }
                    self.found.push(wrong);
                }
            }
            self.keys.pop();
        }
        // A profile supplies what it has.
        if !of_profile {
            let absent = members.required.iter().filter(|name| !map.contains_key(*name));
            absent.for_each(|name| self.absent(name));
        }
    }

    /// A member that the map to which the keys lead must have.
    fn absent(&mut self, name: &str) {
        let mut keys = self.keys.clone();
        keys.push(name.to_owned());
        self.found.push(Wrong {
            keys,
            message: format!("without `{name}`, which is required"),
            help: None,
            value: None,
        });
    }

    fn list(&mut self, of: &str, value: &Value) {
        let Some(items) = value.as_array() else {
            return self.wrong("a list", value);
        };
        // The spec asks for an entry here, in words (config-linux.md, seccomp).
        if items.is_empty() && of == "call" {
            self.wrong("at least one call", value);
        }
        for (index, item) in items.iter().enumerate() {
            self.keys.push(index.to_string());
            self.named(of, item);
            self.keys.pop();
        }
    }

    fn map(&mut self, of: &str, value: &Value) {
        let Some(map) = value.as_object() else {
            return self.wrong("a map", value);
        };
        for (key, item) in map {
            self.keys.push(key.clone());
            self.named(of, item);
            self.keys.pop();
        }
    }

    fn call(&mut self, call: &str, value: &Value) {
        if !ocidiff_seccomp::syscall::is_known(call) {
            let help = super::names::call_help(call);
            self.push(format!("unknown system call `{call}`"), help, value);
        }
    }

    fn integer(&mut self, name: &str, value: &Value) {
        let number = value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from));
        let range = match name {
            "i32" => i128::from(i32::MIN)..=i128::from(i32::MAX),
            "i64" => i128::from(i64::MIN)..=i128::from(i64::MAX),
            "u16" => 0..=i128::from(u16::MAX),
            "u32" => 0..=i128::from(u32::MAX),
            _ => 0..=i128::from(u64::MAX),
        };
        if !number.is_some_and(|number| range.contains(&number)) {
            self.wrong(
                &format!("a whole number from {} to {}", range.start(), range.end()),
                value,
            );
        }
    }

    /// Options of bind mounts: there is no file system that could have its own options.
    fn binds(&mut self, config: &Value) {
        let mounts = config["mounts"].as_array().into_iter().flatten().enumerate();
        for (index, mount) in mounts {
            let options = mount["options"].as_array().into_iter().flatten();
            let options: Vec<&Value> = options.filter(|option| option.is_string()).collect();
            if !options
                .iter()
                .any(|option| *option == "bind" || *option == "rbind")
            {
                continue;
            }
            for (at, option) in options.into_iter().enumerate() {
                self.keys
                    .extend(["mounts", &index.to_string(), "options", &at.to_string()].map(str::to_owned));
                self.named("mount-option", option);
                self.keys.truncate(self.keys.len() - 4);
            }
        }
    }

    /// A device is identified by its numbers; a fifo does not have any.
    fn devices(&mut self, config: &Value) {
        let devices = config["linux"]["devices"].as_array().into_iter().flatten();
        for (index, device) in devices.enumerate() {
            let Some(map) = device.as_object().filter(|device| device.contains_key("type")) else {
                continue;
            };
            if device["type"] == "p" {
                continue;
            }
            self.keys
                .extend(["linux", "devices", &index.to_string()].map(str::to_owned));
            for number in ["major", "minor"] {
                if !map.contains_key(number) {
                    self.absent(number);
                }
            }
            self.keys.truncate(self.keys.len() - 3);
        }
    }

    fn last(&self) -> &str {
        let names = self.keys.iter().rev();
        names
            .map(String::as_str)
            .find(|key| is_member(key))
            .unwrap_or_default()
    }

    fn wrong(&mut self, wanted: &str, value: &Value) {
        self.push(format!("`{}` takes {wanted}", self.last()), None, value);
    }

    fn push(&mut self, message: String, help: Option<String>, value: &Value) {
        self.found.push(Wrong {
            keys: self.keys.clone(),
            message,
            help,
            value: Some(value.clone()),
        });
    }
}

/// The members of a type or of the entries of a list of it.
fn below(of: &'static Type) -> Option<&'static Members> {
    match of {
        Type::Members(members) => Some(members),
        Type::Words(_) => None,
        Type::Named(name) => below(TYPES.get(name.strip_prefix("list of ").unwrap_or(name))?),
    }
}

#[cfg(test)]
mod tests;
