//! Many nights as a page that loads nothing: what is new since the night before, which topics differ where, how the
//! nights went. Each run of the last night has a page of its own beside it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::{Event, Impact, Verdict};

use super::terminal::{line, lists};
use super::{Became, CaseDiff, Diff, Night, Trend, machine_of};
use crate::html::{Document, Html, table};
use crate::page::Sorted;
use crate::run::{Run, is_told_whole};
use crate::style::count;
use crate::when;

/// Cases that are drawn; the rest is counted. The page stays one that opens at once.
const CASES: usize = 500;
/// Facts of one case.
const FACTS: usize = 8;
/// Nights of the chart, the last ones.
const NIGHTS: usize = 60;
/// The chart's size, in its own units.
const CHART: (f64, f64) = (600.0, 80.0);

/// A run of the last night, and the file of its page beside this one.
#[derive(Debug, Clone, Copy)]
pub struct LastRun<'a> {
    /// Its events.
    pub events: &'a [Event],
    /// A plain name, such as `run-1.html`.
    pub page: &'a str,
}

/// The page of nights; `since` holds the last one against the one before.
#[must_use]
pub fn page(trend: &Trend, since: Option<&Diff>, last: &[LastRun<'_>]) -> String {
    let runs: Vec<Run<'_>> = last.iter().map(|one| Run::of(one.events)).collect();
    let sorted: Vec<Sorted<'_>> = runs.iter().map(Sorted::of).collect();
    let title = "ocidiff: nights";
    let night = trend.nights.last();
    let main = [
        news(since, &sorted),
        grid(&runs, &sorted, last),
        findings(&runs, &sorted),
        nights(trend),
    ];
    let links = [
        ("news", "Since the night before"),
        ("grid", "Topics by runtimes and machines"),
        ("findings", "Findings"),
        ("nights", "The nights"),
    ];
    let links = links.map(|(id, name)| Html::element("li", &[], [Html::to(id, name)]));
    let body = [
        Html::element(
            "a",
            &[("class", "skip"), ("href", "#main")],
            [Html::text("Skip to the results")],
        ),
        Html::element(
            "header",
            &[],
            [
                Html::with("h1", title),
                quiet(&night.map_or_else(String::new, said)),
            ],
        ),
        Html::element(
            "nav",
            &[("aria-label", "Parts of the page")],
            [Html::items(&[("class", "line")], links)],
        ),
        Html::element("main", &[("id", "main"), ("tabindex", "-1")], main),
    ];
    Document {
        title,
        body: Html::all(body),
        look: include_str!("../../templates/run.css"),
        script: None,
    }
    .text()
}

fn quiet(text: &str) -> Html {
    Html::element("p", &[("class", "quiet")], [Html::text(text)])
}

/// `2026-11-29 02:10, 11 versions on 3 machines, 1509 cases`
fn said(night: &Night) -> String {
    format!(
        "{}, {}: {} on {}, {}{}",
        night.name,
        when::utc(night.time).unwrap_or_else(|| "no date".to_owned()),
        count(night.versions.len(), "version"),
        count(night.machines, "machine"),
        count(night.counts.total(), "result"),
        if night.cut { ", cut short" } else { "" }
    )
}

/// What is not as the night before, by runtime and then case by case.
fn news(since: Option<&Diff>, sorted: &[Sorted<'_>]) -> Html {
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
            parts.push(quiet(&diff.counts()));
            parts.push(by_version(diff, sorted));
            parts.push(cases(diff));
            parts.push(Html::items(&[], rest(diff)));
        }
    }
    Html::element("section", &[("id", "news")], parts)
}

/// What became of the cases of a version, and the findings that came with it.
#[derive(Default)]
struct OfVersion<'d> {
    became: BTreeMap<Became, BTreeSet<&'d str>>,
    come: BTreeSet<String>,
}

/// A row a version: how many cases became what, and which findings came with them.
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
    let head = ["case", "became", "verdict", "where", "who shows what"];
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

/// What can be in one night only, what is slower, what was cut short.
fn rest(diff: &Diff) -> Vec<Html> {
    let lists = lists(diff).into_iter().filter(|(_, all)| !all.is_empty());
    let mut all: Vec<String> = lists
        .map(|(name, all)| format!("{name}: {}", crate::changes::names(all)))
        .collect();
    all.extend(diff.slower.iter().take(20).map(|slow| {
        format!(
            "slower: {} takes {:.1} s, was {:.1} s",
            slow.case, slow.to, slow.from
        )
    }));
    all.extend(diff.cut.iter().cloned());
    all.iter().map(|one| Html::with("li", one)).collect()
}

/// Topics by versions and machines: each run of the night has its columns, and its own page.
fn grid(runs: &[Run<'_>], sorted: &[Sorted<'_>], last: &[LastRun<'_>]) -> Html {
    let topics: BTreeSet<&str> = sorted.iter().flat_map(Sorted::topics).collect();
    let group = |(run, (one, file)): (&Run<'_>, (&Sorted<'_>, &LastRun<'_>))| {
        let machines: Vec<String> = run.starts.iter().map(machine_of).collect();
        let span = one.labels().len().to_string();
        Html::element(
            "th",
            &[("scope", "colgroup"), ("colspan", &span)],
            [Html::beside(file.page, &machines.join("; "))],
        )
    };
    let column = |label: &&str| Html::element("th", &[("scope", "col")], [Html::text(label)]);
    let groups = runs.iter().zip(sorted.iter().zip(last)).map(group);
    let first = Html::element("tr", &[], std::iter::once(Html::with("td", "")).chain(groups));
    let labels = sorted.iter().flat_map(Sorted::labels).map(column);
    let second = Html::element(
        "tr",
        &[],
        std::iter::once(Html::with("th", "topic")).chain(labels),
    );
    let row = |topic: Option<&str>| {
        let name = Html::text(topic.unwrap_or("all topics"));
        let name = Html::element("th", &[("scope", "row")], [name]);
        let cells = sorted.iter().flat_map(|one| one.cells(topic));
        Html::element("tr", &[], std::iter::once(name).chain(cells))
    };
    let rows = std::iter::once(None).chain(topics.into_iter().map(Some)).map(row);
    let caption = "Findings / cases that differ, by topic, and by who makes the difference on which machine";
    let table = Html::element(
        "table",
        &[("class", "matrix")],
        [
            Html::with("caption", caption),
            Html::element("thead", &[], [first, second]),
            Html::element("tbody", &[], rows),
        ],
    );
    let attributes = [
        ("class", "wide"),
        ("role", "region"),
        ("tabindex", "0"),
        ("aria-label", "Topics by runtimes and machines"),
    ];
    Html::element(
        "section",
        &[("id", "grid")],
        [
            Html::with("h2", "Topics by runtimes and machines"),
            crate::page::legend(),
            Html::element("div", &attributes, [table]),
        ],
    )
}

/// A finding of the night: the worst that it is anywhere, who shows it, and where.
#[derive(Default)]
struct OfFinding<'r> {
    impact: Option<Impact>,
    title: &'r str,
    who: BTreeSet<&'r str>,
    places: BTreeSet<String>,
}

/// The findings of all runs, the worst first: who shows each, and where.
fn findings(runs: &[Run<'_>], sorted: &[Sorted<'_>]) -> Html {
    let mut all: BTreeMap<&str, OfFinding<'_>> = BTreeMap::new();
    for (run, one) in runs.iter().zip(sorted) {
        for found in one.findings() {
            let entry = all.entry(found.id).or_default();
            entry.title = found.title;
            entry.impact = entry.impact.max(found.impact);
            entry.who.extend(found.who);
            entry.places.extend(run.starts.iter().map(machine_of));
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(id, one)| (Reverse(one.impact), *id));
    let number = all.len();
    let rows = all.into_iter().map(|(id, one)| {
        let places = match one.places.len() == sorted.len() {
            true => "everywhere".to_owned(),
            false => one.places.into_iter().collect::<Vec<_>>().join("; "),
        };
        let badge = |impact: Impact| Html::badge(impact.name(), impact.name());
        vec![
            Html::with("code", id),
            one.impact.map_or_else(Html::default, badge),
            Html::text(one.title),
            Html::text(&one.who.into_iter().collect::<Vec<_>>().join(", ")),
            Html::text(&places),
        ]
    });
    let head = ["finding", "impact", "what", "who", "where"];
    let table = table(&count(number, "finding"), &head, rows.collect());
    let table = match number {
        0 => Html::with("p", "No finding showed."),
        _ => table,
    };
    Html::element(
        "section",
        &[("id", "findings")],
        [
            Html::with("h2", "Findings of the last night, the worst first"),
            table,
        ],
    )
}

/// A line a night, the last first, below a chart of what failed.
fn nights(trend: &Trend) -> Html {
    let rows = trend.nights.iter().rev().map(|night| {
        let fails: usize = failing(night);
        let of = |verdict: Verdict| Html::text(&night.counts.of(verdict).to_string());
        let since = match (night.compared, night.since.is_empty()) {
            (None, _) => "the first".to_owned(),
            (Some(0), _) => "nothing in common with the night before".to_owned(),
            (Some(_), true) => "as the night before".to_owned(),
            (Some(_), false) => {
                let all = night
                    .since
                    .iter()
                    .map(|(became, number)| format!("{number} {became}"));
                all.collect::<Vec<_>>().join(", ")
            }
        };
        let cut = if night.cut { "; cut short" } else { "" };
        vec![
            Html::text(&when::utc(night.time).unwrap_or_else(|| night.name.clone())),
            Html::text(&night.name),
            Html::text(&night.versions.join(", ")),
            Html::text(&fails.to_string()),
            of(Verdict::Known),
            of(Verdict::Agree),
            Html::text(&format!("{since}{cut}")),
        ]
    });
    let head = [
        "night",
        "name",
        "versions",
        "fail",
        "known",
        "agree",
        "since the night before",
    ];
    Html::element(
        "section",
        &[("id", "nights")],
        [
            Html::with("h2", "The nights"),
            chart(trend),
            table(&count(trend.nights.len(), "night"), &head, rows.collect()),
        ],
    )
}

fn failing(night: &Night) -> usize {
    let fails = Verdict::ALL.into_iter().filter(|verdict| is_told_whole(*verdict));
    fails.map(|verdict| night.counts.of(verdict)).sum()
}

/// A bar a night: what fails, and what changed since the night before.
fn chart(trend: &Trend) -> Html {
    let from = trend.nights.len().saturating_sub(NIGHTS);
    let nights = &trend.nights[from..];
    let changed = |night: &Night| night.since.values().sum::<usize>();
    let most = nights
        .iter()
        .map(|night| failing(night).max(changed(night)))
        .max()
        .unwrap_or(0)
        .max(1);
    let (width, height) = CHART;
    let step = width / nights.len().max(1) as f64;
    let bar = |at: usize, part: f64, number: usize, class: &str| {
        let tall = height * number as f64 / most as f64;
        let attributes = [
            ("class", class),
            ("x", &format!("{:.1}", at as f64 * step + part * step)),
            ("y", &format!("{:.1}", height - tall)),
            ("width", &format!("{:.1}", (step * 0.4).min(20.0))),
            ("height", &format!("{tall:.1}")),
        ];
        Html::element("rect", &attributes, [])
    };
    let bars = nights.iter().enumerate().flat_map(|(at, night)| {
        [
            bar(at, 0.05, failing(night), "bar-fails"),
            bar(at, 0.5, changed(night), "bar-changed"),
        ]
    });
    let name = format!(
        "Cases that fail, and cases that changed, in the last {}; the most is {most}",
        count(nights.len(), "night")
    );
    let attributes = [
        ("viewBox", &*format!("0 0 {width} {height}")),
        ("class", "chart"),
        ("role", "img"),
        ("aria-label", &name),
        ("preserveAspectRatio", "none"),
    ];
    Html::all([Html::element("svg", &attributes, bars), quiet(&name)])
}
