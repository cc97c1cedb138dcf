//! Values as YAML, the way people write it: short ones on one line, long ones one below the other. What others wrote is
//! quoted, and stays on its line.

use ocidiff_model::Value as FactValue;
use serde_json::Value;

/// How long lists of words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Each on its own line, so that a change is visible.
    Lines,
    /// Many in a few lines.
    Wrapped,
}

/// Writes members of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    /// How wide a line may be.
    pub(crate) width: usize,
    /// How long lists of words are written.
    pub(crate) words: Words,
}

impl Writer {
    /// A member and its value, this deep in the file: on its line if that fits, else with a line for each member or item.
    pub(crate) fn member(self, key: &str, value: &Value, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        let row = format!("{indent}{}: {}", name(key), flow(value));
        if self.fits(&row) || is_small(value) {
            text.push_str(&row);
            text.push('\n');
            return;
        }
        text.push_str(&format!("{indent}{}:\n", name(key)));
        self.block(value, depth + 1, text);
    }

    /// An item of a list; a long map has a line for each member.
    pub(crate) fn item(self, item: &Value, depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        let row = format!("{indent}- {}", flow(item));
        let map = item.as_object().filter(|map| !map.is_empty());
        if map.is_none() || self.fits(&row) {
            text.push_str(&row);
            text.push('\n');
            return;
        }
        let mut rows = String::new();
        self.block(item, depth + 1, &mut rows);
        text.push_str(&format!("{indent}- {}", rows.trim_start()));
    }

    fn fits(self, row: &str) -> bool {
        row.chars().count() <= self.width
    }

    fn block(self, value: &Value, depth: usize, text: &mut String) {
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| self.member(key, value, depth, text)),
            Value::Array(items) if self.words == Words::Wrapped && items.iter().all(Value::is_string) => {
                self.wrapped(items, depth, text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.item(item, depth, text)),
            other => text.push_str(&format!("{}{}\n", "  ".repeat(depth), flow(other))),
        }
    }

    fn wrapped(self, items: &[Value], depth: usize, text: &mut String) {
        let indent = "  ".repeat(depth);
        let mut row = format!("{indent}[");
        for (at, item) in items.iter().enumerate() {
            let word = flow(item);
            if row.len() + word.len() > self.width && row.trim_start().len() > 1 {
                text.push_str(row.trim_end());
                text.push('\n');
                row = format!("{indent} ");
            }
            row.push_str(&word);
            row.push_str(if at + 1 == items.len() { "]" } else { ", " });
        }
        text.push_str(&row);
        text.push('\n');
    }
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => true,
    }
}

/// On one line.
pub(crate) fn flow(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", join(items.iter().map(flow).collect())),
        Value::Object(map) => {
            let member = |(key, value): (&String, &Value)| format!("{}: {}", name(key), flow(value));
            format!("{{{}}}", join(map.iter().map(member).collect()))
        }
        other => other.to_string(),
    }
}

/// A member's name; `$any` is our own.
fn name(name: &str) -> String {
    match name.strip_prefix('$') {
        Some(rest) if !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric()) => name.to_owned(),
        _ => scalar(name),
    }
}

/// A text within flow style: plain if it cannot be read as anything but that text, otherwise in quotes.
pub(crate) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _-./()=+;<>".contains(c);
    let opens = |c: char| c.is_ascii_alphanumeric() || "/_(.".contains(c);
    let is_plain = text.starts_with(opens)
        && !text.ends_with(' ')
        && text.chars().all(plain)
        && !is_otherwise_elsewhere(text)
        && reads_as_text(text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// Whether YAML reads it as that text.
pub(crate) fn reads_as_text(text: &str) -> bool {
    matches!(serde_yaml::from_str(text), Ok(FactValue::Text(same)) if same == text)
}

/// Whether YAML 1.1 readers, such as most editors and Python, read a plain text as something else: an octal number, a
/// date, a truth value.
fn is_otherwise_elsewhere(text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && text.chars().all(|c| c.is_ascii_digit() || "-_.".contains(c))
        && text.chars().filter(|&c| c == '.').count() < 2;
    let others = ["y", "n", "yes", "no", "on", "off", "nan", "="];
    is_number || others.contains(&text.to_ascii_lowercase().as_str())
}

/// In quotes, which every reader handles alike: nothing in it ends a line, moves a cursor or reverses the
/// direction of writing.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' ' => out.push(' '),
            letter if letter.is_control() || letter.is_whitespace() || is_hidden(letter) => {
                match u32::from(letter) {
                    short @ ..=0xffff => out.push_str(&format!("\\u{short:04x}")),
                    long => out.push_str(&format!("\\U{long:08x}")),
                }
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// What is not visible, or reverses the direction of writing.
pub(crate) fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}')
}
