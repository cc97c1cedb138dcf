//! What comes out of a machine: events, and the program's output.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::ChildStdout;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use ocidiff_confine::raised;
use ocidiff_model::{Event, ExitStatus};

use super::VmError;
use super::qemu::Group;
use crate::error::Error;
use crate::run::stop::Stop;

/// The maximum length of an event.
const LINE: u64 = 2 << 20;
/// The maximum of what a program may print in a whole run.
const SAID: u64 = 32 << 20;
/// How many of the last lines are kept.
const TAIL: usize = 12;
/// How often to check whether a stop was asked for.
const LOOK: Duration = Duration::from_millis(200);
const STATUS: &str = "ocidiff-vm: status ";

/// Passes each event to `tell` until the machine goes off; returns the exit status of the run, if it came to its end.
pub(super) fn events(
    pipe: ChildStdout,
    group: Group,
    stop: &Stop,
    silence: Duration,
    mut tell: impl FnMut(Event) -> Result<(), Error>,
) -> Result<Option<ExitStatus>, Error> {
    let last = Mutex::new(Instant::now());
    let (done, ended) = channel::<()>();
    thread::scope(|scope| {
        let last = &last;
        scope.spawn(move || {
            // Reading blocks: the machine is ended from here, which ends the reading.
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
                let quiet = last.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
                if stop.is_asked() || quiet > silence {
                    group.kill();
                }
            }
        });
        let mut reader = BufReader::new(pipe);
        let mut exit = None;
        let heard = loop {
            match next(&mut reader) {
                Ok(None) => break Ok(()),
                Ok(Some(event)) => {
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
                    if let Event::RunFinished { exit: told, .. } = &event {
                        exit = Some(*told);
                    }
                    if let Err(error) = tell(event) {
                        break Err(error);
                    }
                }
                Err(error) => break Err(error.told()),
            }
        };
        if heard.is_err() {
            group.kill();
        }
        drop(done);
        heard.map(|()| exit)
    })
}

/// The next event; `None` at the end, or if the last line was cut off.
fn next(reader: &mut impl BufRead) -> Result<Option<Event>, VmError> {
    let most = raised(LINE);
    let mut line = Vec::new();
    reader
        .take(most + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| VmError::Events(error.to_string()))?;
    if line.len() as u64 > most {
        return Err(VmError::Events(format!("a line of more than {most} bytes")));
    }
    if !line.ends_with(b"\n") {
        return Ok(None);
    }
    serde_json::from_slice(&line)
        .map(Some)
        .map_err(|error| VmError::Events(error.to_string()))
}

/// The exit status of a program, and its last words, made safe.
pub(super) fn said(file: &File) -> (Option<ExitStatus>, String) {
    let mut file = file;
    let mut bytes = Vec::new();
    // What cannot be read counts as not printed.
    let _ = file
        .rewind()
        .and_then(|()| file.take(SAID).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let mut status = None;
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match line.strip_prefix(STATUS) {
            Some(code) => status = code.parse::<u8>().ok().and_then(of_code),
            None => lines.push(ocidiff_reports::safe(line)),
        }
    }
    let tail = lines.split_off(lines.len().saturating_sub(TAIL));
    (status, tail.into_iter().map(|line| line + "\n").collect())
}

fn of_code(code: u8) -> Option<ExitStatus> {
    [
        ExitStatus::Ok,
        ExitStatus::Differs,
        ExitStatus::Usage,
        ExitStatus::Broken,
    ]
    .into_iter()
    .find(|status| status.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_is_the_end_and_what_is_no_event_is_an_error() {
        let mut cut: &[u8] = b"{\"event\":\"run-fin";
        assert!(next(&mut cut).expect("the end").is_none());
        for bad in ["{}\n", "\u{1b}[2J\n", "null\n"] {
            assert!(next(&mut bad.as_bytes()).is_err(), "{bad:?}");
        }
        let long = vec![b' '; 3 << 20];
        assert!(next(&mut long.as_slice()).is_err());
    }

    #[test]
    fn the_status_is_taken_out_of_what_was_said_and_the_rest_is_safe() {
        let mut file = tempfile::tempfile().expect("a file");
        assert_eq!(said(&file), (None, String::new()));
        std::io::Write::write_all(&mut file, b"one\r\n\x1b[31mred\nocidiff-vm: status 2\n").expect("written");
        let (status, text) = said(&file);
        assert_eq!(status, Some(ExitStatus::Usage));
        assert!(text.starts_with("one\n") && !text.contains('\u{1b}'), "{text:?}");
    }
}
