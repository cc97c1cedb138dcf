//! Events are written as they come.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Error;
use crate::file::{Target, claim, keep, settle};
use crate::safe_json;

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

    /// Writes one event, of a run or of a check, and passes it on to the system.
    ///
    /// # Errors
    /// The event could not be written.
    pub fn write(&mut self, event: &impl Serialize) -> Result<(), Error> {
        let json = serde_json::to_string(event).map_err(|error| Error::Write(error.into()))?;
        let line = format!("{}\n", safe_json(&json));
        // In one piece: what could not be written completely is taken back.
        self.out.write_all(line.as_bytes()).map_err(Error::Write)?;
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
    /// The file could not be written to the end, or be renamed.
    pub fn finish(mut self) -> Result<(), Error> {
        let path = self.out.path.clone();
        self.out.finish().map_err(|source| Error::File { path, source })
    }
}

/// A file that gets its name at the end. A run that is interrupted still leaves what it recorded, and a run that
/// recorded nothing leaves what an earlier one wrote. If writing failed, the file keeps the name `NAME.part`.
#[derive(Debug)]
pub struct PartFile {
    file: File,
    path: PathBuf,
    /// `None` if the file is a pipe or a device, which must not be replaced, or has its name already.
    part: Option<PathBuf>,
    /// The file that is replaced.
    old: Option<Metadata>,
    /// How much was written completely.
    length: u64,
    failed: bool,
}

impl PartFile {
    fn create(path: &Path) -> io::Result<Self> {
        let (file, path, part, old) = match Target::of(path)? {
            Target::Stream(file) => (file, path.to_owned(), None, None),
            Target::File(path, old) => {
                let mut name = path.clone().into_os_string();
                name.push(".part");
                let part = PathBuf::from(name);
                (claim(&part)?, path, Some(part), old)
            }
        };
        Ok(Self {
            file,
            path,
            part,
            old,
            length: 0,
            failed: false,
        })
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(part) = self.part.take() else {
            return Ok(());
        };
        if self.length == 0 {
            return std::fs::remove_file(part);
        }
        if self.failed {
            return Ok(());
        }
        keep(self.old.as_ref(), &self.file)?;
        settle(&self.file)?;
        std::fs::rename(part, &self.path)
    }

    /// Half a line is taken back; the error says where the rest is.
    fn fail(&mut self, error: &io::Error) -> io::Error {
        self.failed = true;
        let place = match &self.part {
            // If the file cannot even be truncated, its readers leave out the last line.
            Some(part) if self.length > 0 => {
                let _ = self.file.set_len(self.length);
                format!("{}, which holds what came before", part.display())
            }
            _ => self.path.display().to_string(),
        };
        io::Error::new(error.kind(), format!("{place}: {error}"))
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes).map_err(|error| self.fail(&error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // There is no one left to report to; the .part file stays where it is.
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
