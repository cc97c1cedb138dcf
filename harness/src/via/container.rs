//! One container under one runtime: create, start, wait, read, remove.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ocidiff_engines::remote::CallError;
use ocidiff_model::record::{CallResult, RunOutcome};
use ocidiff_model::{Case, Fact, Op, Record, StepRecord};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use super::facts;
use super::makes::{Ask, Makes};
use crate::bundle::Bundle;
use crate::cell::{class, stdio};
use crate::cells::participants::{Contender, DEFAULT_LIMIT};
use crate::judge::normalise::normalise;

/// Containers at a time.
const MOST: usize = 4;
/// What opens the reason where it is the engine's, and no runtime's.
pub(super) const ENGINE: &str = "the engine: ";
/// How an engine tells that it is the runtime's `create` that failed, or its `start`.
const FAILED: [(&str, Op); 2] = [
    ("OCI runtime create failed", Op::Create),
    ("OCI runtime start failed", Op::Start),
];

/// What was seen of one container.
#[derive(Debug, Default)]
pub(super) struct Seen {
    steps: Vec<StepRecord>,
    facts: Vec<Fact>,
    /// Whether the workload ran.
    pub(super) ran: bool,
    /// The config.json that the runtime was given.
    pub(super) config: Option<String>,
    refused: Option<String>,
    broken: Option<String>,
    seconds: f64,
}

/// Launches containers, a few at a time, however many cases are under way.
#[derive(Debug)]
pub(super) struct Launcher<M> {
    /// The engine.
    pub(super) maker: M,
    stop: watch::Receiver<bool>,
    places: Semaphore,
    count: AtomicUsize,
    /// Containers that were asked for without an answer: the engine may make them yet.
    pub(super) unanswered: AtomicUsize,
}

impl<M: Makes> Launcher<M> {
    /// Through an engine; `stop` turns true when all must end.
    pub(super) fn new(maker: M, stop: watch::Receiver<bool>) -> Self {
        Self {
            maker,
            stop,
            places: Semaphore::new(MOST),
            count: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        }
    }

    /// A name that no other container of this run has.
    pub(super) fn next_name(&self) -> String {
        self.count.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Runs a container as soon as there is a place for it, and removes it, whatever comes of it.
    pub(super) async fn launch(&self, case: &Case, contender: &Contender, ask: Ask<'_, M::Body>) -> Seen {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let started = Instant::now();
        let mut seen = Seen::default();
        if *self.stop.borrow() {
            seen.broken = Some("interrupted".to_owned());
            return seen;
        }
        let began = Instant::now();
        match self.maker.create(ask).await {
            Ok(made) => {
                if let Err(error) = self.observe(case, contender, &made, &mut seen).await {
                    seen.broken.get_or_insert(error.to_string());
                }
                self.tidy(&made, &mut seen);
                if let Err(error) = self.maker.remove(&made).await {
                    seen.broken
                        .get_or_insert(format!("its container cannot be removed: {error}"));
                }
            }
            Err(CallError::Refused(why)) => seen.refused_start(contender, &why, began),
            Err(error) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                seen.broken = Some(error.to_string());
            }
        }
        seen.seconds = started.elapsed().as_secs_f64();
        seen
    }

    /// What is the engine's is taken away: the container is called as in a cell.
    fn tidy(&self, made: &M::Made, seen: &mut Seen) {
        for (id, name) in self.maker.ids(made) {
            seen.config = seen.config.take().map(|text| text.replace(id, name));
            facts::rename(&mut seen.facts, id, name);
        }
        facts::without_hostname(&mut seen.facts, &self.maker.hostname(made));
        for fact in seen
            .facts
            .iter_mut()
            .filter(|fact| self.maker.is_shuffled(&fact.path))
        {
            facts::sort(&mut fact.value);
        }
    }

    async fn observe(
        &self,
        case: &Case,
        contender: &Contender,
        made: &M::Made,
        seen: &mut Seen,
    ) -> Result<(), CallError> {
        let began = Instant::now();
        let (started, config) = self.maker.start(made).await;
        seen.config = config;
        match started {
            Ok(()) => {
                seen.step(Op::Create, CallResult::Ok, String::new(), began);
                seen.step(Op::Start, CallResult::Ok, String::new(), began);
                seen.ran = true;
                self.wait(case, made, seen).await?;
            }
            Err(CallError::Refused(why)) => seen.refused_start(contender, &why, began),
            Err(error) => return Err(error),
        }
        seen.facts.extend(self.maker.told(made).await?);
        Ok(())
    }

    /// Until the workload has ended, or its time is over; then what it printed.
    async fn wait(&self, case: &Case, made: &M::Made, seen: &mut Seen) -> Result<(), CallError> {
        let began = Instant::now();
        let mut stop = self.stop.clone();
        let code = tokio::select! {
            code = self.maker.wait(made, limit(case)) => code?,
            _ = stop.wait_for(|stop| *stop) => return Err(CallError::Failed("interrupted".to_owned())),
        };
        let result = if code.is_some() {
            CallResult::Ok
        } else {
            CallResult::Timeout
        };
        seen.step(Op::Wait, result, String::new(), began);
        let exit = code.map_or_else(|| "still running".into(), ocidiff_model::Value::from);
        seen.facts.push(Fact::new("process.exit", exit));
        let output = self.maker.output(made).await?;
        for (name, bytes, lost) in [
            ("stdout", &output.stdout, output.lost[0]),
            ("stderr", &output.stderr, output.lost[1]),
        ] {
            let (found, lines) = stdio::read(bytes, lost, "");
            seen.facts.extend(found);
            seen.facts.push(Fact::new(format!("process.{name}"), lines));
        }
        Ok(())
    }
}

impl Seen {
    /// The config.json that the engine wrote.
    pub(super) fn written(&self) -> Option<Value> {
        serde_json::from_str(self.config.as_deref()?).ok()
    }

    /// The engine does not make the container that was asked for.
    pub(super) fn refuse(&mut self, why: &str) {
        self.refused = Some(format!("{ENGINE}{why}"));
    }

    /// Why it does not.
    pub(super) fn refusal_of_engine(&self) -> Option<String> {
        self.refused.as_deref()?.strip_prefix(ENGINE).map(str::to_owned)
    }

    fn step(&mut self, op: Op, result: CallResult, text: String, began: Instant) {
        let label = op.name();
        self.facts
            .push(Fact::new(format!("lifecycle.{label}.result"), result.value()));
        if op.calls_runtime() && result != CallResult::Ok {
            self.facts
                .push(Fact::new(format!("lifecycle.{label}.error"), class(&text)));
        }
        self.steps.push(StepRecord {
            label: label.to_owned(),
            op,
            argv: Vec::new(),
            result,
            exit: None,
            text,
            seconds: began.elapsed().as_secs_f64(),
        });
    }

    /// The engine's start is the runtime's create and start: its words tell which of them failed.
    fn refused_start(&mut self, contender: &Contender, why: &str, began: Instant) {
        let failed = FAILED.iter().find(|(words, _)| why.contains(words));
        let Some((_, op)) = failed else {
            self.refuse(&format!("it says: {why}"));
            return;
        };
        if *op == Op::Start {
            self.step(Op::Create, CallResult::Ok, String::new(), began);
        }
        self.step(*op, CallResult::Error, why.to_owned(), began);
        if *op == Op::Create {
            self.refused = contender.runtime.manifest.refusal(why).map(str::to_owned);
        }
    }

    /// The record.
    pub(super) fn into_record(self, case: &Case, contender: &Contender, bundle: &Bundle) -> Record {
        let mut facts = self.facts;
        facts.extend(facts::of_config(self.config.as_deref()));
        normalise(&mut facts);
        let outcome = RunOutcome::of(self.broken, self.refused);
        Record {
            case: case.name.clone(),
            runtime: contender.id.clone(),
            bundle: bundle.digest.clone(),
            recorder: "none (the engine runs it)".to_owned(),
            outcome,
            ran: self.ran,
            steps: self.steps,
            facts,
            filters: Vec::new(),
            setup: Vec::new(),
            calls: Vec::new(),
            total_calls: 0,
            seconds: self.seconds,
        }
    }
}

/// How long the case lets its workload run.
fn limit(case: &Case) -> Duration {
    let waits = case.body.steps.iter().filter(|step| step.op == Op::Wait);
    let own = waits.filter_map(|step| step.options.limit).next();
    Duration::from_secs_f64(own.unwrap_or(DEFAULT_LIMIT))
}
