//! The runtime to move to: one that this node's engines have registered, under whatever name, or another.

use std::path::PathBuf;

use ocidiff_model::version::Version;
use ocidiff_runtimes::{Origin, Runtime, Selector, Store, Which, find_all, is_same_program, program_on_path};

use super::find::Found;
use super::programs::{Program, absent, one, programs, shown};
use crate::error::Error;
use crate::run::suite;

/// What can be wrong with the one to move to without any engine; checked first, since most mistakes are made here. An
/// engine may have registered what is not known otherwise.
pub(super) fn check(to: &str) -> Result<Option<Error>, Error> {
    let Err(error) = one(to, &suite::store()?) else {
        return Ok(None);
    };
    let manifests = suite::manifests()?;
    let is_open = match to.split_once(['@', '=']) {
        None => true,
        Some((name, _)) => !to.contains('=') && manifests.iter().any(|manifest| manifest.name == name),
    };
    match is_open {
        true => Ok(Some(error)),
        false => Err(error),
    }
}

/// The target, and what it belongs to.
pub(super) fn target_of(
    to: &str,
    found: &mut Found,
    store: &Store,
) -> Result<(Runtime, Option<String>), Error> {
    let manifests = suite::manifests()?;
    let wanted = Wanted::of(to)?;
    let mut usable: Vec<(Program, Runtime)> = Vec::new();
    let mut broken = match &wanted {
        Wanted::Name(name) => absent(&found.engines, name),
        Wanted::Version(..) | Wanted::Program(_) => Vec::new(),
    };
    for program in wanted.among(&programs(&found.engines, &manifests)) {
        match program.runtime(store) {
            Ok(runtime) if !wanted.is_of_version(&runtime) => {}
            // Two names for the same program.
            Ok(runtime)
                if usable
                    .iter()
                    .any(|(_, other)| is_same_program(&other.path, &runtime.path)) => {}
            Ok(runtime) => usable.push((program, runtime)),
            Err(error) => broken.push(format!(
                "{}={}, which {} has registered, cannot be used: {error}",
                program.word,
                program.path.display(),
                program.engine
            )),
        }
    }
    let found_one = match <[_; 1]>::try_from(usable) {
        Ok([(program, runtime)]) => Ok(wanted.with(&program, runtime)),
        Err(none) if none.is_empty() => elsewhere(to, &wanted, found, store),
        Err(several) => Err(Error::usage(which(to, &several))),
    };
    match (found_one, &wanted) {
        // An engine knows that name, so a manifest for it would not help.
        (Err(_), Wanted::Name(name)) if !broken.is_empty() && one(name, store).is_err() => {
            Err(Error::usage(format!("--to {to}: {}", broken.join("; "))))
        }
        (found_one, _) => {
            found.notes.extend(broken);
            found_one
        }
    }
}

/// The target if no engine has it registered.
fn elsewhere(
    to: &str,
    wanted: &Wanted,
    found: &mut Found,
    store: &Store,
) -> Result<(Runtime, Option<String>), Error> {
    let is_name = matches!(wanted, Wanted::Name(_));
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

/// The question which of several programs is meant.
fn which(to: &str, several: &[(Program, Runtime)]) -> String {
    let each = several.iter().map(|(program, runtime)| {
        let (engine, word, path) = (&program.engine, &program.word, program.path.display());
        format!("{} is {engine}'s {word} ({path})", shown(runtime))
    });
    let each: Vec<String> = each.collect();
    let name = several.first().map_or(to, |(_, runtime)| runtime.name());
    format!(
        "--to {to} can be any of {} runtimes of this node: {}: name one as {name}@VERSION, by the engine's name for it, or \
         as {name}=/path/to/binary",
        several.len(),
        each.join(", ")
    )
}

/// What `--to` says.
#[derive(Debug)]
enum Wanted {
    /// A runtime's name, or an engine's name for one.
    Name(String),
    Version(String, Version),
    Program(PathBuf),
}

impl Wanted {
    fn of(to: &str) -> Result<Self, Error> {
        let Selector { name, which } = to.parse().map_err(Error::usage)?;
        Ok(match which {
            Which::Any => Self::Name(name),
            Which::Version(version) => Self::Version(name, version),
            Which::Program(path) => Self::Program(path),
        })
    }

    /// The programs that it can mean: under exactly that name, or else of that runtime.
    fn among(&self, programs: &[Program]) -> Vec<Program> {
        let those = |is_meant: &dyn Fn(&Program) -> bool| -> Vec<Program> {
            programs.iter().filter(|one| is_meant(one)).cloned().collect()
        };
        match self {
            Self::Name(name) => {
                let exactly = those(&|one| one.word == *name);
                match exactly.is_empty() {
                    true => those(&|one| one.manifest.name == *name),
                    false => exactly,
                }
            }
            Self::Version(name, _) => those(&|one| one.manifest.name == *name),
            Self::Program(path) => those(&|one| is_same_program(&one.path, path)),
        }
    }

    fn is_of_version(&self, runtime: &Runtime) -> bool {
        match self {
            Self::Version(_, version) => runtime.version == *version,
            Self::Name(_) | Self::Program(_) => true,
        }
    }

    /// The target, and whose it is; a path stays as it was typed.
    fn with(&self, program: &Program, runtime: Runtime) -> (Runtime, Option<String>) {
        let engine = title(&program.engine);
        let told = match self {
            // The engine calls it what everybody does.
            _ if program.word == program.manifest.name => format!("registered with this {engine}"),
            _ => format!("registered with this {engine} as {}", program.word),
        };
        let runtime = match self {
            Self::Program(path) => Runtime {
                origin: Origin::Given(path.clone()),
                ..runtime
            },
            Self::Name(_) | Self::Version(..) => runtime,
        };
        (runtime, Some(told))
    }
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

#[cfg(test)]
mod tests {
    use ocidiff_model::check::NodeEngine;

    use super::*;

    fn engine(name: &str, runtimes: &[String]) -> NodeEngine {
        NodeEngine {
            name: name.to_owned(),
            version: "1".to_owned(),
            default_runtime: None,
            runtimes: runtimes.to_vec(),
        }
    }

    #[test]
    fn a_registered_program_is_found_by_every_name_that_it_has() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["a/crun", "b/crun", "runc", "wrapper"] {
            let path = at(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("a file");
        }
        std::os::unix::fs::symlink(at("a/crun"), at("link")).expect("a link");
        let word = |name: &str, path: &str| format!("{name}={}", at(path).display());
        let node = [
            word("standard", "runc"),
            word("fast", "a/crun"),
            word("youki", "wrapper"),
            word("odd", "wrapper"),
            word("gone", "gone/crun"),
        ];
        let two = [
            word("fast", "a/crun"),
            word("new", "b/crun"),
            word("crun", "b/crun"),
        ];
        let given = |path: &str| format!("crun={}", at(path).display());
        let manifests = suite::manifests().expect("manifests");
        for (to, of_node, of_two) in [
            ("crun".to_owned(), vec!["fast"], vec!["crun"]),
            ("fast".to_owned(), vec!["fast"], vec!["fast"]),
            ("crun@1.28".to_owned(), vec!["fast"], vec!["fast", "new", "crun"]),
            (given("a/crun"), vec!["fast"], vec!["fast"]),
            (given("link"), vec!["fast"], vec!["fast"]),
            (given("runc"), vec!["standard"], vec![]),
            ("runc".to_owned(), vec!["standard"], vec![]),
            ("youki".to_owned(), vec!["youki"], vec![]),
            // Nothing says what it is.
            ("odd".to_owned(), vec![], vec![]),
            ("gone".to_owned(), vec![], vec![]),
        ] {
            for (runtimes, expected) in [(&node[..], of_node), (&two, of_two)] {
                let wanted = Wanted::of(&to).expect("it can be read");
                let programs = programs(&[engine("containerd", runtimes)], &manifests);
                let found = wanted.among(&programs);
                let words: Vec<&str> = found.iter().map(|one| one.word.as_str()).collect();
                assert_eq!(words, expected, "{to} {runtimes:?}");
            }
        }
    }

    #[test]
    fn a_registered_program_that_is_gone_is_named() {
        let store = suite::store().expect("a store");
        for (to, expected) in [
            (
                "crun-gone",
                "--to crun-gone: crun-gone, which docker has registered, cannot be used: its program /nowhere/crun is \
                 not there",
            ),
            ("other", "failed to find a runtime called `other`"),
        ] {
            let mut found = Found {
                engines: vec![engine("docker", &["crun-gone=/nowhere/crun".to_owned()])],
                ..Found::default()
            };
            let told = target_of(to, &mut found, &store).expect_err(to).to_string();
            assert!(told.starts_with(expected), "{to}: {told}");
        }
    }
}
