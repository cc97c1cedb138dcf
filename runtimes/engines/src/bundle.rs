//! A folder with a config.json.

use std::fs;
use std::path::{Path, PathBuf};

use ocidiff_confine::{raised, read_text};
use serde_json::Value;

use super::elsewhere::is_inhabited;
use super::{Config, elsewhere, mounts, text};

/// Larger than any config.json.
const MOST_BYTES: u64 = 1024 * 1024;

/// What a folder contains.
#[derive(Debug)]
pub(crate) struct Bundle {
    pub(crate) config: Result<Config, String>,
    pub(super) rootfs: Option<PathBuf>,
    pub(crate) layers: Vec<PathBuf>,
    /// Where the config says that the rootfs is.
    pub(super) place: Option<PathBuf>,
    json: Value,
}

impl Bundle {
    /// `None` if the folder has no config.json.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let path = folder.join("config.json");
        let read = match read_regular(&path, MOST_BYTES) {
            Ok(None) => return None,
            Ok(Some(text)) => parse(&text).map(|json| (text, json)),
            Err(why) => Err(why),
        };
        Some(match read {
            Ok((text, json)) => {
                let place = root(folder, &json);
                Self {
                    layers: place.as_deref().map_or_else(Vec::new, mounts::layers),
                    rootfs: place.clone().filter(|place| is_inhabited(place)),
                    place,
                    config: Ok(Config { text, path }),
                    json,
                }
            }
            Err(why) => Self::without(format!("its config.json cannot be read: {why}")),
        })
    }

    /// A bundle whose config.json is not available.
    pub(super) fn without(why: String) -> Self {
        Self {
            config: Err(why),
            rootfs: None,
            layers: Vec::new(),
            place: None,
            json: Value::Null,
        }
    }

    /// The same with the rootfs as a process of the container sees it, if it is not visible from here.
    pub(super) fn seen_by(mut self, pid: Option<u32>) -> Self {
        if self.rootfs.is_none() {
            self.rootfs = pid.and_then(|pid| elsewhere::rootfs(pid, self.place.as_deref()));
        }
        self
    }

    /// An annotation, on one line.
    pub(super) fn annotation(&self, name: &str) -> Option<String> {
        text::name(self.json["annotations"][name].as_str()?)
    }
}

/// Another user's file: `None` if it is not there, an error if it is not text of an allowed size.
pub(crate) fn read_regular(path: &Path, most: u64) -> Result<Option<String>, String> {
    match read_text(path, raised(most)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn parse(text: &str) -> Result<Value, String> {
    let json: Value = serde_json::from_str(text).map_err(|err| err.to_string())?;
    if json.is_object() {
        Ok(json)
    } else {
        Err("it is not a JSON object".to_owned())
    }
}

/// Where the config says that the root is.
fn root(folder: &Path, json: &Value) -> Option<PathBuf> {
    let path = json["root"]["path"].as_str()?;
    (!path.is_empty() && !path.contains('\0')).then(|| folder.join(path))
}

/// The folders in a folder, sorted; empty if it is not there.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// A folder's own name, if it can be an id.
pub(super) fn id_of(folder: &Path) -> Option<&str> {
    folder.file_name()?.to_str().filter(|name| text::is_id(name))
}
