//! Which of the runtimes that an engine has registered, or would accept, take part.

use std::path::PathBuf;

use ocidiff_engines::remote::{CallError, Registered};
use ocidiff_runtimes::{Manifest, Runtime, registered};

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
    taking_part.unknown = choice.unknown(&manifests);
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
            let mut meant = self.all.iter().filter(|one| self.is_meant(one));
            for one in meant.by_ref().filter(|one| is_called(manifest, &one.name)) {
                let Some(program) = &one.program else {
                    left_out.push(format!(
                        "{}: {} does not name its program: left out",
                        one.name, self.engine
                    ));
                    continue;
                };
                match registered(manifest, program, &store, &ask) {
                    // Two names for the same program.
                    Ok(runtime) if chosen.iter().any(|(other, _)| other.path == runtime.path) => {}
                    Ok(runtime) => chosen.push((runtime, one.name.clone())),
                    Err(error) => left_out.push(format!("{}: failed to {error}: left out", one.name)),
                }
            }
        }
        Ok(chosen)
    }

    /// A line for each that no manifest is for; another name of a program that one is for is left out silently.
    fn unknown(self, manifests: &[Manifest]) -> Vec<String> {
        let fits = |one: &&Registered| manifests.iter().any(|manifest| is_called(manifest, &one.name));
        let known: Vec<_> = self.all.iter().filter(fits).map(|one| &one.program).collect();
        let meant = self.all.iter().filter(|one| self.is_meant(one) && !fits(one));
        meant
            .filter(|one| one.program.is_none() || !known.contains(&&one.program))
            .map(|one| format!("{}: no manifest is for `{}`: left out", one.name, one.name))
            .collect()
    }

    /// Why there is nothing to compare, and what to do.
    fn too_few(self, chosen: &[(Runtime, String)], without: &TakingPart, manifests: &[Manifest]) -> String {
        let unknown = without.unknown.iter().filter(|_| !self.named.is_empty());
        let lines = without.left_out.iter().chain(unknown);
        let mut why: String = lines.map(|line| format!("{line}; ")).collect();
        why += "comparing takes two runtimes that ocidiff knows";
        let (engine, names) = (self.engine, self.names());
        if self.named.is_empty() {
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

/// `NAME`, or `NAME` and a suffix that distinguishes versions: `NAME-1.2`, `NAME@1.2`.
fn is_called(manifest: &Manifest, name: &str) -> bool {
    let rest = name.strip_prefix(manifest.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '@']))
}
