//! Questions about the catalogue that need no run: which findings concern a user, which cases show one.

pub mod lint;
mod meant;
mod select;

use std::collections::BTreeSet;

use ocidiff_model::known::{Known, Written};
use ocidiff_model::{FindingId, KnownEntry};

pub use meant::{help, known_names};
pub use select::{AskError, Question, Who};

use crate::corpus::{Corpus, Entry};

/// The cases whose known files name a finding, in order of their names.
pub fn cases_of<'c>(corpus: &'c Corpus, id: &'c FindingId) -> impl Iterator<Item = &'c Entry> {
    corpus
        .entries
        .iter()
        .filter(move |entry| written_of(&entry.known, id).next().is_some())
}

/// What a case's known file writes because of a finding.
pub fn written_of<'c>(
    known: &'c Known,
    id: &'c FindingId,
) -> impl Iterator<Item = (&'c KnownEntry, &'c Written)> {
    known.0.iter().flat_map(move |known| {
        let written = known.written.iter();
        let because = written.filter(move |written| written.because.contains(id));
        because.map(move |written| (known, written))
    })
}

/// The findings that a case's known file names.
#[must_use]
pub fn named_by(entry: &Entry) -> BTreeSet<&FindingId> {
    let written = entry.known.0.iter().flat_map(|known| &known.written);
    written.flat_map(|written| &written.because).collect()
}
