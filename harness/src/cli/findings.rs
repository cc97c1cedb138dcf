//! `ocidiff findings`: what is known about runtimes, without running any.

use std::path::PathBuf;

use clap::Args;
use ocidiff_model::{ExitStatus, Impact};
use ocidiff_reports::findings::{List, render};
use ocidiff_reports::safe;

use super::check_args::CheckFormat;
use super::output;
use crate::bundle::given::config_of;
use crate::error::Error;
use crate::findings::{Question, Who};
use crate::run::suite;

/// The formats of the list.
const FORMATS: [CheckFormat; 4] = [
    CheckFormat::Text,
    CheckFormat::Json,
    CheckFormat::Markdown,
    CheckFormat::Html,
];

/// Which findings, and how they are told.
#[derive(Debug, Args)]
pub(crate) struct FindingsArgs {
    /// List what this runtime does: NAME or NAME@VERSION; it does not have to be installed
    #[arg(long, value_name = "RUNTIME", conflicts_with_all = ["from", "to"])]
    runtime: Option<Who>,
    /// List what changes for those who move from this runtime, NAME@VERSION, to the one of --to
    #[arg(long, value_name = "RUNTIME", requires = "to")]
    from: Option<Who>,
    /// The runtime to move to, NAME@VERSION; what both do is not listed
    #[arg(long, value_name = "RUNTIME", requires = "from")]
    to: Option<Who>,
    /// Only findings that have not been reported upstream
    #[arg(long)]
    unreported: bool,
    /// List what some earlier version does and this one, NAME@VERSION, no longer does
    #[arg(long, value_name = "RUNTIME")]
    fixed_in: Option<Who>,
    /// Only findings of this impact: cosmetic, may-break, breaks or security; for the move if --from and --to
    /// are given, or else in the worse direction
    #[arg(long, value_name = "IMPACT", value_parser = impact)]
    impact: Option<Impact>,
    /// Only findings of this component: a runtime, libseccomp, kernel or docker
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// Only findings that a workload with this bundle's config.json can meet, whatever steps are taken
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The format of the list
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = CheckFormat::among(&FORMATS))]
    format: CheckFormat,
    /// Also use the cases and findings in this folder
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
}

fn impact(name: &str) -> Result<Impact, String> {
    let all = [
        Impact::Cosmetic,
        Impact::MayBreak,
        Impact::Breaks,
        Impact::Security,
    ];
    all.into_iter()
        .find(|impact| impact.name() == name)
        .ok_or_else(|| format!("it must be one of {}", all.map(Impact::name).join(", ")))
}

/// Lists them.
pub(crate) fn findings(args: &FindingsArgs) -> Result<ExitStatus, Error> {
    let exact = |who: &Who| who.exact().map_err(Error::usage);
    let moving = args.from.as_ref().zip(args.to.as_ref());
    let question = Question {
        runtime: args.runtime.clone(),
        moving: moving
            .map(|(from, to)| Ok((exact(from)?, exact(to)?)))
            .transpose()?,
        fixed_in: args.fixed_in.as_ref().map(exact).transpose()?,
        unreported: args.unreported,
        impact: args.impact,
        component: args.component.clone(),
        config: args.bundle.as_deref().map(config).transpose()?,
    };
    let corpus = match &args.cases {
        // The catalogue does not need the cases.
        None => suite::shared()?,
        folder => suite::corpus(folder.as_deref())?,
    };
    let list = List {
        asked: question.words(),
        findings: question.ask(&corpus).map_err(Error::usage)?,
    };
    let text = render(args.format.format(), &list, &output::style()).map_err(Error::broken)?;
    output::answer(&text, ExitStatus::Ok)
}

fn config(folder: &std::path::Path) -> Result<serde_json::Value, Error> {
    let text = config_of(folder).map_err(Error::usage)?;
    serde_json::from_str(&text).map_err(|error| {
        let path = safe(&folder.join("config.json").to_string_lossy());
        Error::usage(format!("failed to read {path}: {error}"))
    })
}
