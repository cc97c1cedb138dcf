//! A user's container as a case.
//!
//! | module | what it does |
//! |---|---|
//! | `config`  | the container's config without what belongs to the host or is secret, and what it becomes in a case |
//! | `rootfs`  | the folders that its rootfs consists of, and what is put on top |
//! | `yaml`    | writes values the way people write cases |
//!
//! The promise: the case's config is the captured one, member by member. It is loaded and built before it is handed
//! out.

mod config;
mod rootfs;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ocidiff_model::step::{MAIN, trial};
use ocidiff_model::{Case, Channel, FileSpec, Watch};
use serde_json::{Value, json};

use crate::corpus::config::text as config_text;
use crate::corpus::{self, Corpus};
use crate::workload::tame::Limits;
use config::Captured;
pub use rootfs::layers;
pub use yaml::line;

/// What is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What people call it: `the container web`.
    pub name: String,
    /// The image that it is made from.
    pub image: Option<String>,
    /// The text of its config.json.
    pub config: String,
    /// The folders of its rootfs, the topmost first; empty if they cannot be seen.
    pub layers: Vec<PathBuf>,
    /// What the case lacks of it, with a line each.
    pub without: Vec<String>,
}

/// What the case should be like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A recipe, in place of the container's own rootfs.
    pub recipe: Option<String>,
    /// The container's own command, in place of the probe.
    pub command: bool,
}

/// A case that was captured.
#[derive(Debug, Clone, PartialEq)]
pub struct Captive {
    /// The case file.
    pub text: String,
    /// The config that the case gives, as it would be written for its container.
    pub config: Value,
    /// What is left out or changed, with a line each.
    pub changes: Vec<String>,
}

/// Why there is no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such recipe.
    #[error("there is no rootfs `{name}`: there are {all}")]
    Recipe {
        /// What was asked for.
        name: String,
        /// The existing recipes.
        all: String,
    },
    /// Its command is not available.
    #[error(
        "its rootfs cannot be seen from here, and its command is in it: name a recipe that has it with --rootfs"
    )]
    Unseen,
    /// The config is not one.
    #[error("{0}")]
    Config(String),
    /// The case does not say what the config says.
    #[error("it cannot be written as a case: {0}")]
    Inexact(String),
}

/// Makes the case, and proves that it is one: `corpus` has what cases share.
///
/// # Errors
/// See [`Error`].
pub fn capture(
    container: &Container,
    wanted: &Wanted,
    corpus: &Corpus,
    limits: &Limits,
) -> Result<Captive, Error> {
    let mut changes = Vec::new();
    let rootfs = rootfs::of(container, wanted, corpus, &mut changes)?;
    let probe = (!wanted.command).then(|| rootfs::probe(&rootfs, corpus));
    let captured = config::capture(container, probe.as_deref(), limits, changes)?;
    let files = rootfs::files(&rootfs, probe.as_deref(), &captured.config, corpus);
    let mut case = vec![
        ("summary", Value::String(summary(container))),
        ("rootfs", json!(rootfs)),
    ];
    if !files.is_empty() {
        case.push(("files", files_of(&files)));
    }
    let written = config::written(&captured, corpus)?;
    case.push(("config", written.patch));
    if let Some(mark) = &written.mark {
        case.push(("config_text", json!([{"replace": mark, "with": ""}])));
    }
    if wanted.command {
        case.push(("steps", trial(5)));
    }
    case.push(("watch", json!(watch(wanted))));
    let invalid = invalid(&case, corpus)?;
    if !invalid.is_empty() {
        case.push(("invalid", json!(invalid)));
    }
    let text = yaml::file(&head(container, &captured), &case);
    prove(&text, &captured.config, corpus)?;
    Ok(Captive {
        text,
        config: captured.config,
        changes: captured.changes,
    })
}

/// What in the config does not follow the spec: it is the same in the container.
fn invalid(case: &[(&str, Value)], corpus: &Corpus) -> Result<BTreeSet<String>, Error> {
    let members = case
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let body =
        serde_json::from_value(members.collect()).map_err(|error| Error::Inexact(error.to_string()))?;
    let case = Case {
        name: "one/case".to_owned(),
        source: String::new(),
        member: None,
        body,
    };
    Ok(corpus::departures(&case, corpus))
}

fn summary(container: &Container) -> String {
    let name = line(&container.name);
    match &container.image {
        Some(image) => format!("{name} (image {})", line(image)),
        None => name,
    }
}

fn head(container: &Container, captured: &Captured) -> Vec<String> {
    let mut head = vec![format!(
        "Captured from {} by `ocidiff capture`. Its config is as the runtime got it, but:",
        container.name
    )];
    head.extend(captured.changes.iter().map(|change| format!("- {change}")));
    head
}

/// Only what is not the default is written.
fn files_of(files: &BTreeMap<String, FileSpec>) -> Value {
    let spare = |spec: &FileSpec| {
        if spec.probe {
            json!({"probe": true})
        } else {
            json!({})
        }
    };
    let all = files.iter().map(|(path, spec)| (path.clone(), spare(spec)));
    Value::Object(all.collect())
}

/// The probe itself reports most; cgroups are seen from outside only.
fn watch(wanted: &Wanted) -> BTreeMap<Channel, Watch> {
    let paths = |paths: &[&str]| Watch::Paths(paths.iter().map(|&path| path.to_owned()).collect());
    let mut watch = BTreeMap::from([(Channel::Cgroup, paths(&["*"]))]);
    if wanted.command {
        watch.insert(Channel::Proc, paths(&["init"]));
        watch.insert(Channel::Mount, paths(&["*"]));
    }
    watch
}

/// Loads the text as a run would, builds its config, and compares it with the captured one.
fn prove(text: &str, config: &Value, corpus: &Corpus) -> Result<(), Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::Inexact(error.to_string());
    let case = corpus::load_one(text, corpus).map_err(|errors| wrong(&errors))?;
    let built = config_text(&case, corpus, MAIN, None).map_err(|error| wrong(&error))?;
    let built: Value = serde_json::from_str(&built).map_err(|error| wrong(&error))?;
    if built == *config {
        return Ok(());
    }
    Err(Error::Inexact("its config would not be the same".to_owned()))
}

#[cfg(test)]
mod tests;
