//! A container's files as it sees them, without anything being mounted: layers over each other, and the config's mounts
//! over these. Links do not lead anywhere else.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{File, Metadata, symlink_metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use ocidiff_confine::copy::is_opaque;
use serde_json::{Map, Value};

use super::mounts::{binds, options};
use crate::paths::plain;

/// How many links are followed: as many as the kernel follows.
const LINKS: usize = 40;

/// The files of a container.
pub(super) struct Tree<'a> {
    layers: &'a [PathBuf],
    mounts: Vec<(usize, PathBuf, Mounted)>,
}

/// What a mount shows.
enum Mounted {
    /// A new file system.
    Empty,
    /// A file or folder of the host.
    Hosts(PathBuf),
    /// What is not known before it is mounted.
    Unknown,
}

/// What is at a path.
#[expect(clippy::large_enum_variant, reason = "one at a time, and never kept")]
pub(super) enum Found {
    /// Anything but a folder or a link.
    File(Place),
    Folder,
    Absent,
    /// This cannot be determined.
    Unknown,
}

/// Where a file lies.
pub(super) struct Place {
    /// In the container, without links.
    pub(super) at: PathBuf,
    /// On this machine.
    pub(super) real: PathBuf,
    pub(super) seen: Metadata,
    /// Which of the config's mounts it is in.
    pub(super) mount: Option<usize>,
    /// The folders above it, the outermost first.
    pub(super) above: Vec<(PathBuf, Metadata)>,
}

/// What is seen at a path that is looked at component by component.
enum Seen {
    /// Folders that show as one, the topmost first.
    Folders(Vec<PathBuf>),
    Link(PathBuf),
    File(PathBuf),
    Absent,
    Unknown,
}

/// How far a path leads, and the rest that does not exist.
struct Walked {
    at: PathBuf,
    rest: VecDeque<PathBuf>,
    last: (Seen, Option<usize>),
}

impl<'a> Tree<'a> {
    pub(super) fn of(config: &Value, layers: &'a [PathBuf]) -> Self {
        let mut tree = Self {
            layers,
            mounts: Vec::new(),
        };
        let list = config["mounts"].as_array().into_iter().flatten();
        for (at, mount) in list.enumerate() {
            let Some(mount) = mount.as_object() else { continue };
            let point = mount.get("destination").and_then(Value::as_str);
            if let (Some(point), Some(shown)) = (point, mounted(mount)) {
                let point = tree.point(Path::new(point));
                tree.mounts.push((at, point, shown));
            }
        }
        tree
    }

    /// Where something is mounted: links are followed, and what is missing is made.
    pub(super) fn point(&self, path: &Path) -> PathBuf {
        let Walked { at, rest, .. } = self.walk(path);
        rest.iter().fold(at, |at, part| plain(&at.join(part)))
    }

    /// What is at the end of a path.
    pub(super) fn find(&self, path: &Path) -> Found {
        let Walked { at, rest, last } = self.walk(path);
        match last {
            (Seen::Folders(_), _) if rest.is_empty() => Found::Folder,
            (Seen::File(real), mount) if rest.is_empty() => self.file(at, real, mount),
            (Seen::Unknown, _) => Found::Unknown,
            _ => Found::Absent,
        }
    }

    /// Follows a path as far as it exists.
    fn walk(&self, path: &Path) -> Walked {
        let (mut at, mut links) = (PathBuf::from("/"), 0);
        let mut rest = parts(path);
        let mut last = self.seen(&at);
        while let Some(part) = rest.pop_front() {
            match part.components().next() {
                Some(Component::RootDir) => at = PathBuf::from("/"),
                Some(Component::ParentDir) => drop(at.pop()),
                Some(Component::Normal(name)) => {
                    let next = at.join(name);
                    match self.seen(&next) {
                        (Seen::Link(target), _) if links < LINKS => {
                            links += 1;
                            let mut first = parts(&target);
                            first.append(&mut rest);
                            rest = first;
                            continue;
                        }
                        seen @ (Seen::Folders(_), _) => (at, last) = (next, seen),
                        (Seen::File(real), mount) => {
                            let last = (Seen::File(real), mount);
                            return Walked { at: next, rest, last };
                        }
                        seen => {
                            rest.push_front(part);
                            return Walked { at, rest, last: seen };
                        }
                    }
                    continue;
                }
                _ => continue,
            }
            last = self.seen(&at);
        }
        Walked { at, rest, last }
    }

    /// What is at a path, and what it leads to, in words: kind, mode and owner, but nothing about the content.
    pub(super) fn described(&self, path: &Path) -> String {
        let Walked { at, rest, last } = self.walk(path);
        let real = match &last.0 {
            Seen::Folders(all) => all.first(),
            Seen::File(real) | Seen::Link(real) => Some(real),
            Seen::Absent | Seen::Unknown => None,
        };
        let seen = real.and_then(|real| symlink_metadata(real).ok());
        let node = seen.map_or_else(String::new, |seen| {
            format!("{:o} {}:{} {}", seen.mode(), seen.uid(), seen.gid(), seen.rdev())
        });
        format!("{} {} +{} {node}", path.display(), at.display(), rest.len())
    }

    fn file(&self, at: PathBuf, real: PathBuf, mount: Option<usize>) -> Found {
        let Ok(seen) = symlink_metadata(&real) else {
            return Found::Absent;
        };
        let above = at.ancestors().skip(1).filter(|path| *path != Path::new("/"));
        let mut above: Vec<(PathBuf, Metadata)> = above
            .filter_map(|path| match self.seen(path) {
                (Seen::Folders(all), _) => Some((path.to_owned(), symlink_metadata(all.first()?).ok()?)),
                _ => None,
            })
            .collect();
        above.reverse();
        Found::File(Place {
            at,
            real,
            seen,
            mount,
            above,
        })
    }

    /// What is at a path of which only the last component may be a link, and in which mount.
    fn seen(&self, path: &Path) -> (Seen, Option<usize>) {
        let mut at = PathBuf::from("/");
        let (mut seen, mut mount) = (Seen::Folders(self.layers.to_vec()), None);
        for part in path.components() {
            if let Component::Normal(part) = part {
                at.push(part);
                seen = below(seen, part);
                // Mounting something creates the folders that lead to it.
                if matches!(seen, Seen::Absent)
                    && self.mounts.iter().any(|(_, point, _)| point.starts_with(&at))
                {
                    seen = Seen::Folders(Vec::new());
                }
            }
            let mut over = self.mounts.iter().rev();
            if let Some((number, _, mounted)) = over.find(|(_, point, _)| *point == at) {
                mount = Some(*number);
                seen = match mounted {
                    Mounted::Empty => Seen::Folders(Vec::new()),
                    Mounted::Unknown => Seen::Unknown,
                    Mounted::Hosts(source) if source.is_dir() => Seen::Folders(vec![source.clone()]),
                    Mounted::Hosts(source) => Seen::File(source.clone()),
                };
            }
        }
        (seen, mount)
    }
}

/// What a folder has under a name; an upper layer's whiteout hides what is in the lower ones.
fn below(seen: Seen, part: &OsStr) -> Seen {
    let Seen::Folders(folders) = seen else {
        return match seen {
            Seen::Unknown => Seen::Unknown,
            _ => Seen::Absent,
        };
    };
    let mut merged = Vec::new();
    for path in folders.iter().map(|folder| folder.join(part)) {
        let Ok(told) = symlink_metadata(&path) else {
            continue;
        };
        let kind = told.file_type();
        if kind.is_dir() {
            let opaque = File::open(&path).is_ok_and(|folder| is_opaque(&folder));
            merged.push(path);
            if opaque {
                break;
            }
            continue;
        }
        if merged.is_empty() && !(kind.is_char_device() && told.rdev() == 0) {
            return match kind.is_symlink() {
                true => std::fs::read_link(&path).map_or(Seen::Absent, Seen::Link),
                false => Seen::File(path),
            };
        }
        break;
    }
    match merged.is_empty() {
        true => Seen::Absent,
        false => Seen::Folders(merged),
    }
}

/// `None` if what is below shows through it.
fn mounted(mount: &Map<String, Value>) -> Option<Mounted> {
    let kind = mount.get("type").and_then(Value::as_str).unwrap_or("bind");
    if binds(mount) {
        let source = mount.get("source").and_then(Value::as_str).map(Path::new);
        let source = source.filter(|source| source.is_absolute());
        let real = source.and_then(|source| source.canonicalize().ok());
        return Some(real.map_or(Mounted::Unknown, Mounted::Hosts));
    }
    match kind {
        "tmpfs" if options(mount).any(|one| one == "tmpcopyup") => None,
        "tmpfs" | "ramfs" => Some(Mounted::Empty),
        _ => Some(Mounted::Unknown),
    }
}

/// The components of a path; one that ends like a folder's keeps a dot, which is not below a file.
fn parts(path: &Path) -> VecDeque<PathBuf> {
    let dot = names_folder(path).then(|| PathBuf::from("."));
    path.components()
        .map(|part| PathBuf::from(part.as_os_str()))
        .chain(dot)
        .collect()
}

/// Whether a path ends in such a way that the kernel takes it for a folder only (path_resolution(7)).
pub(super) fn names_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    text.ends_with(b"/") || text.ends_with(b"/.")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use serde_json::json;

    fn told(tree: &Tree<'_>, path: &str) -> String {
        match tree.find(Path::new(path)) {
            Found::File(place) => place.at.display().to_string(),
            Found::Folder => "folder".to_owned(),
            Found::Absent => "absent".to_owned(),
            Found::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn layers_links_and_mounts_are_seen_as_the_container_sees_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let [upper, lower, host] = ["upper", "lower", "host"].map(|name| folder.path().join(name));
        for path in [upper.join("usr"), lower.join("usr/bin"), host.clone()] {
            fs::create_dir_all(path).expect("folders");
        }
        for path in [
            lower.join("usr/bin/tool"),
            lower.join("usr/bin/gone"),
            host.join("hosts"),
        ] {
            fs::write(path, "").expect("a file");
        }
        symlink("usr/bin", upper.join("bin")).expect("a link");
        symlink("/usr/bin/tool", lower.join("usr/bin/alias")).expect("a link");
        symlink("tool/", lower.join("usr/bin/as-folder")).expect("a link");
        symlink("loop", lower.join("loop")).expect("a link");
        symlink(&host, lower.join("out")).expect("a link");
        fs::create_dir_all(upper.join("usr/bin")).expect("a folder");
        let whiteout = upper.join("usr/bin/gone");
        let made = rustix::fs::mknodat(
            rustix::fs::CWD,
            &whiteout,
            rustix::fs::FileType::CharacterDevice,
            rustix::fs::Mode::empty(),
            0,
        );
        let layers = [upper, lower];
        let config = json!({"mounts": [
            {"destination": "/data/", "type": "bind", "source": host},
            {"destination": "/elsewhere", "type": "bind", "source": "/no/such"},
            {"destination": "/bin/init", "type": "bind", "source": host.join("hosts")},
            {"destination": "/made/by/init", "type": "bind", "source": host.join("hosts")},
            {"destination": "/tmp", "type": "tmpfs"}, {"destination": "/proc", "type": "proc"},
        ]});
        let tree = Tree::of(&config, &layers);
        for (path, what) in [
            ("/usr/bin/tool", "/usr/bin/tool"),
            ("/bin/alias", "/usr/bin/tool"),
            ("/bin/../bin/./tool", "/usr/bin/tool"),
            ("/usr/bin/tool/x", "absent"),
            ("/usr/bin/tool/", "absent"),
            ("/usr/bin/tool/.", "absent"),
            ("/usr/bin/as-folder", "absent"),
            ("/usr/bin/", "folder"),
            ("/usr", "folder"),
            ("/loop", "absent"),
            ("/out/hosts", "absent"),
            ("/data/hosts", "/data/hosts"),
            ("/data/none", "absent"),
            ("/bin/init", "/usr/bin/init"),
            ("/made/by/init", "/made/by/init"),
            ("/made/init", "absent"),
            ("/elsewhere/x", "unknown"),
            ("/tmp/x", "absent"),
            ("/proc/self/exe", "unknown"),
        ] {
            assert_eq!(told(&tree, path), what, "{path}");
        }
        if made.is_ok() {
            assert_eq!(told(&tree, "/bin/gone"), "absent");
        }
    }
}
