//! What the program prints: what was asked for goes to stdout, anything else to stderr.
//!
//! An answer that could not be delivered is not a success. If the reader goes away (`| head`), this is not
//! reported, and what was found still counts; on a full disk, or if stdout fails in another way, the program ends
//! with 3 and says why.

use std::io::{self, IsTerminal, Write};

use ocidiff_model::ExitStatus;
use ocidiff_reports::{Style, safe, safe_lines};
use rustix::event::{PollFd, PollFlags, poll};

use crate::error::Error;

/// To stdout.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Error::Unread,
            _ => Error::broken(format!("failed to write to stdout: {error}")),
        })
}

/// To stdout, as the last output of a command. What was found counts whether it is read or not.
pub(crate) fn answer(text: &str, found: ExitStatus) -> Result<ExitStatus, Error> {
    match print(text) {
        Ok(()) | Err(Error::Unread) => Ok(found),
        Err(error) => Err(error),
    }
}

/// The output of a command while it does things that must be done whether the output is read or not.
#[derive(Debug, Default)]
pub(crate) struct Aside(Option<Error>);

impl Aside {
    /// To stdout; a failure is reported at the end.
    pub(crate) fn print(&mut self, text: &str) {
        if self.0.is_none() {
            self.0 = print(text).err();
        }
    }

    /// Whether any further output would go unseen.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.is_some()
    }

    /// Once all is done.
    pub(crate) fn end(self, found: ExitStatus) -> Result<ExitStatus, Error> {
        match self.0 {
            None | Some(Error::Unread) => Ok(found),
            Some(error) => Err(error),
        }
    }
}

/// Whether the reader of stdout went away.
pub(crate) fn is_unread() -> bool {
    let stdout = io::stdout();
    let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
    let now = rustix::event::Timespec::default();
    poll(&mut ends, Some(&now)).is_ok_and(|ready| ready > 0)
        && ends[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// To stderr. Whatever the text holds, it cannot control the terminal.
pub(crate) fn complain(text: &str) {
    say(&format!("ocidiff: {}", safe_lines(text)));
}

/// How far the program is, on one line of stderr.
pub(crate) fn progress(text: &str) {
    say(&safe(text));
}

/// In one write, so that lines of several threads do not mix. A failure of stderr cannot be reported anywhere.
fn say(line: &str) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// A panic is a bug of ours; it is reported like everything else.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| complain(&format!("a bug in ocidiff: {panic}"))));
}

/// Whether colours are wanted on a stream.
fn is_colourful(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How reports look on this stdout.
pub(crate) fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(110, |size| usize::from(size.ws_col));
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let unicode = !terminal || locale.is_some_and(|locale| locale.to_lowercase().contains("utf"));
    Style {
        colour: is_colourful(&io::stdout()),
        width: if terminal && width >= 40 { width } else { 110 },
        unicode,
    }
}

/// What clap prints: help that was asked for, or that the command line is wrong.
pub(crate) fn usage(error: clap::Error) -> Result<ExitStatus, Error> {
    let text = error.render();
    if !error.use_stderr() {
        let colour = is_colourful(&io::stdout());
        let text = if colour {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        return answer(&text, ExitStatus::Ok);
    }
    // It contains what was typed, which need not have been typed by the person who reads it.
    let text = harmless(error).render().to_string();
    say(&safe_lines(text.trim_end()));
    Ok(ExitStatus::Usage)
}

/// The error, with what was typed kept on one line each.
fn harmless(mut error: clap::Error) -> clap::Error {
    use clap::error::ContextValue::{String, Strings};
    let typed: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            String(text) => Some((kind, String(safe(text)))),
            Strings(list) => Some((kind, Strings(list.iter().map(|text| safe(text)).collect()))),
            _ => None,
        })
        .collect();
    for (kind, value) in typed {
        error.insert(kind, value);
    }
    error
}
