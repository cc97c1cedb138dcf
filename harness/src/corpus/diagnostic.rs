//! Errors in what people write: with file, line, column and what to do; all errors of all files at once.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use ocidiff_reports::safe;

/// How many errors are shown: with their lines they stay below the maximum length of a list of errors.
const SHOWN: usize = 90;
/// How wide a line of the file is shown, in characters: the rest of a longer line is cut off around the error.
const WIDTH: usize = 100;
/// How much of a line is kept, in characters: a single-line file can have millions.
const KEPT: usize = 2000;

/// One error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file, as the user can open it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line as it is in the file, if the file could be read.
    pub source: Option<String>,
}

impl Diagnostic {
    /// Without the line of the file.
    #[must_use]
    pub fn new(file: &str, (line, column): (usize, usize), message: String, help: Option<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            column,
            message,
            help,
            source: None,
        }
    }

    /// With its line of that text, unless the line is empty or continues too far to be looked at.
    #[must_use]
    pub fn within(mut self, text: &str) -> Self {
        let line = text.lines().nth(self.line.saturating_sub(1));
        self.source = line
            .filter(|line| !line.trim().is_empty() && self.column <= KEPT)
            .map(|line| line.chars().take(KEPT).collect());
        self
    }

    /// The line with a mark under the word that the error is about, and below it what to do.
    fn snippet(&self, source: &str) -> String {
        let column = self.column.saturating_sub(1);
        // Escaped in parts: the escaped text is longer, and the mark comes after it.
        let before = safe(&source.chars().take(column).collect::<String>());
        let rest: String = source.chars().skip(column).collect();
        let is_word = |c: char| c.is_alphanumeric() || "_-./@".contains(c);
        let word = rest.chars().take_while(|c| is_word(*c)).count().max(1);
        let marked = safe(&rest.chars().take(word).collect::<String>());
        let after = safe(&rest.chars().skip(word).collect::<String>());
        let span = before.len()..before.len() + marked.len();
        let shown = Snippet::source(format!("{before}{marked}{after}"))
            .line_start(self.line)
            .annotation(AnnotationKind::Primary.span(span));
        let mut group = Group::with_level(Level::ERROR).element(shown);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(safe(help)));
        }
        Renderer::plain().term_width(WIDTH).render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It contains text that people wrote.
        let (file, message) = (safe(&self.file), safe(&self.message));
        write!(f, "{file}:{}:{}: {message}", self.line, self.column)?;
        match (&self.source, &self.help) {
            (Some(source), _) => write!(f, "\n{}", self.snippet(source)),
            (None, Some(help)) => write!(f, "\n    help: {}", safe(help)),
            (None, None) => Ok(()),
        }
    }
}

/// Every error that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// The errors, or the value if there are none.
    ///
    /// # Errors
    /// Itself, sorted by file and line, if it is not empty.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort();
        self.0.dedup();
        let left = self.0.len().saturating_sub(SHOWN);
        self.0.truncate(SHOWN);
        if let (Some(last), 1..) = (self.0.last_mut(), left) {
            last.message.push_str(&format!("\n... and {left} more errors"));
        }
        Err(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, place: (usize, usize), help: Option<&str>) -> String {
        let help = help.map(str::to_owned);
        let error = Diagnostic::new("x.yaml", place, "bad".to_owned(), help);
        error.within(text).to_string()
    }

    #[test]
    fn the_line_is_shown_with_a_mark_under_the_word() {
        assert_eq!(
            shown(
                "summary: s\nwatch:\n  prok: [a]\n",
                (3, 3),
                Some("did you mean `proc`?")
            ),
            "x.yaml:3:3: bad\n  |\n3 |   prok: [a]\n  |   ^^^^\n  |\n  = help: did you mean `proc`?"
        );
        // A letter of two bytes counts once, and an error beyond the line is placed at its end.
        assert_eq!(
            shown("ä: x", (1, 4), None),
            "x.yaml:1:4: bad\n  |\n1 | ä: x\n  |    ^"
        );
        assert_eq!(shown("a:", (1, 3), None), "x.yaml:1:3: bad\n  |\n1 | a:\n  |   ^");
    }

    #[test]
    fn without_a_line_to_show_the_place_says_it_all() {
        for text in ["", "\n", "a: 1\n   \n"] {
            assert_eq!(
                shown(text, (2, 1), Some("do")),
                "x.yaml:2:1: bad\n    help: do",
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_is_bounded_and_escaped() {
        let long = format!("{}prok{}", " ".repeat(900), "x".repeat(1_000_000));
        let told = shown(&long, (1, 901), None);
        assert!(told.lines().all(|line| line.chars().count() <= 120), "{told}");
        assert!(told.contains("prok") && told.contains('^'), "{told}");
        let told = shown("\u{1b}[31m\u{202e}prok: 1\u{0}", (1, 7), None);
        assert!(
            !told.contains(['\u{1b}', '\u{202e}', '\u{0}']) && told.contains("prok"),
            "{told}"
        );
        let mark = told.lines().last().and_then(|line| line.find('^'));
        assert_eq!(
            mark,
            told.lines().nth(2).and_then(|line| line.find("prok")),
            "{told}"
        );
    }
}
