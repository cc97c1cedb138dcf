//! From a case's config.json to the container that an engine is asked for, which writes a config.json of its own.
//!
//! Where an engine has no setting for something in the default config, such as mounts and devices, the engine's own
//! applies. What a case changes must have a setting, or the case is not suitable for an engine; each part says why.

mod linux;
mod mounts;
mod process;
mod resources;
mod seccomp;

use ocidiff_model::Case;
use serde_json::{Value, json};

use crate::via::express::{self, Part, Refusal, flag, only, refuse, whole};

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
    express::config(config, default, &keys)?;
    express::no_annotations(config)?;
    let mut body = base();
    process::add(&mut body, &config["process"])?;
    root(&mut body, &config["root"])?;
    names(&mut body, config)?;
    mounts::add(&mut body, &config["mounts"], &default["mounts"])?;
    linux::add(&mut body, &config["linux"], &default["linux"])?;
    Ok(body)
}

/// What is the same for every case: no network, no init of the engine, readable logs.
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

#[cfg(test)]
mod tests;
