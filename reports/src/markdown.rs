//! A summary for CI or a comment, in GitHub's Markdown.

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Difference, Event, Verdict};

use crate::run::{Run, Start};
use crate::safe::{brief, safe, safe_to};
use crate::style::{Style, count};
use crate::{diff, telling, terminal};

/// Lines of one diff.
const DIFF_LINES: usize = 40;
/// Facts of one case.
const FACTS: usize = 20;
/// What one value may take.
const VALUE: usize = 200;

/// The whole report.
#[must_use]
pub fn render(events: &[Event]) -> String {
    let run = Run::of(events);
    let mut out = format!("## ocidiff: {}\n\n", headline(&run));
    run.starts.iter().for_each(|start| participants(&mut out, start));
    counts(&mut out, &run);
    for case in run.told_whole() {
        section(&mut out, case);
    }
    known(&mut out, &run);
    not_compared(&mut out, &run);
    out
}

/// What matters most, in words.
fn headline(run: &Run<'_>) -> String {
    let mut parts: Vec<_> = crate::run::TOLD_WHOLE
        .into_iter()
        .filter(|verdict| run.counts.of(*verdict) > 0)
        .map(|verdict| format!("{} {verdict}", run.counts.of(verdict)))
        .collect();
    if run.interrupted {
        parts.insert(0, "interrupted".to_owned());
    }
    if parts.is_empty() {
        parts.push("nothing new".to_owned());
    }
    parts.join(", ")
}

fn participants(out: &mut String, start: &Start<'_>) {
    out.push_str("| runtime | version | from |\n|---|---|---|\n");
    for participant in start.runtimes {
        let runtime = &participant.runtime;
        let reference = if participant.reference { " (reference)" } else { "" };
        out.push_str(&format!(
            "| {}{reference} | {} | {} |\n",
            text(&runtime.label),
            text(runtime.version.as_str()),
            text(&participant.origin)
        ));
    }
    out.push_str(&format!(
        "\nkernel {}, cgroup {}, {}, {}, ocidiff {}\n\n",
        text(start.machine.kernel.as_str()),
        text(&start.machine.cgroup),
        text(&start.machine.arch),
        text(&start.means()),
        text(start.ocidiff)
    ));
}

fn counts(out: &mut String, run: &Run<'_>) {
    let names = Verdict::ALL.map(|verdict| verdict.name().to_owned());
    let numbers = Verdict::ALL.map(|verdict| match run.counts.of(verdict) {
        number if number > 0 && crate::run::is_told_whole(verdict) => format!("**{number}**"),
        number => number.to_string(),
    });
    out.push_str(&format!("| {} |\n", names.join(" | ")));
    out.push_str(&format!("|{}\n", "--:|".repeat(names.len())));
    out.push_str(&format!("| {} |\n\n", numbers.join(" | ")));
    if run.interrupted {
        out.push_str(&format!(
            "Interrupted: {} of {} have a verdict. ",
            run.cases.len(),
            count(run.planned, "case")
        ));
    }
    out.push_str(&format!(
        "{}, {}, {:.1} s\n",
        count(run.counts.total(), "case"),
        count(run.runtimes(), "runtime"),
        run.seconds
    ));
}

/// A case that fails.
fn section(out: &mut String, case: &CaseReport) {
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
    let (told, known) = telling::telling(case);
    let shown = &told[..told.len().min(FACTS)];
    if !shown.is_empty() {
        facts(out, case, shown);
    }
    if told.len() > shown.len() {
        out.push_str(&format!("+{}\n\n", count(told.len() - shown.len(), "more fact")));
    }
    if known > 0 {
        out.push_str(&format!(
            "{} as written down\n\n",
            count(known, "other difference")
        ));
    }
    shown.iter().for_each(|difference| sequences(out, difference));
    filters(out, case);
    advice(out, case);
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
                _ => code(&telling::value(group)),
            };
            format!("{} {value}", text(&group.runtimes.join(", ")))
        });
        let expected = telling::unmet(difference).map_or(String::new(), |(value, who)| {
            format!("{}, not so under {}", code(&value.line()), text(&who))
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

/// Calls that the filters do not answer alike.
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
    let mut item = |name: &str, text: String| out.push_str(&format!("- {name}: {text}\n"));
    for clause in &case.requirements {
        let target = link(&clause.link(), &clause.section);
        item("spec", format!("{} {}, {target}", clause.level, text(&clause.id)));
    }
    item("case", code(&case.source));
    for finding in telling::named(case) {
        item("finding", text(&finding));
    }
    for cause in telling::causes(case) {
        item("cause", text(cause));
    }
    let links = telling::links(case);
    if !links.is_empty() {
        item(
            "link",
            links.into_iter().map(short).collect::<Vec<_>>().join(", "),
        );
    }
    for remedy in telling::remedies(case) {
        item("remedy", text(remedy));
    }
    let next = terminal::next_steps(case, &Style::default());
    item(
        "next",
        next.iter().map(|step| code(step)).collect::<Vec<_>>().join(", "),
    );
}

fn known(out: &mut String, run: &Run<'_>) {
    let known = run.known();
    if known.is_empty() {
        return;
    }
    out.push_str("\n### Known differences\n\n| case | impact | what | links |\n|---|---|---|---|\n");
    for case in known {
        let impact = telling::impact(case).map_or("", ocidiff_model::Impact::name);
        let links = telling::links(case).into_iter().map(short);
        out.push_str(&format!(
            "| {} | {impact} | {} | {} |\n",
            code(&case.case),
            shortest(case),
            links.collect::<Vec<_>>().join(", ")
        ));
    }
}

/// The fact that matters most.
fn shortest(case: &CaseReport) -> String {
    let all = telling::ordered(case);
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

fn not_compared(out: &mut String, run: &Run<'_>) {
    for verdict in [Verdict::Skipped, Verdict::Unsupported] {
        let reasons = run.reasons(verdict);
        if !reasons.is_empty() {
            let reasons: Vec<_> = reasons.iter().map(|one| text(&telling::reason(one))).collect();
            out.push_str(&format!("\n{verdict}: {}\n", reasons.join(" · ")));
        }
    }
    let left_out = run.left_out();
    if !left_out.is_empty() {
        let left_out: Vec<_> = left_out.iter().map(|one| text(&telling::sat_out(one))).collect();
        out.push_str(&format!("\nleft out: {}\n", left_out.join(" · ")));
    }
}

/// Hostile text as prose. What Markdown or HTML would read as more than text becomes a character reference, which
/// neither does in any place, tables included.
pub(crate) fn text(hostile: &str) -> String {
    let safe = safe(hostile);
    let mut out = String::with_capacity(safe.len());
    let mut before = ' ';
    let mut rest = safe.chars().peekable();
    while let Some(character) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        // `no_new_privs` is no emphasis and stays legible in the source.
        let inside = before.is_alphanumeric() && after.is_alphanumeric();
        if is_markup(character) && !(character == '_' && inside) {
            out.push_str(&format!("&#{};", u32::from(character)));
        } else {
            out.push(character);
        }
        before = character;
    }
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

fn is_markup(character: char) -> bool {
    "&<>|`*_~[]\\$@!".contains(character)
}

/// Hostile text as a value. Inside this element GitHub sets neither links nor mentions.
fn code(hostile: &str) -> String {
    format!("<code>{}</code>", text(&safe_to(hostile, VALUE)))
}

/// A link from the corpus, under a short name.
fn short(target: &str) -> String {
    link(target, &telling::short_link(target))
}

/// A link, where the target is one that can be followed; else its text.
fn link(target: &str, name: &str) -> String {
    if telling::is_web(target) {
        format!("[{}]({target})", text(name))
    } else {
        text(target)
    }
}

/// A fence that is longer than any run of backticks in the text.
fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_neither_markdown_nor_html() {
        for (hostile, shown) in [
            ("a|b", "a&#124;b"),
            ("`x`", "&#96;x&#96;"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("&lt;", "&#38;lt;"),
            ("[a](b)", "&#91;a&#93;(b)"),
            ("no_new_privs _x_", "no_new_privs &#95;x&#95;"),
            ("@someone", "&#64;someone"),
            ("https://evil", "https&#58;//evil"),
            ("line\n# head", r"line&#92;n# head"),
            (
                "$x$ **b** ~~s~~",
                "&#36;x&#36; &#42;&#42;b&#42;&#42; &#126;&#126;s&#126;&#126;",
            ),
        ] {
            assert_eq!(text(hostile), shown);
        }
    }

    #[test]
    fn only_links_that_can_be_followed_become_links() {
        assert_eq!(
            short("https://github.com/containers/crun/issues/1600"),
            "[containers/crun#1600](https://github.com/containers/crun/issues/1600)"
        );
        assert_eq!(short("javascript:alert(1)"), "javascript:alert(1)");
        assert_eq!(short("https://a/) [x](y"), "https&#58;//a/) &#91;x&#93;(y");
    }

    #[test]
    fn a_fence_cannot_be_closed_from_inside() {
        assert_eq!(fence("plain"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
