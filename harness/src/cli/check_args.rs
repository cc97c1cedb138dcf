//! What `ocidiff check` can be asked for.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use ocidiff_model::Impact;
use ocidiff_reports::Format;

use super::containers::FromArgs;
use super::help;

#[derive(Debug, Args)]
#[command(after_long_help = help::CHECK)]
pub(crate) struct CheckArgs {
    /// The runtime to move to: NAME, NAME@VERSION or NAME=/path/to/binary
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) to: String,
    /// The runtime that the workloads run under; the default is the one that each container's engine reports,
    /// or the reference if there is no engine
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) from: Option<String>,
    /// An OCI bundle (config.json and rootfs), such as one copied from another node; repeatable
    #[arg(long = "bundle", value_name = "DIR")]
    pub(crate) bundles: Vec<PathBuf>,
    /// Take a bundle's rootfs from wherever its root.path leads; without this, no link is followed out of
    /// the bundle, and --run takes no rootfs from outside it
    #[arg(long, requires = "bundles")]
    pub(crate) outside_root: bool,
    #[command(flatten)]
    pub(crate) from_whom: FromArgs,
    /// Only this container, by name or id; repeatable
    #[arg(long = "container", value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) containers: Vec<String>,
    /// An image of the engine: a container is made from it with the probe as its process, inspected and
    /// removed; repeatable
    #[arg(long = "image", value_name = "IMAGE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) images: Vec<String>,
    /// Also make the workloads' devices in the probe's containers; without this, they are left out
    #[arg(long)]
    pub(crate) with_devices: bool,
    /// Also run each workload's own command, in a throwaway container without a network and without the
    /// host's files
    #[arg(long)]
    pub(crate) run: bool,
    /// The command for --run, in place of each workload's own; ends at `;` or at the end of the line
    #[arg(long, value_name = "ARG", requires = "run", num_args = 1.., allow_hyphen_values = true, value_terminator = ";")]
    pub(crate) command: Option<Vec<String>>,
    /// Start nothing and look at no files: report only what findings say about the configs of containers and
    /// bundles, for --from and --to given as NAME@VERSION. Needs neither root nor runtimes. What no finding
    /// is about counts as not checked
    #[arg(long, requires = "from", conflicts_with_all = ["images", "run", "with_devices", "all_versions", "baseline", "root"])]
    pub(crate) only_read: bool,
    /// Do not count what these findings account for: a YAML list of `{finding: ID, reason: TEXT, until: YYYY-MM-DD}`
    #[arg(long, value_name = "FILE", conflicts_with = "kubernetes")]
    pub(crate) ignore: Option<PathBuf>,
    /// Report only what is new since an earlier check: its events (`--out`), or its report as JSON
    #[arg(long, value_name = "FILE", conflicts_with = "kubernetes")]
    pub(crate) baseline: Option<PathBuf>,
    /// Also check the workloads against each version of the runtime that is on PATH or in the store, and
    /// report from which version on the move is safe
    #[arg(long, conflicts_with = "kubernetes")]
    pub(crate) all_versions: bool,
    /// The format of the report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CheckFormat,
    /// Also write the events to this file, one JSON object per line, for `ocidiff report`; `-` prints them
    /// instead of the report
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The node's root, if it is not this process's: in a pod, the folder where the node's `/` is mounted;
    /// the node's /tmp is not seen
    #[arg(long, value_name = "DIR", conflicts_with = "kubernetes")]
    pub(crate) root: Option<PathBuf>,
    /// The node's name; the default is what `uname -n` prints
    #[arg(long, value_name = "NAME", conflicts_with = "kubernetes")]
    pub(crate) node: Option<String>,
    /// The pod that this check runs in, which is left out of the node's workloads
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "kubernetes")]
    pub(crate) pod: Option<String>,
    /// The lowest impact for which the check exits with 1
    #[arg(
        long,
        value_name = "IMPACT",
        default_value = "may-break",
        conflicts_with = "kubernetes"
    )]
    pub(crate) fail_on: FailOn,
    /// Exit with 0 once the report is written, whatever it says
    #[arg(long, conflicts_with = "kubernetes")]
    pub(crate) exit_zero: bool,
    /// Check nothing; print a manifest for Kubernetes that runs the check once on every node. With
    /// --only-read, its pods need no privileges, only the socket of the node's CRI runtime
    #[arg(long, requires_all = ["nodes", "job_image"], conflicts_with_all = ["bundles", "outside_root", "containers", "images", "format", "out"])]
    pub(crate) kubernetes: bool,
    /// How many nodes the cluster has
    #[arg(long, value_name = "N", requires = "kubernetes", value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) nodes: Option<u16>,
    /// An image that has this program, as one static file, at /ocidiff
    #[arg(long, value_name = "IMAGE", requires = "kubernetes", value_parser = super::image_name::image)]
    pub(crate) job_image: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// The container is confined less than its config asks for
    Security,
    /// Something breaks, or worse
    Breaks,
    /// Something may break, or worse
    MayBreak,
}

impl FailOn {
    /// As the model has it.
    pub(crate) fn impact(self) -> Impact {
        match self {
            Self::Security => Impact::Security,
            Self::Breaks => Impact::Breaks,
            Self::MayBreak => Impact::MayBreak,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Plain text for people
    Text,
    /// One JSON object
    Json,
    /// For a comment or a ticket
    Markdown,
    /// An HTML page
    Html,
    /// JUnit XML, with a test case for each workload
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

impl CheckFormat {
    /// Reads one of these, for commands that have no other.
    pub(crate) fn among(formats: &[Self]) -> impl TypedValueParser<Value = Self> + use<> {
        let values = formats.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(values).try_map(|name| Self::from_str(&name, false))
    }

    /// The format as reports know it.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Text => Format::Terminal,
            Self::Json => Format::Json,
            Self::Markdown => Format::Markdown,
            Self::Html => Format::Html,
            Self::Junit => Format::Junit,
            Self::Sarif => Format::Sarif,
        }
    }
}
