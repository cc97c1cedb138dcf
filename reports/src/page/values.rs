//! Facts and what each runtime shows for them, side by side.

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Group};

use super::depth::Depth;
use super::view::View;
use crate::diff;
use crate::html::{Html, scrolled};
use crate::safe::safe_to;
use crate::style::count;
use crate::telling;

/// How many columns fit into a narrow window.
const FIT: usize = 4;

pub(super) fn table(view: &View<'_>, case: &CaseReport, shown: &[&Difference], depth: Depth) -> Html {
    let told: Vec<&Difference> = shown
        .iter()
        .copied()
        .filter(|one| !telling::in_rows(case, one))
        .collect();
    if told.is_empty() {
        return Html::default();
    }
    let who = columns(view, &told);
    let notes: Vec<Vec<String>> = told.iter().map(|one| notes(case, one, depth)).collect();
    let noted = notes.iter().any(|notes| !notes.is_empty());
    let heads = std::iter::once("fact").chain(who.iter().copied());
    let heads = heads.chain(noted.then_some("note"));
    let heads = heads.map(|name| Html::with("th", name));
    let rows = told.iter().zip(&notes).map(|(difference, notes)| {
        let name = Html::text(&safe_to(&difference.fact, depth.value));
        let name = Html::element("th", &[("scope", "row")], [name]);
        let notes = noted.then(|| {
            let all = notes.iter().map(|note| Html::with("p", note));
            Html::element("td", &[("class", "note")], all)
        });
        let cells = std::iter::once(name)
            .chain(cells(difference, &who, depth))
            .chain(notes);
        Html::element("tr", &[], cells)
    });
    let table = Html::element(
        "table",
        &[],
        [
            Html::element("thead", &[], [Html::element("tr", &[], heads)]),
            Html::element("tbody", &[], rows),
        ],
    );
    if who.len() <= FIT {
        return table;
    }
    let label = format!("values of {}", case.case);
    scrolled("wide", "group", &label, table)
}

/// The runtimes that show something, in the order of the run; then those that the run does not name.
fn columns<'a>(view: &View<'a>, told: &[&'a Difference]) -> Vec<&'a str> {
    let groups = told.iter().flat_map(|one| &one.groups);
    let mut who: Vec<&str> = Vec::new();
    for label in groups.flat_map(|group| &group.runtimes) {
        if !who.contains(&label.as_str()) {
            who.push(label);
        }
    }
    who.sort_by_key(|label| {
        view.labels
            .iter()
            .position(|other| other == label)
            .unwrap_or(usize::MAX)
    });
    who
}

/// A cell for each runtime; neighbours that show the same share one. What differs from the reference is marked.
fn cells(difference: &Difference, who: &[&str], depth: Depth) -> Vec<Html> {
    let group_of = |label: &str| {
        let mut groups = difference.groups.iter();
        groups.position(|group| group.runtimes.iter().any(|other| other == label))
    };
    let groups: Vec<Option<usize>> = who.iter().map(|label| group_of(label)).collect();
    let runs = groups.chunk_by(|one, other| one == other);
    runs.map(|run| {
        let span = run.len().to_string();
        let mut attributes = Vec::new();
        if run.len() > 1 {
            attributes.push(("colspan", span.as_str()));
        }
        let Some(at) = run[0] else {
            return Html::element("td", &attributes, [Html::text("\u{2013}")]);
        };
        if at > 0 {
            attributes.push(("class", "d"));
        }
        Html::element(
            "td",
            &attributes,
            [value(difference, &difference.groups[at], depth)],
        )
    })
    .collect()
}

/// What is special about a fact: what is expected, what it follows from, how often it showed, what is written about it.
fn notes(case: &CaseReport, difference: &Difference, depth: Depth) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some((value, who)) = telling::unmet(difference) {
        let value = safe_to(&value, depth.value);
        notes.push(format!("expected {value}, not so under {who}"));
    }
    let remark = telling::remark(case, difference);
    // The findings are below the table; what follows from one, or may be either, is mentioned with the fact.
    let is_said = |remark: &str| remark.contains("follows") || remark.contains("either");
    if difference.standing != Standing::Known || is_said(&remark) {
        notes.extend((!remark.is_empty()).then_some(remark));
    }
    for seen in &difference.seen {
        let ways = safe_to(&telling::way(&seen.groups, " \u{b7} "), depth.value);
        notes.push(format!("{}: {ways}", count(seen.times as usize, "time")));
    }
    for (who, written, seen) in telling::off(difference) {
        let (written, seen) = (safe_to(&written, depth.value), safe_to(&seen, depth.value));
        notes.push(format!("{who}: written {written}, seen {seen}"));
    }
    notes
}

/// What a runtime shows, short.
fn value(difference: &Difference, group: &Group, depth: Depth) -> Html {
    match &group.value {
        None => Html::element("i", &[], [Html::text(ocidiff_model::known::ABSENT)]),
        Some(value) if diff::wants_diff(difference) => Html::text(&count(value.lines().len(), "line")),
        Some(_) => Html::text(&safe_to(
            &telling::line(difference, group.value.as_ref()),
            depth.value,
        )),
    }
}
