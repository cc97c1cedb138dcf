//! `ocidiff runtimes`, and `install`.

use std::fmt::Write as _;
use std::path::Path;

use ocidiff_model::ExitStatus;
use ocidiff_reports::safe;
use ocidiff_runtimes::{Event, Machine, Request, Store, available, build, cargo_home, find_all, install};

use super::args::{RuntimesArgs, RuntimesCommand};
use super::output;
use crate::error::Error;
use crate::machine::root;
use crate::run::suite;

/// Lists what is installed, or installs.
pub(crate) fn runtimes(args: &RuntimesArgs) -> Result<ExitStatus, Error> {
    let store = suite::store()?;
    match &args.command {
        None if args.available => offered(&store),
        None => list(&store),
        Some(RuntimesCommand::Install { requests }) => bring(&store, requests),
        Some(RuntimesCommand::Build { name, folder }) => made(&store, name, folder),
    }
}

/// What could be installed, and which of it is here.
fn offered(store: &Store) -> Result<ExitStatus, Error> {
    let manifests = suite::manifests()?;
    let found = find_all(&manifests, store, &suite::asker()?);
    let mut watch = |line: &str| output::progress(line);
    let offer = available(&manifests, store, &Machine::this(), cargo_home(), &mut watch);
    let mut text = String::new();
    for one in &offer.versions {
        let here = found
            .runtimes
            .iter()
            .find(|runtime| runtime.name() == one.name && runtime.version == one.version)
            .map(|runtime| format!("here: {}", runtime.origin));
        let how = here.unwrap_or_else(|| format!("`ocidiff runtimes install {}@{}`", one.name, one.version));
        let untried = if one.is_known { "" } else { ", not tried yet" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:6} {:12} {:20} {}{untried}",
            safe(&one.name),
            safe(one.version.as_str()),
            safe(&one.from),
            safe(&how)
        );
    }
    for why in &offer.unasked {
        output::complain(&format!("not asked: {why}"));
    }
    let status = if offer.versions.is_empty() {
        ExitStatus::Broken
    } else {
        ExitStatus::Ok
    };
    output::answer(&text, status)
}

fn made(store: &Store, name: &str, folder: &Path) -> Result<ExitStatus, Error> {
    root::need_root()?;
    let manifests = suite::manifests()?;
    let mut told = output::Aside::default();
    let mut tell = |event: &Event| told.print(&format!("{}\n", safe(&line(event))));
    let asker = suite::asker()?;
    let built = build(
        name,
        folder,
        &manifests,
        store,
        (&Machine::this(), &asker),
        &mut tell,
    );
    let built = built.map_err(|error| Error::usage(format!("failed to {error}")))?;
    let label = format!("{}@{}", built.name, built.version);
    told.print(&format!(
        "{}: built, {}\n",
        safe(&label),
        safe(&built.path().to_string_lossy())
    ));
    told.end(ExitStatus::Ok)
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
