//! What can be asked of a runtime, and the words of a command line that are filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use ocidiff_model::Op;
use serde::Deserialize;

/// A word of a call that a manifest's template can refer to, as `${name}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Var {
    /// The folder for the runtime's state.
    Root,
    /// The bundle's folder.
    Bundle,
    /// The container's id.
    Id,
    /// Where the runtime writes the container's pid.
    PidFile,
    /// The socket that receives the terminal.
    ConsoleSocket,
    /// A signal's name or number; a call without it lets the runtime choose.
    Signal,
    /// The file with the process to exec.
    Process,
    /// The file with the new resource limits.
    Resources,
    /// How many more file descriptors the container keeps.
    PreserveFds,
}

impl Var {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Root, "root"),
        (Self::Bundle, "bundle"),
        (Self::Id, "id"),
        (Self::PidFile, "pid_file"),
        (Self::ConsoleSocket, "console_socket"),
        (Self::Signal, "signal"),
        (Self::Process, "process"),
        (Self::Resources, "resources"),
        (Self::PreserveFds, "preserve_fds"),
    ];

    /// Its name between `${` and `}`.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(var, _)| *var == self)
            .map_or("", |(_, name)| name)
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n)| *n == name).map(|(var, _)| *var)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(|(_, name)| name).join(", ")
    }
}

/// A switch of a call, without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Delete even if it is running.
    Force,
    /// Signal every process of the container.
    All,
    /// Do not wait for the process.
    Detach,
    /// chroot in place of pivot_root.
    NoPivot,
    /// Keep the caller's session keyring.
    NoNewKeyring,
    /// Print JSON.
    Json,
}

impl Flag {
    /// Its name in a manifest's options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Force => "force",
            Self::All => "all",
            Self::Detach => "detach",
            Self::NoPivot => "no_pivot",
            Self::NoNewKeyring => "no_new_keyring",
            Self::Json => "json",
        }
    }
}

/// A call to be made: the step and its words, whatever the runtime.
#[derive(Debug, Clone)]
pub struct Call {
    /// What to do.
    pub step: Op,
    pub(crate) vars: BTreeMap<Var, OsString>,
    pub(crate) flags: BTreeSet<Flag>,
    pub(crate) raw: Vec<OsString>,
}

impl Call {
    /// A call of a step under a state folder.
    pub fn new(step: Op, root: impl AsRef<OsStr>) -> Self {
        let vars = BTreeMap::from([(Var::Root, root.as_ref().to_owned())]);
        Self {
            step,
            vars,
            flags: BTreeSet::new(),
            raw: Vec::new(),
        }
    }

    /// Fills in a word.
    #[must_use]
    pub fn with(mut self, var: Var, value: impl AsRef<OsStr>) -> Self {
        self.vars.insert(var, value.as_ref().to_owned());
        self
    }

    /// Fills in the container's id.
    #[must_use]
    pub fn id(self, id: impl AsRef<OsStr>) -> Self {
        self.with(Var::Id, id)
    }

    /// Turns a switch on.
    #[must_use]
    pub fn flag(mut self, flag: Flag) -> Self {
        self.flags.insert(flag);
        self
    }

    /// Adds words as they are, at the place where the runtime expects its options.
    #[must_use]
    pub fn raw(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.raw
            .extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// A word that was filled in.
    pub fn var(&self, var: Var) -> Option<&OsStr> {
        self.vars.get(&var).map(OsString::as_os_str)
    }
}
