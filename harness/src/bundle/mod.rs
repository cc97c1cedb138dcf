//! The bundle of a case: built once, byte for byte the same for every runtime.

pub mod given;
pub(crate) mod hooks;
mod layer;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ocidiff_confine::Root;
use ocidiff_confine::copy::{Budget, Stopped, copy_tree};
use ocidiff_model::record::BundleDigest;
use ocidiff_model::step::MAIN;
use ocidiff_model::{Case, FileSpec, Rootfs};
use ocidiff_runtimes::Store;
use tokio::sync::watch;

use crate::cell::stand_in::StandIn;
use crate::corpus::Corpus;
use crate::corpus::config::ConfigError;
use crate::corpus::configs;
use crate::digest::{self, of_text};
use crate::paths::{Placed, ROOTFS};

use given::Reach;
pub(crate) use hooks::without_hooks;

/// Lays the layers (the topmost first) over each other in a folder of their own.
///
/// # Errors
/// What the system answers.
pub fn merge_layers(layers: &[PathBuf], target: &Path) -> io::Result<()> {
    let mut budget = Budget::default();
    layers
        .iter()
        .rev()
        .try_for_each(|layer| copy_tree(&Root::open(layer)?, target, &mut budget))
}

/// Where a config says that the rootfs is, relative to the bundle's folder; where it should be, if it says nothing.
pub(crate) fn root_of(config: &str) -> String {
    serde_json::from_str::<serde_json::Value>(config)
        .ok()
        .and_then(|config| Some(config["root"]["path"].as_str()?.to_owned()))
        .unwrap_or_else(|| ROOTFS.to_owned())
}

/// A bundle that is ready to be launched.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Layers of the rootfs, the topmost first.
    pub layers: Vec<PathBuf>,
    /// Where it is.
    pub placed: Placed,
    /// The text of each container's config.
    pub configs: BTreeMap<String, String>,
    /// What stands in for files of the machine that the configs mount.
    pub stand_ins: Vec<StandIn>,
    /// What it is, in digests.
    pub digest: BundleDigest,
}

/// Why a bundle could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The case is wrong in a way that shows only now.
    #[error("{0}")]
    Case(String),
    /// Its config cannot be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be made.
    #[error("failed to make the rootfs: {0}")]
    Io(#[from] io::Error),
    /// A bundle from elsewhere is not a bundle.
    #[error(transparent)]
    Given(#[from] given::GivenError),
    /// The packages of the recipe could not be obtained.
    #[error("failed to get the packages of the rootfs `{rootfs}`: {why}")]
    Packages {
        /// The recipe.
        rootfs: String,
        /// What the package manager says.
        why: String,
    },
}

/// Builds bundles in a folder of the session, and each recipe once.
#[derive(Debug)]
pub struct Builder {
    folder: PathBuf,
    store: Store,
    /// How far the rootfs of a copied bundle may be away from the bundle.
    pub reach: Reach,
    /// Turns true when a large copy must be given up.
    pub stop: Option<watch::Receiver<bool>>,
    /// Layers of a recipe and their digests, once made.
    recipes: Mutex<BTreeMap<String, Vec<(PathBuf, String)>>>,
}

impl Builder {
    /// A builder that works in `folder`, which the caller must remove.
    #[must_use]
    pub fn new(folder: &Path, store: Store) -> Self {
        Self {
            folder: folder.to_owned(),
            store,
            reach: Reach::Inside,
            stop: None,
            recipes: Mutex::default(),
        }
    }

    /// The probe as a file, for hooks and for rootfs layers.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn probe(&self) -> io::Result<PathBuf> {
        layer::probe(&self.folder)
    }

    /// Builds the bundle of a case.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn build(&self, case: &Case, corpus: &Corpus) -> Result<Bundle, Error> {
        let mut layers = match &case.body.rootfs {
            Rootfs::Recipe(name) => self.recipe(name, corpus)?,
            Rootfs::Folders(folders) => theirs(folders.layers.iter().map(PathBuf::from))?,
        };
        if !case.body.files.is_empty() {
            // Named by its digest: two names may become the same once they are made suitable for a folder.
            let folder = self.folder.join("case").join(&of_text(&case.name)[..32]);
            layer::make(&folder, &case.body.files, &self.probe()?)?;
            layers.insert(0, (folder.clone(), digest::of_tree(&folder)?));
        }
        let configs = configs::texts(case, corpus)?;
        Ok(bundle(layers, configs))
    }

    /// The bundle in a folder from elsewhere: a copy of its rootfs, with its config unchanged.
    ///
    /// # Errors
    /// The folder is not a bundle, or cannot be copied.
    pub fn copy(&self, from: &Path, name: &str) -> Result<Bundle, Error> {
        let config = given::config_of(from)?;
        let rootfs = given::rootfs_of(from, &config, self.reach)?;
        let folder = self.folder.join("bundle").join(name);
        let stop = self.stop.clone();
        let stopped: Stopped = Arc::new(move || stop.as_ref().is_some_and(|stop| *stop.borrow()));
        copy_tree(&rootfs.root, &folder, &mut Budget::until(Arc::clone(&stopped)))?;
        let layers = vec![(folder.clone(), digest::of_tree_until(&folder, &*stopped)?)];
        Ok(Bundle {
            placed: rootfs.placed,
            ..bundle(layers, BTreeMap::from([(MAIN.to_owned(), config)]))
        })
    }

    /// A bundle over an existing rootfs, the topmost layer first, which is only read, with these files on top of it.
    ///
    /// # Errors
    /// A layer is not a folder; a file cannot be made.
    pub fn over(
        &self,
        rootfs: &[PathBuf],
        files: &BTreeMap<String, FileSpec>,
        stand_ins: &[StandIn],
        config: String,
    ) -> Result<Bundle, Error> {
        let below = theirs(rootfs.iter().cloned())?;
        let Some((first, _)) = below.first() else {
            return Err(Error::Case("the rootfs has no layer".to_owned()));
        };
        // The root is that of the topmost layer: one for each owner and mode, and for each set of files put into it.
        let seen = std::fs::metadata(first)?;
        let named = format!("{files:?}");
        let like = format!(
            "over-{}-{}-{:o}-{}",
            seen.uid(),
            seen.gid(),
            seen.mode(),
            &of_text(&named)[..12]
        );
        let top = self.folder.join(like);
        if !top.exists() {
            layer::make(&top, files, &self.probe()?)?;
            crate::cell::like(first, &top)?;
        }
        let layers = std::iter::once((top, String::new())).chain(below).collect();
        let stand_ins = stand_ins.to_vec();
        Ok(Bundle {
            stand_ins,
            ..bundle(layers, BTreeMap::from([(MAIN.to_owned(), config)]))
        })
    }

    /// Fetches what a case's rootfs needs from the network, so that it is in the store.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn prepare(&self, case: &Case, corpus: &Corpus) -> Result<(), Error> {
        match &case.body.rootfs {
            Rootfs::Recipe(name) => self.recipe(name, corpus).map(drop),
            Rootfs::Folders(_) => Ok(()),
        }
    }

    fn recipe(&self, name: &str, corpus: &Corpus) -> Result<Vec<(PathBuf, String)>, Error> {
        // Held while a recipe is made: two cases with the same rootfs must not make it twice.
        let mut made = self
            .recipes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(layers) = made.get(name) {
            return Ok(layers.clone());
        }
        let recipe = corpus
            .rootfs
            .get(name)
            .ok_or_else(|| Error::Case(format!("there is no rootfs `{name}`")))?;
        let folder = self.folder.join("rootfs").join(name);
        layer::make(&folder, &recipe.files, &self.probe()?)?;
        let mut layers = vec![(folder.clone(), digest::of_tree(&folder)?)];
        if let Some(suite) = &recipe.suite {
            let packages =
                layer::packages(&self.store, suite, &recipe.packages).map_err(|why| Error::Packages {
                    rootfs: name.to_owned(),
                    why,
                })?;
            layers.push(packages);
        }
        made.insert(name.to_owned(), layers.clone());
        Ok(layers)
    }
}

/// Folders from elsewhere. Their content may be large, and is the same for all: it is not read for a digest.
fn theirs(folders: impl Iterator<Item = PathBuf>) -> Result<Vec<(PathBuf, String)>, Error> {
    let named = |folder: PathBuf| match folder.is_dir() {
        true => Ok((folder.clone(), folder.to_string_lossy().into_owned())),
        false => Err(Error::Case(format!(
            "{} is not a folder: the rootfs is gone",
            folder.display()
        ))),
    };
    folders.map(named).collect()
}

impl Bundle {
    /// The same without the hooks of its configs, which are commands that run outside the containers.
    ///
    /// # Errors
    /// A config cannot be read, and may have hooks.
    pub(crate) fn without_hooks(mut self) -> Result<Self, Error> {
        for config in self.configs.values_mut() {
            *config = without_hooks(config).map_err(Error::Case)?.config;
        }
        self.digest.config = digest_of(&self.configs);
        Ok(self)
    }
}

fn bundle(layers: Vec<(PathBuf, String)>, configs: BTreeMap<String, String>) -> Bundle {
    let all = layers
        .iter()
        .map(|(_, digest)| digest.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let rootfs = if let [(_, only)] = layers.as_slice() {
        only.clone()
    } else {
        of_text(&all)
    };
    Bundle {
        layers: layers.into_iter().map(|(path, _)| path).collect(),
        placed: Placed::default(),
        stand_ins: Vec::new(),
        digest: BundleDigest {
            config: digest_of(&configs),
            rootfs,
        },
        configs,
    }
}

fn digest_of(configs: &BTreeMap<String, String>) -> String {
    match configs.values().collect::<Vec<_>>().as_slice() {
        [only] => of_text(only),
        many => of_text(
            &many
                .iter()
                .map(|text| of_text(text))
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    }
}
