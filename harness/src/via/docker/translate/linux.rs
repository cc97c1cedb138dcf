//! `linux`: what confines the container, except for resources and seccomp, which are handled separately.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{host, resources, seccomp};
use crate::via::express::{self, Part, only, refuse, texts};

const KEYS: [&str; 8] = [
    "cgroupsPath",
    "namespaces",
    "resources",
    "maskedPaths",
    "readonlyPaths",
    "seccomp",
    "sysctl",
    "devices",
];

/// Adds all of it.
pub(super) fn add(body: &mut Value, linux: &Value, default: &Value) -> Part {
    only(linux, "linux", &KEYS)?;
    let path = linux["cgroupsPath"].as_str().unwrap_or_default();
    let own = default["cgroupsPath"].as_str().unwrap_or_default();
    if path != own.replace("${container}", ocidiff_model::step::MAIN) {
        return refuse("the engine chooses linux.cgroupsPath itself");
    }
    namespaces(body, &linux["namespaces"], &default["namespaces"])?;
    for (key, name) in [("maskedPaths", "MaskedPaths"), ("readonlyPaths", "ReadonlyPaths")] {
        let paths = texts(&linux[key], &format!("linux.{key}"))?;
        host(body, name, json!(paths.unwrap_or_default()));
    }
    sysctl(body, &linux["sysctl"])?;
    devices(body, &linux["devices"])?;
    resources::add(body, &linux["resources"], &default["resources"])?;
    seccomp::add(body, &linux["seccomp"])
}

/// The default namespaces, with or without a cgroup namespace.
fn namespaces(body: &mut Value, namespaces: &Value, default: &Value) -> Part {
    let kinds = |value: &Value| -> Option<BTreeSet<String>> {
        let all = value.as_array()?;
        let kind = |one: &Value| {
            let map = one.as_object().filter(|map| map.len() == 1)?;
            map.get("type")?.as_str().map(str::to_owned)
        };
        let set: BTreeSet<String> = all.iter().map(kind).collect::<Option<_>>()?;
        (set.len() == all.len()).then_some(set)
    };
    let Some(mut asked) = kinds(namespaces) else {
        return refuse("the engine makes new namespaces, each once");
    };
    let mode = if asked.remove("cgroup") { "private" } else { "host" };
    host(body, "CgroupnsMode", mode);
    if Some(&asked) == kinds(default).as_ref() {
        Ok(())
    } else {
        refuse("the engine chooses the namespaces itself")
    }
}

fn sysctl(body: &mut Value, sysctl: &Value) -> Part {
    let Some(map) = express::sysctls(sysctl)? else {
        return Ok(());
    };
    if let Some(net) = map.keys().find(|name| name.contains('/')) {
        return refuse(format!("the engine does not take the sysctl {net}"));
    }
    host(body, "Sysctls", json!(map));
    Ok(())
}

fn devices(body: &mut Value, devices: &Value) -> Part {
    let Some(all) = express::devices(devices)? else {
        return Ok(());
    };
    let devices = all.into_iter().map(
        |one| json!({"PathOnHost": one.here, "PathInContainer": one.inside, "CgroupPermissions": "rwm"}),
    );
    let found: Vec<Value> = devices.collect();
    host(body, "Devices", found);
    Ok(())
}
