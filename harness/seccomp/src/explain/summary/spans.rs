//! Numbers that no rule names, by class.

use std::collections::BTreeMap;

use super::text::{Kind, Lines, What, bounded};
use super::{OfAbi, Part};
use crate::action::Action;
use crate::data::X32_BIT;
use crate::decide::diagram::TooComplex;
use crate::decide::partition::{Abi, Numbers};
use crate::explain::text::numbers;
use crate::profile::Ruling;
use crate::syscall::LAST_NAMED;

/// The first negative number.
const NEGATIVE: u32 = 1 << 31;

/// All numbers that calls of an architecture can have.
pub(super) fn universe(abi: &Abi) -> Vec<Numbers> {
    match abi {
        Abi::X86_64 => vec![span(0, X32_BIT - 1), span(NEGATIVE, u32::MAX)],
        Abi::X32 => vec![span(X32_BIT, NEGATIVE - 1)],
        _ => vec![span(0, u32::MAX)],
    }
}

fn span(first: u32, last: u32) -> Numbers {
    Numbers { first, last }
}

/// Which of some rising numbers are in the ranges, and the ranges without them.
pub(super) fn take(ranges: &[Numbers], wanted: impl Iterator<Item = u32>) -> (Vec<u32>, Vec<Numbers>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let mut wanted = wanted.peekable();
    for range in ranges {
        let mut first = Some(range.first);
        while wanted.next_if(|nr| *nr < range.first).is_some() {}
        while let Some(nr) = wanted.next_if(|nr| *nr <= range.last) {
            taken.push(nr);
            left.extend(first.filter(|first| *first < nr).map(|first| span(first, nr - 1)));
            first = nr.checked_add(1);
        }
        left.extend(
            first
                .filter(|first| *first <= range.last)
                .map(|first| span(first, range.last)),
        );
    }
    (taken, left)
}

/// The part of the ranges that lies within another range.
fn clip(ranges: &[Numbers], within: Numbers) -> Vec<Numbers> {
    let clipped = ranges
        .iter()
        .map(|range| span(range.first.max(within.first), range.last.min(within.last)));
    clipped.filter(|range| range.first <= range.last).collect()
}

fn each(ranges: &[Numbers]) -> impl Iterator<Item = u32> {
    ranges.iter().flat_map(|range| range.first..=range.last)
}

/// Rising ranges, with those that touch merged.
fn joined(list: &[Numbers]) -> Vec<Numbers> {
    let mut joined: Vec<Numbers> = Vec::new();
    for range in list {
        match joined.last_mut() {
            Some(before) if before.last.checked_add(1) == Some(range.first) => before.last = range.last,
            _ => joined.push(*range),
        }
    }
    joined
}

/// The numbers of an architecture that no rule names, and where they are divided.
pub(super) struct Spans {
    /// All of them.
    pub(super) unnamed: Vec<Numbers>,
    /// Up to the newest call that a rule names; up to where names end, if none is named.
    low: Numbers,
    newer: Numbers,
    negative: Option<Numbers>,
}

impl Spans {
    pub(super) fn of(abi: &Abi, names: &BTreeMap<u32, &str>) -> Self {
        let first = abi.arch().1;
        let newest = names.keys().next_back().copied().unwrap_or(first | LAST_NAMED);
        let last = if *abi == Abi::X86_64 {
            X32_BIT - 1
        } else {
            NEGATIVE - 1
        };
        Self {
            unnamed: take(&universe(abi), names.keys().copied()).1,
            low: span(first, newest),
            newer: span(newest + 1, last),
            negative: (*abi != Abi::X32).then_some(span(NEGATIVE, u32::MAX)),
        }
    }

    /// The answer to all of them, if there is only one; negative numbers may have others.
    pub(super) fn one_answer(&self, parts: &[Part]) -> Option<Action> {
        let is_positive = |part: &&Part| part.numbers.iter().any(|range| range.first < NEGATIVE);
        let mut answers = parts.iter().filter(is_positive).map(|part| part.answer);
        let answer = answers
            .next()
            .filter(|answer| answers.all(|other| other == *answer))?;
        let mut all: Vec<Numbers> = parts
            .iter()
            .flat_map(|part| part.numbers.iter().copied())
            .collect();
        all.sort_unstable();
        let is_whole =
            parts.iter().all(|part| part.arguments.is_all()) && joined(&all) == joined(&self.unnamed);
        is_whole.then_some(answer)
    }
}

impl OfAbi<'_> {
    /// Adds the lines of numbers that no rule names. `stubs`: the first call that a stub answers although a rule names
    /// it.
    pub(super) fn rest(
        &mut self,
        parts: &[Part],
        stubs: Option<u32>,
        lines: &mut Lines,
    ) -> Result<(), TooComplex> {
        for part in parts {
            let arguments = self.arguments(part.arguments)?;
            if self.abi.syscall_number("read").is_none() {
                let what = What::Numbers(self.told(&part.numbers, &arguments));
                lines.add(what, part.answer, &self.abi);
                continue;
            }
            let spans = Spans::of(&self.abi, &self.names);
            let newer = clip(&part.numbers, spans.newer);
            if !newer.is_empty() {
                let whole = newer == clip(&spans.unnamed, spans.newer) && arguments.is_empty();
                let which = if whole {
                    String::new()
                } else {
                    self.told(&newer, &arguments)
                };
                lines.add(What::Newer(which), part.answer, &self.abi);
            }
            let negative = spans
                .negative
                .map(|range| clip(&part.numbers, range))
                .unwrap_or_default();
            if !negative.is_empty() {
                let which = with(bounded(self::negative(&negative)), &arguments);
                lines.add(What::Negative(which), part.answer, &self.abi);
            }
            self.low(part, &spans, &arguments, stubs, lines);
        }
        Ok(())
    }

    /// Numbers among those of the calls that rules name.
    fn low(&self, part: &Part, spans: &Spans, arguments: &str, stubs: Option<u32>, lines: &mut Lines) {
        let mut there: Vec<u32> = each(&clip(&part.numbers, spans.low)).collect();
        let all: Vec<u32> = each(&clip(&spans.unnamed, spans.low)).collect();
        let is_everywhere = arguments.is_empty();
        there.retain(|nr| {
            let lacks = is_everywhere && self.lacks(*nr, part.answer);
            if lacks {
                lines.add(What::Lacks, part.answer, &self.abi);
            }
            !lacks
        });
        if let Some(first) = stubs.filter(|_| is_everywhere && part.answer == Action::ENOSYS) {
            let behind = all.iter().filter(|nr| **nr > first);
            if behind.clone().next().is_some() && behind.clone().all(|nr| there.contains(nr)) {
                there.retain(|nr| *nr < first);
                lines.add(What::Behind, part.answer, &self.abi);
            }
        }
        let has_name = |nr: &u32| self.abi.syscall_name(*nr).is_some();
        let (calls, gaps): (Vec<u32>, Vec<u32>) = there.into_iter().partition(has_name);
        let (all_calls, all_gaps): (Vec<u32>, Vec<u32>) = all.into_iter().partition(has_name);
        if !calls.is_empty() && calls == all_calls && is_everywhere {
            lines.add(What::NotNamed, part.answer, &self.abi);
        } else {
            for name in calls.iter().filter_map(|nr| self.abi.syscall_name(*nr)) {
                lines.call(Kind::NoRule, name, arguments, part.answer, &self.abi);
            }
        }
        if !gaps.is_empty() {
            let whole = gaps == all_gaps && is_everywhere;
            let which = if whole {
                String::new()
            } else {
                self.told(
                    &joined(&gaps.iter().map(|nr| span(*nr, *nr)).collect::<Vec<_>>()),
                    arguments,
                )
            };
            lines.add(What::Gaps(which), part.answer, &self.abi);
        }
    }

    /// Whether x32 has no call with this number, x86_64 has one, and a rule that names that gives this answer.
    fn lacks(&self, nr: u32, answer: Action) -> bool {
        let name = || Abi::X86_64.syscall_name(nr & !X32_BIT);
        self.abi == Abi::X32
            && self.abi.syscall_name(nr).is_none()
            && name().is_some_and(|name| {
                self.profile.syscalls.iter().enumerate().any(|(at, rule)| {
                    rule.names.iter().any(|there| there == name)
                        && self.profile.answer(&Ruling::Rule(at)) == Some(answer)
                })
            })
    }

    fn told(&self, ranges: &[Numbers], arguments: &str) -> String {
        with(bounded(numbers(&self.abi, ranges)), arguments)
    }
}

fn with(text: String, arguments: &str) -> String {
    match arguments {
        "" => text,
        arguments => format!("{text} with {arguments}").trim_start().to_owned(),
    }
}

/// Negative numbers in words; empty for all of them.
fn negative(ranges: &[Numbers]) -> String {
    match ranges {
        [
            Numbers {
                first: NEGATIVE,
                last: u32::MAX,
            },
        ] => return String::new(),
        // What a tracer sets to skip a call: libseccomp treats all others as x32's.
        [
            Numbers {
                first: NEGATIVE,
                last,
            },
        ] if *last == u32::MAX - 1 => return "but -1".to_owned(),
        _ => {}
    }
    let one = |range: &Numbers| match (range.first.cast_signed(), range.last.cast_signed()) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}..{last}"),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(", ")
}
