//! What a workload prints about something that differs for a known reason.
//!
//! A shell that prints a cgroup's limit or a mount's options shows, in its own words, a difference that is already
//! explained. It is taken for that if explained facts also differ by every word by which the outputs differ.

use std::collections::BTreeMap;

use ocidiff_model::difference::{Account, How};
use ocidiff_model::life::{in_first, life_of};
use ocidiff_model::{Channel, Difference, Group, Value, facts};

/// A word with fewer letters can occur in any text.
const TELLING: usize = 3;

/// The accounts of the explained differences that the output shows.
pub(super) fn printed(
    output: &Difference,
    differences: &[Difference],
    told: &[Vec<Account>],
) -> Vec<Account> {
    if !is_output(&output.fact) {
        return Vec::new();
    }
    let whose = process_of(&output.fact);
    let explained: Vec<(&Difference, &Vec<Account>)> = differences
        .iter()
        .zip(told)
        .filter(|(difference, accounts)| !accounts.is_empty() && is_seen_inside(difference))
        .filter(|(difference, _)| process_of(&difference.fact) == whose)
        .collect();
    let mut found: Vec<Account> = Vec::new();
    for (at, one) in output.groups.iter().enumerate() {
        for other in &output.groups[at + 1..] {
            let Some(shown) = between(one, other, &explained) else {
                return Vec::new();
            };
            for account in shown {
                if !found.contains(&account) {
                    found.push(account);
                }
            }
        }
    }
    found
}

/// Whether it is what a process prints, in whatever container and life.
fn is_output(fact: &str) -> bool {
    let first = in_first(fact);
    first.starts_with("process.") && facts::as_of_first(first).as_deref().unwrap_or(first) == "process.stdout"
}

/// The life and the process that a fact is of: one container prints nothing about another.
fn process_of(fact: &str) -> (u32, Option<&str>) {
    (life_of(fact).0, facts::find(fact).and_then(|found| found.of))
}

/// A workload can print what it is and sees, not what is done to it from outside.
fn is_seen_inside(difference: &Difference) -> bool {
    let channel = Channel::of(&difference.fact);
    matches!(
        channel,
        Some(Channel::Proc | Channel::Mount | Channel::Cgroup | Channel::File)
    )
}

/// The accounts of what two outputs differ by; `None` if some of it is not explained.
fn between(one: &Group, other: &Group, explained: &[(&Difference, &Vec<Account>)]) -> Option<Vec<Account>> {
    let (left, right) = (words_of(one.value.as_ref()), words_of(other.value.as_ref()));
    let (mut left, mut right) = (beyond(&left, &right), beyond(&right, &left));
    if left.is_empty() && right.is_empty() {
        return in_another_order(one, other, explained);
    }
    let lines = format!("{} {}", text_of(one), text_of(other));
    let is_named = |difference: &Difference| lines.contains(printed_name(&difference.fact));
    let mut found = Vec::new();
    let named = explained.iter().filter(|(difference, _)| is_named(difference));
    for (difference, accounts) in named {
        if let Some((here, there)) = words_between(difference, one, other)
            && (left.iter().any(|word| here.contains(word)) || right.iter().any(|word| there.contains(word)))
        {
            left.retain(|word| !here.contains(word));
            right.retain(|word| !there.contains(word));
            found.extend(accounts.iter().map(follows));
        }
    }
    if left.is_empty() && right.is_empty() {
        return Some(found);
    }
    if !found.is_empty() {
        return None;
    }
    // Where the output names nothing, one fact has to account for all of it, and by more than a digit or two.
    let telling = left.iter().chain(&right).any(|word| word.len() >= TELLING);
    let mut whole = explained.iter().filter(|(difference, _)| {
        telling
            && words_between(difference, one, other).is_some_and(|(here, there)| {
                left.iter().all(|word| here.contains(word)) && right.iter().all(|word| there.contains(word))
            })
    });
    let (_, accounts) = whole.next()?;
    Some(accounts.iter().map(follows).collect())
}

/// The words that a difference has for one group and not for the other, and vice versa.
fn words_between(difference: &Difference, one: &Group, other: &Group) -> Option<(Vec<String>, Vec<String>)> {
    let (here, there) = (in_group(difference, one)?, in_group(difference, other)?);
    let (here, there) = (words_of(here.value.as_ref()), words_of(there.value.as_ref()));
    Some((beyond(&here, &there), beyond(&there, &here)))
}

/// The same words in another order: the accounts of an explained fact that also has the same words in another order.
fn in_another_order(
    one: &Group,
    other: &Group,
    explained: &[(&Difference, &Vec<Account>)],
) -> Option<Vec<Account>> {
    let printed = words_of(one.value.as_ref());
    let (_, accounts) = explained.iter().find(|(difference, _)| {
        let (Some(here), Some(there)) = (in_group(difference, one), in_group(difference, other)) else {
            return false;
        };
        let words = words_of(here.value.as_ref());
        here.value != there.value
            && !words.is_empty()
            && words == words_of(there.value.as_ref())
            && beyond(&words, &printed).is_empty()
    })?;
    Some(accounts.iter().map(follows).collect())
}

fn follows(account: &Account) -> Account {
    Account {
        how: How::Follows,
        ..account.clone()
    }
}

fn text_of(group: &Group) -> String {
    group.value.as_ref().map(Value::line).unwrap_or_default()
}

/// The group in which a difference has the runtimes of another's group: all of them, or it says nothing about them.
fn in_group<'d>(difference: &'d Difference, of: &Group) -> Option<&'d Group> {
    let has = |group: &&Group| of.runtimes.iter().all(|label| group.runtimes.contains(label));
    difference.groups.iter().find(has)
}

/// `cgroup.cpu.idle` is called `idle` where it is printed, and `mount./data#2` is `/data`; the root has no name of
/// its own.
fn printed_name(path: &str) -> &str {
    let plain = path.split_once('#').map_or(path, |(plain, _)| plain);
    let place = plain.find("./").map(|at| &plain[at + 1..]);
    let name = place.or_else(|| plain.rsplit('.').next()).unwrap_or_default();
    if name.is_empty() || name == "/" {
        path
    } else {
        name
    }
}

/// Each word of a value and how often it occurs there.
fn words_of(value: Option<&Value>) -> BTreeMap<String, usize> {
    let mut words = BTreeMap::new();
    let text = match value {
        None => return words,
        Some(Value::List(lines)) => lines.join(" "),
        Some(value) => value.line(),
    };
    let part = |c: char| c.is_whitespace() || ",;=()|<>\"'[]{}".contains(c);
    // A device or an owner, `5:1`, is one word; `name:/path` is two.
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit() || c == '*' || c == ':');
    let said = text
        .split(part)
        .flat_map(|word| {
            let whole = is_number(word);
            // The number of a peer group is different in each run.
            let group = ["shared:", "master:"]
                .iter()
                .find(|group| word.starts_with(**group));
            let word = group.map_or(word, |group| &word[..group.len()]);
            word.split(move |c| c == ':' && !whole)
        })
        .filter(|word| word.contains(char::is_alphanumeric));
    for word in said {
        *words.entry(word.to_owned()).or_default() += 1;
    }
    words
}

/// The words that occur more often in one than in the other.
fn beyond(one: &BTreeMap<String, usize>, other: &BTreeMap<String, usize>) -> Vec<String> {
    one.iter()
        .filter(|(word, number)| other.get(*word).is_none_or(|there| there < number))
        .map(|(word, _)| word.clone())
        .collect()
}

#[cfg(test)]
mod tests;
