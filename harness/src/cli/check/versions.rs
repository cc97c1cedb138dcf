//! `--all-versions`: to which versions of the target is the move safe?

use ocidiff_model::RuntimeId;
use ocidiff_model::check::{CheckEvent, NodeCheck, VersionReport};
use ocidiff_runtimes::{Origin, Runtime};

use super::between::Plan;
use super::moving::{Checker, Tell};
use crate::cells::participants::{contenders, id};
use crate::cells::runner::CellRunner;
use crate::error::Error;
use crate::run::{preflight, suite};

/// Compares every workload with each version of the target that is installed, the oldest first.
pub(super) async fn check(
    runner: &mut CellRunner,
    checker: &Checker<'_>,
    plan: &Plan,
    tell: &mut Tell<'_>,
) -> Result<(), Error> {
    for runtime in each(&plan.to)? {
        if checker.stop.is_asked() {
            break;
        }
        tell(CheckEvent::VersionChecked(Box::new(
            one(runner, checker, plan, runtime).await?,
        )))?;
    }
    Ok(())
}

/// Each version once; of two builds the target itself, otherwise the one on PATH.
fn each(target: &Runtime) -> Result<Vec<Runtime>, Error> {
    let mut all = vec![target.clone()];
    let mut others = suite::versions_of(target.name())?;
    others.sort_by_key(|one| one.origin != Origin::Path);
    for one in others {
        if all.iter().all(|there| there.version != one.version) {
            all.push(one);
        }
    }
    all.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(all)
}

async fn one(
    runner: &mut CellRunner,
    checker: &Checker<'_>,
    plan: &Plan,
    runtime: Runtime,
) -> Result<VersionReport, Error> {
    let id = id(&runtime, runtime.label());
    let mut report = VersionReport {
        runtime: id.clone(),
        safe: 0,
        at_risk: Vec::new(),
        worst: None,
        unchecked: Vec::new(),
        why_not: None,
    };
    for (from, workloads) in &plan.groups {
        if (from.name(), &from.version) == (runtime.name(), &runtime.version) {
            report.safe += workloads.iter().filter(|mine| !mine.pause).count();
            continue;
        }
        runner.contenders = contenders(vec![from.clone(), runtime.clone()], None).map_err(Error::usage)?;
        if let Err(error) = preflight::plain(runner).await {
            report.why_not = Some(error.to_string());
            return Ok(report);
        }
        let mut check = NodeCheck::new(empty(&id));
        let mut take = |event: CheckEvent| {
            let _ = check.take(event);
            Ok(())
        };
        checker.check(runner, workloads, &mut take).await?;
        report.add(check.report);
    }
    Ok(report)
}

/// An empty report.
fn empty(id: &RuntimeId) -> ocidiff_model::check::CheckReport {
    ocidiff_model::check::CheckReport::new(id.clone(), id.clone())
}
