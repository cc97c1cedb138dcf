//! What is known, in Markdown: a table by finding, and each case.

use ocidiff_model::Impact;
use ocidiff_model::event::CaseReport;

use super::Room;
use super::text::{code, text};
use crate::run::Run;
use crate::safe::brief;
use crate::style::count;
use crate::table::{Row, Table};
use crate::{accounts, in_order, telling};

/// The findings behind the known cases, as many as there is room for.
pub(super) fn by_finding(run: &Run<'_>, room: &mut Room) {
    let Table { rows, unexplained } = Table::of(run);
    let known = run.known().len();
    if known == 0 {
        return;
    }
    let mut title = format!(
        "\n### Known: {} behind {}\n\n",
        count(rows.len(), "finding"),
        count(known, "case")
    );
    if !rows.is_empty() {
        title.push_str("| finding | runtimes | impact | what | cases |\n|---|---|---|---|--:|\n");
    }
    if !room.push(&title) {
        return;
    }
    let shown = rows.iter().take_while(|row| room.push(&line(row))).count();
    if shown < rows.len() {
        let rest = Table::by_impact(&rows[shown..]);
        room.last(&format!("\n… {} more ({rest}): --full\n", rows.len() - shown));
    }
    if unexplained > 0 {
        room.last(&format!(
            "\n{} without a finding\n",
            count(unexplained, "known case")
        ));
    }
}

fn line(row: &Row<'_>) -> String {
    let who: Vec<&str> = row.who.iter().copied().collect();
    format!(
        "| {} | {} | {} | {} | {} |\n",
        code(row.id.as_str()),
        text(&who.join(", ")),
        row.impact.map_or("", Impact::name),
        text(row.title),
        row.cases.len()
    )
}

/// Each known case.
pub(super) fn cases(run: &Run<'_>, room: &mut Room) {
    let known = run.known();
    if known.is_empty() {
        return;
    }
    room.push("\n### Known differences\n\n| case | impact | what | because |\n|---|---|---|---|\n");
    for case in known {
        let impact = in_order::impact(case).map_or("", Impact::name);
        let first = in_order::ordered(case).into_iter().next();
        let because = first.map_or(String::new(), |first| accounts::because(&first.accounts));
        let because = if because.is_empty() {
            because
        } else {
            code(&because)
        };
        room.push(&format!(
            "| {} | {impact} | {} | {because} |\n",
            code(&case.case),
            shortest(case)
        ));
    }
}

/// The fact that matters most.
fn shortest(case: &CaseReport) -> String {
    let all = in_order::ordered(case);
    let Some(first) = all.first() else {
        return String::new();
    };
    let groups = first.groups.iter().map(|group| {
        let value = code(&brief(&telling::value(group), 40));
        format!("{} {value}", text(&group.runtimes.join(", ")))
    });
    let groups = groups.collect::<Vec<_>>().join(" · ");
    let more = match all.len() - 1 {
        0 => String::new(),
        more => format!(", +{}", count(more, "more fact")),
    };
    format!("{}: {groups}{more}", code(&first.fact))
}
