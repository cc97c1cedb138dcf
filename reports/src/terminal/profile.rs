//! What runtimes make of a seccomp profile.

use ocidiff_model::filter::{ProfileLoaded, ProfileReport};

use super::filter::{self, Rows};
use super::page::Page;
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
    let mut page = Page::with_margin(style, 2);
    let name = style.paint(Ink::Name, &style.words(&report.profile));
    page.line(&name);
    for one in &report.runtimes {
        page.field(&one.runtime.label, &loaded(one));
    }
    let took = report
        .runtimes
        .iter()
        .filter(|one| one.why_none.is_none())
        .count();
    page.line("");
    match (took, report.rows.len()) {
        (0, _) => page.line("Nobody loaded a filter: there is nothing to compare"),
        (1, _) => page.line("Only one loaded a filter: there is nothing to compare it with"),
        (_, 0) => {
            let whom = match took {
                all if all == report.runtimes.len() => "all of them".to_owned(),
                2 => "both that loaded one".to_owned(),
                some => format!("the {some} that loaded one"),
            };
            let text = format!("Every call gets the same answer under {whom} (proven, not sampled)");
            page.line(&style.paint(Ink::Good, &text));
        }
        (_, rows) => {
            let ending = if rows == 1 { "" } else { "es" };
            let text = format!("They differ in {rows} class{ending} of calls");
            page.line(&style.paint(Ink::Fail, &text));
            page.line("");
            filter::rows(&mut page, &report.rows, style, LIMITS);
        }
    }
    for one in report.runtimes.iter().filter(|one| !one.departures.is_empty()) {
        page.line("");
        let text = format!("{} against the profile as it is written", one.runtime.label);
        page.line(&style.paint(Ink::Name, &style.words(&text)));
        filter::rows(&mut page, &one.departures, style, LIMITS);
    }
    page.text()
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
