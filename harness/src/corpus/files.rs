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
    let Some(checkout) = checkout() else {
        return Ok(built_in(folder));
    };
    let (mut found, built_in) = (read(&checkout.join(folder))?, built_in(folder));
    // What is built in word for word has been parsed; it is checked all the same, with what is not.
    for (name, source) in &mut found {
        source.parsed = known_by(&built_in, name, source);
    }
    Ok(found)
}

/// The content of a file as JSON, if what is built in has the same text.
fn known_by(built_in: &Sources, name: &str, source: &Source) -> Option<&'static str> {
    let same = built_in.get(name).filter(|own| own.text == source.text)?;
    same.parsed
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

#[cfg(test)]
mod tests {
    use super::{built_in, known_by, standard};
    use crate::corpus::source::Source;

    #[test]
    fn what_a_checkout_has_in_common_with_the_program_is_not_parsed_again_but_checked() {
        let sources = standard("cases").expect("the checkout of these tests");
        assert!(sources.values().all(|source| source.parsed.is_some()));
        assert!(!sources.values().any(Source::is_built_in));
        assert!(built_in("cases").values().all(Source::is_built_in));
    }

    #[test]
    fn a_file_that_was_changed_since_is_parsed() {
        let built_in = built_in("cases");
        let (name, own) = built_in.iter().next().expect("a file");
        let changed = Source {
            text: format!("{}\n", own.text).into(),
            ..own.clone()
        };
        assert_eq!(known_by(&built_in, name, own), own.parsed);
        assert_eq!(known_by(&built_in, name, &changed), None);
    }
}
