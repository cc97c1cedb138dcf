//! What a changed profile does, class of calls by class of calls: the filters from before and after are compared with
//! each other.

use ocidiff_model::record::FilterRecord;
use ocidiff_seccomp::cure::behind;
use ocidiff_seccomp::data::X32_BIT;
use ocidiff_seccomp::decide::partition::{Abi, Class};
use ocidiff_seccomp::explain::subject;
use ocidiff_seccomp::syscall::is_gap_of_x32;
use ocidiff_seccomp::{Action, Decision, Profile};

use super::filters::{Filters, Undecided, native_arch, stack};

/// What makes a class of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Programs of the machine's own architecture.
    Native,
    /// Programs of another architecture.
    Foreign,
    /// Nothing: no kernel has such numbers.
    Nobody,
}

impl Scope {
    fn of(class: &Class, native: Option<&Abi>) -> Self {
        let is_gap = |nr: u32| class.abi == Abi::X32 && is_gap_of_x32(nr & !X32_BIT);
        let mut ranges = class.numbers.iter();
        if ranges.all(|range| range.first >= FIRST_OF_NOBODY || (range.first..=range.last).all(is_gap)) {
            Self::Nobody
        } else if native == Some(&class.abi) {
            Self::Native
        } else {
            Self::Foreign
        }
    }
}

/// From here on, numbers are negative for a kernel.
const FIRST_OF_NOBODY: u32 = 0x8000_0000;

/// What a changed profile does to calls, according to the filters that runtimes made from both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The calls: `x86_64 450..`.
    pub calls: String,
    /// Those of them that have names.
    pub named: Vec<String>,
    /// If it is one call that multiplexes many: those that it stands for here, `None` where the number means nothing.
    pub behind: Vec<Option<&'static str>>,
    /// What makes them.
    pub scope: Scope,
    /// Before and after, by runtime in the order in which they were added.
    pub answers: Vec<(Action, Action)>,
}

impl Change {
    /// Whether the runtimes' filters answer differently after the change.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.answers.windows(2).any(|pair| pair[0].1 != pair[1].1)
    }

    /// Whether every runtime answers as before.
    #[must_use]
    pub fn is_as_before(&self) -> bool {
        self.answers.iter().all(|(before, after)| before == after)
    }
}

impl Filters {
    /// Every class of calls that a runtime answers differently from another, or differently than before.
    ///
    /// `after` has the filters that the same runtimes made from the changed profile, in the same order.
    ///
    /// # Errors
    ///
    /// One cannot be decided.
    pub fn changes(&mut self, after: &[&[FilterRecord]]) -> Result<Vec<Change>, Undecided> {
        let mut decisions: Vec<Decision> = self.made.iter().map(|(_, decision)| *decision).collect();
        let runtimes = decisions.len();
        for records in after {
            decisions.push(stack(&mut self.decider, records)?);
        }
        let mut changes = Vec::new();
        let native = Profile::default().abis(native_arch()).into_iter().next();
        for class in self.decider.compare(&decisions)? {
            let (before, after) = class.answers.split_at(runtimes);
            let arguments = self.decider.describe(class.arguments, &class.abi)?;
            let has = |number| {
                let mut call = class.witness;
                call.args[0] = number;
                self.decider.contains(class.arguments, &call)
            };
            let behind = match &class.named().collect::<Vec<_>>()[..] {
                [(_, call)] => behind(call, has),
                _ => Vec::new(),
            };
            changes.push(Change {
                behind,
                calls: subject(&class, &arguments),
                named: class.named().map(|(_, name)| name.to_owned()).collect(),
                scope: Scope::of(&class, native.as_ref()),
                answers: before.iter().copied().zip(after.iter().copied()).collect(),
            });
        }
        Ok(changes)
    }
}
