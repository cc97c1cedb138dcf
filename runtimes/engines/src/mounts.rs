//! Which mounts are overlays, and of which folders.

use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_confine::mountinfo;

/// The folders of the overlay that is mounted here, the uppermost first; empty if there is no overlay, or if its
/// folders cannot be determined from here.
pub(super) fn layers(place: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    // Containerd's paths contain links, the kernel's do not.
    let place = fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
    overlay(&table, &place).map_or_else(Vec::new, |options| split(&options))
}

/// The options of the overlay at a place; the last one covers the others.
fn overlay(table: &str, place: &Path) -> Option<String> {
    let mut all = mountinfo::parse(table).into_iter().rev();
    let mine = all.find(|mount| mount.kind == "overlay" && Path::new(&mount.target) == place)?;
    Some(mountinfo::unescape(&mine.of_filesystem))
}

/// The folders in an overlay's options.
pub(super) fn split(options: &str) -> Vec<PathBuf> {
    let option = |name: &str| options.split(',').find_map(|option| option.strip_prefix(name));
    let uppers = option("upperdir=").into_iter();
    let lowers = option("lowerdir=").into_iter().flat_map(|all| all.split(':'));
    let all: Vec<PathBuf> = uppers.chain(lowers).map(PathBuf::from).collect();
    // If the list was too long for the kernel, its paths are relative to a folder that we do not know.
    let whole = all.iter().all(|path| path.is_absolute());
    if whole { all } else { Vec::new() }
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
