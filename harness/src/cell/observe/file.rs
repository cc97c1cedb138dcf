//! What the run changed in the rootfs: the overlay's upper layer. overlayfs(5) of the kernel's documentation.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use ocidiff_confine::read::open_regular;
use ocidiff_model::fact::watched;
use ocidiff_model::{Channel, Fact};
use sha2::{Digest, Sha256};

use super::few::first;
use crate::digest::hex;

/// Entries that nobody asks for and that are reported all the same, for reading; the rest is counted.
const MOST: usize = 2000;
/// Asked entries that are reported; a digest stands for the rest.
const MOST_ASKED: usize = 20_000;
/// Entries that are looked at at all.
const MOST_SEEN: usize = 100_000;
/// Files larger than this are reported by their size only, in bytes, where nobody asks for them.
const LARGEST: u64 = 16 << 20;
/// So are those that come after this many bytes have been read.
const READ: u64 = 256 << 20;
/// How many bytes are read of the files that are asked for.
const READ_ASKED: u64 = 1 << 30;
/// How deep folders may be nested.
const DEPTH: usize = 100;

/// What the run changed.
pub(crate) struct Changed {
    pub(crate) facts: Vec<Fact>,
    /// Why that is not all that was asked for.
    pub(crate) cut: Option<String>,
}

/// A fact for each entry of a container's upper layer, parents first. What is asked for (paths of the channel, or
/// beginnings of them) must not be lost among other entries, or behind a limit.
pub(crate) fn changed(upper: &str, container: &str, asked: &[String]) -> Changed {
    let mut walk = Walk {
        container,
        asked,
        ..Walk::default()
    };
    walk.folder(Path::new(upper), "", DEPTH);
    walk.finish()
}

#[derive(Default)]
struct Walk<'a> {
    /// What comes before a path in the name of its fact: nothing, or `second.`.
    container: &'a str,
    asked: &'a [String],
    facts: Vec<Fact>,
    seen: usize,
    /// Reported entries that are asked for; the others are the rest of `facts`.
    reported: usize,
    /// Asked entries that are not reported, and their digest.
    behind: usize,
    digest: Sha256,
    /// Other entries that are not reported, not counting what is below them.
    more: usize,
    read: u64,
    read_asked: u64,
    cut: Option<String>,
}

impl Walk<'_> {
    fn finish(mut self) -> Changed {
        let (listed, container) = (self.facts.len(), self.container);
        if self.behind > 0 {
            let digest = hex(&self.digest.finalize());
            let text = format!("{} more entries, sha256 {digest:.16}", self.behind);
            self.facts.push(Fact::new(format!("file.{container}rest"), text));
        }
        if self.more + self.behind > 0 {
            let count = i64::try_from(listed + self.more + self.behind).unwrap_or(i64::MAX);
            self.facts
                .push(Fact::new(format!("file.{container}count"), count));
        }
        Changed {
            facts: self.facts,
            cut: self.cut,
        }
    }

    fn is_asked(&self, shown: &str) -> bool {
        let path = format!("{}{shown}", self.container);
        let mut asked = self.asked.iter();
        asked.any(|pattern| watched(Channel::File, pattern, &path))
    }

    /// Whether something below a folder can be asked for.
    fn is_asked_below(&self, shown: &str) -> bool {
        let below = format!("{}{shown}/", self.container);
        let mut asked = self.asked.iter();
        self.is_asked(shown) || asked.any(|pattern| pattern == "*" || pattern.starts_with(&below))
    }

    fn cut(&mut self, why: String) {
        self.cut.get_or_insert(why);
    }

    fn folder(&mut self, folder: &Path, shown: &str, depth: usize) {
        let is_asked = self.is_asked_below(shown);
        let left = if is_asked {
            MOST_SEEN.saturating_sub(self.seen)
        } else {
            self.room()
        };
        let listed = fs::read_dir(folder).and_then(|entries| {
            let mut failed = Ok(());
            let names = entries.map_while(|entry| match entry {
                Ok(entry) => Some(entry.file_name()),
                Err(error) => {
                    failed = Err(error);
                    None
                }
            });
            let listed = first(names, left);
            failed.map(|()| listed)
        });
        let (names, count) = match listed {
            Ok(listed) => listed,
            Err(error) if is_asked => return self.cut(format!("{shown}/ cannot be listed: {error}")),
            Err(_) => return,
        };
        self.more += count - names.len();
        if is_asked && count > names.len() {
            self.cut(format!("more than {MOST_SEEN} entries changed"));
        }
        for name in names {
            let shown = format!("{shown}/{}", name.to_string_lossy());
            self.entry(&folder.join(&name), &shown, depth);
        }
    }

    /// How many more entries are reported that nobody asks for.
    fn room(&self) -> usize {
        MOST.saturating_sub(self.facts.len() - self.reported)
    }

    fn entry(&mut self, path: &Path, shown: &str, depth: usize) {
        self.seen += 1;
        let is_asked = self.is_asked(shown);
        let is_reported = is_asked || self.room() > 0;
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_asked => return self.cut(format!("{shown} cannot be looked at: {error}")),
            Err(_) => return,
        };
        if is_reported {
            let content = self.content(path, &metadata, is_asked.then_some(shown));
            self.report(shown, is_asked, describe(path, &metadata, &content));
        } else {
            self.more += 1;
        }
        if !metadata.is_dir() || !(is_reported || self.is_asked_below(shown)) {
            return;
        }
        if depth > 0 {
            self.folder(path, shown, depth - 1);
        } else if self.is_asked_below(shown) {
            self.cut(format!("folders are nested more than {DEPTH} deep"));
        }
    }

    fn report(&mut self, shown: &str, is_asked: bool, described: String) {
        if is_asked && self.reported == MOST_ASKED {
            self.behind += 1;
            // No path and no description has a NUL.
            self.digest.update(format!("{shown}\0{described}\0"));
            return;
        }
        self.reported += usize::from(is_asked);
        self.facts
            .push(Fact::new(format!("file.{}{shown}", self.container), described));
    }

    /// The digest of a file; `asked` is the path of one that must have it.
    fn content(&mut self, path: &Path, metadata: &fs::Metadata, asked: Option<&str>) -> String {
        let length = metadata.len();
        if !metadata.is_file() || length == 0 {
            return String::new();
        }
        let (read, most) = match asked {
            Some(_) => (&mut self.read_asked, READ_ASKED),
            None if length > LARGEST => return String::new(),
            None => (&mut self.read, READ),
        };
        let digest = if *read + length > most {
            Err(format!("more than {most} bytes were written"))
        } else {
            *read += length;
            sha256(path, length).map_err(|error| format!("it cannot be read: {error}"))
        };
        match (digest, asked) {
            (Ok(digest), _) => format!(" sha256:{digest:.12}"),
            (Err(why), Some(shown)) => {
                self.cut(format!("the content of {shown}: {why}"));
                String::new()
            }
            (Err(_), None) => String::new(),
        }
    }
}

fn sha256(path: &Path, length: u64) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut open_regular(path)?.take(length), &mut hasher)?;
    Ok(hex(&hasher.finalize()))
}

fn describe(path: &Path, metadata: &fs::Metadata, content: &str) -> String {
    let kind = metadata.file_type();
    let mode = metadata.mode() & 0o7777;
    let owner = format!("{mode:04o} {}:{}", metadata.uid(), metadata.gid());
    if kind.is_char_device() && metadata.rdev() == 0 {
        "removed".to_owned()
    } else if kind.is_dir() {
        format!("dir {owner}")
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap_or_default();
        format!(
            "link {}:{} -> {}",
            metadata.uid(),
            metadata.gid(),
            target.to_string_lossy()
        )
    } else if kind.is_file() {
        format!("file {owner} {} bytes{content}", metadata.len())
    } else if kind.is_fifo() {
        format!("fifo {owner}")
    } else if kind.is_socket() {
        format!("socket {owner}")
    } else {
        let letter = if kind.is_block_device() { 'b' } else { 'c' };
        let (major, minor) = (
            rustix::fs::major(metadata.rdev()),
            rustix::fs::minor(metadata.rdev()),
        );
        format!("{letter} {major}:{minor} {owner}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(upper: &str) -> Vec<Fact> {
        changed(upper, "", &[]).facts
    }

    #[test]
    fn an_upper_layer_is_told_parents_first() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("d")).expect("make");
        fs::write(folder.path().join("d/f"), "hi").expect("write");
        std::os::unix::fs::symlink("f", folder.path().join("d/l")).expect("link");
        let facts = facts(folder.path().to_str().expect("a name"));
        let paths: Vec<_> = facts.iter().map(|fact| fact.path.as_str()).collect();
        assert_eq!(paths, ["file./d", "file./d/f", "file./d/l"]);
        assert!(
            facts[1].value.line().contains("2 bytes sha256:8f434346648f"),
            "{}",
            facts[1].value
        );
    }

    #[test]
    fn of_a_layer_without_end_the_same_part_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..MOST + 10 {
            fs::write(folder.path().join(format!("{number:05}")), "").expect("write");
        }
        let mut deep = folder.path().join("a");
        for _ in 0..DEPTH + 50 {
            deep.push("d");
        }
        fs::create_dir_all(deep).expect("folders");
        let told = facts(folder.path().to_str().expect("a name"));
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told[MOST - 1].path, "file./01999");
        assert_eq!(told[MOST], Fact::new("file.count", 2011));
        fs::remove_dir_all(folder.path()).expect("removed");
        fs::create_dir_all(folder.path()).expect("a folder");
        for number in 0..40 {
            let file = fs::File::create(folder.path().join(format!("{number:05}"))).expect("a file");
            file.set_len(LARGEST).expect("a hole");
        }
        let told = facts(folder.path().to_str().expect("a name"));
        let with = told
            .iter()
            .filter(|fact| fact.value.line().contains("sha256"))
            .count();
        assert_eq!((with, told.len()), (16, 40));
    }

    #[test]
    fn what_is_asked_for_is_not_lost_behind_a_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let upper = folder.path().to_str().expect("a name");
        let make = |name: &str, text: &str| {
            fs::create_dir_all(folder.path().join(name).parent().expect("a folder")).expect("made");
            fs::write(folder.path().join(name), text).expect("written");
        };
        for number in 0..MOST + 10 {
            make(&format!("a/{number:05}"), "");
        }
        for number in 0..MOST_ASKED + 10 {
            make(&format!("d/{number:05}"), "");
        }
        make("e/x", "");
        let asking = |asked: &str| changed(upper, "second.", &[asked.to_owned()]);
        let named = |changed: &Changed, path: &str| {
            let mut facts = changed.facts.iter();
            facts.find(|fact| fact.path == path).map(|fact| fact.value.line())
        };
        // Behind all entries that nobody asks for.
        assert!(named(&asking("second./zzz"), "file.second./e/x").is_none());
        for asked in ["second./e", "second./e/x", "second./d", "second", "*"] {
            let told = asking(asked);
            assert_eq!(told.cut, None, "{asked}");
            let rest = named(&told, "file.second.rest");
            assert_eq!(rest.is_some(), !asked.contains("/e"), "{asked}: {rest:?}");
            let last = named(&told, "file.second./e/x");
            assert_eq!(last.is_some(), asked.contains("/e"), "{asked}: {last:?}");
        }
        let rest = || named(&asking("second./d"), "file.second.rest");
        let before = rest();
        assert_eq!(before, rest());
        make("d/99999", "other");
        fs::remove_file(folder.path().join("d/20009")).expect("removed");
        assert_ne!(before, rest(), "as many, and not the same");
    }

    #[test]
    fn what_is_asked_for_and_not_looked_at_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let upper = folder.path().to_str().expect("a name");
        let asking = |asked: &str| changed(upper, "", &[asked.to_owned()]);
        let file = fs::File::create(folder.path().join("large")).expect("a file");
        file.set_len(LARGEST + 1).expect("a hole");
        assert!(!facts(upper)[0].value.line().contains("sha256"));
        let told = asking("/");
        assert!(
            told.facts[0].value.line().contains("sha256"),
            "{}",
            told.facts[0].value
        );
        assert_eq!(told.cut, None);
        file.set_len(READ_ASKED + 1).expect("a hole");
        assert_eq!(asking("/other").cut, None);
        let cut = asking("/large").cut.expect("a reason");
        assert!(cut.contains("the content of /large"), "{cut}");
        let mut deep = folder.path().join("a");
        for _ in 0..DEPTH + 5 {
            deep.push("d");
        }
        fs::create_dir_all(deep).expect("folders");
        assert_eq!(asking("/b").cut, None);
        let cut = asking("/a").cut.expect("a reason");
        assert!(cut.contains("deep"), "{cut}");
    }
}
