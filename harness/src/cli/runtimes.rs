//! `ocidiff runtimes`, and `install`.

use std::fmt::Write as _;

use ocidiff_model::ExitStatus;
use ocidiff_reports::safe;
use ocidiff_runtimes::{Event, Machine, Request, Store, find_all, install};

use super::args::{RuntimesArgs, RuntimesCommand};
use super::output;
use crate::error::Error;
use crate::run::suite;

/// Lists what is there, or installs.
pub(crate) fn runtimes(args: &RuntimesArgs) -> Result<ExitStatus, Error> {
    let store = suite::store()?;
    match &args.command {
        None => list(&store),
        Some(RuntimesCommand::Install { requests }) => bring(&store, requests),
    }
}

fn list(store: &Store) -> Result<ExitStatus, Error> {
    let manifests = suite::manifests()?;
    let found = find_all(&manifests, store, &suite::asker()?);
    let mut text = String::new();
    for runtime in &found.runtimes {
        let steps: Vec<&str> = runtime
            .optional_steps()
            .into_iter()
            .map(|step| step.name())
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:6} {:12} {}\n       from {}; beyond the spec's steps: {}",
            runtime.name(),
            safe(runtime.version.as_str()),
            safe(&runtime.path.to_string_lossy()),
            runtime.origin,
            steps.join(", ")
        );
    }
    for broken in &found.broken {
        let _ = writeln!(text, "unusable: failed to {}", safe(&broken.to_string()));
    }
    for missing in Machine::this().missing(&manifests, &found) {
        let _ = writeln!(text, "missing: {}", safe(&missing));
    }
    output::answer(&text, ExitStatus::Ok)
}

fn bring(store: &Store, requests: &[String]) -> Result<ExitStatus, Error> {
    let requests = requests
        .iter()
        .map(|text| text.parse::<Request>())
        .collect::<Result<Vec<_>, _>>();
    let requests = requests.map_err(|error| Error::usage(format!("failed to {error}")))?;
    let manifests = suite::manifests()?;
    let mut told = output::Aside::default();
    let mut tell = |event: &Event| told.print(&format!("{}\n", safe(&line(event))));
    let outcome = install(
        &requests,
        &manifests,
        store,
        &Machine::this(),
        &suite::asker()?,
        &mut tell,
    )
    .map_err(|error| Error::usage(format!("failed to {error}")))?;
    told.end(if outcome.failed.is_empty() {
        ExitStatus::Ok
    } else {
        ExitStatus::Broken
    })
}

/// An event of an install on one line.
fn line(event: &Event) -> String {
    match event {
        Event::Waiting => "another ocidiff is installing; waiting for it".to_owned(),
        Event::Present { label, path } => format!("{label}: is there, {}", path.display()),
        Event::Step { label, what } => format!("{label}: {what}"),
        Event::Output { label, line } => format!("{label}:   {line}"),
        Event::Done { label, path } => format!("{label}: installed, {}", path.display()),
        Event::Failed { label, why } => format!("{label}: failed to {why}"),
    }
}
