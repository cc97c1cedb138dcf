//! The known differences: a line each, and the first told whole where nothing fails.

use ocidiff_model::event::CaseReport;

use super::case;
use super::page::Page;
use crate::run::Run;
use crate::style::{Ink, Style, count, pad, width};
use crate::telling;

/// What one value may take in a line.
const VALUE: usize = 32;

/// How wide the columns of the list are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    name: usize,
}

impl Columns {
    pub(super) fn of(cases: &[&CaseReport]) -> Self {
        let names = cases.iter().map(|case| width(&case.case));
        Self {
            name: names.max().unwrap_or(0).min(40),
        }
    }
}

/// The known cases in the order of [`Run::known`], with an empty line after them.
///
/// Where nothing else is told whole, the first of them is: it is the first difference that the reader meets, and
/// shows what there is to know of each.
pub(super) fn list(run: &Run<'_>, style: &Style) -> String {
    let known = run.known();
    let columns = Columns::of(&known);
    let mut out = String::new();
    for (index, case) in known.iter().enumerate() {
        if index == 0 && run.told_whole().is_empty() {
            out.push_str(&whole(case, columns, style));
        } else {
            out.push_str(&line(case, columns, style));
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn whole(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let mut page = Page::new(style);
    page.line(&format!(
        "{}{}",
        head(case, columns, style),
        style.words(&case.summary)
    ));
    case::details(&mut page, case, style);
    page.text()
}

/// One line: the case, its impact, the fact that matters most, and where it is told.
pub(super) fn line(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let mut page = Page::new(style);
    let head = head(case, columns, style);
    let tail = tail(case, style);
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let taken = width(&self::head(case, columns, &plain)) + width(&self::tail(case, &plain));
    let told = told(case, style.columns().saturating_sub(taken), style);
    page.line(&format!("{head}{told}{tail}"));
    page.text()
}

fn head(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let impact = telling::impact(case);
    let ink = match crate::run::impact_rank(impact) {
        0 | 1 => Ink::Fail,
        2 => Ink::Warn,
        _ => Ink::Quiet,
    };
    format!(
        "known {}  {}  ",
        style.paint(Ink::Name, &pad(&style.words(&case.case), columns.name)),
        style.paint(ink, &format!("{:<9}", impact.map_or("", |impact| impact.name())))
    )
}

fn tail(case: &CaseReport, style: &Style) -> String {
    let mut tail = String::new();
    if case.differences.len() > 1 {
        let more = count(case.differences.len() - 1, "more fact");
        tail.push_str(&style.paint(Ink::Quiet, &format!("  +{more}")));
    }
    if let Some(link) = telling::links(case).first() {
        tail.push_str(&format!("  {}", style.text(&telling::short_link(link), 60)));
    }
    tail
}

/// The fact that matters most, with its values; without the values of the reference where the room is short.
fn told(case: &CaseReport, room: usize, style: &Style) -> String {
    let Some(first) = telling::ordered(case).into_iter().next() else {
        return String::new();
    };
    let fact = style.text(&first.fact, 60);
    let side = |limit: usize| {
        let groups = first.groups.iter().map(|group| {
            let who = style.words(&group.runtimes.join(", "));
            format!("{who} {}", style.text(&telling::value(group), limit))
        });
        format!("{fact}  {}", groups.collect::<Vec<_>>().join(style.dot()))
    };
    let whole = side(VALUE);
    if width(&whole) <= room {
        return whole;
    }
    let differing = telling::differing(case).join(", ");
    format!("{fact}  {} differ", style.words(&differing))
}
