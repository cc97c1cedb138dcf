//! A mutant as data: what it breaks, and how it departs from the real runtime.

use std::collections::BTreeMap;

use ocidiff_model::known::RuntimeKey;
use ocidiff_model::{Needs, Op};
use ocidiff_runtimes::{Call, Flag, Var};
use serde::{Deserialize, Serialize};

use super::edit::Edit;
use super::path::Path;

/// A runtime with one fault: a real one, and what is done around its calls.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// Its name, unique among all mutants.
    pub name: String,
    /// One line: what it does wrong.
    pub summary: String,
    /// The clauses that it breaks, by our ids.
    #[serde(default)]
    pub breaks: Vec<String>,
    /// Folders of cases that are about what it breaks, if no clause names it or the clause's cases are not sufficient.
    #[serde(default)]
    pub topics: Vec<String>,
    /// The runtimes for which it can be made, and their versions; any, if not specified. A runtime that ignores a property
    /// cannot drop it.
    #[serde(default)]
    pub over: Vec<RuntimeKey>,
    /// What the machine must have.
    #[serde(default)]
    pub needs: Needs,
    /// Why no case can catch it; that it is not caught is checked.
    #[serde(default)]
    pub unseen: Option<String>,
    /// Paths of its edits that lead to nothing that the spec has, on purpose.
    #[serde(default)]
    pub invalid: Vec<Path>,
    /// What it does.
    #[serde(default)]
    pub rule: Rule,
}

/// What a mutant does. A rule that does nothing is the real runtime behind the wrapper.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Changes to config.json before create and run.
    pub config: Vec<Edit>,
    /// Changes to the process that exec is given.
    pub process: Vec<Edit>,
    /// Changes to the resources that update is given.
    pub resources: Vec<Edit>,
    /// What happens to calls.
    pub calls: BTreeMap<Op, CallRule>,
}

/// What happens to a call; the wrapper does everything from `before` on, in this order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallRule {
    /// Words that are filled in differently, `{signal: KILL}`.
    #[serde(skip_serializing)]
    pub with: BTreeMap<Var, String>,
    /// Switches that are turned on.
    #[serde(skip_serializing)]
    pub flags: Vec<Flag>,
    /// Another step is called in its place.
    #[serde(skip_serializing)]
    pub instead: Option<Op>,
    /// Steps that are called after it, if it went well.
    #[serde(skip_serializing)]
    pub then: Vec<Op>,
    /// A shell script before the call; if it fails, the call ends with its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The real runtime is not called: this is the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Words before the real runtime's, `[sh, -c, 'umask 077; exec "$@"', sh]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
    /// Changes to the JSON that it prints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<Edit>,
    /// A shell script after the call, if it went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A shell script after the call, if it failed.
    #[serde(rename = "on-failure", skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// The exit status, in place of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<u8>,
}

/// An answer in place of the runtime's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answer {
    /// The exit status.
    pub exit: u8,
    /// What is printed to stdout.
    pub stdout: String,
    /// What is printed to stderr.
    pub stderr: String,
}

impl CallRule {
    /// The call as the mutant makes it.
    #[must_use]
    pub fn change(&self, mut call: Call) -> Call {
        call.step = self.instead.unwrap_or(call.step);
        let call = self.fill(call);
        self.flags.iter().fold(call, |call, flag| call.flag(*flag))
    }

    /// The call with the words of the rule filled in; a signal is a word of kill, whichever of the calls that is.
    #[must_use]
    pub fn fill(&self, call: Call) -> Call {
        let words = self.with.iter();
        words
            .filter(|(var, _)| **var != Var::Signal || call.step == Op::Kill)
            .fold(call.clone(), |call, (var, value)| call.with(*var, value))
    }

    /// Whether anything is left to do once the real runtime has ended: otherwise the wrapper becomes it.
    #[must_use]
    pub fn has_after_work(&self) -> bool {
        !self.output.is_empty() || self.after.is_some() || self.on_failure.is_some() || self.exit.is_some()
    }
}

impl Mutant {
    /// A call as the mutant makes it.
    #[must_use]
    pub fn change(&self, call: Call) -> Call {
        match self.rule.calls.get(&call.step) {
            Some(rule) => rule.change(call),
            None => call,
        }
    }
}

impl Rule {
    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The edits of the file that a step reads.
    #[must_use]
    pub fn edits(&self, op: Op) -> &[Edit] {
        match op {
            Op::Create | Op::Run => &self.config,
            Op::Exec => &self.process,
            Op::Update => &self.resources,
            _ => &[],
        }
    }
}
