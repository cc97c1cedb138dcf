//! A folder of the machine as sources: whatever it holds, it is read within limits, and reading ends.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use ocidiff_confine::limit::{Hint, raised, raised_count};
use ocidiff_confine::read::{ReadError, read_text};

use super::source::{Source, Sources, Unreadable};

/// The largest file, in bytes.
pub const FILE: u64 = 256 << 10;
/// All files together, in bytes.
const ALL: u64 = 16 << 20;
/// Entries of all folders together.
const ENTRIES: usize = 50_000;
/// Files that are read.
const FILES: usize = 10_000;
/// How deep folders may be nested.
const DEPTH: usize = 32;

/// Every YAML and JSON file under a folder.
///
/// # Errors
/// What the system answers, with the path; there is more than can be intended.
pub fn read(folder: &Path) -> io::Result<Sources> {
    let mut reader = Reader {
        top: folder,
        found: Sources::new(),
        been: BTreeSet::new(),
        entries: 0,
        bytes: 0,
    };
    reader.folder(folder, 0)?;
    Ok(reader.found)
}

/// One YAML file of the machine, under its own name.
///
/// # Errors
/// It is not there, or is neither a file nor a folder.
pub fn read_one(path: &Path) -> io::Result<Sources> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(named)?.is_file() {
        return Err(named(io::Error::other("it is neither a file nor a folder")));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Sources::from([(
        format!("{stem}.yaml"),
        source(path.to_owned(), true),
    )]))
}

fn source(path: PathBuf, is_named: bool) -> Source {
    let (text, unreadable) = if is_named {
        text_of(&path)
    } else {
        unreadable("its name is not UTF-8: rename it".to_owned(), 1, 1)
    };
    Source {
        shown: shown(&path),
        path: Some(path),
        text: text.into(),
        parsed: None,
        unreadable,
    }
}

struct Reader<'a> {
    top: &'a Path,
    found: Sources,
    /// Folders by device and inode: a folder that links lead to twice is read once.
    been: BTreeSet<(u64, u64)>,
    entries: usize,
    bytes: u64,
}

impl Reader<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        let told = fs::metadata(folder).map_err(named)?;
        if !self.been.insert((told.dev(), told.ino())) {
            return Ok(());
        }
        if depth > DEPTH {
            return Err(named(io::Error::other(format!(
                "more than {DEPTH} folders in folders"
            ))));
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(named)? {
            paths.push(entry.map_err(named)?.path());
            self.entries += 1;
            self.within(self.entries, ENTRIES, "entries")?;
        }
        // So that the same is read, and reported, each time.
        paths.sort();
        paths.into_iter().try_for_each(|path| self.entry(path, depth))
    }

    fn entry(&mut self, path: PathBuf, depth: usize) -> io::Result<()> {
        let below = path.strip_prefix(self.top).unwrap_or(&path);
        let name = below.to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "probe" && !name.starts_with('.') {
                self.folder(&path, depth + 1)?;
            }
            return Ok(());
        }
        let ends = |ending: &str| path.extension().is_some_and(|found| found == ending);
        if !["yaml", "yml", "json"].into_iter().any(ends) {
            return Ok(());
        }
        let mut source = source(path.clone(), below.to_str().is_some());
        if ends("yml") {
            // Otherwise its author would believe that it is read.
            let why = "a file of this ending is not read: rename it to .yaml".to_owned();
            (source.text, source.unreadable) = (String::new().into(), unreadable(why, 1, 1).1);
        }
        self.bytes += source.text.len() as u64;
        self.found.insert(name, source);
        self.within(self.found.len(), FILES, "cases and other files")?;
        let most = raised(ALL);
        if self.bytes > most {
            let top = self.top.display();
            let why = format!("{top}: its files have more than {most} bytes together; {Hint}");
            return Err(io::Error::other(why));
        }
        Ok(())
    }

    fn within(&self, count: usize, most: usize, what: &str) -> io::Result<()> {
        let most = raised_count(most);
        if count <= most {
            return Ok(());
        }
        let top = self.top.display();
        Err(io::Error::other(format!(
            "{top}: more than {most} {what}; {Hint}"
        )))
    }
}

fn unreadable(why: String, line: usize, column: usize) -> (String, Option<Unreadable>) {
    (String::new(), Some(Unreadable { why, line, column }))
}

fn text_of(path: &Path) -> (String, Option<Unreadable>) {
    match read_text(path, raised(FILE)) {
        // Editors on some systems put a byte order mark before the text.
        Ok(text) => match text.strip_prefix('\u{feff}') {
            Some(text) => (text.to_owned(), None),
            None => (text, None),
        },
        Err(ReadError::NotText(error)) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            unreadable("this is not UTF-8 text".to_owned(), line, column)
        }
        Err(error) => unreadable(format!("failed to read it: {error}"), 1, 1),
    }
}

/// Relative to the current folder if it is below that: shorter, and the same on every machine.
fn shown(path: &Path) -> String {
    static HERE: LazyLock<PathBuf> = LazyLock::new(|| std::env::current_dir().unwrap_or_default());
    path.strip_prefix(&*HERE)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
