//! A bundle from elsewhere: a folder with a config.json, and a rootfs where that says.
//!
//! It may not be trusted. What it names is looked for in its folder: with a path or a link that leads out of it, the
//! machine's files would be taken for the container's.

use std::io;
use std::path::{Path, PathBuf};

use ocidiff_confine::Root;
use ocidiff_confine::limit::raised;
use ocidiff_confine::read::{ReadError, folder_below, read_text_below};

use crate::paths::Placed;

/// The name of a config.
const CONFIG: &str = "config.json";
/// The largest config.json that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// How far a bundle's `root.path` may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only to places below the bundle's folder.
    Inside,
    /// Out of it by an absolute path, as engines write it; not by a link or by `..`.
    Absolute,
    /// Anywhere: the user has said so.
    Anywhere,
}

/// Why a folder is not accepted as a bundle.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// There is nothing to read.
    #[error("{folder} is not an OCI bundle: there is no config.json in it ({why})", folder = folder.display())]
    Absent {
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        why: ReadError,
    },
    /// What is there is not read.
    #[error("{path}: {why}", path = path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why.
        why: ReadError,
    },
    /// There is no rootfs where it should be.
    #[error("{path} is not a folder: the rootfs is gone ({why})", path = path.display())]
    Gone {
        /// Where it should be.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// The rootfs is somewhere else.
    #[error(
        "root.path `{named}` leads out of the bundle {folder}: the machine's files would be taken for the container's; \
         copy the rootfs into the bundle, or give --outside-root if it is really there",
        folder = folder.display()
    )]
    Outside {
        /// The bundle.
        folder: PathBuf,
        /// What the config says.
        named: String,
    },
}

/// A bundle's rootfs.
#[derive(Debug)]
pub struct GivenRoot {
    /// The folder, open.
    pub root: Root,
    /// Its path without links.
    pub path: PathBuf,
    /// Whether it lies outside the bundle.
    pub outside: bool,
    /// Where it lies in the bundle, or in a copy of it.
    pub placed: Placed,
}

/// The text of a bundle's config.json.
///
/// # Errors
/// It is not there, is not a file, is too large, leads out of the bundle, or is not text.
pub fn config_of(folder: &Path) -> Result<String, GivenError> {
    read_text_below(folder, Path::new(CONFIG), raised(MOST_BYTES)).map_err(|why| {
        if why.is_absent() {
            return GivenError::Absent {
                folder: folder.to_owned(),
                why,
            };
        }
        GivenError::Config {
            path: folder.join(CONFIG),
            why,
        }
    })
}

/// The folder that a bundle's config names as the rootfs.
///
/// # Errors
/// It is not there, or out of reach.
pub fn rootfs_of(folder: &Path, config: &str, reach: Reach) -> Result<GivenRoot, GivenError> {
    let named = super::root_of(config);
    let place = folder.join(&named);
    let gone = |why| GivenError::Gone {
        path: place.clone(),
        why,
    };
    if let Some((root, path)) = folder_below(folder, Path::new(&named)).map_err(gone)? {
        let top = folder.canonicalize().map_err(gone)?;
        return Ok(GivenRoot {
            root,
            placed: Placed::of(&named, path.strip_prefix(&top).ok()),
            path,
            outside: false,
        });
    }
    let allowed = match reach {
        Reach::Inside => false,
        Reach::Absolute => Path::new(&named).is_absolute(),
        Reach::Anywhere => true,
    };
    if !allowed {
        return Err(GivenError::Outside {
            folder: folder.to_owned(),
            named: ocidiff_reports::safe(&named),
        });
    }
    let path = place.canonicalize().map_err(gone)?;
    Ok(GivenRoot {
        root: Root::open(&path).map_err(gone)?,
        placed: Placed::of(&named, None),
        path,
        outside: true,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_rootfs_is_looked_for_in_its_bundle() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().join("host");
        let bundle = folder.path().join("bundle");
        fs::create_dir_all(bundle.join("real")).expect("folders");
        fs::create_dir(&host).expect("a folder");
        symlink(&host, bundle.join("rootfs")).expect("a link");
        symlink("real", bundle.join("near")).expect("a link");
        fs::write(bundle.join("file"), "").expect("a file");
        let shown = host.display().to_string();
        let inside = bundle.join("real").display().to_string();
        for (named, reach, found) in [
            ("real", Reach::Inside, Some(false)),
            ("near", Reach::Inside, Some(false)),
            (&inside, Reach::Inside, Some(false)),
            ("rootfs", Reach::Inside, None),
            ("rootfs", Reach::Absolute, None),
            ("../host", Reach::Absolute, None),
            ("/", Reach::Inside, None),
            (&shown, Reach::Inside, None),
            (&shown, Reach::Absolute, Some(true)),
            ("rootfs", Reach::Anywhere, Some(true)),
        ] {
            let config = serde_json::json!({"root": {"path": named}}).to_string();
            let rootfs = rootfs_of(&bundle, &config, reach);
            assert_eq!(
                rootfs.as_ref().ok().map(|rootfs| rootfs.outside),
                found,
                "{named} {reach:?}"
            );
            let link = rootfs
                .as_ref()
                .ok()
                .and_then(|rootfs| rootfs.placed.link.as_deref());
            let is_link = ["near", "rootfs"].contains(&named);
            assert_eq!(
                link.is_some(),
                found == Some(false) && is_link,
                "{named} {reach:?}"
            );
            if let Err(error) = rootfs {
                assert!(error.to_string().contains("leads out"), "{named}: {error}");
            }
        }
        for gone in ["file", "missing", "a\0b"] {
            let config = serde_json::json!({"root": {"path": gone}}).to_string();
            let error = rootfs_of(&bundle, &config, Reach::Anywhere).expect_err(gone);
            assert!(error.to_string().contains("is gone"), "{gone}: {error}");
        }
    }

    #[test]
    fn a_config_is_a_file_of_its_bundle() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        fs::write(&secret, "{}").expect("a file");
        let bundle = folder.path().join("bundle");
        fs::create_dir(&bundle).expect("a folder");
        assert!(matches!(config_of(&bundle), Err(GivenError::Absent { .. })));
        symlink(&secret, bundle.join(CONFIG)).expect("a link");
        let error = config_of(&bundle).expect_err("outside").to_string();
        assert!(error.contains("leads out"), "{error}");
    }
}
