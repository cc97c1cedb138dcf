//! Reads the corpus from its files.

mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ocidiff_model::known::KnownFile;
use ocidiff_model::{Case, FindingId, Known, KnownEntry};

use self::parse::{Parsed, document, on_all_cpus, parse_all};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::memory::Room;
use super::source::{Source, Sources};
use super::{Corpus, Entry, check, limits};

/// How many errors of one file are found before its other members are skipped.
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
    let mut loader = Loader {
        is_checked: sources.values().all(Source::is_built_in),
        ..Loader::default()
    };
    let mut written = Written::default();
    let room = Room::default();
    for (name, parsed) in parse_all(sources, &room) {
        match parsed {
            Ok(Parsed::Case(cases)) => written.cases.push((name, cases)),
            Ok(Parsed::Known(known)) => {
                written.known.insert(name, known);
            }
            Ok(shared) => loader.shared(name, shared, sources),
            Err(errors) => {
                loader.lacks_findings |= name.starts_with(FINDINGS);
                loader.errors.0.extend(errors);
            }
        }
    }
    loader.cases(written, sources, &room);
    loader.errors.or(loader.corpus)
}

/// The cases and known files by path, before they are checked.
#[derive(Default)]
struct Written<'s> {
    cases: Vec<(&'s str, Vec<Case>)>,
    known: BTreeMap<&'s str, KnownFile>,
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
    sources.extend(super::folder::read(folder)?);
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
    /// The files of the findings, which are checked once every clause has been read.
    written_findings: Vec<String>,
    /// Whether a finding could not be read: what names it is not wrong for that.
    lacks_findings: bool,
    /// Whether all of it was checked when the program was built, so that no checks are made at the start.
    is_checked: bool,
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
            Parsed::DefaultConfig(config) => {
                if let (Some(source), false) = (sources.get(name), self.is_checked) {
                    self.errors
                        .0
                        .extend(check::default_config(&document(source), &config));
                }
                self.corpus.default_config = config;
            }
            Parsed::Rootfs(recipe) => {
                if let (Some(source), false) = (sources.get(name), self.is_checked) {
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

    /// Checks what needs the whole corpus, and puts each case together with what is known about it.
    fn cases(&mut self, written: Written<'_>, sources: &Sources, room: &Room) {
        if !(written.known.is_empty() && self.written_findings.is_empty()) {
            self.corpus.runtimes = super::names::runtimes();
        }
        if !self.is_checked {
            self.orphans(sources);
            self.findings(sources);
            let errors = on_all_cpus(&written.cases, |(name, cases)| {
                sources
                    .get(*name)
                    .map_or_else(Vec::new, |source| checked(source, cases, &self.corpus))
            });
            self.errors.0.extend(errors.into_iter().flatten());
        }
        let resolved = self.known(&written, sources);
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

    /// Known files that belong to no case.
    fn orphans(&mut self, sources: &Sources) {
        for (name, source) in sources {
            let Some(base) = name.strip_suffix(KNOWN) else {
                continue;
            };
            if !sources.contains_key(&format!("{base}.yaml")) {
                let message =
                    format!("there is no case `{base}` that these known differences could belong to");
                let help = "rename it to its case's name, or remove it".to_owned();
                self.errors.0.push(document(source).at(&[], message, help));
            }
        }
    }

    fn findings(&mut self, sources: &Sources) {
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
    }

    /// The entries of each known file.
    fn known<'s>(&mut self, written: &Written<'s>, sources: &Sources) -> BTreeMap<&'s str, Vec<KnownEntry>> {
        let mut resolved = BTreeMap::new();
        if self.lacks_findings {
            return resolved;
        }
        for (name, known) in &written.known {
            let Some(source) = sources.get(*name) else {
                continue;
            };
            let beside = format!("{}.yaml", name.trim_end_matches(KNOWN));
            let cases = written.cases.iter().find(|(name, _)| *name == beside);
            let against = check::Against {
                cases: cases.map_or(&[], |(_, cases)| cases),
                runtimes: &self.corpus.runtimes,
                corpus: &self.corpus,
            };
            let entries = match self.is_checked {
                true => check::entries(&document(source), known, &against),
                false => check::known(&document(source), known, &against),
            };
            match entries {
                Ok(entries) => {
                    resolved.insert(*name, entries);
                }
                Err(errors) => self.errors.0.extend(errors),
            }
        }
        resolved
    }
}

/// Every error in the cases of one file; what they declare to be wrong on purpose must be wrong.
fn checked(source: &Source, cases: &[Case], corpus: &Corpus) -> Vec<Diagnostic> {
    let (document, excuses) = (document(source), check::Excuses::default());
    let mut found: Vec<Diagnostic> = Vec::new();
    for case in cases {
        if found.len() < ERRORS {
            found.extend(check::case(&document, case, corpus, &excuses));
        }
    }
    // An error elsewhere can keep a check from finishing.
    if found.is_empty() {
        let invalid = cases.iter().flat_map(|case| &case.body.invalid);
        found.extend(excuses.dead(&document, invalid));
    }
    found
}

/// For tests and for callers that have only texts.
#[cfg(test)]
pub(crate) fn sources(texts: &[(&str, &str)]) -> Sources {
    let source = |name: &str, text: &str| Source {
        shown: format!("cases/{name}"),
        path: None,
        text: text.to_owned().into(),
        parsed: None,
        unreadable: None,
    };
    texts
        .iter()
        .map(|(name, text)| ((*name).to_owned(), source(name, text)))
        .collect::<BTreeMap<_, _>>()
}
