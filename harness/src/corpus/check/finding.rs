//! Findings: their texts, clauses, ranges and conditions.

mod open;
mod sign;

use ocidiff_model::Finding;
use ocidiff_model::date::is_month;
use serde_json::json;

use super::config::Excuses;
use super::machine::At;
use super::{machine, requirement};
use crate::corpus::Corpus;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::spec::{self, Wrong};

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
        let (key, message): (&[&str], _) = match finding.seen {
            Some(_) => (
                &["seen"],
                "`affects` and `seen` both say which versions: one of them goes",
            ),
            None => (&[], "one of `affects` and `seen` must say which versions"),
        };
        tell(key, message.to_owned(), Some(help));
    }
    for (key, range) in [("affects", &finding.affects), ("seen", &finding.seen)] {
        if let Some(range) = range.as_ref().filter(|range| !range.can_hold()) {
            tell(&[key], format!("no version can lie in `{range}`"), None);
        }
    }
    if let Some(month) = finding.searched.as_ref().filter(|month| !is_month(month)) {
        let message = format!("`{month}` is not a month; write YYYY-MM, such as 2026-11");
        tell(&["searched"], message, None);
    }
    if finding.shows.is_empty() && document.has(&["shows"]) {
        let help = "leave it out if no sign can describe the behaviour";
        tell(&["shows"], "`shows` has no sign".to_owned(), Some(help));
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
    let excuses = Excuses::default();
    for (keys, (message, help)) in conditions(finding, &excuses) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        tell(&keys, message, help.as_deref());
    }
    for (at, sign) in finding.shows.iter().enumerate() {
        for (keys, (message, help)) in sign::slips(sign, applies) {
            let at = at.to_string();
            let place: Vec<&str> = ["shows", &at]
                .into_iter()
                .chain(keys.iter().map(String::as_str))
                .collect();
            tell(&place, message, help.as_deref());
        }
    }
    // An error elsewhere can keep a check from finishing.
    if found.is_empty() {
        found.extend(excuses.dead(document, finding.invalid.iter()));
    }
    found
}

/// What in the conditions over a config no config as the spec has it can hold, and the finding does not declare wrong on
/// purpose.
fn conditions(finding: &Finding, excuses: &Excuses) -> Vec<At> {
    let applies = finding.applies.as_ref();
    let config = applies.and_then(|applies| applies.config.as_ref());
    let of_config = config
        .into_iter()
        .flat_map(|pattern| spec::check_pattern(pattern.value()))
        .map(|wrong| (["applies", "config"].map(str::to_owned).to_vec(), 0, wrong));
    let of_signs = finding.shows.iter().enumerate().flat_map(|(at, sign)| {
        let mount = sign
            .mounted
            .as_ref()
            .map(|such| json!({"mounts": [such.value()]}));
        let place = ["shows", &at.to_string(), "mounted"].map(str::to_owned).to_vec();
        let wrongs = mount.iter().flat_map(spec::check_pattern).collect::<Vec<_>>();
        // `mounts` and the index stand for `mounted`.
        wrongs.into_iter().map(move |wrong| (place.clone(), 2, wrong))
    });
    of_config
        .chain(of_signs)
        .filter(|(_, _, wrong)| !excuses.holds(&finding.invalid, &wrong.path()))
        .map(|(place, skipped, wrong)| {
            let help = wrong.help.clone().or_else(|| excused(&wrong));
            let keys = place.into_iter().chain(wrong.keys.into_iter().skip(skipped));
            (keys.collect(), (wrong.message, help))
        })
        .collect()
}

/// What to do where the finding means it.
fn excused(wrong: &Wrong) -> Option<String> {
    Some(format!(
        "if the finding is about that, write `invalid: [{}]`",
        wrong.path()
    ))
}
