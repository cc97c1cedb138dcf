//! Reads the corpus from its files.

#[cfg(test)]
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ocidiff_model::{CaseFile, Known, Requirement, case};
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Diagnostics, Document};
use super::files::{Source, Sources};
use super::{Corpus, Entry, Recipe, check};

const REQUIREMENTS: &str = "requirements.yaml";
const DEFAULT_CONFIG: &str = "default-config.yaml";
const ROOTFS: &str = "rootfs/";
const PROFILES: &str = "profiles/";
const KNOWN: &str = ".known.yaml";

/// The corpus from its files, by path under `cases/`.
///
/// # Errors
/// Every error of every file.
pub fn load(sources: &Sources) -> Result<Corpus, Diagnostics> {
    let mut loader = Loader::default();
    for (name, source) in sources {
        loader.shared(name, source);
    }
    for (name, source) in sources {
        loader.case(name, source, sources);
    }
    loader.errors.or(loader.corpus)
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

fn is_shared(name: &str) -> bool {
    name == REQUIREMENTS || name == DEFAULT_CONFIG || name.starts_with(ROOTFS) || name.starts_with(PROFILES)
}

#[derive(Default)]
struct Loader {
    corpus: Corpus,
    errors: Diagnostics,
}

impl Loader {
    fn parse<T: DeserializeOwned>(&mut self, source: &Source) -> Option<T> {
        let document = Document {
            file: &source.shown,
            text: &source.text,
        };
        serde_yaml::from_str(&source.text)
            .map_err(|error| self.errors.0.push(document.syntax(&error)))
            .ok()
    }

    fn shared(&mut self, name: &str, source: &Source) {
        if name == REQUIREMENTS {
            let all: Vec<Requirement> = self.parse(source).unwrap_or_default();
            self.corpus.requirements = all.into_iter().map(|found| (found.id.clone(), found)).collect();
        } else if name == DEFAULT_CONFIG {
            self.corpus.default_config = self.parse(source).unwrap_or_default();
        } else if let Some(recipe) = name
            .strip_prefix(ROOTFS)
            .and_then(|name| name.strip_suffix(".yaml"))
        {
            if let Some(found) = self.parse::<Recipe>(source) {
                self.corpus.rootfs.insert(recipe.to_owned(), found);
            }
        } else if let Some(profile) = name
            .strip_prefix(PROFILES)
            .and_then(|name| name.strip_suffix(".json"))
        {
            match serde_json::from_str(&source.text) {
                Ok(found) => {
                    self.corpus.profiles.insert(profile.to_owned(), found);
                }
                Err(error) => self.errors.0.push(Diagnostic {
                    file: source.shown.clone(),
                    line: error.line(),
                    column: error.column(),
                    message: error.to_string(),
                    help: Some("a profile is the config's `linux.seccomp` as JSON".to_owned()),
                }),
            }
        }
    }

    fn case(&mut self, name: &str, source: &Source, sources: &Sources) {
        let Some(stem) = name.strip_suffix(".yaml") else {
            return;
        };
        if is_shared(name) {
            return;
        }
        let document = Document {
            file: &source.shown,
            text: &source.text,
        };
        if let Some(base) = name.strip_suffix(KNOWN) {
            if !sources.contains_key(&format!("{base}.yaml")) {
                let message = format!("there is no case `{base}` that this could be known of");
                let help = "rename it to its case's name, or remove it".to_owned();
                self.errors.0.push(document.at(&[], message, help));
            }
            return;
        }
        let Some(file) = self.parse::<CaseFile>(source) else {
            return;
        };
        let cases = match case::members(stem, &source.shown, &file) {
            Ok(cases) => cases,
            Err((member, error)) => {
                self.errors.0.push(document.at(&["for", &member], error, None));
                return;
            }
        };
        let known = self.known(stem, sources);
        for case in cases {
            self.errors.0.extend(check::case(&document, &case, &self.corpus));
            let known = Known(
                known
                    .0
                    .iter()
                    .filter(|entry| entry.is_about(case.member.as_deref()))
                    .cloned()
                    .collect(),
            );
            self.corpus.entries.push(Entry { case, known });
        }
    }

    fn known(&mut self, stem: &str, sources: &Sources) -> Known {
        let Some(source) = sources.get(&format!("{stem}{KNOWN}")) else {
            return Known::default();
        };
        let known: Known = self.parse::<Option<Known>>(source).flatten().unwrap_or_default();
        let document = Document {
            file: &source.shown,
            text: &source.text,
        };
        self.errors
            .0
            .extend(check::known(&document, &known, &self.corpus));
        known
    }
}

/// For tests and for callers that have texts only.
#[cfg(test)]
pub(crate) fn sources(texts: &[(&str, &str)]) -> Sources {
    let source = |name: &str, text: &str| Source {
        shown: format!("cases/{name}"),
        path: None,
        text: text.to_owned(),
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
                    "[{fact: process.exit, for: [x], values: {runc: 1, 'crun <2': 2}, impact: breaks}]"
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
                "- fact: process.exit\n  values: {'runc one': 1}\n  impact: breaks\n",
            ),
        ]);
        let all = told.join("\n");
        for expected in [
            "cases/t/a.yaml:2:1: unknown requirement `nope`",
            "cases/t/a.yaml:3:1: unknown rootfs `none`",
            "cases/t/b.yaml:2:1: unknown field `watsch`",
            "cases/t/c.yaml:3:3: `prozess.exit` belongs to no channel",
            "cases/t/c.yaml:6:",
            "cases/t/d.known.yaml:1:1: there is no case `t/d`",
            "cases/t/e.yaml:2:1: unknown profile `gone`",
            "cases/t/f.known.yaml:2:",
        ] {
            assert!(all.contains(expected), "{expected}\nnot in\n{all}");
        }
    }
}
