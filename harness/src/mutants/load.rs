//! Reads mutants from their files: a list in each, all errors at once.

use std::collections::BTreeMap;

use ocidiff_model::Op;
use ocidiff_runtimes::Manifest;

use super::rule::{CallRule, Mutant};
use crate::corpus::source::{Sources, Unreadable};
use crate::corpus::{Corpus, Diagnostic, Diagnostics, document::Document};

/// Larger files are refused unread, and a rule must fit into one word of a command line (128 KiB).
const MAX_FILE: usize = 1 << 20;
const MAX_RULE: usize = 64 << 10;

/// What the names in mutants must refer to.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Requirements and topics.
    pub corpus: &'a Corpus,
    /// Runtimes.
    pub manifests: &'a [Manifest],
}

/// The mutants of all files by `FILE/NAME`, in that order.
///
/// # Errors
/// Every error of every file.
pub fn load(sources: &Sources, names: &Names<'_>) -> Result<Vec<Mutant>, Diagnostics> {
    let mut errors = Diagnostics::default();
    let mut mutants = BTreeMap::new();
    for (name, source) in sources.iter().filter(|(name, _)| name.ends_with(".yaml")) {
        let document = Document::new(&source.shown, &source.text);
        let parsed = match &source.unreadable {
            Some(Unreadable { why, line, column }) => Err(Diagnostic::new(
                &source.shown,
                (*line, *column),
                why.clone(),
                None,
            )),
            None => parse(&document),
        };
        let section = name.rsplit('/').next().unwrap_or(name).trim_end_matches(".yaml");
        match parsed {
            Err(error) => errors.0.push(error),
            Ok(found) => {
                for (index, mut mutant) in found.into_iter().enumerate() {
                    let at = index.to_string();
                    let mut wrong = |keys: &[&str], message: String, help: Option<String>| {
                        let keys = [&[at.as_str()], keys].concat();
                        errors.0.push(document.at(&keys, message, help));
                    };
                    check(&mutant, names, &mut wrong);
                    mutant.name = format!("{section}/{}", mutant.name);
                    if mutants.contains_key(&mutant.name) {
                        wrong(
                            &["name"],
                            "a mutant of this name is there already".to_owned(),
                            None,
                        );
                    }
                    mutants.insert(mutant.name.clone(), mutant);
                }
            }
        }
    }
    errors.or(mutants.into_values().collect())
}

fn parse(document: &Document<'_>) -> Result<Vec<Mutant>, Diagnostic> {
    if document.text.len() > MAX_FILE {
        let help = "split it".to_owned();
        return Err(document.at(&[], "it is larger than 1 MiB", help));
    }
    document.read()
}

/// Reports an error: the keys that lead to it, what is wrong, what to do.
type Wrong<'w> = dyn FnMut(&[&str], String, Option<String>) + 'w;

fn check(mutant: &Mutant, names: &Names<'_>, wrong: &mut Wrong<'_>) {
    let plain = |text: &str| {
        !text.is_empty() && text.len() <= 80 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if !plain(&mutant.name) {
        wrong(
            &["name"],
            "a name has letters, digits and dashes only".to_owned(),
            None,
        );
    }
    for id in mutant
        .breaks
        .iter()
        .filter(|id| !names.corpus.requirements.contains_key(*id))
    {
        let help = "the ids are in cases/requirements.yaml".to_owned();
        wrong(
            &["breaks"],
            format!("unknown requirement `{}`", shown(id)),
            Some(help),
        );
    }
    let topics: std::collections::BTreeSet<&str> = names
        .corpus
        .entries
        .iter()
        .map(|entry| entry.case.topic())
        .collect();
    for topic in mutant
        .topics
        .iter()
        .filter(|topic| !topics.contains(topic.as_str()))
    {
        let known = topics.iter().copied().collect::<Vec<_>>().join(", ");
        wrong(
            &["topics"],
            format!("no case lies under `{}`", shown(topic)),
            Some(format!("there are {known}")),
        );
    }
    let runtimes: Vec<&str> = names
        .manifests
        .iter()
        .map(|manifest| manifest.name.as_str())
        .collect();
    for name in mutant
        .over
        .iter()
        .filter(|name| !runtimes.contains(&name.name.as_str()))
    {
        let help = format!("there are {}", runtimes.join(", "));
        wrong(
            &["over"],
            format!("no runtime is called `{}`", shown(&name.name)),
            Some(help),
        );
    }
    if mutant.breaks.is_empty() && mutant.topics.is_empty() && !mutant.rule.is_empty() {
        let help = "name clauses in `breaks`, or folders of cases in `topics`".to_owned();
        wrong(&["name"], "it does not say what it breaks".to_owned(), Some(help));
    }
    for (op, rule) in &mutant.rule.calls {
        check_call(*op, rule, &mut |why| {
            wrong(&["rule", "calls", op.name()], why, None);
        });
    }
    for (keys, message, help) in super::check::rule(mutant) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        wrong(&keys, message, help);
    }
    let size = |edits| serde_json::to_string(edits).map_or(0, |text: String| text.len());
    let calls = mutant
        .rule
        .calls
        .values()
        .map(|rule| serde_json::to_string(rule).map_or(0, |text| text.len()));
    let edits = [&mutant.rule.config, &mutant.rule.process, &mutant.rule.resources];
    if edits
        .into_iter()
        .map(size)
        .chain(calls)
        .any(|size| size > MAX_RULE)
    {
        wrong(&["rule"], "it is larger than 64 KiB".to_owned(), None);
    }
}

fn check_call(op: Op, rule: &CallRule, wrong: &mut dyn FnMut(String)) {
    if !op.calls_runtime() {
        wrong(format!("no runtime is called for `{op}`"));
    }
    // Output that a container inherits would be read to its end.
    if !rule.output.is_empty() && matches!(op, Op::Create | Op::Run | Op::Exec) {
        wrong(format!(
            "the output of `{op}` is the container's too: it cannot be edited"
        ));
    }
    let rest =
        !rule.through.is_empty() || !rule.then.is_empty() || rule.has_after_work() || rule.instead.is_some();
    if rule.answer.is_some() && rest {
        wrong(
            "an `answer` is all that happens: no `through`, `instead`, `then`, `output`, `after`, `exit`"
                .to_owned(),
        );
    }
    let plain = |op: &Op| {
        matches!(
            op,
            Op::Start | Op::State | Op::Kill | Op::Delete | Op::Pause | Op::Resume
        )
    };
    if let Some(op) = rule.then.iter().chain(&rule.instead).find(|op| !plain(op)) {
        wrong(format!(
            "`{op}` needs more than an id: `then` and `instead` take start, state, kill, delete, pause, resume"
        ));
    }
}

/// Text from another person's file in one of our messages.
fn shown(text: &str) -> String {
    ocidiff_reports::safe_to(text, 80)
}
