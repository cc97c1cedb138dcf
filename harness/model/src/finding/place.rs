//! What a sign asks of the config at the path that a fact is about.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::predicate::at;
use super::sign::Sign;
use crate::pattern::Pattern;

impl Sign {
    /// Whether the config lists the path that the fact is about, and mounts such a thing there, where the sign asks for
    /// that.
    #[must_use]
    pub fn is_in_config(&self, path: &str, config: &Json) -> bool {
        // A second mount at the same place is `PLACE#2`.
        let path = path.split_once('#').map_or(path, |(path, _)| path);
        let place = path.find("./").map(|dot| &path[dot + 1..]);
        let about = |listed: &Json| {
            let listed = listed.as_str().map(from_root);
            listed.is_some() && listed.as_deref() == place
        };
        let items = |list: &str| at(config, list).and_then(Json::as_array).into_iter().flatten();
        let is_listed = |list: &String| items(list).any(about);
        let is_mounted = |such: &Pattern| {
            let mut there = items("mounts").filter(|mount| about(&mount["destination"]));
            there.next_back().is_some_and(|last| such.fits(last))
        };
        let lies_within = |such: &Pattern| {
            let place = place.unwrap_or("/");
            // The last of several at the same place.
            let around = items("mounts")
                .filter_map(|mount| {
                    let top = from_root(mount["destination"].as_str()?);
                    Path::new(place).starts_with(&top).then_some((top.len(), mount))
                })
                .max_by_key(|(length, _)| *length);
            around.map_or_else(
                || such.fits(&json!({"destination": "/"})),
                |(_, mount)| such.fits(mount),
            )
        };
        self.listed.as_ref().is_none_or(is_listed)
            && self.mounted.as_ref().is_none_or(is_mounted)
            && self.within.as_ref().is_none_or(lies_within)
    }

    /// Whether it asks for something in the config at the path that the fact is about.
    #[must_use]
    pub fn is_placed(&self) -> bool {
        self.listed.is_some() || self.mounted.is_some() || self.within.is_some()
    }
}

/// A path of the config as runtimes take it: from the container's root.
fn from_root(place: &str) -> String {
    format!("/{}", place.trim_matches('/'))
}
