//! A case on which not all agree: what each runtime shows side by side, why, and the commands that continue from here.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Verdict};

use super::depth::Depth;
use super::finding::impact;
use super::values;
use super::view::{Place, View};
use crate::html::Html;
use crate::safe::{safe_to, words_to};
use crate::style::{Style, count};
use crate::{accounts, diff, next, telling};

pub(super) fn section(view: &View<'_>, place: &Place<'_>, depth: Depth) -> Html {
    let case = place.case;
    let marks = place.marks();
    let mut heading = vec![Html::to(&place.anchor, &case.case), Html::text(" ")];
    // For known cases, their part of the page says so.
    if case.verdict != Verdict::Known {
        heading.extend([verdict(case.verdict), Html::text(" ")]);
    }
    heading.push(impact(place.impact));
    let (told, known) = telling::telling(case);
    let shown = &told[..told.len().min(depth.facts)];
    let mut parts = vec![Html::element(depth.heading, &[], heading)];
    let mut line = |text: &str| {
        if !text.is_empty() {
            parts.push(Html::with("p", text));
        }
    };
    line(&case.summary);
    // For what is known, the table shows which runtimes differ.
    if case.verdict != Verdict::Known {
        line(&telling::who(case));
    }
    parts.push(values::table(view, case, shown, depth));
    if told.len() > shown.len() {
        parts.push(Html::with("p", &count(told.len() - shown.len(), "more fact")));
    }
    if known > 0 {
        parts.push(Html::with(
            "p",
            &format!("also {} as written down", count(known, "difference")),
        ));
    }
    parts.extend(shown.iter().map(|difference| sequence(difference, depth)));
    parts.push(filters(case, depth));
    parts.push(Html::items(&[], advice(view, case, depth)));
    Html::element("section", &marks.with(&[("id", &place.anchor)]), parts)
}

/// The verdict, as a badge.
pub(super) fn verdict(verdict: Verdict) -> Html {
    Html::badge(&format!("v-{verdict}"), verdict.name())
}

/// A sequence is shown by what changes in it.
fn sequence(difference: &Difference, depth: Depth) -> Html {
    if !diff::wants_diff(difference) {
        return Html::default();
    }
    let lines = diff::unified(difference, depth.diff_lines);
    let lines = lines.iter().map(|line| line.text.as_str());
    let name = safe_to(&difference.fact, depth.value);
    let head = std::iter::once(name.as_str());
    Html::element("pre", &[], [Html::lines(head.chain(lines))])
}

/// Calls to which the filters give different answers.
fn filters(case: &CaseReport, depth: Depth) -> Html {
    let row = |row: &ocidiff_model::FilterRow| {
        let answers = row.answers.iter().map(|answer| {
            let reason = answer
                .reason
                .as_ref()
                .map_or(String::new(), |why| format!(" ({why})"));
            format!("{} {}{reason}", answer.runtimes.join(", "), answer.action)
        });
        let answers = answers.collect::<Vec<_>>().join(" \u{b7} ");
        let hits = row
            .hits
            .iter()
            .map(|hit| format!("; {} by {}", hit.syscall, hit.who));
        let hits: String = hits.collect();
        let told = format!("{answers}; by the profile: {}{hits}", row.profile);
        let calls = Html::with("code", &safe_to(&row.calls, depth.value));
        let told = Html::text(&format!(": {}", safe_to(&told, depth.value.max(220))));
        Html::element("li", &[], [calls, told])
    };
    let more = case.filters.len().saturating_sub(depth.rows);
    let more = (more > 0).then(|| Html::with("li", &count(more, "more call")));
    Html::items(&[], case.filters.iter().take(depth.rows).map(row).chain(more))
}

/// Why, what decides, what was printed, and how to continue.
fn advice(view: &View<'_>, case: &CaseReport, depth: Depth) -> Vec<Html> {
    let item = |inside: Vec<Html>| Html::element("li", &[], inside);
    let mut all = Vec::new();
    let because = because(view, case);
    if !because.is_empty() {
        all.push(item(because));
    }
    let other = accounts::unaccounted(case).len();
    if other > 0 {
        let text = format!(
            "{} as written down, without a finding",
            count(other, "difference")
        );
        all.push(Html::with("li", &text));
    }
    all.extend(clauses(case, depth).into_iter().map(item));
    all.extend(said(case, depth).into_iter().map(|text| Html::with("li", &text)));
    let steps = next::steps(case, &Style::default());
    // For what is known, its part of the page says what `explain` does.
    let is_shown = |step: &&String| depth.whole || !step.starts_with("ocidiff explain ");
    let steps = steps.iter().filter(is_shown);
    let steps = steps.flat_map(|step| [Html::with("code", step), Html::text(" ")]);
    let source = (depth.whole || !is_named_so(case)).then(|| Html::text(&format!("({})", case.source)));
    all.push(item(steps.chain(source).collect()));
    all
}

/// Whether the case's name says which file it is written in.
fn is_named_so(case: &CaseReport) -> bool {
    let file = case.case.split('[').next().unwrap_or_default();
    case.source.ends_with(&format!("cases/{file}.yaml"))
}

/// The findings of a case: the worst with what it does, then the others.
fn because(view: &View<'_>, case: &CaseReport) -> Vec<Html> {
    let mut parts = Vec::new();
    for (at, (id, card)) in accounts::worst_first(case).into_iter().enumerate() {
        match at {
            0 => parts.extend([view.link(id), Html::text(&format!(": {}", card.title))]),
            1 => parts.extend([Html::text("; also "), view.link(id)]),
            _ => parts.extend([Html::text(", "), view.link(id)]),
        }
    }
    parts
}

/// The clauses that decide. For what is known, those that are violated, unless a finding of the case has them.
fn clauses(case: &CaseReport, depth: Depth) -> Vec<Vec<Html>> {
    let in_finding = |id: &str| {
        case.findings
            .values()
            .any(|card| card.violates.as_deref() == Some(id))
    };
    let mut all = Vec::new();
    for clause in &case.requirements {
        let against = telling::violating(case, &clause.id);
        if !depth.whole && (against.is_empty() || in_finding(&clause.id)) {
            continue;
        }
        let who = match against.is_empty() {
            true => String::new(),
            false => format!(" (violated by {})", against.join(", ")),
        };
        let name = format!("{} {}", clause.level, clause.id);
        let says = safe_to(&format!(": {}{who}", clause.says), depth.value);
        all.push(vec![Html::link(&clause.link(), &name), Html::text(&says)]);
    }
    all
}

/// What the runtimes printed when a call failed.
fn said(case: &CaseReport, depth: Depth) -> Vec<String> {
    let (most, limit) = depth.said;
    let spoken = || {
        case.failures
            .iter()
            .filter(|(_, step)| !step.text.trim().is_empty())
    };
    let told = spoken().take(most).map(|(label, step)| {
        let text = words_to(step.text.trim(), limit);
        format!("{label} said at {}: {text}", step.label)
    });
    let more = spoken().count().saturating_sub(most);
    let more = (depth.whole && more > 0).then(|| format!("{more} more said something"));
    told.chain(more).collect()
}
