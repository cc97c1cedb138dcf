//! Seccomp profiles of cases as files, which an engine reads when a container is created.

use std::io;
use std::path::{Path, PathBuf};

use crate::digest::of_text;

/// A folder of profiles, each stored once.
#[derive(Debug)]
pub(super) struct Profiles(PathBuf);

impl Profiles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The file of a profile, which is written completely before it gets its name: another case may already be
    /// reading it.
    pub(super) fn path(&self, text: &str) -> io::Result<PathBuf> {
        std::fs::create_dir_all(&self.0)?;
        let path = self.0.join(format!("{}.json", &of_text(text)[..16]));
        if !path.exists() {
            let part = tempfile::NamedTempFile::new_in(&self.0)?;
            std::fs::write(part.path(), text)?;
            readable(part.path())?;
            part.persist(&path).map_err(|error| error.error)?;
        }
        Ok(path)
    }
}

/// The engine may not be running as root.
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}
