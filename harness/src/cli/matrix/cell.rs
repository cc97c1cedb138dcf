//! The folder of a cell: the events of its parts, `1.jsonl`, `2.jsonl`, each from one run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_model::{Event, Verdict};
use ocidiff_reports::events::{self, Recording};
use ocidiff_reports::safe;

use super::output;
use crate::error::Error;
use crate::matrix::{Cell, Plan, Times};

/// The file that says what a matrix's folder is for.
pub(super) const PLAN: &str = "plan.json";
/// Larger than any plan.
pub(super) const PLAN_BYTES: u64 = 64 << 20;

/// The files of events of a cell, in the order in which they were written. A run that was killed leaves `N.jsonl.part`.
pub(super) fn parts(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = entries(folder)
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let name = name.strip_suffix(".part").unwrap_or(&name);
            Some((name.strip_suffix(".jsonl")?.parse().ok()?, path))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// What is in a folder; nothing if it cannot be read.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// The events of each part; a part that did not even begin is left out.
pub(super) fn read(folder: &Path) -> Vec<Vec<Event>> {
    let mut all = Vec::new();
    for path in parts(folder) {
        match events::read_file(&path) {
            Ok(Recording::Run(recorded)) => all.push(recorded.events),
            Ok(Recording::Checks(_)) | Err(events::Error::NoStart) => {}
            Err(error) => output::complain(&format!("{}: left out: {error}", safe(&path.to_string_lossy()))),
        }
    }
    all
}

/// The results of a cell: a case that is in several parts counts once, with what the first says, as `merge` does it.
pub(super) fn results(folder: &Path) -> BTreeMap<String, Verdict> {
    first_of(read(folder))
}

fn first_of(parts: Vec<Vec<Event>>) -> BTreeMap<String, Verdict> {
    let mut found = BTreeMap::new();
    for event in parts.into_iter().flatten() {
        if let Event::CaseFinished(report) = event {
            found.entry(report.case).or_insert(report.verdict);
        }
    }
    found
}

/// The cases of a cell that have a result.
pub(super) fn done(folder: &Path) -> BTreeSet<String> {
    results(folder).into_keys().collect()
}

/// The number of the next part.
pub(super) fn next(folder: &Path) -> u32 {
    (1..)
        .find(|number| {
            let name = folder.join(format!("{number}.jsonl"));
            !name.exists() && !name.with_extension("jsonl.part").exists()
        })
        .unwrap_or(u32::MAX)
}

/// The plan that a folder belongs to.
pub(super) fn plan_of(folder: &Path) -> Result<Option<Plan>, Error> {
    let path = folder.join(PLAN);
    let shown = safe(&path.to_string_lossy());
    match ocidiff_confine::read_text(&path, ocidiff_confine::raised(PLAN_BYTES)) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Error::usage(format!("failed to read {shown}: {error}"))),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(Error::usage(format!("failed to read {shown}: {error}"))),
    }
}

/// Takes the times from a folder that a matrix left.
pub(super) fn learn(folder: &Path, times: &mut Times) -> Result<(), Error> {
    let shown = safe(&folder.to_string_lossy());
    let plan = plan_of(folder)?;
    let plan =
        plan.ok_or_else(|| Error::usage(format!("failed to find a matrix in {shown}: it has no {PLAN}")))?;
    for cell in &plan.cells {
        for events in read(&place(folder, cell)) {
            times.learn(cell.axis.is_host(), &events);
        }
    }
    Ok(())
}

/// Where a cell's events are.
pub(super) fn place(folder: &Path, cell: &Cell) -> PathBuf {
    folder.join(cell.axis.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_in_two_parts_counts_once() {
        let finished = |case: &str, verdict: &str| {
            let event = serde_json::json!({
                "event": "case-finished", "case": case, "summary": "s", "source": "x.yaml", "verdict": verdict,
                "seconds": 1, "runs": 1,
            });
            serde_json::from_value::<Event>(event).expect("an event")
        };
        let parts = vec![
            vec![finished("a/b", "agree"), finished("a/c", "known")],
            vec![finished("a/c", "new"), finished("a/d", "agree")],
        ];
        let found = first_of(parts);
        assert_eq!(found.len(), 3);
        assert_eq!(found.get("a/c"), Some(&Verdict::Known));
    }
}
