//! `ocidiff check`: which workloads would behave differently under another runtime.

mod baseline;
mod between;
mod events;
mod find;
mod kubernetes;
mod moving;
mod programs;
mod reading;
mod remedies;
mod root;
mod target;
mod versions;

use std::time::SystemTime;

use ocidiff_model::check::{CheckEvent, CheckReport, NodeCheck, SetAside};
use ocidiff_model::{ExitStatus, IgnoreList};
use ocidiff_reports::draw;

use super::check_args::CheckArgs;
use super::{ignored, output, signals};
use crate::cells::participants::{Contender, contenders};
use crate::cells::runner::{CellRunner, Recorder};
use crate::cells::threads;
use crate::check::shape::RunOptions;
use crate::error::Error;
use crate::machine::root::need_root;
use crate::run::preflight;
use crate::run::stop::Stop;
use crate::run::suite::{self, Settings};
use crate::workload::tame::Limits;
use baseline::Earlier;
use between::Plan;
use events::Events;
use find::{Files, Found};
use moving::Checker;
use remedies::Cures;

/// Finds, checks, judges, reports.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitStatus, Error> {
    if args.kubernetes {
        return output::answer(&kubernetes::manifest(args)?, ExitStatus::Ok);
    }
    if !args.only_read {
        need_root()?;
    }
    if let Some(root) = &args.root {
        match root::enter(root)? {}
    }
    let corpus = suite::corpus(None)?;
    let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
    let earlier = args
        .baseline
        .as_ref()
        .map(|file| baseline::read(file, &node(args)))
        .transpose()?;
    let mut events = Events::open(args)?;
    if args.only_read {
        let (report, exit) = reading::check(args, &corpus, ignore.as_ref(), &mut events)?;
        return tell(args, events, &report, exit);
    }
    let unknown = target::check(&args.to)?;
    let unknown = match unknown {
        Some(error) if !find::asks_engines(args) => return Err(error),
        unknown => unknown,
    };
    find::bundles_are_there(args)?;
    let abilities = suite::abilities()?;
    let settings = settings(args)?;
    let (report, exit) = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let mut found = find::find(args, Files::Needed, stop.watch()).await;
        if stop.is_asked() {
            return Err(Error::broken("interrupted"));
        }
        if let Some(error) = unknown.filter(|_| found.engines.is_empty()) {
            return Err(found.unknown(error));
        }
        if found.is_empty() {
            return Err(found.nothing());
        }
        let plan = between::plan(args.from.as_deref(), &args.to, &mut found)?;
        let two = vec![plan.groups[0].0.clone(), plan.to.clone()];
        let mut runner = suite::runner(corpus, two, &settings, &abilities, stop.watch())?;
        let made = Made {
            args,
            ignore,
            earlier,
            stop,
        };
        made.check(&mut runner, plan, found, &mut events).await
    })?;
    tell(args, events, &report, exit)
}

/// Prints the report, unless the events are printed instead.
fn tell(
    args: &CheckArgs,
    events: Events,
    report: &CheckReport,
    exit: ExitStatus,
) -> Result<ExitStatus, Error> {
    let text = match events.end()? {
        true => String::new(),
        false => draw::check(args.format.format(), report, &output::style())
            .map_err(|error| Error::broken(format!("failed to {error}")))?,
    };
    output::answer(&text, exit)
}

fn settings(args: &CheckArgs) -> Result<Settings, Error> {
    Ok(Settings {
        program: suite::program()?,
        reference: None,
        jobs: 4,
        recorder: if args.run { Recorder::Auto } else { Recorder::None },
        keep_setup: false,
        repeat: 1,
        limit_scale: 1,
        control: false,
        keep_hooks: false,
    })
}

/// The name of the node.
fn node(args: &CheckArgs) -> String {
    args.node
        .clone()
        .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// What a check is made from, besides the workloads.
struct Made<'a> {
    args: &'a CheckArgs,
    ignore: Option<IgnoreList>,
    earlier: Option<Earlier>,
    stop: &'a Stop,
}

impl Made<'_> {
    /// Every move, reported as it goes; then the versions, if they are asked for.
    async fn check(
        &self,
        runner: &mut CellRunner,
        plan: Plan,
        found: Found,
        events: &mut Events,
    ) -> Result<(CheckReport, ExitStatus), Error> {
        let froms = plan.groups.iter().map(|(from, _)| from.clone());
        let all = contenders(froms.chain([plan.to.clone()]).collect(), None).map_err(Error::usage)?;
        let Some((to, froms)) = all.split_last() else {
            return Err(Error::usage("--from and --to must be two runtimes"));
        };
        let head = self.head(&found, &plan, [&froms[0], to]);
        let mut check = NodeCheck::new(head.clone());
        events.write(&CheckEvent::CheckStarted(Box::new(head)))?;
        let mut tell = |event: CheckEvent| {
            events.write(&event)?;
            // Only the first and the last have no place in a report.
            let _ = check.take(event);
            Ok(())
        };
        for one in found.unchecked {
            let one = self
                .earlier
                .as_ref()
                .map_or(one.clone(), |earlier| earlier.mark(one));
            tell(CheckEvent::WorkloadUnchecked(one))?;
        }
        let (head_engines, cures) = (found.engines, Cures::default());
        let options = RunOptions {
            run: self.args.run,
            command: self.args.command.clone(),
        };
        let limits = Limits {
            devices: self.args.with_devices,
            ..Limits::of_machine()
        };
        let checker = Checker {
            limits: &limits,
            options: &options,
            ignore: self.ignore.as_ref(),
            earlier: self.earlier.as_ref(),
            engines: &head_engines,
            cures: &cures,
            stop: self.stop,
        };
        for (from, (_, workloads)) in froms.iter().zip(&plan.groups) {
            runner.contenders = pair(from, to);
            preflight::plain(runner).await?;
            checker.check(runner, workloads, &mut tell).await?;
        }
        if self.args.all_versions {
            let checker = Checker {
                earlier: None,
                ..checker
            };
            versions::check(runner, &checker, &plan, &mut tell).await?;
        }
        let exit = if self.stop.is_asked() {
            ExitStatus::Broken
        } else if self.args.exit_zero {
            ExitStatus::Ok
        } else {
            check.report.exit_from(self.args.fail_on.impact())
        };
        let told = if self.stop.is_asked() {
            exit
        } else {
            check.report.exit()
        };
        events.write(&CheckEvent::CheckFinished { exit: told })?;
        Ok((check.report, exit))
    }

    fn head(&self, found: &Found, plan: &Plan, [from, to]: [&Contender; 2]) -> CheckReport {
        let time = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        CheckReport {
            ocidiff: env!("CARGO_PKG_VERSION").to_owned(),
            time: time.as_secs(),
            node: node(self.args),
            from: from.id.clone(),
            to: to.id.clone(),
            target: plan.target.clone(),
            engines: found.engines.clone(),
            ignore: self.ignore.clone(),
            notes: found.notes.clone(),
            set_aside: set_aside(found, plan),
            baseline: self.earlier.as_ref().map(|earlier| earlier.told.clone()),
            versions: Vec::new(),
            shapes: Vec::new(),
            unchecked: Vec::new(),
        }
    }
}

/// The two runtimes of a move.
fn pair(from: &Contender, to: &Contender) -> Vec<Contender> {
    let [mut from, mut to] = [from, to].map(Clone::clone);
    (from.reference, to.reference) = (true, false);
    vec![from, to]
}

/// Workloads that have nowhere to move, and containers that are not workloads.
fn set_aside(found: &Found, plan: &Plan) -> Vec<SetAside> {
    let all = plan.groups.iter().flat_map(|(_, all)| all);
    let pauses: Vec<String> = all
        .filter(|mine| mine.pause)
        .map(|mine| mine.workload.name.clone())
        .collect();
    let pauses = (!pauses.is_empty()).then(|| SetAside {
        why: "pause containers, of which only the start is checked".to_owned(),
        workloads: pauses,
    });
    found.set_aside.iter().cloned().chain(pauses).collect()
}
