//! A list of findings as a page.

use super::List;
use crate::html::{Html, page, table};
use crate::telling;

pub(super) fn render(list: &List) -> String {
    let title = if list.asked.is_empty() {
        "Findings".to_owned()
    } else {
        format!("Findings: {}", list.asked)
    };
    let rows = list.findings.iter().map(|row| {
        let links = row.card.link.iter().map(|link| {
            let link = Html::link(link, &telling::short_link(link));
            Html::element("li", &[], [link])
        });
        let remedy = row.card.remedy.as_deref().unwrap_or_default();
        let whole = Html::element(
            "details",
            &[],
            [
                Html::with("summary", &row.card.title),
                Html::with("p", &row.card.cause),
                Html::with("p", remedy),
                Html::element("ul", &[], links),
            ],
        );
        vec![
            Html::with("code", row.id.as_str()),
            Html::text(&row.card.versions),
            Html::text(row.matters.name()),
            Html::text(row.card.kind.name()),
            whole,
        ]
    });
    let head = ["finding", "versions", "impact", "kind", "what"];
    let rows = rows.collect();
    let body = [
        Html::with("h1", &title),
        Html::with("p", &list.counts()),
        table("Findings, the worst first", &head, rows),
    ];
    page(&title, Html::all(body))
}
