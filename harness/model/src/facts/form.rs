//! What a fact's value can be, as a row of the table says it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// One of the forms that a value can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A whole number.
    Number,
    /// Yes or no.
    Bool,
    /// Any text.
    Text,
    /// A text of words that stand for themselves, such as the options of a mount.
    Words,
    /// A list of texts.
    List,
    /// A list of capabilities in their order, without `CAP_`.
    Capabilities,
    /// A list of signals without `SIG`.
    Signals,
    /// A list of calls that were denied, each with its answer: `mkdir EPERM`.
    Denials,
    /// A list of classes of calls that a filter answers differently: `newer than the profile: ERRNO(ENOSYS) [x86_64]`.
    Departures,
    /// The name of an error: `EPERM`.
    Errno,
    /// `signal NAME`.
    Signal,
    /// This word.
    Word(String),
}

/// The forms that are not words, as the table writes them and as people read them.
const WRITTEN: [(Form, &str, &str); 11] = [
    (Form::Number, "<number>", "a whole number"),
    (Form::Bool, "<bool>", "true or false"),
    (Form::Text, "<text>", "a text"),
    (Form::Words, "<words>", "a text of words"),
    (Form::List, "<list>", "a list of texts"),
    (
        Form::Capabilities,
        "<capabilities>",
        "a list of capabilities, in the kernel's order and without CAP_",
    ),
    (Form::Signals, "<signals>", "a list of signals without SIG"),
    (
        Form::Denials,
        "<denials>",
        "a list of calls with their answers, such as `mkdir EPERM`",
    ),
    (
        Form::Departures,
        "<departures>",
        "a list of classes of calls, such as `newer than the profile: ERRNO(ENOSYS) [x86_64]`",
    ),
    (Form::Errno, "<errno>", "an errno"),
    (Form::Signal, "signal <signal>", "`signal NAME`"),
];

impl Form {
    /// Whether its value is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        *self == Self::List || self.is_list_of_names()
    }

    /// Whether its value is a list of which every entry is one that is known.
    #[must_use]
    pub fn is_list_of_names(&self) -> bool {
        matches!(
            self,
            Self::Capabilities | Self::Signals | Self::Denials | Self::Departures
        )
    }

    /// What it is, for people.
    #[must_use]
    pub fn says(&self) -> String {
        let written = WRITTEN.iter().find(|(form, _, _)| form == self);
        written.map_or_else(|| format!("`{self}`"), |(_, _, says)| (*says).to_owned())
    }
}

impl FromStr for Form {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let written = WRITTEN.iter().find(|(_, written, _)| *written == text);
        Ok(written.map_or_else(|| Self::Word(text.to_owned()), |(form, _, _)| form.clone()))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.pad(word),
            form => {
                let written = WRITTEN.iter().find(|(known, _, _)| known == form);
                f.pad(written.map_or("", |(_, written, _)| written))
            }
        }
    }
}

crate::text::written_as_text!(
    Form,
    "a word, or <number>, <bool>, <text>, <words>, <list>, <capabilities>, <signals>, <denials>, <departures>, <errno>"
);
