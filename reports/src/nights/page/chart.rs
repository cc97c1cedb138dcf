//! How the nights went: a chart, and one line for each.

use ocidiff_model::Verdict;

use crate::html::{Html, table};
use crate::nights::{Night, Trend};
use crate::run::is_told_whole;
use crate::style::count;
use crate::when;

/// Nights of the chart, the last ones.
const NIGHTS: usize = 60;
/// The chart's size, in its own units.
const CHART: (f64, f64) = (600.0, 80.0);

/// One line per night, the last first, below a chart of what failed.
pub(super) fn nights(trend: &Trend) -> Html {
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

/// One bar per night: what fails, and what changed since the night before.
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
    Html::all([Html::element("svg", &attributes, bars), Html::quiet(&name)])
}
