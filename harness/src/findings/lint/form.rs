//! The single form in which findings and known files are written.

use ocidiff_model::finding::Finding;
use ocidiff_model::known::KnownFile;

use super::Written;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::print;

/// How a file relates to that form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// The file has it.
    Good,
    /// The file would have it with this text.
    Other(String),
    /// The file cannot be written like that without losing something: why.
    Kept(String),
}

/// The form of a file's text. What would be written reads back as the same, comments and all.
#[must_use]
pub fn form_of(text: &str, written: &Written) -> Form {
    let head = head_of(text);
    let body = match written {
        Written::Finding(_, finding) => print::finding(finding),
        Written::Known(known) if known.0.is_empty() => "[]\n".to_owned(),
        Written::Known(known) => known.0.iter().map(print::group).collect(),
    };
    let new = format!("{head}{body}");
    if new == text {
        return Form::Good;
    }
    if let Some(comment) = print::comment_in(&text[head.len()..], &body) {
        return Form::Kept(format!(
            "the comment in line {} would be lost: move it to the head of the file",
            head.lines().count() + comment
        ));
    }
    if !reads_back(&new, written) {
        return Form::Kept("in canonical form it would not read back as the same".to_owned());
    }
    Form::Other(new)
}

/// What is wrong with the form of a file.
pub(super) fn check(document: &Document<'_>, written: &Written) -> Option<Diagnostic> {
    match form_of(document.text, written) {
        Form::Good => None,
        Form::Other(new) => {
            let same = document
                .text
                .lines()
                .zip(new.lines())
                .take_while(|(old, new)| old == new);
            let mut told = document.at(&[], "it is not in canonical form".to_owned(), None);
            told.line = same.count() + 1;
            told.help = Some("`ocidiff lint --fix` writes it".to_owned());
            Some(told)
        }
        Form::Kept(why) => {
            let message = format!("it is not in canonical form, and is not rewritten: {why}");
            Some(document.at(&[], message, None))
        }
    }
}

/// The comments and empty lines at the beginning of a file.
fn head_of(text: &str) -> &str {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let plain = line.trim();
        if !(plain.is_empty() || plain.starts_with('#')) {
            break;
        }
        end += line.len();
    }
    &text[..end]
}

fn reads_back(text: &str, written: &Written) -> bool {
    match written {
        Written::Finding(_, finding) => {
            let again = serde_yaml::from_str::<Finding>(text);
            again.is_ok_and(|again| plain(&again) == plain(finding))
        }
        Written::Known(known) => {
            let again = serde_yaml::from_str::<KnownFile>(text);
            again.is_ok_and(|again| again == *known)
        }
    }
}

/// A finding whose texts lack what is only layout.
fn plain(finding: &Finding) -> Finding {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Finding {
        cause: flat(&finding.cause),
        remedy: finding.remedy.as_deref().map(flat),
        ..finding.clone()
    }
}
