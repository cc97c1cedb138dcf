//! One file, from its text to its content.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocidiff_confine::in_plain_words;
use ocidiff_confine::limit::{Hint, raised_count};
use ocidiff_confine::yaml::weigh;
use ocidiff_model::family::Family;
use ocidiff_model::known::KnownFile;
use ocidiff_model::members::{self, MemberError};
use ocidiff_model::{Case, CaseFile, Finding, Requirement};
use serde::de::DeserializeOwned;

use super::{DEFAULT_CONFIG, FINDINGS, KNOWN, PROFILES, REQUIREMENTS, ROOTFS};
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::memory::Room;
use crate::corpus::source::{Source, Sources, Unreadable};
use crate::corpus::{Recipe, limits};

/// How many files are parsed at a time.
const WIDTH: usize = 8;
/// The size in bytes from which a file is parsed alone: the parser takes a hundred times as much.
const LARGE: usize = 64 << 10;

/// The content of a file.
pub(super) enum Parsed {
    Requirements(Vec<Requirement>),
    DefaultConfig(serde_json::Value),
    Rootfs(Recipe),
    Profile(serde_json::Value),
    Case(Vec<Case>),
    Known(KnownFile),
    Finding(Box<Finding>),
    Nothing,
}

type ParsedFile<'s> = (&'s str, Result<Parsed, Vec<Diagnostic>>);

/// Parses every file.
pub(super) fn parse_all<'s>(sources: &'s Sources, room: &Room) -> Vec<ParsedFile<'s>> {
    let mut all: Vec<(&String, &Source)> = sources.iter().collect();
    // The largest first, so that there is no wait for a large one at the end.
    all.sort_by_key(|(_, source)| std::cmp::Reverse(source.text.len()));
    let mut parsed = on_all_cpus(&all, |(name, source)| {
        let _alone = (source.text.len() > LARGE).then(|| room.alone());
        (name.as_str(), parse_file(name, source, room))
    });
    parsed.sort_by_key(|(name, _)| *name);
    parsed
}

/// Does something with each item, on all CPUs and in any order: a thousand cases must not slow down the start
/// noticeably.
pub(super) fn on_all_cpus<T: Sync, R: Send>(items: &[T], with: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let width = std::thread::available_parallelism().map_or(1, |cpus| cpus.get().min(WIDTH));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(with(item));
        }
        done
    };
    std::thread::scope(|scope| {
        // A thread that cannot be started leaves its work to the others.
        let threads: Vec<_> = (1..width)
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for thread in threads {
            done.extend(thread.join().unwrap_or_default());
        }
        done
    })
}

fn parse_file(name: &str, source: &Source, room: &Room) -> Result<Parsed, Vec<Diagnostic>> {
    if let Some(Unreadable { why, line, column }) = source.unreadable.clone() {
        return Err(vec![Diagnostic::new(&source.shown, (line, column), why, None)]);
    }
    let weight = match source.parsed {
        Some(_) => 0,
        None => weigh(&source.text).map_err(|error| vec![document(source).too_much(error)])?,
    };
    room.take(weight, source).map_err(|error| vec![*error])?;
    if name == REQUIREMENTS {
        return yaml(source).map(Parsed::Requirements);
    }
    if name == DEFAULT_CONFIG {
        return yaml(source).map(Parsed::DefaultConfig);
    }
    if let Some(profile) = name.strip_prefix(PROFILES) {
        return if profile.ends_with(".json") {
            profile_of(source)
        } else {
            Ok(Parsed::Nothing)
        };
    }
    if !name.ends_with(".yaml") {
        return Ok(Parsed::Nothing);
    }
    if name.starts_with(ROOTFS) {
        return yaml(source).map(Parsed::Rootfs);
    }
    if name.starts_with(FINDINGS) {
        return yaml(source).map(|finding| Parsed::Finding(Box::new(finding)));
    }
    if name.ends_with(KNOWN) {
        return yaml::<Option<KnownFile>>(source).map(|known| Parsed::Known(known.unwrap_or_default()));
    }
    if let Some(letter) = limits::pattern(name) {
        let message = format!("`{letter}` is for patterns of names, and this is the name of a case");
        let help = "rename the file, or its folder".to_owned();
        return Err(vec![document(source).at(&[], message, help)]);
    }
    let file: CaseFile = yaml(source)?;
    copies(&file, source, weight, room).map_err(|error| vec![*error])?;
    let stem = name.trim_end_matches(".yaml");
    members::members(stem, &source.shown, &file)
        .map(Parsed::Case)
        .map_err(|errors| {
            let told = |(member, error): (String, MemberError)| {
                document(source).of_member(&member, error.to_string())
            };
            errors.into_iter().map(told).collect()
        })
}

/// Whether the members of a family are valid, and there is room for them: each is a copy of the case.
fn copies(file: &CaseFile, source: &Source, weight: u64, room: &Room) -> Result<(), Box<Diagnostic>> {
    let names: Vec<&String> = match &file.family {
        None => return Ok(()),
        Some(Family::Names(names)) => names.iter().collect(),
        Some(Family::Patches(map)) => map.keys().collect(),
    };
    let at = |message: String| Box::new(document(source).at(&["for"], message, None));
    if names.is_empty() {
        return Err(at(
            "a family without members makes no case; name members, or take `for` out".to_owned(),
        ));
    }
    let most = raised_count(limits::MEMBERS);
    if names.len() > most {
        return Err(at(format!(
            "{} members: at most {most} are taken; {Hint}",
            names.len()
        )));
    }
    if let Some(Family::Patches(map)) = &file.family
        && let Some((name, _)) = map.iter().find(|(_, patch)| patch.get("for").is_some())
    {
        let message = "a member is not a family of its own".to_owned();
        let help = "write each of its members as a member of the case".to_owned();
        return Err(Box::new(document(source).at(
            &["for", name, "for"],
            message,
            Some(help),
        )));
    }
    let places = source.text.matches("${for}").count();
    if let Some(name) = names
        .iter()
        .enumerate()
        .find_map(|(at, name)| names[..at].contains(name).then_some(name))
    {
        return Err(at(format!("the member `{name}` is there twice")));
    }
    for name in &names {
        if let Some(why) = limits::member(name) {
            return Err(at(why));
        }
        room.take(weight + (places * name.len()) as u64, source)?;
    }
    if places == 0 && names.len() > 1 && matches!(file.family, Some(Family::Names(_))) {
        return Err(at(
            "`${for}` stands nowhere in the case: its members are all the same".to_owned(),
        ));
    }
    if let (0, Some(Family::Patches(map))) = (places, &file.family)
        && let Some((one, other)) = twins(map)
    {
        return Err(at(format!(
            "the members `{one}` and `{other}` are the same case: they change the same, and `${{for}}` stands nowhere"
        )));
    }
    Ok(())
}

/// Two members that change the same.
fn twins(members: &BTreeMap<String, serde_json::Value>) -> Option<(&str, &str)> {
    let mut seen = BTreeMap::new();
    members
        .iter()
        .find_map(|(name, patch)| Some((seen.insert(patch.to_string(), name.as_str())?, name.as_str())))
}

pub(super) fn document(source: &Source) -> Document<'_> {
    Document::new(&source.shown, &source.text)
}

fn yaml<T: DeserializeOwned>(source: &Source) -> Result<T, Vec<Diagnostic>> {
    if let Some(read) = source.parsed.and_then(|json| serde_json::from_str(json).ok()) {
        return Ok(read);
    }
    document(source).read().map_err(|error| vec![error])
}

fn profile_of(source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
    serde_json::from_str(source.parsed.unwrap_or(&source.text))
        .map(Parsed::Profile)
        .map_err(|error| {
            let help = "a profile is the config's `linux.seccomp` as JSON".to_owned();
            let place = (error.line(), error.column());
            vec![document(source).error(place, &in_plain_words(&error.to_string()), Some(help))]
        })
}
