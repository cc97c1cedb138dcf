//! An image as a container would be: the engine makes a container from it, so that its config.json can be read.
//!
//! Docker writes a config.json only at start. So the container is started, but what runs in it is our probe, which
//! waits; the image's own command is not run. The container has no network, and is removed at once.

use std::path::PathBuf;
use std::time::Duration;

use bollard::models::ImageInspect;
use bollard::query_parameters::UploadToContainerOptions;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{CallError, Remote};
use crate::bundle::Bundle;
use crate::{Config, Workload, text};

/// Where the probe is put, in a folder of its own.
const FOLDER: &str = ".ocidiff";
const PROGRAM: &str = "probe";
/// How often to look for the config.json.
const TICK: Duration = Duration::from_millis(10);

/// The program that waits in place of the image's, and how it is told to wait.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// A static program.
    pub program: Vec<u8>,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Remote {
    /// Makes a container from an image, reads what the engine gave its runtime, and removes it.
    ///
    /// The image must exist: nothing is pulled. In the workload's config, the image's own command is restored.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; the engine has no such image.
    pub async fn look_at_image(&self, image: &str, waiter: &Waiter) -> Result<Workload, CallError> {
        let told = match self.call(self.docker.inspect_image(image)).await {
            Err(CallError::Refused(why) | CallError::Declined(why)) => {
                return Err(CallError::Refused(format!("{}: pull it first", text::line(&why))));
            }
            told => told?,
        };
        let body = json!({
            "Image": image,
            "Entrypoint": [format!("/{FOLDER}/{PROGRAM}")],
            "Cmd": waiter.args,
            "HostConfig": {"NetworkMode": "none"},
        });
        let id = self.create("image", body).await?;
        // Whatever happens, it is removed.
        let bundle = self.started(&id, waiter).await;
        self.remove(&id, false).await?;
        let bundle = bundle?;
        Ok(Workload {
            name: text::line(image),
            id,
            engine: self.name.clone(),
            image: text::name(image),
            state: "created".to_owned(),
            runtime: self.default_runtime.clone(),
            handler: None,
            config: bundle.config.and_then(|config| with_command(config, &told)),
            rootfs: None,
            layers: of_the_image(bundle.layers),
        })
    }

    /// Its bundle, while it exists.
    async fn started(&self, id: &str, waiter: &Waiter) -> Result<Bundle, CallError> {
        let upload = UploadToContainerOptions {
            path: "/".to_owned(),
            ..UploadToContainerOptions::default()
        };
        let files = archive(&waiter.program).map_err(|error| CallError::Failed(error.to_string()))?;
        let files = bollard::body_full(files.into());
        self.call(self.docker.upload_to_container(id, Some(upload), files))
            .await?;
        self.call(self.docker.start_container(id, None)).await?;
        let deadline = Instant::now() + self.call_limit;
        loop {
            let told = self.call(self.docker.inspect_container(id, None)).await?;
            let bundle = self.places.bundle(id, Some("running"), &told);
            if bundle.config.is_ok() || Instant::now() >= deadline {
                return Ok(bundle);
            }
            sleep(TICK).await;
        }
    }
}

/// What went away with the container is left out, except for its own layer, the first, which must not be used.
fn of_the_image(layers: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut layers = layers.into_iter();
    let own = layers.next();
    own.into_iter()
        .chain(layers.filter(|layer| layer.is_dir()))
        .collect()
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

/// The config with what the image runs, in place of the program that waited.
fn with_command(config: Config, told: &ImageInspect) -> Result<Config, String> {
    let mut json: Value = serde_json::from_str(&config.text).map_err(|err| err.to_string())?;
    let own = told.config.as_ref();
    let part = |list: Option<&Vec<String>>| list.cloned().unwrap_or_default();
    let mut args = part(own.and_then(|own| own.entrypoint.as_ref()));
    args.extend(part(own.and_then(|own| own.cmd.as_ref())));
    json["process"]["args"] = json!(args);
    Ok(Config {
        text: json.to_string(),
        ..config
    })
}
