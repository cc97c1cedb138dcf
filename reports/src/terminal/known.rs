//! The known differences: a line each, and the first told whole where nothing fails.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Group, Impact};

use super::case;
use super::page::Page;
use crate::run::Run;
use crate::style::{Ink, Style, count, pad, width};
use crate::telling;

/// What one value may take in a line.
const VALUE: usize = 40;

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
    page.end_with_gap()
}

/// One line: the case, its impact, the fact that matters most, and where it is told. The fullest telling that the
/// width has room for; the shortest where it has room for none.
pub(super) fn line(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let room = style
        .columns()
        .saturating_sub(width(&head(case, columns, &plain)));
    let mut tellings = tellings(case, style);
    let last = tellings.pop().unwrap_or_default();
    let told = tellings
        .into_iter()
        .find(|told| width(told) <= room)
        .unwrap_or(last);
    let mut page = Page::new(style);
    page.line(&format!("{}{told}", head(case, columns, style)));
    page.text()
}

fn head(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let impact = telling::impact(case);
    let ink = match impact {
        Some(Impact::Security | Impact::Breaks) => Ink::Fail,
        Some(Impact::MayBreak) => Ink::Warn,
        Some(Impact::Cosmetic) | None => Ink::Quiet,
    };
    format!(
        "known {}  {}  ",
        style.paint(Ink::Name, &pad(&style.words(&case.case), columns.name)),
        style.paint(ink, &format!("{:<9}", impact.map_or("", |impact| impact.name())))
    )
}

/// Ways to tell a case on the rest of a line, the fullest first.
fn tellings(case: &CaseReport, style: &Style) -> Vec<String> {
    let Some(first) = telling::ordered(case).into_iter().next() else {
        return Vec::new();
    };
    let fact = style.text(&first.fact, 60);
    let values = |groups: &[Group], limit| {
        let groups = groups.iter().map(|group| {
            let who = style.words(&group.runtimes.join(", "));
            format!("{who} {}", style.brief(&telling::value(group), limit))
        });
        groups.collect::<Vec<_>>().join(style.dot())
    };
    let more = match case.differences.len() - 1 {
        0 => String::new(),
        more => format!("  +{}", count(more, "more fact")),
    };
    let link = match telling::links(case).first() {
        Some(link) => format!("  {}", style.text(&telling::short_link(link), 60)),
        None => String::new(),
    };
    let others = first.groups.get(1..).unwrap_or_default();
    let differ = style.words(&telling::differ(case));
    [
        format!("{}{more}{link}", values(&first.groups, VALUE)),
        format!("{}{link}", values(&first.groups, VALUE)),
        format!("{}{link}", values(&first.groups, VALUE / 2)),
        format!("{}{link}", values(others, VALUE / 2)),
        format!("{differ}{link}"),
    ]
    .map(|told| format!("{fact}  {told}"))
    .to_vec()
}
