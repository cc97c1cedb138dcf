//! `ocidiff bisect`: between which two versions a behaviour changed, and which range follows from that.

mod case;
mod finding;
mod git;
mod told;

use std::collections::BTreeMap;

use clap::Args;
use ocidiff_model::event::{CaseReport, Event, Participant};
use ocidiff_model::version::Version;
use ocidiff_model::{ExitStatus, Finding, FindingId, RuntimeId};
use ocidiff_reports::safe;
use ocidiff_runtimes::{Runtime, Selector};

use super::args::{RunArgs, WithArgs};
use super::{output, run};
use crate::bisect::{Looked, label_of};
use crate::corpus::{Corpus, Entry};
use crate::error::Error;
use crate::findings::{cases_of, help};
use crate::machine::root;
use crate::run::plan;
use crate::run::suite;

/// What is looked for, and where.
#[derive(Debug, Args)]
pub(crate) struct BisectArgs {
    /// A case, or a finding: COMPONENT/SLUG
    #[arg(value_name = "CASE|FINDING")]
    what: String,
    #[command(flatten)]
    with: WithArgs,
    /// How many times to run each version; the difference must show each time
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    repeat: u16,
    #[command(flatten)]
    git: git::GitArgs,
}

/// What is looked for.
enum Subject<'c> {
    /// Whatever changes in a case.
    Case(&'c Entry),
    /// A finding, in the cases that name it: the one that differs least comes first.
    Finding(&'c FindingId, &'c Finding, Vec<&'c Entry>),
}

/// Finds where it changed by running, and says what it means.
pub(crate) fn bisect(args: &BisectArgs) -> Result<ExitStatus, Error> {
    let corpus = suite::corpus(args.with.cases.as_deref())?;
    let subject = subject(&args.what, &corpus)?;
    is_of_the_runtime(args, &subject, &corpus)?;
    root::need_root()?;
    if let Some(git) = args.git.asked()? {
        return git::bisect(&git, &subject, &corpus, &args.with);
    }
    let versions = versions(&args.with)?;
    match subject {
        Subject::Case(entry) => case::search(args, &corpus, entry, &versions),
        Subject::Finding(id, finding, entries) => finding::search(args, (id, finding), &entries, &versions),
    }
}

/// A finding about one runtime says nothing about the versions of another.
fn is_of_the_runtime(args: &BisectArgs, subject: &Subject<'_>, corpus: &Corpus) -> Result<(), Error> {
    let Subject::Finding(finding, ..) = subject else {
        return Ok(());
    };
    if !corpus.runtimes.iter().any(|name| name == finding.component()) {
        return Ok(());
    }
    for typed in &args.with.runtimes {
        let Selector { name, .. } = typed
            .parse()
            .map_err(|error| Error::usage(format!("failed to {error}")))?;
        if name != finding.component() {
            let component = finding.component();
            return Err(Error::usage(format!(
                "{finding} is a finding of {component}, not of {name}: give `--runtime {component}`"
            )));
        }
    }
    Ok(())
}

/// What is meant: a case, or a finding with the cases that name it.
fn subject<'c>(what: &str, corpus: &'c Corpus) -> Result<Subject<'c>, Error> {
    if let Some((id, finding)) = corpus.findings.0.iter().find(|(id, _)| id.as_str() == what) {
        let mut entries: Vec<&Entry> = cases_of(corpus, id).collect();
        entries.sort_by_key(|entry| (entry.known.0.len(), &entry.case.name));
        if entries.is_empty() {
            return Err(Error::usage(format!(
                "no case shows `{id}`: there is nothing to run"
            )));
        }
        return Ok(Subject::Finding(id, finding, entries));
    }
    let chosen = plan::select(&corpus.entries, std::slice::from_ref(&what.to_owned()));
    match chosen.as_deref() {
        Ok([entry]) => Ok(Subject::Case(entry)),
        Ok(several) => Err(Error::usage(format!(
            "`{}` is {} cases; name one of them, such as {}",
            safe(what),
            several.len(),
            several.first().map_or("", |entry| &entry.case.name)
        ))),
        Err(_) => Err(Error::usage(format!(
            "there is neither a case nor a finding `{}`; {}",
            safe(what),
            help(what, corpus)
        ))),
    }
}

/// The versions to search, in order: those that were named, or all that are installed under a name.
fn versions(with: &WithArgs) -> Result<Vec<Runtime>, Error> {
    let mut all = match &with.runtimes[..] {
        [] => {
            return Err(Error::usage(
                "which runtime? name it, as --runtime crun for all of its versions that are there",
            ));
        }
        [name] if !name.contains(['@', '=']) => {
            // An unknown name is reported as everywhere else.
            suite::runtimes(&with.runtimes, &suite::store()?)?;
            suite::versions_of(name)?
        }
        several => suite::runtimes(several, &suite::store()?)?,
    };
    let name = all.first().map_or(String::new(), |first| first.name().to_owned());
    if let Some(other) = all.iter().find(|runtime| runtime.name() != name) {
        return Err(Error::usage(format!(
            "{name} and {} are several runtimes; name versions of one",
            other.name()
        )));
    }
    all.sort_by(|a, b| a.version.cmp(&b.version));
    all.dedup_by(|a, b| a.version.as_str() == b.version.as_str());
    match all.len() {
        0 | 1 => Err(Error::usage(format!(
            "it takes two versions of {name} to compare, and there is {}; `ocidiff runtimes install {name}@VERSION` installs more",
            all.first().map_or("none".to_owned(), Runtime::label)
        ))),
        _ => Ok(all),
    }
}

/// Runs cases under versions; what was seen, case by case in the order of their names here.
fn ran(args: &BisectArgs, cases: &[&str], runtimes: &[&Runtime]) -> Result<Vec<Looked>, Error> {
    let selector = |runtime: &&Runtime| format!("{}={}", runtime.name(), runtime.path.display());
    let with = WithArgs {
        runtimes: runtimes.iter().map(selector).collect(),
        ..args.with.clone()
    };
    let names = cases.iter().map(|case| (*case).to_owned()).collect();
    let plain = RunArgs {
        repeat: args.repeat,
        ..RunArgs::plain(names, with, None)
    };
    let (events, _) = run::quietly(&plain)?;
    let mut labels = Vec::new();
    let mut reports: BTreeMap<String, CaseReport> = BTreeMap::new();
    for event in events {
        match event {
            Event::RunStarted { runtimes: there, .. } => labels = labels_of(runtimes, &there)?,
            Event::CaseFinished(report) => {
                if let Some(why) = &report.why {
                    output::complain(&format!("{}: {}: {why}", report.case, report.verdict));
                }
                reports.insert(report.case.clone(), *report);
            }
            Event::RunFinished { .. } => {}
        }
    }
    let look = |case: &&str| {
        let report = reports.remove(*case);
        let report =
            report.ok_or_else(|| Error::broken(format!("{case} has no verdict: the run was interrupted")))?;
        Ok(Looked {
            report,
            labels: labels.clone(),
        })
    };
    cases.iter().map(look).collect()
}

/// The run's names for the runtimes.
fn labels_of(runtimes: &[&Runtime], there: &[Participant]) -> Result<Vec<String>, Error> {
    let of = |runtime: &&Runtime| {
        label_of(there, runtime.version.as_str()).ok_or_else(|| {
            Error::broken(format!(
                "{} does not start a plain container here",
                runtime.label()
            ))
        })
    };
    runtimes.iter().map(of).collect()
}

/// What there is between two versions that was not run: what is installed, and what the manifest knows to install.
fn between(before: &Runtime, after: &Runtime, run: &[&Runtime]) -> Result<told::Between, Error> {
    let is_run = |version: &Version| {
        let mut run = run.iter();
        run.any(|one| one.version.as_str() == version.as_str())
    };
    let is_between = |version: &Version| before.version < *version && *version < after.version;
    let all = suite::versions_of(before.name())?;
    let mut there: Vec<Version> = all.into_iter().map(|runtime| runtime.version).collect();
    there.sort();
    there.dedup();
    there.retain(|version| is_between(version) && !is_run(version));
    let manifests = suite::manifests()?;
    let manifest = manifests.iter().find(|manifest| manifest.name == before.name());
    let install = manifest.and_then(|manifest| manifest.install.as_ref());
    let mut installable = install
        .map(ocidiff_runtimes::Install::versions)
        .unwrap_or_default();
    installable.retain(|version| is_between(version) && !is_run(version) && !there.contains(version));
    Ok(told::Between { there, installable })
}

/// The runtime, as findings and known files name it.
fn id_of(runtime: &Runtime) -> RuntimeId {
    RuntimeId {
        name: runtime.name().to_owned(),
        version: runtime.version.clone(),
        label: runtime.name().to_owned(),
    }
}
