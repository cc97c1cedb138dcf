//! A condition on a fact's value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::fact::{Fact, Value};
use crate::pattern::{alternatives, glob};

/// What a predicate can refer to besides the value: the workload's config, and other facts of the same runtime.
pub struct Context<'a> {
    /// The config.json.
    pub config: &'a Json,
    /// What the same runtime shows.
    pub facts: &'a [Fact],
}

/// A condition on a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Raw", into = "Raw")]
#[schemars(with = "Raw")]
pub enum Predicate {
    /// The same; in a text `*` stands for anything.
    Is(Value),
    /// One of these.
    OneOf(Vec<Value>),
    /// The list, or the text with commas or spaces, has this item; `*` stands for anything.
    Has(String),
    /// The list or text does not have this item.
    Lacks(String),
    /// The text, or a line of the list, matches this.
    Matches(String),
    /// The fact is not there.
    Absent(bool),
    /// Any value that is there.
    Any(bool),
    /// A number above this.
    Above(f64),
    /// A number below this.
    Below(f64),
    /// What the config has in this place, `process.oomScoreAdj`.
    Config(String),
    /// What process.user has under this name.
    IsUser(String),
}

/// A condition, as people write it: exactly one of these members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    default,
    rename_all = "kebab-case",
    deny_unknown_fields,
    expecting = "a condition such as {is: VALUE}"
)]
pub(super) struct Raw {
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lacks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    any: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_user: Option<String>,
}

impl TryFrom<Raw> for Predicate {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let mut all = [
            raw.is.map(Self::Is),
            raw.one_of.map(Self::OneOf),
            raw.has.map(Self::Has),
            raw.lacks.map(Self::Lacks),
            raw.matches.map(Self::Matches),
            raw.absent.map(Self::Absent),
            raw.any.map(Self::Any),
            raw.above.map(Self::Above),
            raw.below.map(Self::Below),
            raw.config.map(Self::Config),
            raw.is_user.map(Self::IsUser),
        ]
        .into_iter()
        .flatten();
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(
                "a condition is one of is, one-of, has, lacks, matches, absent, any, above, below, config, is-user",
            ),
        }
    }
}

impl From<Predicate> for Raw {
    fn from(predicate: Predicate) -> Self {
        let mut raw = Self::default();
        match predicate {
            Predicate::Is(value) => raw.is = Some(value),
            Predicate::OneOf(all) => raw.one_of = Some(all),
            Predicate::Has(item) => raw.has = Some(item),
            Predicate::Lacks(item) => raw.lacks = Some(item),
            Predicate::Matches(pattern) => raw.matches = Some(pattern),
            Predicate::Absent(absent) => raw.absent = Some(absent),
            Predicate::Any(any) => raw.any = Some(any),
            Predicate::Above(least) => raw.above = Some(least),
            Predicate::Below(most) => raw.below = Some(most),
            Predicate::Config(path) => raw.config = Some(path),
            Predicate::IsUser(name) => raw.is_user = Some(name),
        }
        raw
    }
}

/// What the parts of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Items {
    /// Items of a list.
    OfList,
    /// Words of a text: what matches a text matches all of it.
    OfText,
}

impl Predicate {
    /// Whether the value fits.
    #[must_use]
    pub fn fits(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        match self {
            Self::Absent(absent) => value.is_none() == *absent,
            Self::Any(any) => *any && value.is_some(),
            Self::Is(expected) => fits(expected, value),
            Self::OneOf(all) => all.iter().any(|expected| fits(expected, value)),
            Self::Has(item) => items(value).iter().any(|there| glob(item, there)),
            Self::Lacks(item) => value.is_some() && !items(value).iter().any(|there| glob(item, there)),
            Self::Matches(pattern) => {
                let globs = alternatives(pattern);
                let lines = lines(value);
                globs
                    .iter()
                    .any(|pattern| lines.iter().any(|line| glob(pattern, line)))
            }
            Self::Above(least) => number(value).is_some_and(|number| number > *least),
            Self::Below(most) => number(value).is_some_and(|number| number < *most),
            Self::Config(path) => {
                let there = at(context.config, path);
                there.is_some_and(|there| value.is_some_and(|value| is_json(value, there)))
            }
            Self::IsUser(name) => {
                let there = at(context.config, "process.user").and_then(|user| user.get(name));
                let zero = Json::from(0);
                let there = there.unwrap_or(&zero);
                // A process's own umask is in octal, as the kernel shows it.
                let octal =
                    (name == "umask").then(|| there.as_u64().map(|umask| format!("{umask:04o}").into()));
                let wanted = octal.flatten().unwrap_or_else(|| there.clone());
                value.is_some_and(|value| is_json(value, &wanted))
            }
        }
    }
}

impl Predicate {
    /// Whether it is about items of a list, or words of a text, and not about the whole value.
    pub(super) fn is_about_items(&self, of: Items) -> bool {
        match self {
            Self::Has(_) | Self::Lacks(_) => true,
            Self::Matches(_) => of == Items::OfList,
            _ => false,
        }
    }

    /// Whether it says that a list has such an item.
    pub(super) fn has_item(&self, item: &str) -> bool {
        match self {
            Self::Has(pattern) => glob(pattern, item),
            Self::Matches(pattern) => alternatives(pattern).iter().any(|pattern| glob(pattern, item)),
            _ => false,
        }
    }

    /// Whether it says that a list does not have such an item.
    pub(super) fn lacks_item(&self, item: &str) -> bool {
        matches!(self, Self::Lacks(pattern) if glob(pattern, item))
    }
}

pub(super) fn at<'j>(config: &'j Json, path: &str) -> Option<&'j Json> {
    path.split('.').try_fold(config, |value, name| value.get(name))
}

fn is_json(value: &Value, json: &Json) -> bool {
    match (value, json) {
        (Value::List(items), Json::Array(there)) => {
            items.len() == there.len() && items.iter().zip(there).all(|(item, json)| *item == text(json))
        }
        (value, json) => value.line() == text(json),
    }
}

fn text(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// Whether a value is the expected one: `*` stands for any text in a text and in an item of a list, `(absent)` for no
/// value.
#[must_use]
pub fn fits(expected: &Value, value: Option<&Value>) -> bool {
    match (expected, value) {
        (Value::Text(word), None) => word == crate::fact::ABSENT,
        (_, None) => false,
        (Value::Text(pattern), Some(Value::Text(text))) => glob(pattern, text),
        (Value::List(patterns), Some(Value::List(items))) => {
            patterns.len() == items.len()
                && patterns
                    .iter()
                    .zip(items)
                    .all(|(pattern, item)| glob(pattern, item))
        }
        (expected, Some(value)) => expected == value,
    }
}

/// The content of a list, or of a text that is one: mount options, words.
fn items(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::List(items)) => items.clone(),
        Some(value) => {
            let line = value.line();
            let mut words = words(&line);
            words.push(line);
            words
        }
    }
}

/// The words of a text that is a list. Options of a mount's file system, which stand in parentheses or between two bars,
/// begin with `(`: `ro` is about the mount, and `(ro` about the file system, wherever they stand.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let bars = text.matches('|').count();
    for (part, text) in text.split('|').enumerate() {
        let is_between = part == 1 && bars > 1;
        let mut is_inner = is_between;
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            is_inner |= word.starts_with('(');
            let bare = word.trim_start_matches('(').trim_end_matches(')');
            if is_inner {
                words.push(format!("({bare}"));
                is_inner = is_between || !word.ends_with(')');
            } else {
                words.push(word.to_owned());
            }
        }
    }
    words
}

fn lines(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::List(items)) => items.clone(),
        Some(value) => vec![value.line()],
    }
}

/// The number that a value is, or begins with.
fn number(value: Option<&Value>) -> Option<f64> {
    let line = value?.line();
    let end = line
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
        .map_or(line.len(), |(at, _)| at);
    line[..end].parse().ok()
}
