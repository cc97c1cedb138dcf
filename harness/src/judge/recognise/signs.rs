//! Which findings account for a difference by their signs, with one of the configs that can be behind it.

use ocidiff_model::difference::{Account, How};
use ocidiff_model::finding::{Context, Sign};
use ocidiff_model::known::ABSENT;
use ocidiff_model::{Difference, Finding, FindingId, Group, Value};
use serde_json::Value as Json;

use super::items::{self, Side};
use super::seen::Seen;
use super::{Question, is_accused};

/// A finding that can show in the fact.
struct Candidate<'a> {
    id: &'a FindingId,
    /// Which of the records belong to a runtime under which it can show.
    labels: Vec<&'a str>,
    weight: usize,
    /// Its signs that are about the fact.
    signs: Vec<&'a Sign>,
}

/// A sign that fits what a runtime shows, and its finding.
struct Fit<'a> {
    id: &'a FindingId,
    sign: &'a Sign,
    weight: usize,
}

/// A difference, and what can account for it.
pub(super) struct BySigns<'a> {
    question: &'a Question<'a>,
    /// The container whose config it is.
    container: &'a str,
    config: &'a Json,
    difference: &'a Difference,
    candidates: Vec<Candidate<'a>>,
}

impl<'a> BySigns<'a> {
    pub(super) fn of(
        question: &'a Question<'a>,
        (container, config): (&'a str, &'a Json),
        difference: &'a Difference,
    ) -> Self {
        let all = question.catalogue.0.iter();
        let candidates =
            all.filter_map(|(id, finding)| candidate(question, config, &difference.fact, id, finding));
        Self {
            question,
            container,
            config,
            difference,
            candidates: candidates.collect(),
        }
    }

    /// Why each runtime shows what it shows; empty if that is not explained.
    pub(super) fn accounts(&self) -> Vec<Account> {
        // Where all depart from what the case expects, they are compared with that.
        let expected = self.expected();
        let groups: Vec<&Group> = self.difference.groups.iter().chain(&expected).collect();
        if groups.len() < 2 || self.candidates.is_empty() {
            return Vec::new();
        }
        let mut accounts = Vec::new();
        let mut sides = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let others: Vec<&Group> = others(&groups, at);
            let fits: Vec<Vec<Fit<'_>>> = group
                .runtimes
                .iter()
                .map(|label| self.fits(label, group.value.as_ref(), &others))
                .collect();
            let is_open = fits.is_empty() || fits.iter().any(Vec::is_empty);
            // One group is as it should be, whichever it is; but not a group that is known not to be.
            if is_open && is_accused(self.difference, group) {
                return Vec::new();
            }
            let signs = fits.iter().flatten().filter(|_| !is_open);
            sides.push(Side {
                value: group.value.as_ref(),
                signs: signs.map(|fit| fit.sign).collect(),
            });
            if !is_open {
                let rivals = |fits: &[Fit<'_>]| {
                    let values: Vec<Option<&Value>> =
                        others.iter().map(|other| other.value.as_ref()).collect();
                    let signs: Vec<&Sign> = fits.iter().map(|fit| fit.sign).collect();
                    items::rivals(&self.difference.fact, group.value.as_ref(), &values, &signs)
                };
                let by_runtime = group.runtimes.iter().zip(&fits);
                accounts.extend(by_runtime.flat_map(|(label, fits)| accounts_of(label, fits, &rivals(fits))));
            }
        }
        let open = sides
            .iter()
            .zip(&groups)
            .filter(|(side, group)| side.is_open() && !group.runtimes.is_empty());
        if open.count() > 1 || !items::agree(&self.difference.fact, &sides) {
            return Vec::new();
        }
        accounts
    }

    /// What the case expects, as a group without runtimes, if no runtime does it.
    fn expected(&self) -> Option<Group> {
        let expected = self.difference.expected.as_ref()?;
        let mut groups = self.difference.groups.iter();
        let nobody = groups.all(|group| is_accused(self.difference, group));
        nobody.then(|| Group {
            value: (*expected != Value::from(ABSENT)).then(|| expected.clone()),
            runtimes: Vec::new(),
        })
    }

    /// The signs that fit the value of one runtime and what one of the others shows.
    fn fits(&self, label: &str, value: Option<&Value>, others: &[&Group]) -> Vec<Fit<'_>> {
        let Some(seen) = self.seen(label) else {
            return Vec::new();
        };
        let context = self.context(&seen);
        let of_runtime = self
            .candidates
            .iter()
            .filter(|candidate| candidate.labels.contains(&label));
        let signs =
            of_runtime.flat_map(|candidate| candidate.signs.iter().map(move |sign| (candidate, *sign)));
        let fits = |sign: &Sign| {
            let other_fits = |other: &&Group| {
                let other_value = other.value.as_ref();
                sign.others_fit(other_value, &context)
                    && items::tells_apart(&self.difference.fact, sign, value, other_value)
                    && self.show(&other.runtimes, sign)
            };
            sign.fits(value, &context) && seen.answers(&sign.beside) && others.iter().any(other_fits)
        };
        signs
            .filter(|(_, sign)| fits(sign))
            .map(|(candidate, sign)| Fit {
                id: candidate.id,
                sign,
                weight: 1 + candidate.weight + sign.weight(),
            })
            .collect()
    }

    /// Whether one of these runtimes shows what the sign requires of the others.
    fn show(&self, labels: &[String], sign: &Sign) -> bool {
        let mut seen = labels.iter().filter_map(|label| self.seen(label));
        sign.others.is_empty()
            || seen.any(|seen| seen.answers(&sign.others) && sign.others_show(&self.context(&seen)))
    }

    fn seen(&self, label: &str) -> Option<Seen> {
        let record = self.question.record_of(label)?;
        Some(Seen::beside(record, &self.difference.fact, self.container))
    }

    fn context<'f>(&'f self, seen: &'f Seen) -> Context<'f> {
        Context {
            config: self.config,
            facts: &seen.facts,
        }
    }
}

fn candidate<'a>(
    question: &Question<'a>,
    config: &Json,
    fact: &str,
    id: &'a FindingId,
    finding: &'a Finding,
) -> Option<Candidate<'a>> {
    let about = |sign: &&Sign| sign.is_about(fact) && sign.is_in_config(fact, config);
    let signs: Vec<&Sign> = finding.shows.iter().filter(about).collect();
    if signs.is_empty() || !finding.fits(config, question.steps, question.machine) {
        return None;
    }
    let is_of_runtime = question.runtimes.contains(&id.component());
    let runtimes = question.records.iter().map(|record| &record.runtime);
    let showing = runtimes.filter(|runtime| !is_of_runtime || finding.is_of(id, runtime));
    let labels: Vec<&str> = showing.map(|runtime| runtime.label.as_str()).collect();
    (!labels.is_empty()).then(|| Candidate {
        id,
        labels,
        weight: finding.applies.as_ref().map_or(0, |applies| 4 * applies.weight()),
        signs,
    })
}

fn others<'g>(groups: &[&'g Group], at: usize) -> Vec<&'g Group> {
    let others = groups.iter().enumerate().filter(|(other, _)| *other != at);
    others.map(|(_, group)| *group).collect()
}

/// The findings with the most conditions, of those that compete; all else that accounts for the value stands beside
/// them.
fn accounts_of(label: &str, fits: &[Fit<'_>], rivals: &[Vec<usize>]) -> Vec<Account> {
    let mut accounts: Vec<Account> = Vec::new();
    for places in rivals {
        let best = places.iter().map(|at| fits[*at].weight).max();
        let mut because: Vec<FindingId> = Vec::new();
        for fit in places.iter().map(|at| &fits[*at]) {
            if Some(fit.weight) == best && !because.contains(fit.id) {
                because.push(fit.id.clone());
            }
        }
        if !accounts.iter().any(|account| account.because == because) {
            accounts.push(Account {
                who: label.to_owned(),
                because,
                how: How::Recognised,
            });
        }
    }
    accounts
}

#[cfg(test)]
mod tests;
