//! What is wrong with known files and findings that load: names that nothing uses, texts, form.

mod form;
pub mod recognition;
mod texts;

use std::collections::BTreeSet;

use ocidiff_model::finding::UNEXPLAINED;
use ocidiff_model::known::{Item, KnownFile, Said};
use ocidiff_model::{Finding, FindingId};

pub use form::{Form, form_of};

use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::source::{Source, Sources};

const FINDINGS: &str = "findings/";
const KNOWN: &str = ".known.yaml";

/// A file of the catalogue, read.
pub enum Written {
    /// A finding.
    Finding(FindingId, Box<Finding>),
    /// A known file.
    Known(KnownFile),
}

impl Written {
    /// What a finding is about.
    fn component(&self) -> Option<&str> {
        match self {
            Self::Finding(id, _) => Some(id.component()),
            Self::Known(_) => None,
        }
    }

    /// The content of a source, if it is a finding or a known file; `None` if it cannot be read, which loading reports.
    #[must_use]
    pub fn of(name: &str, source: &Source) -> Option<Self> {
        if source.unreadable.is_some() {
            return None;
        }
        if let Some(id) = name.strip_prefix(FINDINGS) {
            let id = id.strip_suffix(".yaml")?.parse().ok()?;
            return serde_yaml::from_str(&source.text)
                .ok()
                .map(|finding| Self::Finding(id, finding));
        }
        name.ends_with(KNOWN)
            .then(|| serde_yaml::from_str::<Option<KnownFile>>(&source.text).ok())?
            .map(|known| Self::Known(known.unwrap_or_default()))
    }
}

/// Everything that is wrong, by file and line. The sources must have loaded.
#[must_use]
pub fn lint(sources: &Sources) -> Vec<Diagnostic> {
    let read: Vec<(&Source, Written)> = sources
        .iter()
        .filter_map(|(name, source)| Some((source, Written::of(name, source)?)))
        .collect();
    let mut found = texts::twice(&read);
    let named = named(&read);
    let components: BTreeSet<&str> = read
        .iter()
        .filter_map(|(_, written)| written.component())
        .collect();
    for (source, written) in &read {
        let document = Document::new(&source.shown, &source.text);
        match written {
            Written::Finding(id, finding) => {
                found.extend(texts::finding(&document, id, finding, &components));
                found.extend(repeated(&document, finding));
                if !named.contains(id) && finding.unshown.is_none() {
                    let help =
                        "name it in the known file of a case that shows it, say `unshown: WHY`, or remove it"
                            .to_owned();
                    found.push(document.at(&[], format!("no known file names `{id}`"), Some(help)));
                }
            }
            Written::Known(known) => found.extend(unexplained(&document, known)),
        }
        found.extend(texts::wide(&document));
        found.extend(form::check(&document, written));
    }
    found.sort();
    found
}

/// Signs that occur twice.
fn repeated(document: &Document<'_>, finding: &Finding) -> Vec<Diagnostic> {
    let signs = finding.shows.iter().enumerate();
    let twice = signs.filter(|(at, sign)| finding.shows[..*at].contains(sign));
    twice
        .map(|(at, sign)| {
            let place = ["shows", &at.to_string()];
            document.at(
                &place,
                format!("the sign about `{}` stands above already", sign.fact),
                None,
            )
        })
        .collect()
}

fn named(read: &[(&Source, Written)]) -> BTreeSet<FindingId> {
    let known = read.iter().filter_map(|(_, written)| match written {
        Written::Known(known) => Some(known),
        Written::Finding(..) => None,
    });
    let said = known.flat_map(|known| known.0.iter().flat_map(|group| group.facts.values()));
    said.flat_map(Said::ids).cloned().collect()
}

fn unexplained(document: &Document<'_>, known: &KnownFile) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, group) in known.0.iter().enumerate() {
        for (fact, said) in &group.facts {
            for (at, item) in said.items().iter().enumerate() {
                let Item::Because(item) = item else { continue };
                if item.because.ids().iter().any(FindingId::is_unexplained) {
                    let place = [&index.to_string(), "facts", fact, &at.to_string()];
                    let help = "write the finding, and name it here".to_owned();
                    let message = format!("`{fact}` is {UNEXPLAINED}");
                    found.push(document.at(&place, message, Some(help)));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
