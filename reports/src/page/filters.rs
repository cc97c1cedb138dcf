//! The search and the filters of the page. They are there for readers who let the page run its script; otherwise
//! everything shows.

use ocidiff_model::{Impact, Verdict};

use super::view::View;
use crate::html::{Html, Script};

/// It is the program's own, and the only script that the page may run.
pub(super) const SCRIPT: Script = Script {
    text: include_str!("../../templates/filter.js"),
    digest: include_str!("../../templates/filter.js.sha256").trim_ascii(),
};

pub(super) fn form(view: &View<'_>) -> Html {
    let search = [
        Html::element("label", &[("for", "q")], [Html::text("Search")]),
        Html::element("input", &[("id", "q"), ("type", "search")], []),
    ];
    let verdicts = Verdict::ALL
        .into_iter()
        .filter(|verdict| view.run.counts.of(*verdict) > 0)
        .map(|verdict| (verdict.name().to_owned(), verdict.name()));
    let impacts = [
        Impact::Security,
        Impact::Breaks,
        Impact::MayBreak,
        Impact::Cosmetic,
    ]
    .map(|impact| (impact.name().to_owned(), impact.name()));
    let topics = view
        .topics
        .iter()
        .enumerate()
        .map(|(at, topic)| (at.to_string(), *topic));
    let labels = view
        .labels
        .iter()
        .enumerate()
        .map(|(at, label)| (at.to_string(), *label));
    let parts = [
        field(search),
        field(choice("v", "Verdict", verdicts)),
        field(choice("w", "Differs under", labels)),
        field(choice("t", "Topic", topics)),
        field(choice("i", "Impact", impacts)),
        Html::element("button", &[("type", "reset")], [Html::text("Clear")]),
        Html::element("p", &[("id", "shown"), ("role", "status")], []),
    ];
    let attributes = [
        ("id", "filters"),
        ("role", "search"),
        // What a browser remembers of a form would hide cases when the page is opened again.
        ("autocomplete", "off"),
        ("aria-label", "Findings and cases"),
        ("hidden", ""),
    ];
    Html::element("form", &attributes, parts)
}

fn field(parts: impl IntoIterator<Item = Html>) -> Html {
    Html::element("div", &[], parts)
}

fn choice<'n>(id: &str, name: &str, all: impl IntoIterator<Item = (String, &'n str)>) -> [Html; 2] {
    let option = |value: &str, name: &str| Html::element("option", &[("value", value)], [Html::text(name)]);
    let any = option("", "any");
    let options = all.into_iter().map(|(value, name)| option(&value, name));
    [
        Html::element("label", &[("for", id)], [Html::text(name)]),
        Html::element("select", &[("id", id)], std::iter::once(any).chain(options)),
    ]
}
