//! One node's report as JUnit XML: a test case for each workload.

use ocidiff_model::check::{CheckReport, Finding, ShapeReport, Unchecked};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::terminal::finding_of;
use super::{answer, header};
use crate::Error;
use crate::safe::{safe, safe_lines};
use crate::style::Style;

/// A suite of the node's workloads. A risk is a failure; a workload that could not be checked is an error, and must not
/// look green.
///
/// # Errors
/// The XML could not be written.
pub(crate) fn render(report: &CheckReport) -> Result<String, Error> {
    let mut suite = TestSuite::new(safe(&report.node));
    suite.add_property(Property::new("move", safe(&header(report))));
    for shape in &report.shapes {
        for workload in &shape.workloads {
            suite.add_test_case(test_case(report, shape, workload));
        }
    }
    for one in &report.unchecked {
        suite.add_test_case(unchecked(one));
    }
    let mut junit = Report::new("ocidiff check");
    junit.add_test_suite(suite);
    Ok(junit.to_string()?)
}

fn test_case(report: &CheckReport, shape: &ShapeReport, workload: &str) -> TestCase {
    let risks: Vec<&Finding> = shape.findings.iter().filter(|one| one.is_risk()).collect();
    let status = match answer::first(shape).filter(|_| !risks.is_empty()) {
        None => TestCaseStatus::success(),
        Some(first) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type(first.impact.name());
            status.set_message(answer::said(first));
            status.set_description(text(report, shape, &risks));
            status
        }
    };
    let mut test = TestCase::new(safe(workload), status);
    test.set_classname("ocidiff.check");
    for id in shape
        .findings
        .iter()
        .filter(|one| one.is_risk())
        .filter_map(|one| one.id.as_ref())
    {
        test.add_property(Property::new("finding", id.to_string()));
    }
    for one in shape.findings.iter().filter(|one| !one.counts()) {
        let name = if one.before { "before" } else { "ignored" };
        test.add_property(Property::new(name, safe(&one.sameness().0)));
    }
    test
}

/// As on a terminal.
fn text(report: &CheckReport, shape: &ShapeReport, risks: &[&Finding]) -> String {
    let mut out = String::new();
    for finding in risks {
        finding_of(
            &mut out,
            0,
            finding,
            [report.from_of(shape), &report.to],
            &Style::default(),
        );
    }
    safe_lines(&out)
}

fn unchecked(one: &Unchecked) -> TestCase {
    let mut status = match one.before {
        true => TestCaseStatus::skipped(),
        false => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(safe(&one.why));
    let mut test = TestCase::new(safe(&one.workload), status);
    test.set_classname("ocidiff.check");
    test
}
