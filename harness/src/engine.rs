//! The pipeline for one case: build the bundle, launch it under each runtime, record, normalise, compare,
//! confirm, judge.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocidiff_model::difference::Standing;
use ocidiff_model::event::CaseReport;
use ocidiff_model::filter::DEPARTURES;
use ocidiff_model::known::Machine;
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, Channel, Difference, Op, Record, Verdict, Watch};
use tokio::task::JoinSet;

use crate::bundle::{Builder, Bundle};
use crate::cell::job::{JobStep, RecordJob};
use crate::compare::is_comparable;
use crate::corpus::{Corpus, Entry};
use crate::launch::{Launcher, Order, Told};
use crate::normalise::normalise;
use crate::participants::{Contender, Lacks};
use crate::{filters, judge};

/// How often a case is run before a new difference is told: it must show each time.
const RUNS: u32 = 3;
/// Calls that are kept in a record.
const MAX_CALLS: usize = 20_000;
/// Among the calls that a case watches: no others are recorded at all, nor counted. The kernel leaves them out, where
/// eBPF records.
const ONLY: &str = "only";
/// Beyond the limits of all steps, what a cell may take for itself.
const SLACK: Duration = Duration::from_secs(20);

/// Which recorder a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorder {
    /// eBPF where the machine allows it, ptrace elsewhere.
    Auto,
    /// Every syscall of the workload, and the runtime's own set-up, by programs in the kernel.
    Ebpf,
    /// Every syscall of the workload, by ptrace.
    Ptrace,
    /// A short look at the workload's execve only: what `/proc` shows, and the filters.
    None,
}

/// Runs cases.
#[derive(Debug)]
pub struct Engine {
    /// The corpus.
    pub corpus: Arc<Corpus>,
    /// The runtimes, the reference first.
    pub contenders: Vec<Contender>,
    /// Where.
    pub machine: Machine,
    /// How: no longer [`Recorder::Auto`].
    pub recorder: Recorder,
    /// The recorder in words, as reports have it; with the reason where it is not the best one.
    pub recorder_said: String,
    /// Whether the runtimes' own calls are kept in every record, and not only in those of cases that watch them.
    pub keep_setup: bool,
    /// Builds bundles.
    pub builder: Builder,
    /// Launches cells.
    pub launcher: Launcher,
}

/// A case that has its verdict, and the records of its first run.
#[derive(Debug)]
pub struct Finished {
    /// For the events.
    pub report: CaseReport,
    /// By runtime, the reference's first; empty where nothing was launched.
    pub records: Vec<Record>,
}

impl Engine {
    /// Runs a case under every runtime, and again where a difference is new, and judges it.
    pub async fn run(&self, entry: &Entry) -> Finished {
        let started = Instant::now();
        if let Some(why) = self.missing(&entry.case) {
            return self.skipped(&entry.case, why);
        }
        match self.builder.build(&entry.case, &self.corpus) {
            Ok(bundle) => self.run_bundle(entry, &bundle, started).await,
            Err(error) => self.broken(&entry.case, error.to_string(), started),
        }
    }

    /// The same with a copy of a bundle of the user's.
    pub async fn run_copy(&self, entry: &Entry, folder: &Path) -> Finished {
        let started = Instant::now();
        match self.builder.copy(folder, "given") {
            Ok(bundle) => self.run_bundle(entry, &bundle, started).await,
            Err(error) => self.broken(&entry.case, error.to_string(), started),
        }
    }

    /// Runs a case once under every runtime, and judges nothing.
    ///
    /// # Errors
    /// The bundle cannot be built.
    pub async fn observe(&self, case: &Case) -> Result<Vec<Record>, crate::bundle::Error> {
        let bundle = self.builder.build(case, &self.corpus)?;
        Ok(self.observe_bundle(case, &bundle).await)
    }

    /// Runs a bundle once under every runtime, as a case says, and judges nothing.
    pub async fn observe_bundle(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        self.once(case, bundle).await
    }

    /// What the case needs and the recorder does not have.
    fn missing(&self, case: &Case) -> Option<String> {
        let wanted = case.body.needs.recorder.as_ref()?;
        (*wanted != self.recorder_said).then(|| format!("needs the recorder {wanted}"))
    }

    /// A case that is not run.
    #[must_use]
    pub fn skipped(&self, case: &Case, why: String) -> Finished {
        let report = CaseReport {
            verdict: Verdict::Skipped,
            why: Some(why),
            ..self.report(case, Instant::now())
        };
        Finished {
            report,
            records: Vec::new(),
        }
    }

    async fn run_bundle(&self, entry: &Entry, bundle: &Bundle, started: Instant) -> Finished {
        let case = &entry.case;
        let records = self.once(case, bundle).await;
        if let Some(why) = first_broken(&records) {
            let mut finished = self.broken(case, why, started);
            finished.records = records;
            return finished;
        }
        let mut found = self.judge(entry, &records);
        if found
            .iter()
            .any(|difference| !matches!(difference.standing, Standing::Known))
            && let Err(why) = self.confirm(entry, bundle, &mut found).await
        {
            let mut finished = self.broken(case, why, started);
            finished.records = records;
            return finished;
        }
        let mut report = self.report(case, started);
        report.bundle = Some(bundle.digest.clone());
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
        report.differences = found;
        report.seconds = started.elapsed().as_secs_f64();
        Finished { report, records }
    }

    /// Launches the bundle under each runtime once.
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        let mut runs = JoinSet::new();
        let mut records = BTreeMap::new();
        for (index, contender) in self.contenders.iter().enumerate() {
            let order = contender
                .steps(case, &bundle.configs)
                .map(|steps| self.order(case, bundle, steps));
            match order {
                Err(Lacks(why)) => {
                    records.insert(index, record(case, contender, bundle, Told::default(), Some(why)));
                }
                Ok(order) => {
                    let launcher = self.launcher.clone();
                    runs.spawn(async move { (index, launcher.launch(order).await) });
                }
            }
        }
        while let Some(Ok((index, told))) = runs.join_next().await {
            let contender = &self.contenders[index];
            let refusal = refusal(contender, &told);
            records.insert(index, record(case, contender, bundle, told, refusal));
        }
        records.into_values().collect()
    }

    fn order(&self, case: &Case, bundle: &Bundle, steps: Vec<JobStep>) -> Order {
        let limit = SLACK + Duration::from_millis(steps.iter().map(|step| step.limit_ms).sum());
        Order {
            lower: bundle.layers.clone(),
            // Made when the first bundle was built.
            probe: self.launcher.session().folder().join("probe"),
            configs: bundle.configs.clone(),
            config_file: case.body.config_file.clone(),
            record: Some(RecordJob {
                watch: watched_calls(case).to_vec(),
                only_watched: watched_calls(case).iter().any(|name| name == ONLY),
                visit: !matches!(case.body.watch.get(&Channel::Filter), Some(Watch::Not(_))),
                calls: self.recorder != Recorder::None,
                setup: self.keep_setup || case.body.watch.contains_key(&Channel::Setup),
                max_calls: MAX_CALLS,
            }),
            steps,
            limit,
        }
    }

    fn judge(&self, entry: &Entry, records: &[Record]) -> Vec<Difference> {
        let comparable: Vec<&Record> = records.iter().filter(|record| is_comparable(record)).collect();
        judge::judge(&entry.case, &entry.known, &self.machine, &comparable)
    }

    /// Runs the case again: what is new or gone must be so each time.
    async fn confirm(
        &self,
        entry: &Entry,
        bundle: &Bundle,
        found: &mut Vec<Difference>,
    ) -> Result<(), String> {
        let mut shown: Vec<u32> = vec![1; found.len()];
        for _ in 1..RUNS {
            let records = self.once(&entry.case, bundle).await;
            if let Some(why) = first_broken(&records) {
                return Err(why);
            }
            let again = self.judge(entry, &records);
            for (difference, count) in found.iter().zip(&mut shown) {
                *count += u32::from(again.iter().any(|other| {
                    other.fact == difference.fact
                        && other.groups == difference.groups
                        && other.standing == difference.standing
                }));
            }
            // What shows only now was not there the first time.
            for other in again {
                if !matches!(other.standing, Standing::Known)
                    && found.iter().all(|difference| difference.fact != other.fact)
                {
                    found.push(other);
                    shown.push(1);
                }
            }
        }
        for (difference, shown) in found.iter_mut().zip(shown) {
            difference.standing = match difference.standing {
                Standing::Known => Standing::Known,
                _ if shown < RUNS => Standing::Unstable { shown, runs: RUNS },
                Standing::New { .. } => Standing::New { runs: RUNS },
                ref other => other.clone(),
            };
        }
        Ok(())
    }

    fn requirements(&self, case: &Case, found: &[Difference]) -> Vec<ocidiff_model::Requirement> {
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

    fn report(&self, case: &Case, started: Instant) -> CaseReport {
        CaseReport {
            case: case.name.clone(),
            summary: case.body.summary.clone(),
            source: case.source.clone(),
            verdict: Verdict::Agree,
            why: None,
            differences: Vec::new(),
            filters: Vec::new(),
            requirements: Vec::new(),
            unsupported: Vec::new(),
            bundle: None,
            failures: Vec::new(),
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    fn broken(&self, case: &Case, why: String, started: Instant) -> Finished {
        let report = CaseReport {
            verdict: Verdict::Broken,
            why: Some(why),
            ..self.report(case, started)
        };
        Finished {
            report,
            records: Vec::new(),
        }
    }
}

/// The calls that a case names.
fn watched_calls(case: &Case) -> &[String] {
    case.body.watch.get(&Channel::Syscall).map_or(&[], Watch::paths)
}

fn first_broken(records: &[Record]) -> Option<String> {
    records.iter().find_map(|record| match &record.outcome {
        RunOutcome::Broken(why) => Some(format!("{}: {why}", record.runtime.label)),
        _ => None,
    })
}

fn unsupported(records: &[Record]) -> Vec<(String, String)> {
    let why = |record: &Record| match &record.outcome {
        RunOutcome::Unsupported(why) => Some((record.runtime.label.clone(), why.clone())),
        _ => None,
    };
    records.iter().filter_map(why).collect()
}

fn failures(records: &[Record]) -> Vec<(String, ocidiff_model::StepRecord)> {
    let of = |record: &Record| {
        record
            .failed()
            .map(|step| (record.runtime.label.clone(), step.clone()))
            .collect::<Vec<_>>()
    };
    records.iter().flat_map(of).collect()
}

/// The text of the config.
fn config_of(bundle: &Bundle) -> &str {
    bundle.configs.get(MAIN).map_or("", String::as_str)
}

/// What the runtime says where it refuses before anything ran.
fn refusal(contender: &Contender, told: &Told) -> Option<String> {
    let first = told
        .steps
        .iter()
        .find(|step| matches!(step.op, Op::Create | Op::Run))?;
    if first.result != CallResult::Error {
        return None;
    }
    contender.runtime.manifest.refusal(&first.text).map(str::to_owned)
}

fn record(
    case: &Case,
    contender: &Contender,
    bundle: &Bundle,
    told: Told,
    refusal: Option<String>,
) -> Record {
    let mut facts = told.facts;
    normalise(&mut facts);
    // After it: masks of arguments look like addresses.
    facts.extend(filters::facts(config_of(bundle), &told.trace.filters));
    facts.sort_by(|a, b| a.path.cmp(&b.path));
    let outcome = match (told.broken, refusal) {
        (Some(why), _) => RunOutcome::Broken(why),
        (None, Some(why)) => RunOutcome::Unsupported(why),
        (None, None) => RunOutcome::Complete,
    };
    Record {
        case: case.name.clone(),
        runtime: contender.id.clone(),
        bundle: bundle.digest.clone(),
        recorder: told.trace.recorder,
        outcome,
        ran: told.ran,
        steps: told.steps,
        facts,
        filters: told.trace.filters,
        setup: told.setup,
        calls: told.trace.calls,
        total_calls: told.trace.total,
        seconds: told.seconds,
    }
}
