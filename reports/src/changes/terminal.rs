//! What changed between versions, for people: a table of findings and versions, with what happened to each finding.

use super::{CaseChange, Changes, FactChange, Row, Turn, What};
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count, pad, width};
use crate::telling;

/// Width of a finding's name.
const ID: usize = 46;
/// What stands above the names.
const HEAD: &str = "cases that show it under";
/// Minimum width of a version: a count of cases stands under it.
const CELL: usize = 4;
/// Maximum width of a version; the path of a build is longer.
const VERSION: usize = 16;
/// How long a value may be.
const VALUE: usize = 60;
/// How many facts are shown for an unexplained case.
const FACTS: usize = 4;
/// Names in a list.
const NAMES: usize = 8;

pub(super) fn render(changes: &Changes, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    if !changes.findings.is_empty() {
        table(&mut sheet, changes, style);
        sheet.line("");
    }
    for one in &changes.unexplained {
        let direction = match one.direction.word() {
            "" => String::new(),
            word => format!(", {word}: {}", style.words(&one.why.join("; "))),
        };
        let head = format!(
            "{}  {}  {} to {}{direction}",
            style.paint(Ink::Fail, "NOT EXPLAINED"),
            style.paint(Ink::Name, &style.words(&one.case.case)),
            style.words(&one.from),
            style.words(&one.to),
        );
        sheet.hanging(0, &head);
        for change in one.case.facts.iter().take(FACTS) {
            sheet.entered(&fact(change, style));
        }
        let more = one.case.facts.len().saturating_sub(FACTS);
        if more > 0 {
            sheet.indented(0, &format!("+{}", count(more, "more fact")));
        }
    }
    if !changes.unexplained.is_empty() {
        sheet.line("");
    }
    aside(&mut sheet, changes, style);
    sheet.hanging(
        0,
        &format!(
            "{}: {}",
            style.words(&changes.title()),
            style.words(&changes.counts())
        ),
    );
    sheet.text()
}

fn table(sheet: &mut Sheet<'_>, changes: &Changes, style: &Style) {
    let names = changes.findings.iter().map(|row| width(row.id.as_str()));
    let id_columns = names.max().unwrap_or(0).clamp(width(HEAD), ID);
    let versions: Vec<String> = changes
        .versions
        .iter()
        .map(|version| style.brief(version, VERSION))
        .collect();
    let columns: Vec<usize> = versions.iter().map(|name| width(name).max(CELL)).collect();
    let cells = |texts: Vec<String>| {
        let cells = texts
            .iter()
            .zip(&columns)
            .map(|(text, columns)| right(text, *columns));
        cells.collect::<Vec<_>>().join("  ")
    };
    let heads = cells(versions.clone());
    let head = format!("{}  {heads}", pad(HEAD, id_columns));
    sheet.line(&style.paint(Ink::Quiet, &head));
    for row in &changes.findings {
        let id = pad(&style.brief(row.id.as_str(), id_columns), id_columns);
        let numbers = row.shows.iter().map(|number| match number {
            0 => ".".to_owned(),
            number => number.to_string(),
        });
        let cells = cells(numbers.collect());
        let turns: Vec<String> = row.turns.iter().map(|turn| turned(turn, style)).collect();
        let mut line = format!("{}  {cells}", style.paint(Ink::Name, &id));
        for (at, turn) in turns.iter().enumerate() {
            let end = if at + 1 < turns.len() { "," } else { "" };
            let turn = format!("{turn}{end}");
            let gap = if at == 0 { "  " } else { " " };
            // A turn stays in one piece.
            if width(&line) + gap.len() + width(&turn) <= style.columns() {
                line.push_str(&format!("{gap}{turn}"));
            } else {
                sheet.line(&line);
                line = format!("{}{turn}", " ".repeat(sheet.margin()));
            }
        }
        sheet.line(&line);
        details(sheet, row, style);
    }
}

/// What it does, and an example of each change.
fn details(sheet: &mut Sheet<'_>, row: &Row, style: &Style) {
    sheet.indented(0, &style.brief(&row.title, sheet.room()));
    for turn in &row.turns {
        if !turn.why.is_empty() {
            let why = style.words(&turn.why.join("; "));
            let why = format!("{}: {why}", turn.direction.word());
            sheet.indented(0, &style.brief(&why, sheet.room()));
        }
        let Some(CaseChange { case, facts }) = turn.cases.first() else {
            continue;
        };
        let more = match turn.cases.len() - 1 {
            0 => String::new(),
            more => format!("  +{}", count(more, "case")),
        };
        let shown = facts
            .first()
            .map_or_else(String::new, |change| fact(change, style));
        sheet.entered(&format!("{}: {shown}{more}", style.words(case)));
    }
}

/// `fixed in 1.28 (better, security)`
fn turned(turn: &Turn, style: &Style) -> String {
    let ink = match turn.what {
        What::Broke => Ink::Fail,
        What::Changed => Ink::Warn,
        What::Fixed => Ink::Good,
    };
    let words: Vec<&str> = [
        turn.direction.word(),
        turn.impact.map_or("", ocidiff_model::Impact::name),
    ]
    .into_iter()
    .filter(|word| !word.is_empty())
    .collect();
    let words = if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    };
    let what = format!("{} in {}", turn.what, style.words(&turn.to));
    format!("{}{words}", style.paint(ink, &what))
}

fn fact(change: &FactChange, style: &Style) -> String {
    let value = |value: &Option<ocidiff_model::Value>| style.brief(&telling::shown(value.as_ref()), VALUE);
    format!(
        "{}  {} -> {}",
        style.text(&change.fact, VALUE),
        value(&change.from),
        value(&change.to)
    )
}

/// What says nothing about versions.
fn aside(sheet: &mut Sheet<'_>, changes: &Changes, style: &Style) {
    let start = sheet.len();
    for line in asides(changes) {
        sheet.hanging(0, &style.words(&line));
    }
    if let Some(why) = &changes.ended_early {
        sheet.hanging(0, &style.paint(Ink::Fail, &style.words(why)));
    }
    if sheet.len() > start {
        sheet.line("");
    }
}

/// What says nothing about versions, one line each, not yet safe; why a run ended early is not among them.
pub(crate) fn asides(changes: &Changes) -> Vec<String> {
    let groups = [
        ("broken", &changes.broken),
        ("unstable", &changes.unstable),
        ("by a race", &changes.races),
        ("values that known files leave open", &changes.left_open),
    ];
    let groups = groups.into_iter().filter(|(_, cases)| !cases.is_empty());
    let groups = groups.map(|(name, cases)| format!("{name}: {}", names(cases)));
    let left_out = changes
        .left_out
        .iter()
        .map(|one| format!("{} sat out: {} ({})", one.version, one.why, names(&one.cases)));
    let not_run = changes
        .not_run
        .iter()
        .map(|(why, number)| format!("{} did not run: {why}", count(*number, "case")));
    groups.chain(left_out).chain(not_run).collect()
}

/// The first names, and how many more there are.
pub(crate) fn names(all: &[String]) -> String {
    let shown = all[..all.len().min(NAMES)].join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown}, {more} more"),
    }
}

fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}
