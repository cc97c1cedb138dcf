//! Which C library a workload's files contain: a call that only newer ones make is not made by an older one.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where it is found.
const FOLDERS: [&str; 10] = [
    "lib",
    "lib64",
    "usr/lib",
    "usr/lib64",
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/i386-linux-gnu",
    "usr/lib/i386-linux-gnu",
];
/// How much of it is read.
const MOST: u64 = 16 << 20;
/// What glibc prints about itself when it is run.
const BANNER: &[u8] = b"GNU C Library";

/// The C libraries of a rootfs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Libc {
    /// The version of glibc.
    glibc: Option<(u32, u32)>,
    /// Whether musl is there.
    musl: bool,
}

impl Libc {
    /// Looks into the layers of a rootfs, the uppermost first.
    #[must_use]
    pub(super) fn of(layers: &[PathBuf]) -> Self {
        let found = |name: &'static str| {
            let folders = layers
                .iter()
                .flat_map(|layer| FOLDERS.iter().map(move |folder| (layer, folder)));
            folders.filter_map(move |(layer, folder)| within(layer, &Path::new(folder).join(name)))
        };
        let musl = ["ld-musl-x86_64.so.1", "ld-musl-aarch64.so.1"];
        Self {
            glibc: found("libc.so.6").find_map(|path| version(&path)),
            musl: musl.into_iter().any(|name| found(name).next().is_some()),
        }
    }

    /// Whether it makes a call that, according to what is known, `who` makes: `glibc >= 2.39: ...`.
    #[must_use]
    pub(super) fn makes(&self, who: &str) -> bool {
        let asked = who
            .split_once("glibc >= ")
            .and_then(|(_, rest)| numbers(rest.as_bytes()));
        match asked {
            Some(asked) => self.glibc.is_some_and(|there| there >= asked),
            None => self.musl && who.contains("musl"),
        }
    }

    /// What was found, in words.
    #[must_use]
    pub(super) fn said(&self) -> String {
        match (self.glibc, self.musl) {
            (Some((major, minor)), _) => format!("its files have glibc {major}.{minor}"),
            (None, true) => "its files have musl".to_owned(),
            (None, false) => "its files have no libc that is known".to_owned(),
        }
    }
}

/// A file of a layer; links cannot lead out of it.
fn within(layer: &Path, below: &Path) -> Option<PathBuf> {
    let layer = layer.canonicalize().ok()?;
    let path = layer.join(below).canonicalize().ok()?;
    (path.starts_with(&layer) && path.is_file()).then_some(path)
}

fn version(path: &Path) -> Option<(u32, u32)> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    let at = bytes.windows(BANNER.len()).position(|window| window == BANNER)?;
    let line = bytes[at..].split(|byte| *byte == b'\n').next()?;
    let line = &line[..line.len().min(200)];
    let word = b"version ";
    let at = line.windows(word.len()).position(|window| window == word)?;
    numbers(&line[at + word.len()..])
}

/// `2.39` at the beginning.
fn numbers(text: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(text.get(..text.len().min(16))?).ok()?;
    let mut parts = text.split(|letter: char| !letter.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_the_library_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let layer = folder.path().to_owned();
        let lib = layer.join("usr/lib/x86_64-linux-gnu");
        std::fs::create_dir_all(&lib).expect("folders");
        let none = Libc::of(std::slice::from_ref(&layer));
        assert_eq!(none, Libc::default());
        assert!(!none.makes("glibc >= 2.39: fchmodat"));
        let banner = "\0GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\nmore";
        std::fs::write(lib.join("libc.so.6"), banner).expect("a library");
        let new = Libc::of(std::slice::from_ref(&layer));
        assert_eq!(new.said(), "its files have glibc 2.41");
        assert!(new.makes("GNU tar with glibc >= 2.39 (Fedora 40)") && !new.makes("glibc >= 2.42: x"));
        assert!(!new.makes("musl >= 1.2.5"));
        // A link that leads out is not a library of the workload.
        let out = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(layer.join("usr"), out.path().join("usr")).expect("a link");
        assert_eq!(Libc::of(&[out.path().to_owned()]), Libc::default());
    }
}
