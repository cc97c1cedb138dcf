//! A run, sorted out for callers that draw several of them side by side.

use ocidiff_model::Impact;
use ocidiff_model::finding::FindingId;

use super::depth::Depth;
use super::matrix;
use super::view::View;
use crate::html::Html;
use crate::run::Run;

/// A run's topics, which runtime makes which difference, and its findings.
pub(crate) struct Sorted<'a>(View<'a>);

/// A finding of a run.
pub(crate) struct Shown<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) impact: Option<Impact>,
    /// The runtimes that show it, by label.
    pub(crate) who: Vec<&'a str>,
}

impl<'a> Sorted<'a> {
    pub(crate) fn of(run: &'a Run<'a>) -> Self {
        Self(View::of(run, Depth::KNOWN))
    }

    /// The participants by label, the reference first.
    pub(crate) fn labels(&self) -> &[&'a str] {
        &self.0.labels
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = &'a str> {
        self.0.topics.iter().copied()
    }

    /// A cell for each participant, for one topic or for all.
    pub(crate) fn cells(&self, topic: Option<&str>) -> Vec<Html> {
        matrix::cells(&self.0, topic)
    }

    /// The findings that showed, the worst first.
    pub(crate) fn findings(&self) -> impl Iterator<Item = Shown<'a>> {
        let shown = self.0.findings.iter().filter(|found| !found.cases.is_empty());
        shown.map(|found| Shown {
            id: found.id.as_str(),
            title: found.card.title.as_str(),
            impact: found.impact,
            who: found
                .who
                .iter()
                .filter_map(|at| self.0.labels.get(*at).copied())
                .collect(),
        })
    }

    /// How much a finding matters in this run.
    pub(crate) fn impact(&self, id: &FindingId) -> Option<Impact> {
        self.0.finding(id).and_then(|found| found.impact)
    }
}
