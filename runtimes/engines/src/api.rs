//! Docker's API, which Podman speaks too. Only read calls are made.

use std::path::Path;

use bollard::models::{ContainerInspectResponse, ContainerSummary, SystemInfo, SystemVersion};
use tokio::time::Instant;

use super::bundle::Bundle;
use super::client::{Client, Fault};
use super::places::Places;
use super::{Engine, Found, Options, Workload, text};

const VANISHED: &str = "it vanished during the check";

/// Adds the engine behind a socket and its containers; an error says why there are none.
pub(super) async fn ask(
    socket: &Path,
    options: &Options,
    deadline: Instant,
    found: &mut Found,
) -> Result<(), Fault> {
    let mut client = Client::new(socket, options, deadline)?;
    let (version, info) = client.greet().await?;
    let list = client.list().await?;
    let engine = engine(socket, &version, &info);
    let (name, default) = (engine.name.clone(), engine.default_runtime.clone());
    found.engines.push(engine);
    let places = Places::new(socket, name == "podman", &info, options);
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
        let mut one = workload(&name, id, summary, told, &places);
        one.runtime = one.runtime.or_else(|| default.clone());
        found.workloads.push(one);
    }
    Ok(())
}

pub(crate) fn engine(socket: &Path, version: &SystemVersion, info: &SystemInfo) -> Engine {
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
    let image = told.config.as_ref().and_then(|config| config.image.clone());
    let runtime = told.host_config.as_ref().and_then(|host| host.runtime.as_deref());
    // Podman's word for any runtime.
    let runtime = runtime.filter(|name| *name != "oci").and_then(text::name);
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
        runtime,
        handler: None,
        config: bundle.config,
        rootfs: bundle.rootfs,
        layers: bundle.layers,
    }
}
