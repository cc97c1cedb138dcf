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
#[derive(Debug)]
pub struct TakingPart {
    /// The reference first, each with the engine's name for it.
    pub contenders: Vec<(Contender, String)>,
    /// A line for each runtime that is left out: why.
    pub left_out: Vec<String>,
}

/// The runtimes that the engine has registered and a manifest knows, or those of them that are named; `remedy` is how
/// to register another one.
///
/// # Errors
/// One that is named is not registered; fewer than two are left; the reference is not one of them.
pub fn choose(
    engine: &str,
    all: &[Registered],
    named: &[String],
    reference: Option<&str>,
    remedy: &str,
) -> Result<TakingPart, Error> {
    let (manifests, ask) = (suite::manifests()?, suite::asker()?);
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let mut left_out = Vec::new();
    if let Some(unknown) = named.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Error::usage(format!(
            "{} has no runtime `{unknown}`: it has {}",
            engine,
            names.join(", ")
        )));
    }
    let mut chosen: Vec<(Runtime, String)> = Vec::new();
    for manifest in &manifests {
        for one in all.iter().filter(|one| is_called(manifest, &one.name)) {
            if !named.is_empty() && !named.contains(&one.name) {
                continue;
            }
            let Some(program) = &one.program else {
                left_out.push(format!(
                    "{}: {engine} does not name its program: left out",
                    one.name
                ));
                continue;
            };
            match registered(manifest, program, &suite::store()?, &ask) {
                // Two names for the same program.
                Ok(runtime) if chosen.iter().any(|(other, _)| other.path == runtime.path) => {}
                Ok(runtime) => chosen.push((runtime, one.name.clone())),
                Err(error) => left_out.push(format!("{}: failed to {error}: left out", one.name)),
            }
        }
    }
    if !named.is_empty() {
        chosen.sort_by_key(|(_, name)| named.iter().position(|other| other == name));
    }
    if chosen.len() < 2 {
        return Err(Error::usage(format!(
            "comparing takes two runtimes that ocidiff knows, and {} has {} registered: {remedy}, NAME being that \
             of a manifest ({})",
            engine,
            names.join(", "),
            manifests
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )));
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
    Ok(TakingPart {
        contenders: contenders.into_iter().filter_map(with_name).collect(),
        left_out,
    })
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
        let asked = self.contenders.iter().map(|(_, name)| maker.starts(name));
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
        let _ = clean::own(maker, silent.unanswered, clean::PATIENCE).await;
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
        left_out: Vec::new(),
    })
}

/// `NAME`, or `NAME` and a suffix that distinguishes versions: `NAME-1.2`, `NAME@1.2`.
fn is_called(manifest: &Manifest, name: &str) -> bool {
    let rest = name.strip_prefix(manifest.name.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '@']))
}
