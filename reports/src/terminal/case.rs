//! One case in full: facts side by side, diffs, what is required, why, and what to do next.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Verdict};

use super::filter::{self, Rows};
use crate::accounts::{self, Accounted};
use crate::diff;
use crate::next;
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count, first_of, pad, width, wrap};
use crate::telling;

/// The longest fact that the values of all facts are lined up after.
const FACT: usize = 36;
/// How long a value may be.
const VALUE: usize = 120;
/// The width of a group's runtimes before their value.
const WHO: usize = 40;
/// Lines of one diff.
const DIFF_LINES: usize = 24;
/// Facts of one case; `explain` shows all.
const FACTS: usize = 12;
/// How many calls are shown with their words.
const SAID: usize = 3;

/// How much of a case is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) facts: usize,
    /// Whether values are shown in full.
    pub(super) whole: bool,
    pub(super) diff_lines: usize,
    pub(super) said: usize,
    pub(super) filters: Rows,
}

impl Limits {
    const REPORT: Self = Self {
        facts: FACTS,
        whole: false,
        diff_lines: DIFF_LINES,
        said: SAID,
        filters: Rows {
            groups: 3,
            hits: 2,
            whole: false,
        },
    };
    /// For a reader who asked for one case.
    pub(super) const WHOLE: Self = Self {
        facts: 200,
        whole: true,
        diff_lines: 400,
        said: 50,
        filters: Rows {
            groups: 100,
            hits: 100,
            whole: true,
        },
    };
}

/// The colour of a verdict.
pub(crate) fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::New | Verdict::Violation | Verdict::Unexpected | Verdict::Broken => Ink::Fail,
        Verdict::Gone | Verdict::Fixed | Verdict::Unstable => Ink::Warn,
        Verdict::Agree => Ink::Good,
        Verdict::Known | Verdict::Unsupported | Verdict::Skipped => Ink::Quiet,
    }
}

/// A case that fails, with an empty line after it.
pub(super) fn block(case: &CaseReport, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let word = case.verdict.name().to_uppercase();
    let label = style.paint(ink(case.verdict), &pad(&word, 9));
    let name = style.paint(Ink::Name, &style.words(&case.case));
    first_line(&mut sheet, &format!("{label} {name}"), &telling::who(case), style);
    if !case.summary.is_empty() {
        sheet.field("about", &case.summary);
    }
    details(&mut sheet, case, style);
    sheet.end_with_gap()
}

/// The beginning of a report on a case, with a hostile sentence next to it, or below if there is no room.
pub(super) fn first_line(sheet: &mut Sheet<'_>, head: &str, sentence: &str, style: &Style) {
    let sentence = style.words(sentence);
    if width(head) + 2 + width(&sentence) <= style.columns() {
        sheet.line(&format!("{head}  {sentence}"));
    } else {
        sheet.line(head);
        sheet.wrapped(&sentence);
    }
}

/// What is reported about a case under its first line: what fails, then what is known, by finding.
pub(super) fn details(sheet: &mut Sheet<'_>, case: &CaseReport, style: &Style) {
    let (told, known) = telling::telling(case);
    let fails = known > 0 || !matches!(case.verdict, Verdict::Known | Verdict::Fixed);
    let told = if fails { told } else { accounts::unaccounted(case) };
    facts(sheet, case, &told, style, Limits::REPORT);
    said(sheet, case, Limits::REPORT);
    clauses(sheet, case);
    // Next to what fails in a case of the corpus, the values of what is known would be in the way.
    let values = !fails || next::is_given(case);
    let findings = accounts::by_finding(case);
    for finding in &findings {
        if values && findings.len() > 1 {
            sheet.line("");
        }
        by_finding(sheet, case, finding, values, style);
    }
    if values && findings.len() > 1 {
        sheet.line("");
    }
    let other = match fails {
        true => accounts::unaccounted(case).len(),
        false => 0,
    };
    if other > 0 {
        let others = count(other, "other difference");
        sheet.wrapped(&format!("{others} as written down, without a finding"));
    }
    sheet.filled_field("next", &next::steps(case, style));
}

/// A finding, what there is to know about it, and the facts that it accounts for.
fn by_finding(
    sheet: &mut Sheet<'_>,
    case: &CaseReport,
    finding: &Accounted<'_>,
    values: bool,
    style: &Style,
) {
    let Accounted {
        id,
        card,
        first,
        also,
    } = finding;
    sheet.field("finding", &accounts::named(case, id, card));
    if !card.cause.is_empty() {
        sheet.field("cause", &card.cause);
    }
    let links: Vec<String> = card.link.iter().map(|link| telling::short_link(link)).collect();
    if !links.is_empty() {
        sheet.field("link", &links.join(style.dot()));
    }
    if let Some(remedy) = &card.remedy {
        sheet.field("remedy", remedy);
    }
    if values {
        facts(sheet, case, first, style, Limits::REPORT);
    }
    for (name, all) in [("facts", first), ("also", also)] {
        if !all.is_empty() && (name == "also" || !values) {
            sheet.field(name, &first_of(all.iter().map(|one| &one.fact), FACTS));
        }
    }
}

/// Each fact with its values by group, and a diff if they are sequences.
pub(super) fn facts(
    sheet: &mut Sheet<'_>,
    case: &CaseReport,
    told: &[&Difference],
    style: &Style,
    limits: Limits,
) {
    let shown = &told[..told.len().min(limits.facts)];
    let names: Vec<_> = shown.iter().map(|it| style.text(&it.fact, VALUE)).collect();
    let column = names.iter().map(|name| width(name)).max().unwrap_or(0).min(FACT);
    for (difference, name) in shown.iter().zip(&names) {
        if telling::in_rows(case, difference) {
            let remark = telling::remark(case, difference);
            sheet.indented(0, &format!("{}  {remark}", name.trim_end()));
            filter::rows(sheet, &case.filters, style, limits.filters);
            continue;
        }
        fact(sheet, case, difference, &pad(name, column), style, limits);
        if diff::wants_diff(difference) {
            sheet.diff(&diff::unified(difference, limits.diff_lines));
        }
        for seen in &difference.seen {
            let ways = telling::way(&seen.groups, style.dot());
            sheet.field("seen", &format!("{}  {ways}", count(seen.times as usize, "time")));
        }
        for (who, written, seen) in telling::off(difference) {
            sheet.field("written", &format!("{who} {written}, seen {seen}"));
        }
        if let Some((expected, who)) = telling::unmet(difference) {
            sheet.field(
                "expect",
                &format!("{} {expected}, not so under {who}", difference.fact),
            );
        }
    }
    if told.len() > shown.len() {
        sheet.indented(0, &format!("+{}", count(told.len() - shown.len(), "more fact")));
    }
}

fn fact(
    sheet: &mut Sheet<'_>,
    case: &CaseReport,
    difference: &Difference,
    name: &str,
    style: &Style,
    limits: Limits,
) {
    let remark = telling::remark(case, difference);
    let remark = if remark.is_empty() {
        remark
    } else {
        style.paint(Ink::Warn, &format!("  ({remark})"))
    };
    let values: Vec<_> = difference
        .groups
        .iter()
        .map(|group| {
            (
                style.words(&group.runtimes.join(", ")),
                group_value(difference, group, style),
            )
        })
        .collect();
    let line: Vec<_> = values
        .iter()
        .map(|(who, value)| format!("{who} {value}"))
        .collect();
    let line = line.join(style.dot());
    if width(name) + 2 + width(&line) + width(&remark) <= sheet.room() {
        sheet.indented(0, &format!("{name}  {line}{remark}"));
        return;
    }
    let name = name.trim_end();
    if width(name) + width(&remark) <= sheet.room() {
        sheet.indented(0, &format!("{name}{remark}"));
    } else {
        sheet.indented(0, &style.brief(name, sheet.room()));
        sheet.wrapped(remark.trim_start());
    }
    let column = values
        .iter()
        .map(|(who, _)| width(who))
        .max()
        .unwrap_or(0)
        .min(WHO);
    for (who, value) in &values {
        let room = sheet.room().saturating_sub(column + 4);
        let mut lines = wrap(value, room);
        if !limits.whole {
            lines = vec![style.brief(value, room)];
        }
        if width(who) > column {
            sheet.indented(2, &style.brief(who, sheet.room().saturating_sub(2)));
        }
        for (index, line) in lines.iter().enumerate() {
            let who = if index == 0 && width(who) <= column {
                who
            } else {
                ""
            };
            sheet.indented(2, &format!("{}  {line}", pad(who, column)));
        }
    }
}

/// The value on one line; a sequence that has a diff under it is only counted.
fn group_value(difference: &Difference, group: &ocidiff_model::Group, style: &Style) -> String {
    match &group.value {
        Some(value) if diff::wants_diff(difference) => count(value.lines().len(), "line"),
        _ => style.text(&telling::line(difference, group.value.as_ref()), VALUE),
    }
}

/// What the runtimes printed when a call failed; their own words, for reading.
pub(super) fn said(sheet: &mut Sheet<'_>, case: &CaseReport, limits: Limits) {
    let spoken = case
        .failures
        .iter()
        .filter(|(_, step)| !step.text.trim().is_empty());
    let total = spoken.clone().count();
    for (label, step) in spoken.take(limits.said) {
        let text = crate::safe::words_to(step.text.trim(), 300);
        sheet.field("said", &format!("{label}, {}: {text}", step.label));
    }
    if total > limits.said {
        sheet.field("", &format!("{} more, see `ocidiff show`", total - limits.said));
    }
}

/// The clauses that decide, and the file in which the case is written.
fn clauses(sheet: &mut Sheet<'_>, case: &CaseReport) {
    if case.requirements.is_empty() {
        sheet.field("case", &case.source);
    }
    for (index, clause) in case.requirements.iter().enumerate() {
        let mut text = format!("{} {}  {}", clause.level, clause.id, clause.section);
        let violating = telling::violating(case, &clause.id);
        if !violating.is_empty() {
            text.push_str(&format!("  (violated by {})", violating.join(", ")));
        }
        if index == 0 {
            text.push_str(&format!("  {}", case.source));
        }
        sheet.field("spec", &text);
    }
}
