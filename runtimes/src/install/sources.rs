//! Where this machine gets Debian packages from, read from apt's own configuration.

use std::fs;
use std::path::Path;

use ocidiff_confine::{raised, read_text};

/// Larger than a list of archives.
const MOST_BYTES: u64 = 1 << 20;

/// A Debian archive, as the machine is set up to use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) uri: String,
    /// A keyring's path, or the key itself with its indented lines.
    pub(crate) signed_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    mirror: Mirror,
    suites: Vec<String>,
}

/// The archive that serves a release's main packages.
pub(crate) fn mirror(etc: &Path, suite: &str) -> Option<Mirror> {
    let sources = read(&etc.join("apt"));
    let serves = |source: &&Source| source.suites.iter().any(|one| one == suite);
    // `stable` and the like also name a release: then the archive's usual last folder distinguishes it from others.
    let looks = |source: &&Source| source.mirror.uri.trim_end_matches('/').ends_with("/debian");
    let found = sources
        .iter()
        .find(serves)
        .or_else(|| sources.iter().find(looks))?;
    let mut mirror = found.mirror.clone();
    if mirror.signed_by.is_none() {
        mirror.signed_by = debian_keyring();
    }
    Some(mirror)
}

fn debian_keyring() -> Option<String> {
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    Path::new(keyring).is_file().then(|| keyring.to_owned())
}

fn read(apt: &Path) -> Vec<Source> {
    let mut files = vec![apt.join("sources.list")];
    let parts = fs::read_dir(apt.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten();
    let mut parts: Vec<_> = parts.map(|entry| entry.path()).collect();
    parts.sort();
    files.extend(parts);
    let mut sources = Vec::new();
    for file in files {
        let text = read_text(&file, raised(MOST_BYTES)).unwrap_or_default();
        match file.extension().and_then(|ext| ext.to_str()) {
            Some("list") => sources.extend(text.lines().filter_map(one_line)),
            Some("sources") => sources.extend(stanzas(&text).iter().flat_map(of_stanza)),
            _ => {}
        }
    }
    sources
}

/// `deb [signed-by=/path arch=amd64] URI SUITE COMPONENT...`
fn one_line(line: &str) -> Option<Source> {
    let rest = line.split('#').next()?.trim().strip_prefix("deb ")?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (uri, suite) = (words.next()?, words.next()?);
    let signed_by = options
        .split_whitespace()
        .find_map(|option| option.strip_prefix("signed-by="));
    let mirror = Mirror {
        uri,
        signed_by: signed_by.map(str::to_owned),
    };
    words.any(|component| component == "main").then(|| Source {
        mirror,
        suites: vec![suite],
    })
}

type Stanza = Vec<(String, String)>;

/// The stanzas of a deb822 file, with keys in lower case; a value keeps its indented lines.
fn stanzas(text: &str) -> Vec<Stanza> {
    let mut all = vec![Stanza::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let last = all.len() - 1;
        if line.trim().is_empty() {
            all.push(Stanza::new());
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = all[last].last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((key, value)) = line.split_once(':') {
            all[last].push((key.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    all
}

fn of_stanza(stanza: &Stanza) -> Vec<Source> {
    let get = |key: &str| {
        stanza
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_str())
    };
    let words = |key: &str| {
        get(key)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let on = !matches!(
        get("enabled").map(str::to_lowercase).as_deref(),
        Some("no" | "false" | "0")
    );
    let has = |key: &str, word: &str| words(key).iter().any(|one| one == word);
    if !on || !has("types", "deb") || !has("components", "main") {
        return Vec::new();
    }
    let signed_by = get("signed-by").map(str::to_owned);
    let source = |uri| Source {
        mirror: Mirror {
            uri,
            signed_by: signed_by.clone(),
        },
        suites: words("suites"),
    };
    words("uris").into_iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etc(files: &[(&str, &str)]) -> tempfile::TempDir {
        let etc = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(etc.path().join("apt/sources.list.d")).expect("made");
        for (name, text) in files {
            fs::write(etc.path().join("apt").join(name), text).expect("written");
        }
        etc
    }

    fn found(files: &[(&str, &str)], suite: &str) -> Option<(String, Option<String>)> {
        mirror(etc(files).path(), suite).map(|mirror| (mirror.uri, mirror.signed_by))
    }

    #[test]
    fn one_line_sources_are_read() {
        let text = "# a comment\ndeb-src http://a.invalid/debian trixie main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://m.invalid/debian trixie main contrib # here\n";
        let want = Some(("http://m.invalid/debian".to_owned(), Some("/k.gpg".to_owned())));
        assert_eq!(found(&[("sources.list", text)], "trixie"), want);
    }

    #[test]
    fn deb822_sources_are_read_and_what_is_off_is_not() {
        let text = "Types: deb\nEnabled: no\nURIs: http://off.invalid/debian\nSuites: trixie\nComponents: main\n\n\
            # why\nTypes: deb deb-src\nURIs: http://sec.invalid/x\nSuites: trixie-security\nComponents: main\n\n\
            Types: deb\nURIs: http://m.invalid/d\nSuites: trixie trixie-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n";
        let want = Some((
            "http://m.invalid/d".to_owned(),
            Some("\n -----BEGIN\n .".to_owned()),
        ));
        assert_eq!(found(&[("sources.list.d/debian.sources", text)], "trixie"), want);
    }

    #[test]
    fn a_release_by_another_name_is_found_by_the_archive() {
        let text = "deb http://x.invalid/node nodistro main\ndeb [signed-by=/k] http://m.invalid/debian/ stable main\n";
        let want = Some(("http://m.invalid/debian/".to_owned(), Some("/k".to_owned())));
        assert_eq!(found(&[("sources.list", text)], "trixie"), want);
        assert_eq!(found(&[("sources.list.d/a.list.disabled", text)], "trixie"), None);
    }
}
