//! From what is written in a known file to entries: the versions and machines that an item is about are those of the
//! findings that it names.

use super::{ANY, Catalogue, Explained, FindingId, Group, Item, KnownEntry, RuntimeKey, When, Written};
use crate::fact::Value;
use crate::finding::Sign;
use crate::range::Range;

/// Why a known file cannot be checked against the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No such finding.
    #[error("there is no finding `{0}`")]
    NoFinding(FindingId),
    /// Nobody is meant.
    #[error(
        "`{0}` is not a finding of a runtime: say in `who` which runtimes have the value, as in [runc, crun <1.21]"
    )]
    WhoIsNeeded(FindingId),
    /// Two runtimes cannot be one.
    #[error(
        "`{0}` and `{1}` are findings of two runtimes: give each its own value, or say in `who` which runtimes have it"
    )]
    TwoRuntimes(FindingId, FindingId),
}

impl Group {
    /// The entries of the group; `runtimes` are the names of the existing runtimes.
    ///
    /// # Errors
    /// The first slip of each item, with the fact and the item's place.
    pub fn entries(&self, catalogue: &Catalogue, runtimes: &[String]) -> Result<Vec<KnownEntry>, Vec<Slip>> {
        let mut slips = Vec::new();
        let mut entries = Vec::new();
        for (fact, said) in &self.facts {
            let mut entry = KnownEntry {
                fact: fact.clone(),
                members: self.members.clone(),
                when: self.when.clone(),
                rate: self.rate,
                written: Vec::new(),
                otherwise: None,
                by_signs: !said.shown().is_empty(),
            };
            entry.otherwise = usual(said.shown(), fact, catalogue);
            for (at, id) in said.shown().iter().enumerate() {
                let who = match who(std::slice::from_ref(id), catalogue, runtimes) {
                    // For a library, say: under which runtimes it shows is not known here.
                    Err(ResolveError::WhoIsNeeded(_)) if !id.is_unexplained() => Ok(Vec::new()),
                    who => who,
                };
                match who {
                    Ok(who) => entry.written.push(Written {
                        because: vec![id.clone()],
                        who,
                        when: machines(std::slice::from_ref(id), catalogue),
                        shows: signs(id, fact, catalogue)
                            .and_then(|signs| only(signs.map(Sign::value)))
                            .unwrap_or_else(|| Value::from(ANY)),
                    }),
                    Err(error) => slips.push(Slip {
                        fact: fact.clone(),
                        item: at,
                        error,
                    }),
                }
            }
            for (at, item) in said.items().iter().enumerate() {
                match item {
                    Item::Otherwise(value) => entry.otherwise = Some(value.otherwise.clone()),
                    Item::Because(item) => match item.who(catalogue, runtimes) {
                        Ok(who) => entry.written.push(Written {
                            because: item.because.ids().to_vec(),
                            who,
                            when: machines(item.because.ids(), catalogue),
                            shows: item.shows.clone(),
                        }),
                        Err(error) => slips.push(Slip {
                            fact: fact.clone(),
                            item: at,
                            error,
                        }),
                    },
                }
            }
            entries.push(entry);
        }
        if slips.is_empty() { Ok(entries) } else { Err(slips) }
    }
}

/// A slip in an item of a known file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// The fact.
    pub fact: String,
    /// Which of its items, from 0.
    pub item: usize,
    /// What is wrong.
    pub error: ResolveError,
}

/// What all others show for a fact, if the signs of the findings give a single value.
fn usual(ids: &[FindingId], fact: &str, catalogue: &Catalogue) -> Option<Value> {
    only(ids.iter().flat_map(|id| {
        let said = signs(id, fact, catalogue).and_then(|signs| only(signs.map(Sign::usual)));
        std::iter::once(said)
    }))
}

/// The signs of a finding that are about a fact.
fn signs<'c>(
    id: &FindingId,
    fact: &'c str,
    catalogue: &'c Catalogue,
) -> Option<impl Iterator<Item = &'c Sign>> {
    let signs = catalogue.find(id)?.shows.iter();
    Some(signs.filter(move |sign| sign.is_about(fact)))
}

/// The value that all of them give.
fn only<V: Into<Option<Value>>>(mut all: impl Iterator<Item = V>) -> Option<Value> {
    let first = all.next()?.into()?;
    all.all(|other| other.into().as_ref() == Some(&first))
        .then_some(first)
}

impl Explained {
    fn who(&self, catalogue: &Catalogue, runtimes: &[String]) -> Result<Vec<RuntimeKey>, ResolveError> {
        let of_findings = who(self.because.ids(), catalogue, runtimes);
        match of_findings {
            Err(error @ ResolveError::NoFinding(_)) => Err(error),
            _ if !self.who.is_empty() => Ok(self.who.clone()),
            of_findings => of_findings,
        }
    }
}

/// The versions that findings of one runtime are about, all of them together.
fn who(
    ids: &[FindingId],
    catalogue: &Catalogue,
    runtimes: &[String],
) -> Result<Vec<RuntimeKey>, ResolveError> {
    for id in ids.iter().filter(|id| !id.is_unexplained()) {
        if catalogue.find(id).is_none() {
            return Err(ResolveError::NoFinding(id.clone()));
        }
    }
    let mut of_runtimes = ids
        .iter()
        .filter(|id| runtimes.iter().any(|name| name == id.component()));
    let Some(first) = of_runtimes.next() else {
        let id = ids.first().cloned().unwrap_or_else(FindingId::unexplained);
        return Err(ResolveError::WhoIsNeeded(id));
    };
    if let Some(other) = of_runtimes.find(|id| id.component() != first.component()) {
        return Err(ResolveError::TwoRuntimes(first.clone(), other.clone()));
    }
    let of_first = ids.iter().filter(|id| id.component() == first.component());
    let ranges = of_first.filter_map(|id| catalogue.find(id)?.range());
    let range = ranges.fold(Range::all(), |all, range| all.and(range));
    Ok(vec![RuntimeKey {
        name: first.component().to_owned(),
        range,
    }])
}

/// The machines on which findings apply, as far as these are not all.
fn machines(ids: &[FindingId], catalogue: &Catalogue) -> Vec<When> {
    let applies = ids.iter().filter_map(|id| catalogue.find(id)?.applies.as_ref());
    applies.filter_map(|applies| applies.when.clone()).collect()
}
