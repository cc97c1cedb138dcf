//! Events are written as they come.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;

/// Writes events, each at once, so that what was recorded is there whatever happens next.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes to anything.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes one event, of a run or of a check, and hands it on to the system.
    ///
    /// # Errors
    /// The event could not be written.
    pub fn write(&mut self, event: &impl Serialize) -> Result<(), Error> {
        let mut line = serde_json::to_vec(event).map_err(|error| Error::Write(error.into()))?;
        line.push(b'\n');
        self.out.write_all(&line).map_err(Error::Write)?;
        self.out.flush().map_err(Error::Write)
    }
}

impl Writer<PartFile> {
    /// Writes to a file: `NAME.part` until [`Writer::finish`] or the end of the writer's life, then `NAME`.
    ///
    /// # Errors
    /// The file could not be opened.
    pub fn create(path: &Path) -> Result<Self, Error> {
        PartFile::create(path)
            .map(Self::new)
            .map_err(|source| Error::File {
                path: path.to_owned(),
                source,
            })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// The file could not be renamed.
    pub fn finish(mut self) -> Result<(), Error> {
        let path = self.out.path.clone();
        self.out.finish().map_err(|source| Error::File { path, source })
    }
}

/// A file that gets its name at the end. A run that is interrupted still leaves what it recorded, and a run that
/// recorded nothing leaves what an earlier one wrote.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    path: PathBuf,
    /// None where the file is a pipe or a device, which must not be replaced, or has its name already.
    part: Option<PathBuf>,
    empty: bool,
}

impl PartFile {
    fn create(path: &Path) -> std::io::Result<Self> {
        // A link's target is what is to be written, not the link.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let replaceable = std::fs::metadata(&path).map_or(true, |found| found.is_file());
        let part = replaceable.then(|| {
            let mut name = path.clone().into_os_string();
            name.push(".part");
            PathBuf::from(name)
        });
        let file = match &part {
            Some(part) => File::create(part)?,
            None => File::options().write(true).open(&path)?,
        };
        Ok(Self {
            file,
            path,
            part,
            empty: true,
        })
    }

    fn finish(&mut self) -> std::io::Result<()> {
        match self.part.take() {
            Some(part) if self.empty => std::fs::remove_file(part),
            Some(part) => std::fs::rename(part, &self.path),
            None => Ok(()),
        }
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.empty &= bytes.is_empty();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // Nobody is left to be told; the .part file stays where it is.
        let _ = self.finish();
    }
}

/// Events as a file would hold them.
///
/// # Errors
/// An event could not be written.
pub fn lines_of(events: &[impl Serialize]) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for event in events {
        writer.write(event)?;
    }
    // serde_json writes nothing but UTF-8.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
