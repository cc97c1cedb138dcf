//! The runtimes of a move: the one to move to ([`target`](super::target)), and the one under which each workload runs.

use std::path::PathBuf;

use ocidiff_model::check::NodeEngine;
use ocidiff_runtimes::{Origin, Runtime, Store, is_same_program};

use super::find::{Found, Mine};
use super::programs::{manifest_of, one, own, path_of, shown, two_runtimes};
use super::target::target_of;
use crate::error::Error;
use crate::run::suite;

/// What is said about a container of which nothing says what runs it.
const NOT_KNOWN: &str = "it is not known under which runtime it runs: name that with --from";

/// The moves of a check: one from each runtime under which workloads run.
pub(super) struct Plan {
    /// The runtimes under which they run, the one with most workloads first, each with its workloads.
    pub(super) groups: Vec<(Runtime, Vec<Mine>)>,
    /// The one to move to.
    pub(super) to: Runtime,
    /// Where that comes from, if it must be mentioned.
    pub(super) target: Option<String>,
}

/// Which workloads move from which runtime; bundles move from the reference. Workloads that run under the target are
/// set aside; those of a runtime that is not known, or not available here, are not checked.
pub(super) fn plan(from: Option<&str>, to: &str, found: &mut Found) -> Result<Plan, Error> {
    let store = suite::store()?;
    let (to, target) = target_of(to, found, &store)?;
    let given = from.map(|from| given(from, &to, &store)).transpose()?;
    let engines = found.engines.clone();
    let mut words = Words::new(&engines, &store);
    let mut groups: Vec<(Runtime, Vec<Mine>)> = Vec::new();
    for mine in std::mem::take(&mut found.workloads) {
        let own = words.runtime(mine.engine.as_deref(), mine.under.as_deref());
        if own
            .as_ref()
            .is_ok_and(|own| own.as_ref().is_some_and(|own| is_target(own, &to)))
        {
            found.set_aside(mine.workload.name, &format!("under {} already", shown(&to)));
            continue;
        }
        let from = match (&given, own) {
            // A user who gives --from knows better.
            (Some(given), own) => {
                found
                    .notes
                    .extend(as_if(&mine, own.ok().flatten().as_ref(), given));
                given.clone()
            }
            (None, Ok(Some(own))) => own,
            (None, Ok(None)) if mine.engine.is_some() => {
                found.cannot(mine.workload.name, NOT_KNOWN);
                continue;
            }
            (None, Ok(None)) => words.reference()?,
            (None, Err(why)) => {
                found.cannot(mine.workload.name, why);
                continue;
            }
        };
        match groups.iter_mut().find(|(known, _)| is_same(known, &from)) {
            Some((_, all)) => all.push(mine),
            None => groups.push((from, vec![mine])),
        }
    }
    if groups.is_empty() {
        let from = match given {
            Some(given) => given,
            None => words.reference()?,
        };
        groups.push((from, Vec::new()));
    }
    // Among equals the first.
    groups.sort_by_key(|(_, all)| std::cmp::Reverse(all.iter().filter(|mine| !mine.pause).count()));
    Ok(Plan { groups, to, target })
}

/// The runtime that `--from` names; it is not the target.
fn given(from: &str, to: &Runtime, store: &Store) -> Result<Runtime, Error> {
    let both = suite::runtimes(&[from.to_owned(), selector(to)], store)?;
    both.into_iter().next().ok_or_else(two_runtimes)
}

/// What to say about a workload that is checked from a runtime other than its own.
fn as_if(mine: &Mine, own: Option<&Runtime>, given: &Runtime) -> Option<String> {
    let own = own.filter(|own| own.name() != given.name())?;
    let (name, own) = (&mine.workload.name, shown(own));
    Some(format!(
        "{name} runs under {own}, and is checked as if it were {}",
        given.name()
    ))
}

fn selector(runtime: &Runtime) -> String {
    format!("{}={}", runtime.name(), runtime.path.display())
}

/// Determines which runtime an engine's word stands for, once for each word.
struct Words<'a> {
    engines: &'a [NodeEngine],
    store: &'a Store,
    known: Vec<(String, Result<Runtime, String>)>,
    reference: Option<Runtime>,
}

impl<'a> Words<'a> {
    fn new(engines: &'a [NodeEngine], store: &'a Store) -> Self {
        Self {
            engines,
            store,
            known: Vec::new(),
            reference: None,
        }
    }

    /// The runtime of a workload; `None` if nothing names one.
    fn runtime(&mut self, engine: Option<&str>, word: Option<&str>) -> Result<Option<Runtime>, String> {
        let engine = self.engines.iter().find(|one| Some(one.name.as_str()) == engine);
        let Some(word) = word else { return Ok(None) };
        let path = path_of(engine, word)
            .map_err(|why| format!("it runs under {word}, which cannot be used here: {why}"))?;
        let key = path
            .as_ref()
            .map_or(word.to_owned(), |path| path.display().to_string());
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == key) {
            return known.clone().map(Some);
        }
        let found = self.resolve(word, path);
        self.known.push((key, found.clone()));
        found.map(Some)
    }

    fn resolve(&self, word: &str, path: Option<PathBuf>) -> Result<Runtime, String> {
        let failed = |error: Error| format!("it runs under {word}, which cannot be used here: {error}");
        let manifests = suite::manifests().map_err(failed)?;
        let Some(manifest) = manifest_of(word, path.as_deref(), &manifests) else {
            return Err(format!(
                "it runs under {word}, which is not a runtime that ocidiff knows: say which one is like it with --from"
            ));
        };
        match path {
            Some(path) => own(manifest, &path, self.store),
            None => one(&manifest.name, self.store),
        }
        .map_err(failed)
    }

    /// The runtime with which others are compared if nothing is specified.
    fn reference(&mut self) -> Result<Runtime, Error> {
        if let Some(reference) = &self.reference {
            return Ok(reference.clone());
        }
        let found = suite::runtimes(&[], self.store)?
            .into_iter()
            .next()
            .ok_or_else(two_runtimes)?;
        self.reference = Some(found.clone());
        Ok(found)
    }
}

/// Whether a workload's runtime is the target: the same program, or the same version of it, unless the user has named
/// their own build, or the engine has one.
fn is_target(own: &Runtime, target: &Runtime) -> bool {
    is_same(own, target)
        || (own.name() == target.name()
            && own.version == target.version
            && !matches!(target.origin, Origin::Given(_) | Origin::Engine))
}

fn is_same(one: &Runtime, other: &Runtime) -> bool {
    one.name() == other.name() && (one.digest == other.digest || is_same_program(&one.path, &other.path))
}
