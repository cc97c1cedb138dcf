//! Rewrites known files. What people wrote stays as they wrote it: the file is changed an entry at a time, and
//! an entry that still shows as written is not touched.

use std::fmt::Write as _;

use ocidiff_model::known::ABSENT;
use ocidiff_model::{Impact, Known, KnownEntry, RuntimeId, Value};

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
}

/// An entry and the text that it stands in.
struct Block {
    text: String,
    entry: Option<KnownEntry>,
}

/// The text of the file after the observations; empty when nothing is left to write.
///
/// # Errors
/// See [`Error`].
pub fn rewrite(before: &str, observed: &[Observed]) -> Result<String, Error> {
    let (head, mut blocks) = split(before)?;
    for seen in observed.iter().filter(|seen| !seen.known) {
        let at = blocks.iter().position(|block| {
            block
                .entry
                .as_ref()
                .is_some_and(|entry| entry.fact == seen.fact && entry.is_about(seen.member.as_deref()))
        });
        match at {
            Some(at) if seen.gone => leave_out(&mut blocks, at, seen)?,
            Some(at) => update(&mut blocks, at, seen)?,
            None if seen.gone => {}
            None => add(&mut blocks, seen)?,
        }
    }
    let body: String = blocks.iter().map(|block| block.text.as_str()).collect();
    Ok(if body.trim().is_empty() {
        String::new()
    } else {
        format!("{head}{body}")
    })
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

/// The entry is not about this member any more, or about nobody.
fn leave_out(blocks: &mut Vec<Block>, at: usize, seen: &Observed) -> Result<(), Error> {
    let Some(entry) = blocks[at].entry.clone() else {
        return Ok(());
    };
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
        set_values(&mut own, seen);
        if !rest.is_empty() {
            entry.members = rest;
            blocks[at] = block(entry)?;
            blocks.insert(at + 1, block(own)?);
            return Ok(());
        }
        blocks.insert(at, block(own)?);
        return Ok(());
    }
    set_values(&mut entry, seen);
    blocks[at] = block(entry)?;
    Ok(())
}

fn set_values(entry: &mut KnownEntry, seen: &Observed) {
    let named: Vec<&str> = seen
        .values
        .iter()
        .map(|(runtime, _)| runtime.name.as_str())
        .collect();
    entry
        .values
        .retain(|key, _| !named.contains(&key.split(' ').next().unwrap_or_default()));
    entry.values.extend(values(seen));
}

/// Keys by name; with the version where a name ran in several that differ.
fn values(seen: &Observed) -> Vec<(String, Value)> {
    let absent = || Value::from(ABSENT);
    seen.values
        .iter()
        .map(|(runtime, value)| {
            let twins = seen.values.iter().filter(|(other, _)| other.name == runtime.name);
            let same = twins.clone().all(|(_, other)| other == value);
            let key = if same {
                runtime.name.clone()
            } else {
                format!("{} ={}", runtime.name, runtime.version)
            };
            (key, value.clone().unwrap_or_else(absent))
        })
        .collect()
}

fn add(blocks: &mut Vec<Block>, seen: &Observed) -> Result<(), Error> {
    let entry = KnownEntry {
        fact: seen.fact.clone(),
        members: seen.member.iter().cloned().collect(),
        values: values(seen).into_iter().collect(),
        when: None,
        impact: Impact::MayBreak,
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

/// An entry as people would write it: lines they know, in an order that reads.
fn print(entry: &KnownEntry) -> Result<String, Error> {
    let mut text = String::new();
    let scalar = |value: &str| -> Result<String, Error> {
        serde_yaml::to_string(value)
            .map(|text| text.trim_end().to_owned())
            .map_err(|error| Error::Parse(error.to_string()))
    };
    // Writing to a string cannot fail; so for each of these.
    let _ = writeln!(text, "- fact: {}", scalar(&entry.fact)?);
    if !entry.members.is_empty() {
        let _ = writeln!(text, "  for: [{}]", flow(&entry.members)?);
    }
    let _ = writeln!(text, "  values:");
    for (key, value) in &entry.values {
        let value = match value {
            Value::List(items) => format!("[{}]", flow(items)?),
            Value::Text(text) if text.contains('\n') => {
                serde_json::to_string(text).map_err(|error| Error::Parse(error.to_string()))?
            }
            Value::Text(text) => scalar(text)?,
            other => other.line(),
        };
        let _ = writeln!(text, "    {}: {value}", scalar(key)?);
    }
    let rest = serde_json::json!({
        "when": entry.when, "impact": entry.impact, "cause": entry.cause, "link": entry.link,
        "remedy": entry.remedy, "requirement": entry.requirement, "violates": entry.violates,
    });
    for (key, value) in rest.as_object().into_iter().flatten() {
        if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let map = serde_json::Map::from_iter([(key.clone(), value.clone())]);
        let printed = serde_yaml::to_string(&map).map_err(|error| Error::Parse(error.to_string()))?;
        for line in printed.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    Ok(text)
}

/// Items of a list on one line, each quoted as JSON quotes it, which YAML reads too.
fn flow(items: &[String]) -> Result<String, Error> {
    let plain = |item: &String| {
        !item.is_empty()
            && item
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
            && !item.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.')
            && !["true", "false", "null", "yes", "no", "on", "off"].contains(&item.to_lowercase().as_str())
    };
    let quoted = items.iter().map(|item| {
        if plain(item) {
            Ok(item.clone())
        } else {
            serde_json::to_string(item).map_err(|error| Error::Parse(error.to_string()))
        }
    });
    Ok(quoted.collect::<Result<Vec<_>, _>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(fact: &str, member: Option<&str>, values: &[(&str, i64)]) -> Observed {
        let id = |name: &str| RuntimeId {
            name: name.into(),
            version: "1.2".parse().expect("version"),
            label: name.into(),
        };
        Observed {
            fact: fact.into(),
            member: member.map(str::to_owned),
            gone: false,
            known: false,
            requirement: None,
            values: values
                .iter()
                .map(|(name, value)| (id(name), Some(Value::Int(*value))))
                .collect(),
        }
    }

    fn entries(text: &str) -> Vec<KnownEntry> {
        serde_yaml::from_str::<Known>(text).expect("known").0
    }

    const WRITTEN: &str = "\
# What people wrote.
- fact: process.exit   # the exit
  values: {runc: 0, crun: 2}
  impact: breaks
  cause: because
- fact: proc.umask
  values: {runc: 1, crun: 3}
  impact: cosmetic
";

    #[test]
    fn what_still_shows_is_not_touched() {
        let known = Observed {
            known: true,
            ..seen("process.exit", None, &[("runc", 0), ("crun", 2)])
        };
        assert_eq!(rewrite(WRITTEN, &[known]).expect("rewrite"), WRITTEN);
    }

    #[test]
    fn new_values_keep_the_words_and_the_other_entries() {
        let after = rewrite(
            WRITTEN,
            &[seen("process.exit", None, &[("runc", 0), ("crun", 5)])],
        )
        .expect("rewrite");
        let found = entries(&after);
        assert_eq!(found[0].values["crun"], Value::Int(5));
        assert_eq!(found[0].cause.as_deref(), Some("because"));
        assert!(after.starts_with("# What people wrote.\n"));
        assert!(after.ends_with("  values: {runc: 1, crun: 3}\n  impact: cosmetic\n"));
    }

    #[test]
    fn what_is_gone_goes_and_what_is_new_comes() {
        let gone = Observed {
            gone: true,
            ..seen("process.exit", None, &[])
        };
        let new = seen("proc.cwd", None, &[("runc", 1), ("youki", 2)]);
        let found = entries(&rewrite(WRITTEN, &[gone, new]).expect("rewrite"));
        let facts: Vec<_> = found.iter().map(|entry| entry.fact.as_str()).collect();
        assert_eq!(facts, ["proc.umask", "proc.cwd"]);
        assert_eq!(found[1].impact, Impact::MayBreak);
    }

    #[test]
    fn members_that_show_the_same_share_an_entry_and_part_when_they_do_not() {
        let both = [
            seen("process.exit", Some("a"), &[("runc", 1)]),
            seen("process.exit", Some("b"), &[("runc", 1)]),
        ];
        let shared = rewrite("", &both).expect("rewrite");
        assert_eq!(entries(&shared)[0].members, ["a", "b"]);
        let parted = rewrite(&shared, &[seen("process.exit", Some("b"), &[("runc", 2)])]).expect("rewrite");
        let found = entries(&parted);
        assert_eq!(
            (found[0].members.clone(), found[0].values["runc"].clone()),
            (vec!["a".into()], Value::Int(1))
        );
        assert_eq!(
            (found[1].members.clone(), found[1].values["runc"].clone()),
            (vec!["b".into()], Value::Int(2))
        );
    }

    #[test]
    fn print_and_parse_are_inverses() {
        let yaml = "- {fact: 'a.b', values: {'crun >=1.21': ['x: y', '', '1', plain], runc: \"a\\nb\", youki: '(absent)'}, \
                    impact: security, link: [l], remedy: 'r: s', violates: [crun], when: {kernel: '>=6'}}";
        let entry = entries(yaml).remove(0);
        assert_eq!(entries(&print(&entry).expect("print"))[0], entry);
    }

    #[test]
    fn entries_on_one_line_are_refused_and_not_lost() {
        assert_eq!(
            rewrite("[{fact: process.exit, values: {}, impact: breaks}]", &[]),
            Err(Error::Layout)
        );
    }
}
