//! Compares workloads under the runtime that they run under with another one.

use futures_util::stream::{self, StreamExt};
use ocidiff_model::check::{CheckEvent, Finding, NodeEngine, ShapeReport, Unchecked};
use ocidiff_model::{IgnoreList, RuntimeId};

use super::baseline::Earlier;
use super::find::Mine;
use super::remedies::{Cures, stay_in_place};
use crate::cells::runner::CellRunner;
use crate::check::features;
use crate::check::from_to::Move;
use crate::check::judge::{judge, worst_first};
use crate::check::look::{look, wavering};
use crate::check::read::Reader;
use crate::check::run::run;
use crate::check::shape::{RunOptions, Shape, shapes};
use crate::error::Error;
use crate::run::stop::Stop;
use crate::workload::UNCHECKED;
use crate::workload::Workload;
use crate::workload::tame::Limits;

/// How many shapes are examined at a time.
const AT_ONCE: usize = 2;

/// What is said about a workload if a signal came before it.
const INTERRUPTED: &str = "the check was interrupted before it came to this one";

/// How workloads are checked.
#[derive(Clone, Copy)]
pub(super) struct Checker<'a> {
    pub(super) limits: &'a Limits,
    pub(super) options: &'a RunOptions,
    pub(super) ignore: Option<&'a IgnoreList>,
    pub(super) earlier: Option<&'a Earlier>,
    pub(super) engines: &'a [NodeEngine],
    pub(super) cures: &'a Cures,
    pub(super) stop: &'a Stop,
}

/// Receives what is found, as it comes.
pub(super) type Tell<'t> = dyn FnMut(CheckEvent) -> Result<(), Error> + 't;

impl Checker<'_> {
    /// Checks workloads from the runner's first runtime to its second.
    pub(super) async fn check(
        &self,
        runner: &CellRunner,
        all: &[Mine],
        tell: &mut Tell<'_>,
    ) -> Result<(), Error> {
        let (pauses, workloads): (Vec<&Mine>, Vec<&Mine>) = all.iter().partition(|mine| mine.pause);
        self.shapes(runner, &workloads, tell).await?;
        // Nothing runs in a pod's own container: what matters is whether it starts, since no pod starts without it.
        let mut only_starts = |event: CheckEvent| match event {
            CheckEvent::ShapeChecked(mut shape) => {
                shape.findings.retain(|one| one.is_failure() && one.is_risk());
                if shape.findings.is_empty() {
                    return Ok(());
                }
                tell(CheckEvent::ShapeChecked(shape))
            }
            _ => Ok(()),
        };
        self.shapes(runner, &pauses, &mut only_starts).await
    }

    async fn shapes(&self, runner: &CellRunner, all: &[&Mine], tell: &mut Tell<'_>) -> Result<(), Error> {
        if all.is_empty() {
            return Ok(());
        }
        let [now, then] = [0, 1].map(|at| &runner.contenders[at].id);
        let step = Move { from: now, to: then };
        let features = features::ask(runner).await?;
        let reader = Reader {
            step,
            corpus: &runner.corpus,
            machine: &runner.machine,
            features: &features,
        };
        let workloads: Vec<Workload> = all.iter().map(|mine| mine.workload.clone()).collect();
        let (shapes, unreadable) = shapes(workloads, self.limits, &reader, self.options);
        for (workload, why) in unreadable {
            self.unchecked(vec![workload], &why, tell)?;
        }
        let looks = shapes.iter().map(|shape| async move {
            if self.stop.is_asked() {
                return (shape, Ok(Err(INTERRUPTED.to_owned())));
            }
            let theirs: Vec<&Mine> = all
                .iter()
                .filter(|mine| shape.workloads.contains(&mine.workload.name))
                .copied()
                .collect();
            (shape, self.look(runner, shape, step, &theirs).await)
        });
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        while let Some((shape, found)) = looks.next().await {
            // What is under way then fails for that reason, whatever it reports.
            let found = if self.stop.is_asked() {
                Err(INTERRUPTED.to_owned())
            } else {
                found?
            };
            match found {
                Ok(mut looked) => {
                    let unstarted = looked.unstarted.take();
                    self.shape(self.report(shape, looked, step.from), unstarted, step, tell)?;
                }
                Err(why) => self.unchecked(shape.workloads.clone(), &why, tell)?,
            }
        }
        Ok(())
    }

    async fn look(
        &self,
        runner: &CellRunner,
        shape: &Shape,
        step: Move<'_>,
        theirs: &[&Mine],
    ) -> Result<Result<Looked, String>, Error> {
        let mut looked = findings(runner, shape, step).await?;
        if let Ok(looked) = &mut looked {
            let engine = theirs.first().and_then(|mine| mine.engine.as_ref());
            let engine = self.engines.iter().find(|one| Some(&one.name) == engine);
            let config = &shape.tamed.config;
            self.cures
                .try_out(runner, &mut looked.findings, config, engine)
                .await?;
            if let Some(handler) = theirs.iter().find_map(|mine| mine.handler.as_deref()) {
                stay_in_place(&mut looked.findings, handler);
            }
        }
        Ok(looked)
    }

    fn report(&self, shape: &Shape, looked: Looked, from: &RuntimeId) -> ShapeReport {
        let Looked {
            mut findings,
            without,
            unstarted: _,
        } = looked;
        ignore(&mut findings, self.ignore);
        ShapeReport {
            digest: shape.digest.clone(),
            workloads: shape.workloads.clone(),
            from: Some(from.clone()),
            changes: shape.tamed.changes.iter().cloned().chain(without).collect(),
            findings,
        }
    }

    fn shape(
        &self,
        report: ShapeReport,
        unstarted: Option<String>,
        step: Move<'_>,
        tell: &mut Tell<'_>,
    ) -> Result<(), Error> {
        let unstarted = unstarted.filter(|_| report.is_safe());
        if let Some(why) = unstarted.or_else(|| open(&report, step)) {
            return self.unchecked(report.workloads, &why, tell);
        }
        let parts = match self.earlier {
            Some(earlier) => earlier.split(report),
            None => vec![report],
        };
        parts
            .into_iter()
            .try_for_each(|part| tell(CheckEvent::ShapeChecked(Box::new(part))))
    }

    fn unchecked(&self, workloads: Vec<String>, why: &str, tell: &mut Tell<'_>) -> Result<(), Error> {
        workloads.into_iter().try_for_each(|workload| {
            let one = Unchecked {
                workload,
                why: why.to_owned(),
                before: false,
                uncounted: false,
            };
            let one = match self.earlier {
                Some(earlier) => earlier.mark(one),
                None => one,
            };
            tell(CheckEvent::WorkloadUnchecked(one))
        })
    }
}

/// Marks what should not be counted.
pub(super) fn ignore(findings: &mut [Finding], list: Option<&IgnoreList>) {
    for finding in findings {
        // If nothing says by runtime what accounts for it, its finding alone does.
        let covered = |list: &&IgnoreList| finding.accounts.is_empty() || list.covers(&finding.accounts);
        let list = list.filter(covered);
        finding.ignored = list.and_then(|list| list.holding(finding.id.as_ref()?)).cloned();
    }
}

/// What was found for a shape, and what was not seen.
struct Looked {
    findings: Vec<Finding>,
    without: Vec<String>,
    /// Why nothing was compared: what is known of its config can still be a risk, but it is not safe.
    unstarted: Option<String>,
}

/// By reading, by the probe, and by the workload's own command if that is asked for; the inner error says why it
/// cannot be done.
async fn findings(
    runner: &CellRunner,
    shape: &Shape,
    step: Move<'_>,
) -> Result<Result<Looked, String>, Error> {
    let seen = match look(runner, shape).await? {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let mut findings = judge(&seen, step, shape, &runner.corpus);
    let unsteady = seen.unsteady.iter().map(String::as_str);
    let mut without: Vec<String> = wavering("the probe", unsteady).into_iter().collect();
    if let Some(own) = shape.own.as_ref().filter(|_| seen.unstarted.is_none()) {
        match run(runner, shape, own, step).await? {
            Ok(ran) => {
                findings.extend(ran.findings);
                without.extend(ran.without);
            }
            Err(why) => return Ok(Err(format!("its own command: {why}"))),
        }
        worst_first(&mut findings);
    }
    Ok(Ok(Looked {
        findings,
        without,
        unstarted: seen.unstarted,
    }))
}

/// What seems safe is not, if the verdict depends on something that was not examined. Between two builds of the same
/// version it does not.
fn open(report: &ShapeReport, step: Move<'_>) -> Option<String> {
    let same = step.from.name == step.to.name && step.from.version == step.to.version;
    let open: Vec<&str> = report
        .changes
        .iter()
        .filter_map(|change| change.strip_prefix(UNCHECKED))
        .collect();
    (!same && !open.is_empty() && report.is_safe()).then(|| open.join("; "))
}
