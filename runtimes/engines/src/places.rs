//! Where an engine that was asked keeps its bundles.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bollard::models::{ContainerInspectResponse, SystemInfo};

use super::bundle::Bundle;
use super::elsewhere::is_inhabited;
use super::{Options, containerd, storage};

/// The folders, and which user's engine reported them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    is_podman: bool,
    /// The user that runs the engine, if that is not root.
    user: Option<u32>,
    /// State folders of containerds.
    states: Vec<PathBuf>,
    /// Folders of containers/storage.
    storages: Vec<PathBuf>,
}

impl Places {
    pub(crate) fn new(socket: &Path, is_podman: bool, info: &SystemInfo, options: &Options) -> Self {
        let address = info.containerd.as_ref().and_then(|own| own.address.as_deref());
        let mut states: Vec<PathBuf> = Vec::new();
        if let Some(root) = &options.exec_root {
            states.push(own_containerd(root));
        }
        if let Some(beside) = address.and_then(|address| Path::new(address).parent()) {
            states.extend([beside.join("daemon"), beside.to_owned()]);
        }
        states.push(options.root.join("run/containerd"));
        states.push(own_containerd(&options.root.join("run/docker")));
        let mut storages = storage::places(&options.root);
        // Podman's own information, in case it keeps its containers elsewhere.
        storages.extend(info.docker_root_dir.as_deref().map(PathBuf::from));
        let owner = fs::metadata(socket).map(|told| told.uid());
        Self {
            is_podman,
            user: owner.ok().filter(|uid| *uid != 0),
            states,
            storages,
        }
    }

    /// Where containerds keep their tasks.
    pub(crate) fn states(&self) -> &[PathBuf] {
        &self.states
    }

    /// A container's bundle, or one that says why it is not available.
    pub(crate) fn bundle(&self, id: &str, state: Option<&str>, told: &ContainerInspectResponse) -> Bundle {
        let found = if self.is_podman {
            self.of_podman(id, told)
        } else {
            self.of_docker(id, told)
        };
        let mut bundle = found.unwrap_or_else(|| Bundle::without(self.why(state)));
        let pid = told.state.as_ref().and_then(|state| state.pid);
        let pid = pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        let merged = graph(told, "MergedDir").map(PathBuf::from);
        bundle.rootfs = bundle
            .rootfs
            .or_else(|| merged.filter(|path| is_inhabited(path)))
            .filter(|path| self.may_name(path));
        // A user's engine could name another user's process.
        bundle = bundle.seen_by(pid.filter(|_| self.user.is_none()));
        let layers = layers(told);
        if !layers.is_empty() {
            bundle.layers = layers;
        }
        if !bundle.layers.iter().all(|path| self.may_name(path)) {
            bundle.layers.clear();
        }
        bundle
    }

    /// Whether an engine may direct us there: a user's engine only to the user's own folders.
    fn may_name(&self, path: &Path) -> bool {
        let Some(user) = self.user else { return true };
        fs::metadata(path).is_ok_and(|told| told.uid() == user)
    }

    /// The first of these folders that has a bundle.
    fn first(&self, folders: impl Iterator<Item = PathBuf>) -> Option<Bundle> {
        folders
            .filter(|folder| self.may_name(folder) && self.may_name(&folder.join("config.json")))
            .find_map(|folder| Bundle::read(&folder))
    }

    fn of_docker(&self, id: &str, told: &ContainerInspectResponse) -> Option<Bundle> {
        let network = told.network_settings.as_ref();
        let key = network.and_then(|network| network.sandbox_key.as_deref());
        // EXEC_ROOT/netns/KEY
        let exec_root = key.and_then(|key| Path::new(key).ancestors().nth(2));
        let told = exec_root.map(own_containerd);
        let states = told.iter().chain(&self.states);
        self.first(states.flat_map(|state| containerd::places_of(state, id)))
    }

    fn of_podman(&self, id: &str, told: &ContainerInspectResponse) -> Option<Bundle> {
        // It is in the folder of the bundle.
        let beside = told.resolv_conf_path.as_deref().map(Path::new);
        let beside = beside.and_then(Path::parent).filter(|path| path.is_absolute());
        let usual = self.storages.iter().map(|storage| storage::userdata(storage, id));
        self.first(beside.map(Path::to_owned).into_iter().chain(usual))
    }

    fn why(&self, state: Option<&str>) -> String {
        let engine = if self.is_podman { "Podman" } else { "Docker" };
        if matches!(state, Some("running" | "paused" | "restarting")) {
            let first = if self.is_podman {
                ""
            } else {
                "name its dockerd's exec root, or "
            };
            return format!(
                "its config.json is in none of the usual places: {first}give its bundle with --bundle"
            );
        }
        format!(
            "it is not running: {engine} writes its config.json at start; start it, or give its bundle with --bundle"
        )
    }
}

/// The state folder of the containerd that a dockerd started.
fn own_containerd(exec_root: &Path) -> PathBuf {
    exec_root.join("containerd/daemon")
}

/// What the storage driver reports about an overlay: the container's own folder and those below it.
fn layers(told: &ContainerInspectResponse) -> Vec<PathBuf> {
    let upper = graph(told, "UpperDir").into_iter();
    let lowers = graph(told, "LowerDir").into_iter().flat_map(|all| all.split(':'));
    let all = upper.chain(lowers).map(PathBuf::from);
    all.filter(|path| path.is_absolute()).collect()
}

fn graph<'a>(told: &'a ContainerInspectResponse, name: &str) -> Option<&'a str> {
    let value = told.graph_driver.as_ref()?.data.get(name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}
