//! The known differences: one line each, and the first in full if nothing fails.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Group, Impact};

use super::case;
use crate::accounts;
use crate::in_order;
use crate::run::Run;
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count, pad, width};
use crate::telling;

/// How long a value may be in a line.
const VALUE: usize = 40;
/// How long a fact may be in a line.
const FACT: usize = 60;
/// The width of what is next to the name of a case in a line: `known`, and the impact.
const BESIDE: usize = 17;

/// Up to this many known cases, each has a line of its own without being asked for.
const FEW: usize = 12;

/// Columns of names; longer ones push the rest of their line to the right.
const WIDEST: usize = 40;

/// How wide the columns of the list are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    name: usize,
}

impl Columns {
    pub(super) fn of(cases: &[&CaseReport], style: &Style) -> Self {
        let names = cases.iter().map(|case| width(&case.case));
        Self {
            name: names
                .max()
                .unwrap_or(0)
                .min(WIDEST.min(style.columns().saturating_sub(BESIDE))),
        }
    }
}

/// The known cases in the order of [`Run::known`], with an empty line after them.
///
/// If nothing else is shown in full, the first of them is: it is the first difference that the reader sees, and
/// shows what there is to know about each.
pub(super) fn list(run: &Run<'_>, style: &Style) -> String {
    let known = run.known();
    if !run.each_known && known.len() > FEW {
        return String::new();
    }
    let columns = Columns::of(&known, style);
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
    let mut sheet = Sheet::new(style);
    case::first_line(
        &mut sheet,
        head(case, columns, style).trim_end(),
        &case.summary,
        style,
    );
    case::details(&mut sheet, case, style);
    sheet.end_with_gap()
}

/// One line: the case, its impact, the fact that matters most, and where it is reported. The most detailed
/// variant that fits the width; the shortest if none fits.
pub(super) fn line(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let taken = width(&head(case, columns, &plain));
    let room = style.columns().saturating_sub(taken);
    let told = tellings(case, style).into_iter().find(|told| width(told) <= room);
    let mut sheet = Sheet::new(style);
    match told {
        Some(told) => sheet.line(&format!("{}{told}", head(case, columns, style))),
        // A long name, or a long fact: what accounts for it deserves a line.
        None => {
            sheet.line(head(case, columns, style).trim_end());
            sheet.wrapped(&what(case, style));
        }
    }
    sheet.text()
}

fn head(case: &CaseReport, columns: Columns, style: &Style) -> String {
    let impact = in_order::impact(case);
    let ink = match impact {
        Some(Impact::Security | Impact::Breaks) => Ink::Fail,
        Some(Impact::MayBreak) => Ink::Warn,
        Some(Impact::Cosmetic) | None => Ink::Quiet,
    };
    format!(
        "known {}  {}  ",
        style.paint(
            Ink::Name,
            &pad(
                &style.brief(&case.case, style.columns().saturating_sub(BESIDE)),
                columns.name
            )
        ),
        style.paint(ink, &format!("{:<9}", impact.map_or("", |impact| impact.name())))
    )
}

/// Variants of what the rest of a line says about a case, the most detailed first.
fn tellings(case: &CaseReport, style: &Style) -> Vec<String> {
    let Some(first) = in_order::ordered(case).into_iter().next() else {
        return Vec::new();
    };
    let fact = style.brief(&first.fact, FACT);
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
    // A name or a link is shown in full or not at all.
    let apart = |text: String| match text.is_empty() {
        true => text,
        false => format!("  {}", style.words(&text)),
    };
    let because = apart(accounts::because(&first.accounts));
    let links = in_order::links(case);
    let link = apart(
        links
            .first()
            .map_or(String::new(), |link| telling::short_link(link)),
    );
    let others = first.groups.get(1..).unwrap_or_default();
    let differ = style.words(&telling::differ(case));
    [
        format!("{}{more}{because}{link}", values(&first.groups, VALUE)),
        format!("{}{more}{because}", values(&first.groups, VALUE)),
        format!("{}{because}", values(&first.groups, VALUE)),
        format!("{}{because}", values(&first.groups, VALUE / 2)),
        format!("{}{because}", values(others, VALUE / 2)),
        format!("{differ}{because}"),
        because.trim_start().to_owned(),
    ]
    .map(|told| format!("{fact}  {told}"))
    .to_vec()
}

/// What accounts for the fact that matters most, on a line of its own.
fn what(case: &CaseReport, style: &Style) -> String {
    let Some(first) = in_order::ordered(case).into_iter().next() else {
        return String::new();
    };
    let because = style.words(&accounts::because(&first.accounts));
    format!("{}  {because}", style.brief(&first.fact, FACT))
}
