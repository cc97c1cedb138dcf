//! Runs of different nights compared with each other: what is new, fixed, changed, newly unstable, slower.
//!
//! | module     | what is inside                                                    |
//! |------------|-------------------------------------------------------------------|
//! | `pair`     | one run against an earlier one, case by case and version by version |
//! | `times`    | which cases take longer, beyond what is noise                      |
//! | `trend`    | many nights, a line each                                           |
//! | `page`     | for a browser: the last night, and how the nights went             |
//! | `terminal` | for people                                                        |
//! | `markdown` | for a comment or a ticket                                          |

mod markdown;
mod page;
mod pair;
mod terminal;
mod times;
mod trend;

use std::collections::BTreeSet;
use std::fmt;

use ocidiff_model::finding::FindingId;
use ocidiff_model::{Event, Verdict};
use serde::Serialize;

pub use page::{LastRun, page};
pub use times::{Slowed, Slower};
pub use trend::{Night, Trend, render_trend};

use crate::changes::FactChange;
use crate::run::Run;
use crate::{Error, Format, Style, object};

/// What happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It fails, and did not.
    New,
    /// It was compared, and no longer is: broken, skipped.
    NotCompared,
    /// It is not the same each time, and was before.
    Unstable,
    /// A version shows what it did not show before; that is known, or fails as before.
    Changed,
    /// It failed, and no longer does.
    Fixed,
}

impl Became {
    /// In the order in which they are reported.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::NotCompared,
        Self::Unstable,
        Self::Changed,
        Self::Fixed,
    ];
}

impl fmt::Display for Became {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::NotCompared => "not compared",
            Self::Unstable => "unstable",
            Self::Changed => "changed",
            Self::Fixed => "fixed",
        })
    }
}

/// What a version shows differently than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionChange {
    /// The runtime and its version, `crun@1.28`.
    pub version: String,
    /// What.
    #[serde(flatten)]
    pub fact: FactChange,
    /// Whether its value before is in the events; otherwise all participants showed the same.
    pub from_known: bool,
    /// Whether its value now is in the events.
    pub to_known: bool,
    /// The findings that account for it now, and did not before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub come: Vec<FindingId>,
    /// The findings that accounted for it, and no longer do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<FindingId>,
}

/// A case that has changed, on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseDiff {
    /// Its name.
    pub case: String,
    /// The machine.
    pub machine: String,
    /// What happened to it.
    pub became: Became,
    /// Its verdict before.
    pub from: Verdict,
    /// Its verdict now.
    pub to: Verdict,
    /// Why it does not have a better verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Which versions show what.
    pub versions: Vec<VersionChange>,
}

/// Two nights, compared with each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Diff {
    /// How many cases were compared, of all pairs of runs.
    pub compared: usize,
    /// What has changed, the worst first.
    pub cases: Vec<CaseDiff>,
    /// Which cases take longer; by itself this does not count as a change of a version.
    pub slower: Vec<Slower>,
    /// Runs in which everything takes longer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub slowed: Vec<Slowed>,
    /// Versions and their machines that are in the earlier night only.
    pub only_old: Vec<String>,
    /// Those that are in the later night only.
    pub only_new: Vec<String>,
    /// Cases that are in the earlier night only.
    pub cases_only_old: Vec<String>,
    /// Those that are in the later night only.
    pub cases_only_new: Vec<String>,
    /// Cases of the earlier night that a later run did not get to, since it was interrupted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<String>,
    /// Runs that did not finish, and what there is to say about them.
    pub cut: Vec<String>,
}

/// A version of a runtime on a machine, in words.
fn places(run: &Run<'_>) -> BTreeSet<String> {
    let places = run.starts.iter().flat_map(|start| {
        let machine = start.machine_in_words();
        start
            .runtimes
            .iter()
            .map(move |one| format!("{} on {machine}", pair::version_of(start, &one.runtime.label)))
    });
    places.collect()
}

impl Diff {
    /// Compares the runs of one night with those of an earlier one. Only what ran under the same version of a runtime
    /// on the same machine is compared; the rest is listed.
    #[must_use]
    pub fn of(old: &[Vec<Event>], new: &[Vec<Event>]) -> Self {
        let old_runs: Vec<Run<'_>> = old.iter().map(|events| Run::of(events)).collect();
        let new_runs: Vec<Run<'_>> = new.iter().map(|events| Run::of(events)).collect();
        let mut diff = Self::default();
        let all = |runs: &[Run<'_>]| -> BTreeSet<String> { runs.iter().flat_map(places).collect() };
        let (before, now) = (all(&old_runs), all(&new_runs));
        diff.only_old = before.difference(&now).cloned().collect();
        diff.only_new = now.difference(&before).cloned().collect();
        for run in &new_runs {
            let shared = |other: &&Run<'_>| places(run).intersection(&places(other)).count();
            let earlier = old_runs.iter().max_by_key(shared);
            if let Some(earlier) = earlier.filter(|earlier| shared(earlier) > 0) {
                pair::compare(&mut diff, earlier, run);
                let (slower, slowed) = times::slower(earlier, run);
                diff.slower.extend(slower);
                diff.slowed.extend(slowed);
            }
        }
        for (name, runs) in [("earlier", &old_runs), ("later", &new_runs)] {
            let cut = runs.iter().filter_map(Run::ended_early);
            diff.cut.extend(cut.map(|why| format!("the {name} run: {why}")));
        }
        diff.cases
            .sort_by(|a, b| (a.became, &a.case, &a.machine).cmp(&(b.became, &b.case, &b.machine)));
        diff.slower.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
        for cases in [
            &mut diff.cases_only_old,
            &mut diff.cases_only_new,
            &mut diff.not_checked,
        ] {
            cases.sort();
            cases.dedup();
        }
        if !diff.not_checked.is_empty() {
            let number = crate::style::count(diff.not_checked.len(), "case");
            diff.cut.push(format!("not checked: {number} of the earlier run"));
        }
        diff
    }

    /// How many cases changed like this.
    #[must_use]
    pub fn number(&self, became: Became) -> usize {
        self.cases.iter().filter(|case| case.became == became).count()
    }

    /// `1464 cases compared: 2 new, 0 not compared, 0 unstable, 3 changed, 1 fixed; 0 slower`
    #[must_use]
    pub fn counts(&self) -> String {
        let kinds = Became::ALL.map(|became| format!("{} {became}", self.number(became)));
        format!(
            "{} compared: {}; {} slower",
            crate::style::count(self.compared, "case"),
            kinds.join(", "),
            self.slower.len()
        )
    }
}

/// Draws it.
///
/// # Errors
/// The format is for runs or for checks.
pub fn render(format: Format, diff: &Diff, style: &Style) -> Result<String, Error> {
    match format {
        Format::Terminal => Ok(terminal::render(diff, style)),
        Format::Markdown => Ok(markdown::render(diff)),
        Format::Json => object(diff),
        Format::Junit | Format::Html | Format::Sarif => Err(Error::OnlyOne(format)),
    }
}
