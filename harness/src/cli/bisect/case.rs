//! The search for the first change of a case, whatever it is.

use std::collections::BTreeMap;

use ocidiff_model::{ExitStatus, Value};
use ocidiff_reports::{hanging, safe};
use ocidiff_runtimes::Runtime;

use super::super::output;
use super::told::{self, INDENT};
use super::{BisectArgs, between, ran};
use crate::bisect::{Looked, Pair, Side, differing, search as look_for, side};
use crate::corpus::{Corpus, Entry};
use crate::error::Error;

/// Finds the pair by running, and says what it means.
pub(super) fn search(
    args: &BisectArgs,
    corpus: &Corpus,
    entry: &Entry,
    versions: &[Runtime],
) -> Result<ExitStatus, Error> {
    let case = entry.case.name.as_str();
    let last = versions.len() - 1;
    let ends = one(args, case, &[&versions[0], &versions[last]])?;
    let facts = differing(&ends.report, &ends.labels[0], &ends.labels[1]);
    if facts.is_empty() {
        if !told::is_compared(&ends.report) {
            return Err(Error::broken(format!(
                "cannot tell: {}",
                told::alike(&ends.report)
            )));
        }
        return no_change(args, corpus, versions, &ends);
    }
    let pair = look_for(last, |middle| {
        let these = [&versions[0], &versions[middle], &versions[last]];
        let ran = one(args, case, &these)?;
        let side = side(&ran.report, &facts, &ran.labels[1]);
        told::progress(&versions[middle], side);
        Ok::<Side, Error>(side)
    })?;
    // The two next to each other, without the ends: this is how the reported result was seen.
    let last_look = one(args, case, &[&versions[pair.before], &versions[pair.after]])?;
    answer(args, corpus, versions, &pair, &facts, &last_look)
}

fn one(args: &BisectArgs, case: &str, these: &[&Runtime]) -> Result<Looked, Error> {
    Ok(ran(args, &[case], these)?.remove(0))
}

/// What came and went again does not show between the ends: every pair of neighbours is looked at.
fn no_change(
    args: &BisectArgs,
    corpus: &Corpus,
    versions: &[Runtime],
    ends: &Looked,
) -> Result<ExitStatus, Error> {
    if versions.len() > 2 {
        let text = up_and_down(args, corpus, &ends.report.case, versions)?;
        if !text.is_empty() {
            return output::answer(&text, ExitStatus::Ok);
        }
    }
    let names: Vec<String> = versions.iter().map(Runtime::label).collect();
    let why = format!(
        "no change between {}: {}",
        safe(&names.join(", ")),
        told::alike(&ends.report)
    );
    output::answer(&hanging(&why, INDENT), ExitStatus::Differs)
}

/// Every pair of neighbouring versions that differ, with all of them run at once.
fn up_and_down(
    args: &BisectArgs,
    corpus: &Corpus,
    case: &str,
    versions: &[Runtime],
) -> Result<String, Error> {
    let these: Vec<&Runtime> = versions.iter().collect();
    let ran = one(args, case, &these)?;
    let mut text = String::new();
    for (before, labels) in ran.labels.windows(2).enumerate() {
        let facts = differing(&ran.report, &labels[0], &labels[1]);
        if facts.is_empty() {
            continue;
        }
        let pair = Pair {
            before,
            after: before + 1,
            unknown: Vec::new(),
            other: Vec::new(),
        };
        text.push_str(&told::found(&told::Found {
            corpus,
            report: &ran.report,
            labels: [&labels[0], &labels[1]],
            versions,
            pair: &pair,
            facts: &facts,
            between: &between(&versions[before], &versions[before + 1], &these)?,
            repeat: args.repeat,
        }));
    }
    Ok(text)
}

fn answer(
    args: &BisectArgs,
    corpus: &Corpus,
    versions: &[Runtime],
    pair: &Pair,
    ends: &BTreeMap<String, [Option<Value>; 2]>,
    last_look: &Looked,
) -> Result<ExitStatus, Error> {
    let mut facts = differing(&last_look.report, &last_look.labels[0], &last_look.labels[1]);
    facts.retain(|fact, _| ends.contains_key(fact));
    let (before, after) = (&versions[pair.before], &versions[pair.after]);
    if facts.is_empty() {
        return Err(Error::broken(format!(
            "failed to confirm the change: {} and {} did not differ when they were run once more; --repeat {} may show \
             that it is a race",
            before.label(),
            after.label(),
            u32::from(args.repeat) * 10
        )));
    }
    let those = pair.unknown.iter().chain(&pair.other).map(|at| &versions[*at]);
    let run: Vec<&Runtime> = those.chain([before, after]).collect();
    let text = told::found(&told::Found {
        corpus,
        report: &last_look.report,
        labels: [&last_look.labels[0], &last_look.labels[1]],
        versions,
        pair,
        facts: &facts,
        between: &between(before, after, &run)?,
        repeat: args.repeat,
    });
    output::answer(&text, ExitStatus::Ok)
}
