//! The report that people read first: what fails, in full; what is known, one line each; what was left out;
//! and the counts.
//!
//! A program that reports while it runs prints [`header`], then [`case`] for each case as it comes, and
//! [`closing`] at the end; [`render`] does the same at once, with what fails in order.

mod case;
mod explain;
mod filter;
mod findings;
mod known;
mod profile;

use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::{Event, Verdict};

pub use explain::{ExplainInput, explain};
pub use profile::profile;

use crate::changes;
use crate::ignored;
use crate::news;
use crate::run::{Run, Start, is_told_whole};
use crate::sheet::Sheet;
use crate::style::{Ink, Style, count, width, wrap};
use crate::telling;

/// How many lines of news.
const NEWS: usize = 8;

/// The whole report.
#[must_use]
pub fn render(events: &[Event], style: &Style) -> String {
    whole(&Run::of(events), events, style)
}

/// The whole report, with each known case.
#[must_use]
pub fn full(events: &[Event], style: &Style) -> String {
    let run = Run {
        each_known: true,
        ..Run::of(events)
    };
    whole(&run, events, style)
}

fn whole(run: &Run<'_>, events: &[Event], style: &Style) -> String {
    let heads: String = events.iter().map(|event| header(event, style)).collect();
    let blocks: String = run
        .told_whole()
        .iter()
        .map(|case| self::case(case, style))
        .collect();
    format!("{heads}\n{blocks}{}", closing(run, style))
}

/// The participants and the machine: one line, from a run's first event; nothing from any other event.
#[must_use]
pub fn header(event: &Event, style: &Style) -> String {
    let Some(start) = Start::of(event) else {
        return String::new();
    };
    let runtimes: Vec<_> = start.runtimes.iter().map(|one| participant(one, style)).collect();
    let machine = format!(
        "kernel {}, cgroup {}, {}, {}",
        start.machine.kernel,
        start.machine.cgroup,
        start.machine.arch,
        start.means()
    );
    let machine = style.words(&machine);
    let side_by_side = runtimes.join(style.dot());
    if width(&side_by_side) + width(&machine) + 5 <= style.columns() {
        return format!("{side_by_side}     {}\n", style.paint(Ink::Quiet, &machine));
    }
    let mut sheet = Sheet::new(style);
    sheet.filled("", &runtimes);
    for line in wrap(&machine, style.columns()) {
        sheet.line(&style.paint(Ink::Quiet, &line));
    }
    sheet.text()
}

/// What to report about one case: a block for what fails or is unstable, a line for what is known or was not
/// compared, nothing if all agree.
#[must_use]
pub fn case(case: &CaseReport, style: &Style) -> String {
    match case.verdict {
        Verdict::Agree => String::new(),
        Verdict::Known => known::line(case, known::Columns::of(&[case], style), style),
        Verdict::Skipped | Verdict::Unsupported => {
            let mut sheet = Sheet::new(style);
            let head = format!("{} {}", case.verdict, style.words(&case.case));
            case::first_line(&mut sheet, &head, &telling::who(case), style);
            sheet.text()
        }
        _ => case::block(case, style),
    }
}

/// What comes after the cases that fail: the known ones, what was left out, and the counts.
#[must_use]
pub fn closing(run: &Run<'_>, style: &Style) -> String {
    let versions = (!run.each_known)
        .then(|| changes::of_versions(run, style))
        .flatten();
    if let Some(told) = versions {
        return format!("{told}{}", summary(run, style));
    }
    format!(
        "{}{}{}{}{}",
        known::list(run, style),
        findings::table(run, style),
        news(run, style),
        not_compared(run, style),
        summary(run, style)
    )
}

/// The last line: every verdict with its count.
#[must_use]
pub fn summary(run: &Run<'_>, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    if let Some(done) = run.ended_early() {
        // What an engine said last may be long.
        for line in wrap(&done, style.columns()) {
            sheet.line(&style.paint(Ink::Fail, &line));
        }
    }
    let counts: Vec<_> = Verdict::ALL.map(|verdict| counted(run, verdict, style)).to_vec();
    let head = format!(
        "{}, {}, {:.1} s:  ",
        count(run.counts.total(), "case"),
        count(run.runtimes(), "runtime"),
        run.seconds
    );
    sheet.filled(&head, &counts);
    sheet.text()
}

fn participant(participant: &Participant, style: &Style) -> String {
    let runtime = &participant.runtime;
    // A label that is more than the name already contains the version.
    let name = if runtime.label == runtime.name {
        format!("{} {}", runtime.name, runtime.version)
    } else {
        runtime.label.clone()
    };
    let name = style.words(&name);
    if participant.reference {
        format!("{name} (reference)")
    } else {
        name
    }
}

fn counted(run: &Run<'_>, verdict: Verdict, style: &Style) -> String {
    let number = run.counts.of(verdict);
    if number == 0 {
        return format!("0 {verdict}");
    }
    match verdict {
        Verdict::Agree => style.paint(Ink::Good, &format!("{number} {verdict}")),
        Verdict::Known => format!("{number} {verdict}"),
        Verdict::Fixed => style.paint(Ink::Warn, &format!("{number} {verdict}")),
        Verdict::Skipped => format!("{number} {verdict} ({})", skipped_why(run, style)),
        Verdict::Unsupported => style.paint(Ink::Quiet, &format!("{number} {verdict}")),
        told => {
            debug_assert!(is_told_whole(told));
            let word = told.name().to_uppercase();
            style.paint(case::ink(told), &format!("{number} {word}"))
        }
    }
}

/// The most frequent reason; the others are in the line above.
fn skipped_why(run: &Run<'_>, style: &Style) -> String {
    let reasons = run.reasons(Verdict::Skipped);
    let first = reasons.first().map_or("", |(reason, _)| *reason);
    let others = reasons.len().saturating_sub(1);
    let more = if others == 0 {
        String::new()
    } else {
        format!(", and {}", count(others, "other reason"))
    };
    format!("{}{more}", style.sentence(first, style.columns() / 3))
}

/// What no longer shows in versions that had not been examined: a few lines of it.
fn news(run: &Run<'_>, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let lines = news::lines(run);
    for line in lines.iter().take(NEWS) {
        sheet.entry("fixed?", line);
    }
    if lines.len() > NEWS {
        let more = count(lines.len() - NEWS, "more finding");
        sheet.entry(
            "",
            &format!("and {more}: `ocidiff report FILE --format markdown --full` lists them"),
        );
    }
    sheet.end_with_gap()
}

fn not_compared(run: &Run<'_>, style: &Style) -> String {
    let mut sheet = Sheet::new(style);
    let reasons = |verdict| {
        let reasons = run.reasons(verdict);
        let reasons = reasons.iter().map(telling::reason);
        reasons.collect::<Vec<_>>()
    };
    sheet.list("skipped", &reasons(Verdict::Skipped));
    sheet.list("unsupported", &reasons(Verdict::Unsupported));
    let left_out = run.left_out();
    sheet.list(
        "left out",
        &left_out.iter().map(telling::sat_out).collect::<Vec<_>>(),
    );
    for (index, line) in ignored::lines(run).iter().enumerate() {
        sheet.entry(if index == 0 { "ignored" } else { "" }, line);
    }
    sheet.end_with_gap()
}
