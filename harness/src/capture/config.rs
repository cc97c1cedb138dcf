//! The config: what is captured, and how a case expresses it.

use ocidiff_model::diff::diff;
use ocidiff_model::step::MAIN;
use serde_json::{Map, Value, json};

use super::{Container, Error};
use crate::cell::stand_in::{Kind, StandIn};
use crate::corpus::Corpus;
use crate::corpus::print::yaml::flow;
use crate::paths;
use crate::workload::tame::{Limits, tame};

/// What stands in for the host's files, below the bundle: an empty folder, an empty file.
const FOLDER: &str = "rootfs/.ocidiff/folder";
const FILE: &str = "rootfs/.ocidiff/file";

/// Stands in for private data.
const HIDDEN: &str = "hidden";

/// The config of the case, and how it differs from the container's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Captured {
    pub(super) config: Value,
    pub(super) changes: Vec<String>,
}

/// Removes what belongs to the host, and what may be a secret; the probe takes the place of the command, if it is
/// given.
pub(super) fn capture(
    container: &Container,
    probe: Option<&str>,
    limits: &Limits,
    mut changes: Vec<String>,
) -> Result<Captured, Error> {
    let original: Value = serde_json::from_str(&container.config)
        .map_err(|error| Error::Config(format!("its config.json cannot be read: {error}")))?;
    let tamed = tame(
        &container.config,
        &container.layers,
        &limits.clone().with_own_processes(),
    )
    .map_err(Error::Config)?;
    let mut config = tamed.config;
    own_stand_ins(&mut config, &tamed.stand_ins);
    changes.extend(container.without.iter().cloned());
    changes.extend(tamed.changes);
    annotations(&original, &mut config, &mut changes);
    names(&original, &config, &mut changes);
    let process = &mut config["process"];
    let (env, hidden) = environment(&original["process"]["env"]);
    if hidden {
        changes.push(format!(
            "values of environment variables are `{HIDDEN}`, but for PATH"
        ));
    }
    if let Some(env) = env {
        process["env"] = env;
    }
    match probe {
        Some(probe) => {
            changes.push("the probe is run in place of its command (--command keeps that)".to_owned());
            process["args"] = json!([probe, "facts"]);
        }
        None => {
            changes.push("its command is kept as it is: see that no secret is in it".to_owned());
            process["args"] = original["process"]["args"].clone();
        }
    }
    if !without_null(&mut config) {
        changes.push("members that are null are left out".to_owned());
    }
    Ok(Captured { config, changes })
}

/// A case is self-contained: what a check puts next to a bundle in place of the host's files is an empty folder or file
/// in the case's own rootfs here.
pub(super) fn own_stand_ins(config: &mut Value, stand_ins: &[StandIn]) {
    let mounts = config["mounts"].as_array_mut();
    for mount in mounts.into_iter().flatten() {
        let mut all = stand_ins.iter().enumerate();
        let stands = all.find(|(at, one)| mount["source"] == one.path(*at));
        if let Some((_, one)) = stands {
            let is_folder = matches!(one.node.kind, Kind::Folder);
            mount["source"] = format!(
                "{}/{}",
                paths::bundle(MAIN),
                if is_folder { FOLDER } else { FILE }
            )
            .into();
        }
    }
}

/// Most are for engines, and may hold private data.
fn annotations(original: &Value, config: &mut Value, changes: &mut Vec<String>) {
    let count = |config: &Value| config["annotations"].as_object().map_or(0, Map::len);
    let (before, kept) = (count(original), count(config));
    if kept < before {
        changes.push(format!(
            "{} of its annotations are left out: runtimes do not read them",
            before - kept
        ));
    }
    if let Some(all) = config.as_object_mut().filter(|_| kept == 0) {
        all.shift_remove("annotations");
    }
}

/// What is different for each container.
fn names(original: &Value, config: &Value, changes: &mut Vec<String>) {
    let members = [
        ("/root/path", "root.path"),
        ("/linux/cgroupsPath", "linux.cgroupsPath"),
        ("/hostname", "hostname"),
    ];
    let there = members.iter().filter(|(at, _)| original.pointer(at).is_some());
    let there: Vec<&str> = there.map(|(_, name)| *name).collect();
    if !there.is_empty() {
        changes.push(format!("the default's stand for its {}", there.join(", ")));
    }
    if original["domainname"] != config["domainname"] {
        changes.push("another name stands for its domainname".to_owned());
    }
}

/// The variables without their values, and whether there were any; `PATH` is kept because commands are searched in it.
fn environment(env: &Value) -> (Option<Value>, bool) {
    let all = match env {
        Value::Array(all) => all,
        Value::Null => return (None, false),
        // No runtime accepts it, but it may still hold a secret.
        _ => return (Some(HIDDEN.into()), true),
    };
    let mut hidden = false;
    let mut hide = |one: &Value| {
        let text = one.as_str().unwrap_or_default();
        if text.starts_with("PATH=") {
            return text.to_owned();
        }
        hidden = true;
        match text.split_once('=') {
            Some((name, _)) => format!("{name}={HIDDEN}"),
            None => HIDDEN.to_owned(),
        }
    };
    let list: Vec<String> = all.iter().map(&mut hide).collect();
    (Some(list.into()), hidden)
}

/// A case uses `null` to remove members. Returns whether there was none.
fn without_null(value: &mut Value) -> bool {
    let Value::Object(map) = value else { return true };
    let before = map.len();
    map.retain(|_, member| !member.is_null());
    let none = map.len() == before;
    // All of them must be visited.
    map.values_mut()
        .map(without_null)
        .fold(none, |all, one| all && one)
}

/// What a case writes.
pub(super) struct Written {
    /// The case's `config`.
    pub(super) patch: Value,
    /// A text that is put in and removed again: it separates what a case would read as its own syntax.
    pub(super) mark: Option<String>,
}

/// The config as a difference from the default.
pub(super) fn written(captured: &Captured, corpus: &Corpus) -> Result<Written, Error> {
    let mark = unused(&captured.config, corpus);
    let mut marked = mark_all(&captured.config, &mark);
    let used = marked != captured.config;
    let bundle = paths::bundle(MAIN);
    let mounts = marked.get_mut("mounts").and_then(Value::as_array_mut);
    for mount in mounts.into_iter().flatten() {
        let source = mount.get("source").and_then(Value::as_str);
        if let Some(below) = source.and_then(|source| source.strip_prefix(&bundle)) {
            mount["source"] = format!("${{bundle}}{below}").into();
        }
    }
    let joined = marked
        .pointer_mut("/linux/namespaces")
        .and_then(Value::as_array_mut);
    for namespace in joined.into_iter().flatten() {
        let path = namespace.get("path").and_then(Value::as_str);
        if let Some(below) = path.and_then(|path| path.strip_prefix(paths::NAMESPACES)) {
            namespace["path"] = format!("${{namespaces}}{below}").into();
        }
    }
    if let Some(linux) = marked.get_mut("linux").and_then(Value::as_object_mut) {
        linux.insert("cgroupsPath".to_owned(), "/${container}".into());
    }
    let mut patch =
        diff(&corpus.default_config, &marked).map_err(|error| Error::Inexact(error.to_string()))?;
    if corpus.default_config.pointer("/linux/seccomp").is_none()
        && let Some(seccomp) = marked.pointer("/linux/seccomp").filter(|one| one.is_object())
        && let Some(shorter) = profile(seccomp, corpus)
    {
        patch["linux"]["seccomp"] = shorter;
    }
    let is_in = flow(&patch).contains(&mark);
    Ok(Written {
        patch,
        mark: (used && is_in).then_some(mark),
    })
}

/// The shipped profile that it is, or that is nearest to it; `None` if it is shorter in full.
fn profile(seccomp: &Value, corpus: &Corpus) -> Option<Value> {
    let said = |(name, profile): (&String, &Value)| {
        let Ok(Value::Object(rest)) = diff(profile, seccomp) else {
            return None;
        };
        // What is removed, or changed within a map, is so before the profile has been filled in.
        if rest.values().any(|one| one.is_null() || one.is_object()) {
            return None;
        }
        let mut all = Map::from_iter([("$profile".to_owned(), Value::from(name.as_str()))]);
        all.extend(rest);
        Some(Value::Object(all))
    };
    let shortest = corpus
        .profiles
        .iter()
        .filter_map(said)
        .min_by_key(|one| one.to_string().len())?;
    (shortest.to_string().len() < seccomp.to_string().len()).then_some(shortest)
}

/// A text that does not occur anywhere in the final config.
fn unused(config: &Value, corpus: &Corpus) -> String {
    let (text, default) = (config.to_string(), corpus.default_config.to_string());
    let mut mark = "%%".to_owned();
    while text.contains(&mark) || default.contains(&mark) {
        mark.push('%');
    }
    mark
}

/// Puts the mark into what a case would read as its own syntax: `${bundle}`, `mounts+`, `$profile`.
fn mark_all(value: &Value, mark: &str) -> Value {
    match value {
        Value::String(text) => text.replace("${", &format!("${mark}{{")).into(),
        Value::Array(items) => items.iter().map(|item| mark_all(item, mark)).collect(),
        Value::Object(map) => {
            let members = map.iter().map(|(key, member)| {
                let own = key.ends_with(['+', '-']) || key == "$profile";
                let key = if own { format!("{key}{mark}") } else { key.clone() };
                (key, mark_all(member, mark))
            });
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}
