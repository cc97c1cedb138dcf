//! A node whose workloads run under several runtimes: each row names the one from which its workloads move.

use ocidiff_model::Impact;
use ocidiff_model::check::{CheckReport, ShapeReport};
use ocidiff_reports::{Format, Style, draw};

use crate::nodes::{self, node};

/// A shape whose only finding is not in the catalogue, and the same under each runtime but for its remedy.
fn shape(from: &str, workload: &str, what: &str) -> ShapeReport {
    let mut shape = nodes::shape(workload, &[workload], &[(Impact::Security, what)]);
    shape.from = Some(nodes::runtime(from, "1.0"));
    shape.findings[0].id = None;
    shape.findings[0].remedy = Some(format!("keep {from}"));
    shape
}

fn report() -> CheckReport {
    let mut report = node("n");
    report.from = nodes::runtime("youki", "1.0");
    report.shapes = vec![
        shape("youki", "yk", "both"),
        shape("runc", "web", "both"),
        shape("runc", "sh", "one"),
    ];
    // An older report leaves out what is its own.
    report.shapes[0].from = None;
    report
}

#[test]
fn each_row_names_the_runtime_of_its_own_workloads() {
    let text = draw::check(Format::Terminal, &report(), &Style::default()).expect("text");
    let row = |start: &str, workload: &str| {
        let mut parts = text.split("\n\n");
        let row = parts.find(|part| part.starts_with(start) && part.ends_with(&format!(": {workload}")));
        row.unwrap_or_else(|| panic!("{start} {workload}: {text}"))
    };
    row("security  both (seen): youki ERRNO", "yk");
    row("security  both (seen): runc ERRNO", "web");
    row("security  one (seen): runc ERRNO", "sh");
    // What to do is not that of another runtime's workloads either.
    for (workload, remedy) in [("yk", "keep youki"), ("web", "keep runc")] {
        let answer = text
            .lines()
            .skip_while(|line| !line.contains(&format!(" {workload} ")));
        let told: Vec<&str> = answer.take(2).collect();
        assert!(told.concat().contains(remedy), "{workload}: {text}");
    }
    let markdown = draw::check(Format::Markdown, &report(), &Style::default()).expect("Markdown");
    for (from, workload) in [("youki", "yk"), ("runc", "web")] {
        let row = format!("| {from}: ERRNO(ENOSYS) | ERRNO(EPERM) |");
        let mut rows = markdown.lines().filter(|line| line.contains(&row));
        assert!(
            rows.any(|line| line.ends_with(&format!(": {workload} |"))),
            "{workload}: {markdown}"
        );
    }
}
