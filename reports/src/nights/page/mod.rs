//! Many nights as a page that loads nothing: what is new since the night before, which topics differ where, how the
//! nights went. Each run of the last night has its own page next to it.

mod chart;
mod news;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::{Event, Impact};

use super::{Night, Trend};
use crate::html::{Document, Html, scrolled, table};
use crate::page::Sorted;
use crate::run::{Run, Start};
use crate::style::count;
use crate::when;

/// A run of the last night, and the file of its page next to this one.
#[derive(Debug, Clone, Copy)]
pub struct LastRun<'a> {
    /// Its events.
    pub events: &'a [Event],
    /// A plain name, such as `run-1.html`.
    pub page: &'a str,
}

/// The page of nights, the last of which has these runs.
#[must_use]
pub fn page(trend: &Trend, last: &[LastRun<'_>]) -> String {
    let runs: Vec<Run<'_>> = last.iter().map(|one| Run::of(one.events)).collect();
    let sorted: Vec<Sorted<'_>> = runs.iter().map(Sorted::of).collect();
    let title = "ocidiff: nights";
    let night = trend.nights.last();
    let main = [
        news::news(trend.since.as_ref(), &sorted),
        grid(&runs, &sorted, last),
        findings(&runs, &sorted),
        chart::nights(trend),
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
                Html::quiet(&night.map_or_else(String::new, said)),
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
        look: include_str!("../../../templates/run.css"),
        script: None,
    }
    .text()
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

/// Topics by versions and machines: each run of the night has its columns, and its own page.
fn grid(runs: &[Run<'_>], sorted: &[Sorted<'_>], last: &[LastRun<'_>]) -> Html {
    let topics: BTreeSet<&str> = sorted.iter().flat_map(Sorted::topics).collect();
    let group = |(run, (one, file)): (&Run<'_>, (&Sorted<'_>, &LastRun<'_>))| {
        let machines: Vec<String> = run.starts.iter().map(Start::machine_in_words).collect();
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
    let caption = "Findings / cases that differ, by topic, and by the runtime that differs on each machine";
    let table = Html::element(
        "table",
        &[("class", "matrix")],
        [
            Html::with("caption", caption),
            Html::element("thead", &[], [first, second]),
            Html::element("tbody", &[], rows),
        ],
    );
    Html::element(
        "section",
        &[("id", "grid")],
        [
            Html::with("h2", "Topics by runtimes and machines"),
            crate::page::legend(),
            scrolled("wide", "region", "Topics by runtimes and machines", table),
        ],
    )
}

/// A finding of the night: its worst impact anywhere, which versions show it, and where.
#[derive(Default)]
struct OfFinding<'r> {
    impact: Option<Impact>,
    title: &'r str,
    who: BTreeSet<&'r str>,
    places: BTreeSet<String>,
}

/// The findings of all runs, the worst first: which versions show each, and where.
fn findings(runs: &[Run<'_>], sorted: &[Sorted<'_>]) -> Html {
    let mut all: BTreeMap<&str, OfFinding<'_>> = BTreeMap::new();
    for (run, one) in runs.iter().zip(sorted) {
        for found in one.findings() {
            let entry = all.entry(found.id).or_default();
            entry.title = found.title;
            entry.impact = entry.impact.max(found.impact);
            entry.who.extend(found.who);
            entry
                .places
                .extend(run.starts.iter().map(Start::machine_in_words));
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
    let head = ["finding", "impact", "what", "runtimes", "where"];
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
