//! A runtime as data: how to find it, read its version, call it, and where to get it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use ocidiff_confine::yaml::{twice, weigh};
use ocidiff_confine::{in_plain_words, raised, read_text};
use ocidiff_model::Op;

use crate::call::Call;
use crate::refusal::Refusal;
use crate::template::{self, CallError, StepTemplate, Word};
use crate::text::Pattern;
use ocidiff_model::version::Version;

/// Larger than a manifest.
const MOST_BYTES: u64 = 256 << 10;

/// One runtime's manifest: a YAML file under `runtimes/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The name that people type.
    pub name: String,
    /// What it is, in one line.
    pub summary: String,
    /// Its home page.
    pub home: String,
    /// Where to write about security matters: a mail address, or a page; as given in its SECURITY.md.
    #[serde(default)]
    pub security: Option<String>,
    /// Its place in lists and in the default selection; the first one found is the reference.
    #[serde(default = "last")]
    pub order: u32,
    /// Left out unless it is asked for by name.
    #[serde(default)]
    pub only_when_asked: bool,
    /// The names to look for on PATH.
    pub find: Vec<String>,
    /// How it reports its version.
    pub version: VersionCall,
    /// What it needs from the machine.
    #[serde(default)]
    pub needs: Needs,
    /// Where it is available.
    #[serde(default)]
    pub install: Option<Install>,
    pub(crate) call: CallTemplates,
    /// What it prints on stderr when it does not support what a bundle asks for.
    #[serde(default)]
    pub refusals: Vec<Refusal>,
}

fn last() -> u32 {
    100
}

/// How a runtime reports its version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionCall {
    /// The arguments.
    pub args: Vec<String>,
    /// The pattern whose first group is the version.
    pub regex: Pattern,
}

/// What a runtime needs from the machine, so that a run can report it before it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// The first kernel on which it runs.
    pub kernel: Option<Version>,
    /// What it requires of the cgroup trees.
    pub cgroup: Option<CgroupNeed>,
}

/// What a runtime requires of the machine's cgroup trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CgroupNeed {
    /// On a v1 machine no controller may be left on the v2 tree.
    NotHybrid,
    /// v2 only.
    V2,
}

/// Where a runtime is available.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The version to install if none is asked for and the distribution's own is not listed.
    pub default: Option<Version>,
    /// The Debian package, and the suite that has each version.
    pub debian: Option<DebianSource>,
    /// The crate.
    #[serde(rename = "crate")]
    pub krate: Option<CrateSource>,
    /// How it is built from a folder of its sources.
    pub source: Option<SourceBuild>,
}

/// How a runtime is built from a folder of its sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SourceBuild {
    /// The tools that the build needs, by their names on PATH.
    pub needs: Vec<String>,
    /// The commands, in the folder, in order; a word with a slash is a script from the sources.
    pub build: Vec<Vec<String>>,
    /// The program that they make, below the folder.
    pub program: String,
    /// The Debian packages that the build needs.
    #[serde(default)]
    pub debian_build_needs: Vec<String>,
}

impl Install {
    /// Every version that the manifest knows where to get, in order.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let debian = self.debian.iter().flat_map(|source| source.versions.keys());
        let krate = self.krate.iter().flat_map(|source| &source.versions);
        let mut all: Vec<Version> = debian.chain(krate).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

/// A Debian package with its versions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DebianSource {
    /// The package's name.
    pub package: String,
    /// Where the program is in the package.
    pub program: String,
    /// Which suite has which version, as far as is known: suites move.
    pub versions: BTreeMap<Version, String>,
    /// The pattern whose first group is the runtime's version in the package's version; by default what comes before
    /// `+` or `-`.
    #[serde(default)]
    pub version_regex: Option<Pattern>,
}

/// A crate with its versions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CrateSource {
    /// The crate's name.
    pub name: String,
    /// The program that it builds.
    pub program: String,
    /// The features to build with.
    #[serde(default)]
    pub features: Vec<String>,
    /// The versions that are known to build.
    pub versions: Vec<Version>,
    /// The Debian packages that the build needs.
    #[serde(default)]
    pub debian_build_needs: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallTemplates {
    /// The words before every step's own.
    #[serde(default)]
    pub(crate) global: Vec<Word>,
    pub(crate) steps: BTreeMap<Op, StepTemplate>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is not a manifest.
    #[error("read the manifest {file}:{line}:{column}: {why}")]
    Bad {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
        /// What is wrong and what to do.
        why: String,
    },
    /// The folder or the file cannot be read.
    #[error("read the manifests in {file}: {source}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// The system's error.
        source: std::io::Error,
    },
}

/// Every error of every manifest.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ManifestErrors(pub Vec<ManifestError>);

/// Whether a file of the folder `runtimes`, by its path there, is the manifest of a runtime.
#[must_use]
pub fn is_manifest(name: &str) -> bool {
    !name.contains('/') && name.ends_with(".yaml") && !["matrix.yaml", "kernels.yaml"].contains(&name)
}

/// The manifests that are built in, as `(file name, text)`.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("runc.yaml", include_str!("../runc.yaml")),
    ("crun.yaml", include_str!("../crun.yaml")),
    ("youki.yaml", include_str!("../youki.yaml")),
    ("runsc.yaml", include_str!("../runsc.yaml")),
];

impl Manifest {
    /// Reads one manifest.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        weigh(text).map_err(|error| ManifestError::Bad {
            file: file.to_owned(),
            line: error.line,
            column: 1,
            why: error.why,
        })?;
        if let Some(key) = twice(text) {
            let (line, column) = last_position(text, &key);
            return Err(ManifestError::Bad {
                file: file.to_owned(),
                line,
                column,
                why: format!("`{key}` is written twice in one map; remove one of the two"),
            });
        }
        let manifest: Self = serde_yaml::from_str(text).map_err(|err| yaml_error(file, &err))?;
        manifest.check(file, text)?;
        Ok(manifest)
    }

    /// Reads all, in their order, or reports every file's errors.
    pub fn load_all<F: AsRef<str>, T: AsRef<str>>(
        sources: impl IntoIterator<Item = (F, T)>,
    ) -> Result<Vec<Self>, ManifestErrors> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (file, text) in sources {
            match Self::parse(file.as_ref(), text.as_ref()) {
                Ok(manifest) => good.push(manifest),
                Err(err) => bad.push(err),
            }
        }
        if !bad.is_empty() {
            return Err(ManifestErrors(bad));
        }
        good.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        Ok(good)
    }

    /// Reads every `.yaml` file of a folder.
    pub fn load_folder(folder: &Path) -> Result<Vec<Self>, ManifestErrors> {
        let sources = read_folder(folder).map_err(|err| ManifestErrors(vec![err]))?;
        Self::load_all(sources)
    }

    /// The arguments that make a call, without the program.
    pub fn command(&self, call: &Call, version: &Version) -> Result<Vec<OsString>, CallError> {
        let step = self.step(call.step, version).ok_or_else(|| CallError::NoStep {
            runtime: self.name.clone(),
            step: call.step,
        })?;
        let mut words = template::fill_words(&self.call.global, &self.name, call)?;
        words.extend(step.fill(&self.name, call)?);
        Ok(words)
    }

    /// Whether a version supports a step.
    pub fn has(&self, step: Op, version: &Version) -> bool {
        self.step(step, version).is_some()
    }

    /// What a refusal on stderr means, if it is one; `oci_version` is the bundle's, if it is known.
    pub fn refusal(&self, stderr: &str, oci_version: Option<&str>) -> Option<&str> {
        let mut meant = self
            .refusals
            .iter()
            .filter(|refusal| refusal.is_meant(stderr, oci_version));
        meant.next().map(|refusal| refusal.means.as_str())
    }

    /// The version in the output of the version call.
    pub fn read_version(&self, output: &str) -> Option<Version> {
        let printed = self.version.regex.capture(output)?;
        Some(Version::parse(printed).unwrap_or_else(|_| Version::local()))
    }

    fn step(&self, step: Op, version: &Version) -> Option<&StepTemplate> {
        self.call
            .steps
            .get(&step)
            .filter(|template| template.is_in(version))
    }

    fn check(&self, file: &str, text: &str) -> Result<(), ManifestError> {
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yaml");
        let bad = |key: &str, why: String| {
            let (line, column) = position(text, key);
            Err(ManifestError::Bad {
                file: file.to_owned(),
                line,
                column,
                why,
            })
        };
        if self.name != stem || !self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return bad(
                "name:",
                format!(
                    "the name is `{}`: name the file and the runtime alike, in letters, digits and dashes",
                    self.name
                ),
            );
        }
        if let Some(step) = self.call.steps.keys().find(|step| !step.calls_runtime()) {
            return bad(
                &format!("{step}:"),
                format!("`{step}` is a step of ocidiff itself: no runtime is called for it"),
            );
        }
        if let Some(step) = Op::ALL
            .iter()
            .find(|s| s.calls_runtime() && !s.is_optional() && !self.call.steps.contains_key(s))
        {
            return bad(
                "steps:",
                format!("the step `{step}` is missing: the runtime-spec asks every runtime for it"),
            );
        }
        Ok(())
    }
}

fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, ManifestError> {
    let unreadable = |path: &Path, source| ManifestError::Unreadable {
        file: path.display().to_string(),
        source,
    };
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).map_err(|err| unreadable(folder, err))? {
        let path = entry.map_err(|err| unreadable(folder, err))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if is_manifest(&name) {
            let text = read_text(&path, raised(MOST_BYTES)).map_err(|err| unreadable(&path, err.into()))?;
            sources.push((path.display().to_string(), text));
        }
    }
    sources.sort();
    Ok(sources)
}

fn yaml_error(file: &str, err: &serde_yaml::Error) -> ManifestError {
    let (line, column) = err.location().map_or((1, 1), |at| (at.line(), at.column()));
    let full = err.to_string();
    // The position is given once, before the message.
    let why = in_plain_words(full.split(" at line ").next().unwrap_or(&full));
    ManifestError::Bad {
        file: file.to_owned(),
        line,
        column,
        why,
    }
}

/// The position of a key, for what can be checked only when everything has been read.
fn position(text: &str, key: &str) -> (usize, usize) {
    positions(text, key).next().unwrap_or((1, 1))
}

/// Its last position.
fn last_position(text: &str, key: &str) -> (usize, usize) {
    positions(text, key).last().unwrap_or((1, 1))
}

fn positions(text: &str, key: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines = text.lines().enumerate();
    lines.filter_map(move |(number, line)| {
        let trimmed = line.trim_start();
        let begins = trimmed.trim_start_matches("- ").starts_with(key);
        begins.then(|| (number + 1, line.len() - trimmed.len() + 1))
    })
}
