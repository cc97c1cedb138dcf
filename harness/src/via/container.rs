//! One container under one runtime: create, start, wait, read, remove.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ocidiff_engines::remote::CallError;
use ocidiff_model::record::CallResult;
use ocidiff_model::{Case, Fact, Op};
use tokio::sync::{Semaphore, watch};

use super::facts;
use super::makes::{Ask, Makes};
use super::refusals::{Whose, is_of_machine, uncalled, whose};
use super::seen::Seen;
use super::silence::Silence;
use crate::cells::participants::{Contender, DEFAULT_LIMIT};
use crate::machine::cgroup::{Layout, remove_left};

/// Containers at a time.
const MOST: usize = 4;
/// Launches containers, a few at a time, however many cases are under way.
#[derive(Debug)]
pub(super) struct Launcher<M> {
    /// The engine.
    pub(super) maker: M,
    stop: watch::Receiver<bool>,
    /// The machine's cgroups.
    layout: Layout,
    /// Cgroups of removed containers that something was still in.
    left: Mutex<Vec<String>>,
    places: Semaphore,
    count: AtomicUsize,
    /// Containers that were asked for without an answer: the engine may still make them.
    pub(super) unanswered: AtomicUsize,
    /// Whether it answers at all.
    pub(super) silence: Silence,
    /// Whether it removes what it has made.
    pub(super) removals: Silence,
}

impl<M: Makes> Launcher<M> {
    /// Through an engine; `stop` turns true when all must end.
    pub(super) fn new(maker: M, layout: Layout, stop: watch::Receiver<bool>) -> Self {
        Self {
            maker,
            stop,
            layout,
            left: Mutex::default(),
            places: Semaphore::new(MOST),
            count: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            silence: Silence::of_calls(),
            removals: Silence::of_removals(),
        }
    }

    /// A name that no other container of this run has.
    pub(super) fn next_name(&self) -> String {
        self.count.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Runs a container as soon as there is a place for it, and removes it, whatever the result.
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
        let runtime = ask.runtime;
        let asking = Asking::begin(&self.unanswered);
        let created = self.maker.create(ask).await;
        asking.answered(!matches!(created, Err(CallError::Failed(_))));
        match created {
            Ok(made) => {
                let observed = self.observe(case, (contender, runtime), &made, &mut seen).await;
                if let Err(error) = observed {
                    self.note(&error);
                    seen.broken.get_or_insert(error.to_string());
                }
                self.tidy(&made, &mut seen);
                self.remove(&made, &mut seen).await;
            }
            Err(error @ CallError::Failed(_)) => {
                self.note(&error);
                seen.broken = Some(error.to_string());
            }
            Err(refusal) => {
                self.refused((contender, runtime), &refusal, &mut seen, began)
                    .await;
            }
        }
        seen.seconds = started.elapsed().as_secs_f64();
        seen
    }

    /// Removes a container, and the cgroups that its runtime left.
    async fn remove(&self, made: &M::Made, seen: &mut Seen) {
        match self.maker.remove(made).await {
            Ok(()) => self.removals.broken(),
            Err(error) => {
                self.note(&error);
                if !*self.stop.borrow() {
                    self.removals.goes_on(error.words());
                }
                seen.broken
                    .get_or_insert(format!("its container cannot be removed: {error}"));
            }
        }
        let ids = self.maker.ids(made).into_iter();
        let cgroups = ids.filter_map(|(id, _)| self.maker.cgroup(id));
        let left = remove_left(&self.layout, &cgroups.collect::<Vec<_>>());
        self.left().extend(left);
    }

    /// Removes the cgroups of removed containers, once all have ended.
    pub(super) fn remove_left(&self) {
        let mut left = self.left();
        *left = remove_left(&self.layout, &left);
    }

    fn left(&self) -> MutexGuard<'_, Vec<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a refused start says: about the runtime, about the request, or about neither.
    async fn refused(
        &self,
        (contender, runtime): (&Contender, &str),
        refusal: &CallError,
        seen: &mut Seen,
        began: Instant,
    ) {
        let why = refusal.words();
        match whose(refusal) {
            Whose::Runtime(op) => {
                self.silence.broken();
                match uncalled(&contender.runtime.path, why) {
                    Some(gone) => seen.broken = Some(gone),
                    None => seen.refused_by_runtime(contender, (op, why), began),
                }
            }
            Whose::Request => {
                self.silence.broken();
                seen.refuse(&format!("it says: {why}"));
            }
            Whose::Machine => {
                self.suspect(runtime, why).await;
                seen.broken = Some(format!("the engine failed: {why}"));
            }
        }
    }

    /// The engine failed for a reason of its own: if it starts nothing else either, it is about to be given up.
    pub(super) async fn suspect(&self, runtime: &str, why: &str) {
        if *self.stop.borrow() {
            return;
        }
        let plain = self.maker.starts(runtime, &self.next_name()).await;
        if matches!(plain, Err(CallError::Failed(_))) {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
        }
        if plain.is_err() || is_of_machine(why) {
            self.silence.goes_on(why);
        } else {
            self.silence.broken();
        }
    }

    /// What went wrong, unless that is the end of the run.
    fn note(&self, error: &CallError) {
        if matches!(error, CallError::Failed(_)) && !*self.stop.borrow() {
            self.silence.goes_on(&error.to_string());
        }
    }

    /// What comes from the engine is removed: the container is named as in a cell.
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
        (contender, runtime): (&Contender, &str),
        made: &M::Made,
        seen: &mut Seen,
    ) -> Result<(), CallError> {
        let began = Instant::now();
        let (started, config) = self.maker.start(made).await;
        seen.config = config;
        match started {
            Ok(()) => {
                self.silence.broken();
                seen.step_of(Op::Create, CallResult::Ok, String::new(), began);
                seen.step_of(Op::Start, CallResult::Ok, String::new(), began);
                seen.ran = true;
                let was_killed = self.act(made, seen).await?;
                let label = if was_killed { "wait#2" } else { Op::Wait.name() };
                self.wait(case, made, label, seen).await?;
            }
            Err(error @ CallError::Failed(_)) => return Err(error),
            Err(refusal) => self.refused((contender, runtime), &refusal, seen, began).await,
        }
        seen.facts.extend(self.maker.told(made).await?);
        Ok(())
    }

    /// What the case does with a running container; returns whether it had to be killed in the end.
    async fn act(&self, made: &M::Made, seen: &mut Seen) -> Result<bool, CallError> {
        let mut was_killed = false;
        for act in self.maker.acts(made) {
            let began = Instant::now();
            let done = match self.unless_stopped(self.maker.act(made, act)).await {
                Ok(done) => Ok(done),
                Err(CallError::Refused(why)) if is_of_machine(&why) => return Err(CallError::Failed(why)),
                Err(CallError::Refused(why) | CallError::Declined(why)) => Err(why),
                Err(error) => return Err(error),
            };
            was_killed |= seen.did(act, done, began);
        }
        Ok(was_killed)
    }

    /// Long operations end when the run is asked to end.
    async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            done = work => done,
            _ = stop.wait_for(|stop| *stop) => Err(CallError::Failed("interrupted".to_owned())),
        }
    }

    /// Waits until the workload has ended, or its time is up; then reads what it printed.
    async fn wait(&self, case: &Case, made: &M::Made, label: &str, seen: &mut Seen) -> Result<(), CallError> {
        let began = Instant::now();
        let code = self.unless_stopped(self.maker.wait(made, limit(case))).await?;
        let result = if code.is_some() {
            CallResult::Ok
        } else {
            CallResult::Timeout
        };
        seen.step((label, Op::Wait), result, String::new(), began);
        let exit = code.map_or_else(|| "still running".into(), ocidiff_model::Value::from);
        seen.facts.push(Fact::new("process.exit", exit));
        let output = self.maker.output(made).await?;
        seen.printed("", &output);
        Ok(())
    }
}

/// A container that was asked for: without an answer, also because nobody waits for one any more, the engine may still
/// make it.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn begin(unanswered: &'a AtomicUsize) -> Self {
        unanswered.fetch_add(1, Ordering::Relaxed);
        Self(unanswered)
    }

    fn answered(self, is_answered: bool) {
        if is_answered {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// How long the case lets its workload run.
fn limit(case: &Case) -> Duration {
    let waits = case.body.steps.iter().filter(|step| step.op == Op::Wait);
    let own = waits.filter_map(|step| step.options.limit).next();
    Duration::from_secs_f64(own.unwrap_or(DEFAULT_LIMIT))
}
