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

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files, and what is read of it: names, with the text or why it cannot be read.
    fn read_of(files: &[(&str, &[u8])]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, content).expect("a file");
        }
        let all = read(folder.path()).expect("a folder that can be read");
        let told = |source: &Source| match &source.unreadable {
            Some(unreadable) => format!("{}:{}: {}", unreadable.line, unreadable.column, unreadable.why),
            None => source.text.to_string(),
        };
        all.iter()
            .map(|(name, source)| (name.clone(), told(source)))
            .collect()
    }

    #[test]
    fn yaml_and_json_are_read_but_not_what_is_hidden_or_the_probe_s_sources() {
        let read = read_of(&[
            ("a.yaml", b"a"),
            ("t/b.json", b"b"),
            ("t/deep/c.yaml", "\u{feff}c".as_bytes()),
            ("t/d.yml", b"d"),
            ("t/e.txt", b"e"),
            (".git/f.yaml", b"f"),
            ("probe/g.yaml", b"g"),
            ("t/probe/h.yaml", b"h"),
            ("t/i.yaml", b"one\ntwo \xff"),
        ]);
        let expected = [
            ("a.yaml", "a"),
            ("t/b.json", "b"),
            (
                "t/d.yml",
                "1:1: a file of this ending is not read: rename it to .yaml",
            ),
            ("t/deep/c.yaml", "c"),
            ("t/i.yaml", "2:5: this is not UTF-8 text"),
            ("t/probe/h.yaml", "h"),
        ];
        assert_eq!(
            read,
            expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
    }

    #[test]
    fn a_single_file_is_read_under_its_own_name_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mine.txt");
        fs::write(&file, "summary: s").expect("a file");
        let read = read_one(&file).expect("a file");
        assert_eq!(read.keys().collect::<Vec<_>>(), ["mine.yaml"]);
        let source = &read["mine.yaml"];
        assert_eq!(
            (&*source.text, source.shown.as_str()),
            ("summary: s", &*file.to_string_lossy())
        );
        for other in [Path::new("/dev/null"), &folder.path().join("nothing")] {
            let error = read_one(other).expect_err("no file").to_string();
            assert!(error.starts_with(&*other.to_string_lossy()), "{error}");
        }
    }

    #[test]
    fn folders_are_read_as_deep_as_they_are_taken() {
        let told = |depth: usize| {
            let folder = tempfile::tempdir().expect("a folder");
            let deep = folder.path().join(vec!["d"; depth].join("/"));
            fs::create_dir_all(deep).expect("folders");
            read(folder.path()).err().map(|error| error.to_string())
        };
        assert_eq!(told(DEPTH), None);
        assert!(told(DEPTH + 1).is_some_and(|error| error.ends_with("more than 32 folders in folders")));
    }

    #[test]
    fn there_is_a_most_of_entries_and_of_bytes() {
        let top = Path::new("/top");
        let reader = Reader {
            top,
            found: Sources::new(),
            been: BTreeSet::new(),
            entries: 0,
            bytes: 0,
        };
        assert!(reader.within(7, 7, "entries").is_ok());
        let error = reader.within(8, 7, "entries").expect_err("too many").to_string();
        assert!(error.starts_with("/top: more than 7 entries"), "{error}");

        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.yaml");
        fs::write(&file, "summary").expect("a file");
        for (bytes, good) in [(ALL - 7, true), (ALL - 6, false)] {
            let mut reader = Reader {
                top: folder.path(),
                bytes,
                found: Sources::new(),
                been: BTreeSet::new(),
                entries: 0,
            };
            assert_eq!(reader.entry(file.clone(), 0).is_ok(), good, "{bytes}");
        }
        let mut reader = Reader {
            top: folder.path(),
            ..reader
        };
        reader.folder(folder.path(), 0).expect("a folder");
        assert_eq!((reader.entries, reader.found.len(), reader.bytes), (1, 1, 7));
    }
}
