//! Results that cannot have changed: taken from the events of an earlier run, and not run again.
//!
//! A result has a key: a digest of everything that it depends on. That is the case and what is known about it, its
//! bundle, the findings, each runtime's program, this program, the kernel and the rest of the machine, the recorder,
//! and how often a case is run. Where an earlier result has the same key and was the same each time, it is what a run
//! would show.

use std::collections::BTreeMap;

use ocidiff_model::event::CaseReport;
use ocidiff_model::record::BundleDigest;
use ocidiff_model::{Event, Rootfs, Verdict};
use sha2::{Digest, Sha256};

use crate::corpus::Entry;
use crate::digest::hex;

/// What all results of a run depend on, and the results of an earlier run.
#[derive(Debug, Default)]
pub struct Carry {
    base: String,
    earlier: BTreeMap<String, CaseReport>,
}

impl Carry {
    /// For results that all depend on what `base` is the digest of.
    #[must_use]
    pub fn new(base: String) -> Self {
        Self {
            base,
            earlier: BTreeMap::new(),
        }
    }

    /// Takes results from the events of an earlier run.
    pub fn take(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::CaseFinished(report) if is_certain(&report) => {
                    self.earlier.insert(report.case.clone(), *report);
                }
                _ => {}
            }
        }
    }

    /// The key of a case's result; none if its rootfs is folders of the machine, whose files may have changed.
    #[must_use]
    pub fn key(&self, entry: &Entry, bundle: &BundleDigest) -> Option<String> {
        if matches!(entry.case.body.rootfs, Rootfs::Folders(_)) {
            return None;
        }
        let of = format!("{}\n{bundle:?}\n{:?}\n{:?}", self.base, entry.case, entry.known);
        Some(hex(&Sha256::digest(of.as_bytes())))
    }

    /// The earlier result of the case that has the key.
    #[must_use]
    pub fn earlier(&self, case: &str, key: &str) -> Option<CaseReport> {
        let report = self.earlier.get(case)?;
        (report.key.as_deref() == Some(key)).then(|| CaseReport {
            carried: true,
            ..report.clone()
        })
    }
}

/// Whether running the case again would show nothing else.
fn is_certain(report: &CaseReport) -> bool {
    let unstable = |difference: &ocidiff_model::Difference| {
        matches!(
            difference.standing,
            ocidiff_model::difference::Standing::Unstable { .. }
        ) || !difference.seen.is_empty()
    };
    !matches!(
        report.verdict,
        Verdict::Broken | Verdict::Skipped | Verdict::Unstable
    ) && !report.differences.iter().any(unstable)
        && !report.findings.values().any(|card| card.races)
}
