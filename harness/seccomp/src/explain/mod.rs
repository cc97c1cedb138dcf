//! Explains for each difference between filters what caused it (a rule of the profile, its default action, or
//! something that a runtime added, dropped or changed) and what it affects.
//!
//! | module | what it has |
//! |---|---|
//! | `reason` | why an answer is not the one that is written |
//! | `facts` | since when a call exists, and what makes it (`harness/seccomp/data/`) |
//! | `text` | numbers and rows in words |
//! | `summary` | the same by reason and class of calls: short, and the same for each version of a library |

mod facts;
mod reason;
mod summary;
mod text;

use std::fmt;

pub use facts::{Caller, Meets, callers, since};
pub use summary::Summary;
pub use text::{numbers, subject};

use crate::action::Action;
use crate::decide::partition::Class;
use crate::decide::{Decider, Decision, TooComplex};
use crate::profile::{Profile, Ruling, Written};

/// A class of calls, explained.
#[derive(Debug, Clone)]
pub struct Row {
    /// The calls, and what each filter answers.
    pub class: Class,
    /// The condition on arguments, in words; empty for all of them.
    pub arguments: String,
    /// What decides these calls, according to the profile.
    pub ruling: Ruling,
    /// What is written for them; `None` where the profile says nothing.
    pub written: Option<Action>,
    /// For each answer: why it is not what is written. `None` if it is.
    pub reasons: Vec<Option<Reason>>,
    /// Calls of the row that are known to be made by library functions and programs that cannot cope with some of the
    /// answers.
    pub meets: Vec<Meets>,
}

/// Why an answer is not the one that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// ENOSYS for calls newer than any call of the profile that the runtime knows: a stub of its own before the filter.
    Stub,
    /// As above, where the profile has a rule: the runtime, or its libseccomp, does not know the name.
    StubForRule(usize),
    /// There is a rule, but the default action answers: the runtime, or its libseccomp, does not know the name, or left
    /// the rule out.
    NoRule(usize),
    /// A rule answers although its conditions do not hold.
    NoConditions(usize),
    /// A rule whose conditions are compared with the lower half of an argument only.
    LowerHalf(usize),
    /// The filter's default action is not the profile's; nothing in the profile asks for this.
    OtherDefault,
    /// The profile says nothing about this architecture; the answer comes from the runtime or its libseccomp.
    Unlisted,
    /// Two rules match and say different things; one of them answers.
    OneOfTwo(usize, usize),
    /// None of the above.
    Unknown,
}

/// What a stub does.
const STUB: &str =
    "a stub of the runtime's own answers ENOSYS for calls newer than any of the profile's that it knows";

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stub => out.write_str(STUB),
            Self::StubForRule(rule) => write!(
                out,
                "rule {rule} is not in the filter, because the runtime or its libseccomp does not know the call; {STUB}"
            ),
            Self::NoRule(rule) => write!(
                out,
                "rule {rule} is not in the filter: the runtime or its libseccomp does not know the call on this architecture, or left the rule out"
            ),
            Self::NoConditions(rule) => write!(
                out,
                "rule {rule} without its conditions on the arguments, or with others"
            ),
            Self::LowerHalf(rule) => write!(
                out,
                "rule {rule}, with only the lower 32 bits of the argument compared"
            ),
            Self::OtherDefault => out.write_str("not the default action that the profile gives"),
            Self::Unlisted => out.write_str(
                "the profile does not list this architecture: the choice of the runtime or its libseccomp",
            ),
            Self::OneOfTwo(first, second) => write!(
                out,
                "rules {first} and {second} both match, and the spec does not say which goes first"
            ),
            Self::Unknown => out.write_str("nothing in the profile says this"),
        }
    }
}

impl Reason {
    /// The heading under which a summary counts it: `newer than the profile`, `conditions ignored for clone`; `None` if
    /// it depends on more.
    #[must_use]
    pub fn departure(&self, names: &[&str]) -> Option<String> {
        let of_names = |what: &str| format!("{what} {}", names.join(", "));
        match self {
            Self::Stub => Some("newer than the profile".to_owned()),
            Self::StubForRule(_) | Self::NoRule(_) => Some(of_names("rule left out for")),
            Self::NoConditions(_) => Some(of_names("conditions ignored for")),
            Self::LowerHalf(_) => Some(of_names("lower half only compared for")),
            Self::OtherDefault => Some("whatever no rule matches".to_owned()),
            Self::Unlisted | Self::OneOfTwo(..) | Self::Unknown => None,
        }
    }
}

impl Row {
    /// Whether these calls are known to be made by something that cannot cope with an answer that some filter gives.
    pub fn is_met(&self) -> bool {
        !self.meets.is_empty()
    }

    /// The calls in words: `x86_64 fchmodat2`, `x86_64 450..1073741823`, `i386 clone[args[0] & 0x7e020000 != 0]`.
    pub fn subject(&self) -> String {
        subject(&self.class, &self.arguments)
    }

    /// What decides, according to the profile, in words.
    pub fn ruling_text(&self, profile: &Profile) -> String {
        match &self.ruling {
            Ruling::Default => format!("default action {}", self.written_text()),
            Ruling::Rule(at) => {
                let conditions = profile
                    .syscalls
                    .get(*at)
                    .is_some_and(|rule| !rule.args.is_empty());
                let with = if conditions { " with conditions" } else { "" };
                format!("rule {at}{with}, {}", self.written_text())
            }
            Ruling::Conflict(first, second) => format!("rules {first} and {second} contradict each other"),
            Ruling::Unlisted => "nothing, the architecture is not listed".to_owned(),
        }
    }

    fn written_text(&self) -> String {
        self.written
            .map_or_else(|| "of no known name".to_owned(), |action| action.to_string())
    }
}

impl Decider {
    /// The rows in which filters do not all answer the same, explained; those that are known to affect something come
    /// first.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn explain(
        &mut self,
        profile: &Profile,
        written: &Written,
        decisions: &[Decision],
    ) -> Result<Vec<Row>, TooComplex> {
        let found = self.compare_beside(decisions, &[written.node])?;
        let mut rows = self.rows(profile, written, found)?;
        rows.sort_by_key(|row| !row.is_met());
        Ok(rows)
    }

    /// The rows in which a filter does not answer what is written, and those about which the profile says nothing.
    ///
    /// # Errors
    ///
    /// When there are too many.
    pub fn departures(
        &mut self,
        profile: &Profile,
        written: &Written,
        decision: Decision,
    ) -> Result<Vec<Row>, TooComplex> {
        let mut found = self.compare_beside(&[decision, written.decision], &[written.node])?;
        for (class, _) in &mut found {
            class.answers.truncate(1);
        }
        self.rows(profile, written, found)
    }

    fn rows(
        &mut self,
        profile: &Profile,
        meaning: &Written,
        found: Vec<(Class, Vec<u32>)>,
    ) -> Result<Vec<Row>, TooComplex> {
        let mut rows = Vec::with_capacity(found.len());
        for (class, beside) in found {
            let ruling = meaning.by_leaf(beside[0]).clone();
            let written = profile.answer(&ruling);
            let reasons = class
                .answers
                .iter()
                .map(|answer| reason::reason(profile, meaning, &class, &ruling, *answer))
                .collect();
            rows.push(Row {
                arguments: self.describe(class.arguments, &class.abi)?,
                meets: facts::hits(&class),
                class,
                ruling,
                written,
                reasons,
            });
        }
        Ok(rows)
    }
}
