//! Where the corpus comes from: built into the program, or folders of a checkout or of the user.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

static BUILT_IN: Dir<'_> = include_dir!("$OCIDIFF_CORPUS");

/// The probe, a static program.
pub static PROBE: &[u8] = include_bytes!(env!("OCIDIFF_PROBE"));

/// One text file of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How messages name it: a path that the user can open, or `built in: cases/x.yaml`.
    pub shown: String,
    /// The file itself, where it is one.
    pub path: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// Why it could not be read as text, if so; told with all other errors.
    pub unreadable: Option<Unreadable>,
}

/// Why a file is no text, and from where on: line and column, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong.
    pub why: String,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Text files by their path under the folder (`seccomp/tar-setgid.yaml`).
pub type Sources = BTreeMap<String, Source>;

/// The checkout that the current folder stands in, if it does.
#[must_use]
pub fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| folder.join("cases/requirements.yaml").is_file() && folder.join("runtimes").is_dir())
        .map(Path::to_owned)
}

/// A folder of the corpus (`cases`, `runtimes`): the checkout's where there is one, else the built-in one.
///
/// # Errors
/// A file of the checkout cannot be read.
pub fn standard(folder: &str) -> io::Result<Sources> {
    match checkout() {
        Some(checkout) => read(&checkout.join(folder)),
        None => Ok(built_in(folder)),
    }
}

/// A folder of the corpus as it is built into the program.
#[must_use]
pub fn built_in(folder: &str) -> Sources {
    let mut found = Sources::new();
    if let Some(dir) = BUILT_IN.get_dir(folder) {
        collect(dir, Path::new(folder), &mut found);
    }
    found
}

fn collect(dir: &Dir<'_>, top: &Path, found: &mut Sources) {
    for file in dir.files() {
        let Some(text) = file.contents_utf8() else {
            continue;
        };
        let name = file
            .path()
            .strip_prefix(top)
            .unwrap_or(file.path())
            .to_string_lossy()
            .into_owned();
        let shown = file.path().to_string_lossy().into_owned();
        found.insert(
            name,
            Source {
                shown: format!("built in: {shown}"),
                path: None,
                text: text.to_owned(),
                unreadable: None,
            },
        );
    }
    dir.dirs().for_each(|dir| collect(dir, top, found));
}

/// Every YAML and JSON file under a folder of the machine.
///
/// # Errors
/// What the system answers, with the path.
pub fn read(folder: &Path) -> io::Result<Sources> {
    let mut found = Sources::new();
    read_into(folder, folder, &mut found)?;
    Ok(found)
}

fn read_into(folder: &Path, top: &Path, found: &mut Sources) -> io::Result<()> {
    let named =
        |error: io::Error, path: &Path| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    for entry in fs::read_dir(folder).map_err(|error| named(error, folder))? {
        let path = entry?.path();
        let name = path
            .strip_prefix(top)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if name != "probe" && !name.starts_with('.') {
                read_into(&path, top, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "json")
        {
            let source = source(path);
            found.insert(name, source);
        }
    }
    Ok(())
}

/// One YAML file of the machine, under its own name.
///
/// # Errors
/// It is not a regular file, or is not there.
pub fn read_one(path: &Path) -> io::Result<Sources> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(named)?.is_file() {
        return Err(named(io::Error::other("it is neither a file nor a folder")));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Sources::from([(format!("{stem}.yaml"), source(path.to_owned()))]))
}

fn source(path: PathBuf) -> Source {
    let (text, unreadable) = text_of(&path);
    Source {
        shown: shown(&path),
        path: Some(path),
        text,
        unreadable,
    }
}

fn text_of(path: &Path) -> (String, Option<Unreadable>) {
    let unreadable = |why: String, line, column| (String::new(), Some(Unreadable { why, line, column }));
    match fs::read(path).map(String::from_utf8) {
        Ok(Ok(text)) => (text, None),
        Err(error) => unreadable(format!("failed to read it: {error}"), 1, 1),
        Ok(Err(error)) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            unreadable("this is no UTF-8 text".to_owned(), line, column)
        }
    }
}

/// Relative to the current folder where it lies there: shorter, and the same on every machine.
fn shown(path: &Path) -> String {
    static HERE: LazyLock<PathBuf> = LazyLock::new(|| std::env::current_dir().unwrap_or_default());
    path.strip_prefix(&*HERE)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}
