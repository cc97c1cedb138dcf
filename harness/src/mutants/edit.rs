//! Changes to a JSON document, as a mutant describes them: `{drop: process.user.umask}`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::path::Path;

/// One change. If there is nothing at its path, it changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Edit {
    path: Path,
    what: Change,
}

#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// Removes it.
    Drop,
    /// Replaces the value that is there, if it equals `was`, where that is given.
    Set { to: Value, was: Option<Value> },
    /// Puts a value there, whether something is there or not; what leads to it is created.
    Add(Value),
    /// Appends to a list, which is created if it is missing.
    Push(Value),
    /// Prepends to a list that is there.
    Unshift(Value),
    /// Reverses a list.
    Reverse,
    /// Keeps this many entries of a list, from its beginning.
    Keep(usize),
    /// Adds to a number.
    Plus(i64),
    /// Moves it to another member, after what is there if both are lists.
    Move(Path),
}

/// An edit as people write it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    push: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unshift: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverse: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plus: Option<Path>,
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    moved: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    to: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "even_null")]
    was: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<i64>,
}

/// `to: null` is a value too.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

const WORDS: &str =
    "an edit has one of drop, set, add, push, unshift, reverse, keep, plus, move, each with a path";

impl TryFrom<Written> for Edit {
    type Error = String;

    fn try_from(mut written: Written) -> Result<Self, String> {
        let paths = [
            written.drop.take(),
            written.set.take(),
            written.add.take(),
            written.push.take(),
            written.unshift.take(),
            written.reverse.take(),
            written.keep.take(),
            written.plus.take(),
            written.moved.take(),
        ];
        let mut there = paths
            .into_iter()
            .enumerate()
            .filter_map(|(at, path)| Some((at, path?)));
        let (Some((word, path)), None) = (there.next(), there.next()) else {
            return Err(WORDS.to_owned());
        };
        let mut to = || written.to.take().ok_or("it lacks `to: VALUE`");
        let what = match word {
            0 => Change::Drop,
            1 => Change::Set {
                to: to()?,
                was: written.was.take(),
            },
            2 => Change::Add(to()?),
            3 => Change::Push(to()?),
            4 => Change::Unshift(to()?),
            5 => Change::Reverse,
            6 => Change::Keep(written.count.take().ok_or("keep lacks `count: NUMBER`")?),
            7 => Change::Plus(written.by.take().ok_or("plus lacks `by: NUMBER`")?),
            _ => {
                let target = to()?;
                let target = target.as_str().ok_or("move takes `to: PATH`")?.parse()?;
                Change::Move(target)
            }
        };
        if written.to.is_some() || written.was.is_some() || written.count.is_some() || written.by.is_some() {
            return Err(
                "`to` belongs to set, add, push, unshift and move, `was` to set, `count` to keep, `by` to plus"
                    .to_owned(),
            );
        }
        let target_is_plain = match &what {
            Change::Add(_) | Change::Push(_) => path.is_plain(),
            Change::Move(target) => path.is_plain() && target.is_plain(),
            _ => true,
        };
        if !target_is_plain {
            return Err("add, push and move take paths of names only, without `*` and `[...]`".to_owned());
        }
        Ok(Self { path, what })
    }
}

impl From<Edit> for Written {
    fn from(edit: Edit) -> Self {
        let path = Some(edit.path);
        let empty = Self::default();
        match edit.what {
            Change::Drop => Self { drop: path, ..empty },
            Change::Set { to, was } => Self {
                set: path,
                to: Some(to),
                was,
                ..empty
            },
            Change::Add(to) => Self {
                add: path,
                to: Some(to),
                ..empty
            },
            Change::Push(to) => Self {
                push: path,
                to: Some(to),
                ..empty
            },
            Change::Unshift(to) => Self {
                unshift: path,
                to: Some(to),
                ..empty
            },
            Change::Reverse => Self {
                reverse: path,
                ..empty
            },
            Change::Keep(count) => Self {
                keep: path,
                count: Some(count),
                ..empty
            },
            Change::Plus(by) => Self {
                plus: path,
                by: Some(by),
                ..empty
            },
            Change::Move(to) => Self {
                moved: path,
                to: Some(Value::from(to.to_string())),
                ..empty
            },
        }
    }
}

impl Edit {
    /// Where it looks, and where it puts something.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let target = match &self.what {
            Change::Move(target) => Some(target),
            _ => None,
        };
        std::iter::once(&self.path).chain(target)
    }

    fn apply(&self, document: &mut Value) {
        match &self.what {
            Change::Drop => self.path.drop_from(document),
            Change::Add(to) => {
                if let Some(place) = self.path.make(document) {
                    *place = to.clone();
                }
            }
            Change::Push(to) => {
                if let Some(place) = self.path.make(document) {
                    push(place, to.clone());
                }
            }
            Change::Move(target) => {
                let mut taken = None;
                self.path.each(document, &mut |value| taken = Some(value.clone()));
                let Some(taken) = taken else { return };
                self.path.drop_from(document);
                if let Some(place) = target.make(document) {
                    match taken {
                        Value::Array(items) if !place.is_string() => {
                            items.into_iter().for_each(|item| push(place, item));
                        }
                        other => *place = other,
                    }
                }
            }
            change => self
                .path
                .each(document, &mut |value| change_in_place(change, value)),
        }
    }
}

fn push(place: &mut Value, item: Value) {
    if place.is_null() {
        *place = Value::Array(Vec::new());
    }
    if let Value::Array(items) = place {
        items.push(item);
    }
}

fn change_in_place(change: &Change, value: &mut Value) {
    match (change, value) {
        (Change::Set { to, was }, value) if was.as_ref().is_none_or(|was| was == value) => {
            *value = to.clone();
        }
        (Change::Unshift(to), Value::Array(items)) => items.insert(0, to.clone()),
        (Change::Reverse, Value::Array(items)) => items.reverse(),
        (Change::Keep(count), Value::Array(items)) => items.truncate(*count),
        (Change::Plus(by), value) => {
            if let Some(sum) = value.as_i64().and_then(|number| number.checked_add(*by)) {
                *value = Value::from(sum);
            }
        }
        _ => {}
    }
}

/// The text of a document with the edits applied; `None` if they change nothing, or if it is not a JSON object.
#[must_use]
pub fn edited(edits: &[Edit], text: &str) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    let before: Map<String, Value> = serde_json::from_str(text).ok()?;
    let before = Value::Object(before);
    let mut after = before.clone();
    edits.iter().for_each(|edit| edit.apply(&mut after));
    (after != before).then(|| after.to_string())
}
