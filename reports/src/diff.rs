//! The difference of two sequences, line by line.

use std::time::Duration;

use ocidiff_model::{Difference, Group, Value};
use similar::{ChangeTag, TextDiff};

use crate::safe::safe_to;

/// Lines around a change.
const CONTEXT: usize = 2;
/// How long a line may be.
const LINE_LIMIT: usize = 200;

/// What a line of a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Head,
    Same,
    Less,
    More,
}

/// One line of a diff, with its sign; safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// Whether the values are sequences that only a diff can show: several lines in all but the shortest.
pub(crate) fn wants_diff(difference: &Difference) -> bool {
    let long = |group: &Group| match &group.value {
        Some(Value::List(items)) => items.len() > 3,
        Some(Value::Text(text)) => text.trim_end().contains('\n'),
        _ => false,
    };
    difference.disagree() && difference.groups.iter().any(long)
}

/// The reference's group compared with each other group, no more than `limit` lines each.
pub(crate) fn unified(difference: &Difference, limit: usize) -> Vec<Line> {
    let Some((reference, others)) = difference.groups.split_first() else {
        return Vec::new();
    };
    others
        .iter()
        .flat_map(|other| cut(pair(reference, other), limit))
        .collect()
}

fn pair(reference: &Group, other: &Group) -> Vec<Line> {
    let (old, new) = (lines(reference), lines(other));
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let diff = TextDiff::configure()
        .timeout(Duration::from_millis(500))
        .diff_slices(&old, &new);
    let mut out = vec![
        line(Kind::Less, "--- ", &reference.runtimes.join(", ")),
        line(Kind::More, "+++ ", &other.runtimes.join(", ")),
    ];
    for hunk in diff.grouped_ops(CONTEXT) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        let range = |start: usize, end: usize| {
            // As diff does it: an empty range names the line before it.
            let begin = if start == end { start } else { start + 1 };
            format!("{begin},{}", end - start)
        };
        let old = range(first.old_range().start, last.old_range().end);
        let new = range(first.new_range().start, last.new_range().end);
        out.push(line(Kind::Head, "@@ ", &format!("-{old} +{new} @@")));
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            out.push(match change.tag() {
                ChangeTag::Equal => line(Kind::Same, " ", change.value()),
                ChangeTag::Delete => line(Kind::Less, "-", change.value()),
                ChangeTag::Insert => line(Kind::More, "+", change.value()),
            });
        }
    }
    out
}

fn lines(group: &Group) -> Vec<String> {
    group.value.as_ref().map(Value::lines).unwrap_or_default()
}

fn line(kind: Kind, sign: &str, text: &str) -> Line {
    Line {
        kind,
        text: format!("{sign}{}", safe_to(text, LINE_LIMIT)),
    }
}

fn cut(mut lines: Vec<Line>, limit: usize) -> Vec<Line> {
    // One more line takes no more room than saying that it is left out.
    if lines.len() > limit + 1 {
        let left = lines.len() - limit;
        lines.truncate(limit);
        lines.push(Line {
            kind: Kind::Head,
            text: format!("... {left} more lines"),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_model::difference::Standing;

    fn difference(values: &[(&str, Option<Value>)]) -> Difference {
        let group = |(label, value): &(&str, Option<Value>)| Group {
            value: value.clone(),
            runtimes: vec![(*label).to_owned()],
        };
        Difference {
            fact: "proc.groups".into(),
            groups: values.iter().map(group).collect(),
            standing: Standing::Known,
            seen: Vec::new(),
            written: Vec::new(),
            expected: None,
            requirement: None,
            against: Vec::new(),
            impact: None,
            accounts: Vec::new(),
            fixed: Vec::new(),
        }
    }

    fn list(items: impl IntoIterator<Item = i32>) -> Option<Value> {
        let items = items.into_iter().map(|item| item.to_string());
        Some(Value::List(items.collect()))
    }

    fn shown(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn the_reference_against_each_other_group() {
        let it = difference(&[("runc", list(1..=9)), ("crun", list(2..=9)), ("youki", None)]);
        assert!(wants_diff(&it));
        let lines = unified(&it, 7);
        assert_eq!(
            shown(&lines),
            [
                "--- runc",
                "+++ crun",
                "@@ -1,3 +1,2 @@",
                "-1",
                " 2",
                " 3",
                "--- runc",
                "+++ youki",
                "@@ -1,9 +0,0 @@",
                "-1",
                "-2",
                "-3",
                "-4",
                "... 5 more lines"
            ]
        );
    }

    #[test]
    fn short_and_single_values_need_none() {
        assert!(!wants_diff(&difference(&[
            ("runc", list(1..=3)),
            ("crun", list(1..=2))
        ])));
        assert!(!wants_diff(&difference(&[
            ("runc", Some("one\n".into())),
            ("crun", Some(Value::Int(3)))
        ])));
        assert!(!wants_diff(&difference(&[("runc", list(1..=9))])));
        assert!(wants_diff(&difference(&[
            ("runc", Some("one\ntwo".into())),
            ("crun", None)
        ])));
    }

    #[test]
    fn hostile_lines_stay_lines() {
        let evil = Value::List(vec!["\u{1b}[2J\n+++ fake".into(); 5]);
        let lines = unified(&difference(&[("runc", Some(evil)), ("crun", None)]), 10);
        assert_eq!(lines[3].text, r"-\x1b[2J\n+++ fake");
    }
}
