//! What is written about a runtime and no longer shows in a version that is newer than any that was examined: it may be
//! fixed.
//!
//! A finding whose range ends before that version is not expected there at all. One whose range has no end is: it has
//! not been seen fixed. If it does not show in a version under which the corpus was run, it is `gone`: the file is
//! wrong.

use std::collections::BTreeMap;

use ocidiff_model::difference::{Fixed, Standing};
use ocidiff_model::known::stands_for;
use ocidiff_model::version::Version;
use ocidiff_model::{Difference, KnownEntry, Record};
use ocidiff_runtimes::Manifest;

use crate::judge::compare::speaks_of;
use crate::judge::verdict::accounts;

/// The newest version of each runtime under which the corpus was run: those that its manifest can install.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Newest(pub BTreeMap<String, Version>);

impl Newest {
    /// From these manifests.
    #[must_use]
    pub fn of(manifests: &[Manifest]) -> Self {
        let newest = manifests.iter().filter_map(|manifest| {
            let install = manifest.install.as_ref()?;
            let debian = install.debian.iter().flat_map(|source| source.versions.keys());
            let built = install.krate.iter().flat_map(|source| &source.versions);
            let all = debian.chain(built).chain(&install.default);
            Some((manifest.name.clone(), all.max()?.clone()))
        });
        Self(newest.collect())
    }

    /// The newest version that was examined, if the runtime's is newer.
    fn before(&self, record: &Record) -> Option<&Version> {
        let version = &record.runtime.version;
        let newest = self.0.get(&record.runtime.name)?;
        (!version.is_local() && version > newest).then_some(newest)
    }

    /// Marks what may be fixed in a difference that is not as the entry says.
    pub fn mark(&self, difference: &mut Difference, entry: &KnownEntry, records: &[&Record]) {
        let Some(fixed) = self.fixed(&difference.fact, entry, records) else {
            return;
        };
        difference.standing = match difference.disagree() {
            true => Standing::Known,
            false => Standing::Fixed,
        };
        difference.written.clear();
        difference.accounts = accounts(entry, records);
        difference
            .accounts
            .retain(|account| fixed.iter().all(|one| one.who != account.who));
        difference.fixed = fixed;
    }

    /// All of these, if each is newer than any version that was examined and what is written about it has no last
    /// version.
    #[must_use]
    pub(crate) fn all_newer(&self, entry: &KnownEntry, records: &[&Record]) -> Vec<Fixed> {
        let fixed = |record: &&Record| {
            Some(Fixed {
                who: record.runtime.label.clone(),
                version: record.runtime.version.clone(),
                because: entry.open_ended(&record.runtime)?.to_vec(),
                until: self.before(record)?.clone(),
            })
        };
        records
            .iter()
            .map(fixed)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// The runtimes that show what all others should show, although something else is written about them; `None` if
    /// some runtime shows what is not written at all, or if none has changed.
    fn fixed(&self, fact: &str, entry: &KnownEntry, records: &[&Record]) -> Option<Vec<Fixed>> {
        let mut fixed = Vec::new();
        for record in records.iter().filter(|record| speaks_of(record, fact)) {
            let value = record.value(fact);
            if entry
                .value_for(&record.runtime)
                .is_some_and(|written| stands_for(written, value))
            {
                continue;
            }
            let (because, otherwise) = (entry.open_ended(&record.runtime)?, entry.otherwise.as_ref()?);
            let until = self.before(record)?;
            if !stands_for(otherwise, value) {
                return None;
            }
            fixed.push(Fixed {
                who: record.runtime.label.clone(),
                version: record.runtime.version.clone(),
                because: because.to_vec(),
                until: until.clone(),
            });
        }
        (!fixed.is_empty()).then_some(fixed)
    }
}

#[cfg(test)]
mod tests;
