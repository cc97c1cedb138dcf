//! One case in full: what it does, which runtimes differ, how, why, and what to do.

use ocidiff_model::Verdict;
use ocidiff_model::event::CaseReport;

use super::case::{self, Limits};
use crate::accounts;
use crate::in_order;
use crate::next;
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count};
use crate::telling;

/// What a report does not know about a case, because only its file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExplainInput {
    /// What the rootfs is made of, one line each: the recipe, the files that are added.
    pub rootfs: Vec<String>,
    /// What the case lays over the default config, as pretty YAML or JSON; empty if it changes nothing.
    pub config: String,
    /// The steps in order, one line each.
    pub steps: Vec<String>,
    /// What is watched in addition to what always is, one line each.
    pub watch: Vec<String>,
    /// What is expected whatever the runtime, one line each.
    pub expect: Vec<String>,
}

/// Shows one case in full.
#[must_use]
pub fn explain(case: &CaseReport, input: &ExplainInput, style: &Style) -> String {
    let mut sheet = Sheet::with_margin(style, 2);
    let verdict = style.paint(case::ink(case.verdict), case.verdict.name());
    let impact = in_order::impact(case).map_or(String::new(), |impact| format!(", {impact}"));
    let name = style.paint(Ink::Name, &style.words(&case.case));
    sheet.line(&format!("{name}  {verdict}{impact}"));
    sheet.field("about", &case.summary);
    sheet.field("file", &case.source);
    what_it_does(&mut sheet, input, style);
    who_differs(&mut sheet, case, style);
    why(&mut sheet, case, style);
    what_to_do(&mut sheet, case, style);
    sheet.text()
}

fn heading(sheet: &mut Sheet<'_>, text: &str, style: &Style) {
    sheet.line("");
    sheet.line(&style.paint(Ink::Name, text));
}

fn what_it_does(sheet: &mut Sheet<'_>, input: &ExplainInput, style: &Style) {
    heading(sheet, "What it does", style);
    let mut part = |name: &str, lines: &[&str]| {
        for (index, line) in lines.iter().enumerate() {
            sheet.raw_field(if index == 0 { name } else { "" }, &style.words(line));
        }
    };
    let lines = |list: &'_ [String]| list.to_vec();
    for (name, list) in [
        ("rootfs", lines(&input.rootfs)),
        ("config", input.config.lines().map(ToOwned::to_owned).collect()),
        ("steps", lines(&input.steps)),
        ("watch", lines(&input.watch)),
        ("expect", lines(&input.expect)),
    ] {
        part(name, &list.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn who_differs(sheet: &mut Sheet<'_>, case: &CaseReport, style: &Style) {
    heading(sheet, "Which runtimes differ, and how", style);
    let who = match case.verdict {
        Verdict::Agree => "none: all facts are equal, all expectations hold".to_owned(),
        _ => telling::who(case),
    };
    if !who.is_empty() {
        sheet.indented(0, &style.words(&who));
    }
    let (told, known) = telling::telling(case);
    case::facts(sheet, case, &told, style, Limits::WHOLE);
    if known > 0 {
        let others = count(known, "other difference");
        sheet.indented(0, &format!("{others} as written down"));
    }
    for (label, how) in &case.unsupported {
        sheet.field("left out", &format!("{label} does not support it: {how}"));
    }
    case::said(sheet, case, Limits::WHOLE);
}

fn why(sheet: &mut Sheet<'_>, case: &CaseReport, style: &Style) {
    let findings = accounts::worst_first(case);
    if findings.is_empty() && case.requirements.is_empty() {
        return;
    }
    heading(sheet, "Why", style);
    for (id, card) in findings {
        sheet.field("finding", &accounts::named(case, id, card));
        if !card.cause.is_empty() {
            sheet.field("cause", &card.cause);
        }
    }
    for clause in &case.requirements {
        sheet.field(
            "spec",
            &format!("{} {} (since {})", clause.level, clause.id, clause.since),
        );
        sheet.field("", &clause.says);
        sheet.raw_field("", &style.words(&clause.link()));
        let violating = telling::violating(case, &clause.id);
        if !violating.is_empty() {
            sheet.field("", &format!("violated by {}", violating.join(", ")));
        }
    }
}

fn what_to_do(sheet: &mut Sheet<'_>, case: &CaseReport, style: &Style) {
    heading(sheet, "What to do", style);
    for remedy in in_order::remedies(case) {
        sheet.field("remedy", remedy);
    }
    for link in in_order::links(case) {
        sheet.raw_field("read", &style.words(link));
    }
    // The reader is in `explain --run` already.
    let steps = next::steps(case, style);
    for step in steps
        .iter()
        .filter(|step| !step.starts_with("ocidiff explain --run"))
    {
        sheet.raw_field("next", step);
    }
    if !next::is_given(case) {
        let again = style.words(&telling::again(case));
        let name = telling::quoted(&style.words(&case.case));
        sheet.raw_field("next", &format!("ocidiff show {name}{again}"));
    }
}
