//! Decides filters: what they answer to *every* call, exactly and without sampling.
//!
//! A [`Decider`] turns each filter into a [`Decision`], a diagram over the 512 bits of a call. Two decisions of one
//! decider are equal exactly if the filters give the same answer to each of the 2^512 calls. Arithmetic and tests of
//! every kind that the kernel takes are followed; what has no small diagram is refused ([`TooComplex`]), never guessed.
//!
//! | module | what it has |
//! |---|---|
//! | `diagram` | the diagrams: nodes, sets of calls, ranges of a word |
//! | `word` | what a register holds, bit by bit |
//! | `program` | from instructions to a diagram |
//! | `partition` | a decision as classes of calls: architecture, numbers, arguments, action |
//! | `arguments` | a class of arguments in words |
//! | `cover` | the same as conditions that a profile can express |

mod arguments;
pub(crate) mod cover;
pub(crate) mod diagram;
pub mod partition;
mod program;
mod word;

use rustc_hash::FxHashMap;

pub use diagram::{Set, TooComplex};
pub use program::DecideError;

use crate::action::Action;
use crate::data::SeccompData;
use crate::filter::Filter;
use diagram::{ARCH, ARGS, Diagrams, IP, NR, Node};

/// What a filter, or a stack of filters, answers to every call. It belongs to the [`Decider`] that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision(pub(crate) Node);

/// Makes decisions, and holds what they are made of. Decisions can be compared if one decider made them.
///
/// ```
/// use ocidiff_seccomp::{Decider, Filter, Instruction};
///
/// let mut decider = Decider::default();
/// // "number > 99" and "number >= 100", with the ways swapped.
/// let load = Instruction::plain(0x20, 0);
/// let (allow, deny) = (Instruction::plain(0x06, 0x7fff_0000), Instruction::plain(0x06, 0x0005_0001));
/// let one = Filter(vec![load, Instruction::test(0x25, 99, 1, 0), allow, deny]);
/// let other = Filter(vec![load, Instruction::test(0x35, 100, 0, 1), deny, allow]);
/// assert_eq!(decider.filter(&one)?, decider.filter(&other)?);
/// # Ok::<(), ocidiff_seccomp::DecideError>(())
/// ```
#[derive(Debug, Default)]
pub struct Decider {
    pub(crate) diagrams: Diagrams,
}

impl Decider {
    /// Decides one filter.
    ///
    /// # Errors
    ///
    /// When no kernel accepts the filter, or it has no small diagram.
    pub fn filter(&mut self, filter: &Filter) -> Result<Decision, DecideError> {
        let node = program::decide(&mut self.diagrams, filter, &mut |diagrams, value| {
            diagrams.leaf(Action::from_value(value).value())
        })?;
        Ok(Decision(node))
    }

    /// Decides filters that are in force together, the newest first, as the kernel reads them back.
    ///
    /// The kernel runs them all and takes the action of the highest precedence; among equal ones it takes the newest
    /// filter's, with its data (seccomp(2), `seccomp_run_filters`). No filter at all allows everything.
    ///
    /// # Errors
    ///
    /// As [`Decider::filter`].
    pub fn stack(&mut self, filters: &[Filter]) -> Result<Decision, DecideError> {
        let mut memory = FxHashMap::default();
        let mut together: Option<Decision> = None;
        for filter in filters {
            let one = self.filter(filter)?;
            together = Some(match together {
                None => one,
                Some(newer) => Decision(self.diagrams.join(
                    newer.0,
                    one.0,
                    &mut memory,
                    &mut |newer, older| {
                        if Action::from_value(older).precedence() < Action::from_value(newer).precedence() {
                            older
                        } else {
                            newer
                        }
                    },
                )?),
            });
        }
        match together {
            Some(decision) => Ok(decision),
            None => Ok(Decision(self.diagrams.leaf(Action::Allow.value())?)),
        }
    }

    /// What a decision answers to one call.
    pub fn answer(&self, decision: Decision, call: &SeccompData) -> Action {
        Action::from_value(self.diagrams.follow(decision.0, |level| bit(call, level)))
    }

    /// A call from a set: the least one, by architecture, number, then arguments. `None` for the empty set.
    pub fn witness(&self, set: Set) -> Option<SeccompData> {
        let mut call = SeccompData::default();
        for level in self.diagrams.least(set)? {
            set_bit(&mut call, level);
        }
        Some(call)
    }

    /// Whether a call is in a set.
    pub fn contains(&self, set: Set, call: &SeccompData) -> bool {
        self.diagrams.follow(set.0, |level| bit(call, level)) == 1
    }

    /// Nodes made so far: a measure of the work.
    pub fn nodes(&self) -> usize {
        self.diagrams.len()
    }
}

pub(crate) fn bit(call: &SeccompData, level: u16) -> bool {
    let narrow = |value: u32, begin: u16| value >> (31 - (level - begin)) & 1 == 1;
    match level {
        ..NR => narrow(call.arch, ARCH),
        NR..ARGS => narrow(call.nr, NR),
        ARGS..IP => {
            let at = level - ARGS;
            call.args[usize::from(at / 64)] >> (63 - at % 64) & 1 == 1
        }
        IP.. => call.instruction_pointer >> (63 - (level - IP)) & 1 == 1,
    }
}

fn set_bit(call: &mut SeccompData, level: u16) {
    match level {
        ..NR => call.arch |= 1 << (31 - (level - ARCH)),
        NR..ARGS => call.nr |= 1 << (31 - (level - NR)),
        ARGS..IP => {
            let at = level - ARGS;
            call.args[usize::from(at / 64)] |= 1 << (63 - at % 64);
        }
        IP.. => call.instruction_pointer |= 1 << (63 - (level - IP)),
    }
}
