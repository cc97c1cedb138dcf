//! Text from elsewhere, on one line.

/// How much of a message is shown.
const LONGEST: usize = 300;

/// What a program said, as [`line`]: too much of it loses its middle, since the cause is at the end.
pub(crate) fn words(text: &str) -> String {
    let mut ends = text.char_indices().rev().map(|(at, _)| at);
    match ends.nth(LONGEST / 2).filter(|at| *at > LONGEST) {
        Some(at) => {
            let head: String = text.chars().take(LONGEST / 2 - 8).collect();
            line(&format!("{head}...{}", &text[at..]))
        }
        None => line(text),
    }
}

/// A text on one line, without what moves a terminal's cursor or reverses the direction of writing.
pub(crate) fn line(text: &str) -> String {
    let mut line = String::new();
    let mut gap = false;
    for letter in text.chars() {
        if letter.is_control() || letter.is_whitespace() {
            gap = true;
            continue;
        }
        if is_invisible(letter) {
            continue;
        }
        if gap && !line.is_empty() {
            line.push(' ');
        }
        gap = false;
        line.push(letter);
        if line.len() >= LONGEST {
            line.push_str("...");
            break;
        }
    }
    line
}

/// A name from elsewhere: `None` if nothing is left of it.
pub(crate) fn name(text: &str) -> Option<String> {
    Some(line(text)).filter(|line| !line.is_empty())
}

/// Whether a text can be a container's id, and so the name of a folder or a part of a URL.
pub(crate) fn is_id(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=255).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(fits)
}

/// Direction marks and joiners.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_failed_and_why() {
        assert_eq!(words("create: no such file"), "create: no such file");
        let long = words(&format!("create: {}: no such file", "x".repeat(5000)));
        assert!(
            long.starts_with("create: ") && long.ends_with(": no such file"),
            "{long}"
        );
        assert!(long.len() < LONGEST + 4, "{long}");
    }

    #[test]
    fn what_is_hostile_becomes_a_line() {
        assert_eq!(line("  a\n\nb\x1b[2J\tc\u{202e}d "), "a b [2J cd");
        assert!(line(&"x".repeat(10_000)).len() < 310);
        assert_eq!(name("\u{200b}\n"), None);
    }

    #[test]
    fn ids_are_no_paths() {
        assert!(is_id("0a1b") && is_id("web-1_x.y"));
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "../etc",
            "a b",
            "a?all=1",
            "ä",
            &"a".repeat(256),
        ] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
