//! Where the corpus comes from: built into the program, or folders of a checkout or of the user.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::folder::read;
use super::source::{Source, Sources};

static BUILT_IN: Dir<'static> = include_dir!("$OCIDIFF_CORPUS");

/// The built-in YAML files as JSON by path, as build.rs parsed them.
static PARSED: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!(env!("OCIDIFF_PARSED")).lines();
    lines.filter_map(|line| line.split_once('\t')).collect()
});

/// The probe, a static program.
pub static PROBE: &[u8] = include_bytes!(env!("OCIDIFF_PROBE"));

/// The checkout that contains the current folder, if there is one.
#[must_use]
pub fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .find(|folder| folder.join("cases/requirements.yaml").is_file() && folder.join("runtimes").is_dir())
        .map(Path::to_owned)
}

/// A folder of the corpus (`cases`, `runtimes`): the checkout's if there is one, otherwise the built-in one.
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

fn collect(dir: &Dir<'static>, top: &Path, found: &mut Sources) {
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
                text: Cow::Borrowed(text),
                parsed: file.path().to_str().and_then(|path| PARSED.get(path).copied()),
                unreadable: None,
            },
        );
    }
    dir.dirs().for_each(|dir| collect(dir, top, found));
}
