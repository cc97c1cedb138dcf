//! Between which two versions a behaviour changed: a binary search over versions in order. No I/O.

mod shows;

use std::collections::BTreeMap;

use ocidiff_model::difference::Standing;
use ocidiff_model::event::{CaseReport, Participant};
use ocidiff_model::known::ANY;
use ocidiff_model::{Difference, Value};

pub use shows::{Looked, Turn, by_version, range, turns};

/// How a version in the middle behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Like the earliest.
    First,
    /// Like the latest.
    Last,
    /// Like neither: it changed more than once.
    Other,
    /// It cannot be determined: it was not compared, or is not the same each time.
    Unknown,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The last version that behaves like the earliest.
    pub before: usize,
    /// The first version that does not.
    pub after: usize,
    /// Those between, for which this cannot be determined.
    pub unknown: Vec<usize>,
    /// Those that behave neither like the earliest nor like the latest.
    pub other: Vec<usize>,
}

/// Searches `0..=last` for the pair between which the behaviour changes; the two ends differ. `ask` runs a version.
///
/// # Errors
/// What `ask` returns.
pub fn search<E>(last: usize, mut ask: impl FnMut(usize) -> Result<Side, E>) -> Result<Pair, E> {
    let mut pair = Pair {
        before: 0,
        after: last,
        unknown: Vec::new(),
        other: Vec::new(),
    };
    loop {
        let open: Vec<usize> = (pair.before + 1..pair.after)
            .filter(|at| !pair.unknown.contains(at))
            .collect();
        let Some(middle) = open.get(open.len() / 2).copied() else {
            pair.unknown.retain(|at| pair.before < *at && *at < pair.after);
            return Ok(pair);
        };
        match ask(middle)? {
            Side::First => pair.before = middle,
            Side::Last => pair.after = middle,
            // The search is for the first change.
            Side::Other => {
                pair.other.push(middle);
                pair.after = middle;
            }
            Side::Unknown => pair.unknown.push(middle),
        }
    }
}

/// What a version shows for facts, by path; `None` if it does not have the fact.
pub type Shown = BTreeMap<String, Option<Value>>;

/// The facts on which two versions differ in a run each time, with the values of both.
#[must_use]
pub fn differing(case: &CaseReport, first: &str, last: &str) -> BTreeMap<String, [Option<Value>; 2]> {
    let stable = case.differences.iter().filter(|difference| is_stable(difference));
    let found = stable.filter_map(|difference| {
        let (from, to) = (value(difference, first)?, value(difference, last)?);
        let any = Value::from(ANY);
        let is_open = |who: &str| {
            difference
                .written
                .iter()
                .any(|(name, value)| name == who && *value == any)
        };
        (from != to && !(is_open(first) && is_open(last)))
            .then(|| (difference.fact.clone(), [from.cloned(), to.cloned()]))
    });
    found.collect()
}

/// How a version behaves in a run together with the earliest and the latest, based on the facts on which those differ.
#[must_use]
pub fn side(case: &CaseReport, ends: &BTreeMap<String, [Option<Value>; 2]>, label: &str) -> Side {
    let sides = ends.iter().map(|(fact, [first, last])| {
        let found = case
            .differences
            .iter()
            .find(|difference| difference.fact == *fact);
        let Some(difference) = found.filter(|difference| is_stable(difference)) else {
            return Side::Unknown;
        };
        match value(difference, label).map(Option::<&Value>::cloned) {
            None => Side::Unknown,
            Some(value) if value == *first => Side::First,
            Some(value) if value == *last => Side::Last,
            Some(_) => Side::Other,
        }
    });
    let mut sides: Vec<Side> = sides.collect();
    sides.dedup();
    match sides[..] {
        [side] => side,
        _ if sides.contains(&Side::Unknown) || sides.is_empty() => Side::Unknown,
        _ => Side::Other,
    }
}

fn is_stable(difference: &Difference) -> bool {
    !matches!(difference.standing, Standing::Unstable { .. } | Standing::Gone)
}

/// What a runtime shows, if it was compared.
fn value<'d>(difference: &'d Difference, label: &str) -> Option<Option<&'d Value>> {
    let holds = |group: &&ocidiff_model::Group| group.runtimes.iter().any(|one| one == label);
    let group = difference.groups.iter().find(holds)?;
    Some(group.value.as_ref())
}

/// The run's name for the runtime at a position in the order in which the runtimes were named.
#[must_use]
pub fn label_of(runtimes: &[Participant], version: &str) -> Option<String> {
    let mut all = runtimes.iter();
    let found = all.find(|one| one.runtime.version.as_str() == version)?;
    Some(found.runtime.label.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sides: &[Side]) -> (Pair, usize) {
        let mut asked = 0;
        let pair = search(sides.len() - 1, |at| {
            asked += 1;
            Ok::<Side, ()>(sides[at])
        });
        (pair.expect("a pair"), asked)
    }

    #[test]
    fn the_pair_is_found_with_few_questions() {
        use Side::{First, Last};
        for changes_at in 1..64 {
            let sides: Vec<Side> = (0..64)
                .map(|at| if at < changes_at { First } else { Last })
                .collect();
            let (pair, asked) = of(&sides);
            assert_eq!((pair.before, pair.after), (changes_at - 1, changes_at));
            assert!(asked <= 6, "{asked}");
        }
        let (pair, asked) = of(&[First, Last]);
        assert_eq!((pair.before, pair.after, asked), (0, 1, 0));
    }

    #[test]
    fn what_nobody_can_tell_lies_between() {
        use Side::{First, Last, Other, Unknown};
        let (pair, _) = of(&[First, First, Unknown, Unknown, Last, Last]);
        assert_eq!((pair.before, pair.after), (1, 4));
        let mut unknown = pair.unknown;
        unknown.sort_unstable();
        assert_eq!(unknown, [2, 3]);
        let (pair, _) = of(&[First, Unknown, First, Last]);
        assert_eq!((pair.before, pair.after, pair.unknown), (2, 3, vec![]));
        let (pair, _) = of(&[First, First, Other, Other, Last]);
        assert_eq!((pair.before, pair.after), (1, 2));
        assert!(pair.other.contains(&2));
    }
}
