//! The pipeline for one case in cells: build the bundle, launch it under each runtime, record, normalise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ocidiff_model::fact::{ONLY, call_of};
use ocidiff_model::known::Machine;
use ocidiff_model::record::{EBPF, RunOutcome};
use ocidiff_model::{Case, Channel, Record, life};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::bundle::{Builder, Bundle};
use crate::cell::job::{CallsJob, JobStep, Lacks, RecordJob};
use crate::cells::abilities::Abilities;
use crate::cells::carry::Carry;
use crate::cells::executed::{Beside, beside, libraries};
use crate::cells::hangs::Hangs;
use crate::cells::launch::Launcher;
use crate::cells::order::{Order, Told, with_target};
use crate::cells::participants::Contender;
use crate::cells::refusal;
use crate::corpus::{Corpus, Entry};
use crate::digest::hex;
use crate::judge::confirm::{Judge, Launch, Origin, config_of};
use crate::judge::control;
use crate::judge::filters;
use crate::judge::finished::{broken, skipped};
use crate::judge::fixed::Newest;
use crate::judge::normalise::normalise;
use crate::secrets::{Discreet, Secrets};

pub use crate::judge::finished::Finished;

/// Watched calls that are kept in a record, and as many others.
const MAX_CALLS: usize = 20_000;
/// What a cell may take for itself, beyond the limits of all steps.
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
pub struct CellRunner {
    /// The corpus.
    pub corpus: Arc<Corpus>,
    /// The runtimes, the reference first.
    pub contenders: Vec<Contender>,
    /// The machine on which they run.
    pub machine: Machine,
    /// Which recorder is used: never [`Recorder::Auto`] by this point.
    pub recorder: Recorder,
    /// The recorder in words, as reports have it; with the reason where it is not the best one.
    pub recorder_said: String,
    /// Whether the runtimes' own calls are kept in every record, and not only in those of cases that watch them.
    pub keep_setup: bool,
    /// How often each case is run at least.
    pub repeat: u32,
    /// Factor for the time limits that a case gives its steps.
    pub limit_scale: u32,
    /// Whether a runtime is compared with itself.
    pub control: bool,
    /// The newest versions that the corpus was run under.
    pub newest: Newest,
    /// The runtimes that hung.
    pub hangs: Hangs,
    /// Whether the values of the environment in a bundle of the user's are shown as they are.
    pub show_env: bool,
    /// Whether hooks of a bundle of the user's run too; they run in the cell, like everything else.
    pub keep_hooks: bool,
    /// Results of an earlier run, and the keys of this one's.
    pub carry: Option<Carry>,
    /// Builds bundles.
    pub builder: Builder,
    /// Launches cells.
    pub launcher: Launcher,
}

impl CellRunner {
    /// Runs a case under every runtime, repeats it where a difference is new, and judges it.
    pub async fn run(&self, entry: &Entry) -> Finished {
        let started = Instant::now();
        if let Some(why) = self.missing(&entry.case) {
            return skipped(&entry.case, why);
        }
        match self.builder.build(&entry.case, &self.corpus) {
            Ok(bundle) => {
                let carry = self.carry.as_ref();
                let key = carry.and_then(|carry| carry.key(entry, &bundle.digest));
                let carried = || self.carry.as_ref()?.earlier(&entry.case.name, key.as_ref()?);
                if let Some(report) = carried() {
                    return Finished::of(report);
                }
                let mut finished = match self.control {
                    true => self.with_itself(entry, &bundle, started).await,
                    false => self.judge(Origin::Case).run(self, entry, &bundle, started).await,
                };
                finished.report.key = key;
                finished.report.control = self.control;
                finished
            }
            Err(error) => broken(&entry.case, error.to_string(), started),
        }
    }

    /// The same for a runtime that is compared with itself.
    async fn with_itself(&self, entry: &Entry, bundle: &Bundle, started: Instant) -> Finished {
        let judge = self.judge(Origin::Control);
        let alone = self.contenders.first().map(|one| control::alone(entry, &one.id));
        let mut finished = judge
            .run(self, alone.as_ref().unwrap_or(entry), bundle, started)
            .await;
        finished.idle = judge.idle(entry, bundle, &finished.records);
        finished
    }

    /// The same with a copy of the user's bundle.
    pub async fn run_copy(&self, entry: &Entry, folder: &Path) -> Finished {
        let started = Instant::now();
        let bundle = match self.builder.copy(folder, "given") {
            Ok(bundle) if !self.keep_hooks => bundle.without_hooks(),
            other => other,
        };
        match bundle {
            Ok(bundle) if self.show_env => self.judge(Origin::Given).run(self, entry, &bundle, started).await,
            Ok(bundle) => {
                let secrets = Secrets::of(bundle.configs.values());
                let discreet = Discreet {
                    launch: self,
                    secrets,
                };
                self.judge(Origin::Given)
                    .run(&discreet, entry, &bundle, started)
                    .await
            }
            Err(error) => broken(&entry.case, error.to_string(), started),
        }
    }

    /// Keeps the runtimes with these labels; the first of them is the reference from now on.
    pub(crate) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        self.contenders.retain(|one| stays(&one.id.label));
        if let Some(first) = self.contenders.first_mut() {
            first.reference = true;
        }
    }

    /// Runs a case once under every runtime, without judging it.
    ///
    /// # Errors
    /// The bundle cannot be built.
    pub async fn observe(&self, case: &Case) -> Result<Vec<Record>, crate::bundle::Error> {
        let bundle = self.builder.build(case, &self.corpus)?;
        Ok(self.observe_bundle(case, &bundle).await)
    }

    /// Runs a bundle once under every runtime, as a case says, without judging it.
    pub async fn observe_bundle(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        self.once(case, bundle).await
    }

    /// Why no result of this run may be taken from another one: what a runtime executes cannot be told from its file.
    ///
    /// # Errors
    /// A runtime's file cannot be read.
    pub fn is_of_unknown(&self) -> std::io::Result<Option<String>> {
        for one in &self.contenders {
            if let Beside::Unknown(why) = beside(&one.runtime.path)? {
                let path = one.runtime.path.display();
                return Ok(Some(format!(
                    "{path} {why}, and what it executes may have changed"
                )));
            }
        }
        Ok(None)
    }

    /// The digest of everything that all results of this run depend on; the runtimes are settled by now.
    ///
    /// # Errors
    /// This program's own file or a runtime's cannot be read.
    pub fn depends_on(&self, abilities: &Abilities, program: &Path) -> std::io::Result<String> {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        let mut file = std::fs::File::open(program)?;
        let mut of_program = Sha256::new();
        std::io::copy(&mut file, &mut of_program)?;
        part(&hex(&of_program.finalize()));
        for one in &self.contenders {
            part(&format!(
                "{} {} {}",
                one.id.label, one.runtime.digest, one.reference
            ));
            part(&format!("{:?}", one.runtime.manifest));
            if let Beside::Libraries(folders) = beside(&one.runtime.path)? {
                part(&libraries(&folders)?);
            }
        }
        part(&format!("{:?}", self.machine));
        part(&format!(
            "{:?} {:x}",
            abilities.controllers, abilities.capabilities
        ));
        part(&format!("{:?}", abilities.unpinned));
        part(&self.recorder_said);
        part(&format!("{} {} {}", self.repeat, self.control, self.keep_setup));
        part(&format!("{:?}", self.corpus.findings));
        part(&format!("{:?}", self.corpus.requirements));
        Ok(hex(&hash.finalize()))
    }

    /// What the case needs and the recorder does not have.
    pub(crate) fn missing(&self, case: &Case) -> Option<String> {
        // What was not observed is neither absent nor the same everywhere.
        let asks = || case.body.asked(Channel::Syscall).next().is_some();
        if self.recorder == Recorder::None && asks() {
            return Some("watches syscalls, which `--recorder none` does not record".to_owned());
        }
        if self.recorder_said != EBPF
            && let Some(path) = case.body.asked(Channel::Setup).next()
        {
            return Some(format!(
                "asks for setup.{path}, which the recorder {} does not see",
                self.recorder_said
            ));
        }
        let wanted = case.body.needs.recorder.as_ref()?;
        (*wanted != self.recorder_said).then(|| format!("needs the recorder {wanted}"))
    }

    pub(crate) fn judge(&self, origin: Origin) -> Judge {
        Judge {
            corpus: Arc::clone(&self.corpus),
            machine: self.machine.clone(),
            tells_gone: true,
            origin,
            repeat: self.repeat,
            newest: self.newest.clone(),
        }
    }

    /// Where the runtimes' programs are, and where links to them lead.
    fn programs(&self) -> Vec<PathBuf> {
        let given = self.contenders.iter().map(|contender| &contender.runtime.path);
        given.flat_map(|path| with_target(path)).collect()
    }

    fn order(&self, case: &Case, bundle: &Bundle, mut steps: Vec<JobStep>) -> Order {
        for step in &mut steps {
            step.limit_ms = step.limit_ms.saturating_mul(self.limit_scale.into());
        }
        let limit =
            SLACK * self.limit_scale + Duration::from_millis(steps.iter().map(|step| step.limit_ms).sum());
        let calls = case.body.watched(Channel::Syscall);
        Order {
            lower: bundle.layers.clone(),
            rootfs: bundle.placed.clone(),
            // Made when the first bundle was built.
            probe: self.launcher.session().folder().join("probe"),
            programs: self.programs(),
            configs: bundle.configs.clone(),
            stand_ins: bundle.stand_ins.clone(),
            config_file: case.body.config_file.clone(),
            record: Some(RecordJob {
                visit: case.body.is_visited(),
                calls: (self.recorder != Recorder::None).then(|| CallsJob {
                    watch: calls.iter().map(|path| call_of(path).to_owned()).collect(),
                    only_watched: calls.iter().any(|name| name == ONLY),
                    max: MAX_CALLS,
                }),
                setup: self.keep_setup || case.body.watch.contains_key(&Channel::Setup),
                files: case.body.asked(Channel::File).map(str::to_owned).collect(),
            }),
            steps,
            ask: None,
            caller: case.body.caller.clone(),
            limit,
        }
    }
}

impl Launch for CellRunner {
    async fn once(&self, case: &Case, bundle: &Bundle) -> Vec<Record> {
        self.launch_under(&self.contenders, case, bundle).await
    }
}

impl CellRunner {
    /// Launches a bundle once under each of these.
    pub(crate) async fn launch_under(
        &self,
        contenders: &[Contender],
        case: &Case,
        bundle: &Bundle,
    ) -> Vec<Record> {
        let mut runs = JoinSet::new();
        let mut records = BTreeMap::new();
        for (index, contender) in contenders.iter().enumerate() {
            if self.hangs.is_given_up(&contender.id.label) {
                continue;
            }
            let order = contender
                .steps(case, &bundle.configs)
                .map(|steps| self.order(case, bundle, steps));
            match order {
                Err(Lacks(why)) => {
                    records.insert(
                        index,
                        record(
                            case,
                            contender,
                            bundle,
                            Told::default(),
                            Some(RunOutcome::Unsupported(why)),
                        ),
                    );
                }
                Ok(order) => {
                    let launcher = self.launcher.clone();
                    runs.spawn(async move { (index, launcher.launch(order).await) });
                }
            }
        }
        while let Some(Ok((index, told))) = runs.join_next().await {
            let contender = &contenders[index];
            self.hangs.note(&contender.id.label, &told.steps);
            let refusal = refusal::of(&contender.runtime.manifest, case, &bundle.configs, &told.steps);
            records.insert(index, record(case, contender, bundle, told, refusal));
        }
        records.into_values().collect()
    }
}

fn record(
    case: &Case,
    contender: &Contender,
    bundle: &Bundle,
    told: Told,
    refusal: Option<RunOutcome>,
) -> Record {
    let recorder = told.recorder();
    let mut facts = told.facts;
    normalise(&mut facts);
    // After normalising: masks of arguments look like addresses.
    for trace in &told.traces {
        let mut found = filters::facts(config_of(bundle), &trace.filters);
        life::give_life(&mut found, trace.life);
        facts.extend(found);
    }
    facts.sort_by(|a, b| a.path.cmp(&b.path));
    let outcome = RunOutcome::of(told.broken, refusal, &facts);
    // The calls and filters of a record, which are for reading, are those of the first life.
    let trace = told.traces.into_iter().next().unwrap_or_default();
    Record {
        case: case.name.clone(),
        runtime: contender.id.clone(),
        bundle: bundle.digest.clone(),
        recorder,
        outcome,
        ran: told.ran,
        steps: told.steps,
        facts,
        filters: trace.filters,
        setup: told.setup,
        calls: trace.calls,
        total_calls: trace.total,
        seconds: told.seconds,
    }
}
