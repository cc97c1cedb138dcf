//! Everything with a name that can be explained, for users who have mistyped one.

use ocidiff_model::{Verdict, facts, near};

use crate::corpus::Corpus;

/// Findings, cases, clauses and verdicts by name.
pub fn known_names(corpus: &Corpus) -> impl Iterator<Item = &str> {
    let findings = corpus.findings.0.keys().map(|id| id.as_str());
    let cases = corpus.entries.iter().map(|entry| entry.case.name.as_str());
    let clauses = corpus.requirements.keys().map(|id| id.as_str());
    let verdicts = Verdict::ALL.into_iter().map(|verdict| verdict.name());
    findings.chain(cases).chain(clauses).chain(verdicts)
}

/// What to do about a name that does not exist.
#[must_use]
pub fn help(name: &str, corpus: &Corpus) -> String {
    let meant = near::near(name, known_names(corpus)).map(str::to_owned);
    meant.or_else(|| facts::meant(name)).map_or_else(
        || "`ocidiff findings`, `ocidiff list` and `ocidiff facts` list what there is".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    )
}
