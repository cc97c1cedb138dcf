//! The runtimes of a move: the one to move to, and the one under which each workload runs.

use std::path::{Path, PathBuf};

use ocidiff_model::check::NodeEngine;
use ocidiff_runtimes::{Origin, Runtime, Store, find_all, program_on_path};

use super::find::{Found, Mine};
use crate::error::Error;
use crate::run::suite;

/// The moves of a check: one from each runtime under which workloads run.
pub(super) struct Plan {
    /// The runtimes under which they run, the one with most workloads first, each with its workloads.
    pub(super) groups: Vec<(Runtime, Vec<Mine>)>,
    /// The one to move to.
    pub(super) to: Runtime,
    /// Where that comes from, if it must be mentioned.
    pub(super) target: Option<String>,
}

/// The one to move to; checked first, since most mistakes are made here.
pub(super) fn target(to: &str) -> Result<(), Error> {
    one(to, &suite::store()?).map(|_| ())
}

/// Which workloads move from which runtime. If nothing says under which runtime a workload runs, it is the engine's
/// default, otherwise the reference. Those that run under the target are set aside; those of a runtime that is not
/// available here are not checked.
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

fn two_runtimes() -> Error {
    Error::usage("--from and --to must be two runtimes")
}

/// The target, and what it belongs to.
fn target_of(to: &str, found: &mut Found, store: &Store) -> Result<(Runtime, Option<String>), Error> {
    // A version or a path says which one is meant.
    let is_name = !to.contains(['@', '=']);
    if let Some((engine, selector)) = registered(&found.engines, to).filter(|_| is_name) {
        match one(&selector, store) {
            Ok(runtime) => return Ok((runtime, Some(format!("registered with this {}", title(&engine))))),
            Err(error) => found.notes.push(format!(
                "{selector}, which {engine} has registered, cannot be used: {error}"
            )),
        }
    }
    if is_name {
        found.notes.extend(broken_on_path(to, store)?);
    }
    let runtime = one(to, store)?;
    let target = match &runtime.origin {
        Origin::Store(_) => Some("from the store, not this node's".to_owned()),
        Origin::Path if !found.engines.is_empty() && is_name => Some("on this node's PATH".to_owned()),
        _ => None,
    };
    Ok((runtime, target))
}

/// A program of that name on PATH that does not report its version: whatever is used in its place is not what the node
/// has.
fn broken_on_path(name: &str, store: &Store) -> Result<Vec<String>, Error> {
    let on_path = find_all(&suite::manifests()?, store, &suite::asker()?);
    let path = program_on_path(name);
    let told = on_path
        .broken
        .iter()
        .filter(|error| Some(error.path()) == path.as_deref());
    Ok(told
        .map(|error| format!("{name} on PATH does not start, and another one is taken: failed to {error}"))
        .collect())
}

fn one(selector: &str, store: &Store) -> Result<Runtime, Error> {
    let all = suite::runtimes(&[selector.to_owned()], store)?;
    match <[Runtime; 1]>::try_from(all) {
        Ok([only]) => Ok(only),
        Err(_) => Err(two_runtimes()),
    }
}

fn selector(runtime: &Runtime) -> String {
    format!("{}={}", runtime.name(), runtime.path.display())
}

fn shown(runtime: &Runtime) -> String {
    format!("{} {}", runtime.name(), runtime.version)
}

/// An engine's name as its makers write it.
fn title(engine: &str) -> &str {
    match engine {
        "docker" => "Docker",
        "podman" => "Podman",
        "crio" => "CRI-O",
        other => other,
    }
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

    /// The runtime of a workload; `None` if neither the workload nor its engine names one.
    fn runtime(&mut self, engine: Option<&str>, word: Option<&str>) -> Result<Option<Runtime>, String> {
        let engine = self.engines.iter().find(|one| Some(one.name.as_str()) == engine);
        let word = word.or_else(|| engine?.default_runtime.as_deref());
        let Some(word) = word else { return Ok(None) };
        let path = engine.and_then(|engine| path_of(engine, word));
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
        let manifests = suite::manifests().map_err(|error| error.to_string())?;
        let name = manifests.iter().map(|manifest| &manifest.name);
        let by_path = path.as_ref().and_then(|path| path.file_name()?.to_str());
        let name = name
            .into_iter()
            .find(|name| is_of(word, name) || by_path.is_some_and(|file| is_of(file, name)));
        let Some(name) = name else {
            return Err(format!(
                "it runs under {word}, which is not a runtime that ocidiff knows: say which one is like it with --from"
            ));
        };
        let wanted = match path {
            Some(path) => format!("{name}={}", path.display()),
            None => name.clone(),
        };
        one(&wanted, self.store)
            .map_err(|error| format!("it runs under {word}, which cannot be used here: {error}"))
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

/// The program that an engine's word stands for, if that is a path or is registered with one.
fn path_of(engine: &NodeEngine, word: &str) -> Option<PathBuf> {
    let path = Path::new(word);
    if path.is_absolute() {
        return path.is_file().then(|| path.to_owned());
    }
    let mut known = engine.runtimes.iter().filter_map(|one| one.split_once('='));
    let (_, program) = known.find(|(name, _)| *name == word)?;
    on_disk(program)
}

/// A program by its path, or by its name on PATH.
fn on_disk(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return path.is_file().then(|| path.to_owned());
    }
    program_on_path(program)
}

/// The program that an engine of this node would use for a plain name, and the engine's name.
fn registered(engines: &[NodeEngine], name: &str) -> Option<(String, String)> {
    engines.iter().find_map(|engine| {
        let mut known = engine.runtimes.iter().filter_map(|one| one.split_once('='));
        let (_, program) = known.find(|(known, _)| *known == name)?;
        let path = on_disk(program)?;
        Some((engine.name.clone(), format!("{name}={}", path.display())))
    })
}

/// Whether a workload's runtime is the target: the same program, or the same version of it, unless the user has named
/// their own build.
fn is_target(own: &Runtime, target: &Runtime) -> bool {
    is_same(own, target)
        || (own.name() == target.name()
            && own.version == target.version
            && !matches!(target.origin, Origin::Given(_)))
}

fn is_same(one: &Runtime, other: &Runtime) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    one.name() == other.name() && (one.digest == other.digest || real(&one.path) == real(&other.path))
}

/// Whether an engine's word stands for a runtime: `runc`, `io.containerd.runc.v2`, `runc-1.1`.
pub(super) fn is_of(word: &str, name: &str) -> bool {
    word.split(['.', '-', '/']).any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_words_for_a_runtime_are_known() {
        for (word, name, expected) in [
            ("a", "a", true),
            ("io.containerd.a.v2", "a", true),
            ("/usr/bin/a", "a", true),
            ("a-1.2", "a", true),
            ("ab", "a", false),
            ("io.containerd.b.v2", "a", false),
        ] {
            assert_eq!(is_of(word, name), expected, "{word} {name}");
        }
    }

    #[test]
    fn a_word_stands_for_a_program_if_the_engine_says_where_it_is() {
        let engine = NodeEngine {
            name: "docker".to_owned(),
            version: "1".to_owned(),
            default_runtime: None,
            runtimes: ["sh=/bin/sh", "gone=/nowhere/gone", "ls=ls"]
                .map(str::to_owned)
                .to_vec(),
        };
        let path = |word: &str| path_of(&engine, word);
        assert_eq!(path("sh").as_deref(), Some(Path::new("/bin/sh")));
        assert_eq!(path("/bin/sh").as_deref(), Some(Path::new("/bin/sh")));
        assert!(path("ls").is_some_and(|path| path.is_absolute()));
        assert_eq!(
            [path("gone"), path("other"), path("/nowhere/sh")],
            [None, None, None]
        );
        let told = |name: &str| registered(std::slice::from_ref(&engine), name).map(|(_, to)| to);
        assert_eq!(told("sh").as_deref(), Some("sh=/bin/sh"));
        assert_eq!([told("gone"), told("other")], [None, None]);
    }
}
