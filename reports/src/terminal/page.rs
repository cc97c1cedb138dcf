//! Lines with a margin, a name and wrapped text.

use crate::diff::{Kind, Line};
use crate::style::{Ink, Style, pad, width, wrap};

/// The margin of what belongs to a case.
const MARGIN: usize = 8;
/// What a name in the margin takes: `expect`, `spec`, `cause`, `link`, `remedy`, `next`, `said`.
const NAME: usize = 8;
/// What a reason in a list may take.
const REASON: usize = 120;

/// A report that grows by lines.
pub(crate) struct Page<'a> {
    style: &'a Style,
    margin: usize,
    out: String,
}

impl<'a> Page<'a> {
    pub(crate) fn new(style: &'a Style) -> Self {
        Self::with_margin(style, MARGIN)
    }

    pub(crate) fn with_margin(style: &'a Style, margin: usize) -> Self {
        Self {
            style,
            margin,
            out: String::new(),
        }
    }

    /// A line as it is, at the left edge.
    pub(crate) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// A line as it is, in the margin and `deeper` columns.
    pub(crate) fn indented(&mut self, deeper: usize, text: &str) {
        self.line(&format!("{}{text}", " ".repeat(self.margin + deeper)));
    }

    /// A name and hostile text, which is made safe and wrapped under itself.
    pub(crate) fn field(&mut self, name: &str, text: &str) {
        let text = self.style.words(text);
        for (index, line) in wrap(&text, self.room().saturating_sub(NAME + 1))
            .into_iter()
            .enumerate()
        {
            self.raw_field(if index == 0 { name } else { "" }, &line);
        }
    }

    /// A name and text that is safe already and must stay on its line.
    pub(crate) fn raw_field(&mut self, name: &str, text: &str) {
        let name = self.style.paint(Ink::Quiet, &pad(name, NAME));
        self.indented(0, &format!("{name} {text}"));
    }

    /// A name and texts side by side, safe already, that go on below where the line is full.
    pub(crate) fn filled_field(&mut self, name: &str, items: &[String]) {
        let dot = self.style.dot();
        let mut line = String::new();
        let mut name = name;
        for item in items {
            if !line.is_empty() && NAME + 1 + width(&line) + width(dot) + width(item) > self.room() {
                self.raw_field(name, &line);
                name = "";
                line.clear();
            }
            if !line.is_empty() {
                line.push_str(dot);
            }
            line.push_str(item);
        }
        self.raw_field(name, &line);
    }

    /// Columns to the right of the margin.
    pub(crate) fn room(&self) -> usize {
        self.style.columns().saturating_sub(self.margin)
    }

    /// A diff under a fact.
    pub(crate) fn diff(&mut self, lines: &[Line]) {
        for line in lines {
            let text = self.style.brief(&line.text, self.room().saturating_sub(2));
            let ink = match line.kind {
                Kind::Head => Ink::Quiet,
                Kind::Same => Ink::Quiet,
                Kind::Less => Ink::Fail,
                Kind::More => Ink::Good,
            };
            let text = self.style.paint(ink, &text);
            self.indented(2, &text);
        }
    }

    /// One line: a name, then hostile texts side by side, as many as fit; nothing where there are none.
    pub(crate) fn list(&mut self, name: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let mut line = format!("{name:<11} ");
        for (index, item) in items.iter().enumerate() {
            let item = self.style.text(item, REASON);
            let dot = if index == 0 { "" } else { self.style.dot() };
            if index > 0 && width(&line) + width(&item) + width(dot) > self.style.columns() {
                line.push_str(&format!("{}{} more", self.style.dot(), items.len() - index));
                break;
            }
            line.push_str(dot);
            line.push_str(&item);
        }
        self.line(&line);
    }

    /// Whether there is nothing so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// How much there is so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn text(self) -> String {
        self.out
    }

    /// The text and an empty line; nothing where there is no text.
    pub(crate) fn end_with_gap(mut self) -> String {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}
