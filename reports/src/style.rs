//! How a report is drawn: colour, width, and which characters.

use textwrap::WordSeparator;
use textwrap::core::Word;
use textwrap::wrap_algorithms::wrap_first_fit;

use crate::safe::{ascii, brief, safe_to};

/// How a report is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Whether to use the terminal's colours.
    pub colour: bool,
    /// How many columns to fit into; long values are cut and long sentences wrapped.
    pub width: usize,
    /// Whether characters beyond ASCII are shown.
    pub unicode: bool,
}

impl Default for Style {
    /// For files and pipes: no colour, 110 columns, Unicode.
    fn default() -> Self {
        Self {
            colour: false,
            width: 110,
            unicode: true,
        }
    }
}

/// What a colour means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Fail,
    Warn,
    Good,
    Name,
    Quiet,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Fail => "1;31",
            Self::Warn => "33",
            Self::Good => "32",
            Self::Name => "1",
            Self::Quiet => "2",
        }
    }
}

impl Style {
    /// The text in a colour; as it is if colours are off.
    pub(crate) fn paint(&self, ink: Ink, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code())
        } else {
            text.to_owned()
        }
    }

    /// Hostile text, made safe and no longer than `limit` characters.
    pub(crate) fn text(&self, text: &str, limit: usize) -> String {
        self.characters(safe_to(text, limit))
    }

    /// Hostile text, made safe and cut to the available room.
    pub(crate) fn brief(&self, text: &str, room: usize) -> String {
        self.characters(brief(text, room))
    }

    /// A hostile sentence, made safe and cut between words to the available room.
    pub(crate) fn sentence(&self, text: &str, room: usize) -> String {
        let safe = self.words(text);
        if width(&safe) <= room {
            return safe;
        }
        let mut cut = String::new();
        for word in safe.split(' ') {
            if width(&cut) + width(word) + 4 > room {
                break;
            }
            cut.push_str(word);
            cut.push(' ');
        }
        match cut.trim_end() {
            "" => self.brief(text, room),
            kept => format!("{kept} ..."),
        }
    }

    fn characters(&self, safe: String) -> String {
        if self.unicode { safe } else { ascii(&safe) }
    }

    /// Hostile text that is a sentence or a name: safe, and cut only if it is absurdly long.
    pub(crate) fn words(&self, text: &str) -> String {
        self.text(text, crate::safe::LIMIT)
    }

    /// Separates things of one kind.
    pub(crate) fn dot(&self) -> &'static str {
        if self.unicode { " · " } else { " | " }
    }

    /// How many columns to fit into; never so few that nothing can be shown.
    pub(crate) fn columns(&self) -> usize {
        self.width.max(40)
    }
}

/// How many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    textwrap::core::display_width(text)
}

/// The text, filled with spaces up to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text in lines of at most `columns`: broken between words only, since names have dashes. A word that is longer
/// than a line is broken, except for a link or the name of a finding, which is useless in part.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(20);
    let words: Vec<Word<'_>> = WordSeparator::AsciiSpace
        .find_words(text)
        .flat_map(|word| match width(&word) > columns && !is_whole(&word) {
            true => word.break_apart(columns).collect(),
            false => vec![word],
        })
        .collect();
    let lines = wrap_first_fit(&words, &[columns as f64]);
    lines
        .into_iter()
        .map(|line| {
            let parts = line
                .iter()
                .map(|word| format!("{}{}", word.word, word.whitespace));
            parts.collect::<String>().trim_end().to_owned()
        })
        .collect()
}

/// Columns of what is printed by hand, not by a report: those of a report that is not on a terminal.
const COLUMNS: usize = 110;

/// Safe text in lines of at most 110 columns, those after the first with an indent.
#[must_use]
pub fn hanging(text: &str, indent: usize) -> String {
    hang(text, indent, COLUMNS)
        .into_iter()
        .map(|line| line + "\n")
        .collect()
}

/// Safe text in lines of at most `columns`, those after the first with an indent.
pub(crate) fn hang(text: &str, indent: usize, columns: usize) -> Vec<String> {
    let (first, rest) = text.split_at(text.len() - text.trim_start().len());
    // The first line may be as long as it is without an indent: what does not fit is wrapped again.
    let mut lines = wrap(rest, columns.saturating_sub(width(first)));
    if lines.len() > 1 {
        let rest = rest[lines[0].len()..].trim_start();
        lines.truncate(1);
        lines.extend(wrap(rest, columns.saturating_sub(indent)));
    }
    let margin = |at: usize| {
        if at == 0 {
            first.to_owned()
        } else {
            " ".repeat(indent)
        }
    };
    let lines = lines.iter().enumerate();
    lines.map(|(at, line)| format!("{}{line}", margin(at))).collect()
}

/// The longest name or link that is kept in one piece: real ones are not longer.
const WHOLE: usize = 200;

/// Whether a word is useless in part: a link, in its long form or a short one, or the name of a finding.
fn is_whole(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%()".contains(c);
    word.contains('/') && word.len() <= WHOLE && word.chars().all(plain)
}

/// `1 case`, `2 cases`.
#[must_use]
pub fn count(number: usize, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// `a, b and 3 more`: the first few of a list.
pub fn first_of<T: std::fmt::Display>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut all = all.into_iter();
    let shown: Vec<String> = all.by_ref().take(most).map(|one| one.to_string()).collect();
    format!("{}{}", shown.join(", "), and_more(all.count()))
}

/// ` and 3 more`, or nothing.
pub(crate) fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_are_named_and_the_rest_are_counted() {
        for (all, told) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "b"], "a, b"),
            (&["a", "b", "c"], "a, b and 1 more"),
        ] {
            assert_eq!(first_of(all, 2), told);
        }
    }

    #[test]
    fn colour_and_characters_are_a_choice() {
        let plain = Style::default();
        let colour = Style {
            colour: true,
            unicode: false,
            ..plain.clone()
        };
        assert_eq!(plain.paint(Ink::Fail, "NEW"), "NEW");
        assert_eq!(colour.paint(Ink::Fail, "NEW"), "\u{1b}[1;31mNEW\u{1b}[0m");
        assert_eq!(colour.words("é\u{1b}"), r"\u{e9}\x1b");
        assert_eq!(colour.dot(), " | ");
    }

    #[test]
    fn lines_break_between_words_and_nowhere_in_a_link() {
        let link = format!("https://github.com/a/b/blob/v1/{}.rs#L1", "deep/".repeat(12));
        let text = format!("see {link} of crun/no-default-errno-ret; {}", "x".repeat(50));
        let lines = wrap(&text, 40);
        assert!(lines.contains(&link), "{lines:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("crun/no-default-errno-ret;")),
            "{lines:#?}"
        );
        assert!(
            lines
                .iter()
                .filter(|line| **line != link)
                .all(|line| width(line) <= 40),
            "{lines:#?}"
        );
        assert_eq!(lines.concat().matches('x').count(), 50);
        let endless = wrap(&"a/".repeat(500), 40);
        assert!(endless.iter().all(|line| width(line) <= 40));
        assert_eq!(wrap("", 40), [""]);
    }

    #[test]
    fn padding_counts_columns_not_bytes() {
        assert_eq!(pad("é", 3), "é  ");
        assert_eq!(pad("日本", 5), "日本 ");
        assert_eq!(pad("long", 2), "long");
    }

    #[test]
    fn what_hangs_fits_with_its_indent() {
        let text = format!("  {}", "word ".repeat(40));
        let lines = hang(&text, 6, 60);
        assert!(
            lines.len() > 3 && lines.iter().all(|line| width(line) <= 60),
            "{lines:?}"
        );
        assert!(
            lines[0].starts_with("  word") && lines[1].starts_with("      word"),
            "{lines:?}"
        );
        assert_eq!(lines.join(" ").split_whitespace().count(), 40);
        assert_eq!(hanging("a  b", 6), "a  b\n");
    }
}
