//! `ocidiff matrix`: plans, runs and joins runs of many runtimes under many kernels.

mod cell;
mod merge;
mod run;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ocidiff_confine::{raised, read_text};
use ocidiff_model::ExitStatus;
use ocidiff_reports::safe;
use ocidiff_runtimes::Runtime;
use ocidiff_runtimes::kernels::{Kernel, Offered};

use super::args::default_jobs;
use super::isolate::JOBS;
use super::output;
use crate::corpus::files;
use crate::error::Error;
use crate::matrix::{MatrixError, MatrixFile, Names, Plan, Shard, Times, ci, plan};
use crate::run::{plan as select, suite};

/// Larger than any matrix.
const MOST_BYTES: u64 = 1 << 20;
/// Parts of a plan for a CI service, if not specified.
const PARTS: usize = 4;

#[derive(Debug, Args)]
pub(crate) struct MatrixArgs {
    #[command(subcommand)]
    command: MatrixCommand,
}

#[derive(Debug, Subcommand)]
enum MatrixCommand {
    /// Print what a plan runs, and how long it takes
    Plan(PlanArgs),
    /// Run a plan, one cell after the other; exits with 1 if something is new, and with 3 if a cell died
    Run(MatrixRunArgs),
    /// Join the folders of several parts into one file of events per cell, which `report` and `trend` take
    Merge(MergeArgs),
}

/// Which part of which matrix.
#[derive(Debug, Clone, Args)]
struct OfArgs {
    /// The plan's name in the matrix
    #[arg(value_name = "PLAN", default_value = "quick")]
    plan: String,
    /// The matrix; the default is the checkout's runtimes/matrix.yaml, or the built-in one
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Use the cases in this folder instead of the checkout's or the built-in ones
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Only these cases: a name, a topic, or a pattern with `*`; repeatable; the default is all
    #[arg(long = "case", value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Only part K of N, cut so that all parts take about the same time
    #[arg(long, value_name = "K/N", value_parser = |text: &str| text.parse::<Shard>())]
    shard: Option<Shard>,
    /// The folder of an earlier matrix, whose times are used to cut the parts and to predict the end
    #[arg(long, value_name = "DIR")]
    times: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PlanArgs {
    #[command(flatten)]
    of: OfArgs,
    /// The format of the plan
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: PlanFormat,
    /// The number of parts, for github and kubernetes
    #[arg(long, value_name = "N", default_value_t = PARTS, value_parser = parts)]
    parts: usize,
    /// The image of the Indexed Job, for kubernetes
    #[arg(long, value_name = "IMAGE", default_value = "ocidiff:latest")]
    image: String,
    /// Also print each case that depends on the machine, and why
    #[arg(long)]
    why: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// One line per cell
    Text,
    /// Everything
    Json,
    /// A matrix for GitHub Actions
    Github,
    /// An Indexed Job
    Kubernetes,
}

#[derive(Debug, Args)]
struct MatrixRunArgs {
    #[command(flatten)]
    of: OfArgs,
    /// The folder for the results, with one folder per cell
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Continue a matrix that was stopped: no case that has a result is run again
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Folders that `matrix run` wrote
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// The folder for the joined events
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl OfArgs {
    /// What a part of the plan has to be given, so that it is a part of this very plan.
    fn handed_on(&self) -> Vec<String> {
        let path = |name: &str, path: &Option<PathBuf>| {
            let path = path.as_ref().map(|path| path.to_string_lossy().into_owned());
            path.map(|path| [name.to_owned(), path])
        };
        let paths = [path("--file", &self.file), path("--cases", &self.cases)];
        let patterns = self.patterns.iter();
        let patterns = patterns.map(|pattern| ["--case".to_owned(), pattern.clone()]);
        paths.into_iter().flatten().chain(patterns).flatten().collect()
    }

    /// A pod reads what its image has: a path of this machine's working directory means nothing there.
    fn is_in_an_image(&self) -> Result<(), Error> {
        let paths = [("--file", &self.file), ("--cases", &self.cases)];
        for (name, path) in paths {
            if let Some(path) = path.as_ref().filter(|path| path.is_relative()) {
                return Err(Error::usage(format!(
                    "failed to plan a Job with {name} {0}: a pod reads what its image has; put it into the image, and \
                     give its absolute path there, such as {name} /matrix/{0}",
                    safe(&path.to_string_lossy())
                )));
            }
        }
        Ok(())
    }
}

/// A line for each runtime of the plan that is not installed and that no registry file lists.
fn absent(matrix: &MatrixFile, plan: &str) -> Result<Vec<String>, Error> {
    let manifests = suite::manifests()?;
    let mut lines = Vec::new();
    for (name, version) in matrix.versions(plan) {
        let manifest = manifests.iter().find(|manifest| manifest.name == name);
        let install = manifest.and_then(|manifest| manifest.install.as_ref());
        let is_known = install.is_some_and(|install| install.versions().contains(&version));
        let is_there = |one: &Runtime| one.version == version;
        if !is_known && !suite::versions_of(&name)?.iter().any(is_there) {
            lines.push(format!(
                "{name}@{version} is not installed, and runtimes/{name}.yaml does not list it: `ocidiff runtimes \
                 install {name}@{version}` shows whether its sources have it"
            ));
        }
    }
    Ok(lines)
}

fn parts(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "write a number".to_owned())?;
    if (1..=1000).contains(&number) {
        Ok(number)
    } else {
        Err("between 1 and 1000".to_owned())
    }
}

/// Carries it out.
pub(crate) fn matrix(args: &MatrixArgs) -> Result<ExitStatus, Error> {
    match &args.command {
        MatrixCommand::Plan(args) => show(args),
        MatrixCommand::Run(args) => run::run(args),
        MatrixCommand::Merge(args) => merge::merge(args),
    }
}

fn show(args: &PlanArgs) -> Result<ExitStatus, Error> {
    let (plan, times) = planned(&args.of)?;
    let mut text = match args.format {
        PlanFormat::Text => ci::text(&plan, &times),
        PlanFormat::Json => {
            let json = serde_json::json!({"plan": plan, "why": plan.why});
            format!(
                "{}\n",
                serde_json::to_string_pretty(&json).map_err(Error::broken)?
            )
        }
        PlanFormat::Github => ci::github(&plan, args.parts, &args.of.handed_on()),
        PlanFormat::Kubernetes => {
            args.of.is_in_an_image()?;
            ci::kubernetes(&plan, args.parts, &args.image, &args.of.handed_on())
        }
    };
    if args.why && args.format == PlanFormat::Text {
        for (case, why) in &plan.why {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{:60} {}", safe(case), safe(why));
        }
    }
    output::answer(&text, ExitStatus::Ok)
}

/// The plan, or the part of it that was asked for, and how long cases take.
fn planned(of: &OfArgs) -> Result<(Plan, Times), Error> {
    let matrix = file(of.file.as_deref())?;
    absent(&matrix, &of.plan)?
        .iter()
        .for_each(|line| output::complain(line));
    let corpus = suite::corpus(of.cases.as_deref())?;
    let entries = select::select(&corpus.entries, &of.patterns).map_err(Error::usage)?;
    let plan =
        plan(&matrix, &of.plan, &entries).map_err(|error| Error::usage(format!("failed to {error}")))?;
    let mut times = Times::with_jobs(default_jobs().into(), JOBS.into());
    if let Some(folder) = &of.times {
        cell::learn(folder, &mut times)?;
    }
    Ok(match of.shard {
        Some(shard) => (plan.shard(shard, &times), times),
        None => (plan, times),
    })
}

fn file(path: Option<&Path>) -> Result<MatrixFile, Error> {
    let (shown, text) = match path {
        Some(path) => {
            let shown = safe(&path.to_string_lossy());
            let text = read_text(path, raised(MOST_BYTES))
                .map_err(|error| Error::usage(format!("failed to read {shown}: {error}")))?;
            (shown, text)
        }
        None => {
            let mut found = files::standard("runtimes").map_err(Error::usage)?;
            let source = found
                .remove("matrix.yaml")
                .ok_or_else(|| Error::usage("failed to find runtimes/matrix.yaml; --file names another"))?;
            (source.shown, source.text.into_owned())
        }
    };
    let failed = |error: MatrixError| Error::usage(format!("failed to {error}"));
    let matrix = MatrixFile::parse(&shown, &text).map_err(failed)?;
    let manifests = suite::manifests()?;
    let runtimes: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let offered = Offered::load().map_err(|error| Error::broken(format!("failed to {error}")))?;
    let here = Kernel::all(&suite::store()?);
    let here = here.iter().map(|kernel| kernel.series.as_str());
    let mut kernels: Vec<&str> = offered.in_order();
    kernels.extend(here.filter(|series| !offered.series.contains_key(*series)));
    let names = Names {
        runtimes: &runtimes,
        kernels: &kernels,
    };
    names.check(&matrix, &shown, &text).map_err(failed)?;
    Ok(matrix)
}
