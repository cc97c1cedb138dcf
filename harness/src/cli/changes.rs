//! `ocidiff changes`: what differs between versions of one runtime, by running them or from the events of a run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use ocidiff_model::event::Event;
use ocidiff_model::version::Version;
use ocidiff_model::{Counts, ExitStatus};
use ocidiff_reports::changes::{Changes, render};
use ocidiff_reports::events::{self, Recording};
use ocidiff_reports::safe;
use ocidiff_runtimes::Selector;

use super::args::{RunArgs, WithArgs};
use super::check_args::CheckFormat;
use super::{output, run};
use crate::error::Error;
use crate::machine::root;
use crate::run::suite;

/// The formats of the report.
const FORMATS: [CheckFormat; 3] = [CheckFormat::Text, CheckFormat::Json, CheckFormat::Markdown];

/// Which versions, and which cases.
#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// Versions of one runtime (NAME@VERSION or NAME=/path/to/binary, or NAME for all versions on this
    /// machine), then cases: a name, a topic, or a pattern with `*`; all if none is given
    #[arg(
        value_name = "RUNTIME|PATTERN",
        required_unless_present = "events",
        conflicts_with = "events"
    )]
    words: Vec<String>,
    /// Run nothing; take the events of an earlier run of such versions, as `run --json` wrote them
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The format of the report
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = CheckFormat::among(&FORMATS))]
    format: CheckFormat,
    /// Also write the events of the run to this file, one JSON object per line
    #[arg(long, value_name = "FILE", conflicts_with = "events")]
    json: Option<PathBuf>,
    #[command(flatten)]
    with: WithArgs,
}

/// Runs the versions, or reads an earlier run, and reports what differs.
pub(crate) fn changes(args: &ChangesArgs) -> Result<ExitStatus, Error> {
    let (events, exit) = match &args.events {
        Some(file) => recorded(file)?,
        None => ran(args)?,
    };
    let changes = Changes::of(&events).map_err(|error| {
        let file = args.events.as_deref().map_or_else(String::new, shown);
        Error::usage(format!("failed to compare versions{file}: {error}"))
    })?;
    let text = render(args.format.format(), &changes, &output::style()).map_err(Error::broken)?;
    output::answer(&text, exit)
}

fn shown(file: &Path) -> String {
    format!(" of {}", safe(&file.to_string_lossy()))
}

/// An earlier run: it ends as its verdicts say, and is broken if it did not come to its end.
fn recorded(file: &Path) -> Result<(Vec<Event>, ExitStatus), Error> {
    let read = events::read_file(file);
    let read =
        read.map_err(|error| Error::usage(format!("failed to read the events{}: {error}", shown(file))))?;
    let Recording::Run(recorded) = read else {
        return Err(Error::usage(format!(
            "failed to read the events{}: they are of a check, not of a run",
            shown(file)
        )));
    };
    for warning in &recorded.warnings {
        output::complain(&format!("{}: {warning}", file.display()));
    }
    let mut counts = Counts::default();
    let mut exit = ExitStatus::Broken;
    for event in &recorded.events {
        match event {
            Event::CaseFinished(case) => counts.add(case.verdict),
            Event::RunFinished { exit: told, .. } => exit = *told,
            Event::RunStarted { .. } => {}
        }
    }
    let exit = if exit == ExitStatus::Ok {
        counts.exit(false)
    } else {
        exit
    };
    Ok((recorded.events, exit))
}

fn ran(args: &ChangesArgs) -> Result<(Vec<Event>, ExitStatus), Error> {
    root::need_root()?;
    let manifests = suite::manifests()?;
    let is_name = |word: &str| manifests.iter().any(|manifest| manifest.name == word);
    let is_runtime = |word: &&String| {
        let name = word.split(['@', '=']).next().unwrap_or_default();
        // Names of cases do not contain these; a runtime's name may be misspelt.
        is_name(word) || (!name.contains('/') && word.contains(['@', '=']))
    };
    let (named, patterns): (Vec<&String>, Vec<&String>) = args.words.iter().partition(is_runtime);
    let named: Vec<String> = named.into_iter().chain(&args.with.runtimes).cloned().collect();
    one_name(&named)?;
    let runtimes = match &named[..] {
        [name] if is_name(name) => versions_of(name)?,
        _ => named,
    };
    let with = WithArgs {
        runtimes,
        ..args.with.clone()
    };
    let patterns = patterns.into_iter().cloned().collect();
    run::quietly(&RunArgs::plain(patterns, with, args.json.clone()))
}

/// Versions are compared within one runtime.
fn one_name(named: &[String]) -> Result<(), Error> {
    let mut names: Vec<String> = Vec::new();
    for text in named {
        let selector: Selector = text
            .parse()
            .map_err(|error| Error::usage(format!("failed to {error}")))?;
        names.push(selector.name);
    }
    names.dedup();
    match &names[..] {
        [] => Err(Error::usage(
            "which versions? name some, as crun@1.21 crun@1.28, or a runtime for all of its versions that are there",
        )),
        [_] => Ok(()),
        several => Err(Error::usage(format!(
            "{} are several runtimes, and `changes` compares versions of one; `ocidiff run` compares runtimes",
            several.join(" and ")
        ))),
    }
}

/// Every version of a runtime that is installed, once each.
fn versions_of(name: &str) -> Result<Vec<String>, Error> {
    let there = suite::versions_of(name)?;
    let versions: BTreeSet<&Version> = there.iter().map(|runtime| &runtime.version).collect();
    match versions.len() {
        0 | 1 => {
            let there = versions
                .first()
                .map_or("no version".to_owned(), |only| format!("only {only}"));
            Err(Error::usage(format!(
                "{there} of {name} is there, and it takes two to compare; `ocidiff runtimes install {name}@VERSION` installs more"
            )))
        }
        _ => Ok(versions
            .iter()
            .map(|version| format!("{name}@{version}"))
            .collect()),
    }
}
