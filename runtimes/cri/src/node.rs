//! What is on a node: runtime handlers, pods, containers, images.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::Client;
use crate::error::{Error, line};
use crate::messages::{
    Container, ImageSpec, ImageStatusRequest, ListContainersRequest, ListImagesRequest,
    ListPodSandboxRequest, PodSandbox, RemoveImageRequest, StatusRequest,
};

/// Where CRI runtimes listen: containerd, CRI-O, and k3s's own containerd.
pub const SOCKETS: [&str; 3] = [
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/k3s/containerd/containerd.sock",
];
/// The variable that gives crictl the socket.
const ENDPOINT: &str = "CONTAINER_RUNTIME_ENDPOINT";

/// The socket that crictl would use: the variable's, or the first of the usual ones that exists.
///
/// # Errors
/// The variable names something else than a socket on this node.
pub fn usual_socket() -> Result<PathBuf, Error> {
    let endpoint = std::env::var(ENDPOINT).unwrap_or_default();
    if !endpoint.is_empty() {
        return of_endpoint(&endpoint).ok_or_else(|| Error::Endpoint {
            variable: ENDPOINT,
            value: line(&endpoint),
        });
    }
    let there = SOCKETS.iter().find(|path| Path::new(path).exists());
    Ok(PathBuf::from(there.unwrap_or(&SOCKETS[0])))
}

/// The path of a socket, which kubelet, crictl and Docker also write as a URL, `unix:///run/x.sock`, and gRPC as
/// `unix:/run/x.sock`; `None` if it is the address of something else.
#[must_use]
pub fn of_endpoint(text: &str) -> Option<PathBuf> {
    let path = match (text.strip_prefix("unix://"), text.strip_prefix("unix:")) {
        (Some(path), _) => return Path::new(path).is_absolute().then(|| PathBuf::from(path)),
        (None, Some(path)) => path,
        (None, None) => text,
    };
    let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_url = !scheme.is_empty() && scheme.bytes().all(|c| c.is_ascii_alphanumeric());
    (!path.is_empty() && !is_url).then(|| PathBuf::from(path))
}

/// What a RuntimeClass names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handler {
    /// Its name.
    pub name: String,
    /// The runtime's program, if the node gives it: a path, or a name to search for.
    pub program: Option<PathBuf>,
    /// Whether it leaves cgroups to systemd.
    pub systemd_cgroup: bool,
}

/// What the node reports about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its handlers, by name.
    pub handlers: Vec<Handler>,
    /// The handler of pods that do not name one.
    pub default_handler: Option<String>,
    /// The image of the pods' own containers.
    pub sandbox_image: Option<String>,
    /// Where containerd keeps its state, and with it the bundles of running containers.
    pub state: Option<PathBuf>,
    /// Whether pods can have a network of their own.
    pub has_network: bool,
}

impl Client {
    /// Asks for the handlers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn node(&self) -> Result<Node, Error> {
        let answer = self.call(StatusRequest { verbose: true }).await?;
        let config = answer.info.get("config").map(String::as_str).unwrap_or_default();
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let mut node = of_config(&config);
        let conditions = answer.status.map(|status| status.conditions).unwrap_or_default();
        let is_ready = conditions
            .iter()
            .any(|one| one.r#type == "NetworkReady" && one.status);
        let plugins = answer.info.get("cniconfig").map(String::as_str);
        let plugins = serde_json::from_str(plugins.unwrap_or_default()).unwrap_or_default();
        node.has_network = is_ready && has_plugins(&plugins);
        // What the protocol itself reports since Kubernetes 1.30. The nameless one is the default.
        let known: BTreeSet<String> = node.handlers.iter().map(|one| one.name.clone()).collect();
        let told = answer.runtime_handlers.into_iter().map(|one| line(&one.name));
        let new = told.filter(|name| !name.is_empty() && !known.contains(name));
        node.handlers.extend(new.map(|name| Handler {
            name,
            program: None,
            systemd_cgroup: false,
        }));
        node.handlers.sort();
        Ok(node)
    }

    /// All pods.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn pods(&self) -> Result<Vec<PodSandbox>, Error> {
        Ok(self.call(ListPodSandboxRequest {}).await?.items)
    }

    /// All containers, without the pods' own.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn containers(&self) -> Result<Vec<Container>, Error> {
        Ok(self.call(ListContainersRequest {}).await?.containers)
    }

    /// The names of all images.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn images(&self) -> Result<Vec<String>, Error> {
        let images = self.call(ListImagesRequest {}).await?.images;
        Ok(images.into_iter().flat_map(|image| image.repo_tags).collect())
    }

    /// The labels of an image; `None` if there is no such image.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn image_labels(&self, name: &str) -> Result<Option<Value>, Error> {
        let request = ImageStatusRequest {
            image: Some(spec(name)),
            verbose: true,
        };
        let answer = self.call(request).await?;
        if answer.image.is_none() {
            return Ok(None);
        }
        let info = answer.info.get("info").map(String::as_str).unwrap_or_default();
        let info: Value = serde_json::from_str(info).unwrap_or_default();
        Ok(Some(info["imageSpec"]["config"]["Labels"].clone()))
    }

    /// Removes an image; it is not an error if it is already gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove_image(&self, name: &str) -> Result<(), Error> {
        let request = RemoveImageRequest {
            image: Some(spec(name)),
        };
        match self.call(request).await {
            Err(error) if !error.is_gone() => Err(error),
            _ => Ok(()),
        }
    }
}

/// An image by its name.
#[must_use]
pub fn spec(name: &str) -> ImageSpec {
    ImageSpec {
        image: name.to_owned(),
        ..ImageSpec::default()
    }
}

/// containerd gives its plugin's config, as JSON; CRI-O gives a piece of TOML that does not contain the handlers.
fn of_config(config: &Value) -> Node {
    let containerd = &config["containerd"];
    let handlers = containerd["runtimes"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    Node {
        handlers: handlers
            .map(|(name, one)| Handler {
                name: line(name),
                program: text(&one["options"]["BinaryName"])
                    .map(PathBuf::from)
                    .or_else(|| default_program(&one["runtimeType"])),
                systemd_cgroup: one["options"]["SystemdCgroup"] == true,
            })
            .collect(),
        default_handler: text(&containerd["defaultRuntimeName"]).map(|name| line(&name)),
        sandbox_image: text(&config["sandboxImage"]).map(|name| line(&name)),
        state: text(&config["stateDir"]).map(PathBuf::from),
        has_network: false,
    }
}

/// Whether the programs of each network exist. A node is ready as soon as it has a config for a network, which
/// another engine may have left; a pod whose network cannot be made cannot be removed either.
fn has_plugins(cni: &Value) -> bool {
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let folders = all(&cni["PluginDirs"]);
    let is_there = |kind: &str| {
        let mut places = folders.iter().filter_map(Value::as_str);
        places.any(|folder| !kind.contains('/') && Path::new(folder).join(kind).is_file())
    };
    let networks = all(&cni["Networks"]);
    let mut plugins = networks
        .iter()
        .flat_map(|network| all(&network["Config"]["Plugins"]));
    plugins.all(|plugin| plugin["Network"]["type"].as_str().is_some_and(is_there))
}

/// If nothing is specified, containerd's shim for OCI runtimes calls runc.
fn default_program(kind: &Value) -> Option<PathBuf> {
    (kind == "io.containerd.runc.v2").then(|| PathBuf::from("runc"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_plugin_s_config_has_the_handlers() {
        let runc = "io.containerd.runc.v2";
        let node = of_config(&json!({
            "containerd": {"defaultRuntimeName": "runc", "runtimes": {
                "runc": {"runtimeType": runc, "options": {}},
                "crun": {"runtimeType": runc, "options": {"BinaryName": "/usr/bin/crun"}},
                "kata": {"runtimeType": "io.containerd.kata.v2"},
            }},
            "sandboxImage": "localhost/pause:1",
        }));
        let told: Vec<_> = node
            .handlers
            .iter()
            .map(|one| {
                (
                    one.name.as_str(),
                    one.program.as_deref().map(|path| path.to_str().unwrap_or("")),
                )
            })
            .collect();
        let expected = [
            ("runc", Some("runc")),
            ("crun", Some("/usr/bin/crun")),
            ("kata", None),
        ];
        for one in expected {
            assert!(told.contains(&one), "{told:?}");
        }
        assert_eq!(node.default_handler.as_deref(), Some("runc"));
        assert_eq!(node.sandbox_image.as_deref(), Some("localhost/pause:1"));
    }

    #[test]
    fn a_network_without_its_programs_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("bridge"), "").expect("a file");
        let cni = |kind: &str| {
            let plugin = json!({"Network": {"type": kind}});
            json!({"PluginDirs": [folder.path()], "Networks": [{"Config": {"Plugins": [plugin]}}]})
        };
        assert!(has_plugins(&cni("bridge")));
        assert!(!has_plugins(&cni("loopback")));
        assert!(!has_plugins(&cni("../bridge")));
        // CRI-O does not report them.
        assert!(has_plugins(&json!(null)));
    }

    #[test]
    fn a_socket_is_a_path_or_a_url_of_one() {
        for (text, path) in [
            ("/run/x.sock", Some("/run/x.sock")),
            ("x.sock", Some("x.sock")),
            ("unix:///run/x.sock", Some("/run/x.sock")),
            ("unix:/run/x.sock", Some("/run/x.sock")),
            ("unix:x.sock", Some("x.sock")),
            ("unix://x.sock", None),
            ("unix://", None),
            ("unix:", None),
            ("", None),
            ("tcp://localhost:1", None),
            ("npipe:////./pipe/x", None),
            ("vsock:2:1024", None),
            ("/run/a:b.sock", Some("/run/a:b.sock")),
        ] {
            assert_eq!(of_endpoint(text).as_deref(), path.map(Path::new), "{text}");
        }
    }

    #[test]
    fn whatever_a_node_says_is_no_reason_to_fall() {
        for odd in [
            json!(null),
            json!([]),
            json!({"containerd": 1}),
            json!({"containerd": {"runtimes": {"a": 1}}}),
        ] {
            of_config(&odd);
        }
    }
}
