//! Writes a case as people do: short values on a line, long ones one below the other. What others wrote is quoted, and stays
//! on its line.

use serde_json::Value;

/// How wide a line may be.
const WIDTH: usize = 120;

/// Words that YAML takes for something else, in any of its versions.
const TAKEN: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "nan"];

/// A text on one line, without what ends a line, moves a cursor or turns writing round.
#[must_use]
pub fn line(text: &str) -> String {
    let shown = text.chars().map(|letter| {
        let plain = !letter.is_control() && !letter.is_whitespace();
        if plain && !is_hidden(letter) { letter } else { ' ' }
    });
    let shown: String = shown.collect();
    shown
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{ffff}')
}

/// The file: a head of comments, and the members.
pub(super) fn file(head: &[String], members: &[(&str, Value)]) -> String {
    let mut text = String::new();
    for words in head {
        comment(&line(words), &mut text);
    }
    for (key, value) in members {
        member(key, value, 0, &mut text);
    }
    text
}

fn comment(words: &str, text: &mut String) {
    let mut row = "#".to_owned();
    for word in words.split(' ') {
        if row.len() > 3 && row.len() + word.len() >= WIDTH {
            text.push_str(&row);
            text.push('\n');
            row = "#  ".to_owned();
        }
        row.push(' ');
        row.push_str(word);
    }
    text.push_str(&row);
    text.push('\n');
}

fn member(key: &str, value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let short = flow(value);
    let row = format!("{indent}{}: {short}\n", scalar(key));
    if row.len() <= WIDTH || is_small(value) {
        text.push_str(&row);
        return;
    }
    text.push_str(&format!("{indent}{}:\n", scalar(key)));
    block(value, depth + 1, text);
}

fn is_small(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => true,
    }
}

fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| member(key, value, depth, text)),
        Value::Array(items) if items.iter().all(Value::is_string) => wrapped(items, depth, text),
        Value::Array(items) => {
            for item in items {
                entry(item, depth, text);
            }
        }
        other => text.push_str(&format!("{}{}\n", "  ".repeat(depth), flow(other))),
    }
}

/// An entry of a list; a long map has a line for each member.
fn entry(item: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let row = format!("{indent}- {}\n", flow(item));
    let map = item.as_object().filter(|map| !map.is_empty());
    if map.is_none() || row.len() <= WIDTH + WIDTH / 4 {
        text.push_str(&row);
        return;
    }
    let mut rows = String::new();
    block(item, depth + 1, &mut rows);
    text.push_str(&format!("{indent}- {}", rows.trim_start()));
}

/// Many words in a few lines.
fn wrapped(items: &[Value], depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let mut row = format!("{indent}[");
    for (at, item) in items.iter().enumerate() {
        let word = flow(item);
        if row.len() + word.len() > WIDTH && row.trim_start().len() > 1 {
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

/// On one line.
pub(super) fn flow(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", join(items.iter().map(flow).collect())),
        Value::Object(map) => {
            let member = |(key, value): (&String, &Value)| format!("{}: {}", scalar(key), flow(value));
            format!("{{{}}}", join(map.iter().map(member).collect()))
        }
        other => other.to_string(),
    }
}

/// As it is where nobody can take it for anything but a text, else in quotes.
fn scalar(text: &str) -> String {
    let opens = |letter: char| letter.is_ascii_alphabetic() || "/_".contains(letter) || letter == '$';
    let plain = text.starts_with(opens)
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "/_-.=+%$".contains(letter));
    let taken = text.len() == 1 || TAKEN.contains(&text.to_ascii_lowercase().as_str());
    if plain && !taken {
        text.to_owned()
    } else {
        quoted(text)
    }
}

fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            ' ' => out.push(' '),
            letter if letter.is_control() || letter.is_whitespace() || is_hidden(letter) => {
                out.push_str(&format!("\\U{:08X}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ODD: &[&str] = &[
        "",
        " ",
        "a",
        "y",
        "No",
        "NULL",
        "~",
        "null",
        "1",
        "1e3",
        "0x1f",
        "-1",
        "1.0.2",
        ".inf",
        "<<",
        "=",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "{a",
        "[a]",
        "a,b",
        "'",
        "\"\\",
        "\u{85}\u{2028}\u{feff}",
        "a\r\n\tb\0\u{7f}\u{1b}[2J",
        "\u{202e}x\u{10fffd}\u{1f600}",
        "${bundle}",
        "a%%+",
        "---\nsummary: x",
    ];

    #[test]
    fn every_text_is_read_back_as_it_was() {
        for &text in ODD {
            let numbers = json!([1.5, u64::MAX, -7, null, true]);
            let value = json!({text: [text, {text: text}], "long": [ODD, ODD, {"x": ODD}], "n": numbers});
            let written = file(&[], &[("config", value.clone())]);
            let read: Value = serde_yaml::from_str(&written).expect(&written);
            assert_eq!(read["config"], value, "{written}");
        }
    }

    #[test]
    fn nobody_gets_out_of_a_comment() {
        let hostile: Vec<String> = ODD.iter().map(|text| format!("a{text}\n{text} b")).collect();
        let written = file(&hostile, &[("summary", json!("s"))]);
        let (head, rest) = written.split_once("\nsummary: ").expect("the summary");
        assert!(head.lines().all(|line| line.starts_with("# ")), "{head}");
        assert!(!head.contains(['\u{85}', '\u{2028}', '\u{1b}', '\r']), "{head}");
        assert_eq!(rest, "\"s\"\n", "{written}");
        assert_eq!(
            serde_yaml::from_str::<Value>(&written).expect("YAML"),
            json!({"summary": "s"})
        );
    }

    #[test]
    fn long_comments_and_lists_are_wrapped() {
        let words = ["word"; 60].join(" ");
        let written = file(&[words], &[("list", json!(vec!["CAP_SYS_ADMIN"; 30]))]);
        assert!(written.lines().all(|line| line.len() <= WIDTH + 2), "{written}");
        assert!(written.lines().count() < 10, "{written}");
    }
}
