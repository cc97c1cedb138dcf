//! Runtimes' programs below `/run`, where a cell has a folder of its own: it gets a copy at the same path.
//!
//! A bind mount of the machine's file would let a runtime overwrite it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;

use super::error::{Context, Error};
use super::job::Job;

/// The programs, opened while the machine's `/run` was still there.
pub(super) struct RunPrograms(Vec<(PathBuf, File)>);

impl RunPrograms {
    /// Opens them. What cannot be opened is not there for the call of it either, which reports that.
    pub(super) fn open(job: &Job) -> Self {
        let below = job.programs.iter().filter(|path| path.starts_with("/run"));
        let open = |path: &PathBuf| {
            // A fifo would wait for its other end.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let file = OpenOptions::new()
                .read(true)
                .custom_flags(flags)
                .open(path)
                .ok()?;
            let is_file = file.metadata().is_ok_and(|seen| seen.is_file());
            is_file.then(|| (path.clone(), file))
        };
        Self(below.filter_map(open).collect())
    }

    /// Copies them into the cell's `/run`.
    pub(super) fn put(self) -> Result<(), Error> {
        self.0.into_iter().try_for_each(|(path, mut file)| {
            copy(&path, &mut file).context(format!("put a copy of {} into the cell's /run", path.display()))
        })
    }
}

fn copy(path: &PathBuf, file: &mut File) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut new = File::create(path)?;
    io::copy(file, &mut new)?;
    new.set_permissions(file.metadata()?.permissions())
}
