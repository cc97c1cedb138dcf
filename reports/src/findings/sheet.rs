//! One thing in full: a heading, and named parts with wrapped text.

use crate::style::{Ink, Style, pad, wrap};

/// The width of a name in the margin.
const NAME: usize = 11;

/// A text that grows by parts. Everything that it is given is hostile.
pub struct Sheet<'s> {
    style: &'s Style,
    out: String,
}

impl<'s> Sheet<'s> {
    /// With a name at its head, and what that is in a few words.
    #[must_use]
    pub fn new(style: &'s Style, name: &str, what: &str) -> Self {
        let name = style.paint(Ink::Name, &style.words(name));
        Self {
            style,
            out: format!("{name}  {}\n", style.words(what)),
        }
    }

    /// A part, wrapped with an indent; nothing if there is no text.
    pub fn part(&mut self, name: &str, text: &str) {
        let mut name = name;
        for line in text.lines() {
            let room = self.style.columns().saturating_sub(NAME + 3);
            for line in wrap(&self.style.words(line), room) {
                self.line(name, &line);
                name = "";
            }
        }
    }

    /// A part of several lines that must stay as they are.
    pub fn lines<T: AsRef<str>>(&mut self, name: &str, lines: impl IntoIterator<Item = T>) {
        for (at, line) in lines.into_iter().enumerate() {
            let line = self.style.words(line.as_ref());
            self.line(if at == 0 { name } else { "" }, &line);
        }
    }

    fn line(&mut self, name: &str, text: &str) {
        let name = self.style.paint(Ink::Quiet, &pad(name, NAME));
        self.out.push_str(format!("  {name} {text}").trim_end());
        self.out.push('\n');
    }

    /// All of it.
    #[must_use]
    pub fn text(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_wrapped_and_harmless() {
        let style = Style {
            width: 40,
            ..Style::default()
        };
        let mut sheet = Sheet::new(&style, "a/b", "a finding");
        sheet.part("cause", "one two three four five six seven eight");
        sheet.part("none", "");
        sheet.lines("links", ["https://a", "\u{1b}b"]);
        let expected = "a/b  a finding\n  cause       one two three four five\n              six seven eight\n  \
                        links       https://a\n              \\x1bb\n";
        assert_eq!(sheet.text(), expected);
    }
}
