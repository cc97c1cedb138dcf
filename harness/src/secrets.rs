//! The values of environment variables in a config from elsewhere: digests replace them in everything that is
//! recorded, so that no report, event or file contains them, and what differs still differs.
//!
//! A value is removed where it occurs as it is, or cut (`NAME=val...`). What a workload makes of it, such as its
//! base64, is not recognised.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ocidiff_model::{Case, Record, Value};
use serde_json::Value as Json;

use crate::bundle::Bundle;
use crate::digest::of_text;
use crate::judge::confirm::Launch;

/// A shorter value is only removed after its name: it would occur everywhere.
const SHORTEST: usize = 4;
/// A value shorter than this is only removed where it is a word of its own.
const SHORT: usize = 6;
/// The end of a text that was cut.
const CUT: &str = "...";

/// The digest that stands in for a value; `check` puts it in place of the values in the probe's environment.
#[must_use]
pub fn digest(value: &str) -> String {
    of_text(value)[..12].to_owned()
}

/// The values to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// By name; a name can occur twice.
    named: Vec<(String, String)>,
    /// As they occur in a text, with the digest; the longest first, since one can contain another.
    values: Vec<(String, String)>,
}

impl Secrets {
    /// The values from every list called `env` in these configs, for the process and for hooks, however broken the
    /// rest is.
    #[must_use]
    pub fn of<'a>(configs: impl IntoIterator<Item = &'a String>) -> Self {
        let mut entries = Vec::new();
        for config in configs {
            if let Ok(config) = serde_json::from_str::<Json>(config) {
                members(&config, &mut entries);
            }
            // What a parser leaves out (a member that occurs twice) a runtime may take.
            written(config, &mut entries);
        }
        Self::of_entries(entries)
    }

    /// Those from `NAME=value` entries.
    #[must_use]
    pub fn of_entries(entries: impl IntoIterator<Item = String>) -> Self {
        let mut named = Vec::new();
        let mut values = BTreeMap::new();
        for entry in entries {
            // Without a `=`, there is no telling which part is the name.
            let (name, value) = entry.split_once('=').unwrap_or(("", &entry));
            for shown in spelt(value) {
                values.insert(shown.clone(), digest(value));
                named.push((name.to_owned(), shown));
            }
            // What is printed is recorded line by line: a key in a file's form appears in pieces.
            let lines = value.lines().map(str::trim).filter(|line| *line != value);
            values.extend(lines.map(|line| (line.to_owned(), digest(line))));
        }
        named.sort();
        named.dedup();
        named.retain(|(name, value)| !name.is_empty() && !value.is_empty());
        let mut values: Vec<_> = values
            .into_iter()
            .filter(|(value, _)| value.chars().count() >= SHORTEST)
            .collect();
        values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Self { named, values }
    }

    /// Removes them from a record.
    pub fn hide(&self, record: &mut Record) {
        if self.named.is_empty() && self.values.is_empty() {
            return;
        }
        for fact in &mut record.facts {
            let is_env = fact.path.ends_with(".env");
            match &mut fact.value {
                Value::Text(text) => *text = self.text(text),
                Value::List(items) => {
                    for item in items {
                        *item = if is_env { self.entry(item) } else { self.text(item) };
                    }
                }
                Value::Bool(_) | Value::Int(_) => {}
            }
            fact.path = self.path(&fact.path);
        }
        record.facts.sort_by(|a, b| a.path.cmp(&b.path));
        for step in &mut record.steps {
            step.text = self.text(&step.text);
            step.argv.iter_mut().for_each(|word| *word = self.text(word));
        }
        for call in record.setup.iter_mut().chain(&mut record.calls) {
            *call = self.text(call);
        }
        if let Some(why) = record.outcome.words_mut() {
            *why = self.text(why);
        }
    }

    /// A variable as a process has it. Whatever a runtime made of its value is hidden too.
    fn entry(&self, entry: &str) -> String {
        match entry.split_once('=') {
            Some((name, value)) if self.named.iter().any(|(known, _)| known == name) => {
                format!("{name}={}", digest(value))
            }
            _ => self.text(entry),
        }
    }

    /// The words of a fact's path are ours; what a workload named begins with a `/` or is in parentheses.
    fn path(&self, path: &str) -> String {
        let (ours, theirs) = path.split_at(path.find(['/', '(']).unwrap_or(path.len()));
        format!("{ours}{}", self.text(theirs))
    }

    /// A text without them.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.named {
            if text.contains(name.as_str()) {
                text = behind_name(&text, name, value);
            }
        }
        for (value, digest) in &self.values {
            if text.contains(value.as_str()) {
                text = replaced(&text, value, digest);
            }
            if text.contains(CUT) {
                text = cut(&text, value, digest);
            }
        }
        text
    }
}

/// The entries of every list that is a member called `env`, in any case: some readers do not care.
fn members(json: &Json, entries: &mut Vec<String>) {
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                if key.eq_ignore_ascii_case("env") {
                    strings(value, entries);
                }
                members(value, entries);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| members(item, entries)),
        _ => {}
    }
}

fn strings(json: &Json, entries: &mut Vec<String>) {
    match json {
        Json::String(text) => entries.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| strings(item, entries)),
        Json::Object(map) => map.values().for_each(|item| strings(item, entries)),
        _ => {}
    }
}

/// The same from the text: whatever follows an `"env":`, up to where it is no longer JSON.
fn written(config: &str, entries: &mut Vec<String>) {
    let lower = config.to_ascii_lowercase();
    for (at, key) in lower.match_indices("\"env\"") {
        let rest = config[at + key.len()..].trim_start();
        let Some(rest) = rest.strip_prefix(':') else {
            continue;
        };
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        match values.next() {
            Some(Ok(value)) => strings(&value, entries),
            _ => pieces(rest, entries),
        }
    }
}

/// The texts in quotes of a list that is broken.
fn pieces(list: &str, entries: &mut Vec<String>) {
    let list = list.split(']').next().unwrap_or_default();
    let quoted = list.split('"').skip(1).step_by(2);
    entries.extend(quoted.filter(|piece| piece.contains('=')).map(str::to_owned));
}

/// As a recorder writes it: with quotes, backslashes and control characters escaped.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.extend(letter.escape_default()),
            letter => text.push(letter),
        }
    }
    text
}

/// The ways in which a text can contain it: as it is, as the recorder writes it, and quoted as Go and Rust quote, up to
/// twice (a message that quotes a path, in a log line that quotes the message).
fn spelt(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned(), escaped(value)];
    for quote in [quoted_by_go as fn(&str) -> String, quoted_by_rust] {
        let once = quote(value);
        all.push(quote(&once));
        all.push(once);
    }
    all.sort();
    all.dedup();
    all
}

/// As in Go's `%q`, between the quotes (strconv.Quote).
fn quoted_by_go(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        // Writing to a string cannot fail; this goes for all of these.
        let _ = match letter {
            '"' | '\\' => write!(text, "\\{letter}"),
            '\u{7}' => write!(text, "\\a"),
            '\u{8}' => write!(text, "\\b"),
            '\t' => write!(text, "\\t"),
            '\n' => write!(text, "\\n"),
            '\u{b}' => write!(text, "\\v"),
            '\u{c}' => write!(text, "\\f"),
            '\r' => write!(text, "\\r"),
            ' ' => write!(text, " "),
            letter if letter < '\u{80}' && letter.is_control() => {
                write!(text, "\\x{:02x}", u32::from(letter))
            }
            // What Rust escapes when it prints for debugging, Go does not print either.
            letter if is_printed(letter) => write!(text, "{letter}"),
            letter if letter <= '\u{ffff}' => write!(text, "\\u{:04x}", u32::from(letter)),
            letter => write!(text, "\\U{:08x}", u32::from(letter)),
        };
    }
    text
}

fn is_printed(letter: char) -> bool {
    !letter.is_whitespace() && !letter.is_control() && letter.escape_debug().count() == 1
}

/// As in Rust's `{:?}`, between the quotes.
fn quoted_by_rust(value: &str) -> String {
    value.escape_debug().to_string()
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// `NAME=value`, with the value complete or cut.
fn behind_name(text: &str, name: &str, value: &str) -> String {
    let mark = format!("{name}=");
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(&mark) {
        let (head, tail) = rest.split_at(at + mark.len());
        let is_name = !rest[..at].chars().next_back().is_some_and(is_of_word);
        out.push_str(head);
        let common = common(tail, value);
        let is_cut = common > 0 && (tail[common..].is_empty() || tail[common..].starts_with(CUT));
        rest = if is_name && (common == value.len() || is_cut) {
            out.push_str(&digest(value));
            &tail[common..]
        } else {
            tail
        };
    }
    out + rest
}

/// How many bytes two texts have in common at the beginning, in whole characters.
fn common(one: &str, other: &str) -> usize {
    one.chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .map(|(letter, _)| letter.len_utf8())
        .sum()
}

/// Replaces the value wherever it occurs; a short one only where it is a word.
fn replaced(text: &str, value: &str, digest: &str) -> String {
    let must_be_word = value.chars().count() < SHORT;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (head, tail) = (&rest[..at], &rest[at + value.len()..]);
        let within = |letter: Option<char>| letter.is_some_and(is_of_word);
        let before = head.chars().next_back().or_else(|| out.chars().next_back());
        out.push_str(head);
        if must_be_word && (within(before) || within(tail.chars().next())) {
            out.push_str(value);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "sha256:{digest}");
        }
        rest = tail;
    }
    out + rest
}

/// The beginning of the value, where a text was cut in it.
fn cut(text: &str, value: &str, digest: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(CUT) {
        let (head, tail) = rest.split_at(at);
        let ends = value
            .char_indices()
            .map(|(end, _)| end)
            .filter(|end| *end >= SHORTEST);
        match ends.rev().find(|end| head.ends_with(&value[..*end])) {
            Some(end) => {
                out.push_str(&head[..head.len() - end]);
                let _ = write!(out, "sha256:{digest}");
            }
            None => out.push_str(head),
        }
        out.push_str(CUT);
        rest = &tail[CUT.len()..];
    }
    out + rest
}

/// Launches, and removes the values from what was recorded before it is seen anywhere else.
#[derive(Debug)]
pub(crate) struct Discreet<'a, L> {
    pub(crate) launch: &'a L,
    pub(crate) secrets: Secrets,
}

impl<L: Launch> Launch for Discreet<'_, L> {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let mut records = self.launch.once(case, bundle).await;
        records.iter_mut().for_each(|record| self.secrets.hide(record));
        records
    }
}

#[cfg(test)]
mod tests;
