//! Which mounts are overlays, and of what.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the overlay that is mounted here, the uppermost first; none where there is no overlay, or where its
/// folders cannot be told apart from here.
pub(super) fn layers(place: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Containerd's paths have links in them, the kernel's have not.
    let place = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    // The last one covers the others.
    let mine = table.lines().rev().find_map(|line| overlay(line, &place));
    mine.map_or_else(Vec::new, |options| split(&options))
}

/// The options of an overlay at a place.
fn overlay(line: &str, place: &Path) -> Option<String> {
    let (head, tail) = line.split_once(" - ")?;
    let at = unescape(head.split(' ').nth(4)?);
    let mut tail = tail.split(' ');
    let kind = tail.next()?;
    let options = tail.nth(1)?;
    (kind == "overlay" && Path::new(&at) == place).then(|| unescape(options))
}

fn split(options: &str) -> Vec<PathBuf> {
    let option = |name: &str| options.split(',').find_map(|option| option.strip_prefix(name));
    let uppers = option("upperdir=").into_iter();
    let lowers = option("lowerdir=").into_iter().flat_map(|all| all.split(':'));
    let all: Vec<PathBuf> = uppers.chain(lowers).map(PathBuf::from).collect();
    // Where the list was too long for the kernel, its paths are relative to a folder that we do not know.
    let whole = all.iter().all(|path| path.is_absolute());
    if whole { all } else { Vec::new() }
}

/// The kernel writes blanks and the like in octal.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 4);
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte.into());
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "88 29 0:44 / /run/c/a\\040b/rootfs rw,relatime shared:5 - overlay overlay \
        rw,lowerdir=/s/2/fs:/s/1/fs,upperdir=/s/9/fs,workdir=/s/9/work";

    #[test]
    fn an_overlay_tells_its_layers() {
        let options = overlay(LINE, Path::new("/run/c/a b/rootfs")).expect("an overlay");
        assert_eq!(
            split(&options),
            ["/s/9/fs", "/s/2/fs", "/s/1/fs"].map(PathBuf::from)
        );
        assert_eq!(overlay(LINE, Path::new("/run/c")), None);
    }

    #[test]
    fn relative_layers_are_not_guessed() {
        assert_eq!(
            split("rw,lowerdir=2/fs:1/fs,upperdir=/s/9/fs"),
            Vec::<PathBuf>::new()
        );
    }
}
