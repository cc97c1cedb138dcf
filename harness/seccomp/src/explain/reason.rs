//! Why an answer is not the one that is written.

use super::Reason;
use crate::action::Action;
use crate::decide::partition::{Abi, Class};
use crate::profile::{Profile, Ruling, Written};
use crate::syscall::FIRST_SHARED;

pub(super) fn reason(
    profile: &Profile,
    meaning: &Written,
    class: &Class,
    ruling: &Ruling,
    answer: Action,
) -> Option<Reason> {
    let is_written = profile.answer(ruling) == Some(answer);
    if is_written {
        return None;
    }
    let default = profile.answer(&Ruling::Default);
    Some(match ruling {
        Ruling::Unlisted => Reason::Unlisted,
        Ruling::Conflict(first, second) => Reason::OneOfTwo(*first, *second),
        Ruling::Default if answer == Action::ENOSYS && is_newer(meaning, class) => Reason::Stub,
        Ruling::Rule(at) if answer == Action::ENOSYS && is_newer(meaning, class) => Reason::StubForRule(*at),
        Ruling::Rule(at) if default == Some(answer) => Reason::NoRule(*at),
        Ruling::Default | Ruling::Rule(_) => match rule_that_answers(profile, class, answer) {
            // libseccomp treats x32 as an architecture whose registers have 32 bits.
            Some(at) if class.abi == Abi::X32 && class.witness.args.iter().any(|arg| arg >> 32 != 0) => {
                Reason::LowerHalf(at)
            }
            Some(at) => Reason::NoConditions(at),
            None if *ruling == Ruling::Default => Reason::OtherDefault,
            None => Reason::Unknown,
        },
    })
}

/// Whether all calls of the class are newer than any that the profile names, or that a runtime's library may not know yet.
fn is_newer(meaning: &Written, class: &Class) -> bool {
    let newest = meaning.newest(&class.abi).unwrap_or(0);
    let bit = class.abi.arch().1;
    class
        .numbers
        .iter()
        .all(|range| range.first > newest || range.first >= FIRST_SHARED | bit)
}

/// A rule with conditions that names the call of the class and gives this answer.
fn rule_that_answers(profile: &Profile, class: &Class, answer: Action) -> Option<usize> {
    let [range] = class.numbers[..] else { return None };
    let name = class
        .abi
        .syscall_name(range.first)
        .filter(|_| range.first == range.last)?;
    conditional(profile, name, answer)
}

/// A rule with conditions that names a call and gives this answer.
pub(super) fn conditional(profile: &Profile, name: &str, answer: Action) -> Option<usize> {
    profile.syscalls.iter().enumerate().position(|(at, rule)| {
        !rule.args.is_empty()
            && rule.names.iter().any(|there| there == name)
            && profile.answer(&Ruling::Rule(at)) == Some(answer)
    })
}
