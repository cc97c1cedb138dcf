//! How bad a difference is for a workload, why, and what to do about it.
//!
//! Most comes from the catalogue: what a finding accounts for has its impact, cause and remedy. For the rest there are
//! rules based on what a fact is about (`rules.yaml`).

use std::collections::BTreeSet;

use ocidiff_model::check::Finding;
use ocidiff_model::{FindingId, Value};

use super::calls::calls;
use super::devices::{self, DEVICES};
use super::ended::STARTED;
use super::fact::{About, fact};
use super::from_to::{Move, values};
use super::look::Seen;
use super::rules::Readings;
use super::shape::Shape;
use crate::corpus::Corpus;

/// Everything that was read and seen, judged and sorted with the worst first.
#[must_use]
pub fn judge(seen: &Seen, step: Move<'_>, shape: &Shape, corpus: &Corpus) -> Vec<Finding> {
    let tamed = &shape.tamed;
    let readings = Readings::of(&seen.led);
    let about = About {
        seen,
        readings: &readings,
        step,
        tamed,
        corpus,
    };
    let facts = seen.differences.iter().flat_map(|one| match values(one, step) {
        (Some(Value::List(from)), Some(Value::List(to))) if one.fact == DEVICES => {
            devices::findings(&from, &to, &tamed.uses, step, corpus, &tamed.config)
        }
        _ => vec![fact(one, &about)],
    });
    let mut all: Vec<Finding> = Vec::new();
    for finding in seen.rows.iter().map(|row| calls(row, step, &shape.libc, corpus)) {
        // The same for another architecture.
        match all.iter_mut().find(|there| is_alike(there, &finding)) {
            Some(there) => {
                there.what = format!("{}; {}", there.what, finding.what.trim_start_matches("calls "));
            }
            None => all.push(finding),
        }
    }
    all.extend(facts);
    let starts = !seen
        .differences
        .iter()
        .any(|one| ["lifecycle.create.result", STARTED].contains(&one.fact.as_str()));
    // What the probe has already met is not reported again from reading, nor is what can be met only once it starts.
    let met: BTreeSet<Option<FindingId>> = all.iter().map(|one| one.id.clone()).collect();
    let read = shape
        .read
        .iter()
        .filter(|read| !read.is_settled_by(&seen.facts))
        .filter(|read| starts && (read.finding.id.is_none() || !met.contains(&read.finding.id)));
    all.extend(read.map(|read| read.finding.clone()));
    worst_first(&mut all);
    by_cause(all)
}

/// Separates a reason from its other consequences.
const ALSO: &str = "; also ";

/// One row for everything that a finding accounts for: the worst of it, with the names of the rest.
fn by_cause(all: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<(Finding, Vec<String>)> = Vec::new();
    for finding in all {
        let same = told
            .iter_mut()
            .find(|(there, _)| finding.id.is_some() && there.id == finding.id);
        match same {
            Some((_, more)) => more.push(finding.what),
            None => told.push((finding, Vec::new())),
        }
    }
    let join = |(mut finding, more): (Finding, Vec<String>)| {
        let (shown, rest) = more.split_at(more.len().min(3));
        if !shown.is_empty() {
            let reason = finding.reason.trim_end_matches('.');
            finding.reason = format!("{reason}{ALSO}{}", shown.join(", "));
        }
        if !rest.is_empty() {
            finding.reason = format!("{} and {} more", finding.reason, rest.len());
        }
        finding
    };
    told.into_iter().map(join).collect()
}

/// Puts the worst first; within the same impact, failures come before the rest, and then the order is by subject.
pub fn worst_first(findings: &mut [Finding]) {
    let later = |one: &Finding| !one.what.starts_with("lifecycle.");
    findings.sort_by(|a, b| {
        let by_impact = b.impact.cmp(&a.impact);
        by_impact.then_with(|| (later(a), &a.what).cmp(&(later(b), &b.what)))
    });
}

fn is_alike(one: &Finding, other: &Finding) -> bool {
    let of = |finding: &Finding| {
        (
            finding.impact,
            finding.from.clone(),
            finding.to.clone(),
            finding.reason.clone(),
        )
    };
    of(one) == of(other)
}
