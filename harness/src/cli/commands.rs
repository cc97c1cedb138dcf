//! What can be typed.

use clap::{Parser, Subcommand};

use super::args::{
    AcceptArgs, ControlArgs, ListArgs, ReportArgs, ReproArgs, RunArgs, RuntimesArgs, SchemaArgs, ShowArgs,
};
use super::bisect::BisectArgs;
use super::changes::ChangesArgs;
use super::check_args::CheckArgs;
use super::containers::CaptureArgs;
use super::explain::ExplainArgs;
use super::facts::FactsArgs;
use super::findings::FindingsArgs;
use super::kernels::KernelsArgs;
use super::lint::LintArgs;
use super::matrix::MatrixArgs;
use super::mutants::MutantsArgs;
use super::nights::TrendArgs;
use super::seccomp::args::SeccompArgs;
use super::upstream::UpstreamArgs;
use super::via_args::ViaArgs;

/// Finds where OCI runtimes behave differently, before your workloads do
#[derive(Debug, Parser)]
#[command(name = "ocidiff", version, max_term_width = 100, after_help = EXIT_STATUS)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 nothing new; 1 a case is new, gone, a violation or unexpected; 2 wrong use, or an \
error in a case or manifest; 3 a case is broken, every case was skipped, the run was interrupted, or the results could not \
be written. If the reader of the output goes away (`| head`), the run ends: with 1 if something had failed by then, or \
else with 3.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run cases under every runtime and report where they differ
    Run(RunArgs),
    /// Run versions of one runtime and report what differs between them, by finding: fixed, broke, changed
    Changes(ChangesArgs),
    /// Find the two versions between which a behaviour changed, by running them or the commits of a checkout
    Bisect(BisectArgs),
    /// List the cases
    List(ListArgs),
    /// Print everything that is known about a finding, case, fact, clause or verdict; with --run, run the
    /// case and explain which runtimes differ, how and why
    Explain(ExplainArgs),
    /// Run one case and print everything that was recorded
    Show(ShowArgs),
    /// Run cases and write what they show into their known files
    Accept(AcceptArgs),
    /// Write a folder with a case's bundle and a shell script that reproduces it without ocidiff
    Repro(ReproArgs),
    /// Run every case under each runtime twice: a runtime must not differ from itself
    Control(ControlArgs),
    /// Give a real runtime one fault at a time, and report which faults the cases catch
    Mutants(MutantsArgs),
    /// Draw a report from the events that `run --json` or `check --out` wrote
    Report(ReportArgs),
    /// Report how runs went, with one line per night
    Trend(TrendArgs),
    /// Print the JSON Schema of a format
    Schema(SchemaArgs),
    /// List the facts that cases can expect, watch and know
    Facts(FactsArgs),
    /// List what is known about runtimes without running anything: what one does, what changes between two,
    /// what was fixed
    Findings(FindingsArgs),
    /// Check known files and findings for what the loader accepts but is still wrong
    Lint(LintArgs),
    /// Write a finding as a bug report for the project that it is about
    Upstream(UpstreamArgs),
    /// List the runtimes on this machine, or install some
    Runtimes(RuntimesArgs),
    /// Run many runtimes and versions under many kernels: plan, run in parts, merge
    Matrix(MatrixArgs),
    /// List the kernels that virtual machines can run, or install some
    Kernels(KernelsArgs),
    /// Load a seccomp profile under each runtime, compare the filters call by call, explain the differences,
    /// and cure the profile
    Seccomp(SeccompArgs),
    /// Report which workloads would behave differently under another runtime
    Check(CheckArgs),
    /// Turn a container, or a bundle, into a case and print it
    Capture(CaptureArgs),
    /// Remove what a killed ocidiff left behind: processes, cgroups, folders; with --via, containers and
    /// images
    #[command(mut_arg("via", |via| via.help("Also remove what was left in this engine: containers and images")))]
    Clean(ViaArgs),
    /// What a cell calls in place of a mutant; started by ocidiff itself
    #[command(hide = true)]
    Mutant {
        /// What to do, as JSON
        work: String,
        /// The real runtime's command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}
