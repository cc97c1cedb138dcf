//! A check as events: what is written reads back, and what cannot be read is reported by line.

use ocidiff_model::Impact;
use ocidiff_model::check::{Baseline, CheckReport, FleetReport, SetAside, Unchecked, VersionReport};
use ocidiff_reports::events::{Checks, Error, Recording, read_checks, read_file};
use ocidiff_reports::{Format, Style, draw};

use crate::nodes::{self, lines, node, shape, three, whole};
use crate::story;

fn read(text: &str) -> Checks {
    read_checks(text.as_bytes()).expect("checks")
}

fn message(text: &str) -> String {
    read_checks(text.as_bytes()).expect_err("no checks").to_string()
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn text(&mut self) -> String {
        let all = [
            "a",
            "é",
            "\u{1b}[2J",
            "\n",
            "\"",
            "\\",
            "] ",
            "[pod/x] ",
            "\u{202e}",
            "{}",
            "",
            " ",
        ];
        let length = self.below(6);
        (0..length).map(|_| all[self.below(all.len())]).collect()
    }

    fn texts(&mut self) -> Vec<String> {
        let length = self.below(4);
        (0..length).map(|_| self.text()).collect()
    }

    fn report(&mut self) -> CheckReport {
        let mut report = node(&self.text());
        report.time = self.below(1 << 30) as u64;
        report.ocidiff = self.text();
        report.to.label = self.text();
        for _ in 0..self.below(4) {
            let impacts = [
                Impact::Cosmetic,
                Impact::MayBreak,
                Impact::Breaks,
                Impact::Security,
            ];
            let mut shape = shape(&self.text(), &[], &[]);
            shape.from = (self.below(3) == 0).then(|| nodes::runtime("youki", "0.7.0"));
            (shape.workloads, shape.changes) = (self.texts(), self.texts());
            for _ in 0..self.below(4) {
                let mut finding = nodes::finding(impacts[self.below(4)], &self.text());
                (finding.link, finding.reason) = (self.texts(), self.text());
                finding.remedy = (self.below(2) == 0).then(|| self.text());
                finding.case = (self.below(2) == 0).then(|| self.text());
                shape.findings.push(finding);
            }
            report.shapes.push(shape);
        }
        for _ in 0..self.below(3) {
            let (workload, why) = (self.text(), self.text());
            report.unchecked.push(Unchecked {
                workload,
                why,
                before: self.below(2) == 0,
                uncounted: false,
            });
        }
        report
    }
}

#[test]
fn what_is_written_reads_back() {
    let mut numbers = Numbers(1);
    for _ in 0..200 {
        let reports: Vec<_> = (0..=numbers.below(3)).map(|_| numbers.report()).collect();
        let told = read(&lines(&reports));
        assert_eq!(told.warnings, Vec::<String>::new());
        let expected: Vec<_> = reports.into_iter().map(whole).collect();
        assert_eq!(told.checks, expected);
    }
}

#[test]
fn a_cut_anywhere_is_an_error_or_a_shorter_check_and_never_a_panic() {
    let all = lines(&three());
    for end in 0..all.len() {
        match read_checks(&all.as_bytes()[..end]) {
            Ok(told) => {
                let whole = told.checks.iter().all(|check| check.exit.is_some());
                let between = all.as_bytes()[end - 1] == b'\n' || all.as_bytes()[end] == b'\n';
                assert!(!told.warnings.is_empty() || (whole && between), "cut at {end}");
            }
            Err(error) => assert!(matches!(error, Error::NoCheck), "cut at {end}: {error}"),
        }
    }
}

#[test]
fn a_check_without_its_end_is_told() {
    let [first, second, _] = three();
    let all = lines([&first]);
    let cut = &all[..all.len() - 10];
    let told = read(cut);
    assert_eq!(told.checks[0].exit, None);
    assert_eq!(told.checks[0].report, first);
    let number = all.lines().count();
    let no_end = "the check of node-a has no end: there may be more workloads";
    assert_eq!(
        told.warnings,
        [format!("line {number} is cut and is left out"), no_end.to_owned()]
    );
    // The next node's check begins where the log of the first one stops.
    let without_end: Vec<_> = all.lines().take(number - 1).collect();
    let told = read(&format!("{}\n{}", without_end.join("\n"), lines([&second])));
    assert_eq!(told.checks.len(), 2);
    assert_eq!(told.warnings, [no_end]);
}

#[test]
fn the_prefixes_of_kubectl_are_taken_away_and_tell_pods_apart() {
    let [first, second, _] = three();
    let prefixed = |name: &str, report: &CheckReport| -> Vec<String> {
        let all = lines([report]);
        all.lines()
            .map(|line| format!("[pod/{name}/check] {line}"))
            .collect()
    };
    let (one, other) = (prefixed("x", &first), prefixed("y", &second));
    let expected = [whole(first), whole(second)];
    assert_eq!(
        read(&[one.clone(), other.clone()].concat().join("\n")).checks,
        expected
    );
    // `kubectl logs --follow` mixes them.
    let mut mixed = Vec::new();
    for at in 0..one.len().max(other.len()) {
        mixed.extend(one.get(at).into_iter().chain(other.get(at)).cloned());
    }
    assert_eq!(read(&mixed.join("\n")).checks, expected);
}

#[test]
fn what_ocidiff_said_between_the_events_is_passed_on() {
    let [first, ..] = three();
    let text = format!("[pod/x/y] ocidiff: no \u{1b}[31meBPF here\n\n{}", lines([&first]));
    let told = read(&text);
    assert_eq!(told.checks, [whole(first)]);
    assert_eq!(told.warnings, [r"line 1 says: ocidiff: no \x1b[31meBPF here"]);
}

#[test]
fn what_is_no_event_is_told_by_line() {
    let all = lines(&three()[..1]);
    let wrong = |line: &str| {
        let mut lines: Vec<_> = all.lines().collect();
        lines[1] = line;
        message(&lines.join("\n"))
    };
    for line in [
        "some log line",
        "[pod/x/y] oops",
        "[other] {}",
        "7",
        "{\"event\":\"else\"}",
    ] {
        assert!(
            wrong(line).starts_with("line 2: not an event of ocidiff: "),
            "{}",
            wrong(line)
        );
    }
    let none = "no recorded check: the first event must be `check-started`";
    let rest = all.split_once('\n').expect("lines").1;
    for text in ["", "\n", rest] {
        assert_eq!(message(text), none);
    }
    assert_eq!(
        message(&format!("{all}{rest}")),
        format!(
            "line {}: an event of a check that did not start, or has ended",
            all.lines().count() + 1
        )
    );
}

#[test]
fn a_file_tells_itself_what_it_holds() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("events");
    let holds = |text: &str| {
        std::fs::write(&path, text).expect("write");
        read_file(&path)
    };
    let check = lines(&three());
    assert!(matches!(holds(&format!("\n{check}")), Ok(Recording::Checks(told)) if told.checks.len() == 3));
    let run = ocidiff_reports::events::lines_of(&story::run(vec![story::new_list()])).expect("events");
    assert!(matches!(holds(&run), Ok(Recording::Run(told)) if told.warnings.is_empty()));
    for text in ["", "text\n", "{\"event\":\"run-finished\"}"] {
        assert!(holds(text).is_err(), "{text}");
    }
}

#[test]
fn a_field_that_an_older_ocidiff_did_not_write_has_its_default() {
    let [first, ..] = three();
    let old = lines([&first]).replace(&format!("\"time\":{},", nodes::TIME), "");
    assert_eq!(read(&old).checks[0].report.time, 0);
}

#[test]
fn a_report_from_the_file_is_the_report_of_the_check() {
    for report in three() {
        let told = read(&lines([&report]));
        for format in Format::ALL {
            let draw = |report| draw::check(format, report, &Style::default()).expect("a report");
            assert_eq!(draw(&told.checks[0].report), draw(&report));
        }
    }
}

#[test]
fn each_format_says_what_it_is_for() {
    let style = Style::default();
    let [first, ..] = three();
    let fleet = FleetReport::of(vec![whole(first)]);
    for format in [Format::Junit, Format::Sarif] {
        let error = draw::fleet(format, &fleet, &style).expect_err("for one node");
        assert_eq!(
            error.to_string(),
            format!("{format} is for the check of one node")
        );
    }
    let error = ocidiff_reports::render(Format::Sarif, &[], &style).expect_err("for a check");
    assert_eq!(error.to_string(), "sarif is for the check of one node");
}

/// A node with everything that an answer can contain.
fn full() -> CheckReport {
    let mut report = node("node-7");
    report.target = Some("registered with this Docker".into());
    report.set_aside = vec![SetAside {
        why: "under crun 1.8.1 already".into(),
        workloads: vec!["moved".into(), "moved-too".into()],
    }];
    report.baseline = Some(Baseline {
        file: "last.jsonl".into(),
        time: 0,
    });
    let mut old = shape("b", &["old"], &[(Impact::Breaks, "calls x")]);
    old.findings[0].before = true;
    let mut other = shape("c", &["elsewhere"], &[]);
    other.from = Some(nodes::runtime("youki", "0.7.0"));
    report.shapes = vec![shape("a", &["web"], &[(Impact::Breaks, "calls x")]), old, other];
    report.unchecked = vec![Unchecked {
        workload: "vault".into(),
        why: "joins a network namespace that is not there".into(),
        before: false,
        uncounted: false,
    }];
    let version = |version: &str, at_risk: &[&str]| VersionReport {
        runtime: nodes::runtime("crun", version),
        safe: 3 - at_risk.len(),
        at_risk: at_risk.iter().map(|&name| name.to_owned()).collect(),
        worst: (!at_risk.is_empty()).then_some(Impact::Breaks),
        unchecked: Vec::new(),
        why_not: None,
    };
    report.versions = vec![
        version("1.8.1", &["web"]),
        version("1.24", &[]),
        version("1.28", &[]),
    ];
    report
}

#[test]
fn every_format_begins_with_the_same_answer() {
    let report = full();
    let parts = [
        "node-7 · runc 1.1.5, youki 0.7.0 -> crun 1.8.1 (registered with this Docker)",
        "4 workloads in 3 shapes: 1 safe, 1 at risk, 1 as before, 1 not checked",
        "left out: 2 under crun 1.8.1 already",
        "Move",
        "elsewhere",
        "Change first",
        "runc/enosys-stub",
        "As before",
        "1 finding that last.jsonl has already",
        "Not checked",
        "joins a network namespace",
        "from 1.24 on: safe (tried: 1.8.1, 1.24, 1.28)",
        "2 safe, 1 at risk (breaks): web",
    ];
    for format in [Format::Terminal, Format::Markdown, Format::Html] {
        let text = draw::check(format, &report, &Style::default()).expect("a report");
        let text = text.replace("&#62;", ">").replace("&gt;", ">");
        let mut rest = text.as_str();
        for part in parts {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{format}: no `{part}` behind what comes before:\n{text}"));
            rest = &rest[at + part.len()..];
        }
    }
}

#[test]
fn a_pipeline_is_told_of_what_is_new_by_its_finding() {
    let report = full();
    let draw = |format| draw::check(format, &report, &Style::default()).expect("a report");
    let junit = draw(Format::Junit);
    for part in [
        r#"tests="4" skipped="0" failures="1" errors="1""#,
        r#"<property name="finding" value="runc/enosys-stub"/>"#,
        r#"<property name="before" value="runc/enosys-stub"/>"#,
        r#"type="breaks""#,
    ] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    let sarif: serde_json::Value = serde_json::from_str(&draw(Format::Sarif)).expect("JSON");
    let run = &sarif["runs"][0];
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "runc/enosys-stub");
    let results = run["results"].as_array().expect("results");
    let told: Vec<[&str; 4]> = results
        .iter()
        .map(|one| {
            [
                "/ruleId",
                "/level",
                "/baselineState",
                "/locations/0/logicalLocations/0/name",
            ]
            .map(|at| {
                one.pointer(at)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
            })
        })
        .collect();
    assert_eq!(
        told,
        [
            ["runc/enosys-stub", "error", "new", "web"],
            ["runc/enosys-stub", "error", "unchanged", "old"]
        ]
    );
    // A workload that could not be checked is not a success.
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn what_was_not_counted_is_no_workload() {
    let unreached = Unchecked {
        workload: "the engine's containers".into(),
        why: "failed to ask the engine".into(),
        before: false,
        uncounted: true,
    };
    let mut report = node("node-7");
    report.unchecked = vec![unreached.clone()];
    let drawn =
        |report: &CheckReport| draw::check(Format::Terminal, report, &Style::default()).expect("a text");
    let text = drawn(&report);
    assert!(
        text.contains("\nhow many workloads there are is not known\n"),
        "{text}"
    );
    assert!(text.contains("Not checked   the engine's containers"), "{text}");
    assert_ne!(report.exit(), ocidiff_model::ExitStatus::Ok);
    let mut report = full();
    report.unchecked.push(unreached);
    let text = drawn(&report);
    let counts = "4 workloads in 3 shapes: 1 safe, 1 at risk, 1 as before, 1 not checked; there may be more";
    assert!(text.contains(counts), "{text}");
}

#[test]
fn the_answer_comes_first_and_fits_the_columns() {
    let mut report = node("node-7");
    let mut agent = shape("d", &["agent"], &[(Impact::Security, "x"), (Impact::Breaks, "y")]);
    agent.findings[0].reason = "exec can read the caller's keyring: because".into();
    agent.findings[0].id = Some("crun/exec-session-keyring".parse().expect("an id"));
    let many: Vec<String> = (0..60).map(|number| format!("workload-{number}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    report.shapes = vec![
        shape("a", &["web", "db"], &[]),
        shape("b", &["build"], &[(Impact::Breaks, "calls x")]),
        shape("c", &names, &[(Impact::MayBreak, "calls x")]),
        agent,
    ];
    let why = "joins a network namespace that is not there".to_owned();
    report.unchecked = vec![Unchecked {
        workload: "vault".to_owned(),
        why,
        before: false,
        uncounted: false,
    }];
    let style = Style::default();
    let text = draw::check(Format::Terminal, &report, &style).expect("a text");
    let at = |part: &str| {
        text.find(part)
            .unwrap_or_else(|| panic!("no `{part}` in:\n{text}"))
    };
    let order = [
        "node-7 · runc 1.1.5 -> crun 1.8.1",
        "Move          web, db",
        "Change first  build",
        "Decide        agent      exec can read the caller's keyring (security, seen)  crun/exec-session-keyring",
        "Not checked   vault      joins a network namespace that is not there",
        "security  x",
    ]
    .map(at);
    assert!(order.is_sorted(), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= style.width),
        "{text}"
    );
}
