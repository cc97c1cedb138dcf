//! From the records of a case to its verdict; if something is new or gone, the case is first launched again: it
//! must show each time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ocidiff_model::difference::{Account, Standing};
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::known::{Machine, Rate};
use ocidiff_model::record::RunOutcome;
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Difference, FindingId, Op, Record, Requirement, Verdict};
use serde_json::Value as Json;

use crate::bundle::Bundle;
use crate::corpus::configs::Configs;
use crate::corpus::{Corpus, Entry};
use crate::judge::compare::is_comparable;
use crate::judge::failing;
use crate::judge::filters;
use crate::judge::finished::{Finished, broken, failures, first_broken, has_twins, report, unsupported};
use crate::judge::fixed::Newest;
use crate::judge::named;
use crate::judge::recognise::{Question, recognise};
use crate::judge::repeat;
use crate::judge::unseen;
use crate::judge::verdict as judge;

/// How often a case is run before a new difference is reported: it must show each time.
const RUNS: u32 = 3;

/// What launches a bundle: cells, or a container engine.
pub trait Launch: Sync {
    /// Launches it under each runtime once.
    fn once(&self, case: &Case, bundle: &Bundle) -> impl Future<Output = Vec<Record>> + Send;

    /// The config.json that the runtimes were given, if something other than the case wrote it: what a finding applies
    /// to is what the runtime reads.
    fn written(&self) -> Option<Json> {
        None
    }
}

/// Where a bundle comes from, which determines what a failing step means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a case: the case says which steps fail.
    Case,
    /// From the user: it should start, and a refusal is a difference like any other.
    Given,
    /// A runtime is compared with itself: it may be correct that it fails both times.
    Control,
    /// From a case, through an engine, without what the case expects: it may be correct that all fail alike.
    Engine,
}

/// What a verdict is made from, besides the records.
#[derive(Debug, Clone)]
pub struct Judge {
    /// The corpus.
    pub corpus: Arc<Corpus>,
    /// The machine.
    pub machine: Machine,
    /// Whether a known difference that does not show is gone: not if something other than the case wrote the config.
    pub tells_gone: bool,
    /// Where the bundle comes from.
    pub origin: Origin,
    /// How often each case is run at least.
    pub repeat: u32,
    /// The newest versions that the corpus was run under.
    pub newest: Newest,
}

impl Judge {
    /// Launches the bundle of a case, repeats it where a difference is new, and judges it.
    pub async fn run(
        &self,
        launch: &impl Launch,
        entry: &Entry,
        bundle: &Bundle,
        started: Instant,
    ) -> Finished {
        let case = &entry.case;
        let records = self.launch(launch, case, bundle).await;
        let configs = Configs::new(case, &bundle.configs);
        let configs = match launch.written() {
            Some(written) => configs.with_main(case, written),
            None => configs,
        };
        let first = self.judge(entry, &configs, &records);
        if let Some(why) = first_broken(&records).or_else(|| self.never(entry, &records, &first)) {
            return Finished {
                records,
                ..broken(case, why, started)
            };
        }
        let mut runs = vec![first];
        let mut shown = Vec::new();
        while (runs.len() as u32) < self.runs_of(case, &runs) {
            let again = self.launch(launch, case, bundle).await;
            if let Some(why) = first_broken(&again) {
                return Finished {
                    records,
                    ..broken(case, why, started)
                };
            }
            if shown.is_empty() {
                shown.push(repeat::facts_only(&records));
            }
            shown.push(repeat::facts_only(&again));
            runs.push(self.judge(entry, &configs, &again));
        }
        let found = repeat::over(&runs, &shown, &self.rated(entry));
        let mut report = report(case, started);
        report.bundle = Some(bundle.digest.clone());
        report.runs = found.runs;
        report.twins = has_twins(&records);
        let mut found = found.differences;
        self.races(&mut found);
        report.verdict = judge::verdict(&found);
        report.unsupported = unsupported(&records);
        if records.iter().filter(|record| is_comparable(record)).count() < 2 {
            report.verdict = Verdict::Unsupported;
            let reasons: Vec<String> = report
                .unsupported
                .iter()
                .map(|(who, why)| format!("{who}: {why}"))
                .collect();
            report.why = Some(reasons.join(", "));
        }
        report.failures = failures(&records);
        report.requirements = self.requirements(case, &found);
        if found.iter().any(|difference| difference.fact == DEPARTURES) {
            report.filters = filters::between(config_of(bundle), &records);
        }
        let cards = found.iter().flat_map(Difference::findings);
        report.findings = cards
            .filter_map(|id| Some((id.clone(), self.corpus.findings.find(id)?.into())))
            .collect();
        report.differences = found;
        report.seconds = started.elapsed().as_secs_f64();
        Finished {
            report,
            records,
            idle: None,
        }
    }

    /// Why a run in which no other runtime did more than these would be broken.
    #[must_use]
    pub fn idle(&self, entry: &Entry, bundle: &Bundle, records: &[Record]) -> Option<String> {
        let of_run = Self {
            origin: Origin::Case,
            ..self.clone()
        };
        let configs = Configs::new(&entry.case, &bundle.configs);
        let found = of_run.judge(entry, &configs, records);
        of_run.never(entry, records, &found)
    }

    async fn launch(&self, launch: &impl Launch, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let mut records = launch.once(case, bundle).await;
        if self.origin == Origin::Given {
            // The question about a bundle of the user's is whether it starts: a runtime that refuses it is the answer.
            records
                .iter_mut()
                .filter(|record| {
                    let is_refusal =
                        matches!(record.outcome, RunOutcome::Unsupported(_) | RunOutcome::Partly(_));
                    is_refusal && !record.steps.is_empty()
                })
                .for_each(|record| record.outcome = RunOutcome::Complete);
        }
        records
    }

    /// Why nothing can be said although every runtime was called: none of them does what the case is about.
    fn never(&self, entry: &Entry, records: &[Record], found: &[Difference]) -> Option<String> {
        let comparable: Vec<&Record> = records.iter().filter(|record| is_comparable(record)).collect();
        match self.origin {
            Origin::Case => unseen::unread(&entry.case, &comparable)
                .or_else(|| failing::no_runtime_does(entry, &self.machine, &comparable, found))
                .or_else(|| self.watches_nothing(&entry.case, &comparable)),
            Origin::Given => failing::nobody_starts(&comparable),
            Origin::Control => unseen::unread(&entry.case, &comparable),
            Origin::Engine => None,
        }
    }

    /// A watch for which no runtime has anything: it is misspelt, or the case does not get that far.
    fn watches_nothing(&self, case: &Case, records: &[&Record]) -> Option<String> {
        if !self.tells_gone || records.len() < 2 {
            return None;
        }
        let first = unseen::telling(case, records)?;
        Some(format!("it watches {first}, which no runtime shows"))
    }

    /// How often to run a case, as far as is known from the runs so far.
    fn runs_of(&self, case: &Case, runs: &[Vec<Difference>]) -> u32 {
        let all_known = |found: &Vec<Difference>| {
            let mut standings = found.iter().map(|difference| &difference.standing);
            standings.all(|standing| *standing == Standing::Known)
        };
        let confirming = if runs.iter().all(all_known) { 1 } else { RUNS };
        self.repeat.max(case.body.repeat.unwrap_or(1)).max(confirming)
    }

    /// The case's entries that are about a race, by fact.
    fn rated(&self, entry: &Entry) -> BTreeMap<String, Rate> {
        let known = entry.known.on(&self.machine).0.into_iter();
        known
            .filter_map(|known| Some((known.fact, known.rate?)))
            .collect()
    }

    fn judge(&self, entry: &Entry, configs: &Configs, records: &[Record]) -> Vec<Difference> {
        let comparable: Vec<&Record> = records.iter().filter(|record| is_comparable(record)).collect();
        let mut found = judge::judge(&entry.case, &entry.known, &self.machine, &comparable);
        if self.origin == Origin::Case {
            for fact in failing::unexpected_failures(entry, &self.machine, &comparable) {
                judge::hold_against_success(&mut found, &fact, &comparable);
            }
        }
        let entries = judge::entries(&entry.known, &self.machine);
        for difference in &mut found {
            let is_off = difference.standing == Standing::Gone || !difference.written.is_empty();
            if let (true, Some(entry)) = (is_off, entries.iter().find(|one| one.fact == difference.fact)) {
                self.newest.mark(difference, entry, &comparable);
            }
        }
        let (runtimes, steps) = (self.runtimes(), steps(&entry.case));
        let question = self.question(configs, &runtimes, &steps, &comparable);
        self.recognise(&question, &mut found);
        if self.origin != Origin::Control {
            named::hold_against(&entries, &question, &self.newest, &mut found);
        }
        found.retain(|difference| {
            self.tells_gone || !matches!(difference.standing, Standing::Gone | Standing::Fixed)
        });
        self.own(&mut found);
        let reference = comparable.first().map(|record| record.runtime.label.as_str());
        for difference in &mut found {
            self.accuse(difference);
            difference.impact = difference.impact_by(&self.corpus.findings, reference);
        }
        found
    }

    /// For differences that were found without a case, says which findings account for them.
    pub fn explain(&self, case: &Case, config: &str, records: &[Record], found: &mut [Difference]) {
        // Including a runtime that says that it does not support the config: that is what there is to explain.
        let told = |record: &&Record| !matches!(record.outcome, RunOutcome::Broken(_));
        let all: Vec<&Record> = records.iter().filter(told).collect();
        let configs = Configs::new(case, &BTreeMap::from([(MAIN.to_owned(), config.to_owned())]));
        let (runtimes, steps) = (self.runtimes(), steps(case));
        self.recognise(&self.question(&configs, &runtimes, &steps, &all), found);
    }

    fn runtimes(&self) -> Vec<&str> {
        self.corpus.runtimes.iter().map(String::as_str).collect()
    }

    fn question<'a>(
        &'a self,
        configs: &'a Configs,
        runtimes: &'a [&'a str],
        steps: &'a [Op],
        records: &'a [&'a Record],
    ) -> Question<'a> {
        Question {
            catalogue: &self.corpus.findings,
            runtimes,
            configs,
            steps,
            machine: &self.machine,
            records,
        }
    }

    /// What nothing has been written about in this case may still be known.
    fn recognise(&self, question: &Question<'_>, found: &mut [Difference]) {
        let is_new = |difference: &Difference| matches!(difference.standing, Standing::New { .. });
        if !found.iter().any(is_new) {
            return;
        }
        let told = recognise(question, found);
        for (difference, accounts) in found.iter_mut().zip(told) {
            // What is written outweighs what resembles it, except for what shows in some runs only; and a runtime can
            // differ from itself only by such a race.
            let strict = !difference.written.is_empty() || self.origin == Origin::Control;
            if accounts.is_empty() || !is_new(difference) || (strict && !self.all_race(&accounts)) {
                continue;
            }
            difference.standing = Standing::Known;
            difference.accounts = accounts;
        }
    }

    /// Which runtime breaks which clause, where a finding says so.
    fn accuse(&self, difference: &mut Difference) {
        if difference.requirement.is_some() {
            return;
        }
        let accounts = difference.accounts.iter();
        let broken = accounts.flat_map(|account| {
            let findings = account
                .because
                .iter()
                .filter_map(|id| self.corpus.findings.find(id));
            findings.filter_map(|finding| Some((account.who.clone(), finding.violates.clone()?)))
        });
        let broken: Vec<(String, String)> = broken.collect();
        let Some((_, clause)) = broken.first() else { return };
        difference.requirement = Some(clause.clone());
        if difference.standing == Standing::Known {
            let who = broken.iter().filter(|(_, other)| other == clause);
            difference.against = who.map(|(who, _)| who.clone()).collect();
            difference.against.dedup();
            // An expectation without a clause accuses runtimes other than the clause does: the clause counts.
            difference.expected = None;
        }
    }

    /// An entry that is written for several runtimes at once names the findings of all of them: each shows its own.
    fn own(&self, found: &mut [Difference]) {
        let is_runtime = |name: &str| self.corpus.runtimes.iter().any(|one| one == name);
        for account in found.iter_mut().flat_map(|difference| &mut difference.accounts) {
            let name = account
                .who
                .split(['@', ' '])
                .next()
                .unwrap_or_default()
                .to_owned();
            let is_own = |id: &FindingId| id.component() == name || !is_runtime(id.component());
            if account.because.iter().any(is_own) {
                account.because.retain(is_own);
            }
        }
    }

    /// What is known to show in some runs only is known, not unstable.
    fn races(&self, found: &mut [Difference]) {
        for difference in found {
            let unstable = matches!(difference.standing, Standing::Unstable { .. });
            if unstable && !difference.accounts.is_empty() && self.all_race(&difference.accounts) {
                difference.standing = Standing::Known;
            }
        }
    }

    fn all_race(&self, accounts: &[Account]) -> bool {
        let mut ids = accounts.iter().flat_map(|account| &account.because);
        ids.all(|id| self.corpus.findings.find(id).is_some_and(|finding| finding.races))
    }

    fn requirements(&self, case: &Case, found: &[Difference]) -> Vec<Requirement> {
        let mut ids: Vec<&String> = case
            .body
            .requirement
            .iter()
            .chain(found.iter().filter_map(|found| found.requirement.as_ref()))
            .collect();
        ids.sort();
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.corpus.requirements.get(id))
            .cloned()
            .collect()
    }
}

fn steps(case: &Case) -> Vec<Op> {
    case.body.steps.iter().map(|step| step.op).collect()
}

/// The text of the config.
pub(crate) fn config_of(bundle: &Bundle) -> &str {
    bundle.configs.get(MAIN).map_or("", String::as_str)
}

#[cfg(test)]
mod tests;
