//! A private apt state for one suite: its own sources and lists, and an empty system. Nothing on the machine is
//! touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::ask::End;
use crate::install::job::{self, JobError};
use crate::install::sources::{self, Mirror};
use crate::machine::Machine;
use crate::process;
use crate::store::{Store, StoreError, write_whole};

/// How long lists are considered fresh; if a version is not in them, they are fetched again at once.
const FRESH: Duration = Duration::from_secs(12 * 3600);

/// Why packages are not available.
#[derive(Debug, thiserror::Error)]
pub enum AptError {
    /// Not Debian, or a tool is missing.
    #[error("use Debian's packages: {why}")]
    NotDebian {
        /// What is missing.
        why: String,
    },
    /// apt failed.
    #[error(transparent)]
    Job(#[from] JobError),
    /// apt has no such package there.
    #[error("find {what} in Debian's {suite}: apt-get {said}")]
    Absent {
        /// The packages.
        what: String,
        /// The suite.
        suite: String,
        /// What apt said.
        said: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A package file that apt would fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) size: u64,
}

pub(crate) struct Apt<'a> {
    machine: &'a Machine,
    suite: String,
    folder: PathBuf,
    apt_get: PathBuf,
}

impl<'a> Apt<'a> {
    /// Sets up the state.
    pub(crate) fn open(machine: &'a Machine, store: &Store, suite: &str) -> Result<Self, AptError> {
        let not_debian = |why: &str| AptError::NotDebian { why: why.to_owned() };
        let own = machine
            .suite
            .as_ref()
            .ok_or_else(|| not_debian("this system is not Debian"))?;
        let apt_get = machine
            .tool("apt-get")
            .ok_or_else(|| not_debian("there is no apt-get on PATH"))?;
        let mirror = sources::mirror(&machine.etc, own).ok_or_else(|| {
            not_debian("apt's sources name no archive with Debian's main packages; see /etc/apt/sources.list")
        })?;
        let folder = store.make(Path::new("apt").join(suite))?;
        for part in ["lists/partial", "archives/partial", "nothing/partial"] {
            store.make(folder.join(part))?;
        }
        let apt = Self {
            machine,
            suite: suite.to_owned(),
            folder,
            apt_get,
        };
        write_whole(&apt.folder.join("status"), "")?;
        write_whole(&apt.folder.join("private.sources"), &source_text(&mirror, suite))?;
        write_whole(&apt.folder.join("apt.conf"), &config_text(&apt.folder))?;
        Ok(apt)
    }

    /// Where fetched files are.
    pub(crate) fn archives(&self) -> PathBuf {
        self.folder.join("archives")
    }

    /// Fetches the lists if they are old, or if forced; says whether it did.
    pub(crate) fn update(&self, force: bool, watch: &mut dyn FnMut(&str)) -> Result<bool, AptError> {
        let stamp = self.folder.join("updated");
        let age = fs::metadata(&stamp).and_then(|meta| meta.modified()).ok();
        let fresh = age.is_some_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < FRESH));
        if fresh && !force {
            return Ok(false);
        }
        let _ = fs::remove_file(&stamp);
        // Without the error mode, apt exits with 0 even if a list could not be fetched or verified.
        job::run(
            self.command()
                .args(["-o", "APT::Update::Error-Mode=any", "update"]),
            &self.log(),
            watch,
        )?;
        write_whole(&stamp, "")?;
        Ok(true)
    }

    /// What apt would fetch to install packages with everything that they need.
    pub(crate) fn plan(&self, packages: &[String]) -> Result<Vec<Planned>, AptError> {
        self.ask(
            &[
                "--no-install-recommends",
                "-t",
                &self.suite,
                "--print-uris",
                "install",
            ],
            packages,
        )
    }

    /// What apt would fetch for the packages alone; a package can be `NAME=VERSION`.
    pub(crate) fn plan_alone(&self, packages: &[String]) -> Result<Vec<Planned>, AptError> {
        self.ask(&["-t", &self.suite, "--print-uris", "download"], packages)
    }

    /// Fetches packages with everything that they need; apt verifies them by the suite's signature.
    pub(crate) fn fetch(&self, packages: &[String], watch: &mut dyn FnMut(&str)) -> Result<(), AptError> {
        let mut command = self.command();
        command
            .args([
                "--no-install-recommends",
                "-t",
                &self.suite,
                "--download-only",
                "install",
            ])
            .args(packages);
        Ok(job::run(&mut command, &self.log(), watch)?)
    }

    /// Fetches the packages alone.
    pub(crate) fn fetch_alone(
        &self,
        packages: &[String],
        watch: &mut dyn FnMut(&str),
    ) -> Result<(), AptError> {
        let mut command = self.command();
        command
            .current_dir(self.archives())
            .args(["-t", &self.suite, "download"])
            .args(packages);
        Ok(job::run(&mut command, &self.log(), watch)?)
    }

    fn ask(&self, words: &[&str], packages: &[String]) -> Result<Vec<Planned>, AptError> {
        let mut command = self.command();
        // What has already been fetched would be left out of the answer: ask as if nothing had been.
        command.arg("-o").arg(format!(
            "Dir::Cache::archives={}",
            self.folder.join("nothing").display()
        ));
        command.args(words).args(packages);
        let absent = |said: String| AptError::Absent {
            what: packages.join(", "),
            suite: self.suite.clone(),
            said,
        };
        let ended = process::run(&mut command, Duration::from_secs(120), 1 << 20)
            .map_err(|err| absent(format!("did not start: {err}")))?;
        if ended.end != End::Code(0) {
            return Err(absent(ended.tell()));
        }
        Ok(ended.stdout.lines().filter_map(planned).collect())
    }

    fn command(&self) -> Command {
        let mut command = self.machine.command(&self.apt_get);
        command
            .arg("-c")
            .arg(self.folder.join("apt.conf"))
            .args(["-q", "-y"]);
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// `'URI' NAME_VERSION_ARCH.deb SIZE HASH`
fn planned(line: &str) -> Option<Planned> {
    let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
    let mut words = rest.split(' ');
    let file = words.next()?.to_owned();
    let size = words.next()?.parse().ok()?;
    let mut parts = file.strip_suffix(".deb")?.split('_');
    let (name, version) = (parts.next()?.to_owned(), parts.next()?.replace("%3a", ":"));
    Some(Planned {
        file,
        name,
        version,
        size,
    })
}

/// Experimental has only what sid does not have.
fn source_text(mirror: &Mirror, suite: &str) -> String {
    let suites = if suite == "experimental" {
        "experimental sid"
    } else {
        suite
    };
    let signed_by = mirror
        .signed_by
        .as_ref()
        .map(|key| format!("Signed-By: {key}\n"))
        .unwrap_or_default();
    format!(
        "Types: deb\nURIs: {}\nSuites: {suites}\nComponents: main\n{signed_by}",
        mirror.uri
    )
}

/// Read after the machine's own configuration, whose proxies and the like are kept; what would reach outside is
/// cleared.
fn config_text(folder: &Path) -> String {
    let dir = folder.display();
    format!(
        r#"#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Dir::State "{dir}";
Dir::State::lists "{dir}/lists";
Dir::State::status "{dir}/status";
Dir::Cache "{dir}";
Dir::Cache::archives "{dir}/archives";
Dir::Etc::sourcelist "{dir}/private.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
APT::Get::List-Cleanup "true";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "3";
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_what_apt_prints() {
        let line = "'http://m.invalid/pool/libcap2_2.78-1%2bb1_amd64.deb' libcap2_1%3a2.78-1+b1_amd64.deb 28844 MD5Sum:eb1f";
        let want = Planned {
            file: "libcap2_1%3a2.78-1+b1_amd64.deb".to_owned(),
            name: "libcap2".to_owned(),
            version: "1:2.78-1+b1".to_owned(),
            size: 28844,
        };
        assert_eq!(planned(line), Some(want));
        assert_eq!(planned("Reading package lists..."), None);
        assert_eq!(planned("Need to get 6254 kB of archives."), None);
    }
}
