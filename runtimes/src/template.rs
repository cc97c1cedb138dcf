//! The command line of a step, as a manifest writes it, and how it is filled in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::str::FromStr;

use serde::Deserialize;

use ocidiff_model::Op;

use crate::call::{Call, Flag, Var};
use crate::text;
use ocidiff_model::version::Version;

/// Why a call cannot be written for a runtime.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CallError {
    /// The runtime does not support the step.
    #[error(
        "call {runtime} {step}: {runtime} has no such step; `ocidiff runtimes` lists the ones that it has"
    )]
    NoStep {
        /// The runtime's name.
        runtime: String,
        /// The step.
        step: Op,
    },
    /// The runtime does not have the option for that step.
    #[error("call {runtime} {step}: its manifest names no option `{option}` for this step")]
    NoOption {
        /// The runtime's name.
        runtime: String,
        /// The step.
        step: Op,
        /// The option.
        option: &'static str,
    },
    /// The template refers to a word that the call does not have.
    #[error("call {runtime} {step}: the call has no `{var}`, which the manifest's template names")]
    NoValue {
        /// The runtime's name.
        runtime: String,
        /// The step.
        step: Op,
        /// The missing word.
        var: &'static str,
    },
}

/// One word of a template: text with at most one variable, or the place of the options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Text(String),
    Value { before: String, var: Var, after: String },
    Options,
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((before, rest)) = text.split_once("${") else {
            return Ok(Self::Text(text.to_owned()));
        };
        let Some((name, after)) = rest.split_once('}') else {
            return Err(format!(
                "`{text}` opens a variable and does not close it: write ${{name}}"
            ));
        };
        if text == "${options}" {
            return Ok(Self::Options);
        }
        if after.contains("${") {
            return Err(format!("`{text}` names two variables: write one in a word"));
        }
        let var = Var::named(name)
            .ok_or_else(|| format!("unknown variable `{name}`: use one of options, {}", Var::names()))?;
        Ok(Self::Value {
            before: before.to_owned(),
            var,
            after: after.to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::from_str(deserializer, "a word of a command line")
    }
}

/// The name of an option: a switch, or a word that comes with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OptionName {
    PidFile,
    ConsoleSocket,
    Signal,
    Process,
    Resources,
    PreserveFds,
    Force,
    All,
    Detach,
    NoPivot,
    NoNewKeyring,
    Json,
}

impl From<Flag> for OptionName {
    fn from(flag: Flag) -> Self {
        match flag {
            Flag::Force => Self::Force,
            Flag::All => Self::All,
            Flag::Detach => Self::Detach,
            Flag::NoPivot => Self::NoPivot,
            Flag::NoNewKeyring => Self::NoNewKeyring,
            Flag::Json => Self::Json,
        }
    }
}

impl OptionName {
    /// The option that passes a word, if a template does not refer to the word itself.
    fn of(var: Var) -> Option<Self> {
        match var {
            Var::Root | Var::Bundle | Var::Id => None,
            Var::PidFile => Some(Self::PidFile),
            Var::ConsoleSocket => Some(Self::ConsoleSocket),
            Var::Signal => Some(Self::Signal),
            Var::Process => Some(Self::Process),
            Var::Resources => Some(Self::Resources),
            Var::PreserveFds => Some(Self::PreserveFds),
        }
    }
}

/// How a runtime expects a step to be called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepTemplate {
    /// The words after the global ones; `${options}` is where options go.
    pub(crate) args: Vec<Word>,
    /// What is added when the call has the word or the switch.
    #[serde(default)]
    pub(crate) options: BTreeMap<OptionName, Vec<Word>>,
    /// The first version that has the step.
    #[serde(default)]
    pub(crate) since: Option<Version>,
}

impl StepTemplate {
    pub(crate) fn is_in(&self, version: &Version) -> bool {
        self.since.as_ref().is_none_or(|since| version >= since)
    }

    /// The words of a call, after the global ones.
    pub(crate) fn fill(&self, runtime: &str, call: &Call) -> Result<Vec<OsString>, CallError> {
        let mut words = Vec::new();
        for word in &self.args {
            match word {
                Word::Options => words.extend(self.fill_options(runtime, call)?),
                word => words.extend(fill_word(word, runtime, call)?),
            }
        }
        Ok(words)
    }

    fn fill_options(&self, runtime: &str, call: &Call) -> Result<Vec<OsString>, CallError> {
        let mut words = Vec::new();
        let no_option = |option| CallError::NoOption {
            runtime: runtime.to_owned(),
            step: call.step,
            option,
        };
        for &var in call.vars.keys() {
            let Some(name) = OptionName::of(var).filter(|_| !self.names(var)) else {
                continue;
            };
            let option = self.options.get(&name).ok_or_else(|| no_option(var.name()))?;
            words.extend(fill_words(option, runtime, call)?);
        }
        for &flag in &call.flags {
            let option = self
                .options
                .get(&flag.into())
                .ok_or_else(|| no_option(flag.name()))?;
            words.extend(fill_words(option, runtime, call)?);
        }
        words.extend(call.raw.iter().cloned());
        Ok(words)
    }

    fn names(&self, wanted: Var) -> bool {
        self.args
            .iter()
            .any(|word| matches!(word, Word::Value { var, .. } if *var == wanted))
    }
}

/// Fills words that do not contain a place for options.
pub(crate) fn fill_words(words: &[Word], runtime: &str, call: &Call) -> Result<Vec<OsString>, CallError> {
    let mut filled = Vec::new();
    for word in words {
        filled.extend(fill_word(word, runtime, call)?);
    }
    Ok(filled)
}

fn fill_word(word: &Word, runtime: &str, call: &Call) -> Result<Option<OsString>, CallError> {
    match word {
        Word::Text(text) => Ok(Some(text.into())),
        Word::Options => Ok(None),
        Word::Value { before, var, after } => match call.var(*var) {
            Some(value) => {
                let mut word = OsString::from(before);
                word.push(value);
                word.push(after);
                Ok(Some(word))
            }
            // A kill without a signal is a separate call: the runtime chooses.
            None if *var == Var::Signal => Ok(None),
            None => {
                let (runtime, step) = (runtime.to_owned(), call.step);
                Err(CallError::NoValue {
                    runtime,
                    step,
                    var: var.name(),
                })
            }
        },
    }
}
