//! Reports: everything that is reported about a run or a check is made from its events, so that it can be drawn again
//! later.
//!
//! | module       | what is inside                                                         |
//! |--------------|------------------------------------------------------------------------|
//! | [`check`]    | which workloads of a node would behave differently                     |
//! | [`changes`]  | what differs between versions of one runtime                           |
//! | [`fleet`]    | the same for many nodes                                                |
//! | [`draw`]     | a check, of one node or of many, in each format                        |
//! | [`findings`] | what is known, as a list, one in full, one as a bug report             |
//! | [`events`]   | the events as a file: written as they come, read back                  |
//! | [`nights`]   | what has changed since the night before; many nights, a line each      |
//! | [`run`]      | the events, sorted out and counted; the order of what is reported      |
//! | [`terminal`] | the report for people, complete or as the run goes; one case explained |
//! | [`markdown`] | a summary for CI or a comment                                          |
//! | [`junit`]    | JUnit XML for CI                                                       |
//! | [`page`]     | a run as a page that loads nothing: what fails, findings, each case     |
//! | [`mutants`]  | which mutants were caught, by which case, and by what                  |
//! | [`safe()`]   | hostile text made harmless                                             |

mod accounts;
pub mod changes;
pub mod check;
mod diff;
pub mod draw;
pub mod events;
pub mod file;
pub mod findings;
pub mod fleet;
mod html;
mod ignored;
mod in_order;
pub mod junit;
pub mod markdown;
pub mod mutants;
mod news;
mod next;
pub mod nights;
pub mod page;
pub mod run;
mod safe;
mod sheet;
mod style;
mod table;
mod telling;
pub mod terminal;
mod when;

use std::fmt;
use std::str::FromStr;

use ocidiff_model::Event;
use serde::Serialize;

pub use run::Run;
pub use safe::{safe, safe_json, safe_lines, safe_to, words_to};
pub use style::{Style, count, first_of, hanging};
pub use telling::word;

/// The formats in which a report can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people at a terminal.
    Terminal,
    /// For a CI summary or a comment.
    Markdown,
    /// JUnit XML; for runs, and for the check of one node.
    Junit,
    /// A self-contained page.
    Html,
    /// A run's events themselves, one JSON object a line; a check's report as one object.
    Json,
    /// SARIF 2.1.0; for the check of one node.
    Sarif,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Terminal,
        Self::Markdown,
        Self::Junit,
        Self::Html,
        Self::Json,
        Self::Sarif,
    ];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Html => "html",
            Self::Json => "json",
            Self::Sarif => "sarif",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is not a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format; there are terminal, markdown, junit, html, json and sarif")]
pub struct FormatError(String);

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| FormatError(safe_to(text, 40)))
    }
}

/// Why a report could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The JUnit XML could not be written.
    #[error("write junit report: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The events could not be written.
    #[error(transparent)]
    Events(#[from] events::Error),
    /// The report could not be written as JSON.
    #[error("write report: {0}")]
    Json(#[from] serde_json::Error),
    /// The format is for runs only, and this is a check.
    #[error("{0} is for runs; this is a check")]
    OnlyRuns(Format),
    /// The format is for the check of one node.
    #[error("{0} is for the check of one node")]
    OnlyChecks(Format),
    /// A comparison of runs has no report in this format.
    #[error("{0} is for one run; for several there are terminal, markdown and json")]
    OnlyOne(Format),
}

/// Draws the report of a run.
///
/// # Errors
/// The format is for checks, or its writer failed; the reports for the terminal, in Markdown and as a page never fail.
pub fn render(format: Format, events: &[Event], style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(events, style)),
        Format::Markdown => Ok(markdown::render(events)),
        Format::Junit => junit::render(events),
        Format::Html => Ok(page::render(events)),
        Format::Json => Ok(events::lines_of(events)?),
        Format::Sarif => Err(Error::OnlyChecks(format)),
    }
}

/// One JSON object.
fn object(report: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_string_pretty(report)?;
    Ok(format!("{}\n", safe_json(&json)))
}
