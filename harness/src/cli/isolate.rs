//! `ocidiff run --isolate vm`: the same command in a virtual machine, whose events are reported here.

use std::path::{Path, PathBuf};

use ocidiff_model::{CgroupVersion, Event, ExitStatus};
use ocidiff_reports::safe;
use ocidiff_runtimes::kernels::Kernel;
use ocidiff_runtimes::{Origin, Runtime, Store};

use super::args::RunArgs;
use super::isolate_args::CgroupArg;
use super::teller::Teller;
use super::{ignored, output, signals};
use crate::bundle::Builder;
use crate::corpus::{Corpus, Entry, files};
use crate::error::Error;
use crate::machine::root;
use crate::run::{plan, suite};
use crate::vm::{self, Ended, Job, VmError};

/// The factor by which an emulated machine is slower: steps get at least this much more time.
const SLOWER: u16 = 20;
/// Containers at a time, if it is not specified: more would only wait for the single processor.
pub(super) const JOBS: u16 = 2;

/// Runs the cases, or the bundle, in a machine.
pub(super) fn run(args: &RunArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let entries = match &args.bundle {
        Some(_) => Vec::new(),
        None => plan::select(&corpus.entries, &args.patterns).map_err(Error::usage)?,
    };
    let ignore = ignored::read(args.ignore.as_deref(), &corpus.findings)?;
    root::need_root()?;
    let store = suite::store()?;
    let kernel =
        Kernel::find(&store, args.isolate.kernel.as_deref()).map_err(|error| VmError::from(error).told())?;
    let runtimes = suite::runtimes(&args.with.runtimes, &store)?;
    suite::need_two(&runtimes)?;
    prepare(&entries, &corpus, &store)?;
    let folder = std::env::current_dir()
        .map_err(|error| Error::broken(format!("failed to find the current folder: {error}")))?;
    let program = suite::program()?;
    let job = Job {
        program: &program,
        words: words(args, &runtimes)?,
        folder: &folder,
        runtimes: &runtimes,
        files: files_of(args)?,
        cgroup: match args.isolate.cgroup {
            CgroupArg::V1 => CgroupVersion::V1,
            CgroupArg::V2 => CgroupVersion::V2,
        },
        cpus: args.isolate.cpus,
        kvm: args.isolate.kvm,
    };
    let mut teller = Teller::new(args, entries.len().max(1), ignore)?;
    let stop = signals::stop();
    let ended = vm::run(&kernel, &store, &job, &stop.stop, |event: Event| {
        teller.relay(event)
    })?;
    if let (true, Some(boot)) = (args.with.verbose, ended.boot) {
        output::complain(&format!("the first event came after {:.1} s", boot.as_secs_f64()));
    }
    finish(teller, &ended, &kernel, stop.stop.is_asked())
}

/// A machine that died says nothing about the case that it was running.
fn finish(teller: Teller, ended: &Ended, kernel: &Kernel, stopped: bool) -> Result<ExitStatus, Error> {
    match ended.exit {
        Some(exit) if teller.is_told() => teller.close(exit),
        _ => {
            let why = if stopped {
                "was stopped"
            } else {
                "went off before its end"
            };
            output::complain(&format!(
                "the virtual machine {why} (kernel {}); the last that it said:\n{}",
                safe(&kernel.release),
                ended.said.trim_end()
            ));
            if teller.is_begun() {
                teller.close(ExitStatus::Broken)
            } else {
                Ok(ended.exit.filter(|_| !stopped).unwrap_or(ExitStatus::Broken))
            }
        }
    }
}

/// Root file systems of recipes are made here: the machine has neither a network nor dpkg.
fn prepare(entries: &[&Entry], corpus: &Corpus, store: &Store) -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(Error::broken)?;
    let builder = Builder::new(folder.path(), store.clone());
    for entry in entries {
        builder
            .prepare(&entry.case, corpus)
            .map_err(|error| Error::broken(error.to_string()))?;
    }
    Ok(())
}

/// What was typed, except for what is ours.
fn words(args: &RunArgs, runtimes: &[Runtime]) -> Result<Vec<String>, Error> {
    let mut with = args.with.clone();
    with.limit_scale = with.limit_scale.max(if args.isolate.kvm { 1 } else { SLOWER });
    with.runtimes = named(&args.with.runtimes, runtimes);
    let mut words = vec!["run".to_owned()];
    words.extend(with.again());
    let jobs = args.with.jobs.unwrap_or(JOBS);
    words.extend(["--jobs".to_owned(), jobs.to_string()]);
    for (name, given) in [
        ("--hooks", args.hooks),
        ("--show-env", args.show_env),
        ("--strict", args.strict),
        ("--fail-fast", args.fail_fast),
    ] {
        if given {
            words.push(name.to_owned());
        }
    }
    if args.repeat > 1 {
        words.extend(["--repeat".to_owned(), args.repeat.to_string()]);
    }
    if let Some(limit) = args.limit {
        words.extend(["--limit".to_owned(), limit.to_string()]);
    }
    for (name, path) in [("--bundle", &args.bundle), ("--ignore", &args.ignore)] {
        if let Some(path) = path {
            words.extend([name.to_owned(), real(path)?.display().to_string()]);
        }
    }
    words.push("--".to_owned());
    words.extend(args.patterns.iter().cloned());
    Ok(words)
}

/// The runtimes as they were typed; the default set by name, so that the machine takes the same.
fn named(typed: &[String], runtimes: &[Runtime]) -> Vec<String> {
    if !typed.is_empty() {
        return typed.to_vec();
    }
    runtimes
        .iter()
        .map(|runtime| match runtime.origin {
            Origin::Store(_) => runtime.label(),
            _ => runtime.name().to_owned(),
        })
        .collect()
}

/// Files that the machine needs under their own names, besides the runtimes.
fn files_of(args: &RunArgs) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    if let Some(checkout) = files::checkout() {
        found.extend([checkout.join("cases"), checkout.join("runtimes")]);
    }
    for path in [&args.with.cases, &args.bundle, &args.ignore]
        .into_iter()
        .flatten()
    {
        found.push(real(path)?);
    }
    Ok(found)
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|error| {
        let path = safe(&path.to_string_lossy());
        Error::usage(format!("failed to find {path}: {error}"))
    })
}
