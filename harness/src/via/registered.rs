//! Which of the runtimes that an engine has registered, or would accept, take part.

use std::path::{Path, PathBuf};

use ocidiff_engines::remote::{CallError, Registered};
use ocidiff_runtimes::{Manifest, Runtime, is_same_program, program_on_path, registered};

use crate::cells::participants::{Contender, contenders};
use crate::error::Error;
use crate::run::suite;
use crate::via::clean;
use crate::via::makes::Makes;

/// The runtimes that take part, and those that might have.
#[derive(Debug, Default)]
pub struct TakingPart {
    /// The reference first, each with the engine's name for it.
    pub contenders: Vec<(Contender, String)>,
    /// A line for each runtime that was meant and cannot be used: why. A run without it is not whole.
    pub left_out: Vec<String>,
    /// A line for each that nobody can have meant, because ocidiff does not know how it is called.
    pub unknown: Vec<String>,
}

/// What an engine has registered, and which of it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// The engine.
    pub engine: &'a str,
    /// All that is registered.
    pub all: &'a [Registered],
    /// The names that are asked for; all if there are none.
    pub named: &'a [String],
    /// How to register another one.
    pub remedy: &'a str,
}

/// The runtimes that the engine has registered and a manifest knows, or those of them that are named.
///
/// # Errors
/// One that is named is not registered; fewer than two are left; the reference is not one of them.
pub fn choose(choice: Choice<'_>, reference: Option<&str>) -> Result<TakingPart, Error> {
    let manifests = suite::manifests()?;
    let Choice {
        engine, all, named, ..
    } = choice;
    if let Some(unknown) = named.iter().find(|name| all.iter().all(|one| one.name != **name)) {
        let names = choice.names();
        return Err(Error::usage(format!(
            "{engine} has no runtime `{unknown}`: it has {names}"
        )));
    }
    let mut taking_part = TakingPart::default();
    let mut chosen = choice.usable(&manifests, &mut taking_part.left_out)?;
    taking_part.unknown = choice.unknown(&manifests, &chosen);
    if !named.is_empty() {
        chosen.sort_by_key(|(_, name)| named.iter().position(|other| other == name));
    }
    if chosen.len() < 2 {
        return Err(Error::usage(choice.too_few(&chosen, &taking_part, &manifests)));
    }
    let called: Vec<(PathBuf, String)> = chosen
        .iter()
        .map(|(runtime, name)| (runtime.path.clone(), name.clone()))
        .collect();
    let runtimes = chosen.into_iter().map(|(runtime, _)| runtime).collect();
    let contenders = contenders(runtimes, reference).map_err(Error::usage)?;
    let with_name = |contender: Contender| {
        let (_, name) = called.iter().find(|(path, _)| *path == contender.runtime.path)?;
        Some((contender, name.clone()))
    };
    taking_part.contenders = contenders.into_iter().filter_map(with_name).collect();
    Ok(taking_part)
}

impl Choice<'_> {
    fn names(self) -> String {
        list(self.all.iter().map(|one| one.name.as_str()))
    }

    fn is_meant(self, one: &Registered) -> bool {
        self.named.is_empty() || self.named.contains(&one.name)
    }

    /// Those that are meant, that a manifest knows and that can be called; a line for each of the others that a
    /// manifest knows.
    fn usable(
        self,
        manifests: &[Manifest],
        left_out: &mut Vec<String>,
    ) -> Result<Vec<(Runtime, String)>, Error> {
        let (ask, store) = (suite::asker()?, suite::store()?);
        let mut chosen: Vec<(Runtime, String)> = Vec::new();
        for manifest in manifests {
            let meant = self.all.iter().filter(|one| self.is_meant(one));
            let mut meant: Vec<_> = meant.filter(|one| is_of(manifest, one, manifests)).collect();
            // Of two names for a program, the one that says what it is.
            meant.sort_by_key(|one| !is_called(manifest, &one.name));
            for one in meant {
                let Some(program) = &one.program else {
                    left_out.push(format!(
                        "{}: {} does not name its program: left out",
                        one.name, self.engine
                    ));
                    continue;
                };
                match registered(manifest, program, &store, &ask) {
                    // Two names for the same program.
                    Ok(runtime)
                        if chosen
                            .iter()
                            .any(|(other, _)| is_same_program(&other.path, &runtime.path)) => {}
                    Ok(runtime) => chosen.push((runtime, one.name.clone())),
                    Err(error) => left_out.push(format!("{}: failed to {error}: left out", one.name)),
                }
            }
        }
        Ok(chosen)
    }

    /// A line for each that no manifest is for, and for each other name of a program that takes part.
    fn unknown(self, manifests: &[Manifest], chosen: &[(Runtime, String)]) -> Vec<String> {
        let meant = self.all.iter().filter(|one| self.is_meant(one));
        let other = meant.filter(|one| chosen.iter().all(|(_, name)| *name != one.name));
        let line = |one: &Registered| {
            let name = &one.name;
            if let Some(same) = self.taken_by(one, chosen) {
                // An engine's own long names of its default runtime are not news.
                let is_news = self.named.contains(name) || !name.contains('.');
                return is_news.then(|| format!("{name}: it calls the same program as {same}: left out"));
            }
            let fits = manifests.iter().any(|manifest| is_of(manifest, one, manifests));
            (!fits).then(|| format!("{name}: no manifest is for `{name}`: left out"))
        };
        other.filter_map(line).collect()
    }

    /// The name under which a registered program takes part.
    fn taken_by<'c>(self, one: &Registered, chosen: &'c [(Runtime, String)]) -> Option<&'c str> {
        let own = one.program.as_deref()?;
        let name = |program: &Path| -> Option<&'c str> {
            let (_, name) = chosen
                .iter()
                .find(|(runtime, _)| is_same_program(&runtime.path, program))?;
            Some(name)
        };
        // Some are registered by their name on PATH.
        name(own).or_else(|| name(&program_on_path(own.to_str()?)?))
    }

    /// Those that could be named too: each can be called, and calls a program that does not take part yet.
    fn others(self, chosen: &[(Runtime, String)], manifests: &[Manifest]) -> Vec<String> {
        let of_all = Self { named: &[], ..self };
        let usable = of_all.usable(manifests, &mut Vec::new()).unwrap_or_default();
        let is_new = |runtime: &Runtime, name: &String| {
            let mut taken = chosen.iter();
            !self.named.contains(name) && taken.all(|(one, _)| !is_same_program(&one.path, &runtime.path))
        };
        let others = usable.into_iter().filter(|(runtime, name)| is_new(runtime, name));
        let mut names: Vec<String> = others.map(|(_, name)| name).collect();
        names.sort();
        names
    }

    /// Why there is nothing to compare, and what to do.
    fn too_few(self, chosen: &[(Runtime, String)], without: &TakingPart, manifests: &[Manifest]) -> String {
        let unknown = without.unknown.iter().filter(|_| !self.named.is_empty());
        let lines = without.left_out.iter().chain(unknown);
        let mut why: String = lines.map(|line| format!("{line}; ")).collect();
        why += "comparing takes two runtimes that ocidiff knows";
        let engine = self.engine;
        if self.named.is_empty() {
            let names = self.names();
            let known = list(manifests.iter().map(|one| one.name.as_str()));
            let remedy = self.remedy;
            return format!(
                "{why}, and {engine} has {names} registered: {remedy}, NAME being that of a manifest ({known})"
            );
        }
        let left = match chosen {
            [] => "none".to_owned(),
            some => list(some.iter().map(|(_, name)| name.as_str())),
        };
        let others = self.others(chosen, manifests);
        let names = match list(others.iter().map(String::as_str)) {
            none if none.is_empty() => "it has no other that can be used".to_owned(),
            some => some,
        };
        format!("{why}, and --runtime leaves {left}: name another one that {engine} has registered ({names})")
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Runtimes under which nothing starts.
#[derive(Debug, Default)]
pub struct Silent {
    /// A line for each, saying why.
    pub sentences: Vec<String>,
    /// How many of them gave no answer: what was asked for may still appear.
    pub unanswered: usize,
}

impl TakingPart {
    /// Leaves out those under which nothing starts at all: all of their cases would look like differences. What a
    /// runtime itself says that it does not support is reported case by case.
    ///
    /// # Errors
    /// Fewer than two are left.
    pub async fn without_silent(&mut self, maker: &impl Makes) -> Result<Silent, Error> {
        let named = self
            .contenders
            .iter()
            .map(|(_, name)| (name, format!("starts-{name}")));
        let named: Vec<(&String, String)> = named.collect();
        let asked = named.iter().map(|(runtime, name)| maker.starts(runtime, name));
        let mut answers = futures_util::future::join_all(asked).await.into_iter();
        let mut silent = Silent::default();
        let mut why = String::new();
        self.contenders.retain(|(contender, name)| {
            let Some(Err(error)) = answers.next() else {
                return true;
            };
            why = error.to_string();
            silent.unanswered += usize::from(matches!(error, CallError::Failed(_)));
            if contender.runtime.manifest.refusal(&why, None).is_some() {
                return true;
            }
            let sentence = format!("{name}: nothing starts under it: {why}: left out");
            silent.sentences.push(sentence);
            false
        });
        let why = match self.contenders.len() {
            0 => format!("nothing starts on this node: {why}"),
            1 => format!("{}; nothing is left to compare", silent.sentences.join("; ")),
            _ => return Ok(silent),
        };
        // A failure here is no worse than that nothing starts.
        let _ = clean::own(maker, silent.unanswered, clean::Patience::USUAL).await;
        Err(Error::broken(why))
    }
}

/// The chosen runtimes of this machine, for an engine that accepts any runtime by its path.
///
/// # Errors
/// As for a run without an engine; fewer than two are chosen.
pub fn any(named: &[String], reference: Option<&str>) -> Result<TakingPart, Error> {
    let runtimes = suite::runtimes(named, &suite::store()?)?;
    if runtimes.len() < 2 {
        return Err(Error::usage(
            "comparing takes two runtimes: name another one with --runtime",
        ));
    }
    let contenders = contenders(runtimes, reference).map_err(Error::usage)?;
    let with_path = |contender: Contender| {
        let path = contender.runtime.path.display().to_string();
        (contender, path)
    };
    Ok(TakingPart {
        contenders: contenders.into_iter().map(with_path).collect(),
        ..TakingPart::default()
    })
}

/// Whether what is registered is a runtime of this manifest: by its name, or if that says nothing, by its program's.
fn is_of(manifest: &Manifest, one: &Registered, manifests: &[Manifest]) -> bool {
    if manifests.iter().any(|manifest| is_called(manifest, &one.name)) {
        return is_called(manifest, &one.name);
    }
    let file = one.program.as_deref().and_then(|path| path.file_name()?.to_str());
    // An engine's own long names may stand for programs that are called in another way.
    !one.name.contains('.') && file.is_some_and(|file| is_called(manifest, file))
}

/// `NAME`, or `NAME` and a suffix that distinguishes versions: `NAME-1.2`, `NAME@1.2`.
fn is_called(manifest: &Manifest, name: &str) -> bool {
    let rest = name.strip_prefix(manifest.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '@']))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ocidiff_runtimes::Origin;

    use super::*;

    fn registered(name: &str, program: &str) -> Registered {
        Registered {
            name: name.to_owned(),
            program: Some(PathBuf::from(program)),
        }
    }

    fn runtime(manifest: &Manifest, path: &str) -> Runtime {
        Runtime {
            manifest: Arc::new(manifest.clone()),
            version: "1".parse().expect("a version"),
            path: PathBuf::from(path),
            origin: Origin::Engine,
            digest: String::new(),
        }
    }

    #[test]
    fn whatever_is_registered_takes_part_or_is_named() {
        let manifests = suite::manifests().expect("manifests");
        let runc = manifests.iter().find(|one| one.name == "runc").expect("runc");
        for (name, program, is_runc) in [
            ("runc", "/opt/any", true),
            ("runc-1.1", "/usr/sbin/crun", true),
            ("standard", "/usr/sbin/runc", true),
            ("crun", "/usr/sbin/runc", false),
            ("standard", "/usr/sbin/other", false),
            ("io.containerd.runc.v2", "runc", false),
        ] {
            let one = registered(name, program);
            assert_eq!(is_of(runc, &one, &manifests), is_runc, "{name} {program}");
        }
        let all = [
            registered("runc", "/opt/runc"),
            registered("ghost", "/opt/runc"),
            registered("io.containerd.runc.v2", "/opt/runc"),
            registered("kata", "/opt/kata"),
        ];
        let chosen = [(runtime(runc, "/opt/runc"), "runc".to_owned())];
        let names = ["runc", "ghost"].map(str::to_owned);
        let choice = |named| Choice {
            engine: "containerd",
            all: &all,
            named,
            remedy: "",
        };
        let same = "ghost: it calls the same program as runc: left out";
        let unknown = choice(&[]).unknown(&manifests, &chosen);
        assert_eq!(unknown, [same, "kata: no manifest is for `kata`: left out"]);
        let unknown = choice(&names).unknown(&manifests, &chosen);
        assert_eq!(unknown, [same]);
        let without = TakingPart {
            unknown,
            ..TakingPart::default()
        };
        let told = choice(&names).too_few(&chosen, &without, &manifests);
        assert!(told.starts_with(same), "{told}");
        // What was just asked for is no other one, and neither is what cannot be used.
        assert!(
            told.ends_with("has registered (it has no other that can be used)"),
            "{told}"
        );
    }
}
