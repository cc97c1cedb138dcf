//! Checks of meaning, after the parser's: every name that people write must exist.

mod caller;
mod config;
mod entries;
mod facts;
mod finding;
mod known;
mod machine;
mod place;
mod placeholders;
mod program;
mod recipe;
mod slip;
mod steps;
mod unlooked;
mod values;

use ocidiff_model::merge::merge;
use ocidiff_model::{Case, Rootfs, near};
use serde_json::Value as Json;

use self::facts::Names;
use self::place::Place;
use self::slip::Slip;
use super::config::ENGINES_OWN;
use super::diagnostic::Diagnostic;
use super::document::Document;
use super::{Corpus, layout, limits};

pub(crate) use self::config::departures;
pub(super) use self::config::{Excuses, default_config};
pub(super) use self::finding::check as finding;
pub(super) use self::known::{Against, check as known, entries};
pub(super) use self::recipe::check as recipe;

/// What is wrong with a case, if anything. What it declares to be wrong on purpose, and what really is, goes
/// into the excuses.
pub(super) fn case(
    document: &Document<'_>,
    case: &Case,
    corpus: &Corpus,
    excuses: &Excuses,
) -> Vec<Diagnostic> {
    let place = Place { document, case };
    let mut found = limits::case(document, &case.body);
    if !found.is_empty() {
        return found;
    }
    found.extend(requirements(place, corpus));
    found.extend(rootfs(place, &case.body.rootfs, corpus));
    found.extend(layout::check(document, &case.body.files));
    if !is_plain_name(&case.body.config_file) {
        let message = format!("`{}` is not a file's name", case.body.config_file);
        found.push(place.at(&["config_file"], message, None));
    }
    found.extend(caller::check(place, &case.body.caller));
    for (keys, (message, help)) in machine::needs(&case.body.needs) {
        let keys: Vec<&str> = std::iter::once("needs")
            .chain(keys.iter().map(String::as_str))
            .collect();
        found.push(place.at(&keys, message, help));
    }
    found.extend(placeholders::case(place));
    found.extend(profiles(place, corpus));
    if !case.body.config.is_object() {
        let help = "a case says what differs from the default config".to_owned();
        found.push(place.at(&["config"], "`config` is not a map", Some(help)));
        return found;
    }
    match config::merged(case, corpus) {
        Err(error) => found.push(place.changes(error.to_string())),
        Ok(config) => {
            found.extend(config::case(place, &config, corpus, excuses));
            found.extend(steps::case(place, &config, excuses));
            let names = Names::of(case);
            let misnamed = facts::case(place, &names);
            // What does not exist is not looked at either: once is enough.
            if misnamed.is_empty() {
                found.extend(unlooked::case(place, &config, corpus, &names));
            }
            found.extend(misnamed);
        }
    }
    found.extend(text_edits(place, corpus));
    found
}

fn requirements(place: Place<'_>, corpus: &Corpus) -> Vec<Diagnostic> {
    let body = &place.case.body;
    let mut found = Vec::new();
    for (index, id) in body.requirement.iter().enumerate() {
        let slip = requirement(id, corpus);
        let keys = ["requirement", &index.to_string()];
        found.extend(slip.map(|(message, help)| place.at(&keys, message, help)));
    }
    for (path, expectation) in &body.expect {
        let slip = expectation
            .requirement
            .as_ref()
            .and_then(|id| requirement(id, corpus));
        let keys = ["expect", path, "requirement"];
        found.extend(slip.map(|(message, help)| place.at(&keys, message, help)));
    }
    found
}

fn requirement(id: &str, corpus: &Corpus) -> Option<Slip> {
    if corpus.requirements.contains_key(id) {
        return None;
    }
    let ids = || corpus.requirements.keys().map(String::as_str);
    // A different word in the middle makes many letters differ.
    let alike = || ids().find(|known| first_words(known) == first_words(id));
    let help = near::near(id, ids()).or_else(alike).map_or_else(
        || "the ids are in cases/requirements.yaml".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    Some((format!("unknown requirement `{id}`"), Some(help)))
}

fn first_words(id: &str) -> Vec<&str> {
    id.split('-').take(2).collect()
}

/// A recipe that does not exist; folders that are impossible.
fn rootfs(place: Place<'_>, rootfs: &Rootfs, corpus: &Corpus) -> Option<Diagnostic> {
    if let Some(name) = rootfs.recipe().filter(|name| !corpus.rootfs.contains_key(*name)) {
        let message = format!("unknown rootfs `{name}`");
        return Some(place.at(
            &["rootfs"],
            message,
            near::help(name, corpus.rootfs.keys().map(String::as_str)),
        ));
    }
    if rootfs.recipe().is_none() && rootfs.layers().is_empty() {
        return Some(place.at(&["rootfs", "layers"], "a rootfs has at least one layer", None));
    }
    let wrong = |layer: &String| {
        !layer.starts_with('/') || layer.contains('\0') || layer.split('/').any(|part| part == "..")
    };
    let at = rootfs.layers().iter().position(wrong)?;
    let message = format!("`{}` is not an absolute path without `..`", rootfs.layers()[at]);
    Some(place.at(&["rootfs", "layers", &at.to_string()], message, None))
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && name.len() < 256 && !name.contains(['/', '\0'])
}

/// Profiles that do not exist, and changes to their lists that change nothing.
fn profiles(place: Place<'_>, corpus: &Corpus) -> Vec<Diagnostic> {
    let mut uses = Vec::new();
    collect(&place.case.body.config, &mut vec!["config".to_owned()], &mut uses);
    let names = || {
        let all = corpus.profiles.keys().map(String::as_str);
        all.chain([ENGINES_OWN])
    };
    let slip = |name: &str, map: &Json| match corpus.profiles.get(name) {
        None if name == ENGINES_OWN => changed_engines_own(map),
        None => Some((format!("unknown profile `{name}`"), near::help(name, names()))),
        Some(_) if map.as_object().is_some_and(|map| map.len() == 1) => None,
        Some(profile) => {
            let mut changes = map.clone();
            changes.as_object_mut().map(|map| map.shift_remove("$profile"));
            let error = merge(&mut profile.clone(), &changes).err();
            error.map(|error| (format!("in profile `{name}`: {error}"), None))
        }
    };
    if uses.len() > limits::PROFILES {
        let message = format!("{} profiles: at most {} are taken", uses.len(), limits::PROFILES);
        return vec![place.at(&["config"], message, None)];
    }
    uses.iter()
        .filter_map(|(keys, name, map)| Some((keys, slip(name, map)?)))
        .map(|(keys, (message, help))| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            place.at(&keys, message, help)
        })
        .collect()
}

/// What an engine supplies cannot be changed here.
fn changed_engines_own(map: &Json) -> Option<(String, Option<String>)> {
    let is_changed = map.as_object().is_some_and(|map| map.len() > 1);
    is_changed.then(|| {
        (
            format!("profile `{ENGINES_OWN}` is the engine's own, and is taken as it is"),
            None,
        )
    })
}

type Use<'c> = (Vec<String>, &'c str, &'c Json);

/// Each `{$profile: NAME, ...}` with the keys that lead to it.
fn collect<'c>(config: &'c Json, keys: &mut Vec<String>, found: &mut Vec<Use<'c>>) {
    let Json::Object(map) = config else { return };
    if let Some(name) = map.get("$profile").and_then(Json::as_str) {
        found.push((keys.clone(), name, config));
        return;
    }
    for (key, inner) in map {
        keys.push(key.clone());
        collect(inner, keys, found);
        keys.pop();
    }
}

/// Text that should be replaced and does not occur.
fn text_edits(place: Place<'_>, corpus: &Corpus) -> Option<Diagnostic> {
    if place.case.body.config_text.is_empty() {
        return None;
    }
    let error = crate::corpus::config::text(place.case, corpus, ocidiff_model::step::MAIN, None).err()?;
    Some(place.at(&["config_text"], error.to_string(), None))
}
