//! What commands take: what several share, and the small ones' own.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ocidiff_model::Channel;
use ocidiff_reports::Format;

use super::help;
use super::isolate_args::IsolateArgs;
use super::via_args::ViaArgs;
use crate::cells::runner::Recorder;
use crate::error::Error;
use crate::run::suite::Settings;

/// Who takes part, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct WithArgs {
    /// A runtime: NAME, NAME@VERSION or NAME=/path/to/binary; repeatable; the first is the reference
    #[arg(long = "runtime", value_name = "RUNTIME")]
    pub(crate) runtimes: Vec<String>,
    /// The runtime that the others are compared with
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) reference: Option<String>,
    /// Use the cases in this folder instead of the checkout's or the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Option<PathBuf>,
    /// How many containers run at a time; the default is twice the number of processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// How syscalls are recorded
    #[arg(long, value_name = "RECORDER", default_value = "auto")]
    pub(crate) recorder: RecorderArg,
    /// Give each step N times as long as its case says, for slow machines such as emulated ones
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit_scale: u16,
    /// Also report how long the recorder took to load
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

impl WithArgs {
    /// What was typed, as the suite wants it.
    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        Ok(Settings {
            program: crate::run::suite::program()?,
            reference: self.reference.clone(),
            jobs: self.jobs(),
            recorder: match self.recorder {
                RecorderArg::Auto => Recorder::Auto,
                RecorderArg::Ebpf => Recorder::Ebpf,
                RecorderArg::Ptrace => Recorder::Ptrace,
                RecorderArg::None => Recorder::None,
            },
            keep_setup: false,
            repeat: 1,
            limit_scale: self.limit_scale.into(),
            control: false,
            keep_hooks: false,
        })
    }

    /// How many containers run at a time.
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(default_jobs).into()
    }

    /// The words that make another command meet the same runtimes and cases.
    pub(crate) fn again(&self) -> Vec<String> {
        let mut words = Vec::new();
        for runtime in &self.runtimes {
            words.extend(["--runtime".to_owned(), runtime.clone()]);
        }
        if let Some(reference) = &self.reference {
            words.extend(["--reference".to_owned(), reference.clone()]);
        }
        if let Some(cases) = &self.cases {
            words.extend(["--cases".to_owned(), cases.display().to_string()]);
        }
        if let Some(recorder) = self
            .recorder
            .to_possible_value()
            .filter(|_| self.recorder != RecorderArg::Auto)
        {
            words.extend(["--recorder".to_owned(), recorder.get_name().to_owned()]);
        }
        if self.limit_scale > 1 {
            words.extend(["--limit-scale".to_owned(), self.limit_scale.to_string()]);
        }
        words
    }
}

/// Twice the CPUs. More is a little faster (the corpus on two: 114 s with 4 jobs, 105 s with 6), but calls begin to meet
/// their limits if anything else runs.
pub(super) fn default_jobs() -> u16 {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u16::try_from(cpus * 2).unwrap_or(u16::MAX).min(64)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecorderArg {
    /// eBPF if the machine allows it, or else ptrace
    Auto,
    /// Every syscall and the runtime's set-up, recorded with eBPF programs in the kernel
    Ebpf,
    /// Every syscall, recorded with ptrace
    Ptrace,
    /// No syscalls
    None,
}

#[derive(Debug, Clone, Args)]
#[command(after_long_help = help::VERDICTS)]
pub(crate) struct RunArgs {
    /// Cases: a name, a topic, or a pattern with `*`; all if none is given
    #[arg(value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    #[command(flatten)]
    pub(crate) with: WithArgs,
    /// Run a copy of this OCI bundle (config.json and rootfs) as it is
    #[arg(long, value_name = "DIR", conflicts_with_all = ["patterns", "cases", "via"])]
    pub(crate) bundle: Option<PathBuf>,
    /// Show the values of the bundle's environment variables instead of their digests
    #[arg(long, requires = "bundle")]
    pub(crate) show_env: bool,
    /// Copy the bundle's rootfs from wherever its root.path leads; without this, only what lies in the
    /// bundle is copied
    #[arg(long, requires = "bundle")]
    pub(crate) outside_root: bool,
    /// Also run the bundle's hooks, as root in the cell, where an overlay protects the machine's files;
    /// without this, hooks are left out
    #[arg(long, requires = "bundle")]
    pub(crate) hooks: bool,
    #[command(flatten)]
    pub(crate) via: ViaArgs,
    #[command(flatten)]
    pub(crate) isolate: IsolateArgs,
    /// Leave out what these findings account for: a YAML list of `{finding: ID, reason: TEXT, until:
    /// YYYY-MM-DD}`
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore: Option<PathBuf>,
    /// List each known case instead of printing one line per finding
    #[arg(long)]
    pub(crate) known: bool,
    /// Write the events to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Run only cases whose results can have changed, and take the others from this file, the events of an
    /// earlier run (--json). A result cannot have changed if its bundle, case, findings, runtimes' programs,
    /// kernel and ocidiff are the same to the byte
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "via", "records"])]
    pub(crate) changed: Option<PathBuf>,
    /// Write each record as JSON: DIR/CASE/RUNTIME.json
    #[arg(long, value_name = "DIR")]
    pub(crate) records: Option<PathBuf>,
    /// Also print a table of this fact, with one line per case and node and one column per runtime. With
    /// several --socket, the default is process.exit
    #[arg(long, value_name = "FACT", conflicts_with_all = ["changed", "isolate"])]
    pub(crate) table: Option<String>,
    /// Also count unstable and fixed cases as failures
    #[arg(long)]
    pub(crate) strict: bool,
    /// Run each case at least this many times, and report how often each difference showed
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// Start no more cases after the first one that fails
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// After this many seconds, start no more cases, stop those that are running, and exit with 3
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
}

impl RunArgs {
    /// A run of cases as commands make it that want its events.
    pub(crate) fn plain(patterns: Vec<String>, with: WithArgs, json: Option<PathBuf>) -> Self {
        Self {
            patterns,
            with,
            bundle: None,
            show_env: false,
            outside_root: false,
            hooks: false,
            via: ViaArgs::default(),
            isolate: IsolateArgs::default(),
            ignore: None,
            known: false,
            json,
            changed: None,
            records: None,
            table: None,
            strict: false,
            repeat: 1,
            fail_fast: false,
            limit: None,
        }
    }

    /// The words that make another command meet the same runtimes and cases.
    pub(crate) fn again(&self) -> Vec<String> {
        let mut words = self.with.again();
        words.extend(self.via.again());
        for (name, given) in [
            ("--hooks", self.hooks),
            ("--show-env", self.show_env),
            ("--outside-root", self.outside_root),
        ] {
            if given {
                words.push(name.to_owned());
            }
        }
        words
    }
}

#[derive(Debug, Args)]
pub(crate) struct SelectArgs {
    /// Cases: a name, a topic, or a pattern with `*`
    #[arg(value_name = "PATTERN", required = true)]
    pub(crate) patterns: Vec<String>,
    #[command(flatten)]
    pub(crate) with: WithArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AcceptArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Print what would change, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneArgs {
    /// The case
    pub(crate) case: String,
    #[command(flatten)]
    pub(crate) with: WithArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The case
    pub(crate) case: String,
    /// Print only this channel
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    pub(crate) channel: Option<Channel>,
    #[command(flatten)]
    pub(crate) with: WithArgs,
}

fn channel(name: &str) -> Result<Channel, String> {
    Channel::ALL
        .into_iter()
        .find(|channel| channel.name() == name)
        .ok_or_else(|| format!("it must be one of {}", Channel::ALL.map(Channel::name).join(", ")))
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Cases: a name, a topic, or a pattern with `*`; all if none is given
    #[arg(value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    /// Use the cases in this folder instead of the checkout's or the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReproArgs {
    /// The case
    pub(crate) case: String,
    /// The runtime: NAME, NAME@VERSION or NAME=/path/to/binary
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) runtime: String,
    /// The folder to write, which must not exist yet
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Use the cases in this folder instead of the checkout's or the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ControlArgs {
    /// Cases: a name, a topic, or a pattern with `*`; all if none is given
    #[arg(value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    #[command(flatten)]
    pub(crate) with: WithArgs,
    /// How many rounds to run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The file of events; several files with --merge, two files or folders with --diff
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Join the checks of many nodes into one report
    #[arg(long)]
    pub(crate) merge: bool,
    /// The nodes that should have been checked, one name per line, or what `kubectl get nodes` prints, also
    /// with -o name; the report lists those without a check
    #[arg(long, value_name = "FILE", requires = "merge")]
    pub(crate) nodes_list: Option<PathBuf>,
    /// Report what changed between two runs, given as an earlier and a later file of events, or as folders of
    /// such files (*.jsonl). Only results of the same version on the same machine are compared. Exits with 1
    /// if something changed, and with 3 if nothing can be compared; a case that takes longer is reported, but
    /// is not a failure
    #[arg(long, conflicts_with = "merge")]
    pub(crate) diff: bool,
    /// The format of the report: terminal, markdown, html or json; also junit for runs
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    pub(crate) format: Format,
    /// Print everything about a run: each known case (terminal), also what does not fit into a comment
    /// (markdown), also all values of known cases (html)
    #[arg(long, conflicts_with = "merge")]
    pub(crate) full: bool,
    /// Write the report to this file instead of stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The format
    pub(crate) of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// A case file
    Case,
    /// A known file
    Known,
    /// A finding
    Finding,
    /// A rootfs recipe
    Rootfs,
    /// A file for --ignore
    Ignore,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RuntimesArgs {
    /// List every version that Debian's suites and crates.io offer now, and which of them are on this machine
    #[arg(long)]
    pub(crate) available: bool,
    #[command(subcommand)]
    pub(crate) command: Option<RuntimesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RuntimesCommand {
    /// Install runtimes into the store: NAME or NAME@VERSION; each runtime's default version if none is
    /// given
    Install {
        /// What to install
        #[arg(value_name = "NAME[@VERSION]")]
        requests: Vec<String>,
    },
    /// Build a runtime from a folder with its sources, with its own make or cargo, and put it into the store
    Build {
        /// The runtime
        #[arg(value_name = "NAME")]
        name: String,
        /// Its sources
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
