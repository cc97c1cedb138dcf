//! JUnit XML: a suite for each topic, a test case for each case.

use std::collections::BTreeMap;
use std::time::Duration;

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Event, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::run::{Run, Start};
use crate::safe::safe;
use crate::style::Style;
use crate::{Error, in_order, telling, terminal};

/// The whole report.
///
/// # Errors
/// The XML could not be written.
pub fn render(events: &[Event]) -> Result<String, Error> {
    let run = Run::of(events);
    let mut topics: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &run.cases {
        topics.entry(topic(case)).or_default().push(case);
    }
    let mut report = Report::new("ocidiff");
    report.set_time(duration(run.seconds));
    for (topic, cases) in topics {
        report.add_test_suite(suite(topic, &cases, &run));
    }
    if run.interrupted {
        report.add_test_suite(interrupted(&run));
    }
    Ok(report.to_string()?)
}

fn topic(case: &CaseReport) -> &str {
    case.case.split_once('/').map_or("", |(topic, _)| topic)
}

fn suite(topic: &str, cases: &[&CaseReport], run: &Run<'_>) -> TestSuite {
    let mut suite = TestSuite::new(safe(if topic.is_empty() { "ocidiff" } else { topic }));
    suite.set_time(duration(cases.iter().map(|case| case.seconds).sum()));
    for property in run.starts.iter().flat_map(properties) {
        suite.add_property(property);
    }
    for case in cases {
        suite.add_test_case(test_case(case, run));
    }
    suite
}

fn properties(start: &Start<'_>) -> Vec<Property> {
    let runtimes = start.runtimes.iter().map(|participant| {
        let runtime = &participant.runtime;
        Property::new(
            format!("runtime.{}", safe(&runtime.label)),
            safe(runtime.version.as_str()),
        )
    });
    let machine = [
        ("kernel", start.machine.kernel.as_str()),
        ("cgroup", start.machine.cgroup.name()),
        ("arch", start.machine.arch.as_str()),
        ("recorder", start.recorder),
    ]
    .map(|(name, value)| Property::new(name, safe(value)));
    let via = start.machine.via.as_deref();
    let via = via.map(|engine| Property::new("via", safe(engine)));
    runtimes.chain(machine).chain(via).collect()
}

fn test_case(case: &CaseReport, run: &Run<'_>) -> TestCase {
    let mut test = TestCase::new(safe(&case.case), status(case, run));
    test.set_classname(format!("ocidiff.{}", safe(topic(case))));
    test.set_time(duration(case.seconds));
    for (name, value) in properties_of(case) {
        test.add_property(Property::new(name, safe(&value)));
    }
    if matches!(case.verdict, Verdict::Known | Verdict::Fixed | Verdict::Unstable) {
        test.set_system_out(text(case));
    }
    test
}

/// What a dashboard can count: each finding that accounts for something in the case, how much the case matters, and
/// whether it is ignored.
fn properties_of(case: &CaseReport) -> Vec<(&'static str, String)> {
    let findings = in_order::findings(case);
    let findings = findings.into_iter().map(|(id, _)| ("finding", id.to_string()));
    let impact = in_order::impact(case).map(|impact| ("impact", impact.to_string()));
    let ignored = case.ignored.then(|| ("ignored", "true".to_owned()));
    findings.chain(impact).chain(ignored).collect()
}

fn status(case: &CaseReport, run: &Run<'_>) -> TestCaseStatus {
    let who = safe(&telling::who(case));
    let mut status = match case.verdict {
        Verdict::Agree | Verdict::Known => return TestCaseStatus::success(),
        Verdict::Unstable | Verdict::Fixed if !run.strict => return TestCaseStatus::success(),
        Verdict::Skipped | Verdict::Unsupported => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("{}: {who}", case.verdict));
            return status;
        }
        Verdict::Broken => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::New
        | Verdict::Gone
        | Verdict::Violation
        | Verdict::Unexpected
        | Verdict::Unstable
        | Verdict::Fixed => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    status.set_type(case.verdict.name());
    status.set_message(who);
    status.set_description(text(case));
    status
}

/// The text of the terminal report.
fn text(case: &CaseReport) -> String {
    terminal::case(case, &Style::default()).trim_end().to_owned()
}

/// A run that did not finish must not look green.
fn interrupted(run: &Run<'_>) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("interrupted");
    status.set_message(run.ended_early().unwrap_or_default());
    let mut suite = TestSuite::new("ocidiff.run");
    suite.add_test_case(TestCase::new("every case has a verdict", status));
    suite
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
