//! The table of facts (`data/facts.yaml`): every possible fact, and what is known about each.

mod form;
mod meet;
mod pattern;

use std::sync::{LazyLock, OnceLock};

use serde::{Deserialize, Serialize};

pub use self::form::Form;
use self::meet::Shape;
use self::pattern::Pattern;
pub use self::pattern::{without_count, without_counts};
use crate::fact::{Channel, Value};
use crate::impact::Impact;
use crate::near::near;
use crate::step::{self, MAIN};

/// Where a fact is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum From {
    /// By the probe, in the container.
    Inside,
    /// By the harness.
    Outside,
}

/// When a fact is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compared {
    /// In every case.
    Always,
    /// Where a case watches it.
    Asked,
}

/// What a fact can be of beside the first container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// Of every container and exec'ed process; its name stands behind the channel.
    Container,
}

/// Which of two values confines less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Less {
    /// A comparison.
    By(Order),
    /// One of these.
    Is(Vec<Value>),
}

/// A comparison of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The list with an entry more.
    Longer,
    /// The smaller number.
    Smaller,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// The path, with alternatives and holes.
    pub fact: String,
    /// Where it is seen.
    pub from: From,
    /// Whether it is there for each container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// When it is compared.
    pub compared: Compared,
    /// How much a difference matters of which nothing more is known.
    pub impact: Impact,
    /// Which value confines less, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less: Option<Less>,
    /// What its value can be, where that is known; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Form>,
    /// Whether a runtime can print another word in its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_words: bool,
    /// What it is, in one line.
    pub says: String,
}

impl Kind {
    /// The channel.
    #[must_use]
    pub fn channel(&self) -> Option<Channel> {
        Channel::of(&self.fact)
    }

    /// Whether there can be several of one name while a container lives: lines of the probe, calls, mounts at one place,
    /// calls of a hook.
    #[must_use]
    pub fn repeats(&self) -> bool {
        let hole = match self.channel() {
            Some(Channel::Syscall) => "<call>",
            Some(Channel::Mount) => "<path>",
            Some(Channel::Hook) => "<hook>",
            _ => return self.from == From::Inside,
        };
        self.from == From::Inside || self.fact.contains(hole)
    }

    /// A path of each alternative, with something in each hole.
    #[must_use]
    pub fn examples(&self) -> Vec<String> {
        pattern::all(&self.fact).iter().map(Pattern::example).collect()
    }

    /// Whether the first value confines less than the second; `None` if the table does not say.
    #[must_use]
    pub fn confines_less(&self, first: &Value, second: &Value) -> Option<bool> {
        match (self.less.as_ref()?, first, second) {
            (Less::Is(values), _, _) => Some(values.contains(first) && !values.contains(second)),
            (Less::By(Order::Longer), Value::List(first), Value::List(second)) => {
                Some(first.iter().any(|item| !second.contains(item)))
            }
            (Less::By(Order::Smaller), Value::Int(first), Value::Int(second)) => Some(first < second),
            _ => None,
        }
    }
}

/// A row that a path fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'p> {
    /// The row.
    pub kind: &'static Kind,
    /// The container or exec'ed process that it is of, where it is not the first container.
    pub of: Option<&'p str>,
    /// What stands in the holes, by their names.
    pub holes: Vec<(&'static str, &'p str)>,
}

impl Found<'_> {
    /// What stands in the hole with a name.
    #[must_use]
    pub fn hole(&self, name: &str) -> Option<&str> {
        self.holes
            .iter()
            .find(|(hole, _)| *hole == name)
            .map(|(_, text)| *text)
    }
}

struct Row {
    kind: Kind,
    channel: Channel,
    patterns: Vec<Pattern>,
    /// The patterns in the form in which they are compared with patterns of paths: made once that is asked for.
    shapes: OnceLock<Vec<Shape>>,
}

impl Row {
    fn read<'p>(&'static self, of: Option<&'p str>, rest: &'p str) -> Option<Found<'p>> {
        let mut patterns = self.patterns.iter();
        let holes = patterns.find_map(|pattern| pattern.fits(self.channel.name(), rest))?;
        let kind = &self.kind;
        Some(Found { kind, of, holes })
    }
}

// The text is part of the program, and is read by a test.
static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let kinds: Vec<Kind> = serde_yaml::from_str(include_str!("../../data/facts.yaml")).unwrap_or_default();
    let row = |kind: Kind| {
        let channel = kind.channel()?;
        let patterns = pattern::all(&kind.fact);
        Some(Row {
            kind,
            channel,
            patterns,
            shapes: OnceLock::new(),
        })
    };
    kinds.into_iter().filter_map(row).collect()
});

/// Every row, in the order in which they are tried: the first that fits counts.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    TABLE.iter().map(|row| &row.kind)
}

fn rows(channel: Channel) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.channel == channel)
}

/// The row of a fact.
#[must_use]
pub fn find(path: &str) -> Option<Found<'_>> {
    let channel = Channel::of(path)?;
    // `call.mkdir#2`, in another life `call.mkdir#1#2`, but also `call.#83`.
    let once = without_count(path);
    let paths = [path, once, without_count(once)].map(|path| rest_of(channel, path));
    // As the first container's fact first: `call.personality` is not the personality of a container `call`.
    let of_first = || {
        paths
            .iter()
            .find_map(|rest| rows(channel).find_map(|row| row.read(None, rest)))
    };
    let of_other = || {
        let mut pairs = paths
            .iter()
            .flat_map(|rest| rows(channel).map(move |row| (row, *rest)));
        pairs.find_map(|(row, rest)| labelled(rest, row).find_map(|(of, rest)| row.read(of, rest)))
    };
    of_first().or_else(of_other)
}

/// The same fact of the first container: `mount.inside.dev` for `mount.exec.inside.dev`; `None` if it is of that one.
#[must_use]
pub fn as_of_first(path: &str) -> Option<String> {
    let of = find(path)?.of?;
    Some(path.replacen(&format!(".{of}."), ".", 1))
}

/// The rows of the facts that a path or a pattern of paths can name: `*` stands for any text. Of a container or a
/// process other than the first only `exec` can be named in a pattern, as the others have whatever names a case gives.
#[must_use]
pub fn named(pattern: &str) -> Vec<&'static Kind> {
    if !pattern.contains('*') {
        return find(pattern).map(|found| found.kind).into_iter().collect();
    }
    let pattern = without_counts(pattern);
    // Which channel it is about, where it says so: facts of the others begin in another way.
    let channel = pattern.split('.').next().filter(|head| !head.contains('*'));
    let shapes = |row: &'static Row| {
        let make = || meet::shapes(&row.patterns, row.kind.per.is_some());
        row.shapes.get_or_init(make).iter()
    };
    // A hole for any text takes any letters: what is known by name comes first.
    let rows = |by_name: bool| -> Vec<&'static Kind> {
        let meets = |row: &&'static Row| shapes(row).any(|shape| shape.meets(pattern, by_name));
        let of_channel = |row: &&'static Row| channel.is_none_or(|name| row.channel.name() == name);
        let rows = TABLE.iter().filter(of_channel).filter(meets);
        rows.map(|row| &row.kind).collect()
    };
    let known = rows(true);
    if known.is_empty() { rows(false) } else { known }
}

/// Whether a pattern of paths can name what is written as in the table: `lifecycle.<step>.said`.
#[must_use]
pub fn can_name(pattern: &str, path: &'static str) -> bool {
    let shapes = meet::shapes(&[Pattern::of(path)], false);
    shapes.iter().any(|shape| shape.meets(pattern, false))
}

/// The path without its channel.
fn rest_of(channel: Channel, path: &str) -> &str {
    path[channel.name().len()..].trim_start_matches('.')
}

/// The facts of the channel that a `watch` pattern (see [`crate::fact::watched`]) can choose, with what they belong to
/// and what stands in their holes; empty if there are none. `others` are the other containers and exec'ed processes.
#[must_use]
pub fn chosen<'p>(channel: Channel, watch: &'p str, others: &[String]) -> Vec<Found<'p>> {
    let is_there = |of: &str| others.iter().any(|other| other == of);
    let mut found = Vec::new();
    for row in rows(channel) {
        let kind = &row.kind;
        let per = kind.per.is_some();
        let all = watch.trim_end_matches('.');
        if watch == "*" || (per && is_there(all)) {
            let of = (watch != "*").then_some(all);
            found.push(Found {
                kind,
                of,
                holes: Vec::new(),
            });
        }
        let once = without_counts(watch);
        let texts = std::iter::once(watch).chain((once != watch).then_some(once));
        let readings = texts.flat_map(|text| std::iter::once((None, text)).chain(labelled(text, row)));
        for (of, rest) in readings {
            if of.is_some_and(|of| !is_there(of)) {
                continue;
            }
            let mut open = row.patterns.iter();
            let holes = open.find_map(|pattern| pattern.opens_with(channel.name(), rest));
            found.extend(holes.map(|holes| Found { kind, of, holes }));
        }
    }
    found
}

/// `exec.umask` as `umask` of `exec`, `second.exec.umask` as that of `second.exec`.
fn labelled<'p>(rest: &'p str, row: &Row) -> impl Iterator<Item = (Option<&'p str>, &'p str)> {
    let per = row.kind.per.is_some();
    rest.match_indices('.')
        .take(2)
        .filter(move |_| per)
        .map(|(at, _)| (Some(&rest[..at]), &rest[at + 1..]))
        .filter(|(of, _)| of.is_some_and(pattern::is_label))
}

/// The container of what `of` names: a container, or the label of a process that is exec'ed in one. Only the steps can
/// say whether there is a container with the name of a label.
#[must_use]
pub fn container_of(of: Option<&str>, is_container: impl Fn(&str) -> bool) -> &str {
    match of {
        None => MAIN,
        Some(label) if pattern::is_exec(label) && !is_container(label) => step::container_of(label),
        Some(name) => name,
    }
}

/// The container of a fact that one shows, also where no row fits its path.
#[must_use]
pub fn container_in(path: &str, is_container: impl Fn(&str) -> bool) -> &str {
    let named = || path.split('.').nth(1).filter(|name| is_container(name));
    container_of(find(path).map_or_else(named, |found| found.of), is_container)
}

/// Whether a fact says how a step ended.
#[must_use]
pub fn is_result(path: &str) -> bool {
    Channel::of(path) == Some(Channel::Lifecycle) && path.ends_with(".result")
}

/// The path that may have been meant by a path that no row fits.
#[must_use]
pub fn meant(path: &str) -> Option<String> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let channel = Channel::of(path).or_else(|| {
        let name = near(head, Channel::ALL.map(Channel::name))?;
        Channel::ALL.into_iter().find(|channel| channel.name() == name)
    })?;
    let path = format!("{}.{rest}", channel.name());
    if find(&path).is_some() {
        return Some(path);
    }
    // A hole for any text accepts any slip: what is known by name comes first.
    [false, true].into_iter().find_map(|any| {
        let mut all = like(channel, None, rest, any);
        if let Some((of, rest)) = rest.split_once('.').filter(|(of, _)| pattern::is_label(of)) {
            all.extend(like(channel, Some(of), rest, any));
        }
        near(&path, all.iter().map(String::as_str)).map(str::to_owned)
    })
}

/// A path of each possible kind, with what `rest` has in place of its holes: for the first container or for another.
fn like(channel: Channel, of: Option<&str>, rest: &str, any: bool) -> Vec<String> {
    let path = format!("{}.{rest}", channel.name());
    let full = |filled: String| match of {
        Some(of) => filled.replacen('.', &format!(".{of}."), 1),
        None => filled,
    };
    rows(channel)
        .filter(|row| of.is_none() || row.kind.per.is_some())
        .flat_map(|row| row.patterns.iter())
        .filter(|pattern| any || !pattern.takes_any())
        .filter_map(|pattern| pattern.filled_like(&path))
        .map(full)
        .collect()
}

#[cfg(test)]
mod tests;
