//! Lines of a summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::action::Action;
use crate::decide::partition::Abi;

/// A class of calls, with what they have in common. In the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    EveryCall,
    Named,
    NoMatch,
    /// Which of them; empty means all, here and below.
    Newer(String),
    Negative(String),
    Behind,
    NotNamed,
    Gaps(String),
    Lacks,
    /// Numbers of an architecture whose calls are unknown here.
    Numbers(String),
    /// Calls by name, with a condition on the arguments.
    Calls(Kind, Vec<String>, String),
}

/// What is wrong with calls that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    LeftOut,
    Ignored,
    Differ,
    LowerHalf,
    Contradicting,
    NotHeld,
    NoRule,
    Otherwise,
    Named,
}

/// What each line begins with: one of these.
pub(super) fn heads() -> Vec<String> {
    let none = String::new;
    let calls = Kind::ALL.map(|kind| What::Calls(kind, Vec::new(), none()));
    let classes = [
        What::EveryCall,
        What::Named,
        What::NoMatch,
        What::Newer(none()),
        What::Negative(none()),
        What::Behind,
        What::NotNamed,
        What::Gaps(none()),
        What::Lacks,
        What::Numbers(none()),
    ];
    let head = |what: &What| what.to_string().trim_end().to_owned();
    classes.iter().chain(&calls).map(head).collect()
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::LeftOut,
        Self::Ignored,
        Self::Differ,
        Self::LowerHalf,
        Self::Contradicting,
        Self::NotHeld,
        Self::NoRule,
        Self::Otherwise,
        Self::Named,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::LeftOut => "rule left out for",
            Self::Ignored => "conditions ignored for",
            Self::Differ => "conditions differ for",
            Self::LowerHalf => "lower half only compared for",
            Self::Contradicting => "contradicting rules for",
            Self::NotHeld => "no rule holds for",
            Self::NoRule => "no rule names",
            Self::Otherwise => "another answer for",
            Self::Named => "a rule names",
        })
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, which) = match self {
            Self::EveryCall => ("every call", ""),
            Self::Named => ("calls that rules name", ""),
            Self::NoMatch => ("whatever no rule matches", ""),
            Self::Newer(which) => ("newer than the profile", which.as_str()),
            Self::Negative(which) => ("negative numbers", which.as_str()),
            Self::Behind => ("newer than the names in the filter", ""),
            Self::NotNamed => ("calls that no rule names", ""),
            Self::Gaps(which) => ("numbers that no call has", which.as_str()),
            Self::Lacks => ("calls that x32 lacks", ""),
            Self::Numbers(which) => ("numbers", which.as_str()),
            Self::Calls(kind, names, which) => {
                write!(out, "{kind} {}", cut(names.join(", "), MOST_OF_NAMES))?;
                return match which.as_str() {
                    "" => Ok(()),
                    which => write!(out, " ({which})"),
                };
            }
        };
        out.write_str(what)?;
        match which {
            "" => Ok(()),
            which => write!(out, " ({which})"),
        }
    }
}

/// Classes with their answers, and the architectures on which they have them.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<(What, String), BTreeSet<Abi>>);

impl Lines {
    pub(super) fn add(&mut self, what: What, answer: Action, abi: &Abi) {
        let key = (what, answer.to_string());
        self.0.entry(key).or_default().insert(abi.clone());
    }

    pub(super) fn call(&mut self, kind: Kind, name: &str, which: &str, answer: Action, abi: &Abi) {
        let what = What::Calls(kind, vec![name.to_owned()], which.to_owned());
        self.add(what, answer, abi);
    }

    /// Each line as a text; calls with the same problem on the same architectures share a line.
    pub(super) fn texts(self) -> Vec<String> {
        let mut lines: BTreeMap<(What, String, BTreeSet<Abi>), Vec<String>> = BTreeMap::new();
        for ((what, answer), abis) in self.0 {
            let (what, name) = match what {
                What::Calls(kind, names, which) => (What::Calls(kind, Vec::new(), which), names),
                what => (what, Vec::new()),
            };
            lines.entry((what, answer, abis)).or_default().extend(name);
        }
        let text = |((what, answer, abis), names): ((What, String, BTreeSet<Abi>), Vec<String>)| {
            let what = match what {
                What::Calls(kind, _, which) => What::Calls(kind, names, which),
                what => what,
            };
            // Several groups of architectures that are unknown here have one name.
            let mut abis: Vec<String> = abis.iter().map(ToString::to_string).collect();
            abis.dedup();
            format!("{what}: {answer} [{}]", abis.join(", "))
        };
        lines.into_iter().map(text).collect()
    }
}

/// Length of a list of names, in characters.
const MOST_OF_NAMES: usize = 200;

/// Length of a condition or of a list of numbers, in characters.
const MOST: usize = 80;

/// A condition or a list of numbers, with bounded length.
pub(super) fn bounded(text: String) -> String {
    cut(text, MOST)
}

/// A text that is cut if it is longer, and then distinguished from others by a number.
fn cut(text: String, most: usize) -> String {
    if text.chars().count() <= most {
        return text;
    }
    let mut digest: u32 = 0x811c_9dc5;
    for byte in text.bytes() {
        digest = (digest ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    let mut begin: String = text.chars().take(most).collect();
    let whole = begin.rfind([',', ' ']).unwrap_or(begin.len());
    begin.truncate(whole);
    format!("{} ... #{digest:08x}", begin.trim_end_matches([',', ' ']))
}
