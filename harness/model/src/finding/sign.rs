//! How a finding looks: a predicate over a fact, and what the others show instead.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::fact::{Fact, Value};
use crate::pattern::glob;

/// What a predicate can ask beside the value: the workload's config, and other facts of the same runtime.
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
    /// It does not.
    Lacks(String),
    /// The text, or a line of the list, is like this.
    Matches(String),
    /// The fact is not there.
    Absent(bool),
    /// Whatever it is.
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

/// A condition as it is written: one of its members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Raw {
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

/// What the others show: a value, or a condition on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Instead {
    /// A value, which may have `*`.
    Is(Value),
    /// A condition.
    Fits(Predicate),
}

/// One way in which a finding shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawSign", into = "RawSign")]
#[schemars(with = "RawSign")]
pub struct Sign {
    /// The fact's path: `*` for anything, `{a,b}` for one of several.
    pub fact: String,
    /// What the component shows.
    pub shows: Predicate,
    /// What the others show.
    pub instead: Option<Instead>,
    /// What else the component shows then, by fact.
    pub beside: BTreeMap<String, Predicate>,
}

/// A sign as it is written: the condition's member beside the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
struct RawSign {
    fact: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instead: Option<Instead>,
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    beside: BTreeMap<String, Predicate>,
    // Refuses what it does not know.
    #[serde(flatten)]
    shows: Raw,
}

impl TryFrom<RawSign> for Sign {
    type Error = &'static str;

    fn try_from(raw: RawSign) -> Result<Self, &'static str> {
        Ok(Self {
            fact: raw.fact,
            shows: raw.shows.try_into()?,
            instead: raw.instead,
            beside: raw.beside,
        })
    }
}

impl From<Sign> for RawSign {
    fn from(sign: Sign) -> Self {
        Self {
            fact: sign.fact,
            instead: sign.instead,
            beside: sign.beside,
            shows: sign.shows.into(),
        }
    }
}

impl Sign {
    /// Whether the sign is about this fact.
    #[must_use]
    pub fn is_about(&self, path: &str) -> bool {
        // Most signs are about another fact: what stands before the first hole says so at once.
        let head = self.fact.find(['*', '{']).unwrap_or(self.fact.len());
        path.starts_with(&self.fact[..head]) && is_named(&self.fact, path)
    }

    /// Whether a value is what the component shows.
    #[must_use]
    pub fn fits(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        self.shows.fits(value, context)
            && self.beside.iter().all(|(pattern, predicate)| {
                let mut named = context
                    .facts
                    .iter()
                    .filter(|fact| is_named(pattern, &fact.path))
                    .peekable();
                if named.peek().is_none() {
                    return predicate.fits(None, context);
                }
                named.any(|fact| predicate.fits(Some(&fact.value), context))
            })
    }

    /// Whether a value is what the others show.
    #[must_use]
    pub fn others_fit(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        match &self.instead {
            None => true,
            Some(Instead::Fits(predicate)) => predicate.fits(value, context),
            Some(Instead::Is(expected)) => Predicate::Is(expected.clone()).fits(value, context),
        }
    }

    /// How much it asks for.
    #[must_use]
    pub fn weight(&self) -> usize {
        let of_value = match &self.shows {
            Predicate::Is(_) | Predicate::Config(_) | Predicate::IsUser(_) => 3,
            Predicate::OneOf(_) | Predicate::Has(_) | Predicate::Lacks(_) | Predicate::Matches(_) => 2,
            Predicate::Absent(_) | Predicate::Above(_) | Predicate::Below(_) => 1,
            Predicate::Any(_) => 0,
        };
        of_value + self.beside.len() + usize::from(self.instead.is_some())
    }
}

impl Predicate {
    /// Whether the value fits.
    #[must_use]
    pub fn fits(&self, value: Option<&Value>, context: &Context<'_>) -> bool {
        match self {
            Self::Absent(absent) => value.is_none() == *absent,
            Self::Any(any) => *any,
            Self::Is(expected) => same(expected, value),
            Self::OneOf(all) => all.iter().any(|expected| same(expected, value)),
            Self::Has(item) => items(value).iter().any(|there| glob(item, there)),
            Self::Lacks(item) => value.is_some() && !items(value).iter().any(|there| glob(item, there)),
            Self::Matches(pattern) => lines(value).iter().any(|line| glob(pattern, line)),
            Self::Above(least) => number(value).is_some_and(|number| number > *least),
            Self::Below(most) => number(value).is_some_and(|number| number < *most),
            Self::Config(path) => {
                let there = at(context.config, path);
                there.is_some_and(|there| value.is_some_and(|value| is_json(value, there)))
            }
            Self::IsUser(name) => {
                let there = at(context.config, "process.user").and_then(|user| user.get(name));
                let zero = Json::from(0);
                value.is_some_and(|value| is_json(value, there.unwrap_or(&zero)))
            }
        }
    }
}

fn at<'j>(config: &'j Json, path: &str) -> Option<&'j Json> {
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

fn same(expected: &Value, value: Option<&Value>) -> bool {
    match (expected, value) {
        (Value::Text(word), None) => word == crate::known::ABSENT,
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

/// What a list holds, or a text that is one: mount options, words.
fn items(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::List(items)) => items.clone(),
        Some(value) => {
            let line = value.line();
            let parts = line.split([',', ' ', '|']).filter(|part| !part.is_empty());
            parts.map(str::to_owned).chain([line.clone()]).collect()
        }
    }
}

fn lines(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::List(items)) => items.clone(),
        Some(value) => vec![value.line()],
    }
}

/// The number that a value is, or opens with.
fn number(value: Option<&Value>) -> Option<f64> {
    let line = value?.line();
    let end = line
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
        .map_or(line.len(), |(at, _)| at);
    line[..end].parse().ok()
}

/// Whether a pattern of paths names the path.
fn is_named(pattern: &str, path: &str) -> bool {
    alternatives(pattern).iter().any(|one| glob(one, path))
}

/// `a{b,c}d` as `abd`, `acd`; braces may stand in several places, not in each other.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((head, rest)) = pattern.split_once('{') else {
        return vec![pattern.to_owned()];
    };
    let Some((inner, tail)) = rest.split_once('}') else {
        return vec![pattern.to_owned()];
    };
    let tails = alternatives(tail);
    inner
        .split(',')
        .flat_map(|one| tails.iter().map(move |tail| format!("{head}{one}{tail}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sign(yaml: &str) -> Sign {
        serde_yaml::from_str(yaml).expect(yaml)
    }

    #[test]
    fn a_sign_is_about_the_facts_that_its_path_names() {
        let sign = sign("{fact: 'mount.{/,inside./}{proc,sys}*', lacks: ro}");
        for (path, expected) in [
            ("mount./proc", true),
            ("mount.inside./sys/fs", true),
            ("mount./dev", false),
            ("proc.umask", false),
        ] {
            assert_eq!(sign.is_about(path), expected, "{path}");
        }
    }

    #[test]
    fn each_predicate_says_yes_and_no() {
        let config = json!({"process": {"user": {"uid": 7}, "oomScoreAdj": 500, "args": ["a", "b"]}});
        let context = Context {
            config: &config,
            facts: &[],
        };
        let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
        for (predicate, value, expected) in [
            ("is: ok", Some(Value::from("ok")), true),
            ("is: ok", Some(Value::from("error")), false),
            ("is: 'tmpfs*'", Some(Value::from("tmpfs rw")), true),
            ("is: []", Some(list(&[])), true),
            ("is: []", Some(list(&["a"])), false),
            ("is: 3", None, false),
            ("one-of: [1, 2]", Some(Value::Int(2)), true),
            ("one-of: [1, 2]", Some(Value::Int(3)), false),
            ("has: ro", Some(Value::from("tmpfs rw,ro,nosuid")), true),
            ("has: r", Some(Value::from("tmpfs rw,ro,nosuid")), false),
            ("has: 'HOME=*'", Some(list(&["A=1", "HOME=/"])), true),
            ("lacks: ro", Some(Value::from("tmpfs rw")), true),
            ("lacks: ro", None, false),
            ("matches: '*denied*'", Some(list(&["x", "is denied here"])), true),
            ("matches: '*denied*'", Some(list(&["x"])), false),
            ("absent: true", None, true),
            ("absent: true", Some(Value::Int(0)), false),
            ("any: true", None, true),
            ("above: 3", Some(Value::from("4:5")), true),
            ("above: 3", Some(Value::Int(3)), false),
            ("below: 3", Some(Value::Int(2)), true),
            ("config: process.oomScoreAdj", Some(Value::from("500")), true),
            ("config: process.oomScoreAdj", Some(Value::from("0")), false),
            ("config: process.args", Some(list(&["a", "b"])), true),
            ("is-user: uid", Some(Value::Int(7)), true),
            ("is-user: gid", Some(Value::Int(0)), true),
            ("is-user: gid", Some(Value::Int(7)), false),
        ] {
            let sign = sign(&format!("{{fact: a, {predicate}}}"));
            assert_eq!(
                sign.fits(value.as_ref(), &context),
                expected,
                "{predicate} {value:?}"
            );
        }
    }

    #[test]
    fn what_the_others_show_and_what_stands_beside_it_count() {
        let config = json!({});
        let denied = [Fact {
            path: "syscall.denied".to_owned(),
            value: Value::List(vec!["x ENOSYS".to_owned()]),
        }];
        let context = Context {
            config: &config,
            facts: &denied,
        };
        let sign =
            sign("{fact: a, is: 0, instead: {above: 0}, where: {'syscall.{x,den*}': {has: '* ENOSYS'}}}");
        assert!(sign.fits(Some(&Value::Int(0)), &context));
        assert!(sign.others_fit(Some(&Value::Int(2)), &context));
        assert!(!sign.others_fit(Some(&Value::Int(0)), &context));
        let nothing = Context {
            config: &config,
            facts: &[],
        };
        assert!(!sign.fits(Some(&Value::Int(0)), &nothing));
    }
}
