//! The findings of a run: a table, the worst first, and each with everything that there is to know about it.

use ocidiff_model::Impact;
use ocidiff_model::finding::Card;

use super::view::{Found, View};
use crate::html::{Html, scrolled};
use crate::style::count;
use crate::telling;

/// The table of the first screen.
pub(super) fn table(view: &View<'_>) -> Html {
    let mut parts = vec![Html::with("h2", "Findings, the worst first")];
    if view.findings.is_empty() {
        parts.push(Html::with("p", "No finding showed."));
        return Html::element("section", &[("id", "findings")], parts);
    }
    let head = ["finding", "impact", "what", "runtimes", "cases"];
    let column = |name: &str| Html::element("th", &[("scope", "col")], [Html::text(name)]);
    let table = Html::element(
        "table",
        &[],
        [
            Html::with("caption", &counted(view)),
            Html::element("thead", &[], [Html::element("tr", &[], head.map(column))]),
            Html::element("tbody", &[], view.findings.iter().map(|found| row(view, found))),
        ],
    );
    parts.push(scrolled("wide tall", "region", "Findings", table));
    Html::element("section", &[("id", "findings")], parts)
}

/// `12 findings: 3 security, 9 cosmetic`.
fn counted(view: &View<'_>) -> String {
    let impacts = [
        Some(Impact::Security),
        Some(Impact::Breaks),
        Some(Impact::MayBreak),
        Some(Impact::Cosmetic),
    ];
    let of = |impact: Option<Impact>| {
        let number = view
            .findings
            .iter()
            .filter(|found| found.impact == impact)
            .count();
        (number > 0).then(|| format!("{number} {}", impact.map_or("", Impact::name)))
    };
    let parts: Vec<String> = impacts.into_iter().filter_map(of).collect();
    format!("{}: {}", count(view.findings.len(), "finding"), parts.join(", "))
}

fn row(view: &View<'_>, found: &Found<'_>) -> Html {
    let name = Html::element(
        "th",
        &[("scope", "row")],
        [Html::to(&found.anchor, found.id.as_str())],
    );
    let cells = [
        impact(found.impact),
        Html::text(&found.card.title),
        Html::text(&view.names(&found.who)),
        Html::text(&found.cases.len().to_string()),
    ];
    let cells = cells.map(|cell| Html::element("td", &[], [cell]));
    Html::element("tr", &[], std::iter::once(name).chain(cells))
}

/// How much it matters, as a badge.
pub(super) fn impact(impact: Option<Impact>) -> Html {
    impact.map_or_else(Html::default, |impact| Html::badge(impact.name(), impact.name()))
}

/// Each finding.
pub(super) fn sections(view: &View<'_>) -> Html {
    if view.findings.is_empty() {
        return Html::default();
    }
    let all = view.findings.iter().map(|found| section(view, found));
    let head = [
        Html::with("h2", "Finding by finding"),
        Html::element(
            "p",
            &[],
            [
                Html::with("code", "ocidiff explain FINDING"),
                Html::text(" prints one, also of versions that are not in this run."),
            ],
        ),
    ];
    let parts = head.into_iter().chain(all);
    Html::element("section", &[("id", "each-finding"), ("data-g", "")], parts)
}

fn section(view: &View<'_>, found: &Found<'_>) -> Html {
    let marks = found.marks(&view.places);
    let heading = [
        Html::to(&found.anchor, found.id.as_str()),
        Html::text(" "),
        impact(found.impact),
    ];
    let parts = [
        Html::element("h3", &[], heading),
        Html::with("p", &found.card.title),
        Html::element("dl", &[], facts(view, found)),
    ];
    Html::element("section", &marks.with(&[("id", &found.anchor)]), parts)
}

fn facts(view: &View<'_>, found: &Found<'_>) -> Vec<Html> {
    let card = found.card;
    let links = card.link.iter().map(|link| {
        let link = Html::link(link, &telling::short_link(link));
        Html::element("li", &[], [link])
    });
    let cases = |all: &std::collections::BTreeSet<usize>| {
        let name = |at: &usize| {
            let place = &view.places[*at];
            Html::element("li", &[], [Html::to(&place.anchor, &place.case.case)])
        };
        Html::items(&[("class", "line")], all.iter().map(name))
    };
    let shown_in = count(found.cases.len(), "case");
    let all = [
        entry("Versions", Html::text(&card.versions)),
        entry("Shown by", Html::text(&view.names(&found.who))),
        entry("Kind", Html::text(&kind(card))),
        entry("Clause", clause(view, card.violates.as_deref())),
        entry("Cause", Html::text(&card.cause)),
        entry("Remedy", Html::text(card.remedy.as_deref().unwrap_or_default())),
        entry("Links", Html::items(&[], links)),
        entry(&format!("Shows in {shown_in}"), cases(&found.cases)),
        entry("Written down, did not show", cases(&found.missed)),
    ];
    all.to_vec()
}

/// What kind of behaviour it is, how much it matters to whom, and whether it has been reported upstream.
fn kind(card: &Card) -> String {
    let (entering, leaving) = (card.impact.entering, card.impact.leaving);
    let matters = match entering == leaving {
        true => format!("{entering} for those who move to or from it"),
        false => format!("{entering} for those who move to it, {leaving} for those who leave it"),
    };
    let upstream = match card.reported {
        Some(true) => "; reported upstream",
        Some(false) => "; not reported upstream",
        None => "",
    };
    format!("{}; {matters}{upstream}", card.kind.name())
}

/// A name and its content; nothing if there is none.
pub(super) fn entry(name: &str, inside: Html) -> Html {
    if inside.is_empty() {
        return inside;
    }
    Html::all([Html::with("dt", name), Html::element("dd", &[], [inside])])
}

/// The clause that is violated, with a link to the spec if the run knows it.
fn clause(view: &View<'_>, id: Option<&str>) -> Html {
    match (id, id.and_then(|id| view.clause(id))) {
        (_, Some(clause)) => Html::all([
            Html::text(&format!("{} {}: {} (", clause.level, clause.id, clause.says)),
            Html::link(&clause.link(), &clause.section),
            Html::text(")"),
        ]),
        (Some(id), None) => Html::text(id),
        (None, None) => Html::default(),
    }
}
