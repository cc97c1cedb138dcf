//! What all ways of asking an engine for a case have in common: which parts of a config can be expressed at all, and
//! why others cannot.
//!
//! Where an engine has no setting for something in the default config, such as mounts and devices, the engine's own
//! applies. What a case changes must have a setting, or the case is not suitable for an engine; each part says why.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use ocidiff_model::{Case, Op, Step};
use serde_json::{Map, Value};

/// Why a case is not suitable for an engine: a sentence without its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

pub(super) type Part = Result<(), Refusal>;

/// What is not in the config: the steps, and how its text is written. For engines that only create, start and wait.
pub(super) fn whole(case: &Case) -> Part {
    apart(case)?;
    let body = &case.body;
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

/// What is neither in the config nor in the steps.
pub(super) fn apart(case: &Case) -> Part {
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
    Ok(())
}

/// Whether a step says more than how long it may take and what its result must be.
pub(super) fn is_special(step: &Step) -> bool {
    let mut rest = step.options.clone();
    rest.limit = None;
    rest.expect = None;
    if step.op == Op::Delete {
        rest.force = false;
    }
    rest != ocidiff_model::step::StepOptions::default()
}

pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(why.into()))
}

/// The members of an object, which must all be among these.
pub(super) fn only<'v>(
    value: &'v Value,
    name: &str,
    keys: &[&str],
) -> Result<&'v Map<String, Value>, Refusal> {
    let Some(map) = value.as_object() else {
        return refuse(format!("{name} is not an object"));
    };
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => refuse(format!("the engine has no setting for {name}.{key}")),
        None => Ok(map),
    }
}

/// The members of a config as a whole, which must all be among these, and those that never come from the case.
pub(super) fn config(config: &Value, default: &Value, keys: &[&str]) -> Part {
    only(config, "config", keys)?;
    if config["ociVersion"] != default["ociVersion"] {
        return refuse("the engine writes ociVersion itself");
    }
    Ok(())
}

/// For engines that have no setting for annotations.
pub(super) fn no_annotations(config: &Value) -> Part {
    match &config["annotations"] {
        Value::Null => Ok(()),
        Value::Object(map) if map.is_empty() => Ok(()),
        _ => refuse("the engine has no setting for annotations"),
    }
}

/// A map of texts, empty if it is absent.
pub(super) fn map_of_texts(map: &Value, name: &str) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let all = match map {
        Value::Null => return Ok(None),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect::<Option<_>>(),
        _ => None,
    };
    all.map_or_else(
        || refuse(format!("{name} is not a map of texts")),
        |all| Ok(Some(all)),
    )
}

/// A list, empty if it is absent.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> Result<Option<&'v [Value]>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::Array(items) => Ok(Some(items)),
        _ => refuse(format!("{name} is not a list")),
    }
}

/// A list of texts, empty if it is absent.
pub(super) fn texts(value: &Value, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(items) = list(value, name)? else {
        return Ok(None);
    };
    let all: Option<Vec<String>> = items.iter().map(|item| Some(item.as_str()?.to_owned())).collect();
    all.map_or_else(
        || refuse(format!("{name} is not a list of texts")),
        |all| Ok(Some(all)),
    )
}

/// True or false; false if it is absent.
pub(super) fn flag(value: &Value, key: &str, name: &str) -> Result<Option<bool>, Refusal> {
    match &value[key] {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        _ => refuse(format!("{name} is neither true nor false")),
    }
}

/// A whole number that fits the API's 64 bits; `None` if it is absent.
pub(super) fn number(value: &Value, name: &str) -> Result<Option<i64>, Refusal> {
    match value {
        Value::Null => Ok(None),
        other => other.as_i64().map_or_else(
            || refuse(format!("{name} is not a number that the engine takes")),
            |number| Ok(Some(number)),
        ),
    }
}

/// An environment that an engine passes on as it is.
pub(super) fn env_of(env: &Value) -> Result<Vec<String>, Refusal> {
    let env = texts(env, "process.env")?.unwrap_or_default();
    let mut names = BTreeSet::new();
    for entry in &env {
        match entry.split_once('=') {
            Some((name, _)) if !name.is_empty() && names.insert(name) => {}
            _ => return refuse("the engine changes odd entries of process.env"),
        }
    }
    if !names.contains("PATH") {
        return refuse("the engine adds PATH to process.env");
    }
    Ok(env)
}

/// The user that a process runs as.
pub(super) struct User {
    pub(super) uid: i64,
    pub(super) gid: i64,
    pub(super) groups: Vec<i64>,
}

/// A user that engines accept.
pub(super) fn user(user: &Value) -> Result<User, Refusal> {
    if user.is_null() {
        return refuse("the engine always writes process.user");
    }
    only(user, "process.user", &["uid", "gid", "additionalGids"])?;
    let id = |key: &str| -> Result<i64, Refusal> {
        let found = number(&user[key], &format!("process.user.{key}"))?.unwrap_or(0);
        // The engine makes the same check.
        if (0..=i64::from(i32::MAX)).contains(&found) {
            Ok(found)
        } else {
            refuse(format!(
                "process.user.{key} is not a number that the engine takes"
            ))
        }
    };
    let groups: Option<Vec<i64>> = match &user["additionalGids"] {
        Value::Null => Some(Vec::new()),
        Value::Array(groups) => groups
            .iter()
            .map(|gid| gid.as_i64().filter(|gid| *gid >= 0))
            .collect(),
        _ => None,
    };
    let Some(groups) = groups else {
        return refuse("process.user.additionalGids is not a list of numbers");
    };
    Ok(User {
        uid: id("uid")?,
        gid: id("gid")?,
        groups,
    })
}

/// What an engine can set: one list for all three sets, and nothing for the others; names without `CAP_`.
pub(super) struct Capabilities(pub(super) Vec<String>);

impl Capabilities {
    pub(super) fn of(capabilities: &Value) -> Result<Self, Refusal> {
        const KEYS: [&str; 5] = ["bounding", "effective", "permitted", "inheritable", "ambient"];
        if capabilities.is_null() {
            return refuse("the engine always writes process.capabilities");
        }
        only(capabilities, "process.capabilities", &KEYS)?;
        let set = |key: &str| -> Result<BTreeSet<String>, Refusal> {
            let list = texts(&capabilities[key], &format!("process.capabilities.{key}"))?;
            Ok(list.unwrap_or_default().into_iter().collect())
        };
        if !set("inheritable")?.is_empty() || !set("ambient")?.is_empty() {
            return refuse("the engine has no setting for inheritable and ambient capabilities");
        }
        let bounding = set("bounding")?;
        if set("effective")? != bounding || set("permitted")? != bounding {
            return refuse("the engine gives the same capabilities to all sets");
        }
        let names = bounding
            .iter()
            .map(|name| name.strip_prefix("CAP_").map(str::to_owned));
        let names: Option<Vec<String>> = names.collect();
        names.map_or_else(
            || refuse("process.capabilities has names that the engine would change"),
            |names| Ok(Self(names)),
        )
    }
}

/// sysctls; `None` if they are absent.
pub(super) fn sysctls(sysctl: &Value) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    map_of_texts(sysctl, "linux.sysctl")
}

/// A device that the machine has under a name of its own, and where it is in the container.
pub(super) struct Device {
    pub(super) here: String,
    pub(super) inside: String,
}

/// Devices; `None` if they are absent.
pub(super) fn devices(devices: &Value) -> Result<Option<Vec<Device>>, Refusal> {
    let Some(all) = list(devices, "linux.devices")? else {
        return Ok(None);
    };
    let device = |device: &Value| {
        only(device, "linux.devices", &["path", "type", "major", "minor"])?;
        let (Some(path), Some(major), Some(minor)) = (
            device["path"].as_str(),
            device["major"].as_u64(),
            device["minor"].as_u64(),
        ) else {
            return refuse("a device has no path or no numbers");
        };
        let Some(here) = machines(device["type"].as_str(), major, minor) else {
            return refuse(format!(
                "the machine has no device {major}:{minor} that the engine could give"
            ));
        };
        Ok(Device {
            here,
            inside: path.to_owned(),
        })
    };
    all.iter().map(device).collect::<Result<_, _>>().map(Some)
}

/// The path of a device that the machine has under a name of its own.
fn machines(kind: Option<&str>, major: u64, minor: u64) -> Option<String> {
    let entries = std::fs::read_dir("/dev").ok()?.flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let fits = |path: &std::path::PathBuf| {
        let Ok(told) = std::fs::symlink_metadata(path) else {
            return false;
        };
        let kind_fits = match kind {
            Some("c" | "u") => told.file_type().is_char_device(),
            Some("b") => told.file_type().is_block_device(),
            _ => false,
        };
        let number = told.rdev();
        let numbers = (
            u64::from(rustix::fs::major(number)),
            u64::from(rustix::fs::minor(number)),
        );
        kind_fits && numbers == (major, minor)
    };
    paths
        .into_iter()
        .find(fits)
        .map(|path| path.to_string_lossy().into_owned())
}
