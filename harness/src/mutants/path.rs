//! Where in a JSON document an edit applies: `process.rlimits[type=RLIMIT_NOFILE].soft`, `mounts.*.options[ro]`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::corpus::spec::Into;

/// A path. `*` stands for every member or entry, `[3]` for an entry of a list by its index, `[-1]` for the last,
/// `[KEY=TEXT]` for those that have the member or are this text, `[TEXT]` for those that are the text, `["a.b"]` for a
/// member whose name contains dots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Name(String),
    All,
    Place(i64),
    With(String, String),
    Is(String),
}

/// Deeper than any config, but not so deep that we recurse without end.
const MAX_PARTS: usize = 32;

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = |why: &str| {
            format!(
                "`{}` is not a path: {why}; write it like process.rlimits[type=RLIMIT_NOFILE].soft",
                shown(text)
            )
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (inside, after) = inner.split_once(']').ok_or_else(|| bad("a `[` is not closed"))?;
                parts.push(bracket(inside).ok_or_else(|| bad("a `[]` is empty"))?);
                rest = after;
            } else {
                let rested = match (parts.is_empty(), rest.strip_prefix('.')) {
                    (false, Some(after)) => after,
                    (true, None) => rest,
                    _ => return Err(bad("a `.` is missing or too much")),
                };
                let end = rested.find(['.', '[']).unwrap_or(rested.len());
                let (name, after) = rested.split_at(end);
                match name {
                    "" => return Err(bad("a name is empty")),
                    "*" => parts.push(Part::All),
                    name => parts.push(Part::Name(name.to_owned())),
                }
                rest = after;
            }
        }
        if parts.is_empty() || parts.len() > MAX_PARTS {
            return Err(bad("it has no names, or too many"));
        }
        Ok(Self(parts))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_default).collect()
}

fn bracket(inside: &str) -> Option<Part> {
    if let Some(name) = inside.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(Part::Name(name.to_owned()));
    }
    if let Some((key, value)) = inside.split_once('=').filter(|(key, _)| !key.is_empty()) {
        return Some(Part::With(key.to_owned(), value.to_owned()));
    }
    match inside.parse() {
        Ok(place) => Some(Part::Place(place)),
        Err(_) if inside.is_empty() => None,
        Err(_) => Some(Part::Is(inside.to_owned())),
    }
}

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.to_string()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            match part {
                Part::Name(name) if name.contains(['.', '[', ']']) || name == "*" => {
                    write!(f, "[\"{name}\"]")?;
                }
                Part::Name(name) => write!(f, "{dot}{name}")?,
                Part::All => write!(f, "{dot}*")?,
                Part::Place(place) => write!(f, "[{place}]")?,
                Part::With(key, value) => write!(f, "[{key}={value}]")?,
                Part::Is(text) => write!(f, "[{text}]")?,
            }
        }
        Ok(())
    }
}

impl Part {
    fn step(&self) -> Into<'_> {
        match self {
            Self::Name(name) | Self::Is(name) => Into::Name(name),
            Self::All => Into::Every,
            Self::Place(_) => Into::Entry,
            Self::With(key, _) => Into::With(key),
        }
    }

    /// `at` is the entry's index, and the same from the end: -1 for the last.
    fn fits_entry(&self, at: (i64, i64), entry: &Value) -> bool {
        match self {
            Self::All => true,
            Self::Place(place) => at.0 == *place || at.1 == *place,
            Self::With(key, wanted) => match entry {
                // Options of a mount have the same form.
                Value::String(text) => text.split_once('=') == Some((key, wanted)),
                entry => entry.get(key).is_some_and(|value| is_text(value, wanted)),
            },
            Self::Is(wanted) => is_text(entry, wanted),
            Self::Name(_) => false,
        }
    }

    fn fits_member(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Name(wanted) | Self::Is(wanted) => name == wanted,
            Self::Place(_) | Self::With(..) => false,
        }
    }
}

/// A text as it is; a number or a word of JSON as it is written.
fn is_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let written = value.to_string();
            written == wanted
        }
        Value::Array(_) | Value::Object(_) => false,
    }
}

impl Path {
    /// Its steps, as far as they can be compared with what the document can have.
    pub(super) fn steps(&self) -> Vec<Into<'_>> {
        self.0.iter().map(Part::step).collect()
    }

    /// Whether it consists of names only.
    pub(super) fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Name(_)))
    }

    /// Calls `done` with every value that is at the path.
    pub(super) fn each(&self, document: &mut Value, done: &mut dyn FnMut(&mut Value)) {
        each(&self.0, document, done);
    }

    /// Removes every value that is at the path.
    pub(super) fn drop_from(&self, document: &mut Value) {
        let Some((last, before)) = self.0.split_last() else {
            return;
        };
        each(before, document, &mut |value| match value {
            Value::Object(members) => members.retain(|name, _| !last.fits_member(name)),
            Value::Array(entries) => {
                let mut at = places(entries.len());
                entries.retain(|entry| !at.next().is_some_and(|at| last.fits_entry(at, entry)));
            }
            _ => {}
        });
    }

    /// The place at a path of names, created if it is missing; `None` if something else is in the way.
    pub(super) fn make<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(document, |value, part| {
            let Part::Name(name) = part else { return None };
            if value.is_null() {
                *value = Value::Object(Map::new());
            }
            Some(value.as_object_mut()?.entry(name.clone()).or_insert(Value::Null))
        })
    }
}

/// The indices of a list's entries, from its beginning and from its end.
fn places(count: usize) -> impl Iterator<Item = (i64, i64)> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    (0..count).map(move |at| (at, at - count))
}

fn each(parts: &[Part], value: &mut Value, done: &mut dyn FnMut(&mut Value)) {
    let Some((first, rest)) = parts.split_first() else {
        return done(value);
    };
    match value {
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| first.fits_member(name))
            .for_each(|(_, child)| each(rest, child, done)),
        Value::Array(entries) => places(entries.len())
            .zip(entries)
            .filter(|(at, entry)| first.fits_entry(*at, entry))
            .for_each(|(_, child)| each(rest, child, done)),
        _ => {}
    }
}
