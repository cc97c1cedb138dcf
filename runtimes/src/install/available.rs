//! Every version that could be installed: what Debian's suites have now, and what a crate's index lists.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ocidiff_confine::{raised, read_text};
use ocidiff_model::version::Version;
use serde::Deserialize;

use super::apt::Apt;
use super::debian::package_version;
use crate::ask::End;
use crate::machine::Machine;
use crate::manifest::{CrateSource, Manifest};
use crate::process;
use crate::store::Store;

/// How long cargo may take to look a crate up.
const LIMIT: Duration = Duration::from_secs(120);
/// Larger than a crate's list of versions.
const MOST_BYTES: u64 = 16 << 20;
/// Suites that have no backports.
const ROLLING: [&str; 2] = ["sid", "experimental"];

/// A version that could be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// The runtime.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where it would come from: `debian sid`, `crate youki`.
    pub from: String,
    /// Whether the manifest knows that it works.
    pub is_known: bool,
}

/// What could be installed, and what could not be asked.
#[derive(Debug, Default)]
pub struct Offer {
    /// By runtime, in the manifests' order, the oldest first.
    pub versions: Vec<Available>,
    /// A sentence for each source that could not be asked.
    pub unasked: Vec<String>,
}

/// Asks every source of every manifest; `cargo_home` is where cargo keeps what it knows about crates.
pub fn available(
    manifests: &[Manifest],
    store: &Store,
    machine: &Machine,
    cargo_home: Option<PathBuf>,
    watch: &mut dyn FnMut(&str),
) -> Offer {
    let mut offer = Offer::default();
    let suites = fresh_suites(manifests, (store, machine), &mut offer, watch);
    for manifest in manifests {
        let Some(install) = &manifest.install else {
            continue;
        };
        let mut found = Vec::new();
        if let Some(source) = &install.debian {
            for (suite, apt) in &suites {
                let plan = apt.plan_alone(std::slice::from_ref(&source.package));
                let version = plan.ok().and_then(|plan| package_version(source, &plan));
                found.extend(version.map(|version| (version, format!("debian {suite}"))));
            }
        }
        if let Some(source) = &install.krate {
            watch(&format!(
                "{}: asking for the crate {}",
                manifest.name, source.name
            ));
            match of_crate(source, machine, cargo_home.clone()) {
                Ok(versions) => {
                    let from = format!("crate {}", source.name);
                    found.extend(versions.into_iter().map(|version| (version, from.clone())));
                }
                Err(why) => offer.unasked.push(format!("the crate {}: {why}", source.name)),
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let known = install.versions();
        offer
            .versions
            .extend(found.into_iter().map(|(version, from)| Available {
                name: manifest.name.clone(),
                is_known: known.contains(&version),
                version,
                from,
            }));
    }
    offer.unasked.sort();
    offer.unasked.dedup();
    offer
}

/// The suites that manifests mention and the machine's own, with the backports of those that have them.
fn suites(manifests: &[Manifest], machine: &Machine) -> Vec<String> {
    let sources = manifests
        .iter()
        .filter_map(|manifest| manifest.install.as_ref()?.debian.as_ref());
    let mut all: BTreeSet<String> = sources
        .flat_map(|source| source.versions.values().cloned())
        .collect();
    all.extend(machine.suite.clone());
    let backports: Vec<String> = all
        .iter()
        .filter(|suite| !ROLLING.contains(&suite.as_str()))
        .map(|suite| format!("{suite}-backports"))
        .collect();
    all.extend(backports);
    all.into_iter().collect()
}

/// The suites whose lists are available; each is asked for once.
fn fresh_suites<'m>(
    manifests: &[Manifest],
    (store, machine): (&Store, &'m Machine),
    offer: &mut Offer,
    watch: &mut dyn FnMut(&str),
) -> Vec<(String, Apt<'m>)> {
    let mut fresh = Vec::new();
    for suite in suites(manifests, machine) {
        watch(&format!("asking Debian's {suite}"));
        let asked = Apt::open(machine, store, &suite).and_then(|apt| {
            apt.update(false, &mut |_| {})?;
            Ok(apt)
        });
        match asked {
            Ok(apt) => fresh.push((suite, apt)),
            // An archive may lack backports.
            Err(_) if suite.contains('-') => {}
            Err(error) => offer
                .unasked
                .push(format!("Debian's {suite}: {}", first_line(&error.to_string()))),
        }
    }
    fresh
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The versions of a crate that were not yanked, as they are in cargo's own index after cargo was asked.
fn of_crate(
    source: &CrateSource,
    machine: &Machine,
    cargo_home: Option<PathBuf>,
) -> Result<Vec<Version>, String> {
    let cargo = machine.tool("cargo").ok_or("there is no cargo on PATH")?;
    let home = cargo_home.ok_or("neither CARGO_HOME nor HOME says where cargo keeps its index")?;
    let mut command = machine.command(&cargo);
    // Elsewhere, an unrelated manifest would be read.
    command
        .current_dir("/")
        .env("CARGO_HOME", &home)
        .args(["info", "--quiet", &source.name]);
    let ended = process::run(&mut command, LIMIT, process::CAP).map_err(|error| error.to_string())?;
    if ended.end != End::Code(0) {
        return Err(format!("cargo {}", ended.tell()));
    }
    let index = home.join("registry/index");
    let lists = fs::read_dir(&index).map_err(|error| format!("{}: {error}", index.display()))?;
    let mut found = BTreeSet::new();
    for list in lists.flatten() {
        let path = list.path().join(".cache").join(place(&source.name));
        found.extend(versions(
            &read_text(&path, raised(MOST_BYTES)).unwrap_or_default(),
        ));
    }
    if found.is_empty() {
        return Err("cargo's index does not list it".to_owned());
    }
    Ok(found.into_iter().collect())
}

/// Where cargo keeps what it knows.
#[must_use]
pub fn cargo_home() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value: &OsString| !value.is_empty());
    set("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&set("HOME")?).join(".cargo")))
}

/// Where a crate is in an index: `se/rd/serde`, `3/s/syn`.
fn place(name: &str) -> PathBuf {
    let name = name.to_lowercase();
    let part = |from: usize, to: usize| name.get(from..to).unwrap_or_default();
    let folder = match name.len() {
        1 | 2 => name.len().to_string(),
        3 => format!("3/{}", part(0, 1)),
        _ => format!("{}/{}", part(0, 2), part(2, 4)),
    };
    Path::new(&folder).join(name)
}

/// The versions in an index file of cargo's cache: texts between zeros, including each version's JSON.
fn versions(text: &str) -> Vec<Version> {
    #[derive(Deserialize)]
    struct Line {
        vers: String,
        #[serde(default)]
        yanked: bool,
    }
    let lines = text
        .split('\0')
        .filter_map(|line| serde_json::from_str::<Line>(line).ok());
    let good = lines.filter(|line| !line.yanked);
    good.filter_map(|line| line.vers.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_file_lists_what_was_not_taken_back() {
        let text = "\u{3}\u{2}etag\0\"0.6.0\"\0{\"vers\":\"0.6.0\"}\0{\"vers\":\"0.5.9\",\"yanked\":true}\0{\"vers\":\"0.7.0\",\
                    \"yanked\":false}\0{\"vers\":7}\0";
        let found: Vec<String> = versions(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["0.6.0", "0.7.0"]);
        for (name, expected) in [
            ("youki", "yo/uk/youki"),
            ("syn", "3/s/syn"),
            ("ab", "2/ab"),
            ("a", "1/a"),
        ] {
            assert_eq!(place(name), Path::new(expected));
        }
    }
}
