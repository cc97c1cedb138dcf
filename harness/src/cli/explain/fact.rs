//! A fact: what it is, and which runtimes are known to differ in it.

use ocidiff_model::facts::Kind;
use ocidiff_reports::Style;
use ocidiff_reports::findings::Sheet;

use crate::cli::facts::words_of;
use crate::corpus::Corpus;

/// How many cases are listed.
const CASES: usize = 20;

pub(super) fn sheet(name: &str, kind: &Kind, corpus: &Corpus, style: &Style) -> String {
    let mut sheet = Sheet::new(style, name, "a fact");
    if kind.fact != name {
        sheet.part("one of", &kind.fact);
    }
    sheet.part("is", &kind.says);
    sheet.part("", &words_of(kind));
    let findings = corpus.findings.0.iter();
    let about = findings.filter(|(_, finding)| finding.shows.iter().any(|sign| sign.is_about(name)));
    sheet.lines(
        "differs by",
        about.map(|(id, finding)| format!("{id}  {}", finding.title)),
    );
    let known = corpus.entries.iter().filter(|entry| {
        let mut facts = entry.known.0.iter();
        facts.any(|known| known.fact == name)
    });
    let known: Vec<&str> = known.map(|entry| entry.case.name.as_str()).collect();
    sheet.lines("known in", known.iter().take(CASES));
    if known.len() > CASES {
        sheet.part("", &format!("and {} more cases", known.len() - CASES));
    }
    sheet.text()
}
