//! The config that results from a case: that its changes change something, that it follows the spec except where the
//! case says that it does not, that its program exists, and that the probe is asked for something that it can do.

use std::cell::RefCell;
use std::collections::BTreeSet;

use ocidiff_model::merge::{MergeError, merge};
use ocidiff_model::pattern::glob;
use ocidiff_model::{Case, Op};
use serde_json::Value;

use super::place::{Place, whereabouts};
use super::program;
use crate::corpus::Corpus;
use crate::corpus::diagnostic::Diagnostic;
use crate::corpus::document::Document;
use crate::corpus::spec::{self, Wrong};

/// What one file declares to be wrong on purpose (`invalid`), and which of it really is.
#[derive(Debug, Default)]
pub(in crate::corpus) struct Excuses(RefCell<BTreeSet<String>>);

impl Excuses {
    /// Whether `invalid` says that this is wrong on purpose.
    pub(super) fn holds(&self, invalid: &[String], path: &str) -> bool {
        let said = invalid.iter().filter(|said| glob(said, path));
        let said: Vec<String> = said.cloned().collect();
        let holds = !said.is_empty();
        self.0.borrow_mut().extend(said);
        holds
    }

    /// An error for each that a file declares to be wrong although it is not.
    pub(in crate::corpus) fn dead<'s>(
        &self,
        document: &Document<'_>,
        invalid: impl Iterator<Item = &'s String>,
    ) -> Vec<Diagnostic> {
        let dead: BTreeSet<&String> = invalid.filter(|said| !self.0.borrow().contains(*said)).collect();
        let told = |said: &String| {
            let message = format!("`invalid` says that `{said}` is wrong on purpose, and it is not");
            let help = "remove it, or mend its spelling".to_owned();
            document.at(&["invalid"], message, help)
        };
        dead.into_iter().map(told).collect()
    }
}

/// The config of the first container, as far as it can be made.
pub(super) fn merged(case: &Case, corpus: &Corpus) -> Result<Value, MergeError> {
    let mut config = corpus.default_config.clone();
    merge(&mut config, &case.body.config)?;
    Ok(config)
}

/// What in a case's config does not follow the spec, or has no program: the case must declare it wrong on purpose.
pub(crate) fn departures(case: &Case, corpus: &Corpus) -> BTreeSet<String> {
    let Ok(config) = merged(case, corpus) else {
        return BTreeSet::new();
    };
    let mut wrongs = spec::check("config", &config, &[]);
    wrongs.extend(program::Root::of(case, &config, corpus).programs(&config));
    wrongs.iter().map(Wrong::path).collect()
}

/// What is wrong with the config that all cases start from.
pub(in crate::corpus) fn default_config(document: &Document<'_>, config: &Value) -> Vec<Diagnostic> {
    let wrongs = spec::check("config", config, &[]);
    let told = wrongs.into_iter().map(|wrong| {
        let keys: Vec<&str> = wrong.keys.iter().map(String::as_str).collect();
        document.at(&keys, whereabouts(&wrong), wrong.help)
    });
    told.collect()
}

/// What is wrong with the configs of a case.
pub(super) fn case(place: Place<'_>, config: &Value, corpus: &Corpus, excuses: &Excuses) -> Vec<Diagnostic> {
    let case = place.case;
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let mut tell = |within: &[&str], wrongs: Vec<Wrong>| {
        for wrong in wrongs {
            if !excuses.holds(&case.body.invalid, &wrong.path()) {
                found.push(place.wrong(within, wrong));
            }
        }
    };
    let mut plain = spec::check("config", config, &[]);
    // What is wrong with the default config is reported there, and not for each case.
    if !plain.is_empty() {
        let shared = spec::check("config", &corpus.default_config, &[]);
        plain.retain(|wrong| !shared.contains(wrong));
    }
    plain.extend(spec::check_removed(&case.body.config));
    let root = program::Root::of(case, config, corpus);
    let programs = root.programs(config);
    for (index, step) in case.body.steps.iter().enumerate() {
        let (index, op) = (index.to_string(), step.op.name());
        let within = ["steps", &index, op];
        if let Some(extra) = &step.options.config {
            let mut other = config.clone();
            // What cannot be merged is reported for the step.
            if merge(&mut other, extra).is_ok() {
                let mut wrongs = spec::check("config", &other, &[]);
                wrongs.extend(program::Root::of(case, &other, corpus).programs(&other));
                wrongs.retain(|wrong| !plain.contains(wrong));
                tell(&[&within[..], &["config"]].concat(), wrongs);
            }
        }
        if let Some(process) = step.options.process.as_ref().filter(|_| step.op == Op::Exec) {
            // Laid over the config's own process, for which everything has already been reported.
            let mut whole = config["process"].clone();
            if let Err(error) = merge(&mut whole, process) {
                errors.push(place.at(&[&within[..], &["process"]].concat(), error.to_string(), None));
            }
            let mut wrongs = spec::check("process", &whole, &["process"]);
            wrongs.extend(root.process(&whole));
            wrongs.retain(|wrong| !plain.contains(wrong) && !programs.contains(wrong));
            tell(&within, wrongs);
        }
        if let Some(resources) = &step.options.resources {
            tell(&within, spec::check("resources", resources, &["resources"]));
        }
    }
    tell(&["config"], plain);
    tell(&["config"], programs);
    found.extend(errors);
    found
}
