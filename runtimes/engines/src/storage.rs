//! The folders of containers/storage, in which CRI-O and Podman keep their bundles:
//! `PLACE/overlay-containers/ID/userdata/`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::bundle::{Bundle, folders, id_of, read_regular};
use super::elsewhere::is_inhabited;
use super::{Engine, EngineError, Found, Options, Which, Workload, text};

/// The permanent place, and the one for this boot only.
const PLACES: [&str; 2] = ["var/lib/containers/storage", "run/containers/storage"];
/// Where a running CRI-O has its socket.
const CRIO: &str = "run/crio";
const CONTAINERS: &str = "overlay-containers";
/// Larger than 10,000 entries.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

const NOT_STARTED: &str = "it was not started: its engine writes its config.json at start; start it, or give its bundle with --bundle";

/// One entry of `overlay-containers/containers.json`.
#[derive(Debug, Clone, Default, Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    layer: String,
    /// JSON in a string.
    #[serde(default)]
    metadata: String,
}

impl Entry {
    /// The image as it was asked for.
    fn image(&self) -> Option<String> {
        let metadata: Value = serde_json::from_str(&self.metadata).ok()?;
        text::name(metadata["image-name"].as_str()?)
    }
}

/// The folders of containers/storage.
pub(super) fn places(root: &Path) -> Vec<PathBuf> {
    PLACES.map(|place| root.join(place)).to_vec()
}

/// Where a container's bundle is.
pub(super) fn userdata(place: &Path, id: &str) -> PathBuf {
    place.join(CONTAINERS).join(id).join("userdata")
}

/// Adds what is there and was asked for, and says whether the engine exists: Podman is no more than its storage.
pub(super) fn look(options: &Options, found: &mut Found) -> bool {
    let places = places(&options.root);
    let there = places.iter().any(|place| place.join(CONTAINERS).is_dir());
    let entries = entries(&places, found);
    let known = found.ids();
    for id in ids(&places, &entries).difference(&known) {
        let entry = entries.get(id);
        // The config.json may be in either of the two.
        let bundle = places.iter().find_map(|place| Bundle::read(&userdata(place, id)));
        let bundle = match (bundle, entry) {
            (Some(bundle), _) => bundle.seen_by(pid(id, &places)),
            (None, Some(_)) => Bundle::without(NOT_STARTED.to_owned()),
            // A folder that is no longer known.
            (None, None) => continue,
        };
        let (asked, engine) = engine(&bundle, entry);
        if !options.which.asks(asked) {
            continue;
        }
        if !found.has_room(engine) {
            break;
        }
        found.workloads.push(workload(id, engine, bundle, entry, &places));
    }
    tell_engines(found);
    match options.which {
        Which::Crio => {
            options.root.join(CRIO).is_dir() || found.workloads.iter().any(|one| one.engine == "crio")
        }
        _ => there,
    }
}

/// A storage that was asked for and does not exist.
pub(super) fn absent(options: &Options) -> EngineError {
    EngineError::Absent {
        engine: "crio",
        looked: options.root.join(CRIO).display().to_string(),
        remedy: "start it, or give bundles with --bundle",
    }
}

/// Every container that has a folder or an entry.
fn ids(places: &[PathBuf], entries: &HashMap<String, Entry>) -> BTreeSet<String> {
    let all = places.iter().flat_map(|place| folders(&place.join(CONTAINERS)));
    let of_folders = all.filter_map(|folder| id_of(&folder).map(str::to_owned));
    let of_entries = entries.keys().filter(|id| text::is_id(id)).cloned();
    of_folders.chain(of_entries).collect()
}

fn entries(places: &[PathBuf], found: &mut Found) -> HashMap<String, Entry> {
    let mut all = HashMap::new();
    for place in places {
        let path = place.join(CONTAINERS).join("containers.json");
        let read = read_regular(&path, MOST_BYTES).and_then(|text| match text {
            Some(text) => serde_json::from_str(&text).map_err(|err| err.to_string()),
            None => Ok(Vec::new()),
        });
        match read {
            Ok(entries) => all.extend(entries.into_iter().map(|entry: Entry| (entry.id.clone(), entry))),
            Err(why) => found.notes.push(format!(
                "{}: {why}: names come from config.json only",
                path.display()
            )),
        }
    }
    all
}

/// Which engine it belongs to: both write annotations of their own.
fn engine(bundle: &Bundle, entry: Option<&Entry>) -> (Which, &'static str) {
    let is_crio = ["Name", "ContainerType", "SandboxID"].iter().any(|name| {
        bundle
            .annotation(&format!("io.kubernetes.cri-o.{name}"))
            .is_some()
    });
    // A config.json that cannot be read says nothing; CRI-O's names begin like this.
    let named = entry.is_some_and(|entry| entry.names.iter().any(|name| name.starts_with("k8s_")));
    if is_crio || (bundle.config.is_err() && named) {
        (Which::Crio, "crio")
    } else {
        (Which::Podman, "podman")
    }
}

fn workload(id: &str, engine: &str, bundle: Bundle, entry: Option<&Entry>, places: &[PathBuf]) -> Workload {
    let of_pod = |part: &str| bundle.annotation(&format!("io.kubernetes.{part}"));
    let name = (|| {
        let container = match of_pod("cri-o.ContainerType").as_deref() {
            Some("sandbox") => "pause".to_owned(),
            _ => of_pod("container.name")?,
        };
        Some(format!(
            "{}/{}/{container}",
            of_pod("pod.namespace")?,
            of_pod("pod.name")?
        ))
    })();
    let given = entry.and_then(|entry| entry.names.first());
    let image = of_pod("cri-o.ImageName").or_else(|| of_pod("cri-o.Image"));
    let image = image.or_else(|| entry.and_then(Entry::image));
    let state = match &bundle.config {
        Err(why) if why == NOT_STARTED => "created",
        _ => life(id, bundle.rootfs.as_deref(), places),
    };
    let runtime = of_pod("cri-o.RuntimeHandler");
    let layers = match entry.map(|entry| chain(places, &entry.layer)) {
        Some(layers) if !layers.is_empty() => layers,
        _ => bundle.layers,
    };
    Workload {
        name: name
            .or_else(|| given.and_then(|name| text::name(name)))
            .unwrap_or_else(|| id.to_owned()),
        id: id.to_owned(),
        engine: engine.to_owned(),
        image,
        state: state.to_owned(),
        runtime,
        handler: None,
        config: bundle.config,
        rootfs: bundle.rootfs,
        layers,
    }
}

/// A container's layers according to the files that the storage keeps: `overlay/LAYER/diff`, and in `lower` the links
/// of those below.
fn chain(places: &[PathBuf], layer: &str) -> Vec<PathBuf> {
    if !text::is_id(layer) {
        return Vec::new();
    }
    let home = places.iter().map(|place| place.join("overlay"));
    let Some(home) = home
        .into_iter()
        .find(|home| home.join(layer).join("diff").is_dir())
    else {
        return Vec::new();
    };
    let lower = read_regular(&home.join(layer).join("lower"), 1024 * 1024);
    let lower = lower.ok().flatten().unwrap_or_default();
    let is_link = |link: &&str| link.strip_prefix("l/").is_some_and(text::is_id);
    let below = lower.trim().split(':').filter(is_link);
    let below = below.filter_map(|link| fs::canonicalize(home.join(link)).ok());
    let inside = below.filter(|path| fs::canonicalize(&home).is_ok_and(|home| path.starts_with(home)));
    std::iter::once(home.join(layer).join("diff"))
        .chain(inside)
        .collect()
}

/// Its first process, as recorded by conmon.
fn pid(id: &str, places: &[PathBuf]) -> Option<u32> {
    let text = places.iter().find_map(|place| {
        read_regular(&userdata(place, id).join("pidfile"), 64)
            .ok()
            .flatten()
    });
    text?.trim().parse().ok()
}

/// Whether it runs: its process is recorded in the place that does not last.
fn life(id: &str, rootfs: Option<&Path>, places: &[PathBuf]) -> &'static str {
    match pid(id, places) {
        Some(pid) if Path::new("/proc").join(pid.to_string()).is_dir() => "running",
        Some(_) => "exited",
        None if rootfs.is_some_and(is_inhabited) => "unknown",
        None => "exited",
    }
}

/// Engines whose containers were found and whose API was not asked.
fn tell_engines(found: &mut Found) {
    let told: HashSet<String> = found.engines.iter().map(|engine| engine.name.clone()).collect();
    for name in ["crio", "podman"] {
        if !told.contains(name) && found.workloads.iter().any(|one| one.engine == name) {
            found.engines.push(Engine {
                name: name.to_owned(),
                version: super::found::UNKNOWN.to_owned(),
                socket: None,
                default_runtime: None,
                runtimes: Vec::new(),
            });
        }
    }
}
