//! A run as a page of its own: one file that loads nothing, with what fails first, then the findings, which runtime
//! makes which difference, and each case. Everything shows without a script; the one that it has searches and filters.

mod case;
mod depth;
mod filters;
mod finding;
mod lists;
mod matrix;
mod sorted;
mod values;
mod view;

pub(crate) use self::matrix::legend;
pub(crate) use self::sorted::Sorted;

use ocidiff_model::event::Participant;
use ocidiff_model::{Event, Verdict};

use self::depth::Depth;
use self::view::View;
use crate::html::{Document, Html};
use crate::run::{Run, Start, is_told_whole};
use crate::style::count;
use crate::{news, when};

/// The page. For known cases it has what distinguishes them: the page of a whole corpus stays small.
#[must_use]
pub fn render(events: &[Event]) -> String {
    draw(events, Depth::KNOWN)
}

/// The page with known cases in as much detail as those that fail.
#[must_use]
pub fn full(events: &[Event]) -> String {
    draw(events, Depth::KNOWN_WHOLE)
}

fn draw(events: &[Event], known: Depth) -> String {
    let run = Run::of(events);
    let view = View::of(&run, known);
    let title = format!("ocidiff: {}", run.headline());
    let main = [
        counts(&run),
        filters::form(&view),
        failing(&view),
        finding::table(&view),
        matrix::section(&view),
        finding::sections(&view),
        lists::differing(&view),
        lists::not_compared(&view),
        lists::ignored(&view),
        lists::agreeing(&view),
    ];
    let body = [
        Html::element(
            "a",
            &[("class", "skip"), ("href", "#main")],
            [Html::text("Skip to the results")],
        ),
        header(&run, &title),
        contents(&view),
        Html::element("main", &[("id", "main"), ("tabindex", "-1")], main),
    ];
    Document {
        title: &title,
        body: Html::all(body),
        look: include_str!("../../templates/run.css"),
        script: Some(filters::SCRIPT),
    }
    .text()
}

fn header(run: &Run<'_>, title: &str) -> Html {
    let mut parts = vec![Html::with("h1", title)];
    parts.extend(run.starts.iter().map(start));
    if let Some(why) = run.ended_early() {
        parts.push(Html::with("p", &why));
    }
    Html::element("header", &[], parts)
}

/// The participants, the machine and the time.
fn start(start: &Start<'_>) -> Html {
    let who = start
        .runtimes
        .iter()
        .map(participant)
        .collect::<Vec<_>>()
        .join(" \u{b7} ");
    let time = when::utc(start.time).map_or(String::new(), |time| format!("{time}, "));
    let machine = start.machine;
    let place = format!(
        "{time}kernel {}, cgroup {}, {}, {}, ocidiff {}",
        machine.kernel.as_str(),
        machine.cgroup,
        machine.arch,
        start.means(),
        start.ocidiff
    );
    Html::all([Html::with("p", &who), Html::quiet(&place)])
}

fn participant(one: &Participant) -> String {
    let (runtime, reference) = (&one.runtime, if one.reference { "reference, " } else { "" });
    let name = match runtime.label.contains(runtime.version.as_str()) {
        true => runtime.label.clone(),
        false => format!("{} {}", runtime.label, runtime.version.as_str()),
    };
    format!("{name} ({reference}{})", one.origin)
}

/// Links to the existing parts.
fn contents(view: &View<'_>) -> Html {
    let mut links = vec![
        ("fails", "What fails"),
        ("findings", "Findings"),
        ("matrix", "Topics by runtimes"),
    ];
    if !view.findings.is_empty() {
        links.push(("each-finding", "Finding by finding"));
    }
    links.extend(lists::contents(view));
    let links = links
        .iter()
        .map(|(id, name)| Html::element("li", &[], [Html::to(id, name)]));
    let list = Html::items(&[("class", "line")], links);
    Html::element("nav", &[("aria-label", "Parts of the page")], [list])
}

/// How many cases have which verdict.
fn counts(run: &Run<'_>) -> Html {
    let one = |verdict: Verdict| {
        let number = run.counts.of(verdict);
        let badge = match number {
            0 => Html::badge("none", verdict.name()),
            _ => case::verdict(verdict),
        };
        let number = Html::with("b", &number.to_string());
        Html::element("li", &[], [number, Html::text(" "), badge])
    };
    // Those that fail come first, and are shown even if there are none.
    let fails = Verdict::ALL.into_iter().filter(|verdict| is_told_whole(*verdict));
    let others = Verdict::ALL
        .into_iter()
        .filter(|verdict| !is_told_whole(*verdict));
    let summary = format!(
        "{}, {}, {:.1} s",
        count(run.counts.total(), "case"),
        count(run.runtimes(), "runtime"),
        run.seconds
    );
    let parts = [
        Html::with("h2", "Verdicts"),
        Html::items(&[("class", "line counts")], fails.chain(others).map(one)),
        Html::quiet(&summary),
    ];
    Html::element("section", &[("id", "verdicts")], parts)
}

/// Each case that fails, in full; and what no longer shows.
fn failing(view: &View<'_>) -> Html {
    let mut places: Vec<_> = view
        .places
        .iter()
        .filter(|place| is_told_whole(place.case.verdict))
        .collect();
    let rank = |verdict| crate::run::TOLD_WHOLE.iter().position(|other| *other == verdict);
    places.sort_by_key(|place| (rank(place.case.verdict), place.case.case.as_str()));
    let mut parts = vec![Html::with("h2", "What fails")];
    if places.is_empty() {
        parts.push(Html::with(
            "p",
            "Nothing: no case is new, gone or not as expected.",
        ));
    }
    let cases = places
        .iter()
        .map(|place| case::section(view, place, Depth::WHOLE));
    parts.extend(cases);
    let news = news::lines(view.run);
    let news = news
        .iter()
        .map(|line| Html::with("li", &format!("fixed? {line}")));
    parts.push(Html::items(&[], news));
    Html::element("section", &[("id", "fails")], parts)
}
