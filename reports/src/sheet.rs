//! Lines with a margin, a name and wrapped text.

use crate::diff::{Kind, Line};
use crate::style::{Ink, Style, hang, pad, width, wrap};

/// The margin for what belongs to a case.
const MARGIN: usize = 8;
/// The width of a name in the margin: `expect`, `spec`, `cause`, `link`, `remedy`, `next`, `said`.
const NAME: usize = 8;
/// The width of a name before a list.
const LIST: usize = 12;
/// The margin for text below a head that has no room next to it.
const NARROW: usize = 4;
/// Lines of a list.
const LINES: usize = 3;

/// A report that grows by lines.
pub(crate) struct Sheet<'a> {
    style: &'a Style,
    margin: usize,
    out: String,
}

impl<'a> Sheet<'a> {
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

    /// Safe text at the left edge, in as many lines as it takes.
    pub(crate) fn flow(&mut self, text: &str) {
        for line in wrap(text, self.style.columns()) {
            self.line(&line);
        }
    }

    /// Safe text at the left edge, whose further lines are in the margin and `deeper` columns.
    pub(crate) fn hanging(&mut self, deeper: usize, text: &str) {
        for line in hang(text, self.margin + deeper, self.style.columns()) {
            self.line(&line);
        }
    }

    /// Safe text in the margin, whose further lines are two columns deeper.
    pub(crate) fn entered(&mut self, text: &str) {
        let text = format!("{}{text}", " ".repeat(self.margin));
        self.hanging(2, &text);
    }

    /// Safe text in the margin, in as many lines as it takes.
    pub(crate) fn wrapped(&mut self, text: &str) {
        for line in wrap(text, self.room()) {
            self.indented(0, &line);
        }
    }

    /// A name and hostile text, which is made safe and wrapped with an indent.
    pub(crate) fn field(&mut self, name: &str, text: &str) {
        let text = self.style.words(text);
        for (index, line) in wrap(&text, self.room().saturating_sub(NAME + 1))
            .into_iter()
            .enumerate()
        {
            self.raw_field(if index == 0 { name } else { "" }, &line);
        }
    }

    /// A name and text that is already safe and must stay on its line.
    pub(crate) fn raw_field(&mut self, name: &str, text: &str) {
        let name = self.style.paint(Ink::Quiet, &pad(name, NAME));
        self.indented(0, &format!("{name} {text}"));
    }

    /// A name and texts side by side, already safe, that continue below when the line is full.
    pub(crate) fn filled_field(&mut self, name: &str, items: &[String]) {
        let lines = fill(items, self.style.dot(), self.room().saturating_sub(NAME + 1));
        for (index, line) in lines.iter().enumerate() {
            self.raw_field(if index == 0 { name } else { "" }, line);
        }
    }

    /// Texts side by side, already safe, at the left edge; they continue below, under the first of them, when a line is
    /// full.
    pub(crate) fn filled(&mut self, head: &str, items: &[String]) {
        let columns = self.style.columns();
        let beside = width(head) <= columns / 3;
        let margin = if beside { width(head) } else { NARROW };
        if !beside {
            self.line(head);
        }
        let lines = fill(items, self.style.dot(), columns.saturating_sub(margin));
        for (index, line) in lines.iter().enumerate() {
            let margin = match beside && index == 0 {
                true => head.to_owned(),
                false => " ".repeat(margin),
            };
            self.line(&format!("{margin}{line}"));
        }
    }

    /// The margin.
    pub(crate) fn margin(&self) -> usize {
        self.margin
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

    /// A name, then hostile texts side by side in a few lines, as many as fit, each complete; nothing if there are
    /// none.
    pub(crate) fn list(&mut self, name: &str, items: &[String]) {
        let (dot, room) = (self.style.dot(), self.style.columns().saturating_sub(LIST));
        let mut shown: Vec<String> = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let more = format!("{} more", items.len() - index);
            let with = |last: &str| {
                let all = shown.iter().map(String::as_str).chain([last]);
                wrap(&all.collect::<Vec<_>>().join(dot), room)
            };
            let item = self.style.words(item);
            // The first is shown, if only its beginning; then there must also be room for what is not shown.
            if index > 0 && with(&format!("{item}{dot}{more}")).len() > LINES {
                shown.push(more);
                break;
            }
            shown.push(item);
        }
        let mut lines = wrap(&shown.join(dot), room);
        if lines.len() > LINES {
            let rest = lines.split_off(LINES - 1).join(" ");
            lines.push(self.style.sentence(&rest, room));
        }
        for (index, line) in lines.iter().enumerate().filter(|_| !items.is_empty()) {
            let name = if index == 0 { name } else { "" };
            self.line(&format!("{}{line}", pad(name, LIST)));
        }
    }

    /// A name and a sentence in the columns of a list, in full.
    pub(crate) fn entry(&mut self, name: &str, text: &str) {
        let room = self.style.columns().saturating_sub(LIST);
        for (index, line) in wrap(&self.style.words(text), room).iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            self.line(&format!("{}{line}", pad(name, LIST)));
        }
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

    /// The text and an empty line; nothing if there is no text.
    pub(crate) fn end_with_gap(mut self) -> String {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}

/// Texts side by side in lines that are as full as possible; each text is complete.
fn fill(items: &[String], dot: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if width(line) + width(dot) + width(item) <= room => {
                line.push_str(dot);
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    lines
}
