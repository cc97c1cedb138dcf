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

use super::output;
use crate::corpus::files;
use crate::error::Error;
use crate::matrix::{MatrixFile, Plan, Shard, Times, ci, plan};
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
        PlanFormat::Github => ci::github(&plan, args.parts),
        PlanFormat::Kubernetes => ci::kubernetes(&plan, args.parts, &args.image),
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
    let corpus = suite::corpus(of.cases.as_deref())?;
    let entries = select::select(&corpus.entries, &of.patterns).map_err(Error::usage)?;
    let plan =
        plan(&matrix, &of.plan, &entries).map_err(|error| Error::usage(format!("failed to {error}")))?;
    let mut times = Times::default();
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
    MatrixFile::parse(&shown, &text).map_err(|error| Error::usage(format!("failed to {error}")))
}
