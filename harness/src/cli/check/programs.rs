//! The programs that the engines of a node call, and which runtime each one is.

use std::path::{Path, PathBuf};

use ocidiff_model::check::NodeEngine;
use ocidiff_runtimes::{Manifest, Runtime, Store, program_on_path, registered};

use crate::error::Error;
use crate::run::suite;

/// A program that an engine has registered, of a runtime that ocidiff knows.
#[derive(Debug, Clone)]
pub(super) struct Program {
    /// The engine.
    pub(super) engine: String,
    /// The engine's name for it: in Kubernetes, the handler that a RuntimeClass names.
    pub(super) word: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Which runtime it is.
    pub(super) manifest: Manifest,
}

impl Program {
    /// The runtime, once it has said its version.
    pub(super) fn runtime(&self, store: &Store) -> Result<Runtime, Error> {
        own(&self.manifest, &self.path, store)
    }
}

/// The runtime that an engine calls by a path.
pub(super) fn own(manifest: &Manifest, path: &Path, store: &Store) -> Result<Runtime, Error> {
    let found = registered(manifest, path, store, &suite::asker()?);
    found.map_err(|error| Error::usage(format!("failed to {error}")))
}

/// The programs of runtimes that ocidiff knows, of all engines.
pub(super) fn programs(engines: &[NodeEngine], manifests: &[Manifest]) -> Vec<Program> {
    let of_engine = |engine: &NodeEngine| -> Vec<Program> {
        let all = engine.runtimes.iter().filter_map(|one| {
            let (word, program) = one.split_once('=')?;
            let path = on_disk(program)?;
            let manifest = manifest_of(word, Some(&path), manifests)?.clone();
            Some(Program {
                engine: engine.name.clone(),
                word: word.to_owned(),
                path,
                manifest,
            })
        });
        all.collect()
    };
    engines.iter().flat_map(of_engine).collect()
}

/// Which runtime an engine's word stands for: the name of its program says more than the word.
pub(super) fn manifest_of<'m>(
    word: &str,
    path: Option<&Path>,
    manifests: &'m [Manifest],
) -> Option<&'m Manifest> {
    let file = path.and_then(|path| path.file_name()?.to_str());
    let of = |text: &str| manifests.iter().find(|manifest| is_of(text, &manifest.name));
    file.and_then(of).or_else(|| of(word))
}

/// The program that an engine's word stands for, if that is a path or is registered with one; an error says that it is
/// gone. Another program of that name is not what the engine calls.
pub(super) fn path_of(engine: Option<&NodeEngine>, word: &str) -> Result<Option<PathBuf>, String> {
    let registered = || {
        let mut known = engine?.runtimes.iter().filter_map(|one| one.split_once('='));
        known.find(|(name, _)| *name == word).map(|(_, program)| program)
    };
    let program = match Path::new(word).is_absolute() {
        true => Some(word),
        false => registered(),
    };
    let Some(program) = program else { return Ok(None) };
    match on_disk(program) {
        None if Path::new(program).is_absolute() => Err(gone(program)),
        found => Ok(found),
    }
}

/// What to say about those engines that have a word registered with a program that is gone.
pub(super) fn absent(engines: &[NodeEngine], word: &str) -> Vec<String> {
    let of_engine = |engine: &NodeEngine| {
        let why = path_of(Some(engine), word).err()?;
        let is_word = engine
            .runtimes
            .iter()
            .any(|one| one.split('=').next() == Some(word));
        is_word.then(|| {
            format!(
                "{word}, which {} has registered, cannot be used: {why}",
                engine.name
            )
        })
    };
    engines.iter().filter_map(of_engine).collect()
}

/// What is said of a program that an engine has registered, and that is not there.
pub(super) fn gone(program: impl std::fmt::Display) -> String {
    format!("its program {program} is not there")
}

/// A program by its path, or by its name on PATH.
fn on_disk(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return path.is_file().then(|| path.to_owned());
    }
    program_on_path(program)
}

/// The only runtime that a selector names.
pub(super) fn one(selector: &str, store: &Store) -> Result<Runtime, Error> {
    let all = suite::runtimes(&[selector.to_owned()], store)?;
    match <[Runtime; 1]>::try_from(all) {
        Ok([only]) => Ok(only),
        Err(_) => Err(two_runtimes()),
    }
}

/// What is said of two names for the same runtime, or one name for several.
pub(super) fn two_runtimes() -> Error {
    Error::usage("--from and --to must be two runtimes")
}

/// A runtime with its version.
pub(super) fn shown(runtime: &Runtime) -> String {
    format!("{} {}", runtime.name(), runtime.version)
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
        let all = ["sh=/bin/sh", "gone=/nowhere/gone", "ls=ls"].map(str::to_owned);
        let engine = NodeEngine {
            name: "docker".to_owned(),
            version: "1".to_owned(),
            default_runtime: None,
            runtimes: all.to_vec(),
        };
        let path = |word: &str| path_of(Some(&engine), word);
        let shell = Ok(Some(PathBuf::from("/bin/sh")));
        assert_eq!([path("sh"), path("/bin/sh")], [shell.clone(), shell.clone()]);
        assert_eq!([path_of(None, "/bin/sh"), path_of(None, "sh")], [shell, Ok(None)]);
        assert!(path("ls").is_ok_and(|path| path.is_some_and(|path| path.is_absolute())));
        assert_eq!(path("other"), Ok(None));
        assert_eq!(
            [path("gone"), path("/nowhere/sh")],
            ["/nowhere/gone", "/nowhere/sh"].map(|path| Err(format!("its program {path} is not there")))
        );
    }
}
