//! Calls that rules name.

use super::text::{Kind, Lines, What};
use super::{OfAbi, OfCalls, Part};
use crate::action::Action;
use crate::data::SeccompData;
use crate::decide::diagram::{Set, TooComplex};
use crate::decide::partition::Abi;
use crate::explain::reason::conditional;
use crate::profile::Ruling;
use crate::syscall::FIRST_SHARED;

/// What decides arguments of a call, according to the profile, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decides {
    Default,
    /// A rule, by its action.
    Rule(Option<Action>),
    Contradiction,
}

/// All arguments of a call that the same thing decides.
struct Region {
    decides: Decides,
    all: Set,
    /// Whether a rule of the call answers where its conditions do not hold: then it has not been left out.
    strays: bool,
}

impl OfAbi<'_> {
    /// The arguments for which a ruling applies to a call.
    pub(super) fn written_for(&mut self, nr: u32, ruling: &Ruling) -> Result<Set, TooComplex> {
        let rulings = self.rulings(nr)?;
        let found = rulings.into_iter().find(|(there, _)| there == ruling);
        Ok(found.map_or(Set::EMPTY, |(_, set)| set))
    }

    fn rulings(&mut self, nr: u32) -> Result<Vec<(Ruling, Set)>, TooComplex> {
        let call = SeccompData::new(self.abi.arch().0, nr, [0; 6]);
        self.written.of_call(&mut self.decider.diagrams, &call)
    }

    /// Adds the lines of calls that rules name. Returns the first call that a stub answers although a rule should.
    pub(super) fn calls(
        &mut self,
        calls: OfCalls,
        default: Option<Action>,
        lines: &mut Lines,
    ) -> Result<Option<u32>, TooComplex> {
        let mut stubs = None;
        for (nr, mut parts) in calls {
            // What a different default action answers is reported once.
            parts.retain(|part| part.ruling != Ruling::Default || default != Some(part.answer));
            if self.one(nr, &parts, default, lines)? && stubs.is_none() {
                stubs = Some(nr);
            }
        }
        Ok(stubs)
    }

    /// One call. Returns whether a stub answers it instead of a rule.
    fn one(
        &mut self,
        nr: u32,
        parts: &[Part],
        default: Option<Action>,
        lines: &mut Lines,
    ) -> Result<bool, TooComplex> {
        // libseccomp treats x32 as an architecture whose registers have 32 bits.
        let by_halves = self.abi == Abi::X32 || parts.iter().all(|part| part.lower);
        let name = self.names.get(&nr).copied().unwrap_or_default();
        let strays = parts.iter().any(|part| {
            part.ruling == Ruling::Default && conditional(self.profile, name, part.answer).is_some()
        });
        let mut is_stub = false;
        for region in self.regions(nr)? {
            let region = Region { strays, ..region };
            let inside: Vec<&Part> = parts
                .iter()
                .filter(|part| self.decides(&part.ruling) == region.decides)
                .collect();
            let lower = inside.iter().filter(|part| by_halves && part.lower);
            let lower = self.union(lower.map(|part| part.arguments).collect())?;
            let mut done: Vec<Action> = Vec::new();
            for answer in inside.iter().map(|part| part.answer) {
                if done.contains(&answer) {
                    continue;
                }
                done.push(answer);
                let sets = inside.iter().filter(|part| part.answer == answer);
                let all = self.union(sets.map(|part| part.arguments).collect())?;
                is_stub |= self.answer(nr, &region, (all, lower), (answer, default), lines)?;
            }
        }
        Ok(is_stub)
    }

    /// One answer in one region of a call. Returns whether it comes from a stub.
    fn answer(
        &mut self,
        nr: u32,
        region: &Region,
        (set, lower): (Set, Set),
        (answer, default): (Action, Option<Action>),
        lines: &mut Lines,
    ) -> Result<bool, TooComplex> {
        let name = self.names.get(&nr).copied().unwrap_or_default();
        let mut set = set;
        if set != region.all {
            let halves = self.decider.diagrams.and(set, lower)?;
            if !halves.is_empty() && region.decides != Decides::Contradiction {
                lines.call(Kind::LowerHalf, name, "", answer, &self.abi);
                set = self.minus(set, halves)?;
            }
        }
        if set.is_empty() {
            return Ok(false);
        }
        let but_lower = self.minus(region.all, lower)?;
        let is_whole = set == region.all || set == but_lower;
        let kind = self.kind(nr, region, is_whole, (answer, default));
        // One of a call's rules must be distinguished from all of them.
        let is_one_of_many = match kind {
            Kind::LeftOut | Kind::Ignored => self.has_others(nr, region, kind, answer)?,
            Kind::Differ => true,
            _ => false,
        };
        let which = match is_whole && !is_one_of_many {
            true => String::new(),
            false => self.arguments(set)?,
        };
        lines.call(kind, name, &which, answer, &self.abi);
        Ok(kind == Kind::LeftOut && answer == Action::ENOSYS && is_new(nr))
    }

    fn kind(
        &self,
        nr: u32,
        region: &Region,
        is_whole: bool,
        (answer, default): (Action, Option<Action>),
    ) -> Kind {
        let name = self.names.get(&nr).copied().unwrap_or_default();
        let of_rule = conditional(self.profile, name, answer).is_some();
        let of_default = self.profile.answer(&Ruling::Default) == Some(answer) || default == Some(answer);
        let of_stub = answer == Action::ENOSYS && is_new(nr);
        match region.decides {
            Decides::Contradiction => Kind::Contradicting,
            Decides::Rule(_) if is_whole && (of_stub || of_default && !region.strays) => Kind::LeftOut,
            _ if is_whole && of_rule => Kind::Ignored,
            Decides::Rule(_) if of_default => Kind::Differ,
            _ if of_rule => Kind::Differ,
            Decides::Rule(_) => Kind::Otherwise,
            Decides::Default => Kind::NotHeld,
        }
    }

    fn decides(&self, ruling: &Ruling) -> Decides {
        match ruling {
            Ruling::Rule(_) => Decides::Rule(self.profile.answer(ruling)),
            Ruling::Conflict(..) => Decides::Contradiction,
            Ruling::Default | Ruling::Unlisted => Decides::Default,
        }
    }

    fn regions(&mut self, nr: u32) -> Result<Vec<Region>, TooComplex> {
        let mut regions: Vec<Region> = Vec::new();
        for (ruling, set) in self.rulings(nr)? {
            let decides = self.decides(&ruling);
            match regions.iter_mut().find(|there| there.decides == decides) {
                Some(there) => there.all = self.decider.diagrams.or(there.all, set)?,
                None => regions.push(Region {
                    decides,
                    all: set,
                    strays: false,
                }),
            }
        }
        Ok(regions)
    }

    /// Whether other rules for a call also say something else; for ignored conditions, whether the default action does.
    fn has_others(
        &mut self,
        nr: u32,
        region: &Region,
        kind: Kind,
        answer: Action,
    ) -> Result<bool, TooComplex> {
        let default = self.profile.answer(&Ruling::Default);
        let is_other = |other: &Region| match other.decides {
            decides if decides == region.decides => false,
            Decides::Default => kind == Kind::Ignored && default != Some(answer),
            Decides::Rule(action) => action != Some(answer),
            Decides::Contradiction => true,
        };
        Ok(self.regions(nr)?.iter().any(is_other))
    }

    /// Adds the lines of calls that rules name, on an architecture that is not listed.
    pub(super) fn unlisted_calls(&mut self, calls: OfCalls, lines: &mut Lines) -> Result<(), TooComplex> {
        let mut whole: Vec<Action> = calls
            .values()
            .filter(|parts| parts.len() == 1 && parts[0].arguments.is_all())
            .map(|parts| parts[0].answer)
            .collect();
        whole.dedup();
        if let [answer] = whole[..]
            && calls.len() == self.names.len()
            && calls.values().all(|parts| parts.len() == 1)
        {
            lines.add(What::Named, answer, &self.abi);
            return Ok(());
        }
        for (nr, parts) in calls {
            let name = self.names.get(&nr).copied().unwrap_or_default();
            for part in parts {
                let which = self.arguments(part.arguments)?;
                lines.call(Kind::Named, name, &which, part.answer, &self.abi);
            }
        }
        Ok(())
    }
}

/// Whether a call is so new that a library may not know its name.
fn is_new(nr: u32) -> bool {
    nr & !crate::data::X32_BIT >= FIRST_SHARED
}
