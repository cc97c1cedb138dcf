//! A file of events, line by line, from a disk or out of a log.

use std::io::{BufRead, Read};

use ocidiff_confine::raised;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Error;

/// The beginning of what `ocidiff` prints on stderr; in a container's log it appears between the events.
const SAID: &[u8] = b"ocidiff: ";

/// The longest line, in bytes: the events of a whole run of the corpus have as many.
const LINE: u64 = 2 << 20;
/// What all events may take in memory, in bytes.
const WEIGHT: u64 = 96 << 20;
/// What a value takes besides its text.
const VALUE: u64 = 50;
/// What a line takes: time, if nothing else.
const LINE_ITSELF: u64 = 20;
/// Warnings that are kept.
const WARNINGS: usize = 1000;

/// The lines that are not empty.
pub(super) struct Lines<R> {
    reader: R,
    number: usize,
    /// What all events so far take in memory, in bytes, approximately.
    weight: u64,
    warnings: Vec<String>,
    /// Warnings that are not kept.
    more: usize,
}

/// One line.
pub(super) struct Line {
    pub(super) number: usize,
    /// What the log put before it: the container that it came from.
    pub(super) prefix: Vec<u8>,
    text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            weight: 0,
            warnings: Vec::new(),
            more: 0,
        }
    }

    /// The next line; `None` at the end. What the program itself printed is a warning.
    pub(super) fn next(&mut self) -> Result<Option<Line>, Error> {
        loop {
            let mut text = Vec::new();
            self.number += 1;
            if read_line(&mut self.reader, &mut text, self.number)? == 0 {
                return Ok(None);
            }
            let number = self.number;
            self.weight += weigh(&text);
            let most = raised(WEIGHT);
            if self.weight > most {
                let (line, most) = (number, most >> 20);
                return Err(Error::Large { line, most });
            }
            let (prefix, text) = split(&text);
            if text.starts_with(SAID) {
                let said = crate::safe(&String::from_utf8_lossy(text.trim_ascii()));
                self.warn(format!("line {number} says: {said}"));
            } else if !text.trim_ascii().is_empty() {
                let (prefix, text) = (prefix.to_vec(), text.to_vec());
                return Ok(Some(Line { number, prefix, text }));
            }
        }
    }

    /// The event in a line; `None`, and a warning, if the line is the file's last and was cut.
    pub(super) fn event<E: DeserializeOwned>(&mut self, line: &Line) -> Result<Option<E>, Error> {
        match serde_json::from_slice(&line.text) {
            Ok(event) => Ok(Some(event)),
            Err(error) if error.is_eof() && !line.text.ends_with(b"\n") => {
                self.warn(format!("line {} is cut and is left out", line.number));
                Ok(None)
            }
            Err(error) => Err(line_error(line.number, &error)),
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < WARNINGS {
            self.warnings.push(warning);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_warnings(mut self) -> Vec<String> {
        if self.more > 0 {
            self.warnings.push(format!("and {} more of the kind", self.more));
        }
        self.warnings
    }
}

/// Reads a line, but no more than an event can have.
fn read_line(reader: &mut impl BufRead, into: &mut Vec<u8>, line: usize) -> Result<usize, Error> {
    let most = raised(LINE);
    let count = reader
        .take(most + 1)
        .read_until(b'\n', into)
        .map_err(Error::Read)?;
    if count as u64 > most {
        return Err(Error::Long { line, most });
    }
    Ok(count)
}

/// What a line becomes in memory: every value in it has one of these before it.
fn weigh(text: &[u8]) -> u64 {
    let values = text
        .iter()
        .filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{'))
        .count() as u64;
    LINE_ITSELF + text.len() as u64 + VALUE * values
}

/// A line without the `[pod/NAME/CONTAINER] ` that `kubectl logs --prefix` puts before it, and that prefix.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = b"] ";
    let at = line
        .starts_with(b"[pod/")
        .then(|| line.windows(end.len()).position(|two| two == end))
        .flatten();
    line.split_at(at.map_or(0, |at| at + end.len()))
}

/// Whether the first line that is not empty is an event of a check; what was read from the file goes to `read`.
pub(super) fn is_check(reader: &mut impl BufRead, read: &mut Vec<u8>) -> Result<bool, Error> {
    #[derive(Deserialize)]
    struct Kind {
        event: String,
    }
    for line in 1.. {
        let start = read.len();
        let count = read_line(reader, read, line)?;
        // What comes before the first event is kept too.
        if count == 0 || read.len() as u64 > raised(LINE) * 2 {
            break;
        }
        let (_, text) = split(&read[start..]);
        if text.trim_ascii().is_empty() || text.starts_with(SAID) {
            continue;
        }
        let kind = serde_json::from_slice::<Kind>(text);
        return Ok(kind.is_ok_and(|kind| is_of_check(&kind.event)));
    }
    Ok(false)
}

fn is_of_check(event: &str) -> bool {
    ["check-", "shape-", "workload-"]
        .iter()
        .any(|kind| event.starts_with(kind))
}

/// The error, with the column if there is one: to `serde_json`, every event is line 1.
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
