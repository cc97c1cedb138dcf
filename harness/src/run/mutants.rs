//! Runs cases for one mutant after the other, until an expectation with the mutant's clause catches it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join_all;
use ocidiff_model::record::RunOutcome;
use ocidiff_model::{Record, last_words};
use ocidiff_reports::mutants::{Catch, How, Outcome, Report, Sign};
use tokio::sync::OnceCell;

use crate::bundle::Bundle;
use crate::cell::job::Lacks;
use crate::cells::abilities::Abilities;
use crate::cells::participants::Contender;
use crate::cells::runner::CellRunner;
use crate::judge::compare::is_comparable;
use crate::judge::verdict::judge;
use crate::mutants::plan::{Candidate, candidates, touches};
use crate::mutants::rule::Mutant;
use crate::mutants::signs::{catch, signs};
use crate::mutants::wrap::failure;

/// How many cases of a mutant run at a time, at most.
const MOST_AT_ONCE: usize = 8;

/// What is tried, and against which runtimes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mode {
    /// Run all cases, and not only those about what is broken.
    pub whole: bool,
    /// The fault is in all runtimes: only an expectation can catch it.
    pub all_alike: bool,
}

/// Runs mutants.
#[derive(Debug)]
pub struct Bench {
    /// The real runtimes and everything that runs cases.
    pub runner: CellRunner,
    /// What the machine can do.
    pub abilities: Abilities,
    /// What is tried.
    pub mode: Mode,
    built: Shared<String, Result<Bundle, String>>,
    real: Shared<(String, String), Vec<Record>>,
}

/// Things that are made only once, however many mutants need them.
type Shared<K, V> = Mutex<BTreeMap<K, Arc<OnceCell<V>>>>;

fn cell<K: Ord, V>(shared: &Shared<K, V>, key: K) -> Arc<OnceCell<V>> {
    let mut all = shared.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(all.entry(key).or_default())
}

/// Why a case says nothing about a mutant.
enum Nothing {
    /// The rule does not change it.
    Untouched,
    /// The machine lacks something.
    Lacking(String),
    /// The cell broke.
    Broken(String),
    /// The rule cannot be carried out.
    Rule(String),
}

/// What became of the cases that say nothing about a mutant.
#[derive(Default)]
struct Rest {
    /// What broke first.
    broken: Option<String>,
    /// Why the rule cannot be carried out.
    rule: Option<String>,
    /// What the machine lacks, if no case that has all it needs is left.
    lacking: Option<String>,
}

/// The mutant and the real runtimes that it is compared with.
struct Sides {
    mutants: Vec<Contender>,
    real: Vec<Contender>,
}

impl Bench {
    /// A bench over an engine's runtimes.
    #[must_use]
    pub fn new(runner: CellRunner, abilities: Abilities, mode: Mode) -> Self {
        Self {
            runner,
            abilities,
            mode,
            built: Mutex::default(),
            real: Mutex::default(),
        }
    }

    /// Tries a mutant.
    pub async fn run(&self, mutant: &Arc<Mutant>) -> Report {
        let started = Instant::now();
        let mut report = Report::new(&mutant.name, &mutant.summary, &mutant.breaks);
        report.unseen.clone_from(&mutant.unseen);
        let sides = match self.sides(mutant) {
            Ok(sides) => sides,
            Err(why) => {
                report.outcome = Outcome::Skipped(why);
                return report;
            }
        };
        report.over = sides.mutants.iter().map(|one| one.runtime.label()).collect();
        let rest = self.try_cases(mutant, &sides, &mut report).await;
        report.outcome = outcome(mutant, &report, rest);
        report.seconds = started.elapsed().as_secs_f64();
        report
    }

    /// Tries the candidates until one catches the mutant as well as any can; returns what became of the others.
    async fn try_cases(&self, mutant: &Mutant, sides: &Sides, report: &mut Report) -> Rest {
        let candidates = candidates(mutant, &self.runner.corpus, self.mode.whole);
        let (mut rest, mut at_once, mut others) = (candidates.as_slice(), 1, Rest::default());
        let mut untouched = 0;
        // Most mutants are caught by the first case; if that is not the right one, a few are tried at a time.
        while let Some(first) = rest.first() {
            let caught = report.catch.as_ref().map(|found| found.how);
            if caught == Some(How::Clause) || (caught.is_some() && !first.expects) {
                break;
            }
            let (now, later) = rest.split_at(at_once.min(rest.len()));
            let tried = now
                .iter()
                .map(|candidate| self.try_case(mutant, sides, *candidate));
            for (candidate, tried) in now.iter().zip(join_all(tried).await) {
                match tried {
                    Ok(found) => {
                        report.tried += 1;
                        report.better(found);
                    }
                    Err(Nothing::Untouched) => untouched += 1,
                    Err(Nothing::Lacking(why)) => {
                        others.lacking.get_or_insert(why);
                    }
                    Err(Nothing::Broken(why)) => {
                        let case = &candidate.entry.case.name;
                        others.broken.get_or_insert(format!("{case}: {why}"));
                    }
                    Err(Nothing::Rule(why)) => {
                        let case = &candidate.entry.case.name;
                        others.rule.get_or_insert(format!("{case}: {why}"));
                    }
                }
            }
            if others.rule.is_some() {
                break;
            }
            (rest, at_once) = (later, (at_once * 2).min(MOST_AT_ONCE));
        }
        others.lacking = others.lacking.filter(|_| untouched + report.tried == 0);
        others
    }

    fn sides(&self, mutant: &Arc<Mutant>) -> Result<Sides, String> {
        if let Some(why) = self.abilities.missing(&mutant.needs) {
            return Err(why);
        }
        let fits = |contender: &&Contender| {
            mutant.over.is_empty() || mutant.over.iter().any(|one| one.holds(&contender.id))
        };
        let most = if self.mode.all_alike { usize::MAX } else { 1 };
        let real: Vec<Contender> = self
            .runner
            .contenders
            .iter()
            .filter(fits)
            .take(most)
            .cloned()
            .collect();
        if real.is_empty() {
            return Err(format!(
                "needs {}, which does not take part",
                mutant
                    .over
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" or ")
            ));
        }
        let mutants = real.iter().map(|contender| contender.as_mutant(mutant)).collect();
        Ok(Sides { mutants, real })
    }

    async fn try_case(
        &self,
        mutant: &Mutant,
        sides: &Sides,
        candidate: Candidate<'_>,
    ) -> Result<Option<Catch>, Nothing> {
        let case = &candidate.entry.case;
        if let Some(why) = self
            .abilities
            .missing_of(case)
            .or_else(|| self.runner.missing(case))
        {
            return Err(Nothing::Lacking(why));
        }
        let built = cell(&self.built, case.name.clone());
        let bundle = built
            .get_or_init(|| async {
                let built = self.runner.builder.build(case, &self.runner.corpus);
                built.map_err(|error| error.to_string())
            })
            .await;
        let bundle = bundle.as_ref().map_err(|why| Nothing::Broken(why.clone()))?;
        let touched = sides.real.iter().any(|contender| {
            contender
                .steps(case, &bundle.configs)
                .is_ok_and(|steps| touches(&mutant.rule, &steps, &bundle.configs))
        });
        if !touched {
            return Err(Nothing::Untouched);
        }
        // A mutant is not compared if its real runtime lacks a step of the case.
        if sides
            .real
            .iter()
            .any(|contender| contender.steps(case, &bundle.configs).is_err())
        {
            return Err(Nothing::Lacking(
                "its runtime lacks a step of the case".to_owned(),
            ));
        }
        // A rule that cannot be expressed would otherwise look like a runtime that lacks a step, and would not be
        // compared.
        for contender in &sides.mutants {
            let steps = contender.steps(case, &bundle.configs);
            steps
                .map_err(|Lacks(why)| Nothing::Broken(format!("failed to put the rule into words: {why}")))?;
        }
        let key = (case.name.clone(), labels(&sides.real).join(" "));
        let real = cell(&self.real, key);
        let real = real
            .get_or_init(|| self.runner.launch_under(&sides.real, case, bundle))
            .await;
        let (found, _) = self.signs(mutant, sides, candidate, bundle, real).await?;
        if found.is_empty() {
            return Ok(None);
        }
        // Run both sides once more: what came by chance does not come again.
        let real = self.runner.launch_under(&sides.real, case, bundle).await;
        let (again, said) = self.signs(mutant, sides, candidate, bundle, &real).await?;
        let stays = |sign: &Sign| again.iter().any(|other| other.fact == sign.fact);
        let found = found.into_iter().filter(stays).collect();
        let caught = catch(case, &mutant.breaks, found);
        Ok(caught.map(|caught| Catch { said, ..caught }))
    }

    async fn signs(
        &self,
        mutant: &Mutant,
        sides: &Sides,
        candidate: Candidate<'_>,
        bundle: &Bundle,
        real: &[Record],
    ) -> Result<(Vec<Sign>, Option<String>), Nothing> {
        let case = &candidate.entry.case;
        let mutants = self.runner.launch_under(&sides.mutants, case, bundle).await;
        if let Some(why) = real.iter().chain(&mutants).find_map(broken) {
            return Err(Nothing::Broken(why));
        }
        if let Some(why) = real
            .iter()
            .zip(&mutants)
            .find_map(|(real, own)| misfit(mutant, real, own))
        {
            return Err(Nothing::Rule(why));
        }
        let said = real.iter().zip(&mutants).find_map(|(real, own)| said(real, own));
        let labels = labels(&sides.mutants);
        if !self.mode.all_alike {
            let found = self.judge(candidate, real.iter().chain(&mutants));
            return Ok((signs(&found, &labels), said));
        }
        // What the real runtime does not meet either is not a fault of its mutant.
        let before = self.judge(candidate, real.iter());
        let met = |fact: &str, who: &String| {
            let of_fact = before.iter().filter(|difference| difference.fact == fact);
            of_fact
                .clone()
                .all(|difference| !difference.against.contains(who))
        };
        let pairs = || sides.mutants.iter().zip(&sides.real);
        let mut now = self.judge(candidate, mutants.iter());
        now.retain(|difference| {
            pairs().any(|(mutant, real)| {
                difference.against.contains(&mutant.id.label) && met(&difference.fact, &real.id.label)
            })
        });
        let mut found = signs(&now, &labels);
        found.retain(|sign| sign.expected.is_some());
        Ok((found, said))
    }

    fn judge<'r>(
        &self,
        candidate: Candidate<'_>,
        records: impl Iterator<Item = &'r Record>,
    ) -> Vec<ocidiff_model::Difference> {
        let records: Vec<&Record> = records.filter(|record| is_comparable(record)).collect();
        let entry = candidate.entry;
        judge(&entry.case, &entry.known, &self.runner.machine, &records)
    }
}

fn labels(contenders: &[Contender]) -> Vec<String> {
    contenders
        .iter()
        .map(|contender| contender.id.label.clone())
        .collect()
}

fn broken(record: &Record) -> Option<String> {
    match &record.outcome {
        RunOutcome::Broken(why) => Some(format!("{}: {why}", record.runtime.label)),
        _ => None,
    }
}

/// The last words of the first step that fails under the mutant alone: by them one sees whether it is the fault that was
/// meant.
fn said(real: &Record, own: &Record) -> Option<String> {
    let fails = |label: &str| real.failed().any(|step| step.label == label);
    let step = own.failed().find(|step| !fails(&step.label))?;
    let words = last_words(&step.text);
    (!words.is_empty()).then(|| format!("{} says: {words}", step.label))
}

/// Why the rule cannot be carried out in one of the steps.
fn misfit(mutant: &Mutant, real: &Record, own: &Record) -> Option<String> {
    own.steps.iter().find_map(|step| {
        let real = real.steps.iter().find(|other| other.label == step.label);
        failure(mutant, step, real)
    })
}

fn outcome(mutant: &Mutant, report: &Report, rest: Rest) -> Outcome {
    // A rule that changes nothing cannot be seen by anybody: that says nothing about the cases.
    let is_idle = report.tried == 0 && !mutant.rule.is_empty();
    match (&report.catch, rest) {
        (_, Rest { rule: Some(why), .. }) => Outcome::Broken(why),
        (Some(_), _) if mutant.unseen.is_some() => Outcome::Seen,
        (Some(_), _) => Outcome::Caught,
        (
            None,
            Rest {
                broken: Some(why), ..
            },
        ) => Outcome::Broken(why),
        (
            None,
            Rest {
                lacking: Some(why), ..
            },
        ) => Outcome::Skipped(why),
        (None, _) if mutant.unseen.is_some() && !is_idle => Outcome::Unseen,
        (None, _) => Outcome::Missed,
    }
}
