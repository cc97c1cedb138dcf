//! `ocidiff check`: which workloads would behave differently under another runtime.

mod between;
mod find;
mod kubernetes;
mod root;

use std::time::SystemTime;

use ocidiff_model::check::{CheckReport, Finding, ShapeReport, Unchecked};
use ocidiff_model::{ExitStatus, IgnoreList};
use ocidiff_reports::check as reports;
use ocidiff_reports::events::{self, PartFile, Writer};

use super::check_args::CheckArgs;
use super::{ignored, output, signals};
use crate::cells::runner::{CellRunner, Recorder};
use crate::cells::threads;
use crate::check::features;
use crate::check::judge::{Move, judge, worst_first};
use crate::check::look::look;
use crate::check::read::Reader;
use crate::check::run::run;
use crate::check::shape::{RunOptions, Shape, shapes};
use crate::error::Error;
use crate::machine::root::need_root;
use crate::run::preflight;
use crate::run::suite::{self, Settings};
use crate::workload::UNCHECKED;
use crate::workload::tame::Limits;
use find::Found;

/// Finds, checks, judges, tells.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitStatus, Error> {
    if args.kubernetes {
        return output::answer(&kubernetes::manifest(args)?, ExitStatus::Ok);
    }
    need_root()?;
    if let Some(root) = &args.root {
        match root::enter(root)? {}
    }
    let events = Events::open(args)?;
    let corpus = suite::corpus(None)?;
    let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
    between::target(&args.to)?;
    let abilities = suite::abilities()?;
    let settings = Settings {
        program: suite::program()?,
        reference: None,
        jobs: 4,
        recorder: if args.run { Recorder::Auto } else { Recorder::None },
        keep_setup: false,
        repeat: 1,
        limit_scale: 1,
        control: false,
        keep_hooks: false,
    };
    let report = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let mut found = find::find(args, stop.watch()).await;
        if stop.is_asked() {
            return Err(Error::broken("interrupted"));
        }
        if found.is_empty() {
            return Err(found.nothing());
        }
        let runtimes = between::two(args.from.as_deref(), &args.to, &mut found)?;
        let mut engine = suite::runner(corpus, runtimes, &settings, &abilities, stop.watch())?;
        preflight::plain(&mut engine).await?;
        let report = all(&engine, found, args, ignore).await?;
        if stop.is_asked() {
            return Err(Error::broken("interrupted"));
        }
        Ok(report)
    })?;
    let found = if args.exit_zero {
        ExitStatus::Ok
    } else {
        report.exit_from(args.fail_on.impact())
    };
    output::answer(&tell(args, events, &report)?, found)
}

async fn all(
    engine: &CellRunner,
    found: Found,
    args: &CheckArgs,
    ignore: Option<IgnoreList>,
) -> Result<CheckReport, Error> {
    let time = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let mut unchecked: Vec<Unchecked> = found.unchecked;
    let [from, to] = [0, 1].map(|at| engine.contenders[at].id.clone());
    let step = Move { from: &from, to: &to };
    let features = features::ask(engine).await?;
    let reader = Reader {
        step,
        corpus: &engine.corpus,
        machine: &engine.machine,
        features: &features,
    };
    let options = RunOptions {
        run: args.run,
        command: args.command.clone(),
    };
    let limits = Limits {
        devices: args.with_devices,
        ..Limits::of_machine()
    };
    let (shapes, unreadable) = shapes(found.workloads, &limits, &reader, &options);
    unchecked.extend(
        unreadable
            .into_iter()
            .map(|(workload, why)| Unchecked { workload, why }),
    );
    let mut told = Vec::new();
    for shape in shapes {
        match findings(engine, &shape, step).await? {
            Ok(findings) => match is_known(report(&shape, findings, ignore.as_ref()), step) {
                Ok(report) => told.push(report),
                Err(more) => unchecked.extend(more),
            },
            Err(why) => unchecked.extend(shape.workloads.into_iter().map(|workload| Unchecked {
                workload,
                why: why.clone(),
            })),
        }
    }
    told.sort_by_key(|shape| std::cmp::Reverse(shape.worst()));
    Ok(CheckReport {
        ocidiff: env!("CARGO_PKG_VERSION").to_owned(),
        time: time.as_secs(),
        node: args
            .node
            .clone()
            .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned()),
        from,
        to,
        engines: found.engines,
        ignore,
        notes: found.notes,
        shapes: told,
        unchecked,
    })
}

/// By reading, by the probe, and by the workload's own command where that is asked for.
async fn findings(
    engine: &CellRunner,
    shape: &Shape,
    step: Move<'_>,
) -> Result<Result<Vec<Finding>, String>, Error> {
    let seen = match look(engine, shape).await? {
        Ok(seen) => seen,
        Err(why) => return Ok(Err(why)),
    };
    let mut findings = judge(&seen, step, shape, &engine.corpus);
    if let Some(own) = &shape.own {
        match run(engine, shape, own, step).await? {
            Ok(more) => findings.extend(more),
            Err(why) => return Ok(Err(format!("its own command: {why}"))),
        }
        worst_first(&mut findings);
    }
    Ok(Ok(findings))
}

/// What seems safe is not, where the verdict depends on something that was not looked at. Between two builds of the same
/// version it does not.
fn is_known(report: ShapeReport, step: Move<'_>) -> Result<ShapeReport, Vec<Unchecked>> {
    let same = step.from.name == step.to.name && step.from.version == step.to.version;
    let open: Vec<&str> = report
        .changes
        .iter()
        .filter_map(|change| change.strip_prefix(UNCHECKED))
        .collect();
    if same || open.is_empty() || !report.is_safe() {
        return Ok(report);
    }
    let why = open.join("; ");
    let each = report.workloads.into_iter().map(|workload| Unchecked {
        workload,
        why: why.clone(),
    });
    Err(each.collect())
}

fn report(shape: &Shape, mut findings: Vec<Finding>, ignore: Option<&IgnoreList>) -> ShapeReport {
    for finding in &mut findings {
        // Where nobody says by runtime what accounts for it, its finding alone does.
        let covered = |list: &&IgnoreList| finding.accounts.is_empty() || list.covers(&finding.accounts);
        let list = ignore.filter(covered);
        finding.ignored = list.and_then(|list| list.holding(finding.id.as_ref()?)).cloned();
    }
    ShapeReport {
        digest: shape.digest.clone(),
        workloads: shape.workloads.clone(),
        changes: shape.tamed.changes.clone(),
        findings,
    }
}

/// The report, or the events in its place; these go to their file first.
fn tell(args: &CheckArgs, events: Events, report: &CheckReport) -> Result<String, Error> {
    let failed = |error: String| Error::broken(format!("failed to {error}"));
    match events {
        Events::None => {}
        Events::Stdout => {
            return events::lines_of(&report.events()).map_err(|error| failed(error.to_string()));
        }
        Events::File(writer) => write(*writer, report).map_err(|error| failed(error.to_string()))?,
    }
    reports::render(args.format.format(), report, &output::style()).map_err(|error| failed(error.to_string()))
}

/// Where the events go.
enum Events {
    None,
    Stdout,
    File(Box<Writer<PartFile>>),
}

impl Events {
    /// Opened before anything is checked: a file that cannot be written is told at once.
    fn open(args: &CheckArgs) -> Result<Self, Error> {
        match &args.out {
            None => Ok(Self::None),
            Some(path) if path.as_os_str() == "-" => Ok(Self::Stdout),
            Some(path) => Writer::create(path)
                .map(|writer| Self::File(Box::new(writer)))
                .map_err(|error| Error::usage(format!("failed to write {error}"))),
        }
    }
}

fn write(mut writer: Writer<PartFile>, report: &CheckReport) -> Result<(), events::Error> {
    for event in report.events() {
        writer.write(&event)?;
    }
    writer.finish()
}
