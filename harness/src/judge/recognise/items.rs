//! Items of lists: a sign about one of them says nothing about the others.

use ocidiff_model::facts::{self, Form};
use ocidiff_model::finding::Sign;
use ocidiff_model::{Channel, Value};

/// How a list says that it has no items.
const NONE: &str = "none";

/// What some runtimes show for a fact, and the signs that account for it; none if that is how it should be.
pub(in crate::judge) struct Side<'a> {
    pub(in crate::judge) value: Option<&'a Value>,
    pub(in crate::judge) signs: Vec<&'a Sign>,
}

/// The items of a value, if it is a list.
fn items(value: Option<&Value>) -> Option<Vec<&str>> {
    match value {
        Some(Value::List(items)) => {
            let items = items.iter().map(String::as_str);
            Some(items.filter(|item| *item != NONE).collect())
        }
        _ => None,
    }
}

impl Side<'_> {
    pub(super) fn is_open(&self) -> bool {
        self.signs.is_empty()
    }

    /// Whether one of its signs is about the whole value.
    fn is_whole(&self) -> bool {
        self.signs.iter().any(|sign| !sign.is_about_items())
    }

    /// Whether its own signs or those of the other side account for an item of it.
    fn is_named(&self, item: &str, other: &Self) -> bool {
        self.signs.iter().any(|sign| sign.names(item))
            || other.signs.iter().any(|sign| sign.names_instead(item))
    }

    /// Whether the two have the same items, apart from those that a sign names, and from what stands in their place on
    /// the other side.
    fn agrees_with(&self, other: &Self) -> bool {
        let (Some(here), Some(there)) = (items(self.value), items(other.value)) else {
            return true;
        };
        let (here, there) = (beyond(&here, &there), beyond(&there, &here));
        let is_told = |side: &Self, items: &[&str], other: &Self, others: &[&str]| {
            let is_replaced = |item: &str| {
                let same = |one: &&&str| subject(one) == subject(item);
                others.iter().filter(same).any(|one| other.is_named(one, side))
            };
            let mut items = items.iter();
            items.all(|item| side.is_named(item, other) || is_replaced(item))
        };
        is_told(self, &here, other, &there) && is_told(other, &there, self, &here)
    }
}

/// Whether an item that the sign is about is one in which the two values differ, if only that can make it their cause:
/// what both have does not tell them apart. A sign that says what the others have or lack does so itself.
#[must_use]
pub(super) fn tells_apart(fact: &str, sign: &Sign, value: Option<&Value>, other: Option<&Value>) -> bool {
    let (Some(here), Some(there)) = (items(value), items(other)) else {
        return true;
    };
    !has_items(fact)
        || !sign.is_about_items()
        || sign.instead_is_about_items()
        || beyond(&here, &there).into_iter().any(|item| sign.names(item))
        || beyond(&there, &here)
            .into_iter()
            .any(|item| sign.names_instead(item))
}

/// Which of the signs that fit compete, by their places: those about the same item of a list. An item that one sign is
/// about says nothing about the cause of another. For any other value all of them do.
#[must_use]
pub(super) fn rivals(
    fact: &str,
    value: Option<&Value>,
    others: &[Option<&Value>],
    signs: &[&Sign],
) -> Vec<Vec<usize>> {
    let whole = || vec![(0..signs.len()).collect()];
    let Some(here) = items(value) else { return whole() };
    if !has_items(fact) || !signs.iter().all(|sign| sign.is_about_items()) {
        return whole();
    }
    let places = |is_about: &dyn Fn(&Sign) -> bool| -> Vec<usize> {
        (0..signs.len()).filter(|at| is_about(signs[*at])).collect()
    };
    let mut rivals = Vec::new();
    for there in others.iter().filter_map(|other| items(*other)) {
        let ours = beyond(&here, &there).into_iter();
        rivals.extend(ours.map(|item| places(&|sign| sign.names(item))));
        let theirs = beyond(&there, &here).into_iter();
        rivals.extend(theirs.map(|item| places(&|sign| sign.names_instead(item))));
    }
    rivals.retain(|places| !places.is_empty());
    if rivals.is_empty() { whole() } else { rivals }
}

/// The items that one list has more often than another.
fn beyond<'i>(one: &[&'i str], other: &[&str]) -> Vec<&'i str> {
    let mut other = other.to_vec();
    let mut beyond = Vec::new();
    for item in one {
        match other.iter().position(|there| there == item) {
            Some(at) => drop(other.swap_remove(at)),
            None => beyond.push(*item),
        }
    }
    beyond
}

/// What an item is about: `HOME` in `HOME=/`, `mkdir` in `mkdir EPERM`.
fn subject(item: &str) -> &str {
    item.split([' ', '=', ':']).next().unwrap_or(item)
}

/// Whether what no sign names is the same: between those that depart and those that do not, or between all that depart
/// if everyone does.
#[must_use]
pub(in crate::judge) fn agree(fact: &str, sides: &[Side<'_>]) -> bool {
    if !has_items(fact) {
        return true;
    }
    let some_open = sides.iter().any(Side::is_open);
    let is_compared = |one: &Side<'_>, other: &Side<'_>| {
        let is_pair = !some_open || one.is_open() != other.is_open();
        is_pair && !one.is_whole() && !other.is_whole()
    };
    let mut pairs = sides
        .iter()
        .enumerate()
        .flat_map(|(at, one)| sides[at + 1..].iter().map(move |other| (one, other)));
    pairs.all(|(one, other)| !is_compared(one, other) || one.agrees_with(other))
}

/// Whether each item of the fact's list stands for itself.
///
/// The lines of an output belong together, a runtime keeps or drops capabilities as a set, and which calls a workload
/// makes follows from how others were answered.
fn has_items(fact: &str) -> bool {
    let is_printed = |part: &str| part.starts_with("stdout") || part.starts_with("stderr");
    match Channel::of(fact) {
        Some(Channel::Syscall) => false,
        Some(Channel::Process | Channel::Lifecycle) => !fact.rsplit('.').next().is_some_and(is_printed),
        _ => !facts::find(fact).is_some_and(|found| found.kind.values.contains(&Form::Capabilities)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Value {
        Value::List(text.split_terminator(", ").map(str::to_owned).collect())
    }

    #[test]
    fn a_sign_about_an_item_of_a_list_does_not_account_for_the_others() {
        for (fact, departs, others, sign, agrees) in [
            ("filter.departures", "a, x", "x", "has: a", true),
            ("filter.departures", "a", "", "has: a", true),
            ("filter.departures", "a, b", "", "has: a", false),
            ("filter.departures", "a, b", "", "matches: '{a,b}'", true),
            ("filter.departures", "a", "b", "has: a", false),
            ("filter.departures", "a, b", "", "is: [a, b]", true),
            // What stands in its place, and an order, are due to the same.
            ("proc.env", "HOME=/, A=1", "A=1, HOME=", "has: HOME=/", true),
            ("proc.env", "HOME=/, A=1", "A=2, HOME=", "has: HOME=/", false),
            (
                "proc.env",
                "A=1",
                "A=1, HOME=/",
                "lacks: HOME=*, instead: {has: HOME=*}",
                true,
            ),
            (
                "proc.env",
                "",
                "A=1, HOME=/",
                "lacks: HOME=*, instead: {has: HOME=*}",
                false,
            ),
            (
                "setup.seccomp",
                "none",
                "LOG",
                "lacks: LOG, instead: {has: LOG}",
                true,
            ),
            // Lists that are one thing.
            ("process.stdout", "a, b", "", "has: a", true),
            ("lifecycle.create.stderr", "a, b", "", "has: a", true),
            ("proc.caps.effective", "CHOWN, KILL", "", "has: CHOWN", true),
            ("syscall.denied", "a EPERM", "b EPERM", "has: a EPERM", true),
        ] {
            let text = format!("{{fact: {fact}, {sign}}}");
            let sign: Sign = serde_yaml::from_str(&text).expect(&text);
            let (departs, others) = (list(departs), list(others));
            let side = |value, signs| Side {
                value: Some(value),
                signs,
            };
            let sides = [side(&departs, vec![&sign]), side(&others, Vec::new())];
            assert_eq!(agree(fact, &sides), agrees, "{text}");
        }
    }

    #[test]
    fn signs_about_the_same_item_compete() {
        let (value, other) = (list("a, b, x"), list("c, x"));
        for (fact, signs, expected) in [
            ("filter.departures", ["has: a", "has: b"], vec![vec![0], vec![1]]),
            (
                "filter.departures",
                ["has: a", "matches: '{a,b}'"],
                vec![vec![0, 1], vec![1]],
            ),
            (
                "filter.departures",
                ["has: a", "lacks: c"],
                vec![vec![0], vec![1]],
            ),
            // What both have, a sign about the whole, and a list whose items belong together.
            ("filter.departures", ["has: x", "has: x"], vec![vec![0, 1]]),
            ("filter.departures", ["has: a", "any: true"], vec![vec![0, 1]]),
            ("syscall.denied", ["has: a", "has: b"], vec![vec![0, 1]]),
        ] {
            let signs = signs.map(|sign| -> Sign {
                serde_yaml::from_str(&format!("{{fact: {fact}, {sign}}}")).expect(sign)
            });
            let signs: Vec<&Sign> = signs.iter().collect();
            let found = rivals(fact, Some(&value), &[Some(&other)], &signs);
            assert_eq!(found, expected, "{fact} {signs:?}");
        }
    }

    #[test]
    fn an_item_that_both_have_does_not_tell_them_apart() {
        for (fact, departs, other, sign, tells) in [
            ("filter.departures", "a, b", "b", "has: a", true),
            ("filter.departures", "a, b", "b", "has: b", false),
            ("filter.departures", "a, b", "b", "matches: '{a,b}'", true),
            ("filter.departures", "a", "b", "lacks: b", true),
            ("filter.departures", "a", "b", "lacks: c", false),
            ("filter.departures", "a, b", "b", "is: [a, b]", true),
            // Where it is about the order, both have it.
            ("mount.order", "a, b", "b, a", "has: a, instead: {has: a}", true),
            (
                "syscall.denied",
                "a EPERM",
                "a EPERM, b EPERM",
                "has: a EPERM",
                true,
            ),
        ] {
            let text = format!("{{fact: {fact}, {sign}}}");
            let sign: Sign = serde_yaml::from_str(&text).expect(&text);
            let (departs, other) = (list(departs), list(other));
            let told = tells_apart(fact, &sign, Some(&departs), Some(&other));
            assert_eq!(told, tells, "{text}");
        }
    }
}
