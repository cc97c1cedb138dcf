//! Topics by runtimes: how many findings and cases of each make a difference, shown by colour and by a sign.

use std::collections::BTreeSet;

use ocidiff_model::{Impact, Verdict};

use super::view::{Place, View};
use crate::html::{Html, scrolled};
use crate::run::is_told_whole;

/// What a cell says.
#[derive(Debug, Default)]
struct Cell {
    findings: BTreeSet<usize>,
    cases: usize,
    worst: Option<Impact>,
    fails: bool,
    compared: usize,
}

pub(super) fn section(view: &View<'_>) -> Html {
    let column = |label: &&str| Html::element("th", &[("scope", "col")], [Html::text(label)]);
    let head = [Html::with("th", "topic"), Html::with("th", "cases compared")];
    let head = head.into_iter().chain(view.labels.iter().map(column));
    let rows =
        std::iter::once(row(view, None)).chain((0..view.topics.len()).map(|topic| row(view, Some(topic))));
    let table = Html::element(
        "table",
        &[("class", "matrix")],
        [
            Html::with(
                "caption",
                "Findings / cases that differ, by topic and by the runtime that differs",
            ),
            Html::element("thead", &[], [Html::element("tr", &[], head)]),
            Html::element("tbody", &[], rows),
        ],
    );
    Html::element(
        "section",
        &[("id", "matrix")],
        [
            Html::with("h2", "Topics by runtimes"),
            legend(),
            scrolled("wide", "region", "Topics by runtimes", table),
        ],
    )
}

/// The signs, from nothing to the worst.
pub(crate) fn legend() -> Html {
    let all = [
        ("safe", "\u{2713}", "as the others"),
        ("cosmetic", "~", "cosmetic"),
        ("may-break", "?", "may break"),
        ("breaks", "\u{2717}", "breaks"),
        ("security", "\u{203c}", "security"),
        ("fails", "!", "new, gone or not as expected"),
    ];
    let signs = all.map(|(class, sign, word)| {
        let sign = Html::badge(class, sign);
        Html::element("li", &[], [sign, Html::text(&format!(" {word}"))])
    });
    Html::items(&[("class", "line")], signs)
}

/// A cell for each runtime that takes part, for a topic by its name or for all; a topic that the run does not have was
/// not compared.
pub(super) fn cells(view: &View<'_>, topic: Option<&str>) -> Vec<Html> {
    let places = match topic {
        None => of(view, None),
        Some(topic) => {
            let number = view.topics.iter().position(|other| *other == topic);
            number.map_or_else(Vec::new, |number| of(view, Some(number)))
        }
    };
    cells_of(view, &compared(places)).collect()
}

/// The cases of a topic, or all.
fn of<'v, 'a>(view: &'v View<'a>, topic: Option<usize>) -> Vec<&'v Place<'a>> {
    match topic {
        None => view.places.iter().collect(),
        Some(topic) => view.of_topic(topic).collect(),
    }
}

fn compared<'v, 'a>(places: Vec<&'v Place<'a>>) -> Vec<&'v Place<'a>> {
    places.into_iter().filter(|place| is_compared(place)).collect()
}

fn cells_of(view: &View<'_>, compared: &[&Place<'_>]) -> impl Iterator<Item = Html> {
    (0..view.labels.len()).map(|who| shown(&cell(view, compared, who)))
}

fn row(view: &View<'_>, topic: Option<usize>) -> Html {
    let places = of(view, topic);
    let fails = places.iter().any(|place| is_told_whole(place.case.verdict));
    let differs = places.iter().any(|place| place.differs());
    let name = match topic {
        None => Html::text("all topics"),
        Some(topic) if differs => Html::to(&View::topic_anchor(topic), view.topics[topic]),
        Some(topic) if fails => Html::to("fails", view.topics[topic]),
        Some(topic) => Html::text(view.topics[topic]),
    };
    let compared = compared(places);
    let name = Html::element("th", &[("scope", "row")], [name]);
    let number = Html::with("td", &compared.len().to_string());
    let cells = cells_of(view, &compared);
    Html::element("tr", &[], [name, number].into_iter().chain(cells))
}

fn is_compared(place: &Place<'_>) -> bool {
    !matches!(
        place.case.verdict,
        Verdict::Skipped | Verdict::Unsupported | Verdict::Broken
    )
}

fn cell(view: &View<'_>, places: &[&Place<'_>], who: usize) -> Cell {
    let mut cell = Cell::default();
    let label = view.labels[who];
    for place in places {
        let sat_out = place.case.unsupported.iter().any(|(name, _)| name == label);
        cell.compared += usize::from(!sat_out);
        let makes = place.who.contains(&who) && !place.case.ignored;
        cell.cases += usize::from(makes);
        cell.fails |= is_told_whole(place.case.verdict) && (makes || place.who.is_empty());
        for (_, finding) in place.because.range((who, 0)..(who + 1, 0)) {
            cell.findings.insert(*finding);
            cell.worst = cell.worst.max(view.findings[*finding].impact);
        }
    }
    cell
}

fn shown(cell: &Cell) -> Html {
    if cell.compared == 0 {
        return Html::element("td", &[], [Html::text("not compared")]);
    }
    let (class, sign, word) = match cell.worst {
        _ if cell.fails => ("fails", "!", "fails"),
        _ if cell.cases == 0 => ("safe", "\u{2713}", "as the others"),
        Some(Impact::Security) => ("security", "\u{203c}", "security"),
        Some(Impact::Breaks) => ("breaks", "\u{2717}", "breaks"),
        Some(Impact::MayBreak) => ("may-break", "?", "may break"),
        Some(Impact::Cosmetic) | None => ("cosmetic", "~", "cosmetic"),
    };
    let hidden = |text: &str| Html::element("span", &[("class", "spoken")], [Html::text(text)]);
    let sign = Html::element("span", &[("aria-hidden", "true")], [Html::text(sign)]);
    let parts = match cell.cases {
        0 => vec![sign, hidden(word)],
        cases => vec![
            sign,
            hidden(&format!("{word}: ")),
            Html::text(&format!(" {}", cell.findings.len())),
            hidden(" findings in"),
            Html::text(&format!(" / {cases}")),
            hidden(" cases"),
        ],
    };
    Html::element("td", &[("class", class)], parts)
}
