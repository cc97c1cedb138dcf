//! How a program that is not trusted is called: a runtime is asked for its version before it is known to be a runtime.
//!
//! This crate does not call runtimes itself. Its user defines how that is done; the harness does it in a cell, so
//! that nothing that the program does, or starts and leaves behind, affects the machine.

use std::ffi::OsString;
use std::time::Duration;

/// How long a short call such as `--version` may take.
pub const LIMIT: Duration = Duration::from_secs(10);

/// How a short call ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// What it printed; the caller of the program limits it.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
    /// How it ended.
    pub end: End,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With an exit status.
    Code(i32),
    /// By a signal, by its name or number.
    Signal(String),
    /// Not within [`LIMIT`]: it was killed.
    Late,
}

impl Default for End {
    fn default() -> Self {
        Self::Code(0)
    }
}

impl Answer {
    /// How it ended, in words that follow "it ".
    #[must_use]
    pub fn tell(&self) -> String {
        let text = if self.stderr.trim().is_empty() {
            &self.stdout
        } else {
            &self.stderr
        };
        let said = ocidiff_model::last_words(text);
        let said = if said.is_empty() {
            "nothing".to_owned()
        } else {
            format!("`{said}`")
        };
        match &self.end {
            End::Late => format!("did not end within {} s and said {said}", LIMIT.as_secs()),
            End::Code(code) => format!("ended with {code} and said {said}"),
            End::Signal(name) => format!("died by signal {name} and said {said}"),
        }
    }
}

/// Makes short calls of programs.
pub trait Ask {
    /// Calls a program without input, for [`LIMIT`] at most, and ends everything that it started.
    ///
    /// # Errors
    /// A sentence that follows "it could not be asked: "; the machine's fault or the user's, not the program's.
    fn ask(&self, argv: &[OsString]) -> Result<Answer, String>;
}

/// Asks no program: only what is already known is reported.
#[derive(Debug, Clone, Copy)]
pub struct Nobody(
    /// Why.
    pub &'static str,
);

impl Ask for Nobody {
    fn ask(&self, _: &[OsString]) -> Result<Answer, String> {
        Err(self.0.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_by_its_last_line() {
        let answer = |stderr: &str, end| Answer {
            stdout: "out\n".to_owned(),
            stderr: stderr.to_owned(),
            end,
        };
        for (answer, expected) in [
            (answer("a\nb\n", End::Code(3)), "ended with 3 and said `b`"),
            (
                answer("", End::Signal("SEGV".to_owned())),
                "died by signal SEGV and said `out`",
            ),
            (answer("", End::Late), "did not end within 10 s and said `out`"),
        ] {
            assert_eq!(answer.tell(), expected);
        }
    }
}
