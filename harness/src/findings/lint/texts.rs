//! The words of findings, and the width of lines.

use std::collections::{BTreeMap, BTreeSet};

use ocidiff_model::finding::{Kind, Reported};
use ocidiff_model::known::{Item, KnownFile, Said};
use ocidiff_model::{Finding, FindingId};

use super::Written;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::source::Source;

/// The maximum width of a line.
const WIDTH: usize = 160;
/// The maximum length of a cause, in characters.
const CAUSE: usize = 500;
/// The length in characters of a sentence that is not written twice by chance.
const SENTENCE: usize = 60;
/// Phrases that give a status, or refer to another finding.
const PHRASES: [(&str, &str); 2] = [
    ("no thread found", "`searched` says that"),
    ("as for ", "say it here: each finding is read alone"),
];

/// What is wrong with the words of a finding.
pub(super) fn finding(
    document: &Document<'_>,
    id: &FindingId,
    finding: &Finding,
    components: &BTreeSet<&str>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut tell = |key: &str, message: String, help: &str| {
        found.push(document.at(&[key], message, Some(help.to_owned())));
    };
    let length = finding.cause.trim().chars().count();
    if length > CAUSE {
        let message = format!("`cause` has {length} characters: at most {CAUSE} are read");
        tell("cause", message, "keep why; leave out how it was found");
    }
    for (key, text) in texts(finding) {
        let plain = text.to_lowercase();
        for (phrase, help) in PHRASES {
            if plain.contains(phrase) {
                tell(key, format!("`{key}` says \"{}\"", phrase.trim()), help);
            }
        }
    }
    let wants_upstream = matches!(finding.kind, Kind::Bug | Kind::Missing);
    if wants_upstream && finding.upstream().is_none() {
        let message = format!(
            "a finding of kind {} says whether upstream has heard of it",
            finding.kind.name()
        );
        tell(
            "kind",
            message,
            "add `reported: OWNER/REPO#NUMBER`, or `searched: YYYY-MM` if there is no thread",
        );
    }
    if finding.reported == Some(Reported::No) && finding.searched.is_none() {
        let message = "`reported: no` without `searched`, the month of the search".to_owned();
        tell("reported", message, "add `searched: YYYY-MM`");
    }
    let mut named = finding
        .title
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| components.contains(word.to_lowercase().as_str()));
    if named
        .next()
        .is_none_or(|first| first.to_lowercase() != id.component())
    {
        let message = format!("the title does not begin with {}, which does it", id.component());
        tell("title", message, "name the component before any other");
    }
    found
}

fn texts(finding: &Finding) -> impl Iterator<Item = (&'static str, &str)> {
    let always = [
        ("title", finding.title.as_str()),
        ("cause", finding.cause.as_str()),
    ];
    let remedy = finding.remedy.as_deref().map(|remedy| ("remedy", remedy));
    always.into_iter().chain(remedy)
}

/// Sentences that occur twice.
pub(super) fn twice(read: &[(&Source, Written)]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (source, written) in read {
        let all: Vec<(&str, &str)> = match written {
            Written::Finding(_, finding) => texts(finding).collect(),
            Written::Known(known) => reasons(known).map(|reason| ("reason", reason)).collect(),
        };
        for (key, text) in all {
            for sentence in sentences(text) {
                if let Some(there) = first.get(sentence.as_str()) {
                    let opening: String = sentence.chars().take(SENTENCE).collect();
                    let message = format!("\"{opening}...\" stands in {there} already");
                    let help = "one cause is one finding; or else say what is different here".to_owned();
                    let document = Document::new(&source.shown, &source.text);
                    found.push(document.at(&[key], message, Some(help)));
                } else {
                    first.insert(sentence, &source.shown);
                }
            }
        }
    }
    found
}

/// The reasons why values can be anything.
fn reasons(known: &KnownFile) -> impl Iterator<Item = &str> {
    let said = known.0.iter().flat_map(|group| group.facts.values());
    said.flat_map(Said::items).filter_map(|item| match item {
        Item::Because(item) => item.reason.as_deref(),
        Item::Otherwise(item) => item.reason.as_deref(),
    })
}

/// The sentences of a text that are long enough to be considered the same on purpose.
fn sentences(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let parts: Vec<String> = line
        .split_inclusive(". ")
        .map(|part| part.trim().trim_end_matches('.').to_owned())
        .filter(|part| part.chars().count() >= SENTENCE)
        .collect();
    parts.into_iter()
}

/// Lines that are too wide, except for what cannot be broken: lists, links, quoted texts.
pub(super) fn wide(document: &Document<'_>) -> Vec<Diagnostic> {
    let lines = document.text.lines().enumerate();
    lines
        .filter(|(_, line)| line.chars().count() > WIDTH && breakable(line) > WIDTH)
        .map(|(at, line)| {
            let columns = line.chars().count();
            let message = format!("the line has {columns} columns: at most {WIDTH} are read");
            let help = "`ocidiff lint --fix` breaks what can be broken".to_owned();
            document.error((at + 1, WIDTH + 1), &message, Some(help))
        })
        .collect()
}

/// The width of a line without its innermost lists and what is between quotes.
fn breakable(line: &str) -> usize {
    let mut kept = 0;
    let mut since_open: Option<usize> = None;
    let mut quoted = false;
    let mut escaped = false;
    for c in line.chars() {
        let is_quote = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        if is_quote {
            quoted = !quoted;
        }
        if quoted {
            continue;
        }
        match c {
            '[' => since_open = Some(kept),
            ']' => kept = since_open.take().unwrap_or(kept),
            _ => {}
        }
        kept += 1;
    }
    kept
}
