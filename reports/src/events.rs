//! The events as a file: one JSON object a line, written as they come.

use std::fs::File;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use ocidiff_model::Event;

/// What can go wrong with a file of events.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line holds no event.
    #[error("line {line}: no event of ocidiff: {message}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// The file does not begin as a run does.
    #[error("no recorded run: the first event must be `run-started`")]
    NoStart,
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

/// Writes events, each at once, so that what was recorded is there whatever happens next.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes to anything.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes one event and hands it on to the system.
    ///
    /// # Errors
    /// The event could not be written.
    pub fn write(&mut self, event: &Event) -> Result<(), Error> {
        let mut line = serde_json::to_vec(event).map_err(|error| Error::Write(error.into()))?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(Error::Write)?;
        self.out.flush().map_err(Error::Write)
    }
}

impl Writer<PartFile> {
    /// Writes to a file: `NAME.part` until [`Writer::finish`] or the end of the writer's life, then `NAME`.
    ///
    /// # Errors
    /// The file could not be opened.
    pub fn create(path: &Path) -> Result<Self, Error> {
        PartFile::create(path)
            .map(Self::new)
            .map_err(|source| Error::File {
                path: path.to_owned(),
                source,
            })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The file could not be renamed.
    pub fn finish(mut self) -> Result<(), Error> {
        let path = self.out.path.clone();
        self.out.finish().map_err(|source| Error::File { path, source })
    }
}

/// A file that gets its name at the end. A run that is interrupted still leaves what it recorded, and a run that
/// recorded nothing leaves what an earlier one wrote.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    path: PathBuf,
    /// None where the file is a pipe or a device, which must not be replaced, or has its name already.
    part: Option<PathBuf>,
    empty: bool,
}

impl PartFile {
    fn create(path: &Path) -> std::io::Result<Self> {
        // A link's target is what is to be written, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let replaceable = std::fs::metadata(&path).map_or(true, |found| found.is_file());
        let part = replaceable.then(|| {
            let mut name = path.clone().into_os_string();
            name.push(".part");
            PathBuf::from(name)
        });
        let file = match &part {
            Some(part) => File::create(part)?,
            None => File::options().write(true).open(&path)?,
        };
        Ok(Self {
            file,
            path,
            part,
            empty: true,
        })
    }

    fn finish(&mut self) -> std::io::Result<()> {
        match self.part.take() {
            Some(part) if self.empty => std::fs::remove_file(part),
            Some(part) => std::fs::rename(part, &self.path),
            None => Ok(()),
        }
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.empty &= bytes.is_empty();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // Nobody is left to be told; the .part file stays where it is.
        let _ = self.finish();
    }
}

/// A run as it was read back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// The events in order.
    pub events: Vec<Event>,
    /// What a reader must be told of the file.
    pub warnings: Vec<String>,
}

/// Reads events back. A last line that was cut is left out, and a run without its end counts as interrupted;
/// both are told in the warnings.
///
/// # Errors
/// A line that holds no event, with its number; a file that holds no run.
pub fn read(mut reader: impl BufRead) -> Result<Recorded, Error> {
    let mut recorded = Recorded::default();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(Error::Read)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(event) => recorded.events.push(event),
            Err(error) if error.is_eof() && !line.ends_with(b"\n") => recorded
                .warnings
                .push(format!("line {number} is cut and is left out")),
            Err(error) => return Err(line_error(number, &error)),
        }
        if !matches!(recorded.events.first(), Some(Event::RunStarted { .. })) {
            return Err(Error::NoStart);
        }
    }
    if recorded.events.is_empty() {
        return Err(Error::NoStart);
    }
    if crate::run::Run::of(&recorded.events).unfinished {
        recorded
            .warnings
            .push("the run has no end: it was interrupted".to_owned());
    }
    Ok(recorded)
}

/// Reads a file of events.
///
/// # Errors
/// As [`read`], and the file cannot be opened.
pub fn read_file(path: &Path) -> Result<Recorded, Error> {
    let file = File::open(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    read(std::io::BufReader::new(file))
}

/// The error, with the column where there is one: every event is line 1 to `serde_json`.
fn line_error(line: usize, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    let message = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(head, _)| head);
    let mut message = crate::safe::safe_to(message, 200);
    if error.column() > 0 {
        message.push_str(&format!(" (column {})", error.column()));
    }
    Error::Line { line, message }
}
