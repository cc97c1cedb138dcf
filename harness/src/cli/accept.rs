//! `ocidiff accept`: writes what cases show into their known files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ocidiff_confine::{raised, read_text};
use ocidiff_model::difference::{Fixed, Standing};
use ocidiff_model::{Difference, ExitStatus, Record, Verdict};
use ocidiff_reports::safe;
use rustix::fs::{FlockOperation, flock};
use similar::TextDiff;

use super::args::AcceptArgs;
use super::{files, output, records};
use crate::accept::{Knowledge, Observed, rewrite};
use crate::corpus::{Entry, folder};
use crate::error::Error;
use crate::run::suite;

/// Runs the cases and rewrites the known file of each that differs, or whose known differences are gone.
pub(crate) fn accept(args: &AcceptArgs) -> Result<ExitStatus, Error> {
    let ran = records::run(&args.select.patterns, &args.select.with)?;
    let mut known: BTreeMap<PathBuf, Vec<Observed>> = BTreeMap::new();
    let mut status = records::tell_unmet(ran.iter().map(|(_, finished)| finished));
    for (entry, finished) in &ran {
        let case = &entry.case.name;
        let mut refuse = |why: &str| {
            status = ExitStatus::Broken;
            output::complain(&format!("{case}: not accepted: {why}"));
        };
        match finished.report.verdict {
            Verdict::Broken | Verdict::Skipped | Verdict::Unsupported => {}
            _ => {
                let path = known_file(entry)?;
                let differences = &finished.report.differences;
                // A file holds one value, and the next run would show another.
                let steady = |difference: &&Difference| {
                    !matches!(difference.standing, Standing::Unstable { .. }) && difference.seen.is_empty()
                };
                for difference in differences.iter().filter(|difference| !steady(difference)) {
                    refuse(&format!(
                        "{} was not the same in each run; where that is its nature, write \"*\" and a `reason` in {}",
                        difference.fact,
                        safe(&path.to_string_lossy())
                    ));
                }
                for fixed in differences.iter().flat_map(|difference| &difference.fixed) {
                    tell_fixed(case, fixed);
                }
                let steady: Vec<_> = differences.iter().filter(steady).collect();
                let seen = observed(entry, &steady, &finished.records);
                known.entry(path).or_default().extend(seen);
            }
        }
    }
    let machine = suite::abilities()?.machine;
    let corpus = suite::corpus(args.select.with.cases.as_deref())?;
    let mut told = output::Aside::default();
    for (path, observed) in known {
        let family = corpus
            .entries
            .iter()
            .filter(|entry| known_file(entry).is_ok_and(|file| file == path));
        let members: Vec<String> = family.filter_map(|entry| entry.case.member.clone()).collect();
        let knowledge = Knowledge {
            machine: &machine,
            catalogue: &corpus.findings,
            runtimes: &corpus.runtimes,
            members: &members,
        };
        if let Some(text) = update(&path, &observed, knowledge, args.dry_run)? {
            told.print(&text);
        }
    }
    told.end(status)
}

/// A range that should end does not belong in a known file.
fn tell_fixed(case: &str, fixed: &Fixed) {
    for id in &fixed.because {
        output::complain(&format!(
            "{case}: {id} does not show in {} {}: if it is fixed there, end its range in cases/findings/{id}.yaml",
            fixed.who, fixed.version
        ));
    }
}

/// Rewrites one known file, unless it is a dry run; returns what to say about it, with the change as a diff.
fn update(
    path: &Path,
    observed: &[Observed],
    knowledge: Knowledge<'_>,
    dry_run: bool,
) -> Result<Option<String>, Error> {
    let failed = |error: io::Error| Error::usage(format!("{}: {error}", path.display()));
    // If two accept at once, the second waits: it must not overwrite what the first has written.
    let folder = File::open(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let before = match read_text(path, raised(folder::FILE)) {
        Err(error) if error.is_absent() => String::new(),
        read => read.map_err(|error| Error::usage(format!("failed to read {}: {error}", path.display())))?,
    };
    let after = rewrite(&before, observed, knowledge)
        .map_err(|error| Error::usage(format!("{}: {error}", path.display())))?;
    if after == before {
        return Ok(None);
    }
    let shown = safe(&path.to_string_lossy());
    let removed = after.trim().is_empty();
    let said = match (dry_run, removed) {
        (true, true) => format!("would remove {shown}: nothing of it shows\n"),
        (true, false) => format!("would write {shown}\n"),
        (false, true) => format!("removed {shown}: nothing of it shows\n"),
        (false, false) => format!("wrote {shown}\n"),
    };
    match (dry_run, removed) {
        (true, _) => {}
        (false, true) => fs::remove_file(path).map_err(failed)?,
        (false, false) => files::write(path, &after, files::SHARED)?,
    }
    Ok(Some(format!("{said}{}", change(&before, &after))))
}

/// The change as a diff.
fn change(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(2).to_string();
    text.lines().map(|line| format!("  {}\n", safe(line))).collect()
}

fn known_file(entry: &Entry) -> Result<PathBuf, Error> {
    entry
        .case
        .source
        .strip_suffix(".yaml")
        .filter(|_| !entry.case.source.starts_with("built in"))
        .map_or_else(
            || {
                Err(Error::usage(format!(
                    "{} is built into the program; run this in a checkout, or with --cases DIR",
                    entry.case.name
                )))
            },
            |stem| Ok(PathBuf::from(format!("{stem}.known.yaml"))),
        )
}

fn observed(entry: &Entry, differences: &[&Difference], records: &[Record]) -> Vec<Observed> {
    differences
        .iter()
        .map(|difference| Observed {
            fact: difference.fact.clone(),
            member: entry.case.member.clone(),
            gone: matches!(difference.standing, Standing::Gone),
            // What may be fixed is corrected in the finding, whose range should end.
            known: matches!(difference.standing, Standing::Known | Standing::Fixed),
            expected: difference
                .expected
                .clone()
                .filter(|_| !difference.against.is_empty()),
            values: records
                .iter()
                .filter(|record| {
                    difference
                        .groups
                        .iter()
                        .any(|group| group.runtimes.contains(&record.runtime.label))
                })
                .map(|record| (record.runtime.clone(), record.value(&difference.fact).cloned()))
                .collect(),
        })
        .collect()
}
