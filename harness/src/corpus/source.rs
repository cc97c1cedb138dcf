//! One text file of the corpus, wherever it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One text file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name of the file in messages: a path that the user can open, or `built in: cases/x.yaml`.
    pub shown: String,
    /// The file itself, if it is one.
    pub path: Option<PathBuf>,
    /// Its text.
    pub text: Cow<'static, str>,
    /// Its content as JSON, if the same text was parsed when the program was built.
    pub parsed: Option<&'static str>,
    /// Why it could not be read as text, if so; reported with all other errors.
    pub unreadable: Option<Unreadable>,
}

impl Source {
    /// Whether it is of the corpus that is built in, which was checked then.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.path.is_none() && self.parsed.is_some()
    }
}

/// Why a file is not text, and from where on: line and column, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub why: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Text files by their path under the folder (`seccomp/tar-setgid.yaml`).
pub type Sources = BTreeMap<String, Source>;
