//! Reads the file of `--ignore`: findings that should not be reported for a while, each with a reason and a last day.

use std::path::Path;
use std::time::SystemTime;

use ocidiff_confine::yaml::weigh;
use ocidiff_confine::{raised, read_text};
use ocidiff_model::date::Date;
use ocidiff_model::ignore::{Ignore, IgnoreList};
use ocidiff_model::{Catalogue, FindingId, near};
use serde::Deserialize;

use crate::corpus::diagnostic::{Diagnostic, Diagnostics};
use crate::corpus::document::Document;
use crate::error::Error;

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 256 << 10;
/// How long a reason may be, in characters.
const REASON: usize = 500;

/// An entry as it is typed: each member is checked where it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    finding: Option<String>,
    reason: Option<String>,
    until: Option<String>,
}

/// Reads the file, on this day.
///
/// # Errors
/// It cannot be read; every error in it.
pub fn read(path: &Path, catalogue: &Catalogue) -> Result<IgnoreList, Error> {
    let file = path.display().to_string();
    let text = read_text(path, raised(MOST_BYTES)).map_err(|error| {
        Error::usage(format!(
            "failed to read the ignore file {file}: {error}; `ocidiff schema ignore` says what is in one"
        ))
    })?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let entries = entries(&Document::new(&file, &text), catalogue).map_err(Error::usage)?;
    Ok(IgnoreList {
        today: Date::of(since.unwrap_or_default().as_secs()),
        entries,
        file,
    })
}

fn entries(document: &Document<'_>, catalogue: &Catalogue) -> Result<Vec<Ignore>, Diagnostics> {
    let wrong = |error: Diagnostic| Diagnostics(vec![error]);
    weigh(document.text).map_err(|error| wrong(document.too_much(error)))?;
    let typed: Option<Vec<Typed>> = document.read().map_err(wrong)?;
    let mut errors = Diagnostics::default();
    let mut entries: Vec<Ignore> = Vec::new();
    for (at, typed) in typed.unwrap_or_default().into_iter().enumerate() {
        match entry(&typed, catalogue) {
            Ok(entry) if entries.iter().any(|other| other.finding == entry.finding) => {
                let message = format!("`{}` is ignored twice", entry.finding);
                let help = "remove one of the two".to_owned();
                errors
                    .0
                    .push(document.at(&[&at.to_string(), "finding"], message, help));
            }
            Ok(entry) => entries.push(entry),
            Err(wrong) => errors.0.extend(
                wrong
                    .into_iter()
                    .map(|wrong| document.at(&[&at.to_string(), wrong.key], wrong.message, wrong.help)),
            ),
        }
    }
    errors.or(entries)
}

/// What is wrong with a member of an entry, and what to do.
struct Wrong {
    key: &'static str,
    message: String,
    help: String,
}

fn entry(typed: &Typed, catalogue: &Catalogue) -> Result<Ignore, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut tell = |key, message: String, help: String| wrong.push(Wrong { key, message, help });
    let finding = finding(typed.finding.as_deref(), catalogue);
    let finding = finding
        .map_err(|(message, help)| tell("finding", message, help))
        .ok();
    let reason = typed.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        let help = "write why it may be ignored, for whoever reads this file in a year".to_owned();
        tell("reason", "an entry needs a `reason`".to_owned(), help);
    }
    if reason.chars().count() > REASON {
        let help = "write the rest where the reason can point to".to_owned();
        tell(
            "reason",
            format!("a reason has at most {REASON} characters"),
            help,
        );
    }
    let last = "write the last day on which it is ignored: YYYY-MM-DD";
    let until = match &typed.until {
        None => Err("an entry needs `until`".to_owned()),
        Some(text) => text.trim().parse::<Date>().map_err(|error| error.to_string()),
    };
    let until = until
        .map_err(|message| tell("until", message, last.to_owned()))
        .ok();
    match (finding, until) {
        (Some(finding), Some(until)) if wrong.is_empty() => Ok(Ignore {
            finding,
            reason: reason.to_owned(),
            until,
        }),
        _ => Err(wrong),
    }
}

/// A finding of the catalogue; otherwise what is wrong, and what to do.
fn finding(name: Option<&str>, catalogue: &Catalogue) -> Result<FindingId, (String, String)> {
    let list = || "`ocidiff findings` lists what there is".to_owned();
    let Some(name) = name.map(str::trim) else {
        return Err(("an entry needs a `finding`".to_owned(), list()));
    };
    let id = name.parse::<FindingId>();
    if let Some(id) = id.as_ref().ok().filter(|id| catalogue.find(id).is_some()) {
        return Ok(id.clone());
    }
    let meant = near::near(name, catalogue.0.keys().map(FindingId::as_str));
    let help = meant.map_or_else(list, |meant| format!("did you mean `{meant}`?"));
    match id {
        Ok(_) => Err((format!("there is no finding `{name}`"), help)),
        Err(error) => Err((error.to_string(), help)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let finding = serde_json::json!({
            "title": "t", "affects": "*", "kind": "design", "cause": "c",
            "impact": {"entering": "security", "leaving": "cosmetic"},
        });
        let finding = serde_json::from_value(finding).expect("a finding");
        Catalogue([("crun/some-thing".parse().expect("an id"), finding)].into())
    }

    fn read(text: &str) -> Result<Vec<Ignore>, String> {
        entries(&Document::new("i.yaml", text), &catalogue()).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_good_file_is_read() {
        let text = "# why\n- finding: crun/some-thing\n  reason: the profile is cured\n  until: 2026-12-31\n";
        let entries = read(text).expect("entries");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].until.to_string(), "2026-12-31");
        assert_eq!(read(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands_and_what_to_do() {
        let good = "finding: crun/some-thing, reason: r, until: 2026-12-31";
        for (text, place, words) in [
            (
                "- {finding: crun/some-think, reason: r, until: 2026-12-31}",
                "1:4",
                "= help: did you mean `crun/some-thing`?",
            ),
            (
                "- {finding: other/x, reason: r, until: 2026-12-31}",
                "1:4",
                "ocidiff findings",
            ),
            (
                "- {finding: crun/*, reason: r, until: 2026-12-31}",
                "1:4",
                "COMPONENT/SLUG",
            ),
            ("- {reason: r, until: 2026-12-31}", "1:4", "needs a `finding`"),
            (
                "- {finding: crun/some-thing, until: 2026-12-31}",
                "1:4",
                "needs a `reason`",
            ),
            (
                "-\n  finding: crun/some-thing\n  reason: ' '\n  until: 2026-12-31",
                "3:3",
                "needs a `reason`",
            ),
            ("- {finding: crun/some-thing, reason: r}", "1:4", "needs `until`"),
            (
                "-\n  finding: crun/some-thing\n  reason: r\n  until: 2026-02-30",
                "4:3",
                "`2026-02-30` is not a date",
            ),
            (
                "- {finding: crun/some-thing, reason: r, until: soon}",
                "1:",
                "YYYY-MM-DD",
            ),
            (
                "- {finding: crun/some-thing, reason: r, untill: 2026-12-31}",
                "1:",
                "did you mean `until`?",
            ),
            ("ignore: all", "1:1", "expected a list, not a map"),
            ("- crun/some-thing", "1:3", "crun/some-thing"),
            (&format!("- {{{good}}}\n- {{{good}}}"), "2:4", "ignored twice"),
            (
                &format!(
                    "- {{finding: crun/some-thing, reason: {}, until: 2026-12-31}}",
                    "x".repeat(501)
                ),
                "1:",
                "at most 500",
            ),
        ] {
            let told = read(text).expect_err(text);
            assert!(
                told.starts_with(&format!("i.yaml:{place}")) && told.contains(words),
                "{text}\n{told}"
            );
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let told = read("- {finding: a/b}\n- {until: never}\n").expect_err("errors");
        assert!(told.matches("i.yaml:").count() >= 5, "{told}");
    }
}
