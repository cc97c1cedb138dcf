//! From a case's config.json to the container that an engine is asked for, which writes a config.json of its own.
//!
//! What the default config says and an engine has no setting for is the engine's own: its mounts, its devices. What a
//! case changes must have a setting, or the case is none for an engine; each part says why.

mod linux;
mod mounts;
mod process;
mod resources;
mod seccomp;

use ocidiff_model::{Case, Op, Step};
use serde_json::{Map, Value, json};

/// Why a case is none for an engine: a sentence without its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

type Part = Result<(), Refusal>;

/// The body of the API's call that creates the container, without image, labels and runtime. `default` is the corpus's
/// default config.
///
/// # Errors
/// The first part that an engine has no setting for.
pub fn body(case: &Case, config: &Value, default: &Value) -> Result<Value, Refusal> {
    whole(case)?;
    let keys = [
        "ociVersion",
        "process",
        "root",
        "hostname",
        "domainname",
        "mounts",
        "linux",
        "annotations",
    ];
    only(config, "config", &keys)?;
    if config["ociVersion"] != default["ociVersion"] {
        return refuse("the engine writes ociVersion itself");
    }
    let annotations = &config["annotations"];
    if !annotations.is_null() && *annotations != json!({}) {
        return refuse("the engine has no setting for annotations");
    }
    let mut body = base();
    process::add(&mut body, &config["process"])?;
    root(&mut body, &config["root"])?;
    names(&mut body, config)?;
    mounts::add(&mut body, &config["mounts"], &default["mounts"])?;
    linux::add(&mut body, &config["linux"], &default["linux"])?;
    Ok(body)
}

/// What is so for every case: no network, no init of the engine's, logs that can be read.
fn base() -> Value {
    json!({
        "AttachStdin": false,
        "HostConfig": {
            "NetworkMode": "none",
            "IpcMode": "private",
            "Init": false,
            "LogConfig": {"Type": "json-file", "Config": {}},
            "RestartPolicy": {"Name": "no"},
            "SecurityOpt": [],
        },
    })
}

/// What is not in the config: the steps, and how its text is written.
fn whole(case: &Case) -> Part {
    let body = &case.body;
    if !body.config_text.is_empty() || body.config_file != "config.json" {
        return refuse("it is about the text of config.json, which the engine writes");
    }
    if !body.caller.is_default() {
        return refuse("it is about the runtime's caller, which is the engine");
    }
    if let Some(recorder) = &body.needs.recorder {
        return refuse(format!("it needs the recorder {recorder}"));
    }
    let ops: Vec<Op> = body.steps.iter().map(|step| step.op).collect();
    let usual = [Op::Create, Op::Start, Op::Wait, Op::Delete];
    if let Some(odd) = ops.iter().find(|op| !usual.contains(op)) {
        return refuse(format!("it takes the step {odd}"));
    }
    if ops != usual && ops != usual[..3] {
        return refuse("its steps are not create, start, wait, delete");
    }
    match body.steps.iter().find(|step| is_special(step)) {
        Some(step) => refuse(format!("its step {} has options", step.op)),
        None => Ok(()),
    }
}

/// Whether a step says more than how long it may take and what must come of it.
fn is_special(step: &Step) -> bool {
    let mut rest = step.options.clone();
    rest.limit = None;
    rest.expect = None;
    if step.op == Op::Delete {
        rest.force = false;
    }
    rest != ocidiff_model::step::StepOptions::default()
}

fn root(body: &mut Value, root: &Value) -> Part {
    only(root, "root", &["path", "readonly"])?;
    if root["path"] != "rootfs" {
        return refuse("the engine chooses root.path itself");
    }
    if let Some(readonly) = flag(root, "readonly", "root.readonly")? {
        host(body, "ReadonlyRootfs", readonly);
    }
    Ok(())
}

fn names(body: &mut Value, config: &Value) -> Part {
    match &config["hostname"] {
        Value::String(name) if !name.is_empty() => body["Hostname"] = name.as_str().into(),
        _ => return refuse("the engine always sets a hostname"),
    }
    match &config["domainname"] {
        Value::Null => {}
        Value::String(name) => body["Domainname"] = name.as_str().into(),
        _ => return refuse("domainname is not a text"),
    }
    Ok(())
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(why.into()))
}

/// Sets a part of HostConfig.
fn host(body: &mut Value, name: &str, value: impl Into<Value>) {
    body["HostConfig"][name] = value.into();
}

/// Adds to HostConfig.SecurityOpt.
fn security(body: &mut Value, option: String) {
    if let Some(all) = body["HostConfig"]["SecurityOpt"].as_array_mut() {
        all.push(option.into());
    }
}

/// The members of an object, none of which is another than these.
fn only<'v>(value: &'v Value, name: &str, keys: &[&str]) -> Result<&'v Map<String, Value>, Refusal> {
    let Some(map) = value.as_object() else {
        return refuse(format!("{name} is not an object"));
    };
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => refuse(format!("the engine has no setting for {name}.{key}")),
        None => Ok(map),
    }
}

/// A list of texts, none where it is absent.
fn texts(value: &Value, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Value::Array(items) = value else {
        return if value.is_null() {
            Ok(None)
        } else {
            refuse(format!("{name} is not a list"))
        };
    };
    let all: Option<Vec<String>> = items.iter().map(|item| Some(item.as_str()?.to_owned())).collect();
    all.map_or_else(
        || refuse(format!("{name} is not a list of texts")),
        |all| Ok(Some(all)),
    )
}

/// True or false, none where it is absent.
fn flag(value: &Value, key: &str, name: &str) -> Result<Option<bool>, Refusal> {
    match &value[key] {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        _ => refuse(format!("{name} is neither true nor false")),
    }
}

/// A whole number that the API's 64 bits hold, none where it is absent.
fn number(value: &Value, name: &str) -> Result<Option<i64>, Refusal> {
    match value {
        Value::Null => Ok(None),
        other => other.as_i64().map_or_else(
            || refuse(format!("{name} is not a number that the engine takes")),
            |number| Ok(Some(number)),
        ),
    }
}

#[cfg(test)]
mod tests;
