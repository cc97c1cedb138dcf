//! What differs between versions of one runtime: by finding, what was fixed, what broke, what changed, and in which version.
//!
//! | module     | what is inside                                        |
//! |------------|-------------------------------------------------------|
//! | `find`     | from the events of a run to what changed               |
//! | `shown`    | whether a version shows a finding                     |
//! | `told`     | what happened to one finding, from version to version |
//! | `turn`     | one change between two versions: better or worse, why  |
//! | `terminal` | for people, as a table of findings and versions        |
//! | `markdown` | for a comment or a ticket                              |

mod find;
mod markdown;
mod shown;
mod terminal;
mod told;
mod turn;

use ocidiff_model::event::CaseReport;
use ocidiff_model::finding::{FindingId, Kind};
use ocidiff_model::{Event, Impact, Value, Verdict};
use serde::Serialize;

pub use shown::{Shown, shown};
pub(crate) use terminal::names;
pub use turn::{Direction, What};

use crate::run::Run;
use crate::style::{Style, count};
use crate::{Error, Format, object};

/// A fact in which two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactChange {
    /// Its path.
    pub fact: String,
    /// What the earlier version shows; `None` if it does not have the fact.
    pub from: Option<Value>,
    /// What the later version shows.
    pub to: Option<Value>,
}

/// A case in which two versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseChange {
    /// Its name.
    pub case: String,
    /// How it shows.
    pub facts: Vec<FactChange>,
}

/// What happened to a finding from one version to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// The earlier version.
    pub from: String,
    /// The version that differs from it.
    pub to: String,
    /// Fixed, broke or changed.
    pub what: What,
    /// Whether that is an improvement.
    pub direction: Direction,
    /// Why it is: clauses, and facts that confine less or more.
    pub why: Vec<String>,
    /// How much it matters for users who move from one version to the other.
    pub impact: Option<Impact>,
    /// Where it shows.
    pub cases: Vec<CaseChange>,
}

/// A finding that does not show in the same way in all versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub id: FindingId,
    /// What it does.
    pub title: String,
    /// What kind of behaviour it is.
    pub kind: Kind,
    /// In how many cases it shows, by version, including where versions do not differ.
    pub shows: Vec<usize>,
    /// What happened to it, in the order of the versions.
    pub turns: Vec<Turn>,
}

/// A case in which versions differ, and no finding says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// The earlier version.
    pub from: String,
    /// The version that differs from it.
    pub to: String,
    /// Whether that is an improvement.
    pub direction: Direction,
    /// Why it is.
    pub why: Vec<String>,
    /// Where, and how it shows.
    #[serde(flatten)]
    pub case: CaseChange,
}

/// A version that could not be compared with the others in some cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The version.
    pub version: String,
    /// Its reason, in its own words.
    pub why: String,
    /// In which cases.
    pub cases: Vec<String>,
}

/// What differs between versions of one runtime.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changes {
    /// The runtime.
    pub runtime: String,
    /// Its versions, the earliest first.
    pub versions: Vec<String>,
    /// Where they ran.
    pub machine: String,
    /// How many cases have a verdict.
    pub cases: usize,
    /// In how many of them versions differ.
    pub differing: usize,
    /// What changed, by finding: the worst first.
    pub findings: Vec<Row>,
    /// What changed, and no finding says why.
    pub unexplained: Vec<Unexplained>,
    /// Cases that were not the same each time, and so say nothing about versions.
    pub unstable: Vec<String>,
    /// Cases that differ because of a known race.
    pub races: Vec<String>,
    /// Cases with a fact for which known files accept any value: it varies, or consists of the runtime's own words.
    pub left_open: Vec<String>,
    /// Versions that say that they do not support what a case asks for.
    pub left_out: Vec<LeftOut>,
    /// Cases that did not run: why, and how many.
    pub not_run: Vec<(String, usize)>,
    /// Cases that the harness or the machine failed.
    pub broken: Vec<String>,
    /// Why not every case has a verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_early: Option<String>,
}

/// Why a run has no versions to compare with each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVersions {
    /// Several runtimes.
    #[error("it is from {0}: versions of one runtime are compared, and `report` draws the others")]
    Several(String),
    /// One alone.
    #[error("it is from {0} alone, and a comparison takes two versions")]
    One(String),
    /// Several machines.
    #[error("it is from several runs or machines; give the events of one run")]
    Merged,
}

impl Changes {
    /// What differs between the versions of a run.
    ///
    /// # Errors
    /// The run is not a run of several versions of one runtime.
    pub fn of(events: &[Event]) -> Result<Self, NotVersions> {
        Self::of_run(&Run::of(events))
    }

    /// The same for a run that has been sorted out.
    ///
    /// # Errors
    /// The run is not a run of several versions of one runtime.
    pub fn of_run(run: &Run<'_>) -> Result<Self, NotVersions> {
        find::changes(run)
    }

    /// How many findings underwent this change.
    #[must_use]
    pub fn number(&self, what: What) -> usize {
        let all = self
            .findings
            .iter()
            .filter(|row| row.turns.iter().any(|turn| turn.what == what));
        all.count()
    }

    /// `crun 1.21, 1.28 on kernel 6.18.44, cgroup v1, x86_64`
    #[must_use]
    pub fn title(&self) -> String {
        format!(
            "{} {} on {}",
            self.runtime,
            self.versions.join(", "),
            self.machine
        )
    }

    /// `46 of 1464 cases differ between the versions: 9 findings fixed, 7 broke, 8 changed; 2 cases are not explained`
    #[must_use]
    pub fn counts(&self) -> String {
        let differ = if self.differing == 1 { "differs" } else { "differ" };
        let cases = match (self.differing, self.cases) {
            (1, 1) => "1 case".to_owned(),
            (_, cases) => format!("{cases} cases"),
        };
        let mut text = format!("{} of {cases} {differ} between the versions", self.differing);
        let kinds = [What::Broke, What::Fixed, What::Changed];
        let kinds = kinds.map(|what| (self.number(what), what));
        let said: Vec<String> = kinds
            .iter()
            .filter(|(number, _)| *number > 0)
            .enumerate()
            .map(|(at, (number, what))| match at {
                0 => format!("{} {what}", count(*number, "finding")),
                _ => format!("{number} {what}"),
            })
            .collect();
        if !said.is_empty() {
            text.push_str(&format!(": {}", said.join(", ")));
        }
        let mut open: Vec<&str> = self
            .unexplained
            .iter()
            .map(|one| one.case.case.as_str())
            .collect();
        open.dedup();
        if !open.is_empty() {
            let (cases, verb) = match open.len() {
                1 => ("1 case".to_owned(), "is"),
                number => (count(number, "case"), "are"),
            };
            text.push_str(&format!("; {cases} {verb} not explained"));
        }
        text
    }
}

/// Draws what changed.
///
/// # Errors
/// The format is for runs or for checks.
pub fn render(format: Format, changes: &Changes, style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(changes, style)),
        Format::Markdown => Ok(markdown::render(changes)),
        Format::Json => object(changes),
        Format::Junit | Format::Html | Format::Sarif => Err(Error::OnlyOne(format)),
    }
}

/// What a run with versions of one runtime reports in place of what is known; `None` for other runs.
pub(crate) fn of_versions(run: &Run<'_>, style: &Style) -> Option<String> {
    let changes = Changes::of_run(run).ok()?;
    Some(terminal::render(&changes, style))
}

/// Whether a case was compared at all.
fn was_compared(case: &CaseReport) -> bool {
    !matches!(
        case.verdict,
        Verdict::Skipped | Verdict::Broken | Verdict::Unsupported
    )
}
