//! Runtimes' programs below `/run`, where a cell has a folder of its own: it gets copies at the same paths, and the
//! links that lead to programs.
//!
//! A bind mount of the machine's file would let a runtime overwrite it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::OFlags;

use super::error::{Context, Error};
use super::job::Job;

/// The folder that a cell has of its own.
const RUN: &str = "/run";
/// More links than the kernel follows.
const MOST_LINKS: usize = 40;

/// What lies in the machine's `/run` on the way to a program.
#[derive(Debug)]
enum Part {
    /// A link, and what it says.
    Link(PathBuf),
    /// A folder that the way leads into and out of.
    Folder,
    /// The program, opened while the machine's `/run` was still there.
    Program(File),
}

/// The parts of the ways to all programs, by their paths.
#[derive(Debug)]
pub(super) struct RunPrograms(BTreeMap<PathBuf, Part>);

impl RunPrograms {
    /// Opens them. What cannot be opened is not there for the call of it either, which reports that.
    pub(super) fn open(job: &Job) -> Self {
        Self::below(Path::new(RUN), &job.programs)
    }

    fn below(run: &Path, programs: &[PathBuf]) -> Self {
        let mut parts = BTreeMap::new();
        for program in programs {
            follow(program, run, &mut parts);
        }
        Self(parts)
    }

    /// Puts them into the cell's `/run`.
    pub(super) fn put(self) -> Result<(), Error> {
        self.0.into_iter().try_for_each(|(path, part)| {
            part.put(&path)
                .context(format!("put a copy of {} into the cell's /run", path.display()))
        })
    }
}

impl Part {
    fn put(self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        match self {
            Self::Link(target) => symlink(target, path),
            Self::Folder => fs::create_dir_all(path),
            Self::Program(mut file) => {
                let mut new = File::create(path)?;
                io::copy(&mut file, &mut new)?;
                new.set_permissions(file.metadata()?.permissions())
            }
        }
    }
}

/// Walks a path as the kernel does, and keeps what of it lies below `run`.
fn follow(program: &Path, run: &Path, parts: &mut BTreeMap<PathBuf, Part>) {
    let mut at = PathBuf::from("/");
    let mut left = names(program);
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            if at.starts_with(run) {
                parts.entry(at.clone()).or_insert(Part::Folder);
            }
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let Ok(target) = fs::read_link(&next) else {
            at = next;
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return;
        }
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        left.extend(names(&target));
        if next.starts_with(run) {
            parts.insert(next, Part::Link(target));
        }
    }
    if at.starts_with(run)
        && let Some(file) = open(&at)
    {
        parts.insert(at, Part::Program(file));
    }
}

/// The names in a path, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    let steps = path.components().rev();
    let is_step = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    steps
        .filter(is_step)
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

fn open(path: &Path) -> Option<File> {
    // A fifo would wait for its other end.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .ok()?;
    file.metadata().is_ok_and(|seen| seen.is_file()).then_some(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn whatever_way_leads_through_run_to_a_program_is_there_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().canonicalize().expect("a path");
        let at = |path: &str| folder.join(path);
        for path in ["run/rt/deep", "store/bin", "opt"] {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        for (path, text) in [
            ("run/rt/own", "own"),
            ("store/bin/crun", "stored"),
            ("run/other", "other"),
        ] {
            fs::write(at(path), text).expect("a program");
            fs::set_permissions(at(path), fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        for (path, target) in [
            ("run/rt/link", "own".to_owned()),
            ("run/rt/up", "deep/../own".to_owned()),
            ("run/out", at("store/bin/crun").display().to_string()),
            ("run/system", at("store").display().to_string()),
            ("opt/through", at("run/out").display().to_string()),
            ("opt/bin", at("run/system/bin").display().to_string()),
            ("run/loop", "loop".to_owned()),
            ("run/dangling", "nothing".to_owned()),
        ] {
            symlink(target, at(path)).expect("a link");
        }
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("run/fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .expect("a fifo");
        let good = [
            ("run/rt/own", "own"),
            ("run/rt/link", "own"),
            ("run/rt/../rt/link", "own"),
            ("run/rt/up", "own"),
            ("run/rt/deep/../link", "own"),
            ("run/out", "stored"),
            ("run/system/bin/crun", "stored"),
            ("opt/through", "stored"),
            ("opt/bin/crun", "stored"),
        ];
        for (path, text) in good {
            let kept = RunPrograms::below(&at("run"), &[at(path)]);
            fs::rename(at("run"), at("machine's")).expect("a name");
            fs::create_dir(at("run")).expect("a folder");
            kept.put().expect("they are put");
            let found = fs::read_to_string(at(path)).expect("a program");
            assert_eq!(found, text, "{path}");
            let mode = fs::metadata(at(path)).expect("a program").permissions().mode();
            assert_eq!(mode & 0o777, 0o755, "{path}");
            assert!(!at("run/other").exists(), "{path}");
            // A copy: the machine's stays as it is.
            if at(path).canonicalize().expect("a path").starts_with(at("run")) {
                fs::write(at(path), "overwritten").expect("a copy");
            }
            fs::remove_dir_all(at("run")).expect("a folder");
            fs::rename(at("machine's"), at("run")).expect("a name");
            assert_eq!(fs::read_to_string(at(path)).expect("a program"), text, "{path}");
        }
        for path in [
            "run/loop",
            "run/dangling",
            "run/fifo",
            "run/rt",
            "run/none",
            "store/bin/crun",
        ] {
            let RunPrograms(kept) = RunPrograms::below(&at("run"), &[at(path)]);
            let programs = kept.values().filter(|part| matches!(part, Part::Program(_)));
            assert_eq!(programs.count(), 0, "{path}");
        }
    }
}
