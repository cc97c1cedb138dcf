//! Decides the filters that were read back: compared with the profile as it is written, and with each other.

use ocidiff_model::filter::{DEPARTURES, FilterAnswer, FilterHit, NamedCall, UNLISTED, Witness};
use ocidiff_model::record::FilterRecord;
use ocidiff_model::{Difference, Fact, FilterRow, Group, Record, Value};
use ocidiff_seccomp::explain::{Row, Summary, since, subject};
use ocidiff_seccomp::profile::{For, Ruling, Written, goarch, native};
use ocidiff_seccomp::{DecideError, Decider, Decision, Filter, Profile};

use super::compare::difference;

/// Why filters were not decided.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// There is no profile to compare them with.
    #[error(transparent)]
    Profile(#[from] ocidiff_seccomp::profile::ProfileError),
    /// The record's bytes are not a filter.
    #[error(transparent)]
    Bytes(#[from] ocidiff_seccomp::NotWhole),
    /// They cannot be decided.
    #[error(transparent)]
    Decide(#[from] DecideError),
}

impl From<ocidiff_seccomp::decide::TooComplex> for Undecided {
    fn from(error: ocidiff_seccomp::decide::TooComplex) -> Self {
        Self::Decide(error.into())
    }
}

/// The instructions of a filter that was read back.
///
/// # Errors
///
/// The record is not a whole number of instructions.
pub fn instructions(record: &FilterRecord) -> Result<Filter, ocidiff_seccomp::NotWhole> {
    let bytes: Vec<u8> = (0..record.code.len() / 2)
        .filter_map(|at| u8::from_str_radix(record.code.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect();
    Filter::from_bytes(&bytes)
}

/// What filters that were read back answer together, the newest first.
pub(super) fn stack(decider: &mut Decider, filters: &[FilterRecord]) -> Result<Decision, Undecided> {
    let filters = filters.iter().map(instructions).collect::<Result<Vec<_>, _>>()?;
    Ok(decider.stack(&filters)?)
}

/// The machine's architecture, by the spec's name.
#[must_use]
pub fn native_arch() -> &'static str {
    native(goarch(std::env::consts::ARCH)).unwrap_or_default()
}

/// A profile and the filters that runtimes made from it.
#[derive(Debug)]
pub struct Filters {
    pub(super) decider: Decider,
    profile: Profile,
    written: Written,
    pub(super) made: Vec<(String, Decision)>,
}

impl Filters {
    /// From a config.json, which must have `linux.seccomp`.
    ///
    /// # Errors
    ///
    /// There is no profile, or it has too many conditions.
    pub fn of_config(config: &str) -> Result<Self, Undecided> {
        // A config is not resolved: the container that it is for does not matter.
        let container = For {
            goarch: goarch(std::env::consts::ARCH).to_owned(),
            capabilities: std::collections::BTreeSet::new(),
            kernel: (0, 0),
        };
        Self::of_profile(Profile::read(config, &container)?.0)
    }

    /// From a profile.
    ///
    /// # Errors
    ///
    /// It has too many conditions.
    pub fn of_profile(profile: Profile) -> Result<Self, Undecided> {
        let mut decider = Decider::default();
        let written = decider.written(&profile, native_arch())?;
        Ok(Self {
            decider,
            profile,
            written,
            made: Vec::new(),
        })
    }

    /// Adds a runtime that loaded nothing, as if it had done the same as the first one.
    pub fn add_like_the_first(&mut self, runtime: &str) {
        if let Some((_, decision)) = self.made.first() {
            self.made.push((runtime.to_owned(), *decision));
        }
    }

    /// The runtimes, in the order in which they were added.
    pub fn runtimes(&self) -> impl Iterator<Item = &str> {
        self.made.iter().map(|(who, _)| who.as_str())
    }

    /// The decider, for cures.
    pub fn decider(&mut self) -> &mut Decider {
        &mut self.decider
    }

    /// Adds what a runtime loaded, the newest filter first.
    ///
    /// # Errors
    ///
    /// It cannot be decided.
    pub fn add(&mut self, runtime: &str, filters: &[FilterRecord]) -> Result<(), Undecided> {
        let decision = stack(&mut self.decider, filters)?;
        self.made.push((runtime.to_owned(), decision));
        Ok(())
    }

    /// Where the runtimes' filters differ from each other. Empty: they are proven to answer every call alike.
    ///
    /// # Errors
    ///
    /// There are too many rows.
    pub fn differences(&mut self) -> Result<Vec<FilterRow>, Undecided> {
        let decisions: Vec<Decision> = self.made.iter().map(|(_, decision)| *decision).collect();
        let rows = self.decider.explain(&self.profile, &self.written, &decisions)?;
        let who: Vec<&str> = self.made.iter().map(|(who, _)| who.as_str()).collect();
        Ok(rows.iter().map(|row| told(row, &self.profile, &who)).collect())
    }

    /// Where one runtime's filter is not what is written.
    ///
    /// # Errors
    ///
    /// There are too many rows.
    pub fn departures(&mut self, runtime: &str) -> Result<Vec<FilterRow>, Undecided> {
        let mut list = Vec::new();
        for (who, decision) in self.made.clone() {
            if who != runtime {
                continue;
            }
            let rows = self.decider.departures(&self.profile, &self.written, decision)?;
            list.extend(rows.iter().map(|row| told(row, &self.profile, &[&who])));
        }
        Ok(list)
    }
}

/// Where the filters in the records of one config differ; nothing if they cannot be decided, which is a fact of theirs.
#[must_use]
pub fn between(config: &str, records: &[Record]) -> Vec<FilterRow> {
    let rows = || -> Result<Vec<FilterRow>, Undecided> {
        let mut all = Filters::of_config(config)?;
        for record in records.iter().filter(|record| !record.filters.is_empty()) {
            all.add(&record.runtime.label, &record.filters)?;
        }
        all.differences()
    };
    rows().unwrap_or_default()
}

/// A row as a difference in departures, by which findings can be recognised.
#[must_use]
pub fn as_difference(row: &FilterRow) -> Difference {
    let group = |answer: &FilterAnswer| Group {
        value: Some(Value::List(answer.departure.iter().cloned().collect())),
        runtimes: answer.runtimes.clone(),
    };
    difference(DEPARTURES, row.answers.iter().map(group).collect())
}

/// The facts about a record's filters: where they depart from the profile, and what they answer where it says nothing,
/// with a line for each reason and class of calls.
#[must_use]
pub fn facts(config: &str, filters: &[FilterRecord]) -> Vec<Fact> {
    if filters.is_empty() {
        return Vec::new();
    }
    match summary(config, filters) {
        Err(error) => vec![Fact::new("filter.undecided", error.to_string())],
        Ok(Summary { departures, unlisted }) => vec![
            Fact::new(DEPARTURES, Value::List(departures)),
            Fact::new(UNLISTED, Value::List(unlisted)),
        ],
    }
}

fn summary(config: &str, filters: &[FilterRecord]) -> Result<Summary, Undecided> {
    let Filters {
        mut decider,
        profile,
        written,
        ..
    } = Filters::of_config(config)?;
    let decision = stack(&mut decider, filters)?;
    Ok(decider.summary(&profile, &written, decision)?)
}

fn told(row: &Row, profile: &Profile, who: &[&str]) -> FilterRow {
    let mut answers: Vec<FilterAnswer> = Vec::new();
    let names: Vec<&str> = row.class.named().map(|(_, name)| name).collect();
    for ((runtime, action), reason) in who.iter().zip(&row.class.answers).zip(&row.reasons) {
        let action = action.to_string();
        let departure = reason.as_ref().and_then(|reason| reason.departure(&names));
        let departure = departure.map(|what| format!("{what}: {action} [{}]", row.class.abi));
        let reason = reason.as_ref().map(ToString::to_string);
        match answers
            .iter_mut()
            .find(|there| there.action == action && there.reason == reason)
        {
            Some(there) => there.runtimes.push((*runtime).to_owned()),
            None => answers.push(FilterAnswer {
                action,
                runtimes: vec![(*runtime).to_owned()],
                reason,
                departure,
            }),
        }
    }
    let named = row.class.named().map(|(nr, name)| NamedCall {
        name: name.to_owned(),
        nr,
        since: since(name).map(str::to_owned),
    });
    let hits = row.meets.iter().flat_map(|meets| {
        meets.callers.iter().map(|caller| FilterHit {
            syscall: meets.syscall.clone(),
            who: caller.who.clone(),
            otherwise: caller.otherwise.clone(),
            link: caller.link.clone(),
            runtimes: who
                .iter()
                .zip(&row.class.answers)
                .filter(|(_, answer)| !caller.gets_over(**answer))
                .map(|(who, _)| (*who).to_owned())
                .collect(),
        })
    });
    let witness = row.class.witness;
    FilterRow {
        calls: subject(&row.class, &row.arguments),
        named: named.collect(),
        answers,
        profile: row.ruling_text(profile),
        written: row.written.map(|action| action.to_string()),
        unlisted: row.ruling == Ruling::Unlisted,
        hits: hits.collect(),
        witness: Witness {
            arch: witness.arch,
            nr: witness.nr,
            args: witness.args,
        },
    }
}

#[cfg(test)]
pub(crate) mod tests;
