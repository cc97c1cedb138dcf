//! Findings: their texts, clauses, ranges and conditions.

use ocidiff_model::finding::{CALL, Predicate, SAID, Sign};
use ocidiff_model::pattern::{alternatives, glob};
use ocidiff_model::{Channel, Finding, facts};

use super::{machine, requirement};
use crate::corpus::Corpus;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::spec;

/// The length of a title in characters, so that a table of findings fits on a screen.
const TITLE: usize = 110;

/// What is wrong with a finding, if anything.
pub(in crate::corpus) fn check(
    document: &Document<'_>,
    finding: &Finding,
    corpus: &Corpus,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut tell = |keys: &[&str], message: String, help: Option<&str>| {
        found.push(document.at(keys, message, help.map(str::to_owned)));
    };
    if finding.title.chars().count() > TITLE || finding.title.ends_with('.') || finding.title.contains('\n') {
        let help = "one sentence of at most 110 characters that can be false, without a full stop";
        tell(
            &["title"],
            "`title` does not fit into a line of a table".to_owned(),
            Some(help),
        );
    }
    if finding.affects.is_some() == finding.seen.is_some() {
        let help = "`affects` if the source or the changelog was read, or else `seen`";
        tell(
            &[],
            "one of `affects` and `seen` must say which versions".to_owned(),
            Some(help),
        );
    }
    for (key, range) in [("affects", &finding.affects), ("seen", &finding.seen)] {
        if let Some(range) = range.as_ref().filter(|range| !range.can_hold()) {
            tell(&[key], format!("no version can lie in `{range}`"), None);
        }
    }
    if finding.violates.is_some() && finding.allows.is_some() {
        tell(
            &["allows"],
            "a clause cannot be violated where another allows it".to_owned(),
            None,
        );
    }
    for (key, clause) in [("violates", &finding.violates), ("allows", &finding.allows)] {
        if let Some((message, help)) = clause.as_ref().and_then(|id| requirement(id, corpus)) {
            tell(&[key], message, help.as_deref());
        }
    }
    let applies = finding.applies.as_ref();
    for (keys, (message, help)) in applies
        .iter()
        .filter_map(|applies| applies.when.as_ref())
        .flat_map(machine::when)
    {
        let mut place = vec!["applies", "when"];
        place.extend(keys.iter().map(String::as_str));
        tell(&place, message, help.as_deref());
    }
    let config = applies.and_then(|applies| applies.config.as_ref());
    let wrong = config
        .into_iter()
        .flat_map(|pattern| spec::check_pattern(pattern.value()));
    // A finding can be about a member that does not exist: only a name similar to an existing one can be a slip.
    let is_slip = |help: &Option<String>| help.as_ref().is_none_or(|help| help.starts_with("did you mean"));
    for wrong in wrong.filter(|wrong| is_slip(&wrong.help)) {
        let mut place = vec!["applies", "config"];
        place.extend(wrong.keys.iter().map(String::as_str));
        tell(&place, wrong.message, wrong.help.as_deref());
    }
    for (at, sign) in finding.shows.iter().enumerate() {
        let at = at.to_string();
        let paths = std::iter::once(&sign.fact)
            .chain(sign.beside.keys())
            .chain(sign.others.keys());
        let is_aside = |path: &str| {
            [SAID, CALL]
                .into_iter()
                .any(|last| path.ends_with(&format!(".{last}")))
        };
        let is_plain = |path: &str| !path.contains(['*', '{']) && !is_aside(path);
        for path in paths {
            // What is said for several facts must be said of a channel that there is.
            let is_wrong = if is_plain(path) {
                facts::find(path).is_none()
            } else {
                !is_of_a_channel(path)
            };
            if is_wrong {
                let help = facts::meant(path).map(|meant| format!("did you mean `{meant}`?"));
                tell(
                    &["shows", &at],
                    format!("there is no fact `{path}`"),
                    help.as_deref(),
                );
            }
        }
        if explains_anything(sign) && applies.is_none() {
            let help = "say which fact and which value, or which workloads (`applies`)";
            tell(
                &["shows", &at],
                "this sign would explain whatever differs under the component".to_owned(),
                Some(help),
            );
        }
    }
    found
}

/// Whether a path with `*` or `{a,b}` can be a fact's: its first word, as far as it is written, is a channel's.
fn is_of_a_channel(path: &str) -> bool {
    alternatives(path).iter().all(|path| {
        let head = path.split('.').next().unwrap_or_default();
        Channel::ALL.iter().any(|channel| glob(head, channel.name()))
    })
}

/// A sign of every difference there can be.
fn explains_anything(sign: &Sign) -> bool {
    sign.fact == "*"
        && sign.listed.is_none()
        && sign.shows == Predicate::Any(true)
        && sign.beside.is_empty()
        && sign.others.is_empty()
}
