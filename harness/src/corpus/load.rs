//! Reads the corpus from its files.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ocidiff_confine::limit::{Hint, raised_count};
use ocidiff_confine::yaml::weigh;
use ocidiff_model::family::Family;
use ocidiff_model::known::KnownFile;
use ocidiff_model::{Case, CaseFile, Finding, FindingId, Known, KnownEntry, Requirement, family};
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Diagnostics, Document};
use super::files::{Source, Sources, Unreadable};
use super::memory::Room;
use super::{Corpus, Entry, Recipe, check, limits};

/// Files that are parsed at a time.
const WIDTH: usize = 8;
/// Bytes from which on a file is parsed alone: the parser takes a hundred times as much.
const LARGE: usize = 64 << 10;
/// Errors of one file, after which its other members are not looked at.
const ERRORS: usize = 100;

const REQUIREMENTS: &str = "requirements.yaml";
const DEFAULT_CONFIG: &str = "default-config.yaml";
const ROOTFS: &str = "rootfs/";
const PROFILES: &str = "profiles/";
const FINDINGS: &str = "findings/";
const KNOWN: &str = ".known.yaml";

/// The corpus from its files, by path under `cases/`.
///
/// # Errors
/// Every error of every file.
pub fn load(sources: &Sources) -> Result<Corpus, Diagnostics> {
    let mut loader = Loader::default();
    let mut written = Written::default();
    let room = Room::default();
    for (name, parsed) in parse_all(sources, &room) {
        match parsed {
            Ok(Parsed::Case(cases)) => written.cases.push((name, cases)),
            Ok(Parsed::Known(known)) => {
                written.known.insert(name, known);
            }
            Ok(shared) => loader.shared(name, shared, sources),
            Err(errors) => loader.errors.0.extend(errors),
        }
    }
    loader.cases(written, sources, &room);
    loader.errors.or(loader.corpus)
}

/// What a file says.
enum Parsed {
    Requirements(Vec<Requirement>),
    DefaultConfig(serde_json::Value),
    Rootfs(Recipe),
    Profile(serde_json::Value),
    Case(Vec<Case>),
    Known(KnownFile),
    Finding(Box<Finding>),
    Nothing,
}

/// The cases and known files by path, before they are checked.
#[derive(Default)]
struct Written<'s> {
    cases: Vec<(&'s str, Vec<Case>)>,
    known: BTreeMap<&'s str, KnownFile>,
}

type ParsedFile<'s> = (&'s str, Result<Parsed, Vec<Diagnostic>>);

/// Parses every file.
fn parse_all<'s>(sources: &'s Sources, room: &Room) -> Vec<ParsedFile<'s>> {
    let mut all: Vec<(&String, &Source)> = sources.iter().collect();
    // The largest first, so that nobody waits for one at the end.
    all.sort_by_key(|(_, source)| std::cmp::Reverse(source.text.len()));
    let mut parsed = on_all_cpus(&all, |(name, source)| {
        let _alone = (source.text.len() > LARGE).then(|| room.alone());
        (name.as_str(), parse_file(name, source, room))
    });
    parsed.sort_by_key(|(name, _)| *name);
    parsed
}

/// Does something with each item, on all CPUs and in any order: a thousand cases must not be felt at the start.
fn on_all_cpus<T: Sync, R: Send>(items: &[T], with: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let width = std::thread::available_parallelism().map_or(1, |cpus| cpus.get().min(WIDTH));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push(with(item));
        }
        done
    };
    std::thread::scope(|scope| {
        // A thread that cannot be started leaves its work to the others.
        let threads: Vec<_> = (1..width)
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut done = work();
        for thread in threads {
            done.extend(thread.join().unwrap_or_default());
        }
        done
    })
}

fn parse_file(name: &str, source: &Source, room: &Room) -> Result<Parsed, Vec<Diagnostic>> {
    if let Some(Unreadable { why, line, column }) = source.unreadable.clone() {
        return Err(vec![Diagnostic {
            file: source.shown.clone(),
            line,
            column,
            message: why,
            help: None,
        }]);
    }
    let weight = weigh(&source.text).map_err(|error| vec![document(source).too_much(error)])?;
    room.take(weight, source).map_err(|error| vec![*error])?;
    if name == REQUIREMENTS {
        return yaml(source).map(Parsed::Requirements);
    }
    if name == DEFAULT_CONFIG {
        return yaml(source).map(Parsed::DefaultConfig);
    }
    if let Some(profile) = name.strip_prefix(PROFILES) {
        return if profile.ends_with(".json") {
            profile_of(source)
        } else {
            Ok(Parsed::Nothing)
        };
    }
    if !name.ends_with(".yaml") {
        return Ok(Parsed::Nothing);
    }
    if name.starts_with(ROOTFS) {
        return yaml(source).map(Parsed::Rootfs);
    }
    if name.starts_with(FINDINGS) {
        return yaml(source).map(|finding| Parsed::Finding(Box::new(finding)));
    }
    if name.ends_with(KNOWN) {
        return yaml::<Option<KnownFile>>(source).map(|known| Parsed::Known(known.unwrap_or_default()));
    }
    let file: CaseFile = yaml(source)?;
    copies(&file, source, weight, room).map_err(|error| vec![*error])?;
    let stem = name.trim_end_matches(".yaml");
    family::members(stem, &source.shown, &file)
        .map(Parsed::Case)
        .map_err(|errors| {
            let told = |(member, error): (String, String)| document(source).of_member(&member, error);
            errors.into_iter().map(told).collect()
        })
}

/// Whether the members of a family can be, and there is room for them: each is a copy of the case.
fn copies(file: &CaseFile, source: &Source, weight: u64, room: &Room) -> Result<(), Box<Diagnostic>> {
    let names: Vec<&String> = match &file.family {
        None => return Ok(()),
        Some(Family::Names(names)) => names.iter().collect(),
        Some(Family::Patches(map)) => map.keys().collect(),
    };
    let at = |message: String| Box::new(document(source).at(&["for"], message, None));
    let most = raised_count(limits::MEMBERS);
    if names.len() > most {
        return Err(at(format!(
            "{} members: at most {most} are taken; {Hint}",
            names.len()
        )));
    }
    let places = source.text.matches("${for}").count();
    for name in names {
        if let Some(why) = limits::member(name) {
            return Err(at(why));
        }
        room.take(weight + (places * name.len()) as u64, source)?;
    }
    Ok(())
}

fn document(source: &Source) -> Document<'_> {
    Document::new(&source.shown, &source.text)
}

fn yaml<T: DeserializeOwned>(source: &Source) -> Result<T, Vec<Diagnostic>> {
    serde_yaml::from_str(&source.text).map_err(|error| vec![document(source).syntax(&error)])
}

fn profile_of(source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
    serde_json::from_str(&source.text)
        .map(Parsed::Profile)
        .map_err(|error| {
            vec![Diagnostic {
                file: source.shown.clone(),
                line: error.line(),
                column: error.column(),
                message: error.to_string(),
                help: Some("a profile is the config's `linux.seccomp` as JSON".to_owned()),
            }]
        })
}

/// The corpus with the cases of another folder: its recipes and profiles are laid over the standard ones.
///
/// # Errors
/// The folder cannot be read; every error of every file.
pub fn load_folder(folder: &Path, standard: &Sources) -> io::Result<Result<Corpus, Diagnostics>> {
    let mut sources: Sources = standard
        .iter()
        .filter(|(name, _)| is_shared(name))
        .map(|(name, source)| (name.clone(), source.clone()))
        .collect();
    sources.extend(super::files::read(folder)?);
    Ok(load(&sources))
}

/// What cases share, without the cases: the default config, recipes, profiles, clauses.
///
/// # Errors
/// Every error of every file.
pub fn load_shared(sources: &Sources) -> Result<Corpus, Diagnostics> {
    let shared = sources.iter().filter(|(name, _)| is_shared(name));
    load(
        &shared
            .map(|(name, source)| (name.clone(), source.clone()))
            .collect(),
    )
}

fn is_shared(name: &str) -> bool {
    name == REQUIREMENTS
        || name == DEFAULT_CONFIG
        || name.starts_with(ROOTFS)
        || name.starts_with(PROFILES)
        || name.starts_with(FINDINGS)
}

#[derive(Default)]
struct Loader {
    corpus: Corpus,
    errors: Diagnostics,
    /// The files of the findings, which are checked when every clause is read.
    written_findings: Vec<String>,
}

impl Loader {
    fn shared(&mut self, name: &str, parsed: Parsed, sources: &Sources) {
        let stem = |folder: &str, ending: &str| {
            name.trim_start_matches(folder)
                .trim_end_matches(ending)
                .to_owned()
        };
        match parsed {
            Parsed::Requirements(all) => {
                self.corpus.requirements = all.into_iter().map(|found| (found.id.clone(), found)).collect();
            }
            Parsed::DefaultConfig(config) => self.corpus.default_config = config,
            Parsed::Rootfs(recipe) => {
                if let Some(source) = sources.get(name) {
                    self.errors.0.extend(check::recipe(&document(source), &recipe));
                }
                self.corpus.rootfs.insert(stem(ROOTFS, ".yaml"), recipe);
            }
            Parsed::Profile(profile) => {
                self.corpus.profiles.insert(stem(PROFILES, ".json"), profile);
            }
            Parsed::Finding(finding) => {
                let Some(source) = sources.get(name) else { return };
                let id = stem(FINDINGS, ".yaml");
                match id.parse::<FindingId>() {
                    Ok(id) => {
                        self.written_findings.push(name.to_owned());
                        self.corpus.findings.0.insert(id, *finding);
                    }
                    Err(error) => self
                        .errors
                        .0
                        .push(document(source).at(&[], error.to_string(), None)),
                }
            }
            Parsed::Case(_) | Parsed::Known(_) | Parsed::Nothing => {}
        }
    }

    /// Checks what needs the whole corpus, and puts each case together with what is known of it.
    fn cases(&mut self, written: Written<'_>, sources: &Sources, room: &Room) {
        for (name, source) in sources {
            let Some(base) = name.strip_suffix(KNOWN) else {
                continue;
            };
            if !sources.contains_key(&format!("{base}.yaml")) {
                let message = format!("there is no case `{base}` that this could be known of");
                let help = "rename it to its case's name, or remove it".to_owned();
                self.errors.0.push(document(source).at(&[], message, help));
            }
        }
        let runtimes = if written.known.is_empty() && self.written_findings.is_empty() {
            Vec::new()
        } else {
            super::names::runtimes()
        };
        self.corpus.runtimes.clone_from(&runtimes);
        for name in std::mem::take(&mut self.written_findings) {
            let id = name
                .trim_start_matches(FINDINGS)
                .trim_end_matches(".yaml")
                .parse();
            let finding = id.ok().and_then(|id: FindingId| self.corpus.findings.0.get(&id));
            if let (Some(finding), Some(source)) = (finding, sources.get(&name)) {
                let found = check::finding(&document(source), finding, &self.corpus);
                self.errors.0.extend(found);
            }
        }
        let mut resolved: BTreeMap<&str, Vec<KnownEntry>> = BTreeMap::new();
        for (name, known) in &written.known {
            let Some(source) = sources.get(*name) else {
                continue;
            };
            let beside = format!("{}.yaml", name.trim_end_matches(KNOWN));
            let cases = written.cases.iter().find(|(name, _)| *name == beside);
            let against = check::Against {
                cases: cases.map_or(&[], |(_, cases)| cases),
                runtimes: &runtimes,
                corpus: &self.corpus,
            };
            match check::known(&document(source), known, &against) {
                Ok(entries) => {
                    resolved.insert(name, entries);
                }
                Err(errors) => self.errors.0.extend(errors),
            }
        }
        let errors = on_all_cpus(&written.cases, |(name, cases)| {
            sources
                .get(*name)
                .map_or_else(Vec::new, |source| checked(source, cases, &self.corpus))
        });
        self.errors.0.extend(errors.into_iter().flatten());
        for (name, cases) in written.cases {
            let known_file = format!("{}{KNOWN}", name.trim_end_matches(".yaml"));
            let known = resolved.get(known_file.as_str());
            let Some(source) = sources.get(name) else { continue };
            for case in cases {
                let about = |entry: &&KnownEntry| entry.is_about(case.member.as_deref());
                let known: Vec<&KnownEntry> = known
                    .iter()
                    .flat_map(|known| known.iter().filter(about))
                    .collect();
                let weight = known.iter().map(|entry| limits::weight(entry)).sum();
                if let Err(error) = room.take(weight, source) {
                    self.errors.0.push(*error);
                    return;
                }
                self.corpus.entries.push(Entry {
                    case,
                    known: Known(known.into_iter().cloned().collect()),
                });
            }
        }
    }
}

/// Every error of the cases of one file; what they say to be wrong on purpose must be.
fn checked(source: &Source, cases: &[Case], corpus: &Corpus) -> Vec<Diagnostic> {
    let (document, excuses) = (document(source), check::Excuses::default());
    let mut found: Vec<Diagnostic> = Vec::new();
    for case in cases {
        if found.len() < ERRORS {
            found.extend(check::case(&document, case, corpus, &excuses));
        }
    }
    // An error elsewhere can keep a check from its end.
    if found.is_empty() {
        found.extend(excuses.dead(cases).into_iter().map(|said| {
            let message = format!("`invalid` says that `{said}` is wrong on purpose, and it is not");
            document.at(
                &["invalid"],
                message,
                "remove it, or mend its spelling".to_owned(),
            )
        }));
    }
    found
}

/// For tests and for callers that have texts only.
#[cfg(test)]
pub(crate) fn sources(texts: &[(&str, &str)]) -> Sources {
    let source = |name: &str, text: &str| Source {
        shown: format!("cases/{name}"),
        path: None,
        text: text.to_owned(),
        unreadable: None,
    };
    texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), source(name, text)))
        .collect::<BTreeMap<_, _>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(texts: &[(&str, &str)]) -> Vec<String> {
        let base = [
            (
                REQUIREMENTS,
                "[{id: r, level: must, since: '1', section: s, says: x}]",
            ),
            (DEFAULT_CONFIG, "{process: {args: [a]}, mounts: []}"),
            ("rootfs/probe.yaml", "summary: the probe"),
        ];
        match load(&sources(&[&base, texts].concat())) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.0.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_good_corpus_loads() {
        assert_eq!(
            errors(&[
                ("t/a.yaml", "{summary: s, requirement: [r], for: [x, y]}"),
                (
                    "t/a.known.yaml",
                    "[{for: [x], facts: {process.exit: [{because: unexplained, who: ['crun <2'], shows: 2}, {otherwise: 1}]}}]"
                ),
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn all_errors_of_all_files_are_told_with_their_places() {
        let told = errors(&[
            ("t/a.yaml", "summary: s\nrequirement: [nope]\nrootfs: none\n"),
            ("t/b.yaml", "summary: s\nwatsch: {}\n"),
            (
                "t/c.yaml",
                "summary: s\nexpect:\n  prozess.exit: 0\nsteps:\n  - create\n  - {start: {as: other}}\n",
            ),
            ("t/d.known.yaml", "[]"),
            (
                "t/e.yaml",
                "summary: s\nconfig:\n  linux: {seccomp: {$profile: gone}}\n",
            ),
            ("t/f.yaml", "summary: s\n"),
            (
                "t/f.known.yaml",
                "- facts:\n    process.exit: [{because: unexplained, who: [runc one], shows: 1}]\n",
            ),
        ]);
        let all = told.join("\n");
        for expected in [
            "cases/t/a.yaml:2:15: unknown requirement `nope`",
            "cases/t/a.yaml:3:1: unknown rootfs `none`",
            "cases/t/b.yaml:2:1: unknown field `watsch`",
            "cases/t/c.yaml:3:3: there is no fact `prozess.exit`",
            "cases/t/c.yaml:6:",
            "cases/t/d.known.yaml:1:1: there is no case `t/d`",
            "cases/t/e.yaml:3:11: unknown profile `gone`",
            "cases/t/f.known.yaml:2:",
        ] {
            assert!(all.contains(expected), "{expected}\nnot in\n{all}");
        }
    }
}
