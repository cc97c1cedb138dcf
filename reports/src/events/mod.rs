//! The events as a file: one JSON object per line, written as they come.

mod checks;
mod lines;
mod write;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use ocidiff_confine::limit::Hint;
use ocidiff_confine::read::open_stream;
use ocidiff_model::{Counts, Event};

use lines::Lines;

pub use checks::{Checks, read_checks};
pub use write::{PartFile, Writer, lines_of};

/// What can go wrong with a file of events.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line holds no event.
    #[error("line {line}: not an event of ocidiff: {message}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A line that is too long for any event.
    #[error("line {line}: more than {most} bytes, which is longer than any event; {Hint}")]
    Long {
        /// Counted from 1.
        line: usize,
        /// The limit.
        most: u64,
    },
    /// More events than are kept.
    #[error("line {line}: up to here the events take {most} MiB of memory, and no more are read; {Hint}")]
    Large {
        /// Counted from 1.
        line: usize,
        /// The limit.
        most: u64,
    },
    /// The file does not begin as a run does.
    #[error("no recorded run: the first event must be `run-started`")]
    NoStart,
    /// The file does not begin as a check does.
    #[error("no recorded check: the first event must be `check-started`")]
    NoCheck,
    /// A second run begins.
    #[error("line {line}: a second run begins here, and a report is of one; split the file before that line")]
    Second {
        /// Counted from 1.
        line: usize,
    },
    /// The end of a run counts other cases than the file has.
    #[error(
        "line {line}: the run has {} with a verdict, and the file has {found}: lines were lost or added; read the file as the run wrote it",
        crate::style::count(*told, "case")
    )]
    Lost {
        /// Counted from 1.
        line: usize,
        /// How many the run had.
        told: usize,
        /// How many there are.
        found: usize,
    },
    /// An event after the end of a run.
    #[error("line {line}: an event of a run that has ended")]
    Ended {
        /// Counted from 1.
        line: usize,
    },
    /// An event that belongs to no check under way.
    #[error("line {line}: an event of a check that did not start, or has ended")]
    Astray {
        /// Counted from 1.
        line: usize,
    },
    /// Reading failed.
    #[error("read events: {0}")]
    Read(#[source] std::io::Error),
    /// Writing failed.
    #[error("write events: {0}")]
    Write(#[source] std::io::Error),
    /// Opening or naming a file failed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What a file of events holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Recording {
    /// A run.
    Run(Recorded),
    /// The checks of one or more nodes.
    Checks(Checks),
}

/// A run as it was read back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// The events in order.
    pub events: Vec<Event>,
    /// What a reader must know about the file.
    pub warnings: Vec<String>,
}

/// Reads events back. A last line that was cut is left out, and a run without its end counts as interrupted;
/// both are reported in the warnings.
///
/// # Errors
/// A line that holds no event, with its number; a file that holds no run, or more than one.
pub fn read(reader: impl BufRead) -> Result<Recorded, Error> {
    let mut recorded = Recorded::default();
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next()? {
        let Some(event) = lines.event(&line)? else {
            continue;
        };
        let line = line.number;
        match (recorded.events.last(), &event) {
            (None, Event::RunStarted { .. }) => {}
            (None, _) => return Err(Error::NoStart),
            (Some(_), Event::RunStarted { .. }) => return Err(Error::Second { line }),
            (Some(Event::RunFinished { .. }), _) => return Err(Error::Ended { line }),
            (Some(_), Event::RunFinished { counts, .. }) => as_counted(counts, &recorded.events, line)?,
            (Some(_), _) => {}
        }
        recorded.events.push(event);
    }
    if recorded.events.is_empty() {
        return Err(Error::NoStart);
    }
    recorded.warnings = lines.into_warnings();
    if crate::run::Run::of(&recorded.events).unfinished {
        recorded
            .warnings
            .push("the run has no end: it was interrupted".to_owned());
    }
    Ok(recorded)
}

/// A report of half of the cases would say that nothing is new.
fn as_counted(counts: &Counts, events: &[Event], line: usize) -> Result<(), Error> {
    let is_case = |event: &&Event| matches!(event, Event::CaseFinished(_));
    let (told, found) = (counts.total(), events.iter().filter(is_case).count());
    if told == found {
        return Ok(());
    }
    Err(Error::Lost { line, told, found })
}

/// Reads a file of events, of a run or of checks: its first event shows which.
///
/// # Errors
/// As [`read`] or [`read_checks`], and the file cannot be opened.
pub fn read_file(path: &Path) -> Result<Recording, Error> {
    let mut reader = open(path)?;
    let mut first = Vec::new();
    let is_check = lines::is_check(&mut reader, &mut first)?;
    // A pipe cannot be read twice.
    let whole = std::io::Read::chain(first.as_slice(), reader);
    if is_check {
        read_checks(whole).map(Recording::Checks)
    } else {
        read(whole).map(Recording::Run)
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Error> {
    let file = open_stream(path).map_err(|error| Error::File {
        path: path.to_owned(),
        source: error.into(),
    })?;
    Ok(BufReader::new(file))
}
