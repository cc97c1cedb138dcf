//! Findings that are ignored: they do not count, and the report says that they were left out, by which entry, and until
//! when.

use ocidiff_model::check::{CheckReport, FleetReport, Outlook};
use ocidiff_model::ignore::{Ignore, IgnoreList};
use ocidiff_model::{Event, ExitStatus, FindingId, Impact, Verdict};
use ocidiff_reports::{Format, Run, Style, draw, render};

use crate::nodes::{node, shape, whole};
use crate::story;

fn entry(id: &str, until: &str) -> Ignore {
    Ignore {
        finding: id.parse().expect("an id"),
        reason: "the profile is |cured|".into(),
        until: until.parse().expect("a date"),
    }
}

fn list(entries: Vec<Ignore>) -> IgnoreList {
    IgnoreList {
        file: "ignore.yaml".into(),
        today: "2026-11-29".parse().expect("a date"),
        entries,
    }
}

/// Two known cases by different findings, one of which is ignored; a third by both.
fn events() -> Vec<Event> {
    let (mut ignored, mut other) = (story::security(), story::breaks("a/b", 1));
    let mut both = story::breaks("c/d", 1);
    let id: FindingId = "youki/other".parse().expect("an id");
    for case in [&mut other, &mut both] {
        let card = case.findings.values().next().expect("a card").clone();
        case.findings.insert(id.clone(), card);
        let because = &mut case.differences[0].accounts[0].because;
        because.push(id.clone());
        because.reverse();
    }
    other.differences[0].accounts[0].because.truncate(1);
    ignored.ignored = true;
    let mut events = story::run(vec![ignored, other, both]);
    if let Some(Event::RunStarted { ignore, .. }) = events.first_mut() {
        *ignore = Some(Box::new(list(vec![
            entry("crun/it", "2026-12-31"),
            entry("runc/past", "2026-10-01"),
            entry("runc/idle", "2027-01-01"),
        ])));
    }
    events
}

#[test]
fn a_run_counts_what_is_ignored_and_does_not_tell_it() {
    let events = events();
    assert_eq!(Run::of(&events).known().len(), 2);
    for format in [Format::Terminal, Format::Markdown] {
        let text = render(format, &events, &Style::default()).expect("render");
        assert!(!text.contains("masked-paths"), "{text}");
        for words in [
            "1 known case by ignore.yaml: crun/it (1)",
            "no longer ignored, the day is past: runc/past (2026-10-01)",
            "met nothing here: runc/idle",
            "1 finding behind 2 ",
        ] {
            assert!(text.contains(words), "{format}: {words} not in\n{text}");
        }
        let table = text.lines().filter(|line| line.contains("crun does it"));
        assert!(table.clone().any(|line| line.contains("youki/other")), "{text}");
        let rows = table.filter(|line| line.starts_with('|') || line.starts_with("breaks "));
        assert!(rows.clone().all(|line| !line.contains("crun/it ")), "{text}");
    }
    let junit = render(Format::Junit, &events, &Style::default()).expect("render");
    assert_eq!(junit.matches("name=\"ignored\" value=\"true\"").count(), 1);
    let text = render(Format::Terminal, &story::all_known(), &Style::default()).expect("render");
    assert!(!text.contains("ignored"), "{text}");
}

#[test]
fn a_run_reads_back_with_what_is_ignored() {
    let events = events();
    let text = render(Format::Json, &events, &Style::default()).expect("render");
    let told = ocidiff_reports::events::read(text.as_bytes()).expect("events");
    assert_eq!(told.events, events);
    assert!(
        matches!(&told.events[1], Event::CaseFinished(case) if case.ignored && case.verdict == Verdict::Known)
    );
}

fn checked(ignored: bool) -> CheckReport {
    let mut report = node("a");
    report.shapes = vec![shape(
        "d1",
        &["web", "db"],
        &[(Impact::Breaks, "process.exit"), (Impact::Cosmetic, "proc.oom")],
    )];
    let by = entry("runc/enosys-stub", "2026-12-31");
    if ignored {
        report.shapes[0].findings[0].ignored = Some(by.clone());
        report.ignore = Some(list(vec![by, entry("runc/past", "2026-10-01")]));
    }
    report
}

#[test]
fn a_check_does_not_count_what_is_ignored_and_tells_it() {
    let (plain, report) = (checked(false), checked(true));
    assert_eq!(plain.exit(), ExitStatus::Differs);
    assert_eq!(report.exit(), ExitStatus::Ok);
    for format in [Format::Terminal, Format::Markdown, Format::Html] {
        let text = draw::check(format, &report, &Style::default()).expect("render");
        for words in [
            "runc/enosys-stub until 2026-12-31 (the profile is",
            "process.exit",
            "2 safe, 0 at risk",
        ] {
            assert!(text.contains(words), "{format}: {words} not in\n{text}");
        }
        assert!(
            format != Format::Terminal || !text.contains("falls back on ENOSYS"),
            "{text}"
        );
        if format != Format::Html {
            assert!(
                text.contains("no longer ignored, the day is past: runc/past"),
                "{text}"
            );
        }
    }
    let merged = FleetReport::of(vec![
        whole(report),
        whole(CheckReport {
            node: "b".into(),
            ..plain
        }),
    ]);
    let outlooks: Vec<Outlook> = merged.moves[0].nodes.iter().map(|node| node.outlook).collect();
    assert_eq!(outlooks, [Outlook::Safe, Outlook::AtRisk]);
    for format in [Format::Terminal, Format::Markdown, Format::Html] {
        let text = draw::fleet(format, &merged, &Style::default()).expect("render");
        assert!(
            text.contains("runc/enosys-stub until 2026-12-31"),
            "{format}\n{text}"
        );
    }
}

#[test]
fn each_difference_of_a_check_names_its_finding() {
    for format in [Format::Terminal, Format::Markdown, Format::Html, Format::Json] {
        let text = draw::check(format, &checked(false), &Style::default()).expect("render");
        assert!(text.matches("runc/enosys-stub").count() >= 2, "{format}\n{text}");
        let fleet = draw::fleet(
            format,
            &FleetReport::of(vec![whole(checked(false))]),
            &Style::default(),
        );
        assert!(
            fleet.expect("render").matches("runc/enosys-stub").count() >= 2,
            "{format}"
        );
    }
    let text = draw::check(Format::Terminal, &checked(false), &Style::default()).expect("render");
    assert!(text.contains("ocidiff explain runc/enosys-stub"), "{text}");
}
