//! One change between two versions: whether it is an improvement, judged by clauses and by what confines less.

use std::fmt;

use ocidiff_model::facts;
use ocidiff_model::finding::{Card, Kind};
use serde::Serialize;

use super::FactChange;

/// What happened to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It shows, and did not before; and it is not meant to show.
    Broke,
    /// It shows differently, in other cases, or is as good as what was there before.
    Changed,
    /// It no longer shows.
    Fixed,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Broke => "broke",
            Self::Changed => "changed",
            Self::Fixed => "fixed",
        })
    }
}

/// Whether a change is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A clause is broken that was not broken before, or the container is confined less.
    Worse,
    /// There is evidence for both.
    Mixed,
    /// There is no evidence.
    Neither,
    /// A clause is met that was not met before, or the container is confined more.
    Better,
}

impl Direction {
    /// The word for it; empty if there is no evidence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Mixed => "better and worse",
            Self::Neither => "",
            Self::Better => "better",
        }
    }
}

/// What speaks for better and for worse, each reason once.
#[derive(Debug, Default)]
pub(super) struct Scale {
    better: Vec<String>,
    worse: Vec<String>,
}

impl Scale {
    /// A clause that is met (or broken) from now on.
    pub(super) fn clause(&mut self, clause: &str, is_met: bool) {
        let (side, text) = if is_met {
            (&mut self.better, format!("{clause} is met"))
        } else {
            (&mut self.worse, format!("{clause} is violated"))
        };
        push(side, text);
    }

    /// A fault has disappeared, or appeared, that no clause covers.
    pub(super) fn fault(&mut self, kind: Kind, is_gone: bool) {
        if !is_fault(kind) {
            return;
        }
        let name = kind.name();
        if is_gone {
            push(&mut self.better, format!("{name} gone"));
        } else {
            push(&mut self.worse, format!("{name} there"));
        }
    }

    /// What a fact's values say about it.
    pub(super) fn fact(&mut self, change: &FactChange) {
        let (Some(from), Some(to)) = (&change.from, &change.to) else {
            return;
        };
        let Some(found) = facts::find(&change.fact) else {
            return;
        };
        let less = found.kind.confines_less(to, from) == Some(true);
        let more = found.kind.confines_less(from, to) == Some(true);
        if less {
            push(&mut self.worse, format!("{} confines less", change.fact));
        }
        if more {
            push(&mut self.better, format!("{} confines more", change.fact));
        }
    }

    /// Which side outweighs the other.
    pub(super) fn direction(&self) -> Direction {
        match (self.better.is_empty(), self.worse.is_empty()) {
            (true, true) => Direction::Neither,
            (false, true) => Direction::Better,
            (true, false) => Direction::Worse,
            (false, false) => Direction::Mixed,
        }
    }

    /// The reasons, with those for worse first.
    pub(super) fn why(self) -> Vec<String> {
        self.worse.into_iter().chain(self.better).collect()
    }
}

fn push(side: &mut Vec<String>, text: String) {
    if !side.contains(&text) {
        side.push(text);
    }
}

/// Whether such behaviour is never intended.
fn is_fault(kind: Kind) -> bool {
    matches!(kind, Kind::Bug | Kind::Missing)
}

/// Whether a version is better without it.
pub(super) fn is_wrong(card: &Card) -> bool {
    is_fault(card.kind) || card.violates.is_some()
}
