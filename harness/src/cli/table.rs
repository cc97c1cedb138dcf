//! One fact of every case under every runtime, on every node: an aligned table in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ocidiff_model::facts::find;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Record, Verdict};
use ocidiff_reports::{safe, safe_to};

use super::facts::unknown;
use crate::error::Error;
use crate::judge::finished::Finished;

/// How much of a value is shown, in characters.
const WIDTH: usize = 40;
/// What is shown for a runtime that does not take part on a node.
const NOBODY: &str = "-";
/// What is shown for a case that was not run; a case that was not run anywhere is only counted.
const SKIPPED: &str = "skipped";

/// What has been seen of the fact so far.
#[derive(Debug, Clone)]
pub(super) struct Table {
    fact: String,
    /// Where the cases run from now on, if there are several places.
    node: Option<String>,
    /// Runtimes in the order in which they were met.
    columns: Vec<String>,
    rows: BTreeMap<String, Vec<Row>>,
}

/// A case on a node.
#[derive(Debug, Clone)]
struct Row {
    node: Option<String>,
    values: BTreeMap<String, String>,
    /// What is shown for every runtime: why there are no values.
    instead: Option<&'static str>,
}

impl Table {
    /// A table for a fact, by its path.
    ///
    /// # Errors
    /// There is no such fact.
    pub(super) fn of(fact: &str) -> Result<Self, Error> {
        if find(fact).is_none() {
            return Err(unknown(fact));
        }
        Ok(Self {
            fact: fact.to_owned(),
            node: None,
            columns: Vec::new(),
            rows: BTreeMap::new(),
        })
    }

    /// From here on, cases run on this node.
    pub(super) fn at(self, node: String) -> Self {
        Self {
            node: Some(node),
            ..self
        }
    }

    /// Adds the result of a case.
    pub(super) fn add(&mut self, finished: &Finished) {
        let mut values = BTreeMap::new();
        for record in &finished.records {
            let column = column(record, &finished.records);
            if !self.columns.contains(&column) {
                self.columns.push(column.clone());
            }
            values.insert(column, self.shown(record));
        }
        let row = Row {
            node: self.node.clone(),
            instead: values.is_empty().then_some(match finished.report.verdict {
                Verdict::Skipped => SKIPPED,
                _ => "broken",
            }),
            values,
        };
        self.rows
            .entry(finished.report.case.clone())
            .or_default()
            .push(row);
    }

    fn shown(&self, record: &Record) -> String {
        let mut facts = record.facts.iter();
        match (facts.find(|fact| fact.path == self.fact), &record.outcome) {
            (Some(fact), _) => safe_to(&fact.value.line(), WIDTH),
            (None, RunOutcome::Broken(_)) => "broken".to_owned(),
            (None, RunOutcome::Partly(_)) if record.is_aside(&self.fact) => "not supported".to_owned(),
            (None, _) if !record.has_begun(&self.fact) => "does not start".to_owned(),
            (None, _) => "(absent)".to_owned(),
        }
    }

    /// The whole table; empty if no case was run.
    pub(super) fn text(&self) -> String {
        let has_nodes = self.node.is_some();
        let mut lines = vec![head(has_nodes, &self.columns)];
        let is_skipped = |rows: &[Row]| rows.iter().all(|row| row.instead == Some(SKIPPED));
        let skipped = self.rows.values().filter(|rows| is_skipped(rows)).count();
        for (case, rows) in &self.rows {
            for row in rows.iter().filter(|_| !is_skipped(rows)) {
                let mut line = vec![safe(case)];
                line.extend(has_nodes.then(|| safe(row.node.as_deref().unwrap_or_default())));
                line.extend(self.columns.iter().map(|column| {
                    let value = row.values.get(column).map(String::as_str);
                    value.or(row.instead).unwrap_or(NOBODY).to_owned()
                }));
                lines.push(line);
            }
        }
        if self.rows.is_empty() {
            return String::new();
        }
        let tail = match skipped {
            0 => String::new(),
            1 => "\n1 case was skipped\n".to_owned(),
            some => format!("\n{some} cases were skipped\n"),
        };
        format!("{}\n\n{}{tail}", safe(&self.fact), aligned(&lines))
    }
}

fn head(has_nodes: bool, columns: &[String]) -> Vec<String> {
    let first = ["case", "node"].into_iter().take(1 + usize::from(has_nodes));
    let runtimes = columns.iter().map(|column| safe(column));
    first.map(str::to_owned).chain(runtimes).collect()
}

/// The runtime with its version; two builds of one version are distinguished as elsewhere.
fn column(record: &Record, all: &[Record]) -> String {
    let id = &record.runtime;
    let mut same = all.iter().map(|other| &other.runtime);
    let is_one_of_two =
        same.any(|other| other != id && (&other.name, &other.version) == (&id.name, &id.version));
    if is_one_of_two {
        id.label.clone()
    } else {
        format!("{} {}", id.name, id.version)
    }
}

/// Lines of cells as Markdown, each column as wide as its widest cell.
fn aligned(lines: &[Vec<String>]) -> String {
    let lines: Vec<Vec<String>> = lines
        .iter()
        .map(|line| line.iter().map(|cell| cell.replace('|', "\\|")).collect())
        .collect();
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max();
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|at| width(at).unwrap_or(0).max(3))
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
            let _ = writeln!(text, "|{}|", dashes.join("|"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::record::{BundleDigest, RuntimeId};
    use ocidiff_model::{Case, Fact};

    use crate::judge::finished::skipped;

    fn record(name: &str, version: &str, exit: Option<i64>) -> Record {
        Record {
            case: String::new(),
            bundle: BundleDigest::default(),
            recorder: String::new(),
            outcome: RunOutcome::Complete,
            steps: Vec::new(),
            filters: Vec::new(),
            setup: Vec::new(),
            calls: Vec::new(),
            total_calls: 0,
            seconds: 0.0,
            runtime: RuntimeId {
                name: name.to_owned(),
                version: version.parse().expect("a version"),
                label: format!("{name}=/b"),
            },
            ran: exit.is_some(),
            facts: exit
                .map(|exit| Fact::new("process.exit", exit))
                .into_iter()
                .collect(),
        }
    }

    fn case(name: &str, records: Vec<Record>) -> Finished {
        let case = Case {
            name: name.to_owned(),
            source: String::new(),
            member: None,
            body: serde_yaml::from_str("summary: s").expect("a case"),
        };
        let mut finished = skipped(&case, "a need".to_owned());
        finished.records = records;
        finished
    }

    #[test]
    fn nodes_with_other_runtimes_stand_in_one_table() {
        let mut table = Table::of("process.exit").expect("a fact");
        table = table.at("one".to_owned());
        table.add(&case(
            "t/b",
            vec![record("runc", "1.1.5", Some(0)), record("crun", "1.8.1", None)],
        ));
        table.add(&case("t/a", Vec::new()));
        table.add(&case("t/c", Vec::new()));
        table = table.at("two|2".to_owned());
        table.add(&case("t/a", vec![record("runc", "1.1.5", Some(3))]));
        table.add(&case("t/b", vec![record("crun", "1.28", Some(2))]));
        let expected = "process.exit\n\n\
            | case | node   | runc 1.1.5 | crun 1.8.1     | crun 1.28 |\n\
            |------|--------|------------|----------------|-----------|\n\
            | t/a  | one    | skipped    | skipped        | skipped   |\n\
            | t/a  | two\\|2 | 3          | -              | -         |\n\
            | t/b  | one    | 0          | does not start | -         |\n\
            | t/b  | two\\|2 | -          | -              | 2         |\n\
            \n1 case was skipped\n";
        assert_eq!(table.text(), expected);
    }

    #[test]
    fn a_fact_that_there_is_not_is_an_error() {
        let error = Table::of("process.exti")
            .expect_err("a misspelt fact")
            .to_string();
        assert!(
            error.contains("there is no fact `process.exti`; did you mean `process.exit`?"),
            "{error}"
        );
    }
}
