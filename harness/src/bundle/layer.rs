//! Layers of a rootfs: files that a case or recipe names, packages, copies.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ocidiff_confine::{Root, at, read_text};
use ocidiff_model::FileSpec;
use ocidiff_runtimes::Store;

use crate::corpus::Package;
use crate::corpus::files::PROBE;
use crate::digest;

/// The length of a digest in hexadecimal, in bytes.
const STAMP: u64 = 64;

/// The probe as a file in the session's folder.
pub(super) fn probe(folder: &Path) -> io::Result<PathBuf> {
    let path = folder.join("probe");
    if !path.exists() {
        // Written to a temporary file first: another thread may be about to use it.
        let aside = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(aside.path(), PROBE)?;
        fs::set_permissions(aside.path(), fs::Permissions::from_mode(0o755))?;
        aside.persist(&path).map_err(|error| error.error)?;
    }
    Ok(path)
}

/// Makes the entries under `root`, parents first. Nothing is made outside it, wherever links lead: see [`Root`].
pub(super) fn make(root: &Path, files: &BTreeMap<String, FileSpec>, probe: &Path) -> io::Result<()> {
    let root = Root::make(root)?;
    for (name, spec) in files {
        entry(&root, name, spec, probe)
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    }
    Ok(())
}

fn entry(root: &Root, name: &str, spec: &FileSpec, probe: &Path) -> io::Result<()> {
    let path = Path::new(name);
    if name.ends_with('/') && spec.symlink.is_none() {
        return at::settle(&root.folder(path)?, spec.uid, spec.gid, mode(name, spec)?);
    }
    let (folder, last) = root.place(path)?;
    let folder = folder.as_fd();
    if let Some(target) = &spec.symlink {
        at::symlink(folder, &last, Path::new(target))?;
        return at::own(folder, &last, spec.uid, spec.gid);
    }
    if spec.probe && spec.mode.is_none() && at::hard_link(folder, &last, probe).is_ok() {
        // One inode for all layers: copies would take time for each rootfs.
        return Ok(());
    }
    let mut file = at::file(folder, &last)?;
    match (&spec.tar, spec.zeros) {
        _ if spec.probe => io::copy(&mut File::open(probe)?, &mut file).map(drop)?,
        (Some(entries), _) => file.write_all(&archive(entries)?)?,
        (None, Some(length)) => file.set_len(length)?,
        (None, None) => file.write_all(spec.text.as_deref().unwrap_or_default().as_bytes())?,
    }
    at::settle(&file, spec.uid, spec.gid, mode(name, spec)?)
}

fn mode(name: &str, spec: &FileSpec) -> io::Result<u32> {
    let default = if name.ends_with('/') || spec.probe {
        "0755"
    } else {
        "0644"
    };
    let text = spec.mode.as_deref().unwrap_or(default);
    u32::from_str_radix(text, 8).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{text}` is not an octal mode"),
        )
    })
}

/// A tar archive with these entries, with the same bytes each time.
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

/// The layer that packages make, unpacked into the store once, and its digest.
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
    if let Ok(digest) = read_text(&stamp, STAMP) {
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
        // Another ocidiff was faster; its tree is just as good.
        if !stamp.exists() {
            return Err(format!("{}: {error}", folder.display()));
        }
    }
    Ok((tree, digest))
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
    fn no_entry_is_made_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().join("host");
        fs::create_dir(&host).expect("a folder");
        let probe = folder.path().join("probe");
        fs::write(&probe, "probe").expect("a file");
        let shown = host.display();
        for (number, files) in [
            format!("{{/a: {{symlink: {shown}}}, /a/x: {{text: hi}}}}"),
            format!("{{/a: {{symlink: {shown}}}, /a/x/: {{}}}}"),
            format!("{{/a: {{symlink: {shown}}}, /a/x: {{symlink: y}}}}"),
            format!("{{/a: {{symlink: {shown}}}, /a/x: {{probe: true}}}}"),
            "{/a: {symlink: ../../host}, /a/x: {text: hi}}".to_owned(),
            "{/a: {symlink: b}, /b: {symlink: ../../host}, /a/x: {zeros: 3}}".to_owned(),
            "{/../host/x: {text: hi}}".to_owned(),
            "{/a: {symlink: /proc/self/root}, /a/tmp/x: {text: hi}}".to_owned(),
            "{//a: {probe: true}, /a: {text: hi}}".to_owned(),
        ]
        .iter()
        .enumerate()
        {
            let layer = folder.path().join("layers").join(number.to_string());
            let _ = make(&layer, &specs(files), &probe);
            assert_eq!(fs::read_dir(&host).expect("a folder").count(), 0, "{files}");
            assert_eq!(fs::read_to_string(&probe).expect("a file"), "probe", "{files}");
        }
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
            error.contains("/x") && error.contains("`99` is not an octal mode"),
            "{error}"
        );
    }
}
