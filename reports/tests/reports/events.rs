//! The events as a file.

use std::fs;
use std::path::Path;

use ocidiff_reports::events::{Error, Recorded, Recording, Writer, read, read_file};
use ocidiff_reports::{Format, Style, render, terminal};

use crate::story;

fn lines() -> String {
    render(Format::Json, &story::whole(), &Style::default()).expect("render")
}

fn read_run(path: &Path) -> Recorded {
    match read_file(path).expect("read") {
        Recording::Run(recorded) => recorded,
        Recording::Checks(checks) => panic!("a run: {checks:?}"),
    }
}

fn message(text: &str) -> String {
    read(text.as_bytes()).expect_err("no run").to_string()
}

#[test]
fn a_report_from_the_file_is_the_report_of_the_run() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.jsonl");
    let events = story::whole();
    let mut writer = Writer::create(&path).expect("create");
    for event in &events {
        writer.write(event).expect("write");
    }
    assert!(!path.exists(), "the file has its name at the end only");
    writer.finish().expect("finish");
    let recorded = read_run(&path);
    assert_eq!(recorded.events, events);
    assert_eq!(recorded.warnings, Vec::<String>::new());
    let style = Style {
        colour: true,
        ..Style::default()
    };
    assert_eq!(
        terminal::render(&recorded.events, &style),
        terminal::render(&events, &style)
    );
    assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1);
}

#[test]
fn every_event_is_there_at_once_and_kept_when_the_writer_is_dropped() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.jsonl");
    let part = folder.path().join("run.jsonl.part");
    let mut writer = Writer::create(&path).expect("create");
    writer.write(&story::started(3)).expect("write");
    assert_eq!(fs::read_to_string(&part).expect("part").lines().count(), 1);
    drop(writer);
    assert!(path.exists() && !part.exists());
    let recorded = read_run(&path);
    assert_eq!(recorded.warnings, ["the run has no end: it was interrupted"]);
}

#[test]
fn a_run_that_recorded_nothing_leaves_the_earlier_file() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.jsonl");
    fs::write(&path, "earlier").expect("write");
    drop(Writer::create(&path).expect("create"));
    assert_eq!(fs::read_to_string(&path).expect("read"), "earlier");
    assert_eq!(fs::read_dir(folder.path()).expect("list").count(), 1);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_a_link_is_followed() {
    let folder = tempfile::tempdir().expect("folder");
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    std::os::unix::fs::symlink("/dev/null", folder.path().join("null")).expect("link");
    fs::write(&target, "").expect("write");
    std::os::unix::fs::symlink(&target, &link).expect("link");
    for path in [&folder.path().join("null"), &link] {
        let mut writer = Writer::create(path).expect("create");
        writer.write(&story::started(0)).expect("write");
        writer.finish().expect("finish");
        assert!(path.is_symlink());
    }
    assert!(fs::read_to_string(&target).expect("read").contains("run-started"));
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let path = Path::new("/nowhere/run.jsonl");
    for error in [
        Writer::create(path).expect_err("create").to_string(),
        read_file(path).expect_err("read").to_string(),
    ] {
        assert!(error.starts_with("/nowhere/run.jsonl: "), "{error}");
    }
}

#[test]
fn a_last_line_that_was_cut_is_told_and_left_out() {
    let whole = lines();
    let total = whole.lines().count();
    let cut = &whole[..whole.len() - 20];
    let recorded = read(cut.as_bytes()).expect("read");
    assert_eq!(recorded.events.len(), total - 1);
    assert_eq!(
        recorded.warnings,
        [
            format!("line {total} is cut and is left out"),
            "the run has no end: it was interrupted".to_owned()
        ]
    );
    let without_newline = whole.trim_end();
    assert_eq!(
        read(without_newline.as_bytes()).expect("read").events.len(),
        total
    );
}

#[test]
fn a_cut_anywhere_is_an_error_or_a_shorter_run_and_never_a_panic() {
    let whole = lines();
    for end in (0..whole.len()).step_by(37) {
        match read(&whole.as_bytes()[..end]) {
            Ok(recorded) => assert!(!recorded.warnings.is_empty(), "cut at {end}"),
            Err(error) => assert!(matches!(error, Error::NoStart), "cut at {end}: {error}"),
        }
    }
}

#[test]
fn a_report_is_of_one_run() {
    let whole = lines();
    let total = whole.lines().count();
    let second = format!(
        "line {}: a second run begins here, and a report is of one; split the file before that line",
        total + 1
    );
    assert_eq!(message(&format!("{whole}{whole}")), second);
    // Even if the first has no end.
    let (start, rest) = whole.split_once('\n').expect("lines");
    assert!(message(&format!("{start}\n\n{start}\n{rest}")).starts_with("line 3: a second run begins here"));
    let case = whole.lines().nth(1).expect("a case");
    let ended = format!("line {}: an event of a run that has ended", total + 1);
    assert_eq!(message(&format!("{whole}{case}\n")), ended);
}

#[test]
fn a_run_whose_cases_were_lost_is_not_reported_as_a_shorter_one() {
    let whole = lines();
    let total = whole.lines().count();
    let cases = total - 2;
    let without = |lost: usize| {
        let lines = whole.lines().enumerate().filter(|(at, _)| *at != lost);
        lines.fold(String::new(), |text, (_, line)| text + line + "\n")
    };
    let told = message(&without(1));
    let wanted = format!(
        "line {}: the run has {cases} cases with a verdict, and the file has {}",
        total - 1,
        cases - 1
    );
    assert!(told.starts_with(&wanted), "{told}");
}

#[cfg(unix)]
#[test]
fn a_part_that_was_left_behind_is_taken_over_and_one_in_use_is_not() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("run.jsonl");
    let part = folder.path().join("run.jsonl.part");
    fs::write(&part, "left behind").expect("write");
    let mut writer = Writer::create(&path).expect("create");
    let error = Writer::create(&path).expect_err("in use").to_string();
    let holder = format!("process {} is writing to it", std::process::id());
    assert!(error.contains(&holder), "{error}");
    writer.write(&story::started(0)).expect("write");
    writer.finish().expect("finish");
    assert!(fs::read_to_string(&path).expect("read").starts_with("{\"event\""));
    for in_the_way in ["fifo", "another name", "link"] {
        let _ = fs::remove_file(&part);
        match in_the_way {
            "fifo" => {
                let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
                rustix::fs::mknodat(rustix::fs::CWD, &part, rustix::fs::FileType::Fifo, mode, 0)
                    .expect("a fifo");
            }
            "link" => std::os::unix::fs::symlink(&path, &part).expect("a link"),
            _ => fs::hard_link(&path, &part).expect("a link"),
        }
        Writer::create(&path).expect_err(in_the_way);
        assert!(
            fs::read_to_string(&path).expect("read").starts_with("{\"event\""),
            "{in_the_way}"
        );
    }
}

#[test]
fn what_is_no_event_is_told_by_line() {
    let mut wrong: Vec<_> = lines().lines().map(ToOwned::to_owned).collect();
    wrong[2] = "{\"event\": \"case-finished\"}".to_owned();
    assert_eq!(
        message(&wrong.join("\n")),
        "line 3: not an event of ocidiff: missing field `case`"
    );
    wrong[2] = "{\"event\": oops}".to_owned();
    assert_eq!(
        message(&wrong.join("\n")),
        "line 3: not an event of ocidiff: expected value (column 11)"
    );
    for text in ["", "\n\n", "{\"event\"", &wrong[1]] {
        assert_eq!(
            message(text),
            "no recorded run: the first event must be `run-started`",
            "{text}"
        );
    }
    assert!(message("\u{1b}[2J\n").starts_with("line 1"));
}
