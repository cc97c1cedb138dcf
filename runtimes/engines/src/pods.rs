//! The containers of a node's pods, through CRI: what the kubelet would see. Pods' own containers (`pause`) are not
//! listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ocidiff_cri::messages::{Container, ContainerState, PodSandbox};
use ocidiff_cri::node::{Node, SOCKETS, usual_socket};
use ocidiff_cri::{Client, Error};
use tokio::time::Instant;

use super::remote::RUN;
use super::sockets::is_socket;
use super::{Config, Engine, EngineError, Found, Options, Which, Workload, mounts, text};

/// The label of pods that `check --kubernetes` makes, and where they are.
const CHECKS: (&str, &str) = ("app.kubernetes.io/name", "ocidiff");

/// Asks the node's CRI runtimes, and says whether one answered.
pub(super) async fn look(options: &Options, found: &mut Found) -> Result<bool, EngineError> {
    let by_name = options.which == Which::Cri;
    let mut answered = false;
    for socket in targets(options)? {
        match ask(&socket, options, found).await {
            Ok(()) => answered = true,
            Err(Error::Silent { path, limit }) if by_name => return Err(EngineError::Silent { path, limit }),
            Err(error) if by_name => {
                return Err(EngineError::Socket {
                    path: socket,
                    why: error.to_string(),
                });
            }
            // Docker's containerd has none, and Docker was asked.
            Err(Error::Disabled(_) | Error::Deaf(_)) => {}
            Err(error) => found.notes.push(format!("cri: {error}")),
        }
    }
    Ok(answered)
}

/// The sockets to ask: the one that is named, or those in the usual places.
fn targets(options: &Options) -> Result<Vec<PathBuf>, EngineError> {
    Ok(match (options.which, &options.socket) {
        (Which::Cri, Some(socket)) => vec![socket.clone()],
        (Which::Cri, None) if options.root == Path::new("/") => {
            vec![usual_socket().map_err(|error| EngineError::Endpoint(error.to_string()))?]
        }
        (Which::Auto, Some(_)) => Vec::new(),
        (Which::Auto | Which::Cri, None) => SOCKETS
            .iter()
            .map(|place| options.root.join(place.trim_start_matches('/')))
            .filter(|path| is_socket(path))
            .collect(),
        _ => Vec::new(),
    })
}

async fn ask(socket: &Path, options: &Options, found: &mut Found) -> Result<(), Error> {
    let deadline = Instant::now() + options.engine_limit;
    let client = Client::connect(socket, options.call_limit).await?;
    let node = client.node().await?;
    let pods = client.pods().await?;
    let pods: BTreeMap<&str, &PodSandbox> = pods.iter().map(|pod| (pod.id.as_str(), pod)).collect();
    let listed = client.containers().await?;
    let name = text::name(&client.name).unwrap_or_else(|| "cri".to_owned());
    found.engines.push(engine(&name, socket, &client, &node));
    let mut left = newest(&listed);
    while let Some(one) = left.pop() {
        let pod = pods.get(one.pod_sandbox_id.as_str()).copied();
        if !text::is_id(&one.id) || pod.is_some_and(is_own) {
            continue;
        }
        if !found.has_room(&name) {
            break;
        }
        if Instant::now() >= deadline {
            let limit = options.engine_limit.as_secs_f32();
            let rest = left.len() + 1;
            found.notes.push(format!(
                "{name}: {limit} s were not enough: {rest} containers were not looked at"
            ));
            break;
        }
        let workload = workload(&client, &node, &name, one, pod).await;
        found.workloads.push(workload);
    }
    Ok(())
}

/// A pod that `check` itself runs in, or that a run of cases made.
fn is_own(pod: &PodSandbox) -> bool {
    let namespace = pod.metadata.as_ref().map(|one| one.namespace.as_str());
    let (label, name) = CHECKS;
    let is_check = namespace == Some(name) && pod.labels.get(label).is_some_and(|value| value == name);
    is_check || pod.labels.contains_key(RUN)
}

/// For each container of a pod, the one that was made last: the kubelet keeps those that ended before. The first comes
/// last.
fn newest(listed: &[Container]) -> Vec<&Container> {
    let mut all = BTreeMap::<(&str, &str), &Container>::new();
    for one in listed {
        let name = one
            .metadata
            .as_ref()
            .map_or("", |metadata| metadata.name.as_str());
        let last = all.entry((one.pod_sandbox_id.as_str(), name)).or_insert(one);
        if one.created_at > last.created_at {
            *last = one;
        }
    }
    let mut kept: Vec<&Container> = all.into_values().collect();
    kept.sort_by_key(|one| (std::cmp::Reverse(one.created_at), one.id.clone()));
    kept
}

async fn workload(
    client: &Client,
    node: &Node,
    engine: &str,
    one: &Container,
    pod: Option<&PodSandbox>,
) -> Workload {
    let told = client.told(&one.id).await;
    let snapshotter = told.as_ref().ok().and_then(|told| told.snapshotter.clone());
    let overlay = match snapshotter {
        Some(name) => client.overlay(&name, &one.id).await.ok(),
        None => None,
    };
    let config = match told {
        Ok(told) => told
            .config
            .map(|config| Config {
                text: config,
                path: client.socket().to_owned(),
            })
            .ok_or_else(|| "the CRI runtime does not give its config.json".to_owned()),
        Err(error) if error.is_gone() => Err("it is gone by now".to_owned()),
        Err(error) => Err(text::line(&error.to_string())),
    };
    let handler = pod.map(|pod| pod.runtime_handler.as_str()).unwrap_or_default();
    let handler = text::name(handler).or_else(|| node.default_handler.clone());
    Workload {
        name: name(one, pod).unwrap_or_else(|| one.id.clone()),
        id: one.id.clone(),
        engine: engine.to_owned(),
        image: one.image.as_ref().and_then(|image| text::name(&image.image)),
        state: state(one.state()).to_owned(),
        runtime: handler.as_deref().map(|name| program(node, name)),
        handler,
        config,
        rootfs: None,
        layers: overlay.map_or_else(Vec::new, |options| mounts::split(&options)),
    }
}

/// What people call it.
fn name(one: &Container, pod: Option<&PodSandbox>) -> Option<String> {
    let pod = pod?.metadata.as_ref()?;
    let name = &one.metadata.as_ref()?.name;
    text::name(&format!("{}/{}/{name}", pod.namespace, pod.name))
}

/// The handler's program, which says more than its name; the name if the node does not report the program.
fn program(node: &Node, handler: &str) -> String {
    let mut all = node.handlers.iter();
    let program = all
        .find(|one| one.name == handler)
        .and_then(|one| one.program.as_ref());
    program.map_or_else(
        || handler.to_owned(),
        |path| text::line(&path.display().to_string()),
    )
}

fn state(state: ContainerState) -> &'static str {
    match state {
        ContainerState::ContainerCreated => "created",
        ContainerState::ContainerRunning => "running",
        ContainerState::ContainerExited => "exited",
        ContainerState::ContainerUnknown => "unknown",
    }
}

fn engine(name: &str, socket: &Path, client: &Client, node: &Node) -> Engine {
    let runtimes = node.handlers.iter().map(|one| match &one.program {
        Some(program) => text::line(&format!("{}={}", one.name, program.display())),
        None => one.name.clone(),
    });
    Engine {
        name: name.to_owned(),
        version: text::name(&client.version).unwrap_or_else(|| "unknown".to_owned()),
        socket: Some(socket.to_owned()),
        default_runtime: node.default_handler.clone(),
        runtimes: runtimes.collect(),
    }
}

/// A CRI runtime that was asked for and does not exist.
pub(super) fn absent() -> EngineError {
    EngineError::Absent {
        engine: "cri",
        looked: SOCKETS.join(" nor "),
        remedy: "start containerd or CRI-O, or name its socket",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocidiff_cri::messages::{ContainerMetadata, PodSandboxMetadata};

    #[test]
    fn of_a_container_that_was_restarted_the_last_one_counts() {
        let one = |id: &str, name: &str, created_at| Container {
            id: id.to_owned(),
            pod_sandbox_id: "p".to_owned(),
            metadata: Some(ContainerMetadata {
                name: name.to_owned(),
                attempt: 0,
            }),
            created_at,
            ..Container::default()
        };
        let all = [one("a", "web", 1), one("b", "web", 3), one("c", "log", 2)];
        let kept: Vec<&str> = newest(&all).iter().map(|one| one.id.as_str()).collect();
        assert_eq!(kept, ["b", "c"]);
    }

    #[test]
    fn pods_of_ours_are_no_workloads() {
        let pod = |namespace: &str, label: (&str, &str)| PodSandbox {
            metadata: Some(PodSandboxMetadata {
                namespace: namespace.to_owned(),
                ..PodSandboxMetadata::default()
            }),
            labels: [(label.0.to_owned(), label.1.to_owned())].into(),
            ..PodSandbox::default()
        };
        assert!(is_own(&pod("ocidiff", CHECKS)));
        assert!(is_own(&pod("any", (RUN, "x"))));
        // A name alone does not hide a pod.
        assert!(!is_own(&pod("shop", CHECKS)));
        assert!(!is_own(&pod("ocidiff", ("app", "web"))));
    }
}
