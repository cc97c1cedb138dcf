//! The entries of a layer as they are written: each has its place in the rootfs, and none of them leads outside.

use std::collections::BTreeMap;

use ocidiff_model::FileSpec;

use super::diagnostic::Diagnostic;
use super::document::Document;
use super::limits;

/// How many links are followed for one path: as many as the kernel follows.
const LINKS: usize = 40;
/// The longest path, and the longest name in it, in bytes.
const PATH: usize = 4095;
const NAME: usize = 255;

/// What is wrong with the entries of a layer, at most one thing for each.
pub(super) fn check(document: &Document<'_>, files: &BTreeMap<String, FileSpec>) -> Vec<Diagnostic> {
    let layout = Layout::of(files);
    let wrong = |(path, spec): (&String, &FileSpec)| {
        let (message, help) = path_of(path)
            .and_then(|()| content(path, spec, false))
            .map_err(|message| (message, None))
            .and_then(|()| layout.place(path))
            .err()?;
        Some(document.at(&["files", path], message, help))
    };
    files.iter().filter_map(wrong).collect()
}

fn path_of(path: &str) -> Result<(), String> {
    if !path.starts_with('/') || parts(path).any(|part| part == "..") {
        return Err(format!("`{path}` is not an absolute path without `..`"));
    }
    if path.contains('\0') || path.len() > PATH || parts(path).any(|part| part.len() > NAME) {
        return Err(format!("`{path}` is not a path that a file can have"));
    }
    Ok(())
}

/// What is wrong with one entry, of a layer or of an archive.
fn content(path: &str, spec: &FileSpec, in_archive: bool) -> Result<(), String> {
    let said = [
        ("text", spec.text.is_some()),
        ("zeros", spec.zeros.is_some()),
        ("symlink", spec.symlink.is_some()),
        ("probe", spec.probe),
        ("tar", spec.tar.is_some()),
    ];
    let said: Vec<&str> = said.iter().filter(|(_, is)| *is).map(|(word, _)| *word).collect();
    if let [first, second, ..] = said[..] {
        return Err(format!("`{path}` has both `{first}` and `{second}`"));
    }
    let is_folder = path.ends_with('/');
    if let (true, [word]) = (is_folder && spec.symlink.is_none(), &said[..]) {
        return Err(format!(
            "`{path}` is a folder, since it ends with `/`, and has `{word}`"
        ));
    }
    if let Some(mode) = &spec.mode
        && !u32::from_str_radix(mode, 8).is_ok_and(|mode| mode <= 0o7777)
    {
        return Err(format!("`{mode}` is not an octal mode"));
    }
    if let Some(target) = &spec.symlink
        && (target.is_empty() || target.contains('\0') || target.len() > PATH)
    {
        return Err(format!("`{path}` is a symlink to something that no path can be"));
    }
    if let Some(why) = spec.zeros.and_then(limits::zeros) {
        return Err(why);
    }
    match &spec.tar {
        _ if in_archive && (spec.probe || spec.tar.is_some() || spec.zeros.is_some()) => {
            Err(format!("`{path}`: an archive holds texts, folders and symlinks"))
        }
        Some(entries) => archive(entries),
        None => Ok(()),
    }
}

fn archive(entries: &BTreeMap<String, FileSpec>) -> Result<(), String> {
    for (path, spec) in entries {
        if path.starts_with('/') || parts(path).any(|part| part == "..") || parts(path).next().is_none() {
            return Err(format!(
                "`{path}` cannot be in an archive: paths there are relative, without `..`"
            ));
        }
        if path.contains('\0') || path.len() > PATH {
            return Err("an entry of the archive has a path that no file can have".to_owned());
        }
        content(path, spec, true)?;
    }
    Ok(())
}

/// The names of a path.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

type Wrong = (String, Option<String>);

/// What is at which path, without a trailing `/`.
struct Layout<'a>(BTreeMap<String, Vec<(&'a String, &'a FileSpec)>>);

impl<'a> Layout<'a> {
    fn of(files: &'a BTreeMap<String, FileSpec>) -> Self {
        let mut places: BTreeMap<String, Vec<(&String, &FileSpec)>> = BTreeMap::new();
        for (path, spec) in files {
            places.entry(plain(parts(path))).or_default().push((path, spec));
        }
        Self(places)
    }

    /// Whether a path has its place to itself, below folders only, or below links that stay below the root.
    fn place(&self, path: &str) -> Result<(), Wrong> {
        if let Some([first, second, ..]) = self.0.get(&plain(parts(path))).map(Vec::as_slice) {
            return Err((
                format!("`{}` and `{}` are the same path", first.0, second.0),
                None,
            ));
        }
        let mut left: Vec<&str> = parts(path).collect();
        left.pop();
        left.reverse();
        let (mut here, mut links): (Vec<&str>, usize) = (Vec::new(), 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                if here.pop().is_none() {
                    return Err(leads_out(path, "", "../"));
                }
                continue;
            }
            here.push(part);
            let Some((above, spec)) = self
                .0
                .get(&plain(here.iter().copied()))
                .and_then(|all| all.first())
            else {
                continue;
            };
            let Some(target) = &spec.symlink else {
                if above.ends_with('/') {
                    continue;
                }
                return Err((format!("`{path}` lies below `{above}`, which is a file"), None));
            };
            links += 1;
            if target.starts_with('/') || links > LINKS {
                return Err(leads_out(path, above, target));
            }
            here.pop();
            let climbs = here.len() < target.split('/').take_while(|part| *part == "..").count();
            if climbs {
                return Err(leads_out(path, above, target));
            }
            left.extend(parts(target).collect::<Vec<_>>().into_iter().rev());
        }
        Ok(())
    }
}

fn leads_out(path: &str, link: &str, target: &str) -> Wrong {
    let message = if link.is_empty() {
        format!("`{path}` leads out of the rootfs")
    } else {
        format!("`{path}` lies below the symlink `{link}`, which leads out of the layer, to `{target}`")
    };
    let help = "write the path that is meant, without symlinks".to_owned();
    (message, Some(help))
}

fn plain<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.fold(String::new(), |path, part| path + "/" + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(files: &str) -> Vec<String> {
        let text = format!("summary: s\nfiles: {files}\n");
        let document = Document::new("x.yaml", &text);
        let files = serde_yaml::from_str(files).expect("files");
        check(&document, &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn entries_that_stay_where_they_are() {
        for files in [
            "{/a: {text: hi}, /b/: {}, /b/c/d: {zeros: 10}}",
            "{/lib: {symlink: usr/lib}, /usr/lib/: {}, /lib/x: {text: hi}}",
            "{/a/b: {symlink: ../c}, /a/b/x: {text: hi}}",
            "{/a: {symlink: /anywhere}, /b: {symlink: ../../../tmp}}",
            "{/a..b: {text: hi}, /x: {tar: {d/: {}, d/f: {text: hi}, l: {symlink: ../../out}}}}",
        ] {
            assert_eq!(wrong(files), Vec::<String>::new(), "{files}");
        }
    }

    #[test]
    fn entries_that_lead_elsewhere_or_mean_nothing() {
        for (files, says) in [
            (
                "{/a: {symlink: /host/folder}, /a/x: {text: hi}}",
                "to `/host/folder`",
            ),
            (
                "{/a: {symlink: ../host}, /a/x: {text: hi}}",
                "leads out of the layer",
            ),
            (
                "{/d/a: {symlink: ../../host}, /d/a/x/: {}}",
                "leads out of the layer",
            ),
            (
                "{/a: {symlink: b}, /b: {symlink: c}, /c: {symlink: /}, /a/x: {}}",
                "the symlink `/c`",
            ),
            (
                "{/a: {symlink: d/e/../../../x}, /d/e/: {}, /a/x: {}}",
                "leads out",
            ),
            ("{/a: {symlink: a}, /a/x: {}}", "leads out"),
            ("{/../x: {text: hi}}", "not an absolute path"),
            ("{/a/./../../x: {text: hi}}", "not an absolute path"),
            ("{/a: {text: hi}, /a/x: {text: hi}}", "which is a file"),
            ("{/a: {text: hi}, //a: {text: ho}}", "are the same path"),
            ("{/a: {symlink: b}, /a/: {}}", "are the same path"),
            ("{/a: {text: hi, symlink: b}}", "both `text` and `symlink`"),
            ("{/a/: {text: hi}}", "is a folder"),
            ("{/a: {symlink: ''}}", "no path can be"),
            ("{/a: {zeros: 99999999999}}", "at most"),
            ("{/a: {mode: '100000'}}", "not an octal mode"),
            ("{/a: {tar: {../x: {text: hi}}}}", "cannot be in an archive"),
            ("{/a: {tar: {/x: {text: hi}}}}", "cannot be in an archive"),
            ("{/a: {tar: {x: {probe: true}}}}", "an archive holds"),
            ("{/a: {tar: {x: {mode: z}}}}", "not an octal mode"),
        ] {
            let found = wrong(files);
            assert!(found.iter().any(|one| one.contains(says)), "{files}: {found:?}");
            assert!(found[0].starts_with("x.yaml:2:"), "{found:?}");
        }
    }
}
