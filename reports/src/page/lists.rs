//! The cases that do not fail: those that differ as is known, those that were not compared, those in which all agree.

use ocidiff_model::Verdict;

use super::case;
use super::view::{Place, View};
use crate::html::Html;
use crate::style::count;
use crate::{ignored as ignoring, telling};

/// The existing lists, by anchor and name.
pub(super) fn contents(view: &View<'_>) -> Vec<(&'static str, &'static str)> {
    let has = |of: fn(&Place<'_>) -> bool| view.places.iter().any(of);
    let lists = [
        (
            "differ",
            "Cases that differ as is known",
            has(|place| place.differs()),
        ),
        ("not-compared", "Cases not compared", has(is_not_compared)),
        ("ignored", "Ignored", has(|place| place.case.ignored)),
        ("agree", "Cases in which all agree", has(is_agreed)),
    ];
    let there = lists.into_iter().filter(|(_, _, there)| *there);
    there.map(|(id, name, _)| (id, name)).collect()
}

fn is_not_compared(place: &Place<'_>) -> bool {
    matches!(place.case.verdict, Verdict::Skipped | Verdict::Unsupported)
}

fn is_agreed(place: &Place<'_>) -> bool {
    place.case.verdict == Verdict::Agree && !place.case.ignored
}

/// Each case that differs, by topic.
pub(super) fn differing(view: &View<'_>) -> Html {
    let topic = |(at, name): (usize, &&str)| {
        let cases = view.of_topic(at).filter(|place| place.differs());
        let cases: Vec<Html> = cases
            .map(|place| case::section(view, place, view.known))
            .collect();
        let attributes = [("id", &*View::topic_anchor(at)), ("data-g", "")];
        let head = Html::with("h3", &format!("{name}: {}", count(cases.len(), "case")));
        (!cases.is_empty()).then(|| Html::element("section", &attributes, std::iter::once(head).chain(cases)))
    };
    let topics = view.topics.iter().enumerate().filter_map(topic);
    let topics: Vec<Html> = topics.collect();
    if topics.is_empty() {
        return Html::default();
    }
    let hint = [
        Html::with("code", "ocidiff explain --run CASE"),
        Html::text(" runs one again and shows everything of it. "),
        Html::text("What is not as the reference shows is marked \u{2260}."),
    ];
    let hint = Html::element("p", &[], hint);
    part(
        "differ",
        "Cases that differ as is known",
        std::iter::once(hint).chain(topics).collect(),
    )
}

/// Names by reason, and which runtimes sat cases out.
pub(super) fn not_compared(view: &View<'_>) -> Html {
    let mut groups: std::collections::BTreeMap<(Verdict, &str), Vec<&Place<'_>>> = Default::default();
    for place in view.places.iter().filter(|place| is_not_compared(place)) {
        let why = place.case.why.as_deref().unwrap_or("no reason given");
        groups.entry((place.case.verdict, why)).or_default().push(place);
    }
    let group = |((verdict, why), places): ((Verdict, &str), Vec<&Place<'_>>)| {
        let head = Html::with(
            "h3",
            &format!("{verdict}: {why} ({})", count(places.len(), "case")),
        );
        Html::element("section", &[("data-g", "")], [head, names(&places, true)])
    };
    let mut parts: Vec<Html> = groups.into_iter().map(group).collect();
    let out = view.run.left_out();
    let out = out.iter().map(|one| Html::with("li", &telling::sat_out(one)));
    parts.push(Html::items(&[], out));
    part("not-compared", "Cases not compared", parts)
}

/// Known cases that should not be reported according to a file.
pub(super) fn ignored(view: &View<'_>) -> Html {
    let lines = ignoring::lines(view.run);
    let lines = Html::items(&[], lines.iter().map(|line| Html::with("li", line)));
    let places: Vec<&Place<'_>> = view.places.iter().filter(|place| place.case.ignored).collect();
    part("ignored", "Ignored", vec![lines, names(&places, true)])
}

/// Names by topic.
pub(super) fn agreeing(view: &View<'_>) -> Html {
    let topic = |(at, name): (usize, &&str)| {
        let places: Vec<&Place<'_>> = view.of_topic(at).filter(|place| is_agreed(place)).collect();
        let head = Html::with("h3", &format!("{name}: {}", count(places.len(), "case")));
        (!places.is_empty())
            .then(|| Html::element("section", &[("data-g", "")], [head, names(&places, false)]))
    };
    let topics = view.topics.iter().enumerate().filter_map(topic);
    part("agree", "Cases in which all agree", topics.collect())
}

/// A part of the page; nothing if it is empty.
fn part(id: &str, name: &str, parts: Vec<Html>) -> Html {
    if parts.iter().all(Html::is_empty) {
        return Html::default();
    }
    let head = Html::with("h2", name);
    Html::element(
        "section",
        &[("id", id), ("data-g", "")],
        std::iter::once(head).chain(parts),
    )
}

/// Cases by name, without their topic if that is given above them.
fn names(places: &[&Place<'_>], whole: bool) -> Html {
    let name = |place: &&Place<'_>| {
        let whole_name = place.case.case.as_str();
        let short = whole_name.split_once('/').map_or(whole_name, |(_, name)| name);
        let name = if whole { whole_name } else { short };
        // A runtime that does not support it says so in its own words.
        let refusals = place.case.unsupported.iter().filter(|_| whole);
        let refusals = refusals.map(|(label, why)| Html::text(&format!("; {label}: {why}")));
        let marks = place.marks();
        let inside = std::iter::once(Html::text(name)).chain(refusals);
        Html::element("li", &marks.with(&[("id", &place.anchor)]), inside)
    };
    Html::items(&[("class", "line")], places.iter().map(name))
}
