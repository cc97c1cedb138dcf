//! Checks of meaning, after the parser's: names that must be there, paths that must be a channel's.

use std::collections::BTreeSet;

use ocidiff_model::known::{RuntimeKey, When};
use ocidiff_model::step::{MAIN, Outcome};
use ocidiff_model::version::VersionRange;
use ocidiff_model::{Case, Channel, Known, Op, Rootfs};
use serde_json::Value as Json;

use super::Corpus;
use super::diagnostic::{Diagnostic, Document};

/// What is wrong with a case, if anything.
pub(super) fn case(document: &Document<'_>, case: &Case, corpus: &Corpus) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let body = &case.body;
    let named = body
        .expect
        .values()
        .filter_map(|expectation| expectation.requirement.as_ref());
    for id in body.requirement.iter().chain(named) {
        found.extend(requirement(document, &["requirement"], id, corpus));
    }
    found.extend(rootfs(document, &body.rootfs, corpus));
    for path in body.expect.keys() {
        found.extend(fact(document, &["expect", path], path));
    }
    for path in body
        .files
        .keys()
        .filter(|path| !path.starts_with('/') || path.contains(".."))
    {
        let message = format!("`{path}` is no absolute path without `..`");
        found.push(document.at(&["files", path], message, None));
    }
    if let Some(range) = &body.needs.kernel {
        found.extend(range_error(document, &["needs", "kernel"], range));
    }
    for name in profiles(&body.config)
        .into_iter()
        .filter(|name| !corpus.profiles.contains_key(name))
    {
        let message = format!("unknown profile `{name}`");
        found.push(document.at(&["config"], message, one_of(corpus.profiles.keys())));
    }
    if !body.config.is_object() {
        found.push(document.at(
            &["config"],
            "`config` is no map",
            "a case says what differs from the default config".to_owned(),
        ));
    }
    for (path, mode) in body
        .files
        .iter()
        .filter_map(|(path, spec)| Some((path, spec.mode.as_ref()?)))
    {
        if u32::from_str_radix(mode, 8).is_err() {
            found.push(document.at(&["files", path], format!("`{mode}` is no octal mode"), None));
        }
    }
    // Nothing but adding to lists and taking from them can fail.
    if changes_lists(&body.config) {
        let mut config = corpus.default_config.clone();
        if let Err(error) = ocidiff_model::merge::merge(&mut config, &body.config) {
            found.push(document.at(&["config"], error, None));
        }
    }
    found.extend(steps(document, case));
    found
}

/// A recipe that is not there; folders that cannot be any.
fn rootfs(document: &Document<'_>, rootfs: &Rootfs, corpus: &Corpus) -> Option<Diagnostic> {
    if let Some(name) = rootfs.recipe().filter(|name| !corpus.rootfs.contains_key(*name)) {
        let message = format!("unknown rootfs `{name}`");
        return Some(document.at(&["rootfs"], message, one_of(corpus.rootfs.keys())));
    }
    if rootfs.recipe().is_none() && rootfs.layers().is_empty() {
        return Some(document.at(&["rootfs", "layers"], "a rootfs has one layer at least", None));
    }
    let wrong = |layer: &String| {
        !layer.starts_with('/') || layer.contains('\0') || layer.split('/').any(|part| part == "..")
    };
    let at = rootfs.layers().iter().position(wrong)?;
    let message = format!("`{}` is no absolute path without `..`", rootfs.layers()[at]);
    Some(document.at(&["rootfs", "layers", &at.to_string()], message, None))
}

/// What is wrong with a known file, if anything.
pub(super) fn known(document: &Document<'_>, known: &Known, corpus: &Corpus) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, entry) in known.0.iter().enumerate() {
        let index = index.to_string();
        found.extend(fact(document, &[&index, "fact"], &entry.fact));
        for key in entry.values.keys() {
            if let Err(error) = key.parse::<RuntimeKey>() {
                let message = format!("`{key}`: {error}");
                let help = "write a runtime's name, or a name and a range: `crun >=1.21`".to_owned();
                found.push(document.at(&[&index, "values", key], message, help));
            }
        }
        if let Some(When {
            kernel: Some(range), ..
        }) = &entry.when
        {
            found.extend(range_error(document, &[&index, "when", "kernel"], range));
        }
        if let Some(id) = &entry.requirement {
            found.extend(requirement(document, &[&index, "requirement"], id, corpus));
        }
    }
    found
}

fn requirement(document: &Document<'_>, keys: &[&str], id: &str, corpus: &Corpus) -> Option<Diagnostic> {
    if corpus.requirements.contains_key(id) {
        return None;
    }
    let near: Vec<&String> = corpus
        .requirements
        .keys()
        .filter(|known| alike(known, id))
        .collect();
    let help = if near.is_empty() {
        "the ids are in cases/requirements.yaml".to_owned()
    } else {
        format!(
            "did you mean {}?",
            near.iter()
                .map(|id| format!("`{id}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        )
    };
    Some(document.at(keys, format!("unknown requirement `{id}`"), help))
}

/// Ids that share their first two words.
fn alike(known: &str, id: &str) -> bool {
    let words = |text: &str| text.split('-').take(2).map(str::to_owned).collect::<Vec<_>>();
    words(known) == words(id)
}

fn fact(document: &Document<'_>, keys: &[&str], path: &str) -> Option<Diagnostic> {
    if Channel::of(path).is_some() {
        return None;
    }
    let channels = Channel::ALL.map(Channel::name).join(", ");
    let help = format!("a fact's path opens with one of {channels}");
    Some(document.at(keys, format!("`{path}` belongs to no channel"), help))
}

fn range_error(document: &Document<'_>, keys: &[&str], range: &str) -> Option<Diagnostic> {
    let error = range.parse::<VersionRange>().err()?;
    Some(document.at(
        keys,
        error.to_string(),
        "write a range such as `>=6.6, <7`".to_owned(),
    ))
}

fn one_of<'a>(names: impl Iterator<Item = &'a String>) -> String {
    format!(
        "there are {}",
        names.map(String::as_str).collect::<Vec<_>>().join(", ")
    )
}

/// Whether there is a key such as `mounts+` or `namespaces-`.
fn changes_lists(config: &Json) -> bool {
    config.as_object().is_some_and(|map| {
        map.iter()
            .any(|(key, value)| key.ends_with(['+', '-']) || changes_lists(value))
    })
}

/// The names of all `{$profile: NAME}`.
fn profiles(config: &Json) -> Vec<String> {
    match config {
        Json::Object(map) => match map.get("$profile").and_then(Json::as_str) {
            Some(name) => vec![name.to_owned()],
            None => map.values().flat_map(profiles).collect(),
        },
        Json::Array(items) => items.iter().flat_map(profiles).collect(),
        _ => Vec::new(),
    }
}

/// Steps that cannot be taken: about a container that nothing made, or without what they need.
fn steps(document: &Document<'_>, case: &Case) -> Vec<Diagnostic> {
    let mut made = BTreeSet::new();
    let mut found = Vec::new();
    for (index, step) in case.body.steps.iter().enumerate() {
        let index = index.to_string();
        let mut wrong = |message: String| found.push(document.at(&["steps", &index], message, None));
        let container = step.container();
        if container.is_empty() || !container.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            wrong(format!(
                "`{container}` is no container's name: letters, digits and `-`"
            ));
        }
        if matches!(step.op, Op::Create | Op::Run) {
            made.insert(container.to_owned());
        } else if container != MAIN && !made.contains(container) {
            wrong(format!("no step before makes the container `{container}`"));
        }
        let of_process = matches!(step.op, Op::Exec | Op::Run);
        match step.op {
            _ if of_process && step.options.expect == Some(Outcome::Error) => {
                wrong(
                    "the exit status of exec and run is the process's: expect `lifecycle.exec.exit`"
                        .to_owned(),
                );
            }
            Op::Await if step.options.stdout.is_none() => {
                wrong("await needs a text: `await: {stdout: ready}`".to_owned());
            }
            Op::Update if step.options.resources.is_none() => wrong("update needs `resources`".to_owned()),
            _ => {}
        }
        if step
            .options
            .limit
            .is_some_and(|limit| !(0.01..=600.0).contains(&limit))
        {
            wrong("a limit is between 0.01 and 600 seconds".to_owned());
        }
    }
    found
}
