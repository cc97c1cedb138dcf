//! A list of findings for a terminal: one line each.

use super::List;
use crate::style::{Ink, Style, pad, width};
use ocidiff_model::Impact;

/// Minimum width of a title, however narrow the terminal is.
const TITLE: usize = 40;

pub(super) fn render(list: &List, style: &Style) -> String {
    let mut out = String::new();
    let rows: Vec<[String; 4]> = list
        .findings
        .iter()
        .map(|row| {
            [
                style.words(row.id.as_str()),
                style.words(&row.card.versions),
                row.matters.to_string(),
                row.card.kind.name().to_owned(),
            ]
        })
        .collect();
    let columns: [usize; 4] = std::array::from_fn(|at| {
        let widths = rows.iter().map(|row| width(&row[at]));
        widths.max().unwrap_or(0)
    });
    for (row, cells) in list.findings.iter().zip(&rows) {
        let ink = match row.matters {
            Impact::Security | Impact::Breaks => Ink::Fail,
            Impact::MayBreak => Ink::Warn,
            Impact::Cosmetic => Ink::Quiet,
        };
        let [id, versions, matters, kind] = std::array::from_fn(|at| pad(&cells[at], columns[at]));
        let id = style.paint(Ink::Name, &id);
        let matters = style.paint(ink, &matters);
        let taken = columns.iter().sum::<usize>() + 2 * columns.len();
        // A file gets the whole title: that is what the list is for.
        let room = style.columns().saturating_sub(taken).max(TITLE);
        let title = if style.colour {
            style.brief(&row.card.title, room)
        } else {
            style.words(&row.card.title)
        };
        out.push_str(&format!("{id}  {versions}  {matters}  {kind}  {title}\n"));
    }
    if !list.findings.is_empty() {
        out.push('\n');
    }
    let asked = if list.asked.is_empty() {
        String::new()
    } else {
        format!("{}: ", style.words(&list.asked))
    };
    out.push_str(&format!("{asked}{}\n", list.counts()));
    out
}
