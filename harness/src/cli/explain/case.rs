//! A case as it is written, with what is known about it.

use ocidiff_model::{KnownEntry, Value};
use ocidiff_reports::findings::Sheet;
use ocidiff_reports::{Style, word};

use crate::cli::inspect::describe;
use crate::corpus::{Corpus, Entry, print};
use crate::error::Error;
use crate::findings::named_by;

/// The width of a value.
const VALUE: usize = 60;

pub(super) fn sheet(
    entry: &Entry,
    corpus: &Corpus,
    again: &[String],
    style: &Style,
) -> Result<String, Error> {
    let case = &entry.case;
    let mut sheet = Sheet::new(style, &case.name, "a case");
    sheet.part("about", &case.body.summary);
    sheet.part("file", &case.source);
    let input = describe(case)?;
    sheet.lines("rootfs", &input.rootfs);
    sheet.lines("config", input.config.lines().filter(|line| *line != "{}"));
    sheet.lines("steps", &input.steps);
    sheet.lines("watch", &input.watch);
    sheet.lines("expect", &input.expect);
    for (at, id) in case.body.requirement.iter().enumerate() {
        let name = if at == 0 { "clauses" } else { "" };
        match corpus.requirements.get(id) {
            Some(clause) => sheet.part(name, &format!("{id} ({}): {}", clause.level, clause.says)),
            None => sheet.part(name, id),
        }
    }
    for (at, known) in entry.known.0.iter().enumerate() {
        sheet.lines(if at == 0 { "known" } else { "" }, lines(known));
    }
    let findings = named_by(entry).into_iter().filter_map(|id| {
        let finding = corpus.findings.find(id)?;
        Some(format!("{id}  {}", finding.title))
    });
    sheet.lines("findings", findings);
    let again: String = again.iter().map(|option| format!(" {}", word(option))).collect();
    sheet.part("run it", &format!("ocidiff explain --run '{}'{again}", case.name));
    Ok(sheet.text())
}

/// The fact, and a line for each runtime that shows something else.
fn lines(known: &KnownEntry) -> Vec<String> {
    let mut lines = vec![match &known.when {
        Some(when) => format!("{}  on {}", known.fact, print::flow(when)),
        None => known.fact.clone(),
    }];
    for written in &known.written {
        let who: Vec<String> = written.who.iter().map(ToString::to_string).collect();
        let because: Vec<&str> = written.because.iter().map(|id| id.as_str()).collect();
        if known.by_signs {
            lines.push(format!("  {}: as {} shows", who.join(", "), because.join(", ")));
            continue;
        }
        lines.push(format!(
            "  {}: {}  by {}",
            who.join(", "),
            value(&written.shows),
            because.join(", ")
        ));
    }
    if let Some(otherwise) = &known.otherwise {
        lines.push(format!("  otherwise: {}", value(otherwise)));
    }
    lines
}

fn value(value: &Value) -> String {
    ocidiff_reports::safe_to(&value.line(), VALUE)
}
