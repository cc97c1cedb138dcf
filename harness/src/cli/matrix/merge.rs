//! `ocidiff matrix merge`: the parts of each cell, from one folder or many, as one file of events.

use std::collections::BTreeMap;
use std::fs;

use ocidiff_model::{Event, ExitStatus};
use ocidiff_reports::events::lines_of;
use ocidiff_reports::safe;

use super::{MergeArgs, cell, output};
use crate::cli::files;
use crate::error::Error;
use crate::matrix::{Cell, join};

/// Joins, and reports how complete each cell is.
pub(super) fn merge(args: &MergeArgs) -> Result<ExitStatus, Error> {
    let mut found: BTreeMap<String, (Cell, Vec<Vec<Event>>)> = BTreeMap::new();
    for folder in &args.folders {
        let shown = safe(&folder.to_string_lossy());
        let plan = cell::plan_of(folder)?.ok_or_else(|| {
            Error::usage(format!(
                "failed to find a matrix in {shown}: it has no {}",
                cell::PLAN
            ))
        })?;
        for one in plan.cells {
            let parts = cell::read(&cell::place(folder, &one));
            let entry = found
                .entry(one.axis.to_string())
                .or_insert_with(|| (one, Vec::new()));
            entry.1.extend(parts);
        }
    }
    let shown = safe(&args.out.to_string_lossy());
    fs::create_dir_all(&args.out)
        .map_err(|error| Error::usage(format!("failed to make {shown}: {error}")))?;
    let mut status = ExitStatus::Ok;
    for (name, (one, parts)) in found {
        match join(parts, one.of) {
            Ok(events) => {
                let text = lines_of(&events).map_err(|error| Error::broken(format!("failed to {error}")))?;
                files::write(&args.out.join(format!("{name}.jsonl")), &text, files::PRIVATE)?;
                let done = events.len().saturating_sub(2);
                if done < one.of {
                    status = ExitStatus::Broken;
                }
                output::print(&format!("{name:22} {done} of {} cases\n", one.of))?;
            }
            Err(why) => {
                output::complain(&format!("{name}: {why}"));
                status = ExitStatus::Broken;
            }
        }
    }
    Ok(status)
}
