//! What a run of the program creates on the machine, and how it is found again after the program was killed.
//!
//! One folder (`/run/ocidiff.PID.START.NAMESPACE.NUMBER.RANDOM`, or under the folder for temporary files) and one
//! cgroup in each hierarchy (`ocidiff.PID.START.NAMESPACE.NUMBER`). To people, the name says what they belong to; a
//! lock on each says whether the session is alive ([`hold`]), and what is held is never touched.

mod clean;
mod hold;
mod name;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::machine::cgroup::{self, Layout, Parents, subtree};
use hold::Hold;

pub use clean::{Cleaned, clean};
pub(crate) use name::is_of_the_dead;

/// A session; dropping it removes its folder and its cgroups.
#[derive(Debug)]
pub struct Session {
    name: String,
    folder: TempDir,
    /// The machine's hierarchies.
    pub layout: Layout,
    /// Cgroups that an engine makes for its containers.
    parents: Parents,
    // Last: what is being removed is still held.
    /// Its cgroups, once it has any.
    cgroups: Mutex<Vec<Hold>>,
    _folder: Hold,
}

impl Session {
    /// Starts one.
    ///
    /// # Errors
    /// No folder can be made, or there is no cgroup hierarchy.
    pub fn start() -> io::Result<Self> {
        Self::start_in(&homes())
    }

    /// Starts one whose folder an engine sees too: the engine's /run may be private.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn start_beside_engine() -> io::Result<Self> {
        let [run, temporary] = homes();
        Self::start_in(&[temporary, run])
    }

    fn start_in(homes: &[PathBuf; 2]) -> io::Result<Self> {
        let layout = Layout::of_machine()?;
        let name = name::own()?;
        // What containers see of a session's folders must not depend on the user's shell.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        for _ in 0..ATTEMPTS {
            let folder = folder(&name, homes)?;
            // Not held: it was cleaned in the meantime.
            if let Some(hold) = Hold::take(folder.path())? {
                return Ok(Self {
                    name,
                    folder,
                    layout,
                    parents: Parents::default(),
                    cgroups: Mutex::default(),
                    _folder: hold,
                });
            }
        }
        Err(io::Error::other("its folder is removed as soon as it is made"))
    }

    /// Its name, which says which process it belongs to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The session's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// From here on, those of the cgroups with these names, and of their parents, that are not there yet go with the
    /// session.
    ///
    /// # Errors
    /// They cannot be noted in the session's folder.
    pub(crate) fn hold_parents(&mut self, names: &[String], are_asked: bool) -> io::Result<()> {
        self.parents = Parents::before(&self.layout, names, are_asked, self.folder())?;
        Ok(())
    }

    /// Makes the cgroups of a run.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn cgroups(&self, run: &str) -> io::Result<Layout> {
        self.hold_cgroups()?;
        self.layout.make(&self.name, run)
    }

    fn hold_cgroups(&self) -> io::Result<()> {
        let mut held = self.cgroups.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_empty() {
            let dirs = self.layout.hierarchies.iter();
            let holds = dirs.map(|hierarchy| Hold::make(&hierarchy.dir.join(&self.name)));
            *held = holds.collect::<io::Result<_>>()?;
        }
        Ok(())
    }
}

/// A folder for a command's files that do not belong to a cell. If this command is killed, the next one that makes
/// such a folder removes this one.
#[derive(Debug)]
pub struct Aside {
    // First: it is held while it is removed.
    folder: TempDir,
    _hold: Hold,
}

impl Aside {
    /// Makes one in the folder for temporary files, and removes those of commands that were killed.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn make() -> io::Result<Self> {
        let prefix = format!("{}.", name::own()?);
        let [_, temporary] = homes();
        clean::sweep(&temporary);
        for _ in 0..ATTEMPTS {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&temporary)?;
            if let Some(hold) = Hold::take(folder.path())? {
                return Ok(Self { folder, _hold: hold });
            }
        }
        Err(io::Error::other("its folder is removed as soon as it is made"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// How often a folder is made anew.
const ATTEMPTS: usize = 100;

fn folder(name: &str, homes: &[PathBuf; 2]) -> io::Result<TempDir> {
    let prefix = format!("{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).permissions(private());
    builder
        .tempdir_in(&homes[0])
        .or_else(|_| builder.tempdir_in(&homes[1]))
        .map_err(|error| {
            // Its path was generated, so it does not help the user.
            let why = error.raw_os_error().map_or(error.to_string(), |code| {
                io::Error::from_raw_os_error(code).to_string()
            });
            let [first, second] = homes.each_ref().map(|home| home.display());
            io::Error::new(
                error.kind(),
                format!("no folder can be made in {first} or {second}: {why}; set TMPDIR to a folder where one can"),
            )
        })
}

impl Drop for Session {
    fn drop(&mut self) {
        for hierarchy in &self.layout.hierarchies {
            let dir = hierarchy.dir.join(&self.name);
            if dir.exists() {
                end_cgroup(&dir);
            }
        }
        // With the note, `clean` removes them once the engine has let go of its containers.
        if !self.parents.remove() && self.parents.leave(self.folder.path()).is_ok() {
            self.folder.disable_cleanup(true);
        }
    }
}

/// 0711: a container's process that has lost root must still reach the layers.
fn private() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o711)
}

/// Where session folders can be.
fn homes() -> [PathBuf; 2] {
    ["/run".into(), std::env::temp_dir()]
}

/// Ends every process in one of our cgroups and removes it with everything below. Returns how many of each.
fn end_cgroup(dir: &Path) -> (usize, usize) {
    let tree = subtree(dir);
    let mut processes = 0;
    for cgroup_dir in &tree {
        // A frozen process handles its signal only once it is thawed.
        cgroup::thaw(cgroup_dir);
        let members = fs::read_to_string(cgroup_dir.join("cgroup.procs")).unwrap_or_default();
        for pid in members
            .lines()
            .filter_map(|line| line.parse::<i32>().ok())
            .filter(|pid| *pid > 1)
        {
            if pid.cast_unsigned() != std::process::id() && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok()
            {
                processes += 1;
            }
        }
        // Where the kernel has it, this also reaches processes that our pid namespace does not show.
        if cgroup_dir.join("cgroup.kill").exists() {
            let _ = fs::write(cgroup_dir.join("cgroup.kill"), "1");
        }
    }
    cgroup::remove_tree(dir);
    let left = if dir.exists() { subtree(dir).len() } else { 0 };
    (processes, tree.len() - left)
}
