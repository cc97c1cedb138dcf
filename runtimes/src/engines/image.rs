//! An image as a container would be: the engine makes one of it, so that its config.json can be read.
//!
//! Docker writes a config.json at start only. So the container is started, but what runs in it is our probe, which waits; the
//! image's own command is not run. The container has no network, and is removed at once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::models::{ContainerCreateBody, HostConfig, ImageInspect};
use bollard::query_parameters::{
    CreateContainerOptions, ListContainersOptions, RemoveContainerOptions, UploadToContainerOptions,
};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::bundle::Bundle;
use super::client::{Client, Fault};
use super::places::Places;
use super::{Config, EngineError, Found, Options, Workload, sockets, text};

/// What our containers are called, with who made them, and the label that they have.
const NAME: &str = "ocidiff";
const LABEL: &str = "ocidiff.check";
/// Where the probe is put, in a folder of its own.
const FOLDER: &str = ".ocidiff";
const PROGRAM: &str = "probe";
/// How often the config.json is looked for.
const TICK: Duration = Duration::from_millis(10);

/// The program that waits in the image's place, and how it is told to.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// A static program.
    pub program: Vec<u8>,
    /// Its arguments.
    pub args: Vec<String>,
}

/// Makes a container of an image, reads what the engine gave its runtime, and removes it.
///
/// The image must be there: nothing is pulled. The workload's config has the image's own command again.
///
/// # Errors
///
/// No engine with an API answers, or it has no such image.
pub async fn look_at_image(options: &Options, image: &str, waiter: &Waiter) -> Result<Workload, EngineError> {
    let target = sockets::targets(options, &mut Found::default())?
        .into_iter()
        .next();
    let path = target.ok_or_else(|| sockets::absent(options))?.path;
    let deadline = Instant::now() + options.engine_limit;
    let engine = Engine::of(&path, options, deadline).await;
    let engine = engine.map_err(|fault| refused(&path, &fault))?;
    engine.sweep().await.map_err(|fault| refused(&path, &fault))?;
    let told = match engine.client.docker().inspect_image(image).await {
        Ok(told) => told,
        Err(error) => {
            let fault = Fault::Said(error);
            let why = if fault.is_not_found() {
                format!("it has no image {}: pull it first", text::line(image))
            } else {
                fault.to_string()
            };
            return Err(EngineError::Socket { path, why });
        }
    };
    let borrowed = engine.borrow(image, waiter, deadline).await;
    let (id, bundle) = borrowed.map_err(|fault| refused(&path, &fault))?;
    let config = bundle.config.and_then(|config| with_command(config, &told));
    Ok(Workload {
        name: text::line(image),
        id,
        engine: engine.name.to_owned(),
        image: text::name(image),
        state: "created".to_owned(),
        runtime: None,
        config,
        rootfs: None,
        layers: of_the_image(bundle.layers),
    })
}

/// What went with the container is left out, but for its own, the first, which nobody may use.
fn of_the_image(layers: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut layers = layers.into_iter();
    let own = layers.next();
    own.into_iter()
        .chain(layers.filter(|layer| layer.is_dir()))
        .collect()
}

fn refused(path: &Path, fault: &Fault) -> EngineError {
    EngineError::Socket {
        path: path.to_owned(),
        why: fault.to_string(),
    }
}

/// An engine that makes a container for us.
struct Engine<'a> {
    client: Client<'a>,
    places: Places,
    name: &'static str,
}

impl<'a> Engine<'a> {
    async fn of(socket: &Path, options: &'a Options, deadline: Instant) -> Result<Self, Fault> {
        let mut client = Client::new(socket, options, deadline)?;
        let (version, info) = client.greet().await?;
        let mut parts = version.components.iter().flatten();
        let is_podman = parts.any(|part| part.name.contains("Podman"));
        Ok(Self {
            places: Places::new(socket, is_podman, &info, options),
            client,
            name: if is_podman { "podman" } else { "docker" },
        })
    }

    /// Removes what a check that was killed left: only what has our label, and whose maker is gone.
    async fn sweep(&self) -> Result<(), Fault> {
        let ours = ListContainersOptions {
            all: true,
            filters: Some([("label".to_owned(), vec![LABEL.to_owned()])].into()),
            ..ListContainersOptions::default()
        };
        let list = self
            .client
            .call(self.client.docker().list_containers(Some(ours)))
            .await?;
        for one in list {
            let maker = one.labels.as_ref().and_then(|labels| labels.get(LABEL));
            if let (Some(id), Some(maker)) = (&one.id, maker)
                && !is_there(maker)
            {
                self.remove(id).await?;
            }
        }
        Ok(())
    }

    /// Its bundle, while it was there.
    async fn borrow(
        &self,
        image: &str,
        waiter: &Waiter,
        deadline: Instant,
    ) -> Result<(String, Bundle), Fault> {
        let me = maker(std::process::id());
        let create = CreateContainerOptions {
            name: Some(format!("{NAME}-{}", me.replace(':', "-"))),
            ..CreateContainerOptions::default()
        };
        let made = self.client.call(
            self.client
                .docker()
                .create_container(Some(create), body(image, waiter, &me)),
        );
        let id = made.await?.id;
        // Whatever happens, it goes.
        let bundle = self.started(&id, waiter, deadline).await;
        self.remove(&id).await?;
        Ok((id, bundle?))
    }

    async fn started(&self, id: &str, waiter: &Waiter, deadline: Instant) -> Result<Bundle, Fault> {
        let upload = UploadToContainerOptions {
            path: "/".to_owned(),
            ..UploadToContainerOptions::default()
        };
        let files = bollard::body_full(Bytes::from(
            archive(&waiter.program).map_err(|err| Fault::Said(err.into()))?,
        ));
        self.client
            .call(self.client.docker().upload_to_container(id, Some(upload), files))
            .await?;
        self.client
            .call(self.client.docker().start_container(id, None))
            .await?;
        loop {
            let told = self.client.inspect(id).await?;
            let bundle = self.places.bundle(id, Some("running"), &told);
            if bundle.config.is_ok() || Instant::now() >= deadline {
                return Ok(bundle);
            }
            sleep(TICK).await;
        }
    }

    async fn remove(&self, id: &str) -> Result<(), Fault> {
        let all = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        self.client
            .call(self.client.docker().remove_container(id, Some(all)))
            .await
    }
}

fn body(image: &str, waiter: &Waiter, me: &str) -> ContainerCreateBody {
    let program = format!("/{FOLDER}/{PROGRAM}");
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![program]),
        cmd: Some(waiter.args.clone()),
        labels: Some([(LABEL.to_owned(), me.to_owned())].into()),
        host_config: Some(HostConfig {
            network_mode: Some("none".to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// The program, in its folder.
fn archive(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let header = |kind, size| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o755);
        header
    };
    let mut folder = header(tar::EntryType::Directory, 0);
    tar.append_data(&mut folder, FOLDER, std::io::empty())?;
    let mut file = header(tar::EntryType::Regular, program.len() as u64);
    tar.append_data(&mut file, format!("{FOLDER}/{PROGRAM}"), program)?;
    tar.into_inner()
}

/// A process by its pid and start time, since pids come again.
fn maker(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let started = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(19));
    format!("{pid}:{}", started.unwrap_or("?"))
}

fn is_there(name: &str) -> bool {
    let pid = name.split(':').next().and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| maker(pid) == name)
}

/// The config with what the image runs, in the place of what waited.
fn with_command(config: Config, told: &ImageInspect) -> Result<Config, String> {
    let mut json: Value = serde_json::from_str(&config.text).map_err(|err| err.to_string())?;
    let own = told.config.as_ref();
    let part = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let mut args = part(own.and_then(|own| own.entrypoint.as_ref()));
    args.extend(part(own.and_then(|own| own.cmd.as_ref())));
    json["process"]["args"] = json!(args);
    Ok(Config {
        text: json.to_string(),
        path: PathBuf::new(),
    })
}
