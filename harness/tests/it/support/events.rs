//! What a run reported, read back from `--json`.

use std::fs;
use std::path::Path;

use ocidiff_model::event::CaseReport;
use ocidiff_model::{Counts, Event, Value, Verdict};

/// The events of a run.
#[derive(Debug)]
pub(crate) struct Events(Vec<Event>);

impl Events {
    /// Reads a file; every line must be whole.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the events file");
        assert!(text.ends_with('\n'), "the last line is not whole:\n{text}");
        let events = text.lines().map(|line| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("no event: {error}:\n{line}"))
        });
        Self(events.collect())
    }

    /// The engine that made the containers, with its version.
    pub(crate) fn via(&self) -> Option<&str> {
        self.0.iter().find_map(|event| match event {
            Event::RunStarted { machine, .. } => machine.via.as_deref(),
            _ => None,
        })
    }

    /// The reports of the cases that have a verdict.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &CaseReport> {
        self.0.iter().filter_map(|event| match event {
            Event::CaseFinished(report) => Some(&**report),
            _ => None,
        })
    }

    /// The report of a case.
    #[track_caller]
    pub(crate) fn case(&self, name: &str) -> Case<'_> {
        let found = self.cases().find(|report| report.case == name);
        Case(found.unwrap_or_else(|| panic!("{name} has no verdict")))
    }

    /// The last event: the exit status and whether the run was interrupted.
    pub(crate) fn end(&self) -> Option<(u8, bool)> {
        match self.0.last()? {
            Event::RunFinished {
                exit, interrupted, ..
            } => Some((exit.code(), *interrupted)),
            _ => None,
        }
    }
}

/// The lines of a run with other cases than it had, as the run would have written them.
pub(crate) fn with_cases(mut lines: Vec<String>) -> String {
    let mut counts = Counts::default();
    for line in &lines {
        if let Ok(Event::CaseFinished(report)) = serde_json::from_str(line) {
            counts.add(report.verdict);
        }
    }
    let end = lines.last_mut().expect("the end");
    let mut told: serde_json::Value = serde_json::from_str(end).expect("an event");
    told["counts"] = serde_json::to_value(counts).expect("counts");
    *end = told.to_string();
    lines.join("\n") + "\n"
}

/// A case's report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a>(pub(crate) &'a CaseReport);

impl Case<'_> {
    pub(crate) fn verdict(&self) -> Verdict {
        self.0.verdict
    }

    /// What a runtime shows for a fact on which the runtimes disagree; `absent` if it does not have it.
    pub(crate) fn shows(&self, runtime: &str, fact: &str) -> Option<String> {
        let difference = self.0.differences.iter().find(|found| found.fact == fact)?;
        let mut groups = difference.groups.iter();
        let group = groups.find(|group| group.runtimes.iter().any(|name| name == runtime))?;
        Some(
            group
                .value
                .as_ref()
                .map_or_else(|| "absent".to_owned(), Value::line),
        )
    }

    /// Every difference on a line, for messages.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} {} {:?}\n", self.0.case, self.0.verdict, self.0.why);
        for difference in &self.0.differences {
            let groups = difference.groups.iter().map(|group| {
                let value = group
                    .value
                    .as_ref()
                    .map_or_else(|| "absent".to_owned(), Value::line);
                format!("{} = {value:.200}", group.runtimes.join(" "))
            });
            let groups: Vec<_> = groups.collect();
            text += &format!(
                "  {}: {} ({:?})\n",
                difference.fact,
                groups.join("; "),
                difference.standing
            );
        }
        text
    }
}
