//! Rewrites known files. What people wrote stays as they wrote it: the file is changed an entry at a time, and
//! an entry that still shows as written is not touched.
//!
//! A run shows what its runtimes do in their versions, on its machine, and nothing else. So of an entry that somebody has
//! given a cause only the versions that were run are changed: `crun =1.28` is added, and what is written of other
//! versions of crun, and of runtimes that did not take part, stays.

mod print;
#[cfg(test)]
mod tests;

use ocidiff_model::known::{ABSENT, Machine, When, stands_for};
use ocidiff_model::{Impact, Known, KnownEntry, RuntimeId, Value};

use self::print::print;

/// A difference that was observed, or that did not show.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The fact's path.
    pub fact: String,
    /// The member of the family that showed it.
    pub member: Option<String>,
    /// It is written down, but did not show.
    pub gone: bool,
    /// It is written down, and shows as written.
    pub known: bool,
    /// The clause that it is held against.
    pub requirement: Option<String>,
    /// What each runtime shows.
    pub values: Vec<(RuntimeId, Option<Value>)>,
}

/// Why a file cannot be rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no known file.
    #[error("failed to read it: {0}")]
    Parse(String),
    /// Its entries cannot be told apart in its text.
    #[error("failed to find its entries: write each as a line that opens with `- ` at the left edge")]
    Layout,
    /// Two programs that call themselves the same show different values.
    #[error("failed to write {fact} down: two programs that say they are {who} show different values of it")]
    Twins {
        /// The fact.
        fact: String,
        /// Name and version.
        who: String,
    },
}

/// An entry and the text that it stands in.
struct Block {
    text: String,
    entry: Option<KnownEntry>,
}

/// The text of the file after the observations; empty when nothing is left to write. Entries that are about other
/// machines than this one stay as they are.
///
/// # Errors
/// See [`Error`].
pub fn rewrite(before: &str, observed: &[Observed], machine: &Machine) -> Result<String, Error> {
    let (head, mut blocks) = split(before)?;
    for seen in observed.iter().filter(|seen| !seen.known) {
        let at = blocks.iter().position(|block| {
            block
                .entry
                .as_ref()
                .is_some_and(|entry| is_of(entry, seen) && entry.holds(machine))
        });
        match at {
            Some(at) if seen.gone => leave_out(&mut blocks, at, seen)?,
            Some(at) => update(&mut blocks, at, seen)?,
            None if seen.gone => {}
            None => add(&mut blocks, seen, machine)?,
        }
    }
    let body: String = blocks.iter().map(|block| block.text.as_str()).collect();
    Ok(if body.trim().is_empty() {
        String::new()
    } else {
        format!("{head}{body}")
    })
}

fn is_of(entry: &KnownEntry, seen: &Observed) -> bool {
    entry.fact == seen.fact && entry.is_about(seen.member.as_deref())
}

/// On which machines a new entry holds: where others of the same fact say what they hold on, it must say so too.
fn parted_from(blocks: &[Block], seen: &Observed, machine: &Machine) -> Option<When> {
    let others = || {
        let entries = blocks.iter().filter_map(|block| block.entry.as_ref());
        entries
            .filter(|entry| is_of(entry, seen))
            .filter_map(|entry| entry.when.as_ref())
    };
    let when = When {
        cgroup: others()
            .any(|when| when.cgroup.is_some())
            .then(|| machine.cgroup.clone()),
        arch: others()
            .any(|when| when.arch.is_some())
            .then(|| machine.arch.clone()),
        kernel: None,
        via: None,
    };
    (when != When::default()).then_some(when)
}

fn split(text: &str) -> Result<(String, Vec<Block>), Error> {
    let known: Option<Known> = serde_yaml::from_str(text).map_err(|error| Error::Parse(error.to_string()))?;
    let entries = known.unwrap_or_default().0;
    let mut head = String::new();
    let mut texts: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        if line.starts_with("- ") || line == "-\n" {
            texts.push(line.to_owned());
        } else {
            texts.last_mut().unwrap_or(&mut head).push_str(line);
        }
    }
    if texts.len() != entries.len() {
        return Err(Error::Layout);
    }
    let blocks = texts.into_iter().zip(entries).map(|(text, entry)| Block {
        text,
        entry: Some(entry),
    });
    Ok((head, blocks.collect()))
}

/// The entry does not show. One without a cause is taken away, or parted from this member; of one with a cause only
/// what this run has shown changes.
fn leave_out(blocks: &mut Vec<Block>, at: usize, seen: &Observed) -> Result<(), Error> {
    let Some(entry) = blocks[at].entry.clone() else {
        return Ok(());
    };
    if !is_of_these_alone(&entry, seen) {
        return update(blocks, at, seen);
    }
    match &seen.member {
        Some(member) if entry.members.len() > 1 => {
            let mut entry = entry;
            entry.members.retain(|name| name != member);
            blocks[at] = block(entry)?;
        }
        _ => {
            blocks.remove(at);
        }
    }
    Ok(())
}

/// Whether nobody has said why, and everybody whom the entry names took part: then nothing is lost with it.
fn is_of_these_alone(entry: &KnownEntry, seen: &Observed) -> bool {
    let took_part = |key: &String| {
        let name = key.split(' ').next().unwrap_or_default();
        seen.values.iter().any(|(runtime, _)| runtime.name == name)
    };
    entry.cause.is_none() && entry.values.keys().all(took_part)
}

/// New values in the entry's own words.
fn update(blocks: &mut Vec<Block>, at: usize, seen: &Observed) -> Result<(), Error> {
    let Some(mut entry) = blocks[at].entry.clone() else {
        return Ok(());
    };
    if let Some(member) = &seen.member
        && entry.members != [member.clone()]
    {
        // Others of the family share the entry: this member gets its own.
        let rest: Vec<String> = entry
            .members
            .iter()
            .filter(|name| *name != member)
            .cloned()
            .collect();
        let mut own = entry.clone();
        own.members = vec![member.clone()];
        set_values(&mut own, seen)?;
        if !rest.is_empty() {
            entry.members = rest;
            blocks[at] = block(entry)?;
            blocks.insert(at + 1, block(own)?);
            return Ok(());
        }
        blocks.insert(at, block(own)?);
        return Ok(());
    }
    set_values(&mut entry, seen)?;
    blocks[at] = block(entry)?;
    Ok(())
}

/// Takes over what was shown: of an entry with a cause only the versions that were run change.
fn set_values(entry: &mut KnownEntry, seen: &Observed) -> Result<(), Error> {
    if is_of_these_alone(entry, seen) {
        let named: Vec<&str> = seen
            .values
            .iter()
            .map(|(runtime, _)| runtime.name.as_str())
            .collect();
        entry
            .values
            .retain(|key, _| !named.contains(&key.split(' ').next().unwrap_or_default()));
        entry.values.extend(values(seen)?);
        return Ok(());
    }
    for (runtime, value) in &seen.values {
        let written = entry.value_for(runtime).ok().flatten();
        if !written.is_some_and(|written| stands_for(written, value.as_ref())) {
            let value = value.clone().unwrap_or_else(|| Value::from(ABSENT));
            entry.values.insert(exactly(runtime), value);
        }
    }
    Ok(())
}

/// The key of one version.
fn exactly(runtime: &RuntimeId) -> String {
    format!("{} ={}", runtime.name, runtime.version)
}

/// Keys by name; with the version where a name ran in several that differ.
fn values(seen: &Observed) -> Result<Vec<(String, Value)>, Error> {
    let absent = || Value::from(ABSENT);
    seen.values
        .iter()
        .map(|(runtime, value)| {
            let others = || seen.values.iter().filter(|(other, _)| other.name == runtime.name);
            let differing = |other: &&(RuntimeId, Option<Value>)| other.1 != *value;
            if others()
                .filter(differing)
                .any(|(other, _)| other.version == runtime.version)
            {
                return Err(Error::Twins {
                    fact: seen.fact.clone(),
                    who: format!("{} {}", runtime.name, runtime.version),
                });
            }
            let key = if others().any(|other| differing(&other)) {
                exactly(runtime)
            } else {
                runtime.name.clone()
            };
            Ok((key, value.clone().unwrap_or_else(absent)))
        })
        .collect()
}

fn add(blocks: &mut Vec<Block>, seen: &Observed, machine: &Machine) -> Result<(), Error> {
    let entry = KnownEntry {
        rate: None,
        fact: seen.fact.clone(),
        members: seen.member.iter().cloned().collect(),
        values: values(seen)?.into_iter().collect(),
        when: parted_from(blocks, seen, machine),
        impact: Impact::MayBreak,
        applies: None,
        impact_for: std::collections::BTreeMap::new(),
        cause: None,
        link: Vec::new(),
        remedy: None,
        requirement: seen.requirement.clone(),
        violates: Vec::new(),
    };
    // Members that show the same share an entry.
    let twin = blocks.iter().position(|block| {
        block.entry.as_ref().is_some_and(|other| {
            KnownEntry {
                members: Vec::new(),
                ..other.clone()
            } == KnownEntry {
                members: Vec::new(),
                ..entry.clone()
            } && !other.members.is_empty()
        })
    });
    match twin {
        Some(at) => {
            if let Some(mut other) = blocks[at].entry.clone() {
                other.members.extend(entry.members);
                blocks[at] = block(other)?;
            }
        }
        None => blocks.push(block(entry)?),
    }
    Ok(())
}

fn block(entry: KnownEntry) -> Result<Block, Error> {
    Ok(Block {
        text: print(&entry)?,
        entry: Some(entry),
    })
}
