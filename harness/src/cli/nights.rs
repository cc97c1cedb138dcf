//! `ocidiff report --diff` and `ocidiff trend`: runs of different nights.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use ocidiff_model::{Event, ExitStatus};
use ocidiff_reports::events::{self, Recording};
use ocidiff_reports::nights::{Diff, LastRun, Trend, page, render, render_trend};
use ocidiff_reports::{Error as Drawing, safe};

use super::args::ReportArgs;
use super::{files, output};
use crate::error::Error;

/// How deep a night's folder is searched: a folder per machine, and one above it.
const DEPTH: usize = 3;
/// How many files a night may have; a matrix has some dozens.
const FILES: usize = 2000;

/// Which nights.
#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// A folder in which each file of events is one night, and so is each folder with such files
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write a page about the nights into this folder, and next to it a page for each run of the last night
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
}

/// What has changed: 1 if a version that was there behaves differently.
pub(crate) fn diff(args: &ReportArgs) -> Result<ExitStatus, Error> {
    let [old, new] = &args.files[..] else {
        return Err(Error::usage(
            "--diff takes two: the earlier file or folder, then the later one",
        ));
    };
    let (before, now) = (night(old)?, night(new)?);
    let diff = Diff::of(&before, &now);
    let style = if args.output.is_some() {
        ocidiff_reports::Style::default()
    } else {
        output::style()
    };
    let text = render(args.format, &diff, &style).map_err(|error| match error {
        Drawing::OnlyRuns(format) | Drawing::OnlyOne(format) => Error::usage(format!(
            "a comparison of nights is drawn as terminal, markdown or json, not as {format}"
        )),
        error => Error::broken(format!("failed to {error}")),
    })?;
    let status = status(&diff);
    match &args.output {
        None => output::answer(&text, status),
        Some(path) => files::write(path, &text, files::PRIVATE).map(|()| status),
    }
}

/// What two nights come to; what was not looked at is not the same as before.
fn status(diff: &Diff) -> ExitStatus {
    if diff.compared == 0 {
        output::complain("nothing was compared: no version of a runtime is in both on the same machine");
        return ExitStatus::Broken;
    }
    match (diff.cases.is_empty(), diff.not_checked.is_empty()) {
        (false, _) => ExitStatus::Differs,
        (true, false) => ExitStatus::Broken,
        (true, true) => ExitStatus::Ok,
    }
}

/// One line per night.
pub(crate) fn trend(args: &TrendArgs) -> Result<ExitStatus, Error> {
    let mut nights = Vec::new();
    let mut unread = false;
    for path in entries(&args.folder)?
        .into_iter()
        .filter(|path| path.is_dir() || is_events(path))
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match night(&path) {
            Ok(runs) => nights.push((name, runs)),
            // One bad night is reported, and the others are drawn.
            Err(error) => {
                output::complain(&error.to_string());
                unread = true;
            }
        }
    }
    if nights.is_empty() {
        let folder = safe(&args.folder.to_string_lossy());
        return Err(Error::usage(format!(
            "failed to find a night in {folder}: it holds neither a file of events (*.jsonl) nor a folder of such files"
        )));
    }
    let status = if unread {
        ExitStatus::Broken
    } else {
        ExitStatus::Ok
    };
    let trend = Trend::of(&nights);
    if let Some(folder) = &args.html {
        let page = write_pages(folder, &trend, &nights)?;
        return output::answer(&format!("{}\n", safe(&page.to_string_lossy())), status);
    }
    let text = render_trend(&trend, args.json, &output::style());
    let text = text.map_err(|error| Error::broken(format!("failed to {error}")))?;
    output::answer(&text, status)
}

/// Writes the page of the nights, with those of the last night's runs next to it; returns the path of the first.
fn write_pages(folder: &Path, trend: &Trend, nights: &[(String, Vec<Vec<Event>>)]) -> Result<PathBuf, Error> {
    let name = trend.nights.last().map(|night| &night.name);
    let last = nights.iter().find(|(other, _)| Some(other) == name);
    let last = last.map_or(&[][..], |(_, runs)| runs);
    fs::create_dir_all(folder).map_err(|error| {
        let folder = safe(&folder.to_string_lossy());
        Error::broken(format!("failed to make the folder {folder}: {error}"))
    })?;
    let names: Vec<String> = (1..=last.len())
        .map(|number| format!("run-{number}.html"))
        .collect();
    let runs = last
        .iter()
        .zip(&names)
        .map(|(events, page)| LastRun { events, page });
    let runs: Vec<LastRun<'_>> = runs.collect();
    for run in &runs {
        files::write(
            &folder.join(run.page),
            &ocidiff_reports::page::render(run.events),
            files::PRIVATE,
        )?;
    }
    let index = folder.join("index.html");
    files::write(&index, &page(trend, &runs), files::PRIVATE)?;
    Ok(index)
}

/// The runs of a file, or of every file of events in a folder.
fn night(path: &Path) -> Result<Vec<Vec<Event>>, Error> {
    if !path.is_dir() {
        return Ok(vec![run(path)?]);
    }
    let mut found = Vec::new();
    collect(path, DEPTH, &mut found)?;
    if found.is_empty() {
        return Err(Error::usage(format!(
            "failed to read the night {}: no file of events (*.jsonl) lies in it",
            safe(&path.to_string_lossy())
        )));
    }
    found.iter().map(|file| run(file)).collect()
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    for path in entries(folder)? {
        let is_link = path.is_symlink();
        if path.is_dir() && !is_link && depth > 1 {
            collect(&path, depth - 1, found)?;
        } else if is_events(&path) {
            found.push(path);
        }
        if found.len() > FILES {
            let folder = safe(&folder.to_string_lossy());
            return Err(Error::usage(format!(
                "failed to read {folder}: more than {FILES} files of events"
            )));
        }
    }
    Ok(())
}

fn is_events(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|end| end == "jsonl")
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder)? {
            all.push(entry?.path());
        }
        all.sort();
        Ok(all)
    };
    read().map_err(|error| {
        let folder = safe(&folder.to_string_lossy());
        Error::usage(format!("failed to read the folder {folder}: {error}"))
    })
}

fn run(file: &Path) -> Result<Vec<Event>, Error> {
    let shown = safe(&file.to_string_lossy());
    let read = events::read_file(file)
        .map_err(|error| Error::usage(format!("failed to read the events of {shown}: {error}")))?;
    match read {
        Recording::Run(recorded) => {
            for warning in &recorded.warnings {
                output::complain(&format!("{}: {warning}", file.display()));
            }
            Ok(recorded.events)
        }
        Recording::Checks(_) => Err(Error::usage(format!(
            "failed to read the events of {shown}: they are from a check, and nights consist of runs"
        ))),
    }
}
