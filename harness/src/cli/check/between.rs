//! The two runtimes of a move.

use std::path::Path;

use ocidiff_model::check::NodeEngine;
use ocidiff_runtimes::Runtime;

use super::find::Found;
use crate::error::Error;
use crate::run::suite;

/// The one to move to; asked for first, since most mistakes are made here.
pub(super) fn target(to: &str) -> Result<(), Error> {
    suite::runtimes(&[to.to_owned()], &suite::store()?).map(|_| ())
}

/// The runtime now, and the one to move to. Where nobody says which it is now, it is the engine's default, else the
/// reference. Containers that run under another one are noted.
pub(super) fn two(from: Option<&str>, to: &str, found: &mut Found) -> Result<Vec<Runtime>, Error> {
    let store = suite::store()?;
    let to = match registered(&found.engines, to) {
        Some((engine, to)) => {
            found
                .notes
                .push(format!("{to} is the one that {engine} has registered"));
            to
        }
        None => to.to_owned(),
    };
    let of_engine = || {
        let mut defaults = found.engines.iter().filter_map(default_of);
        defaults.find(|from| suite::runtimes(std::slice::from_ref(from), &store).is_ok())
    };
    let from = match from.map(str::to_owned).or_else(of_engine) {
        Some(from) => from,
        None => suite::runtimes(&[], &store)?
            .first()
            .map_or_else(String::new, |runtime| runtime.name().to_owned()),
    };
    let runtimes = suite::runtimes(&[from, to], &store)?;
    let [now, target] = &runtimes[..] else {
        return Err(Error::usage("--from and --to must be two runtimes"));
    };
    if now.name() != target.name() {
        leave_out(found, target);
    }
    let others = found
        .under
        .iter()
        .filter(|(_, runtime)| !is_of(runtime, now.name()));
    let notes: Vec<String> = others
        .map(|(name, runtime)| {
            format!(
                "{name} runs under {runtime}, and is checked as if it were {}",
                now.name()
            )
        })
        .collect();
    found.notes.extend(notes);
    Ok(runtimes)
}

/// The program that an engine of this node would use for a plain name, and the engine's name.
fn registered(engines: &[NodeEngine], name: &str) -> Option<(String, String)> {
    engines.iter().find_map(|engine| {
        let named = |one: &&String| {
            one.split_once('=')
                .is_some_and(|(known, path)| known == name && Path::new(path).is_file())
        };
        let runtime = engine.runtimes.iter().find(named)?;
        Some((engine.name.clone(), runtime.clone()))
    })
}

/// Those that run under the target already have nowhere to move.
fn leave_out(found: &mut Found, target: &Runtime) {
    let paths = found.engines.iter().flat_map(|engine| &engine.runtimes);
    let paths: Vec<(&str, &Path)> = paths
        .filter_map(|one| one.split_once('='))
        .map(|(name, path)| (name, Path::new(path)))
        .collect();
    // An engine may know a build of that name which is another one.
    let is_another = |word: &str| {
        let path = paths.iter().find(|(name, _)| *name == word).map(|(_, path)| path);
        path.is_some_and(|path| path.is_absolute() && !is_same_file(path, &target.path))
    };
    let there: Vec<(String, String)> = found
        .under
        .extract_if(.., |(_, word)| is_of(word, target.name()) && !is_another(word))
        .collect();
    if there.is_empty() {
        return;
    }
    found
        .workloads
        .retain(|one| there.iter().all(|(name, _)| *name != one.name));
    let names: Vec<&str> = there.iter().map(|(name, _)| name.as_str()).take(10).collect();
    let more = if there.len() > names.len() { ", ..." } else { "" };
    let note = match there.len() {
        1 => format!(
            "{} runs under {} already, and is left out",
            names[0],
            target.name()
        ),
        all => format!(
            "{all} workloads run under {} already, and are left out: {}{more}",
            target.name(),
            names.join(", ")
        ),
    };
    found.notes.push(note);
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// An engine's default runtime, by its path where that is told.
fn default_of(engine: &NodeEngine) -> Option<String> {
    let name = engine.default_runtime.as_ref()?;
    let with_path = format!("{name}=/");
    let known = engine.runtimes.iter().find(|one| one.starts_with(&with_path));
    Some(known.unwrap_or(name).clone())
}

/// Whether an engine's word is for a runtime: `runc`, `io.containerd.runc.v2`, `runc-1.1`.
fn is_of(word: &str, name: &str) -> bool {
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
    fn the_default_has_its_path_if_the_engine_tells_it() {
        let engine = |default: Option<&str>| NodeEngine {
            name: "docker".to_owned(),
            version: "1".to_owned(),
            default_runtime: default.map(str::to_owned),
            runtimes: vec!["a=/opt/a".to_owned(), "b=b".to_owned()],
        };
        assert_eq!(default_of(&engine(Some("a"))).as_deref(), Some("a=/opt/a"));
        assert_eq!(default_of(&engine(Some("b"))).as_deref(), Some("b"));
        assert_eq!(default_of(&engine(None)), None);
        let mut own = engine(None);
        own.runtimes = vec!["sh=/bin/sh".to_owned(), "gone=/nowhere/gone".to_owned()];
        let told = |name: &str| registered(std::slice::from_ref(&own), name).map(|(_, to)| to);
        assert_eq!(told("sh").as_deref(), Some("sh=/bin/sh"));
        assert_eq!([told("gone"), told("other"), told("sh@1")], [None, None, None]);
    }
}
