//! What runtimes make of a seccomp profile.

use ocidiff_model::FilterRow;
use ocidiff_model::filter::{ProfileLoaded, ProfileReport};

use super::filter::{self, Rows};
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count};

/// Everything is shown: the reader asked for this profile.
const LIMITS: Rows = Rows {
    groups: 1000,
    hits: 12,
    whole: true,
};

/// The report on a profile.
#[must_use]
pub fn profile(report: &ProfileReport, style: &Style) -> String {
    let mut sheet = Sheet::with_margin(style, 2);
    let name = style.paint(Ink::Name, &style.words(&report.profile));
    sheet.line(&name);
    for one in &report.runtimes {
        sheet.field(&one.runtime.label, &loaded(one));
    }
    let took = report
        .runtimes
        .iter()
        .filter(|one| one.why_none.is_none())
        .count();
    sheet.line("");
    match (took, report.rows.len()) {
        (0, _) => sheet.line("Nobody loaded a filter: there is nothing to compare"),
        (1, _) => sheet.line("Only one loaded a filter: there is nothing to compare it with"),
        (_, 0) => {
            let whom = match took {
                all if all == report.runtimes.len() => "all of them".to_owned(),
                2 => "both that loaded one".to_owned(),
                some => format!("the {some} that loaded one"),
            };
            let text = format!("Every call gets the same answer under {whom} (proven, not sampled)");
            sheet.line(&style.paint(Ink::Good, &text));
        }
        (_, rows) => {
            let ending = if rows == 1 { "" } else { "es" };
            let text = format!("They differ in {rows} class{ending} of calls");
            sheet.line(&style.paint(Ink::Fail, &text));
            sheet.line("");
            filter::rows(&mut sheet, &report.rows, style, LIMITS);
        }
    }
    for (whose, rows) in departures(&report.runtimes) {
        sheet.line("");
        let text = format!("{} against the profile as it is written", whose.join(", "));
        sheet.line(&style.paint(Ink::Name, &style.words(&text)));
        filter::rows(&mut sheet, &rows, style, LIMITS);
    }
    sheet.text()
}

/// What each made of the profile; runtimes with the same result are listed together.
fn departures(runtimes: &[ProfileLoaded]) -> Vec<(Vec<&str>, Vec<FilterRow>)> {
    let mut told: Vec<(Vec<&str>, Vec<FilterRow>)> = Vec::new();
    for one in runtimes.iter().filter(|one| !one.departures.is_empty()) {
        let label = one.runtime.label.as_str();
        let same = told.iter_mut().find(|(_, rows)| are_alike(rows, &one.departures));
        match same {
            Some((whose, rows)) => {
                whose.push(label);
                let answers = rows.iter_mut().flat_map(|row| &mut row.answers);
                answers.for_each(|answer| answer.runtimes.push(label.to_owned()));
            }
            None => told.push((vec![label], one.departures.clone())),
        }
    }
    told
}

/// Whether rows differ only in which runtime they belong to.
fn are_alike(some: &[FilterRow], others: &[FilterRow]) -> bool {
    let nobodys = |rows: &[FilterRow]| {
        let mut rows = rows.to_vec();
        for row in &mut rows {
            row.answers.iter_mut().for_each(|answer| answer.runtimes.clear());
            row.hits.iter_mut().for_each(|hit| hit.runtimes.clear());
        }
        rows
    };
    nobodys(some) == nobodys(others)
}

fn loaded(one: &ProfileLoaded) -> String {
    if let Some(why) = &one.why_none {
        return why.clone();
    }
    let list: Vec<String> = one
        .instructions
        .iter()
        .map(|number| count(*number, "instruction"))
        .collect();
    format!("{}  {}", one.runtime.version.as_str(), list.join(" + "))
}
