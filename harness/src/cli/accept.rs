//! `ocidiff accept`: writes what cases show into their known files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ocidiff_model::known::Machine;
use ocidiff_model::{Difference, ExitStatus, Record, Verdict};
use ocidiff_reports::safe;
use rustix::fs::{FlockOperation, flock};

use super::args::SelectArgs;
use super::{files, output, some};
use crate::accept::{Observed, rewrite};
use crate::corpus::Entry;
use crate::error::Error;
use crate::suite;

/// Runs the cases and rewrites the known file of each that differs, or whose known differences are gone.
pub(crate) fn accept(args: &SelectArgs) -> Result<ExitStatus, Error> {
    let ran = some::run(&args.patterns, &args.with)?;
    let mut known: BTreeMap<PathBuf, Vec<Observed>> = BTreeMap::new();
    let mut status = ExitStatus::Ok;
    for (entry, finished) in &ran {
        match finished.report.verdict {
            Verdict::Broken | Verdict::Unstable => {
                status = ExitStatus::Broken;
                let why = finished
                    .report
                    .why
                    .clone()
                    .unwrap_or_else(|| "it is not the same each time".to_owned());
                output::complain(&format!("{}: not accepted: {why}", entry.case.name));
            }
            Verdict::Skipped | Verdict::Unsupported => {}
            _ => {
                let path = known_file(entry)?;
                let seen = observed(entry, &finished.report.differences, &finished.records);
                known.entry(path).or_default().extend(seen);
            }
        }
    }
    let machine = suite::abilities()?.machine;
    let mut told = output::Aside::default();
    for (path, observed) in known {
        if let Some(line) = update(&path, &observed, &machine)? {
            told.print(&line);
        }
    }
    told.end(status)
}

/// Rewrites one known file; what to say of it.
fn update(path: &Path, observed: &[Observed], machine: &Machine) -> Result<Option<String>, Error> {
    let failed = |error: io::Error| Error::usage(format!("{}: {error}", path.display()));
    // Of two that accept at once the second waits: it must not write over what the first has written.
    let folder = File::open(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    flock(&folder, FlockOperation::LockExclusive).map_err(|error| failed(error.into()))?;
    let before = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let after = rewrite(&before, observed, machine)
        .map_err(|error| Error::usage(format!("{}: {error}", path.display())))?;
    if after == before {
        return Ok(None);
    }
    let shown = safe(&path.to_string_lossy());
    if after.trim().is_empty() {
        fs::remove_file(path).map_err(failed)?;
        return Ok(Some(format!("removed {shown}: nothing of it shows\n")));
    }
    files::write(path, &after, files::SHARED)?;
    Ok(Some(format!("wrote {shown}\n")))
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

fn observed(entry: &Entry, differences: &[Difference], records: &[Record]) -> Vec<Observed> {
    differences
        .iter()
        .map(|difference| Observed {
            fact: difference.fact.clone(),
            member: entry.case.member.clone(),
            gone: matches!(difference.standing, ocidiff_model::difference::Standing::Gone),
            known: matches!(difference.standing, ocidiff_model::difference::Standing::Known),
            requirement: difference.requirement.clone(),
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
