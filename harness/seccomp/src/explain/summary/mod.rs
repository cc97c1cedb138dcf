//! Where a filter is not what its profile says, by reason and class of calls: `newer than the profile: ERRNO(ENOSYS) [x86_64, i386]`.
//!
//! [`Decider::departures`] has the numbers, which change with each version of a library and of the tables here. A summary
//! says the same about a stub that begins at 450 and one that begins at 457, if both begin after the profile's newest
//! call. It is exact all the same: what covers a class only in part names the part, so two filters that answer
//! differently within a class that the profile distinguishes do not read the same.
//!
//! | text | calls |
//! |---|---|
//! | `every call` | all of an architecture that the profile does not list |
//! | `whatever no rule matches` | all that the default action decides: a different default action |
//! | `newer than the profile` | numbers above the newest call that the profile names: a stub of the runtime's own |
//! | `negative numbers` | from 2^31 on |
//! | `newer than the names in the filter` | as new as calls that a stub answers although the profile names them, and not named themselves |
//! | `calls that no rule names`, `numbers that no call has` | up to the newest; where not all of them: which |
//! | `calls that x32 lacks` | numbers at which x86_64 has a call of a rule, answered as by that rule |
//! | `rule left out for` | a rule's call is answered by the default action, or by a stub: its name is not known on that architecture |
//! | `conditions ignored for` | a rule's answer whatever the arguments are |
//! | `conditions differ for` | a rule's answer, or its absence, for arguments for which the profile says otherwise |
//! | `lower half only compared for` | the answer is right for the lower 32 bits of each argument |
//! | `contradicting rules for` | two rules match and say different things |
//! | `no rule holds for` | no condition holds, and the answer is neither a rule's nor the default action's |
//! | `no rule names`, `another answer for` | none of the above |
//!
//! | module | what it has |
//! |---|---|
//! | `calls` | calls that rules name, one by one |
//! | `spans` | all other numbers, by class |
//! | `text` | lines: architectures and names put together, in one order |

mod calls;
mod spans;
mod text;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::action::Action;
use crate::decide::diagram::{Set, TooComplex};
use crate::decide::partition::{Abi, Numbers};
use crate::decide::{Decider, Decision};
use crate::profile::{Profile, Ruling, Written};
use spans::Spans;
use text::{Lines, What};

/// Where a filter is not what its profile says, by reason and class of calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Where the profile says something else: `newer than the profile: ERRNO(ENOSYS) [x86_64, i386, x32]`.
    pub departures: Vec<String>,
    /// Where it says nothing: `every call: KILL_THREAD [x32, other]`.
    pub unlisted: Vec<String>,
}

impl Summary {
    /// What a line begins with: one of these.
    #[must_use]
    pub fn heads() -> Vec<String> {
        text::heads()
    }
}

/// Calls of one architecture with one answer that is not what is written.
struct Part {
    numbers: Vec<Numbers>,
    arguments: Set,
    ruling: Ruling,
    answer: Action,
    /// Whether it is what is written for the lower halves of these arguments.
    lower: bool,
}

impl Decider {
    /// Where a filter is not what its profile says, by reason and class of calls.
    ///
    /// # Errors
    ///
    /// When there are too many classes.
    pub fn summary(
        &mut self,
        profile: &Profile,
        written: &Written,
        decision: Decision,
    ) -> Result<Summary, TooComplex> {
        let (mut departures, mut unlisted) = (Lines::default(), Lines::default());
        for (abi, parts) in self.parts(profile, written, decision)? {
            let (outside, inside) = parts
                .into_iter()
                .partition(|part| part.ruling == Ruling::Unlisted);
            let mut one = OfAbi {
                decider: self,
                profile,
                written,
                names: names(profile, &abi),
                abi,
            };
            one.departures(inside, &mut departures)?;
            one.unlisted(outside, &mut unlisted)?;
        }
        Ok(Summary {
            departures: departures.texts(),
            unlisted: unlisted.texts(),
        })
    }

    fn parts(
        &mut self,
        profile: &Profile,
        written: &Written,
        decision: Decision,
    ) -> Result<BTreeMap<Abi, Vec<Part>>, TooComplex> {
        let lower = self.diagrams.narrow(written.node, &mut FxHashMap::default())?;
        let found = self.compare_beside(&[decision, written.decision], &[written.node, lower])?;
        let mut parts: BTreeMap<Abi, Vec<Part>> = BTreeMap::new();
        for (class, beside) in found {
            parts.entry(class.abi).or_default().push(Part {
                numbers: class.numbers,
                arguments: class.arguments,
                ruling: written.by_leaf(beside[0]).clone(),
                answer: class.answers[0],
                lower: may_answer(profile, written.by_leaf(beside[1]), class.answers[0]),
            });
        }
        Ok(parts)
    }
}

/// Whether an answer is one that a profile leaves open.
fn may_answer(profile: &Profile, ruling: &Ruling, answer: Action) -> bool {
    match *ruling {
        Ruling::Conflict(first, second) => [first, second]
            .iter()
            .any(|at| profile.answer(&Ruling::Rule(*at)) == Some(answer)),
        _ => profile.answer(ruling) == Some(answer),
    }
}

/// The calls that a profile's rules name on an architecture, by number.
fn names<'a>(profile: &'a Profile, abi: &Abi) -> BTreeMap<u32, &'a str> {
    let names = profile.syscalls.iter().flat_map(|rule| &rule.names);
    names
        .filter_map(|name| Some((abi.syscall_number(name)?, name.as_str())))
        .collect()
}

/// One architecture.
struct OfAbi<'a> {
    decider: &'a mut Decider,
    profile: &'a Profile,
    written: &'a Written,
    names: BTreeMap<u32, &'a str>,
    abi: Abi,
}

/// The parts of one call that a rule names.
type OfCalls = BTreeMap<u32, Vec<Part>>;

impl OfAbi<'_> {
    fn departures(&mut self, parts: Vec<Part>, lines: &mut Lines) -> Result<(), TooComplex> {
        let (calls, rest) = self.split(parts);
        let default = self.whole_default(&calls, &rest)?;
        if let Some(answer) = default {
            lines.add(What::NoMatch, answer, &self.abi);
        }
        let stubs = self.calls(calls, default, lines)?;
        let others = rest.into_iter().filter(|part| default != Some(part.answer));
        self.rest(&others.collect::<Vec<_>>(), stubs, lines)
    }

    fn unlisted(&mut self, parts: Vec<Part>, lines: &mut Lines) -> Result<(), TooComplex> {
        let universe = spans::universe(&self.abi);
        if let [part] = &parts[..]
            && part.arguments.is_all()
            && part.numbers == universe
        {
            lines.add(What::EveryCall, part.answer, &self.abi);
            return Ok(());
        }
        let (calls, rest) = self.split(parts);
        self.unlisted_calls(calls, lines)?;
        self.rest(&rest, None, lines)
    }

    /// The parts of the calls that rules name, call by call, and those of all other numbers.
    fn split(&self, parts: Vec<Part>) -> (OfCalls, Vec<Part>) {
        let (mut calls, mut rest) = (OfCalls::new(), Vec::new());
        for mut part in parts {
            let (taken, left) = spans::take(&part.numbers, self.names.keys().copied());
            for nr in taken {
                calls.entry(nr).or_default().push(Part {
                    numbers: Vec::new(),
                    ruling: part.ruling.clone(),
                    ..part
                });
            }
            if !left.is_empty() {
                part.numbers = left;
                rest.push(part);
            }
        }
        (calls, rest)
    }

    /// The answer to everything that the default action should decide, if it is a single one, and a different one.
    ///
    /// Arguments of which only the lower halves are compared do not count, nor do negative numbers with an answer of
    /// their own.
    fn whole_default(&mut self, calls: &OfCalls, rest: &[Part]) -> Result<Option<Action>, TooComplex> {
        let Some(answer) = Spans::of(&self.abi, &self.names).one_answer(rest) else {
            return Ok(None);
        };
        for nr in self.names.keys().copied().collect::<Vec<_>>() {
            let parts = calls.get(&nr).map(Vec::as_slice).unwrap_or_default();
            let there = parts
                .iter()
                .filter(|there| there.ruling == Ruling::Default && (there.answer == answer || there.lower))
                .map(|there| there.arguments);
            let there = self.union(there.collect())?;
            if there != self.written_for(nr, &Ruling::Default)? {
                return Ok(None);
            }
        }
        Ok(Some(answer))
    }

    fn union(&mut self, sets: Vec<Set>) -> Result<Set, TooComplex> {
        let mut all = Set::EMPTY;
        for set in sets {
            all = self.decider.diagrams.or(all, set)?;
        }
        Ok(all)
    }

    fn minus(&mut self, set: Set, without: Set) -> Result<Set, TooComplex> {
        let without = self.decider.diagrams.not(without)?;
        self.decider.diagrams.and(set, without)
    }

    /// A set of arguments in words, or by a number if it takes too many words.
    fn arguments(&mut self, set: Set) -> Result<String, TooComplex> {
        let text = self.decider.describe(set, &self.abi)?;
        Ok(text::bounded(text))
    }
}
