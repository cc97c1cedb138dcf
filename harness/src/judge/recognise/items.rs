//! Items of lists, and words of texts that are lists: a sign about one of them says nothing about the others.

use ocidiff_model::facts::{self, Form};
use ocidiff_model::finding::{Items, Sign, words};
use ocidiff_model::{Channel, Value};

/// How a list says that it has no items.
const NONE: &str = "none";

/// Words of which a mount has one: where one of them differs, another stands in its place.
const INSTEAD_OF_EACH_OTHER: [&[&str]; 3] = [
    &["ro", "rw"],
    &["relatime", "noatime", "strictatime"],
    &["private", "shared", "slave", "shared+slave", "unbindable"],
];

/// What some runtimes show for a fact, and the signs that account for it; none if that is how it should be.
pub(in crate::judge) struct Side<'a> {
    pub(in crate::judge) value: Option<&'a Value>,
    pub(in crate::judge) signs: Vec<&'a Sign>,
}

/// The parts of a value that stand for themselves, if it has such: the items of a list, or the words of a text.
fn parts(fact: &str, value: Option<&Value>) -> Option<(Items, Vec<String>)> {
    match value? {
        Value::List(items) if has_items(fact) => {
            let items = items.iter().filter(|item| *item != NONE);
            Some((Items::OfList, items.cloned().collect()))
        }
        Value::Text(text) if has_form(fact, &Form::Words) => Some((Items::OfText, words(text))),
        _ => None,
    }
}

impl Side<'_> {
    pub(super) fn is_open(&self) -> bool {
        self.signs.is_empty()
    }

    /// Whether one of its signs is about the whole value.
    fn is_whole(&self, of: Items) -> bool {
        self.signs.iter().any(|sign| !sign.is_about_items(of))
    }

    /// Whether its own signs or those of the other side account for an item of it.
    fn is_named(&self, item: &str, other: &Self) -> bool {
        self.signs.iter().any(|sign| sign.names(item))
            || other.signs.iter().any(|sign| sign.names_instead(item))
    }

    /// Whether the two have the same items, apart from those that a sign names, and from what stands in their place on
    /// the other side; or a sign is about the whole.
    fn agrees_with(&self, other: &Self, fact: &str) -> bool {
        let (Some((of, here)), Some((_, there))) = (parts(fact, self.value), parts(fact, other.value)) else {
            return true;
        };
        if self.is_whole(of) || other.is_whole(of) {
            return true;
        }
        let (here, there) = (beyond(&here, &there), beyond(&there, &here));
        let is_told = |side: &Self, items: &[&str], other: &Self, others: &[&str]| {
            let is_replaced = |item: &str| {
                let same = |one: &&&str| subject(of, one) == subject(of, item);
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
    let (Some((of, here)), Some((_, there))) = (parts(fact, value), parts(fact, other)) else {
        return true;
    };
    !sign.is_about_items(of)
        || sign.instead_is_about_items(of)
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
    let Some((of, here)) = parts(fact, value) else {
        return whole();
    };
    if !signs.iter().all(|sign| sign.is_about_items(of)) {
        return whole();
    }
    let places = |is_about: &dyn Fn(&Sign) -> bool| -> Vec<usize> {
        (0..signs.len()).filter(|at| is_about(signs[*at])).collect()
    };
    let mut rivals = Vec::new();
    for (_, there) in others.iter().filter_map(|other| parts(fact, *other)) {
        let ours = beyond(&here, &there).into_iter();
        rivals.extend(ours.map(|item| places(&|sign| sign.names(item))));
        let theirs = beyond(&there, &here).into_iter();
        rivals.extend(theirs.map(|item| places(&|sign| sign.names_instead(item))));
    }
    rivals.retain(|places| !places.is_empty());
    if rivals.is_empty() { whole() } else { rivals }
}

/// The items that one list has more often than another.
fn beyond<'i>(one: &'i [String], other: &[String]) -> Vec<&'i str> {
    let mut other: Vec<&String> = other.iter().collect();
    let mut beyond = Vec::new();
    for item in one {
        match other.iter().position(|there| *there == item) {
            Some(at) => drop(other.swap_remove(at)),
            None => beyond.push(item.as_str()),
        }
    }
    beyond
}

/// What an item is about: `HOME` in `HOME=/`, `mkdir` in `mkdir EPERM`; of a text also what else could stand there, and
/// whether it is about the file system.
fn subject(of: Items, item: &str) -> (bool, &str) {
    let subject = item.split([' ', '=', ':']).next().unwrap_or(item);
    if of == Items::OfList {
        return (false, subject);
    }
    let word = subject.trim_start_matches('(');
    let group = INSTEAD_OF_EACH_OTHER.iter().find(|group| group.contains(&word));
    (word != subject, group.map_or(word, |group| group[0]))
}

/// Whether what no sign names is the same: between those that depart and those that do not, or between all that depart
/// if everyone does.
#[must_use]
pub(in crate::judge) fn agree(fact: &str, sides: &[Side<'_>]) -> bool {
    let some_open = sides.iter().any(Side::is_open);
    let is_compared = |one: &Side<'_>, other: &Side<'_>| !some_open || one.is_open() != other.is_open();
    let mut pairs = sides
        .iter()
        .enumerate()
        .flat_map(|(at, one)| sides[at + 1..].iter().map(move |other| (one, other)));
    pairs.all(|(one, other)| !is_compared(one, other) || one.agrees_with(other, fact))
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
        _ => !has_form(fact, &Form::Capabilities),
    }
}

fn has_form(fact: &str, form: &Form) -> bool {
    facts::find(fact).is_some_and(|found| found.kind.values.contains(form))
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
    fn a_sign_about_a_word_of_a_text_does_not_account_for_the_others() {
        let mount = "mount./proc";
        for (fact, departs, others, sign, agrees) in [
            (
                mount,
                "proc nosuid,rw private (rw)",
                "proc rw private (rw)",
                "has: nosuid",
                true,
            ),
            (
                mount,
                "proc nodev,nosuid,rw private (rw)",
                "proc rw private (rw)",
                "has: nosuid",
                false,
            ),
            // What stands in its place.
            (
                mount,
                "proc ro private (rw)",
                "proc rw private (rw)",
                "has: ro",
                true,
            ),
            (
                mount,
                "proc ro shared (rw)",
                "proc rw private (rw)",
                "has: ro",
                false,
            ),
            (
                mount,
                "proc ro private (ro)",
                "proc rw private (rw)",
                "has: ro",
                false,
            ),
            (
                mount,
                "tmpfs rw private (mode=700,rw)",
                "tmpfs rw private (rw)",
                "has: '*mode=*'",
                true,
            ),
            (
                mount,
                "tmpfs rw private (mode=700,rw,size=1k)",
                "tmpfs rw private (rw)",
                "has: '*mode=*'",
                false,
            ),
            (
                "mount.inside./a",
                "tmpfs ro | ro | private",
                "tmpfs rw | rw | private",
                "has: ro",
                false,
            ),
            (
                "mount.inside./a",
                "tmpfs ro | rw | private",
                "tmpfs rw | rw | private",
                "has: ro",
                true,
            ),
            ("proc.net.lo", "loopback", "up loopback", "lacks: up", true),
            (
                "proc.net.lo",
                "loopback",
                "up loopback running",
                "lacks: up",
                false,
            ),
            // A sign about the whole, and a text of which the words belong together.
            (
                mount,
                "proc nodev,rw shared (rw)",
                "proc rw private (rw)",
                "matches: '*nodev*'",
                true,
            ),
            (
                "proc.stat./a",
                "dir 0755 1:1",
                "dir 0700 0:0",
                "has: '0755'",
                true,
            ),
        ] {
            let sign: Sign = serde_yaml::from_str(&format!("{{fact: {fact}, {sign}}}")).expect(sign);
            let (departs, others) = (Value::from(departs), Value::from(others));
            let side = |value, signs| Side {
                value: Some(value),
                signs,
            };
            let sides = [side(&departs, vec![&sign]), side(&others, Vec::new())];
            assert_eq!(agree(fact, &sides), agrees, "{departs:?} {others:?} {sign:?}");
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
