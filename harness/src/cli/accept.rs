//! `ocidiff accept`: writes what cases show into their known files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ocidiff_confine::{raised, read_text};
use ocidiff_model::{Difference, ExitStatus, Record, Verdict};

use super::args::SelectArgs;
use super::{output, some};
use crate::accept::{Observed, rewrite};
use crate::corpus::{Entry, files};
use crate::error::Error;
use crate::suite;

/// Runs the cases and rewrites the known file of each that differs, or whose known differences are gone.
pub(crate) fn accept(args: &SelectArgs) -> Result<ExitStatus, Error> {
    let ran = some::run(&args.patterns, &args.with)?;
    let mut files: BTreeMap<PathBuf, Vec<Observed>> = BTreeMap::new();
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
                files.entry(path).or_default().extend(seen);
            }
        }
    }
    let machine = suite::abilities()?.machine;
    for (path, observed) in files {
        let before = match read_text(&path, raised(files::FILE)) {
            Err(error) if error.is_absent() => String::new(),
            read => {
                read.map_err(|error| Error::usage(format!("failed to read {}: {error}", path.display())))?
            }
        };
        let after = rewrite(&before, &observed, &machine)
            .map_err(|error| Error::usage(format!("{}: {error}", path.display())))?;
        if after == before {
            continue;
        }
        if after.trim().is_empty() {
            std::fs::remove_file(&path).map_err(Error::usage)?;
            output::print(&format!("removed {}: nothing of it shows\n", path.display()));
        } else {
            output::write_file(&path, &after)?;
            output::print(&format!("wrote {}\n", path.display()));
        }
    }
    Ok(status)
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
