//! What this machine offers for installing: its distribution, its package sources, its tools.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::find::{Found, program_on};
use crate::manifest::Manifest;

/// The machine, as far as installing is concerned.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Where its configuration is: `/etc`.
    pub etc: PathBuf,
    /// Where its tools are.
    pub path: Option<OsString>,
    /// Debian's name of its release, when it is Debian.
    pub suite: Option<String>,
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        Self::at(Path::new("/etc"), env::var_os("PATH"))
    }

    /// A machine with its configuration and tools elsewhere, for tests.
    pub fn at(etc: &Path, path: Option<OsString>) -> Self {
        let release = fs::read_to_string(etc.join("os-release")).unwrap_or_default();
        Self {
            etc: etc.to_owned(),
            path,
            suite: debian_suite(&release),
        }
    }

    /// A tool's path.
    pub fn tool(&self, name: &str) -> Option<PathBuf> {
        program_on(self.path.as_deref(), name)
    }

    /// Whether packages are available from Debian's suites.
    pub fn has_debian(&self) -> bool {
        self.suite.is_some() && self.tool("apt-get").is_some() && self.tool("dpkg-deb").is_some()
    }

    /// A command that runs a tool in plain English and without prompts.
    pub(crate) fn command(&self, tool: &Path) -> Command {
        let mut command = Command::new(tool);
        command
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(std::process::Stdio::null());
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }

    /// One sentence for each runtime that is not installed: what is missing and how to get it.
    pub fn missing(&self, manifests: &[Manifest], found: &Found) -> Vec<String> {
        manifests
            .iter()
            .filter(|manifest| !manifest.only_when_asked)
            .filter(|manifest| {
                !found
                    .runtimes
                    .iter()
                    .any(|runtime| runtime.name() == manifest.name)
            })
            .map(|manifest| format!("{} is not here: {}", manifest.name, self.how_to_get(manifest)))
            .collect()
    }

    /// How to get a runtime onto this machine.
    pub(crate) fn how_to_get(&self, manifest: &Manifest) -> String {
        let name = &manifest.name;
        let install = manifest.install.as_ref();
        if install.is_some_and(|from| from.debian.is_some()) && self.has_debian() {
            return format!("`ocidiff runtimes install {name}` brings Debian's package");
        }
        match install.and_then(|from| from.krate.as_ref()) {
            Some(krate) if self.tool("cargo").is_some() => {
                format!(
                    "`ocidiff runtimes install {name}` builds the crate {} (some minutes)",
                    krate.name
                )
            }
            Some(krate) => format!(
                "it is built from the crate {} and there is no cargo; install a Rust toolchain, or put `{name}` on PATH",
                krate.name
            ),
            None => format!(
                "install it with this system's package manager, so that `{name}` is on PATH, or give its path with \
                 --runtime {name}=/path/to/{name}"
            ),
        }
    }
}

fn debian_suite(release: &str) -> Option<String> {
    let value = |key: &str| {
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    (value("ID")? == "debian")
        .then(|| value("VERSION_CODENAME"))
        .flatten()
}
