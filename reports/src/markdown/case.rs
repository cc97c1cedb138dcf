//! A case that fails, in Markdown.

use ocidiff_model::Difference;
use ocidiff_model::event::CaseReport;

use super::text::{VALUE, code, fence, link, short, text};
use crate::accounts::{self, Accounted};
use crate::safe::brief;
use crate::style::{Style, count};
use crate::{diff, next, telling};

/// Lines of one diff.
const DIFF_LINES: usize = 40;
/// Facts of one case.
const FACTS: usize = 20;

/// A case that fails.
pub(super) fn section(case: &CaseReport) -> String {
    let mut out = String::new();
    let out = &mut out;
    let verdict = case.verdict.name().to_uppercase();
    out.push_str(&format!(
        "\n### {verdict} {}\n\n{}\n\n",
        code(&case.case),
        text(&case.summary)
    ));
    let who = telling::who(case);
    if !who.is_empty() {
        out.push_str(&format!("{}\n\n", text(&who)));
    }
    let (told, _) = telling::telling(case);
    let shown = &told[..told.len().min(FACTS)];
    if !shown.is_empty() {
        facts(out, case, shown);
    }
    if told.len() > shown.len() {
        out.push_str(&format!("+{}\n\n", count(told.len() - shown.len(), "more fact")));
    }
    shown.iter().for_each(|difference| sequences(out, difference));
    filters(out, case);
    advice(out, case);
    std::mem::take(out)
}

fn facts(out: &mut String, case: &CaseReport, shown: &[&Difference]) {
    out.push_str("| fact | values | expected | |\n|---|---|---|---|\n");
    for difference in shown
        .iter()
        .filter(|difference| !telling::in_rows(case, difference))
    {
        let values = difference.groups.iter().map(|group| {
            let value = match &group.value {
                Some(value) if diff::wants_diff(difference) => count(value.lines().len(), "line"),
                _ => code(&telling::line(difference, group.value.as_ref())),
            };
            format!("{} {value}", text(&group.runtimes.join(", ")))
        });
        let expected = telling::unmet(difference).map_or(String::new(), |(value, who)| {
            format!("{}, not so under {}", code(&value), text(&who))
        });
        out.push_str(&format!(
            "| {} | {} | {expected} | {} |\n",
            code(&difference.fact),
            values.collect::<Vec<_>>().join(" · "),
            text(&telling::remark(case, difference))
        ));
    }
    out.push('\n');
    for difference in shown {
        for seen in &difference.seen {
            let ways = telling::way(&seen.groups, " · ");
            out.push_str(&format!(
                "- {} {}: {}\n",
                code(&difference.fact),
                count(seen.times as usize, "time"),
                code(&brief(&ways, VALUE))
            ));
        }
        for (who, written, seen) in telling::off(difference) {
            out.push_str(&format!(
                "- {} of {}: written {}, seen {}\n",
                code(&difference.fact),
                text(who),
                code(&brief(&written, VALUE)),
                code(&brief(&seen, VALUE))
            ));
        }
    }
}

fn sequences(out: &mut String, difference: &Difference) {
    if !diff::wants_diff(difference) {
        return;
    }
    let lines = diff::unified(difference, DIFF_LINES);
    let body: String = lines.iter().map(|line| format!("{}\n", line.text)).collect();
    let fence = fence(&body);
    out.push_str(&format!(
        "{}\n\n{fence}diff\n{body}{fence}\n\n",
        code(&difference.fact)
    ));
}

/// Calls to which the filters give different answers.
fn filters(out: &mut String, case: &CaseReport) {
    if case.filters.is_empty() {
        return;
    }
    out.push_str("| calls | answers | by the profile | hits |\n|---|---|---|---|\n");
    for row in case.filters.iter().take(FACTS) {
        let answers = row.answers.iter().map(|answer| {
            let reason = answer
                .reason
                .as_ref()
                .map_or(String::new(), |why| format!(" ({})", text(why)));
            format!(
                "{} {}{reason}",
                text(&answer.runtimes.join(", ")),
                code(&answer.action)
            )
        });
        let hits = row
            .hits
            .iter()
            .map(|hit| format!("{} by {}", code(&hit.syscall), text(&hit.who)));
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            code(&brief(&row.calls, VALUE)),
            answers.collect::<Vec<_>>().join(" · "),
            text(&row.profile),
            hits.collect::<Vec<_>>().join(" · ")
        ));
    }
    if case.filters.len() > FACTS {
        out.push_str(&format!("\n+{}\n", count(case.filters.len() - FACTS, "more row")));
    }
    out.push('\n');
}

fn advice(out: &mut String, case: &CaseReport) {
    let item = |out: &mut String, name: &str, text: String| out.push_str(&format!("- {name}: {text}\n"));
    for clause in &case.requirements {
        let target = link(&clause.link(), &clause.section);
        item(
            out,
            "spec",
            format!("{} {}, {target}", clause.level, text(&clause.id)),
        );
    }
    item(out, "case", code(&case.source));
    for finding in accounts::by_finding(case) {
        by_finding(out, case, &finding);
    }
    let other = accounts::unaccounted(case).len();
    if other > 0 {
        let others = count(other, "other difference");
        out.push_str(&format!("- {others} as written down, without a finding\n"));
    }
    let next = next::steps(case, &Style::default());
    item(
        out,
        "next",
        next.iter().map(|step| code(step)).collect::<Vec<_>>().join(", "),
    );
}

/// A finding, what there is to know about it, and the facts that it accounts for, as a list below an item.
fn by_finding(out: &mut String, case: &CaseReport, finding: &Accounted<'_>) {
    let Accounted {
        id,
        card,
        first,
        also,
    } = finding;
    out.push_str(&format!(
        "- finding: {}\n",
        text(&accounts::named(case, id, card))
    ));
    let mut item = |name: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&format!("  - {name}: {text}\n"));
        }
    };
    item("cause", text(&card.cause));
    let links: Vec<String> = card.link.iter().map(|link| short(link)).collect();
    item("link", links.join(", "));
    item("remedy", text(card.remedy.as_deref().unwrap_or_default()));
    for (name, all) in [("facts", first), ("also", also)] {
        let names: Vec<String> = all.iter().take(FACTS).map(|one| code(&one.fact)).collect();
        let more = match all.len() - names.len() {
            0 => String::new(),
            more => format!(", {more} more"),
        };
        item(name, format!("{}{more}", names.join(", ")));
    }
}
