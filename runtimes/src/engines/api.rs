//! Docker's API, which Podman speaks too. Only calls that read are made.

use std::path::{Path, PathBuf};

use bollard::models::{ContainerInspectResponse, ContainerSummary, SystemInfo, SystemVersion};
use tokio::time::Instant;

use super::bundle::{Bundle, is_inhabited};
use super::client::{Client, Fault};
use super::{Engine, Found, Options, Workload, containerd, storage, text};

const VANISHED: &str = "it vanished during the check";

/// Where an engine keeps its bundles.
struct Places {
    is_podman: bool,
    /// State folders of containerds.
    states: Vec<PathBuf>,
    /// Folders of containers/storage.
    storages: Vec<PathBuf>,
}

/// Adds the engine behind a socket and its containers; an error is one line that says why there is none.
pub(super) async fn ask(
    socket: &Path,
    options: &Options,
    deadline: Instant,
    found: &mut Found,
) -> Result<(), String> {
    let mut client = Client::new(socket, options, deadline).map_err(|fault| fault.to_string())?;
    let (version, info) = client.greet().await.map_err(|fault| fault.to_string())?;
    let list = client.list().await.map_err(|fault| fault.to_string())?;
    let engine = engine(socket, &version, &info);
    let name = engine.name.clone();
    found.engines.push(engine);
    let places = Places::new(name == "podman", &info, options);
    let known = found.ids();
    for (at, summary) in list.iter().enumerate() {
        let Some(id) = summary.id.as_deref().filter(|id| text::is_id(id)) else {
            found.notes.push(format!(
                "{name}: it lists a container without an id that could be one"
            ));
            continue;
        };
        if known.contains(id) {
            continue;
        }
        if !found.has_room(&name) {
            break;
        }
        if Instant::now() >= deadline {
            let limit = options.engine_limit.as_secs_f32();
            let rest = list.len() - at;
            found.notes.push(format!(
                "{name}: {limit} s were not enough: {rest} containers were not looked at"
            ));
            break;
        }
        let told = client.inspect(id).await;
        found.workloads.push(workload(&name, id, summary, told, &places));
    }
    Ok(())
}

fn engine(socket: &Path, version: &SystemVersion, info: &SystemInfo) -> Engine {
    let is = |word: &str| {
        let parts = version.components.iter().flatten();
        parts.into_iter().any(|part| part.name.contains(word))
    };
    let runtimes = info.runtimes.iter().flatten().map(|(name, runtime)| {
        let path = runtime.path.as_deref().filter(|path| !path.is_empty());
        path.map_or_else(|| text::line(name), |path| text::line(&format!("{name}={path}")))
    });
    let mut runtimes: Vec<String> = runtimes.collect();
    runtimes.sort();
    Engine {
        name: if is("Podman") { "podman" } else { "docker" }.to_owned(),
        version: version
            .version
            .as_deref()
            .and_then(text::name)
            .unwrap_or_else(|| "unknown".to_owned()),
        socket: Some(socket.to_owned()),
        default_runtime: info.default_runtime.as_deref().and_then(text::name),
        runtimes,
    }
}

fn workload(
    engine: &str,
    id: &str,
    summary: &ContainerSummary,
    told: Result<ContainerInspectResponse, Fault>,
    places: &Places,
) -> Workload {
    let listed = summary.names.iter().flatten().next();
    let (told, fault) = match told {
        Ok(told) => (told, None),
        Err(fault) if fault.is_not_found() => {
            (ContainerInspectResponse::default(), Some(VANISHED.to_owned()))
        }
        Err(fault) => (ContainerInspectResponse::default(), Some(fault.to_string())),
    };
    let state = told.state.as_ref().and_then(|state| state.status);
    let state = state.map(|state| state.to_string());
    let state = state.or_else(|| summary.state.map(|state| state.to_string()));
    let state = state.filter(|state| !state.is_empty());
    let name = told.name.as_ref().or(listed);
    let bundle = match &fault {
        Some(why) => Bundle::without(why.clone()),
        None => places.bundle(id, state.as_deref(), &told),
    };
    let of_graph = layers(&told);
    let image = told.config.as_ref().and_then(|config| config.image.clone());
    let host = told.host_config.as_ref();
    Workload {
        name: name
            .and_then(|name| text::name(name.trim_start_matches('/')))
            .unwrap_or_else(|| id.to_owned()),
        id: id.to_owned(),
        engine: engine.to_owned(),
        image: image
            .or_else(|| summary.image.clone())
            .as_deref()
            .and_then(text::name),
        state: state.unwrap_or_else(|| "unknown".to_owned()),
        runtime: host.and_then(|host| host.runtime.as_deref()).and_then(text::name),
        config: bundle.config,
        rootfs: bundle.rootfs.or_else(|| merged(&told)),
        layers: if of_graph.is_empty() {
            bundle.layers
        } else {
            of_graph
        },
    }
}

/// What the storage driver says of an overlay: the container's own folder and those below it.
fn layers(told: &ContainerInspectResponse) -> Vec<PathBuf> {
    let upper = graph(told, "UpperDir").into_iter();
    let lowers = graph(told, "LowerDir").into_iter().flat_map(|all| all.split(':'));
    let all = upper.chain(lowers).map(PathBuf::from);
    all.filter(|path| path.is_absolute()).collect()
}

fn merged(told: &ContainerInspectResponse) -> Option<PathBuf> {
    let path = PathBuf::from(graph(told, "MergedDir")?);
    is_inhabited(&path).then_some(path)
}

fn graph<'a>(told: &'a ContainerInspectResponse, name: &str) -> Option<&'a str> {
    let value = told.graph_driver.as_ref()?.data.get(name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}

impl Places {
    fn new(is_podman: bool, info: &SystemInfo, options: &Options) -> Self {
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
        // Podman's own word, should it keep its containers elsewhere.
        storages.extend(info.docker_root_dir.as_deref().map(PathBuf::from));
        Self {
            is_podman,
            states,
            storages,
        }
    }

    /// A container's bundle, or why there is none.
    fn bundle(&self, id: &str, state: Option<&str>, told: &ContainerInspectResponse) -> Bundle {
        let found = if self.is_podman {
            self.of_podman(id, told)
        } else {
            self.of_docker(id, told)
        };
        found.unwrap_or_else(|| Bundle::without(self.why(state)))
    }

    fn of_docker(&self, id: &str, told: &ContainerInspectResponse) -> Option<Bundle> {
        let network = told.network_settings.as_ref();
        let key = network.and_then(|network| network.sandbox_key.as_deref());
        // EXEC_ROOT/netns/KEY
        let exec_root = key.and_then(|key| Path::new(key).ancestors().nth(2));
        let told = exec_root.map(own_containerd);
        let mut states = told.iter().chain(&self.states);
        states.find_map(|state| containerd::bundle_of(state, id))
    }

    fn of_podman(&self, id: &str, told: &ContainerInspectResponse) -> Option<Bundle> {
        // It lies in the folder of the bundle.
        let beside = told.resolv_conf_path.as_deref().map(Path::new);
        let beside = beside.and_then(Path::parent).filter(|path| path.is_absolute());
        let usual = self.storages.iter().map(|storage| storage::userdata(storage, id));
        beside
            .map(Path::to_owned)
            .into_iter()
            .chain(usual)
            .find_map(|folder| Bundle::read(&folder))
    }

    fn why(&self, state: Option<&str>) -> String {
        let engine = if self.is_podman { "Podman" } else { "Docker" };
        if matches!(state, Some("running" | "paused" | "restarting")) {
            return match self.is_podman {
                true => "its config.json is in none of the usual places: give its bundle with --bundle".to_owned(),
                false => "its config.json is in none of the usual places: name its dockerd's exec root, or give its bundle with --bundle".to_owned(),
            };
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
