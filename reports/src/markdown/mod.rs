//! A summary for CI or a comment, in GitHub's Markdown: what is new in full, what is known by finding. It fits a
//! comment of 65,536 characters; [`full`] has everything.

mod case;
mod known;
mod room;
mod text;

use ocidiff_model::{Event, Verdict};

use self::room::Room;
pub(crate) use self::text::text;
use crate::run::{Run, Start};
use crate::style::count;
use crate::{ignored, news, telling};

/// Bytes of a report, so that it fits in a comment together with something else.
const MOST: usize = 59_000;
/// Of these, for the participants and the counts.
const HEAD: usize = 6_000;
/// Of these, for what is known, at least.
const KNOWN: usize = 16_000;
/// Of these, for what was not compared, or is ignored.
const NOT_COMPARED: usize = 5_000;
/// Of these, for the names of failing cases that are not shown in full.
const NAMES: usize = 8_000;

/// The report, within the limit of a comment.
#[must_use]
pub fn render(events: &[Event]) -> String {
    let run = Run::of(events);
    let mut head = Room::of(HEAD);
    top(&run, &mut head);
    let mut rest = Room::of(NOT_COMPARED);
    not_compared(&run, &mut rest);
    let room = MOST.saturating_sub(head.len() + rest.len());
    let table = |most: usize| {
        let mut known = Room::of(most);
        known::by_finding(&run, &mut known);
        known
    };
    // What is known has some room reserved, which failures do not take.
    let mut failing = Room::of(room.saturating_sub(table(KNOWN).len()));
    self::failing(&run, &mut failing);
    let known = table(room.saturating_sub(failing.len()));
    [head, failing, known, rest].map(Room::text).concat()
}

/// The report with everything: each failing case in full, and each known one.
#[must_use]
pub fn full(events: &[Event]) -> String {
    let run = Run::of(events);
    let mut out = Room::endless();
    top(&run, &mut out);
    for case in run.told_whole() {
        out.push(&case::section(case));
    }
    known::by_finding(&run, &mut out);
    known::cases(&run, &mut out);
    not_compared(&run, &mut out);
    out.text()
}

fn top(run: &Run<'_>, room: &mut Room) {
    room.push(&format!("## ocidiff: {}\n\n", run.headline()));
    for start in &run.starts {
        room.push(&participants(start));
    }
    room.push(&counts(run));
}

/// The cases that fail: as many in full as there is room for, then by name, then their number.
fn failing(run: &Run<'_>, room: &mut Room) {
    let cases = run.told_whole();
    let mut keep = Room::of(room.left().saturating_sub(NAMES));
    let mut whole = 0;
    for (index, case) in cases.iter().enumerate() {
        let section = case::section(case);
        // The last one needs no room for names after it.
        let fits = match index + 1 == cases.len() {
            true => keep.len() + section.len() <= room.left(),
            false => keep.fits(&section),
        };
        if !fits {
            break;
        }
        keep.force(&section);
        whole += 1;
    }
    room.force(&keep.text());
    let rest = &cases[whole..];
    if rest.is_empty() {
        return;
    }
    let title = if whole == 0 {
        "Cases that fail"
    } else {
        "Others that fail"
    };
    room.push(&format!("\n### {title}\n\n"));
    let lines = rest.iter().map(|case| {
        let (name, who) = (
            text::code(&case.case),
            text(&crate::safe::brief(&telling::who(case), 80)),
        );
        format!("- {} {name} {who}\n", case.verdict.name().to_uppercase())
    });
    let named = lines.take_while(|line| room.push(line)).count();
    if named < rest.len() {
        room.last(&format!("\n… {} more: --full\n", rest.len() - named));
    }
}

fn participants(start: &Start<'_>) -> String {
    let mut out = String::new();
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
        text(start.machine.cgroup.name()),
        text(&start.machine.arch),
        text(&start.means()),
        text(start.ocidiff)
    ));
    out
}

fn counts(run: &Run<'_>) -> String {
    let mut out = String::new();
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
    out
}

fn not_compared(run: &Run<'_>, room: &mut Room) {
    for verdict in [Verdict::Skipped, Verdict::Unsupported] {
        let reasons = run.reasons(verdict);
        if !reasons.is_empty() {
            let reasons: Vec<_> = reasons.iter().map(|one| text(&telling::reason(one))).collect();
            room.list(&format!("\n{verdict}: "), &reasons);
        }
    }
    let left_out = run.left_out();
    if !left_out.is_empty() {
        let left_out: Vec<_> = left_out.iter().map(|one| text(&telling::sat_out(one))).collect();
        room.list("\nleft out: ", &left_out);
    }
    for line in news::lines(run) {
        room.list("\nfixed? ", &[text(&line)]);
    }
    for line in ignored::lines(run) {
        room.list("\nignored: ", &[text(&line)]);
    }
}
