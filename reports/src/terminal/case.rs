//! One case told whole: facts side by side, diffs, what is required, why, and what to do next.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Verdict};

use super::filter::{self, Rows};
use super::page::Page;
use crate::diff;
use crate::style::{Ink, Style, count, pad, width};
use crate::telling;

/// The longest fact that the values of all facts are lined up after.
const FACT: usize = 36;
/// What one value may take.
const VALUE: usize = 120;
/// Lines of one diff.
const DIFF_LINES: usize = 24;
/// Facts of one case; `explain` shows all.
const FACTS: usize = 12;
/// Calls whose words are shown.
const SAID: usize = 3;

/// How much of a case is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) facts: usize,
    pub(super) diff_lines: usize,
    pub(super) said: usize,
    pub(super) filters: Rows,
}

impl Limits {
    const REPORT: Self = Self {
        facts: FACTS,
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
        Verdict::Gone | Verdict::Unstable => Ink::Warn,
        Verdict::Agree => Ink::Good,
        Verdict::Known | Verdict::Unsupported | Verdict::Skipped => Ink::Quiet,
    }
}

/// A case that fails, with an empty line after it.
pub(super) fn block(case: &CaseReport, style: &Style) -> String {
    let mut page = Page::new(style);
    let word = case.verdict.name().to_uppercase();
    let label = style.paint(ink(case.verdict), &pad(&word, 9));
    let name = style.paint(Ink::Name, &style.words(&case.case));
    page.line(&format!("{label} {name}  {}", style.words(&telling::who(case))));
    if !case.summary.is_empty() {
        page.field("about", &case.summary);
    }
    details(&mut page, case, style);
    page.end_with_gap()
}

/// What is told of a case under its first line.
pub(super) fn details(page: &mut Page<'_>, case: &CaseReport, style: &Style) {
    facts(page, case, style, Limits::REPORT);
    said(page, case, Limits::REPORT);
    clauses(page, case, style);
    for cause in telling::causes(case) {
        page.field("cause", cause);
    }
    let links: Vec<_> = telling::links(case)
        .into_iter()
        .map(telling::short_link)
        .collect();
    if !links.is_empty() {
        page.field("link", &links.join(style.dot()));
    }
    for remedy in telling::remedies(case) {
        page.field("remedy", remedy);
    }
    page.filled_field("next", &next_steps(case, style));
}

/// Each fact with its values by group, and a diff where they are sequences.
pub(super) fn facts(page: &mut Page<'_>, case: &CaseReport, style: &Style, limits: Limits) {
    let (told, known) = telling::telling(case);
    let shown = &told[..told.len().min(limits.facts)];
    let names: Vec<_> = shown.iter().map(|it| style.text(&it.fact, VALUE)).collect();
    let column = names.iter().map(|name| width(name)).max().unwrap_or(0).min(FACT);
    for (difference, name) in shown.iter().zip(&names) {
        if telling::in_rows(case, difference) {
            let remark = telling::remark(case, difference);
            page.indented(0, &format!("{}  {remark}", name.trim_end()));
            filter::rows(page, &case.filters, style, limits.filters);
            continue;
        }
        fact(page, case, difference, &pad(name, column), style);
        if diff::wants_diff(difference) {
            page.diff(&diff::unified(difference, limits.diff_lines));
        }
        for seen in &difference.seen {
            let ways = telling::way(&seen.groups, style.dot());
            page.field("seen", &format!("{}  {ways}", count(seen.times as usize, "time")));
        }
        for (who, written, seen) in telling::off(difference) {
            page.field("written", &format!("{who} {written}, seen {seen}"));
        }
        if let Some((expected, who)) = telling::unmet(difference) {
            page.field(
                "expect",
                &format!("{} {}, not so under {who}", difference.fact, expected.line()),
            );
        }
    }
    if told.len() > shown.len() {
        page.indented(0, &format!("+{}", count(told.len() - shown.len(), "more fact")));
    }
    if known > 0 {
        page.indented(
            0,
            &format!("{} as written down", count(known, "other difference")),
        );
    }
}

fn fact(page: &mut Page<'_>, case: &CaseReport, difference: &Difference, name: &str, style: &Style) {
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
    if width(name) + 2 + width(&line) <= page.room() {
        page.indented(0, &format!("{name}  {line}{remark}"));
        return;
    }
    page.indented(0, &format!("{}{remark}", name.trim_end()));
    let column = values.iter().map(|(who, _)| width(who)).max().unwrap_or(0);
    for (who, value) in &values {
        page.indented(2, &format!("{}  {value}", pad(who, column)));
    }
}

/// The value on one line; a sequence that has a diff under it is only counted.
fn group_value(difference: &Difference, group: &ocidiff_model::Group, style: &Style) -> String {
    match &group.value {
        Some(value) if diff::wants_diff(difference) => count(value.lines().len(), "line"),
        _ => style.text(&telling::value(group), VALUE),
    }
}

/// What the runtimes printed where a call failed; their own words, for reading.
pub(super) fn said(page: &mut Page<'_>, case: &CaseReport, limits: Limits) {
    let spoken = case
        .failures
        .iter()
        .filter(|(_, step)| !step.text.trim().is_empty());
    let total = spoken.clone().count();
    for (label, step) in spoken.take(limits.said) {
        let text = crate::safe::safe_to(step.text.trim(), 300);
        page.field("said", &format!("{label}, {}: {text}", step.label));
    }
    if total > limits.said {
        page.field("", &format!("{} more, see `ocidiff show`", total - limits.said));
    }
}

/// The clauses that decide, and the file that the case is written in.
fn clauses(page: &mut Page<'_>, case: &CaseReport, style: &Style) {
    if case.requirements.is_empty() {
        page.field("case", &case.source);
    }
    for (index, clause) in case.requirements.iter().enumerate() {
        let mut text = format!(
            "{} {}  {}",
            clause.level,
            style.words(&clause.id),
            style.words(&clause.section)
        );
        let violating = telling::violating(case, &clause.id);
        if !violating.is_empty() {
            text.push_str(&format!("  (violated by {})", style.words(&violating.join(", "))));
        }
        if index == 0 {
            text.push_str(&format!("  {}", style.words(&case.source)));
        }
        page.raw_field("spec", &text);
    }
}

/// The commands that go on from here: each works as it stands.
pub(crate) fn next_steps(case: &CaseReport, style: &Style) -> Vec<String> {
    // A bundle of the user's is not a case of the corpus, which the other commands take.
    let again = style.words(&telling::again(case));
    if case.case.starts_with("bundle/") {
        let folder = case.source.strip_suffix("/config.json").unwrap_or(&case.source);
        let folder = telling::word(&style.words(folder));
        return vec![format!("ocidiff run --bundle {folder}{again} --records records")];
    }
    let name = telling::quoted(&style.words(&case.case));
    if case.again.iter().any(|option| option == "--via") {
        return vec![format!("ocidiff run {name}{again} --records records")];
    }
    let mut steps = vec![format!("ocidiff explain --run {name}{again}")];
    if let Some(label) = telling::suspect(case) {
        let runtime = telling::word(&style.words(&telling::selector(case, label)));
        let cases = case.again.windows(2).find(|pair| pair[0] == "--cases");
        let cases = cases.map_or_else(String::new, |pair| {
            format!(" --cases {}", telling::word(&style.words(&pair[1])))
        });
        steps.push(format!("ocidiff repro {name} --runtime {runtime}{cases}"));
    }
    match case.verdict {
        Verdict::New | Verdict::Gone | Verdict::Violation | Verdict::Unexpected => {
            steps.push(format!("ocidiff accept {name}{again}"));
        }
        Verdict::Broken => steps.push(format!("ocidiff show {name}{again}")),
        _ => {}
    }
    steps
}
