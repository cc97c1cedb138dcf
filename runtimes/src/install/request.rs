//! What an install is asked for, whether it is already there, and where it would come from.

use std::path::PathBuf;
use std::str::FromStr;

use crate::find::{Found, Origin, Runtime};
use crate::install::InstallError;
use crate::machine::Machine;
use crate::manifest::{CrateSource, DebianSource, Manifest};
use crate::select::{SelectError, Selector, Which, any};
use ocidiff_model::version::Version;

/// A runtime to install: `NAME` or `NAME@VERSION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The manifest's name.
    pub name: String,
    /// The version; `None` means the machine's own or the default.
    pub version: Option<Version>,
}

/// Where a request is served from.
#[derive(Debug)]
pub(crate) enum Plan<'m> {
    Debian(&'m DebianSource, Vec<String>),
    Crate(&'m CrateSource, Version),
}

impl FromStr for Request {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let Selector { name, which } = text.parse()?;
        match which {
            Which::Any => Ok(Self { name, version: None }),
            Which::Version(version) => Ok(Self {
                name,
                version: Some(version),
            }),
            Which::Program(_) => Err(SelectError::Bad {
                text: text.to_owned(),
                why: "a program that is there needs no install".to_owned(),
            }),
        }
    }
}

pub(crate) fn label(name: &str, version: Option<&Version>) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("{name}@{version}"))
}

/// One request for each runtime of the default selection that can be installed.
pub(crate) fn defaults(manifests: &[Manifest]) -> Vec<Request> {
    let wanted = |m: &&Manifest| !m.only_when_asked && m.install.is_some();
    manifests
        .iter()
        .filter(wanted)
        .map(|m| Request {
            name: m.name.clone(),
            version: None,
        })
        .collect()
}

impl Request {
    /// The request as it was given.
    pub fn label(&self) -> String {
        label(&self.name, self.version.as_ref())
    }

    /// The label and program of what already serves the request.
    pub(crate) fn present(
        &self,
        manifests: &[Manifest],
        found: &Found,
        machine: &Machine,
    ) -> Option<(String, PathBuf)> {
        let manifest = manifests.iter().find(|manifest| manifest.name == self.name)?;
        let serves = |runtime: &&Runtime| {
            let same = Some(&runtime.version) == self.version.as_ref();
            runtime.name() == self.name
                && (same || self.version.is_none() && self.is_default(runtime, machine))
        };
        let there = found.runtimes.iter().find(serves).cloned();
        there
            .or_else(|| any(manifest, found).filter(|r| self.version.is_none() && r.origin == Origin::Path))
            .map(|runtime| (runtime.label(), runtime.path))
    }

    /// Whether a request without a version would install this one.
    fn is_default(&self, runtime: &Runtime, machine: &Machine) -> bool {
        let own = machine.suite.as_ref().map(|suite| format!("debian {suite}"));
        let default = runtime
            .manifest
            .install
            .as_ref()
            .and_then(|from| from.default.as_ref());
        match &runtime.origin {
            Origin::Store(from) => Some(from) == own.as_ref() || Some(&runtime.version) == default,
            Origin::Path | Origin::Given(_) | Origin::Engine => true,
        }
    }

    /// Where it would come from on this machine.
    pub(crate) fn plan<'m>(
        &self,
        manifest: &'m Manifest,
        machine: &Machine,
    ) -> Result<Plan<'m>, InstallError> {
        let no_source = || InstallError::NoSource {
            label: self.label(),
            how: machine.how_to_get(manifest),
        };
        let from = manifest.install.as_ref().ok_or_else(no_source)?;
        if let Some(debian) = from.debian.as_ref().filter(|_| machine.has_debian()) {
            return Ok(Plan::Debian(
                debian,
                self.suites(debian, from.default.as_ref(), machine),
            ));
        }
        let krate = from.krate.as_ref().ok_or_else(no_source)?;
        let newest = || krate.versions.iter().max().cloned();
        let version = self
            .version
            .clone()
            .or_else(|| from.default.clone())
            .or_else(newest);
        Ok(Plan::Crate(krate, version.ok_or_else(no_source)?))
    }

    /// The suites to ask, in turn. A version for which no suite is known may have appeared since: then all are asked.
    fn suites(&self, source: &DebianSource, default: Option<&Version>, machine: &Machine) -> Vec<String> {
        let known = |suite: &&String| source.versions.values().any(|one| one == *suite);
        let own = machine.suite.as_ref().filter(known);
        match (&self.version, own) {
            (Some(version), _) => source
                .versions
                .get(version)
                .cloned()
                .map_or_else(|| all(source), |one| vec![one]),
            (None, Some(own)) => vec![own.clone()],
            (None, None) => {
                let suite = default.and_then(|version| source.versions.get(version));
                suite
                    .or(source.versions.values().next_back())
                    .cloned()
                    .into_iter()
                    .collect()
            }
        }
    }
}

/// Every suite, starting with that of the newest version.
fn all(source: &DebianSource) -> Vec<String> {
    let mut suites: Vec<String> = Vec::new();
    for suite in source.versions.values().rev() {
        if !suites.contains(suite) {
            suites.push(suite.clone());
        }
    }
    suites
}
