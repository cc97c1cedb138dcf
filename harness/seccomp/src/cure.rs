//! Profiles that every runtime understands in the same way.
//!
//! What makes filters differ is what a profile does not say: calls newer than its author. So the cure says it. Calls
//! that already existed and are not named were denied on purpose, and stay denied with the same errno. Everything else,
//! including what has no name yet, gets ENOSYS, which libraries take as a sign of an older kernel.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::cover::Cover;
use crate::decide::{Decider, TooComplex};
use crate::explain::{callers, since};
use crate::profile::{Condition, Profile, Rule};

mod behind;

pub use behind::{behind, is_behind_one};

use behind::MULTIPLEXED;

/// ENOSYS.
const ENOSYS: u32 = 38;
/// EPERM: the errno of an ERRNO that does not give one.
const EPERM: u32 = 1;

/// Actions that take a number.
const TAKES_ERRNO: [&str; 2] = ["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"];
/// Actions that deny a call: as a default action they are replaced by ENOSYS, which a runtime can answer before them.
const DENIES: [&str; 5] = [
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_TRAP",
];

/// What a cure does about calls that the profile does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// ENOSYS for all of them.
    Enosys,
    /// As above, and calls are allowed that programs are known to make and that are no more powerful than what is
    /// allowed already.
    Allow,
}

/// Why there is no cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCure {
    /// The default action denies nothing.
    #[error(
        "cure the profile: its default action is {0}; only one that denies can be changed to answer ENOSYS"
    )]
    Default(String),
    /// It has too many conditions.
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// A changed profile, and how it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cured {
    /// The profile.
    pub profile: Profile,
    /// Calls that the default action denied on purpose, and that a rule denies now.
    pub denied: Vec<&'static str>,
    /// Calls with conditions: where none holds, they stay denied as they were, by rules in addition to those that
    /// allow.
    pub completed: Vec<String>,
    /// Calls whose conditions cannot be inverted: where none holds, they are denied with ENOSYS now.
    pub changed: Vec<String>,
    /// Calls that are allowed now.
    pub allowed: Vec<String>,
    /// Those of them that runtimes make themselves under the filter.
    pub own: Vec<String>,
    /// Calls whose rules had an errno that their action does not take, which some runtimes refuse.
    pub without_errno: Vec<String>,
}

/// What is known about the runtimes that will load the profile.
#[derive(Debug, Clone, Default)]
pub struct Of {
    /// Calls that must not be named, because a runtime does not know them.
    pub except: BTreeSet<String>,
    /// Calls that runtimes make themselves once the filter is loaded, and that will be allowed where no rule names
    /// them.
    pub own: BTreeSet<String>,
}

/// Changes a profile.
///
/// Nothing is proven by this: load the result under each runtime and compare.
///
/// # Errors
///
/// When the profile's default action denies nothing.
pub fn cure(
    decider: &mut Decider,
    profile: &Profile,
    native: &str,
    cure: Cure,
    of: &Of,
) -> Result<Cured, NoCure> {
    let action = profile.default_action.as_str();
    if !DENIES.contains(&action) {
        return Err(NoCure::Default(profile.default_action.clone()));
    }
    let except = &of.except;
    let errno = (action == "SCMP_ACT_ERRNO").then(|| profile.default_errno_ret.unwrap_or(EPERM));
    let own = own(profile, of);
    let mut cured = Cured {
        profile: profile.clone(),
        denied: Vec::new(),
        completed: Vec::new(),
        changed: Vec::new(),
        allowed: match cure {
            Cure::Enosys => Vec::new(),
            Cure::Allow => allowable(profile, native),
        },
        without_errno: Vec::new(),
        own: own.clone(),
    };
    cured.allowed.extend(own);
    cured.allowed.retain(|name| !except.contains(name));
    let rules = &mut cured.profile.syscalls;
    for rule in rules.iter_mut() {
        if !TAKES_ERRNO.contains(&rule.action.as_str()) && rule.errno_ret.take().is_some() {
            cured.without_errno.extend(rule.names.iter().cloned());
        }
    }
    if !cured.allowed.is_empty() {
        rules.push(rule(cured.allowed.clone(), "SCMP_ACT_ALLOW", None));
    }
    if errno != Some(ENOSYS) {
        "SCMP_ACT_ERRNO".clone_into(&mut cured.profile.default_action);
        cured.profile.default_errno_ret = Some(ENOSYS);
        // Some runtimes refuse a rule that says what the default action says anyway.
        rules.retain(|rule| !(rule.action == "SCMP_ACT_ERRNO" && rule.errno_ret == Some(ENOSYS)));
        for (name, conditions) in decider.left_by_conditions(profile)? {
            let Some(conditions) = conditions.filter(|_| !except.contains(&name)) else {
                cured.changed.push(name);
                continue;
            };
            rules.extend(conditions.into_iter().map(|condition| Rule {
                args: vec![condition],
                ..rule(vec![name.clone()], action, errno)
            }));
            cured.completed.push(name);
        }
        cured.denied = denied(profile, native);
        cured
            .denied
            .retain(|name| !except.contains(*name) && !of.own.contains(*name) && !MULTIPLEXED.contains(name));
        let names = cured.denied.iter().map(|name| (*name).to_owned()).collect();
        rules.push(rule(names, action, errno));
    }
    Ok(cured)
}

fn rule(names: Vec<String>, action: &str, errno_ret: Option<u32>) -> Rule {
    Rule {
        names,
        action: action.to_owned(),
        errno_ret,
        args: Vec::new(),
    }
}

/// What runtimes need themselves, except what the author has decided on: a rule that names a call stays as it is.
fn own(profile: &Profile, of: &Of) -> Vec<String> {
    let named = named(profile);
    of.own
        .iter()
        .filter(|name| !named.contains(name.as_str()))
        .cloned()
        .collect()
}

fn named(profile: &Profile) -> BTreeSet<&str> {
    let names = profile.syscalls.iter().flat_map(|rule| &rule.names);
    names.map(String::as_str).collect()
}

/// Calls that no rule names, although they are older than the newest call that a rule names: the author knew them.
fn denied(profile: &Profile, native: &str) -> Vec<&'static str> {
    let named = named(profile);
    // A call that came late can have a low number, as uretprobe does.
    let version = named.iter().filter_map(|name| version(name)).max();
    let mut denied = BTreeSet::new();
    for abi in profile.abis(native) {
        let newest = profile.newest(&abi).unwrap_or(0);
        let known = abi
            .syscalls()
            .filter(|(nr, name)| *nr <= newest && self::version(name) <= version && !named.contains(name));
        denied.extend(known.map(|(_, name)| name));
    }
    // A call can be among the known ones of another architecture and newer than all of the machine's own.
    let own = profile.abis(native).into_iter().next();
    let own = own.and_then(|abi| profile.newest(&abi).map(|newest| (abi, newest)));
    let is_newer = |name: &&str| {
        let number = own
            .as_ref()
            .and_then(|(abi, newest)| Some((abi.syscall_number(name)?, newest)));
        number.is_some_and(|(nr, newest)| nr > *newest)
    };
    denied.into_iter().filter(|name| !is_newer(name)).collect()
}

/// The version of Linux that introduced a call, as numbers; `None` for the oldest calls.
fn version(name: &str) -> Option<(u32, u32)> {
    let (major, minor) = since(name)?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Calls newer than the profile that programs are known to make, and that can do no more than others that are allowed
/// whatever their arguments.
fn allowable(profile: &Profile, native: &str) -> Vec<String> {
    let allowed = |name: &String| {
        let mut rules = profile
            .syscalls
            .iter()
            .filter(|rule| rule.names.contains(name))
            .peekable();
        rules.peek().is_some() && rules.all(|rule| rule.action == "SCMP_ACT_ALLOW" && rule.args.is_empty())
    };
    let abis = profile.abis(native);
    let is_newer = |name: &str| {
        let mut numbers = abis
            .iter()
            .filter_map(|abi| Some((abi, abi.syscall_number(name)?)));
        numbers.all(|(abi, nr)| profile.newest(abi).is_none_or(|newest| nr > newest))
    };
    callers()
        .filter(|one| is_newer(&one.syscall))
        .filter(|one| !one.like.is_empty() && one.like.iter().all(allowed))
        .map(|one| one.syscall.clone())
        .collect()
}

/// A call, and conditions that hold where none of its rules does.
type Left = (String, Option<Vec<Condition>>);

impl Decider {
    /// Calls that rules name only with conditions, and conditions that hold exactly where none of these does: each of
    /// them is enough by itself.
    ///
    /// `None` where a rule has conditions on several arguments: what is left then cannot be expressed by single
    /// conditions.
    fn left_by_conditions(&mut self, profile: &Profile) -> Result<Vec<Left>, TooComplex> {
        let mut by_name: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &profile.syscalls {
            let names: BTreeSet<&str> = rule.names.iter().map(String::as_str).collect();
            for name in names {
                by_name.entry(name).or_default().push(rule);
            }
        }
        let mut list = Vec::new();
        for (name, rules) in by_name {
            if rules.iter().any(|rule| rule.args.is_empty()) {
                continue;
            }
            let conditions = match &rules[..] {
                [first, ..]
                    if rules
                        .iter()
                        .all(|rule| rule.args.len() == 1 && rule.args[0].index == first.args[0].index) =>
                {
                    let index = first.args[0].index;
                    self.turned_round(&rules, index)?
                }
                _ => None,
            };
            list.push((name.to_owned(), conditions));
        }
        Ok(list)
    }

    fn turned_round(&mut self, rules: &[&Rule], index: u32) -> Result<Option<Vec<Condition>>, TooComplex> {
        let Some(left) = self.unmatched(rules)? else {
            return Ok(None);
        };
        let Some(covers) = self.cover(left, index, MOST_CONDITIONS)? else {
            return Ok(None);
        };
        let one = |op: &str, value, value_two| Condition {
            index,
            value,
            value_two,
            op: op.to_owned(),
        };
        let conditions = |cover| match cover {
            // Not every runtime reads masks in the same way.
            Cover::Masked(mask, value) if mask.count_zeros() <= FEW => spelled_out(mask, value)
                .map(|value| one("SCMP_CMP_EQ", value, 0))
                .collect(),
            Cover::Masked(mask, value) => vec![one("SCMP_CMP_MASKED_EQ", mask, value)],
            Cover::AtLeast(value) => vec![one("SCMP_CMP_GE", value, 0)],
        };
        Ok(Some(covers.into_iter().flat_map(conditions).collect()))
    }
}

/// How many bits a mask may leave open for its values still to be written one by one.
const FEW: u32 = 3;

/// Every value that has these bits under the mask.
fn spelled_out(mask: u64, value: u64) -> impl Iterator<Item = u64> {
    let open = !mask;
    // Each subset of the open bits, starting from the empty one.
    let next = move |subset: &u64| Some(subset.wrapping_sub(open) & open).filter(|next| *next != 0);
    std::iter::successors(Some(0), next).map(move |subset| value | subset)
}

/// The conditions that one call may get.
const MOST_CONDITIONS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_with_few_open_bits_is_a_few_values() {
        let all = |mask, value| spelled_out(mask, value).collect::<Vec<_>>();
        assert_eq!(all(u64::MAX, 7), [7]);
        assert_eq!(all(!2, 0), [0, 2]);
        assert_eq!(all(!5, 8), [8, 9, 12, 13]);
    }
}
