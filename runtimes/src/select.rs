//! Which of the installed runtimes a run takes: `NAME`, `NAME@VERSION` or `NAME=/path/to/binary`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::ask::Ask;
use crate::facts::ProgramError;
use crate::find::{Found, Origin, Runtime, given, is_program};
use crate::manifest::Manifest;
use crate::store::Store;
use ocidiff_model::near::near;
use ocidiff_model::version::Version;

/// How many programs in a folder are accepted as builds of one runtime.
const MOST_PROGRAMS: usize = 64;

/// A runtime as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The manifest's name.
    pub name: String,
    /// Which one of that name.
    pub which: Which,
}

/// Which one of a name is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one on PATH, or otherwise the store's default or newest.
    Any,
    /// This version.
    Version(Version),
    /// This program, or each program in this folder.
    Program(PathBuf),
}

/// Why a selection gives no runtime.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The text is not a selector.
    #[error("read `{text}` as a runtime: {why}; write NAME, NAME@VERSION or NAME=/path/to/binary")]
    Bad {
        /// The text.
        text: String,
        /// What is wrong.
        why: String,
    },
    /// No manifest has the name.
    #[error(
        "find a runtime called `{name}`: {meant}there are manifests for {known}; for one more, copy runtimes/runc.yaml to \
         runtimes/{name}.yaml and change what differs"
    )]
    Unknown {
        /// The name.
        name: String,
        /// The name that was meant, if one is similar, as a question.
        meant: String,
        /// The existing names.
        known: String,
    },
    /// The runtime or the version is not on the machine.
    #[error("find {wanted}: {there}; {how}")]
    Missing {
        /// What was asked for.
        wanted: String,
        /// What is there instead.
        there: String,
        /// How to get it.
        how: String,
    },
    /// A folder that holds no builds.
    #[error("take the programs of {path} as builds: {why}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The program cannot be used.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The same runtime twice: nothing could differ.
    #[error("compare {label} with itself: it was named twice; `ocidiff control` does that on purpose")]
    Twice {
        /// Its name and version.
        label: String,
    },
}

impl FromStr for Selector {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let bad = |why: String| SelectError::Bad {
            text: text.to_owned(),
            why,
        };
        let (name, which) = if let Some((name, path)) = text.split_once('=') {
            if path.is_empty() {
                return Err(bad("no path follows `=`".to_owned()));
            }
            (name, Which::Program(PathBuf::from(path)))
        } else if let Some((name, version)) = text.split_once('@') {
            let version =
                Version::typed(version).map_err(|_| bad(format!("`{version}` is not a version")))?;
            (name, Which::Version(version))
        } else {
            (text, Which::Any)
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(bad(format!("`{name}` is not a runtime's name")));
        }
        Ok(Self {
            name: name.to_owned(),
            which,
        })
    }
}

/// The runtimes that are named; with no names, one for each manifest that does not have to be asked for.
pub fn select(
    selectors: &[Selector],
    manifests: &[Manifest],
    store: &Store,
    found: &Found,
    ask: &dyn Ask,
) -> Result<Vec<Runtime>, SelectError> {
    if selectors.is_empty() {
        return Ok(default_set(manifests, found));
    }
    let mut seen = BTreeSet::new();
    let mut chosen = Vec::new();
    for selector in selectors {
        let manifest = find_manifest(manifests, &selector.name)?;
        let these = match &selector.which {
            Which::Program(path) => programs(path)?
                .iter()
                .map(|program| given(manifest, program, store, ask))
                .collect::<Result<_, _>>()?,
            Which::Version(version) => vec![with_version(manifest, version, found)?],
            Which::Any => vec![any(manifest, found).ok_or_else(|| missing(manifest, None, found))?],
        };
        for runtime in these {
            if !seen.insert((runtime.path.clone(), runtime.label())) {
                return Err(SelectError::Twice {
                    label: runtime.label(),
                });
            }
            chosen.push(runtime);
        }
    }
    Ok(chosen)
}

/// The program at a path; if it is a folder, every program in it, by name.
fn programs(path: &Path) -> Result<Vec<PathBuf>, SelectError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let bad = |why: String| SelectError::Folder {
        path: path.to_owned(),
        why,
    };
    let entries = std::fs::read_dir(path).map_err(|error| bad(error.to_string()))?;
    let mut all: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_program)
        .collect();
    all.sort();
    match all.len() {
        0 => Err(bad("no program lies in it".to_owned())),
        1..=MOST_PROGRAMS => Ok(all),
        number => Err(bad(format!(
            "{number} programs lie in it, and {MOST_PROGRAMS} are the most; name a folder that holds builds only"
        ))),
    }
}

/// The manifest with a name.
pub fn find_manifest<'m>(manifests: &'m [Manifest], name: &str) -> Result<&'m Manifest, SelectError> {
    manifests
        .iter()
        .find(|manifest| manifest.name == name)
        .ok_or_else(|| SelectError::Unknown {
            name: name.to_owned(),
            meant: near(name, manifests.iter().map(|manifest| manifest.name.as_str()))
                .map_or_else(String::new, |meant| format!("did you mean `{meant}`? ")),
            known: manifests
                .iter()
                .map(|m| m.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
}

fn default_set(manifests: &[Manifest], found: &Found) -> Vec<Runtime> {
    manifests
        .iter()
        .filter(|manifest| !manifest.only_when_asked)
        .filter_map(|m| any(m, found))
        .collect()
}

/// The one on PATH, otherwise the store's default, otherwise the store's newest.
pub(crate) fn any(manifest: &Manifest, found: &Found) -> Option<Runtime> {
    let default = manifest
        .install
        .as_ref()
        .and_then(|install| install.default.as_ref());
    let of_name = || {
        found
            .runtimes
            .iter()
            .filter(|runtime| runtime.name() == manifest.name)
    };
    of_name()
        .find(|runtime| runtime.origin == Origin::Path)
        .or_else(|| of_name().find(|runtime| Some(&runtime.version) == default))
        .or_else(|| of_name().max_by(|a, b| a.version.cmp(&b.version)))
        .cloned()
}

fn with_version(manifest: &Manifest, version: &Version, found: &Found) -> Result<Runtime, SelectError> {
    // Builds of a version are equal to it, and differ from each other.
    let is_one_build = version.is_build() || version.as_str().contains('+');
    let is_it = |found: &Version| found == version && (!is_one_build || found.as_str() == version.as_str());
    found
        .runtimes
        .iter()
        .find(|runtime| runtime.name() == manifest.name && is_it(&runtime.version))
        .cloned()
        .ok_or_else(|| missing(manifest, Some(version), found))
}

fn missing(manifest: &Manifest, version: Option<&Version>, found: &Found) -> SelectError {
    let name = &manifest.name;
    let usable: Vec<_> = found
        .runtimes
        .iter()
        .filter(|runtime| runtime.name() == name)
        .map(|runtime| format!("{} ({})", runtime.label(), runtime.origin))
        .collect();
    let wanted = version.map_or_else(|| name.clone(), |version| format!("{name}@{version}"));
    let usable = (!usable.is_empty()).then(|| format!("there is {}", usable.join(", ")));
    // The one that is wanted may be among these: it is there, and its version is not known.
    let broken = found.broken.iter().filter(|one| one.name() == name);
    let there: Vec<String> = usable
        .into_iter()
        .chain(broken.map(|one| format!("failed to {one}")))
        .collect();
    let there = match there.is_empty() {
        true => format!("no {name} is on PATH or in the store"),
        false => there.join("; "),
    };
    let how = how_to_get(manifest, version, &wanted);
    SelectError::Missing { wanted, there, how }
}

/// Whether a version that the manifest does not list can be installed is known by nobody but its sources.
fn how_to_get(manifest: &Manifest, version: Option<&Version>, wanted: &str) -> String {
    let Some(install) = &manifest.install else {
        return format!(
            "put it on PATH, or name it with --runtime {}=/path/to/binary",
            manifest.name
        );
    };
    match version.is_none_or(|version| install.versions().contains(version)) {
        true => format!("`ocidiff runtimes install {wanted}` brings it"),
        false => "`ocidiff runtimes --available` lists the versions that can be installed".to_owned(),
    }
}
