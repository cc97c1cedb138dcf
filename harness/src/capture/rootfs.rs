//! The rootfs: folders of the machine, or a recipe; and what is put on top.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ocidiff_model::{FileSpec, Folders, Rootfs};
use serde_json::Value;

use super::{Container, Error, Wanted, yaml};
use crate::corpus::Corpus;
use crate::workload::tame;

/// The recipe for a container whose rootfs cannot be seen.
const UNSEEN: &str = "probe";

/// The folders that remain when the container is gone, and what is not in them.
#[must_use]
pub fn layers(seen: Option<PathBuf>, layers: &[PathBuf]) -> (Vec<PathBuf>, Vec<String>) {
    // The first is the container's own. What an engine writes for the container before it is made is next to it,
    // with `-init`.
    let is_its_own = |layer: &Path| {
        let above = layer.parent().and_then(Path::file_name);
        above.is_some_and(|name| name.to_string_lossy().ends_with("-init"))
    };
    let below = layers.iter().skip(1).filter(|layer| !is_its_own(layer));
    let below: Vec<PathBuf> = below.cloned().collect();
    let (found, without) = match seen {
        _ if !below.is_empty() && below.iter().all(|layer| layer.is_dir()) => (
            below,
            "the rootfs is the image's, without what the container changed in its files",
        ),
        Some(seen) => (
            vec![seen],
            "the rootfs is the container's own: it goes when the container does",
        ),
        None => return (Vec::new(), Vec::new()),
    };
    (found, vec![without.to_owned()])
}

/// What the case's `rootfs` says.
pub(super) fn of(
    container: &Container,
    wanted: &Wanted,
    corpus: &Corpus,
    changes: &mut Vec<String>,
) -> Result<Rootfs, Error> {
    if let Some(name) = &wanted.recipe {
        if !corpus.rootfs.contains_key(name) {
            let all: Vec<&str> = corpus.rootfs.keys().map(String::as_str).collect();
            return Err(Error::Recipe {
                name: name.clone(),
                all: all.join(", "),
            });
        }
        changes.push(format!("the rootfs is the recipe {name}, not the container's"));
        return Ok(Rootfs::Recipe(name.clone()));
    }
    let layers: Option<Vec<String>> = container
        .layers
        .iter()
        .map(|layer| layer.to_str().filter(|_| layer.is_dir()).map(str::to_owned))
        .collect();
    match layers {
        Some(layers) if !layers.is_empty() => {
            changes.push(
                "the rootfs is what lies in folders of this machine; without them the case is skipped \
                 (--rootfs probe makes one that runs anywhere)"
                    .to_owned(),
            );
            Ok(Rootfs::Folders(Folders {
                image: container.image.as_deref().map(yaml::line),
                layers,
            }))
        }
        _ if wanted.command => Err(Error::Unseen),
        _ => {
            changes.push(format!(
                "the rootfs is the recipe {UNSEEN}: the container's cannot be seen from here"
            ));
            Ok(Rootfs::Recipe(UNSEEN.to_owned()))
        }
    }
}

/// Where the probe is in the rootfs: where the recipe has it, or where it does not hide anything.
pub(super) fn probe(rootfs: &Rootfs, corpus: &Corpus) -> String {
    let recipe = rootfs.recipe().and_then(|name| corpus.rootfs.get(name));
    let mut files = recipe.into_iter().flat_map(|recipe| &recipe.files);
    files
        .find(|(_, spec)| spec.probe)
        .map_or_else(|| crate::workload::PROBE.to_owned(), |(path, _)| path.clone())
}

/// What is put on top: the probe, what stands in for the host's files, and places to mount them on and to work in.
pub(super) fn files(
    rootfs: &Rootfs,
    probe: Option<&str>,
    config: &Value,
    corpus: &Corpus,
) -> BTreeMap<String, FileSpec> {
    let text = config.to_string();
    let mut files = tame::files();
    for path in ["/.ocidiff/folder/", "/.ocidiff/file"] {
        files.insert(path.to_owned(), FileSpec::default());
    }
    files.retain(|path, spec| {
        if spec.probe {
            probe == Some(path)
        } else {
            text.contains(path.trim_end_matches('/'))
        }
    });
    let mounts = config["mounts"].as_array().into_iter().flatten();
    let mounts: Vec<(&str, bool)> = mounts
        .filter_map(|mount| {
            let source = mount["source"].as_str().unwrap_or_default();
            Some((mount["destination"].as_str()?, source.ends_with("/.ocidiff/file")))
        })
        .collect();
    let cwd = config["process"]["cwd"].as_str().map(|cwd| (cwd, false));
    for (place, is_file) in mounts.iter().copied().chain(cwd) {
        let covered = |(other, _): &(&str, bool)| {
            *other != place && place.starts_with(&format!("{}/", other.trim_end_matches('/')))
        };
        if is_place(place) && !mounts.iter().any(covered) && !is_there(place, rootfs, corpus) {
            let ends = if is_file { ["", "/"] } else { ["/", ""] };
            let [path, other] = ends.map(|end| format!("{place}{end}"));
            if !files.contains_key(&other) {
                files.insert(path, FileSpec::default());
            }
        }
    }
    files
}

fn is_place(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("")
        && parts.all(|part| !part.is_empty() && part != "." && !part.contains("..") && !part.contains('\0'))
}

/// Whether the rootfs has it, or has a link above it: what is put there would hide where the link leads.
fn is_there(path: &str, rootfs: &Rootfs, corpus: &Corpus) -> bool {
    let mut above = Path::new(path).ancestors().filter(|path| *path != Path::new("/"));
    let Some(recipe) = rootfs.recipe().and_then(|name| corpus.rootfs.get(name)) else {
        let seen = |path: &Path| {
            let below = path.strip_prefix("/").unwrap_or(path);
            let mut layers = rootfs.layers().iter();
            layers.find_map(|layer| std::fs::symlink_metadata(Path::new(layer).join(below)).ok())
        };
        let is_no_folder = |path: &Path| seen(path).is_some_and(|told| !told.is_dir());
        return seen(Path::new(path)).is_some() || above.any(is_no_folder);
    };
    let listed = |path: &Path| {
        let path = path.to_string_lossy();
        recipe
            .files
            .get(&*path)
            .or_else(|| recipe.files.get(&format!("{path}/")))
    };
    let is_link = |path: &Path| listed(path).is_some_and(|spec| spec.symlink.is_some());
    listed(Path::new(path)).is_some() || above.any(is_link)
}
