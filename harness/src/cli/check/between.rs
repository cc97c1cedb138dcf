//! The two runtimes of a move.

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
    let to = to.to_owned();
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
    let [now, _] = &runtimes[..] else {
        return Err(Error::usage("--from and --to must be two runtimes"));
    };
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
    }
}
