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
    /// Its content as JSON, if that was parsed and checked when the program was built.
    pub parsed: Option<&'static str>,
    /// Why it could not be read as text, if so; reported with all other errors.
    pub unreadable: Option<Unreadable>,
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
