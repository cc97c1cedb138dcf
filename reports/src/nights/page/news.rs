//! What has changed since the night before, by version and then case by case.

use std::collections::{BTreeMap, BTreeSet};

use crate::html::{Html, table};
use crate::nights::terminal::{line, remarks};
use crate::nights::{Became, CaseDiff, Diff};
use crate::page::Sorted;

/// How many cases are drawn; the rest is counted. The page remains quick to open.
const CASES: usize = 500;
/// Facts of one case.
const FACTS: usize = 8;

/// What has changed since the night before, by runtime and then case by case.
pub(super) fn news(since: Option<&Diff>, sorted: &[Sorted<'_>]) -> Html {
    let mut parts = vec![Html::with("h2", "Since the night before")];
    match since {
        None => parts.push(Html::with(
            "p",
            "There is one night only: nothing to compare it with.",
        )),
        Some(diff) => {
            let one = |became: Became| {
                let number = diff.number(became);
                let class = match became {
                    _ if number == 0 => "none",
                    Became::New | Became::NotCompared => "v-new",
                    Became::Unstable | Became::Changed => "v-unstable",
                    Became::Fixed => "v-agree",
                };
                let number = Html::with("b", &number.to_string());
                let badge = Html::badge(class, &became.to_string());
                Html::element("li", &[], [number, Html::text(" "), badge])
            };
            parts.push(Html::items(&[("class", "line counts")], Became::ALL.map(one)));
            parts.push(Html::quiet(&diff.counts()));
            parts.push(by_version(diff, sorted));
            parts.push(cases(diff));
            parts.push(Html::items(
                &[],
                remarks(diff).iter().map(|one| Html::with("li", one)),
            ));
        }
    }
    Html::element("section", &[("id", "news")], parts)
}

/// What happened to the cases of a version, and the findings that came with it.
#[derive(Default)]
struct OfVersion<'d> {
    became: BTreeMap<Became, BTreeSet<&'d str>>,
    come: BTreeSet<String>,
}

/// One row per version: how many cases changed how, and which findings came with them.
fn by_version(diff: &Diff, sorted: &[Sorted<'_>]) -> Html {
    let mut rows: BTreeMap<&str, OfVersion<'_>> = BTreeMap::new();
    for case in &diff.cases {
        for change in &case.versions {
            let row = rows.entry(&change.version).or_default();
            row.became.entry(case.became).or_default().insert(&case.case);
            let named = change.come.iter().map(|id| {
                let impact = sorted.iter().find_map(|one| one.impact(id));
                impact.map_or_else(|| id.to_string(), |impact| format!("{id} ({})", impact.name()))
            });
            row.come.extend(named);
        }
    }
    let rows = rows.into_iter().map(|(version, row)| {
        let number = |one: Became| {
            let number = row.became.get(&one).map_or(0, BTreeSet::len);
            Html::text(&number.to_string())
        };
        let mut cells = vec![Html::text(version)];
        cells.extend(Became::ALL.map(number));
        cells.push(Html::text(&row.come.into_iter().collect::<Vec<_>>().join(", ")));
        cells
    });
    let head = [
        "version",
        "new",
        "not compared",
        "unstable",
        "changed",
        "fixed",
        "findings that came",
    ];
    table("By version", &head, rows.collect())
}

fn cases(diff: &Diff) -> Html {
    let rows = diff.cases.iter().take(CASES).map(|case| {
        vec![
            Html::text(&case.case),
            Html::text(&case.became.to_string()),
            Html::text(&format!("{}, was {}", case.to, case.from)),
            Html::text(&case.machine),
            facts(case),
        ]
    });
    let caption = match diff.cases.len().checked_sub(CASES) {
        Some(more @ 1..) => format!("Case by case; {more} more are not shown"),
        _ => "Case by case".to_owned(),
    };
    let head = ["case", "became", "verdict", "where", "what each shows"];
    table(&caption, &head, rows.collect())
}

fn facts(case: &CaseDiff) -> Html {
    let mut lines: Vec<Html> = case
        .versions
        .iter()
        .take(FACTS)
        .map(|change| Html::with("li", &line(change, crate::safe::safe_to)))
        .collect();
    if case.versions.len() > FACTS {
        lines.push(Html::with("li", &format!("{} more", case.versions.len() - FACTS)));
    }
    lines.extend(case.why.iter().map(|why| Html::with("li", why)));
    Html::items(&[], lines)
}
