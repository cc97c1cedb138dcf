//! What a profile means according to the spec: which rule decides each call, and how.
//!
//! The spec says that a rule matches when its name and all of its conditions do, and that the default action answers
//! the rest. It does not say what happens on architectures that are not listed, nor which of two rules with different
//! actions takes precedence: in these cases, nothing counts as written.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::names::{self, Operator};
use super::{Condition, Profile, Rule};
use crate::action::Action;
use crate::data::{SeccompData, X32_BIT};
use crate::decide::diagram::{ARCH, ARGS, Against, Diagrams, NR, Node, Set, TooComplex};
use crate::decide::partition::Abi;
use crate::decide::{Decider, Decision};

/// A leaf for calls about which a profile says nothing: no filter can answer this ([`Action::value`]).
const NOTHING: u32 = 0x1234_5678;

/// What decides a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ruling {
    /// No rule matches: the default action.
    Default,
    /// The first rule that matches, by its place in `syscalls`, from 0.
    Rule(usize),
    /// Two rules match and say different things.
    Conflict(usize, usize),
    /// The architecture is not in the list, or its calls are not known here.
    Unlisted,
}

/// A profile as a function from calls to rulings. It belongs to the [`Decider`] that made it.
#[derive(Debug, Clone)]
pub struct Written {
    pub(crate) node: Node,
    rulings: Rulings,
    /// What is written, with [`Ruling::Conflict`] and [`Ruling::Unlisted`] as an answer that no filter gives.
    pub(crate) decision: Decision,
    newest: BTreeMap<Abi, u32>,
}

impl Written {
    /// The ruling on a call.
    pub fn ruling(&self, decider: &Decider, call: &SeccompData) -> &Ruling {
        self.by_leaf(
            decider
                .diagrams
                .follow(self.node, |level| crate::decide::bit(call, level)),
        )
    }

    pub(crate) fn by_leaf(&self, leaf: u32) -> &Ruling {
        self.rulings.at(leaf)
    }

    /// The rulings on one call, each with the arguments for which it holds.
    pub(crate) fn of_call(
        &self,
        diagrams: &mut Diagrams,
        call: &SeccompData,
    ) -> Result<Vec<(Ruling, Set)>, TooComplex> {
        let mut node = self.node;
        while diagrams.level(node) < ARGS {
            let level = diagrams.level(node);
            let (zero, one) = diagrams.ways(node, level);
            node = if crate::decide::bit(call, level) {
                one
            } else {
                zero
            };
        }
        let sets = diagrams.sets(node)?;
        Ok(sets
            .into_iter()
            .map(|(leaf, set)| (self.by_leaf(leaf).clone(), set))
            .collect())
    }

    /// What is written, as a decision. Where nothing is written, it gives an answer that no filter can give.
    pub fn decision(&self) -> Decision {
        self.decision
    }

    /// The newest call that the profile names on an architecture, by number.
    pub fn newest(&self, abi: &Abi) -> Option<u32> {
        self.newest.get(abi).copied()
    }
}

impl Profile {
    /// The architectures that are listed and known here; the machine's own, by the spec's name, if none is listed.
    pub fn abis(&self, native: &str) -> Vec<Abi> {
        match &self.architectures[..] {
            [] => names::abi(native).into_iter().collect(),
            list => list.iter().filter_map(|name| names::abi(name)).collect(),
        }
    }

    /// What a ruling answers; `None` where the profile says nothing, or names an action that does not exist.
    pub fn answer(&self, ruling: &Ruling) -> Option<Action> {
        match ruling {
            Ruling::Default => names::action(&self.default_action, self.default_errno_ret),
            Ruling::Rule(at) => {
                let rule = self.syscalls.get(*at)?;
                names::action(&rule.action, rule.errno_ret)
            }
            Ruling::Conflict(..) | Ruling::Unlisted => None,
        }
    }
}

impl Decider {
    /// The meaning of a profile. `native` is the machine's architecture by the spec's name, for a profile that does not
    /// list any.
    ///
    /// # Errors
    ///
    /// When the profile has too many rules with conditions.
    pub fn written(&mut self, profile: &Profile, native: &str) -> Result<Written, TooComplex> {
        let mut maker = Maker {
            diagrams: &mut self.diagrams,
            profile,
            rulings: Rulings::default(),
            newest: BTreeMap::new(),
        };
        let node = maker.all(native)?;
        let Maker { rulings, newest, .. } = maker;
        let decision = self.diagrams.map(node, &mut FxHashMap::default(), &mut |leaf| {
            profile.answer(rulings.at(leaf)).map_or(NOTHING, Action::value)
        })?;
        Ok(Written {
            node,
            rulings,
            decision: Decision(decision),
            newest,
        })
    }
}

impl Decider {
    /// The calls that none of the rules matches by its conditions; `None` if one of the rules cannot be understood.
    pub(crate) fn unmatched(&mut self, rules: &[&Rule]) -> Result<Option<Set>, TooComplex> {
        let mut matched = Set::EMPTY;
        for rule in rules {
            let Some(set) = conditions(&mut self.diagrams, rule)? else {
                return Ok(None);
            };
            matched = self.diagrams.or(matched, set)?;
        }
        self.diagrams.not(matched).map(Some)
    }
}

/// Rulings by the leaves that stand for them.
#[derive(Debug, Clone)]
struct Rulings {
    list: Vec<Ruling>,
    places: FxHashMap<Ruling, u32>,
}

/// The leaves of the rulings that always exist.
const DEFAULT: u32 = 0;
const UNLISTED: u32 = 1;

impl Default for Rulings {
    fn default() -> Self {
        let list = vec![Ruling::Default, Ruling::Unlisted];
        let places = list.iter().cloned().zip([DEFAULT, UNLISTED]).collect();
        Self { list, places }
    }
}

impl Rulings {
    fn at(&self, leaf: u32) -> &Ruling {
        self.list.get(leaf as usize).unwrap_or(&Ruling::Unlisted)
    }

    fn place(&mut self, ruling: Ruling) -> u32 {
        *self.places.entry(ruling.clone()).or_insert_with(|| {
            self.list.push(ruling);
            self.list.len() as u32 - 1
        })
    }
}

struct Maker<'a> {
    diagrams: &'a mut Diagrams,
    profile: &'a Profile,
    rulings: Rulings,
    newest: BTreeMap<Abi, u32>,
}

impl Maker<'_> {
    fn all(&mut self, native: &str) -> Result<Node, TooComplex> {
        let mut abis: BTreeMap<Abi, Node> = BTreeMap::new();
        for abi in self.profile.abis(native) {
            let node = self.abi(&abi)?;
            abis.insert(abi, node);
        }
        let unlisted = self.diagrams.leaf(UNLISTED)?;
        let default = self.diagrams.leaf(DEFAULT)?;
        // x32 shares an architecture with x86_64, and its numbers lie between those of the others.
        let x32 = abis.remove(&Abi::X32);
        if x32.is_some() || abis.contains_key(&Abi::X86_64) {
            let plain = abis.remove(&Abi::X86_64);
            let negative = if plain.is_some() { default } else { unlisted };
            let (plain, x32) = (plain.unwrap_or(unlisted), x32.unwrap_or(unlisted));
            let upper = self
                .diagrams
                .choose_word(NR, Against::GreaterEqual, X32_BIT << 1, negative, x32)?;
            let both = self
                .diagrams
                .choose_word(NR, Against::GreaterEqual, X32_BIT, upper, plain)?;
            abis.insert(Abi::X86_64, both);
        }
        let mut node = unlisted;
        for (abi, of_abi) in abis {
            node = self
                .diagrams
                .choose_word(ARCH, Against::Equal, abi.arch().0, of_abi, node)?;
        }
        Ok(node)
    }

    /// The rulings on the calls of one architecture.
    fn abi(&mut self, abi: &Abi) -> Result<Node, TooComplex> {
        // An architecture whose calls are unknown here has no rulings on any.
        if abi.syscall_number("read").is_none() {
            return self.diagrams.leaf(UNLISTED);
        }
        let default = self.diagrams.leaf(DEFAULT)?;
        let mut numbers: BTreeMap<u32, Node> = BTreeMap::new();
        for (at, rule) in self.profile.syscalls.iter().enumerate() {
            let Some(set) = conditions(self.diagrams, rule)? else {
                continue;
            };
            for name in &rule.names {
                if let Some(nr) = abi.syscall_number(name) {
                    let before = numbers.get(&nr).copied().unwrap_or(default);
                    let after = self.add(before, set, at)?;
                    numbers.insert(nr, after);
                }
            }
        }
        if let Some(newest) = numbers.keys().next_back() {
            self.newest.insert(abi.clone(), *newest);
        }
        let mut node = default;
        for (nr, of_nr) in numbers.into_iter().rev() {
            node = self.diagrams.choose_word(NR, Against::Equal, nr, of_nr, node)?;
        }
        // A call gets the lower halves as arguments, whatever the registers are.
        match abi.is_narrow() {
            true => self.diagrams.narrow(node, &mut FxHashMap::default()),
            false => Ok(node),
        }
    }

    /// Adds a rule: it decides where only the default did so far, and conflicts where another rule says something else.
    fn add(&mut self, before: Node, set: Set, at: usize) -> Result<Node, TooComplex> {
        let (profile, rulings) = (self.profile, &mut self.rulings);
        let mine = rulings.place(Ruling::Rule(at));
        let action = profile.answer(&Ruling::Rule(at));
        self.diagrams.map_in(
            set,
            before,
            &mut FxHashMap::default(),
            &mut |leaf| match *rulings.at(leaf) {
                Ruling::Default => mine,
                Ruling::Rule(first) if profile.answer(&Ruling::Rule(first)) != action => {
                    rulings.place(Ruling::Conflict(first, at))
                }
                _ => leaf,
            },
        )
    }
}

/// The calls whose arguments meet all conditions; `None` if one of them cannot be understood.
fn conditions(diagrams: &mut Diagrams, rule: &Rule) -> Result<Option<Set>, TooComplex> {
    let mut all = Set::ALL;
    for condition in &rule.args {
        let Some(set) = self::condition(diagrams, condition)? else {
            return Ok(None);
        };
        all = diagrams.and(all, set)?;
    }
    Ok(Some(all))
}

fn condition(diagrams: &mut Diagrams, condition: &Condition) -> Result<Option<Set>, TooComplex> {
    let Some(operator) = names::operator(&condition.op).filter(|_| condition.index < 6) else {
        return Ok(None);
    };
    let level = ARGS + condition.index as u16 * 64;
    let (all, none) = (Set::ALL.0, Set::EMPTY.0);
    let (against, yes, no) = match operator {
        Operator::MaskedEqual => {
            return diagrams
                .masked(level, condition.value, condition.value_two)
                .map(Some);
        }
        Operator::Equal => (Against::Equal, all, none),
        Operator::NotEqual => (Against::Equal, none, all),
        Operator::Greater => (Against::Greater, all, none),
        Operator::LessEqual => (Against::Greater, none, all),
        Operator::GreaterEqual => (Against::GreaterEqual, all, none),
        Operator::Less => (Against::GreaterEqual, none, all),
    };
    let set = diagrams.choose_number((level, 64), against, condition.value, yes, no)?;
    Ok(Some(Set(set)))
}
