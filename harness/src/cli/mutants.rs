//! `ocidiff mutants`: real runtimes with one fault each, and which of them the cases catch.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use ocidiff_model::ExitStatus;
use ocidiff_model::pattern::glob;
use ocidiff_reports::mutants::{Outcome, Report, closing, exit, json, lines};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::args::WithArgs;
use super::{output, signals};
use crate::cells::threads;
use crate::corpus::files;
use crate::corpus::folder;
use crate::corpus::source::Sources;
use crate::error::Error;
use crate::machine::root;
use crate::mutants::{Mutant, Names, load};
use crate::run::mutants::{Bench, Mode};
use crate::run::preflight;
use crate::run::stop::Stop;
use crate::run::suite;

const ABOUT: &str = "Each mutant is a real runtime with one fault: a rule in runtimes/mutants/*.yaml edits what the runtime \
reads, or changes, drops or answers its calls, through a wrapper in the cell. It is compared with the real runtime in the \
cases whose requirement or topic it breaks, until a case catches it by an expectation with the clause; with --all-alike \
every runtime has the fault, and only an expectation can catch it. All mutants take a few minutes; \
--whole takes several times as long if little is caught.

Exit status: 0 all are caught; 1 some are not caught, or one is caught although its data says that no case can catch it; 2 wrong \
use, or an error in a mutant; 3 a mutant's cases are broken or its rule cannot be carried out, every mutant was skipped, or the \
run was interrupted.";

#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct MutantsArgs {
    /// Mutants: a name, a file of mutants (such as hooks), or a pattern with `*`; all if none is given
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    #[command(flatten)]
    with: WithArgs,
    /// Try every case, not only those whose requirement or topic the mutant breaks
    #[arg(long)]
    whole: bool,
    /// Give the fault to every runtime, so that only an expectation can catch it
    #[arg(long)]
    all_alike: bool,
    /// Also fail if no expectation with the clause catches a mutant
    #[arg(long)]
    strict: bool,
    /// Use the mutants in this file or folder instead of the checkout's or the built-in ones
    #[arg(long, value_name = "PATH")]
    mutants: Option<PathBuf>,
    /// List the mutants and run nothing
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "list")]
    json: bool,
}

/// Runs the mutants and reports which were caught.
pub(crate) fn mutants(args: &MutantsArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let manifests = suite::manifests()?;
    let names = Names {
        corpus: &corpus,
        manifests: &manifests,
    };
    let all = load(&sources(args.mutants.as_deref())?, &names).map_err(Error::usage)?;
    let mutants = chosen(all, &args.patterns)?;
    if args.list {
        let line = |mutant: &Mutant| {
            format!(
                "{:<44}  {}\n",
                mutant.name,
                ocidiff_reports::safe(&mutant.summary)
            )
        };
        let text: String = mutants.iter().map(line).collect();
        return output::answer(&text, ExitStatus::Ok);
    }
    root::need_root()?;
    let runtimes = suite::runtimes(&args.with.runtimes, &suite::store()?)?;
    let mode = Mode {
        whole: args.whole,
        all_alike: args.all_alike,
    };
    let started = Instant::now();
    let (mut reports, interrupted) = threads::tokio()?.block_on(async {
        let signalled = signals::stop();
        let stop = &signalled.stop;
        let abilities = suite::abilities()?;
        let mut runner = suite::runner(corpus, runtimes, &args.with.settings()?, &abilities, stop.watch())?;
        let left_out = preflight::plain(&mut runner).await?;
        left_out.iter().for_each(|sentence| output::complain(sentence));
        let bench = Bench::new(runner, abilities, mode);
        let reports = run_all(bench, mutants, args.with.jobs(), stop).await?;
        Ok::<_, Error>((reports, stop.is_asked()))
    })?;
    reports.sort_by(|a, b| a.mutant.cmp(&b.mutant));
    let seconds = started.elapsed().as_secs_f64();
    let text = if args.json {
        json(&reports, seconds).map_err(Error::broken)?
    } else {
        lines(&reports, &output::style()) + "\n" + &closing(&reports, seconds)
    };
    let found = if interrupted {
        output::complain("interrupted: what was not tried yet is not reported");
        ExitStatus::Broken
    } else {
        if reports
            .iter()
            .all(|report| matches!(report.outcome, Outcome::Skipped(_)))
        {
            output::complain("nothing was tried: every mutant was skipped");
        }
        exit(&reports, args.strict)
    };
    output::answer(&text, found)
}

/// A few mutants at a time, each with one case at a time.
async fn run_all(
    bench: Bench,
    mutants: Vec<Mutant>,
    width: usize,
    stop: &Stop,
) -> Result<Vec<Report>, Error> {
    let (bench, places) = (Arc::new(bench), Arc::new(Semaphore::new(width)));
    let planned = mutants.len();
    let mut running = JoinSet::new();
    for mutant in mutants {
        let (bench, places, stop) = (Arc::clone(&bench), Arc::clone(&places), stop.clone());
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            if stop.is_asked() {
                return None;
            }
            let report = bench.run(&Arc::new(mutant)).await;
            (!stop.is_asked()).then_some(report)
        });
    }
    let mut reports = Vec::new();
    while let Some(joined) = running.join_next().await {
        if let Some(report) =
            joined.map_err(|error| Error::broken(format!("a mutant's task died: {error}")))?
        {
            reports.push(report);
            let last = &reports[reports.len() - 1..];
            let line = lines(last, &ocidiff_reports::Style::default());
            output::progress(&format!("[{}/{planned}] {}", reports.len(), line.trim_end()));
        }
    }
    Ok(reports)
}

/// The program's own mutants, or those of a file or folder.
fn sources(path: Option<&Path>) -> Result<Sources, Error> {
    let failed = |error: std::io::Error| Error::usage(format!("failed to read the mutants: {error}"));
    let Some(path) = path else {
        let mut own = files::standard("runtimes").map_err(failed)?;
        own.retain(|name, _| name.starts_with("mutants/"));
        return Ok(own);
    };
    if path.is_dir() {
        return folder::read(path).map_err(failed);
    }
    folder::read_one(path).map_err(failed)
}

/// Those that the patterns name; all if there are no patterns.
fn chosen(mutants: Vec<Mutant>, patterns: &[String]) -> Result<Vec<Mutant>, Error> {
    let fits = |pattern: &str, name: &str| {
        name == pattern
            || name.split('/').next() == Some(pattern.trim_end_matches('/'))
            || (pattern.contains('*') && glob(pattern, name))
    };
    for pattern in patterns {
        if !mutants.iter().any(|mutant| fits(pattern, &mutant.name)) {
            return Err(Error::usage(format!(
                "no mutant is named `{}`; `ocidiff mutants --list` shows them all",
                ocidiff_reports::safe_to(pattern, 80)
            )));
        }
    }
    if mutants.is_empty() {
        return Err(Error::usage("there are no mutants"));
    }
    let mut chosen = mutants;
    chosen.retain(|mutant| patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, &mutant.name)));
    Ok(chosen)
}
