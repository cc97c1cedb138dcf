//! `mounts`: the engine's own must all be present and unchanged; a tmpfs can be added.

use std::path::Path;

use serde_json::{Map, Value};

use super::host;
use crate::via::express::{Part, Refusal, only, refuse, texts};

/// Adds mounts beyond the default ones.
pub(super) fn add(body: &mut Value, mounts: &Value, default: &Value) -> Part {
    let (Some(mounts), Some(default)) = (mounts.as_array(), default.as_array()) else {
        return refuse("the engine always has mounts of its own");
    };
    if let Some(missing) = default.iter().find(|mount| !mounts.contains(mount)) {
        let place = missing["destination"].as_str().unwrap_or_default();
        return refuse(format!("the engine mounts {place} itself"));
    }
    let more: Vec<&Value> = mounts.iter().filter(|mount| !default.contains(mount)).collect();
    if mounts.len() != default.len() + more.len() || mounts[..default.len()] != default[..] {
        return refuse("the engine orders its mounts itself");
    }
    let mut added = Map::new();
    for mount in more {
        let (place, options) = tmpfs(mount)?;
        let is_odd = place == "/"
            || place.starts_with("/dev")
            || place.starts_with("/proc")
            || place.starts_with("/sys");
        if is_odd || added.insert(place.clone(), options.into()).is_some() {
            return refuse(format!("the engine does not take a tmpfs at {place}"));
        }
    }
    if !added.is_empty() {
        host(body, "Tmpfs", added);
    }
    Ok(())
}

fn tmpfs(mount: &Value) -> Result<(String, String), Refusal> {
    let kind = mount["type"].as_str().unwrap_or("bind");
    if kind != "tmpfs" {
        return refuse(format!("a mount of type {kind} is not one that the engine makes"));
    }
    only(mount, "mounts", &["destination", "type", "source", "options"])?;
    let options = texts(&mount["options"], "mounts.options")?.unwrap_or_default();
    // The options make it a bind, whatever its type.
    if options.iter().any(|option| option == "bind" || option == "rbind") {
        return refuse("a bind mount is not one that the engine makes");
    }
    match mount["destination"].as_str() {
        Some(place) if Path::new(place).is_absolute() => Ok((place.to_owned(), options.join(","))),
        _ => refuse("a mount's destination is not absolute"),
    }
}
