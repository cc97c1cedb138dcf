//! Text that came from a container or a runtime is hostile: it may hold terminal commands, reverse the direction of
//! writing, hide characters, or be endless. All such text passes through here before it is shown.

use std::borrow::Cow;

/// How many characters [`safe`] lets through.
pub(crate) const LIMIT: usize = 2000;
/// How many lines [`safe_lines`] lets through.
const MOST_LINES: usize = 1000;

/// The text on one line, without anything that a terminal would obey, and no longer than 2000 characters.
#[must_use]
pub fn safe(text: &str) -> String {
    safe_to(text, LIMIT)
}

/// As [`safe`], with a given limit. What is left out is counted.
#[must_use]
pub fn safe_to(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut rest = text.chars();
    rest.by_ref()
        .take(limit)
        .for_each(|character| push(&mut out, character));
    match rest.count() {
        0 => {}
        1 => out.push_str("... (1 more character)"),
        left => out.push_str(&format!("... ({left} more characters)")),
    }
    out
}

/// As [`safe_to`], for what a program said: such words begin with what failed and end with why, so the middle is left
/// out.
#[must_use]
pub fn words_to(text: &str, limit: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= limit {
        return safe_to(text, limit);
    }
    let (head, tail) = (&all[..limit / 3], &all[all.len() - (limit - limit / 3)..]);
    let [head, tail] = [head, tail].map(|part| safe_to(&part.iter().collect::<String>(), limit));
    format!("{head}... ({} more characters) ...{tail}", all.len() - limit)
}

/// As [`safe`], but for a text of several lines, which stay lines: a list of errors.
#[must_use]
pub fn safe_lines(text: &str) -> String {
    let mut lines = text.lines();
    let mut kept: Vec<String> = lines.by_ref().take(MOST_LINES).map(safe).collect();
    match lines.count() {
        0 => {}
        1 => kept.push("... (1 more line)".to_owned()),
        left => kept.push(format!("... ({left} more lines)")),
    }
    kept.join("\n")
}

/// As [`safe`], for a line that has room for `limit` characters only.
pub(crate) fn brief(text: &str, limit: usize) -> String {
    let safe = safe(text);
    if safe.chars().count() <= limit {
        return safe;
    }
    let kept = safe.chars().take(limit.saturating_sub(3));
    kept.chain("...".chars()).collect()
}

/// The text with everything that is not ASCII written as `\u{..}`.
#[must_use]
pub(crate) fn ascii(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            character if character.is_ascii() => character.to_string(),
            character => character.escape_unicode().to_string(),
        })
        .collect()
}

/// JSON with nothing in its texts that a terminal would obey: the same text to any parser.
#[must_use]
pub fn safe_json(json: &str) -> Cow<'_, str> {
    // Control characters below the space are escaped in any JSON; the rest of them, and what is hidden, need not be.
    let unsafe_here = |letter: char| letter == '\u{7f}' || (!letter.is_ascii() && is_hidden(letter));
    if !json.contains(unsafe_here) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if unsafe_here(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(letter);
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, character: char) {
    match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0' => out.push_str("\\0"),
        character if u32::from(character) < 0x100 && character.is_control() => {
            out.push_str(&format!("\\x{:02x}", u32::from(character)));
        }
        character if is_hidden(character) => out.extend(character.escape_unicode()),
        character => out.push(character),
    }
}

/// Characters that change how their neighbours are shown, or show nothing: direction marks, joiners, variation
/// selectors, tags, line separators, and the two that XML forbids.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{fffe}'..='\u{ffff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_text() {
        for (hostile, shown) in [
            ("\u{1b}[2J\u{1b}[31mred", r"\x1b[2J\x1b[31mred"),
            (
                "\u{1b}]8;;http://evil\u{1b}\\here\u{1b}]8;;\u{7}",
                r"\x1b]8;;http://evil\x1b\here\x1b]8;;\x07",
            ),
            ("good\rbad", r"good\rbad"),
            ("a\nb\tc\0", r"a\nb\tc\0"),
            ("\u{9b}31m\u{7f}", r"\x9b31m\x7f"),
            ("user\u{202e}txt.exe\u{2069}", r"user\u{202e}txt.exe\u{2069}"),
            ("ze\u{200b}ro\u{feff}", r"ze\u{200b}ro\u{feff}"),
            ("\u{e0041}\u{ffff}", r"\u{e0041}\u{ffff}"),
            ("plain, é, 日本", "plain, é, 日本"),
        ] {
            assert_eq!(safe(hostile), shown);
        }
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(safe_to("abcdef", 6), "abcdef");
        assert_eq!(safe_to("abcdef", 5), "abcde... (1 more character)");
        assert_eq!(safe_to("abcdef", 2), "ab... (4 more characters)");
        assert_eq!(
            (brief("abcdef", 6), brief("abcdef", 5)),
            ("abcdef".into(), "ab...".into())
        );
        assert!(safe(&"x".repeat(1 << 20)).len() < LIMIT + 40);
    }

    #[test]
    fn words_keep_what_failed_and_why() {
        assert_eq!(words_to("abcdef", 6), "abcdef");
        let long = format!("create: {}: no such file", "x".repeat(100));
        assert_eq!(
            words_to(&long, 30),
            "create: xx... (92 more characters) ...xxxxxx: no such file"
        );
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(
            safe_lines("a\u{1b}[2J\n    help: b\r\n"),
            "a\\x1b[2J\n    help: b"
        );
        let many = safe_lines(&"x\n".repeat(MOST_LINES + 2));
        assert!(many.ends_with("x\n... (2 more lines)"), "{many}");
        assert_eq!(safe_lines(&"x\n".repeat(MOST_LINES)).lines().count(), MOST_LINES);
    }

    #[test]
    fn json_is_the_same_to_who_reads_it() {
        let text = "a\u{9b}31m \u{7f}\u{202e}\u{e0041} é";
        let json = serde_json::to_string(text).expect("JSON");
        let shown = safe_json(&json);
        assert_eq!(shown, "\"a\\u009b31m \\u007f\\u202e\\udb40\\udc41 é\"");
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
    }

    #[test]
    fn ascii_only() {
        assert_eq!(ascii("é·x"), r"\u{e9}\u{b7}x");
    }
}
