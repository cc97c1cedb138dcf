//! Many nodes' report, or one node's, as a page.

use ocidiff_model::Impact;
use ocidiff_model::check::{FleetDifference, FleetMove, FleetNode, FleetReport, FleetShape, Outlook, Placed};

use super::{digest, outlooks, summary, whole_lists};
use crate::check::answer::known;
use crate::check::row::Row;
use crate::check::{NAMES, because, explains, step, word};
use crate::html::{self, Html};
use crate::ignored;
use crate::style::count;
use crate::telling::short_link;
use crate::when;

/// How many workloads are named for a difference; its shapes name them all.
const MANY: usize = 100;

/// What comes first in the check of one node.
pub(crate) struct Single<'a> {
    pub(crate) node: &'a str,
    pub(crate) summary: Vec<String>,
    pub(crate) answer: Vec<Row>,
}

/// The page; for one node if that is given.
#[must_use]
pub(crate) fn page(report: &FleetReport, single: Option<Single<'_>>) -> String {
    let title = match &single {
        Some(single) => format!("ocidiff check: {}", single.node),
        None => "ocidiff check of many nodes".to_owned(),
    };
    let mut body = vec![Html::with("h1", &title)];
    match &single {
        Some(single) => body.extend([list(&single.summary), answer(&single.answer)]),
        None => body.push(list(&summary(report))),
    }
    for of in &report.moves {
        let several = report.moves.len() > 1;
        let mut parts = Vec::new();
        if several {
            parts.extend([Html::with("h2", &step(&of.from, &of.to)), list(&outlooks(of))]);
        }
        parts.extend(one_move(of, if several { "h3" } else { "h2" }));
        body.push(Html::element("section", &[], parts));
    }
    for (title, lines) in whole_lists(report) {
        let parts = [Html::with("h2", title), list(&lines)];
        body.push(Html::element("section", &[], parts));
    }
    html::page(&title, Html::all(body))
}

/// Which workloads can move, what to change first, what to decide: the same lines as on a terminal.
fn answer(rows: &[Row]) -> Html {
    let rows = rows.iter().map(|(what, whom, texts)| {
        let texts = texts.iter().map(|text| Html::with("p", text));
        vec![Html::text(what), Html::text(whom), Html::all(texts)]
    });
    html::table(
        "What to do",
        &["answer", "workloads", "why, and what to do"],
        rows.collect(),
    )
}

fn list(lines: &[String]) -> Html {
    items(lines.iter().map(|line| Html::with("li", line)))
}

fn items(all: impl Iterator<Item = Html>) -> Html {
    Html::items(&[], all)
}

fn one_move(of: &FleetMove, heading: &'static str) -> Vec<Html> {
    // If there is only one node, there is no need to say where a workload runs.
    let single = of.nodes.len() == 1;
    let mut parts = Vec::new();
    let mut part = |title: &str, table: Html| {
        if table != Html::default() {
            parts.extend([Html::with(heading, title), table]);
        }
    };
    part("Nodes", nodes(of));
    part("Differences", differences(of, single));
    part(
        "Ignored",
        list(&ignored::differences(
            of.differences.iter().map(|one| &one.finding),
        )),
    );
    part("Shapes", shapes(of, single));
    part("Not checked", unchecked(of));
    parts
}

fn nodes(of: &FleetMove) -> Html {
    let rows = of.nodes.iter().map(node).collect();
    let head = [
        "node",
        "as a whole",
        "safe",
        "at risk",
        "not checked",
        "checked",
        "ocidiff",
    ];
    html::table("Which nodes are safe to move as a whole", &head, rows)
}

fn node(node: &FleetNode) -> Vec<Html> {
    let class = match node.outlook {
        Outlook::Safe => "safe",
        Outlook::Unknown => "may-break",
        Outlook::AtRisk => "breaks",
    };
    let time = when::utc(node.time).unwrap_or_default();
    let end = if node.finished { "" } else { " (has no end)" };
    vec![
        Html::text(&node.node),
        Html::badge(class, node.outlook.name()),
        number(node.safe),
        number(node.at_risk),
        number(node.unchecked),
        Html::text(&format!("{time}{end}")),
        Html::text(&node.ocidiff),
    ]
}

fn differences(of: &FleetMove, single: bool) -> Html {
    let counting = of.differences.iter().filter(|one| one.finding.ignored.is_none());
    let rows = counting.map(|one| difference(one, single)).collect();
    let head = [
        "what",
        "impact",
        "now",
        "then",
        "why and what to do",
        "workloads",
        "shapes",
    ];
    html::table("What would be different, the worst first", &head, rows)
}

fn difference(one: &FleetDifference, single: bool) -> Vec<Html> {
    let finding = &one.finding;
    let shapes = one.shapes.iter().map(|shape| Html::with("li", &digest(shape)));
    vec![
        Html::with("code", &finding.what),
        Html::all([
            Html::badge(finding.impact.name(), finding.impact.name()),
            Html::text(&format!(" {}", known(finding))),
        ]),
        Html::with("code", &finding.from),
        Html::with("code", &finding.to),
        advice(one),
        workloads(&one.workloads, single, MANY),
        items(shapes),
    ]
}

fn advice(one: &FleetDifference) -> Html {
    let finding = &one.finding;
    let mut parts = vec![Html::with("p", &finding.reason)];
    if let Some(remedy) = &finding.remedy {
        parts.push(Html::with("p", &format!("Remedy: {remedy}")));
    }
    for link in &finding.link {
        parts.push(Html::element("p", &[], [Html::link(link, &short_link(link))]));
    }
    let because = because(finding);
    if !because.is_empty() {
        parts.push(Html::with("p", &format!("Finding: {because}")));
    }
    if let Some(command) = explains(finding) {
        parts.push(Html::element("p", &[], [Html::with("code", &command)]));
    }
    Html::all(parts)
}

fn shapes(of: &FleetMove, single: bool) -> Html {
    let rows = of.shapes.iter().map(|shape| shape_of(shape, single)).collect();
    let head = ["shape", "worst", "workloads", "differences", "checked with"];
    html::table("Workloads of the same shape, the worst first", &head, rows)
}

fn shape_of(shape: &FleetShape, single: bool) -> Vec<Html> {
    let nodes: std::collections::BTreeSet<&str> =
        shape.workloads.iter().map(|one| one.node.as_str()).collect();
    let findings = shape.findings.iter().map(|found| {
        let mut parts = vec![
            Html::text(&format!("{} ", found.finding.impact.name())),
            Html::with("code", &found.finding.what),
        ];
        if found.finding.ignored.is_some() {
            parts.push(Html::text(" (ignored)"));
        }
        if found.nodes.len() < nodes.len() {
            parts.push(Html::text(&format!(" on {} only", super::some(&found.nodes))));
        }
        Html::element("li", &[], parts)
    });
    let changes = shape.changes.iter().map(|change| Html::with("li", change));
    let class = match shape.worst() {
        None | Some(Impact::Cosmetic) => "safe",
        Some(impact) => impact.name(),
    };
    vec![
        Html::with("code", &digest(&shape.digest)),
        Html::badge(class, word(shape.worst())),
        workloads(&shape.workloads, single, usize::MAX),
        items(findings),
        items(changes),
    ]
}

fn unchecked(of: &FleetMove) -> Html {
    let rows = of.unchecked.iter().map(|one| {
        [&one.workload, &one.node, &one.why]
            .map(|cell| Html::text(cell))
            .to_vec()
    });
    html::table(
        "Workloads that could not be checked",
        &["workload", "node", "why"],
        rows.collect(),
    )
}

/// A list of workloads; a long one is folded.
fn workloads(all: &[Placed], single: bool, most: usize) -> Html {
    let name = |one: &Placed| match single {
        true => one.workload.clone(),
        false => format!("{} on {}", one.workload, one.node),
    };
    let more = all.len().saturating_sub(most);
    let more = (more > 0).then(|| format!("and {more} more: see the shapes"));
    let names = all.iter().take(most).map(name).chain(more);
    let list = items(names.map(|name| Html::with("li", &name)));
    if all.len() <= NAMES {
        return list;
    }
    let summary = Html::with("summary", &count(all.len(), "workload"));
    Html::element("details", &[], [summary, list])
}

fn number(number: usize) -> Html {
    Html::text(&number.to_string())
}
