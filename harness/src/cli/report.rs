//! `ocidiff report`: draws a report again from its events.

use std::collections::BTreeSet;
use std::path::Path;

use ocidiff_confine::{raised, read_text};
use ocidiff_model::check::{FleetReport, NodeCheck, Unchecked};
use ocidiff_model::{Event, ExitStatus};
use ocidiff_reports::events::{self, Checks, Recording};
use ocidiff_reports::{Error as Drawing, Format, Style, draw, markdown, page, render, terminal};

use super::args::ReportArgs;
use super::{files, output};
use crate::error::Error;

/// The largest list of nodes that is read.
const MOST_BYTES: u64 = 4 << 20;

/// Draws it; the exit status says only whether that went well.
pub(crate) fn report(args: &ReportArgs) -> Result<ExitStatus, Error> {
    if args.diff {
        return super::nights::diff(args);
    }
    let style = if args.output.is_some() {
        Style::default()
    } else {
        output::style()
    };
    let text = match &args.files[..] {
        files if args.merge => merged(files, args, &style)?,
        [file] => single(file, args, &style)?,
        _ => return Err(Error::usage("several files need --merge")),
    };
    match &args.output {
        None => output::answer(&text, ExitStatus::Ok),
        Some(path) => files::write(path, &text, files::PRIVATE).map(|()| ExitStatus::Ok),
    }
}

/// What is said about a check that was killed.
const NO_END: &str = "the check has no end, so there may be more workloads";

/// One run, or the check of one node.
fn single(file: &Path, args: &ReportArgs, style: &Style) -> Result<String, Error> {
    let drawn = match read(file)? {
        Recording::Run(recorded) if args.full => full(args.format, &recorded.events, style)?,
        Recording::Run(recorded) => render(args.format, &recorded.events, style),
        Recording::Checks(_) if args.full => {
            return Err(Error::usage(format!(
                "{}: these are the events of a check, whose reports are always whole; leave --full out",
                file.display()
            )));
        }
        Recording::Checks(Checks { checks, .. }) => match &checks[..] {
            [only] => {
                let mut report = only.report.clone();
                if only.exit.is_none() {
                    // Readers must not take it for the complete check.
                    report.unchecked.push(Unchecked {
                        workload: "others".to_owned(),
                        why: NO_END.to_owned(),
                        before: false,
                        uncounted: true,
                    });
                }
                draw::check(args.format, &report, style)
            }
            several => {
                let number = several.len();
                return Err(Error::usage(format!(
                    "{}: {number} checks; --merge draws them as one report",
                    file.display()
                )));
            }
        },
    };
    drawn.map_err(refused)
}

/// A run with everything; the inner error comes from drawing.
fn full(format: Format, events: &[Event], style: &Style) -> Result<Result<String, Drawing>, Error> {
    match format {
        Format::Markdown => Ok(Ok(markdown::full(events))),
        Format::Terminal => Ok(Ok(terminal::full(events, style))),
        Format::Html => Ok(Ok(page::full(events))),
        other => Err(Error::usage(format!(
            "--full is for terminal, markdown and html: {other} has everything"
        ))),
    }
}

/// The checks of all files.
fn merged(files: &[impl AsRef<Path>], args: &ReportArgs, style: &Style) -> Result<String, Error> {
    let mut checks: Vec<NodeCheck> = Vec::new();
    for file in files {
        let file = file.as_ref();
        match read(file)? {
            Recording::Checks(found) => checks.extend(found.checks),
            Recording::Run(_) => {
                return Err(Error::usage(format!(
                    "{}: the events of a run; --merge joins those of checks",
                    file.display()
                )));
            }
        }
    }
    let mut report = FleetReport::of(checks);
    if let Some(file) = &args.nodes_list {
        report = report.expecting(&nodes(file)?);
    }
    draw::fleet(args.format, &report, style).map_err(refused)
}

/// The names in a file.
fn nodes(file: &Path) -> Result<BTreeSet<String>, Error> {
    let failed = |why: &str| Error::usage(format!("--nodes-list {}: {why}", file.display()));
    let text = read_text(file, raised(MOST_BYTES)).map_err(|error| failed(&error.to_string()))?;
    let names = super::nodes::names(&text).map_err(|why| failed(&why))?;
    if names.is_empty() {
        return Err(failed("names no node"));
    }
    Ok(names)
}

pub(super) fn read(file: &Path) -> Result<Recording, Error> {
    let read = events::read_file(file).map_err(|error| {
        Error::usage(format!(
            "failed to read the events of {}: {error}",
            file.display()
        ))
    })?;
    let (Recording::Run(events::Recorded { warnings, .. }) | Recording::Checks(Checks { warnings, .. })) =
        &read;
    for warning in warnings {
        output::complain(&format!("{}: {warning}", file.display()));
    }
    Ok(read)
}

/// A format that does not suit what is drawn is for the user to fix.
fn refused(error: Drawing) -> Error {
    match error {
        Drawing::OnlyRuns(_) | Drawing::OnlyChecks(_) => Error::usage(error),
        _ => Error::broken(format!("failed to {error}")),
    }
}
