//! Writes a case: a head of comments, and its members.

use serde_json::Value;

use crate::corpus::print::yaml::{Words, Writer, is_hidden};

/// How wide a line may be.
const WIDTH: usize = 120;

/// A text on one line, without what ends a line, moves a cursor or reverses the direction of writing.
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

/// The file: a head of comments, and the members.
pub(super) fn file(head: &[String], members: &[(&str, Value)]) -> String {
    let mut text = String::new();
    for words in head {
        comment(&line(words), &mut text);
    }
    let writer = Writer {
        width: WIDTH,
        words: Words::Wrapped,
    };
    for (key, value) in members {
        writer.member(key, value, 0, &mut text);
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
        assert_eq!(rest, "s\n", "{written}");
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
