//! Layers of a rootfs: files that a case or recipe names, packages, copies.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use ocidiff_model::FileSpec;
use ocidiff_runtimes::Store;

use super::digest;
use crate::corpus::Package;
use crate::corpus::files::PROBE;

/// The probe as a file in the session's folder.
pub(super) fn probe(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join("probe");
    if !path.exists() {
        // Aside first: another thread may be about to use it.
        let aside = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(aside.path(), PROBE)?;
        fs::set_permissions(aside.path(), fs::Permissions::from_mode(0o755))?;
        aside.persist(&path).map_err(|error| error.error)?;
    }
    Ok(path)
}

/// Makes the entries under `root`, parents first.
pub(super) fn make(root: &Path, files: &BTreeMap<String, FileSpec>, probe: &Path) -> io::Result<()> {
    fs::create_dir_all(root)?;
    for (name, spec) in files {
        entry(root, name, spec, probe)
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    }
    Ok(())
}

fn entry(root: &Path, name: &str, spec: &FileSpec, probe: &Path) -> io::Result<()> {
    let path = root.join(name.trim_matches('/'));
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if let Some(target) = &spec.symlink {
        symlink(target, &path)?;
        return lchown(&path, Some(spec.uid), Some(spec.gid));
    }
    if name.ends_with('/') {
        fs::create_dir_all(&path)?;
    } else if spec.probe {
        // One inode for all layers: copies would cost a rootfs's time each.
        return fs::hard_link(probe, &path).or_else(|_| fs::copy(probe, &path).map(|_| ()));
    } else if let Some(entries) = &spec.tar {
        fs::write(&path, archive(entries)?)?;
    } else if let Some(length) = spec.zeros {
        fs::File::create(&path)?.set_len(length)?;
    } else {
        fs::write(&path, spec.text.as_deref().unwrap_or_default())?;
    }
    chown(&path, Some(spec.uid), Some(spec.gid))?;
    // After chown, which takes the set-id bits away.
    fs::set_permissions(&path, fs::Permissions::from_mode(mode(name, spec)?))
}

fn mode(name: &str, spec: &FileSpec) -> io::Result<u32> {
    let default = if name.ends_with('/') || spec.probe {
        "0755"
    } else {
        "0644"
    };
    let text = spec.mode.as_deref().unwrap_or(default);
    u32::from_str_radix(text, 8)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{text}` is no octal mode")))
}

/// A tar archive with these entries, the same bytes each time.
fn archive(entries: &BTreeMap<String, FileSpec>) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, spec) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode(name, spec)?);
        header.set_uid(spec.uid.into());
        header.set_gid(spec.gid.into());
        header.set_mtime(0);
        let content = spec.text.as_deref().unwrap_or_default();
        if let Some(target) = &spec.symlink {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, target)?;
            continue;
        }
        if name.ends_with('/') {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_size(0);
        } else {
            header.set_size(content.len() as u64);
        }
        builder.append_data(&mut header, name, content.as_bytes())?;
    }
    builder.into_inner()
}

/// The layer that packages make, unpacked once into the store, and its digest.
pub(super) fn packages(
    store: &Store,
    suite: &str,
    packages: &[Package],
) -> Result<(PathBuf, String), String> {
    let pins: Vec<_> = packages
        .iter()
        .map(|package| ocidiff_runtimes::packages::Pin {
            name: package.name.clone(),
            version: package.version.clone(),
            sha256: package.sha256.clone(),
        })
        .collect();
    let all: String = packages.iter().map(|package| package.sha256.as_str()).collect();
    let folder = store.home().join("rootfs").join(&digest::of_text(&all)[..16]);
    let stamp = folder.join("digest");
    let tree = folder.join("tree");
    if let Ok(digest) = fs::read_to_string(&stamp) {
        return Ok((tree, digest));
    }
    let parent = store.home().join("rootfs");
    let aside = fs::create_dir_all(&parent)
        .and_then(|()| tempfile::tempdir_in(&parent))
        .map_err(|error| format!("{}: {error}", parent.display()))?;
    let debs = ocidiff_runtimes::packages::fetch(store, suite, &pins).map_err(|error| error.to_string())?;
    let target = aside.path().join("tree");
    for deb in debs {
        ocidiff_runtimes::packages::unpack(&deb, &target).map_err(|error| error.to_string())?;
    }
    let digest = digest::of_tree(&target).map_err(|error| error.to_string())?;
    fs::write(aside.path().join("digest"), &digest).map_err(|error| error.to_string())?;
    fs::set_permissions(aside.path(), fs::Permissions::from_mode(0o755))
        .map_err(|error| error.to_string())?;
    let made = aside.keep();
    if let Err(error) = fs::rename(&made, &folder) {
        let _ = fs::remove_dir_all(&made);
        // Another ocidiff was quicker; its tree is as good.
        if !stamp.exists() {
            return Err(format!("{}: {error}", folder.display()));
        }
    }
    Ok((tree, digest))
}

/// Takes away what a lower layer has.
fn take_away(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(told) if told.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether an overlay shows nothing of the folders below this one.
fn is_opaque(folder: &Path) -> bool {
    let mut value = [0; 8];
    rustix::fs::getxattr(folder, c"trusted.overlay.opaque", &mut value)
        .is_ok_and(|length| value[..length] == *b"y")
}

/// Copies a tree with modes, owners, links and devices. What it says of layers below it, as overlays do, is done.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if is_opaque(from) {
        take_away(to)?;
    }
    fs::create_dir_all(to)?;
    let own = fs::symlink_metadata(from)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let metadata = fs::symlink_metadata(&path)?;
        let kind = metadata.file_type();
        if kind.is_dir() {
            if fs::symlink_metadata(&target).is_ok_and(|told| !told.is_dir()) {
                fs::remove_file(&target)?;
            }
            copy(&path, &target)?;
            continue;
        }
        // A lower layer may have had it.
        take_away(&target)?;
        if kind.is_char_device() && metadata.rdev() == 0 {
            continue;
        }
        if kind.is_symlink() {
            symlink(fs::read_link(&path)?, &target)?;
            lchown(&target, Some(metadata.uid()), Some(metadata.gid()))?;
            continue;
        }
        if kind.is_file() {
            fs::copy(&path, &target)?;
        } else if kind.is_socket() {
            continue;
        } else {
            let mode = rustix::fs::Mode::from_raw_mode(metadata.mode() & 0o7777);
            let kind = rustix::fs::FileType::from_raw_mode(metadata.mode());
            rustix::fs::mknodat(rustix::fs::CWD, &target, kind, mode, metadata.rdev())?;
        }
        chown(&target, Some(metadata.uid()), Some(metadata.gid()))?;
        fs::set_permissions(&target, metadata.permissions())?;
    }
    chown(to, Some(own.uid()), Some(own.gid()))?;
    fs::set_permissions(to, own.permissions())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(yaml: &str) -> BTreeMap<String, FileSpec> {
        serde_yaml::from_str(yaml).expect("specs")
    }

    #[test]
    fn an_archive_is_the_same_each_time_and_keeps_the_set_id_bit() {
        let entries = specs("{data/: {mode: '2775'}, data/f: {text: hi}, l: {symlink: data/f}}");
        let bytes = archive(&entries).expect("archive");
        assert_eq!(bytes, archive(&entries).expect("archive"));
        let mut archive = tar::Archive::new(bytes.as_slice());
        let modes: Vec<_> = archive
            .entries()
            .expect("entries")
            .map(|entry| entry.expect("entry").header().mode().expect("mode"))
            .collect();
        assert_eq!(modes, [0o2775, 0o644, 0o644]);
    }

    #[test]
    fn layers_are_copied_as_an_overlay_shows_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["low/dir", "low/was-dir", "up/dir", "up/was-file"] {
            fs::create_dir_all(at(name)).expect("a folder");
        }
        for name in [
            "low/gone",
            "low/stays",
            "low/was-file",
            "low/dir/x",
            "low/was-dir/x",
            "up/was-dir-not",
            "up/dir/y",
        ] {
            fs::write(at(name), name).expect("a file");
        }
        let mode = rustix::fs::Mode::empty();
        let kind = rustix::fs::FileType::CharacterDevice;
        for name in ["up/gone", "up/was-dir"] {
            if rustix::fs::mknodat(rustix::fs::CWD, at(name), kind, mode, 0).is_err() {
                eprintln!("skipped: needs root");
                return;
            }
        }
        for layer in ["low", "up"] {
            copy(&at(layer), &at("all")).expect("a copy");
        }
        let there = |name: &str| at("all").join(name).exists();
        assert!(there("stays") && there("dir/x") && there("dir/y") && at("all/was-file").is_dir());
        assert!(!there("gone") && !there("was-dir"));
    }

    #[test]
    fn a_mode_that_is_none_is_told_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = make(
            folder.path(),
            &specs("{/x: {mode: '99', uid: 0}}"),
            Path::new("/nowhere"),
        )
        .expect_err("no mode")
        .to_string();
        assert!(
            error.contains("/x") && error.contains("`99` is no octal mode"),
            "{error}"
        );
    }
}
