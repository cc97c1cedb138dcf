//! A rootfs as an image on the node. CRI has no call for that except pulling, so this uses containerd's own API, at
//! the same socket: the layer, its config and its manifest are written as content, and an image is made from them. A
//! lease holds what does not belong to an image yet.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::client::Client;
use crate::containerd::{
    CreateImageRequest, CreateLeaseRequest, DeleteLeaseRequest, Descriptor, Image, ListLeasesRequest,
    MountsRequest, WriteAction, WriteContentRequest, WriteContentResponse,
};
use crate::error::Error;
use crate::node::spec;

/// The namespace in which containerd's plugin looks for images.
const NAMESPACE: &str = "k8s.io";
const WRITE: &str = "/containerd.services.content.v1.Content/Write";
/// The size of a message; a server accepts 16 MiB.
const CHUNK: usize = 1 << 20;
/// How often the plugin is asked whether it has seen the image.
const TICK: Duration = Duration::from_millis(20);

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A piece of content.
struct Blob<'b> {
    kind: &'static str,
    digest: String,
    bytes: &'b [u8],
    labels: BTreeMap<String, String>,
}

impl<'b> Blob<'b> {
    fn new(kind: &'static str, bytes: &'b [u8]) -> Self {
        Self {
            kind,
            digest: digest(bytes),
            bytes,
            labels: BTreeMap::new(),
        }
    }

    fn described(&self) -> Value {
        json!({"mediaType": self.kind, "digest": self.digest, "size": self.bytes.len()})
    }
}

impl Client {
    /// Makes an image from a rootfs (a tar archive) with a name and the image's own `config` (labels, entry point),
    /// and waits until the plugin has it.
    ///
    /// # Errors
    /// See [`Error`]; what is there is not containerd.
    pub async fn import(&self, name: &str, rootfs: &[u8], own: &Value) -> Result<(), Error> {
        let layer = Blob::new(LAYER, rootfs);
        let config = json!({
            "architecture": architecture(), "os": "linux", "config": own,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        })
        .to_string();
        let config = Blob::new(CONFIG, config.as_bytes());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": config.described(), "layers": [layer.described()],
        })
        .to_string();
        let mut manifest = Blob::new(MANIFEST, manifest.as_bytes());
        // By these the garbage collector finds what belongs to the image.
        for (at, part) in [&config, &layer].into_iter().enumerate() {
            let label = format!("containerd.io/gc.ref.content.{at}");
            manifest.labels.insert(label, part.digest.clone());
        }
        let lease = format!("{name}@{}", std::process::id());
        let lease = lease.replace(['/', ':'], "-");
        // If it is found left over, these say what it belongs to, as for the image.
        let labels = own["Labels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        self.make_lease(&lease, labels.collect()).await?;
        let made = self.write_image(name, &lease, [&layer, &config, &manifest]).await;
        // Whatever the outcome.
        let freed = self.remove_lease(&lease).await;
        made?;
        freed?;
        self.seen(name).await
    }

    /// Makes a lease.
    ///
    /// # Errors
    /// See [`Error`]; what is there is not containerd.
    pub async fn make_lease(&self, id: &str, labels: BTreeMap<String, String>) -> Result<(), Error> {
        let id = id.to_owned();
        let request = CreateLeaseRequest { id, labels };
        let made = self.call_within(request, self.limit(), headers(None)).await;
        made.map(drop)
    }

    /// The leases of the node's images, by id, with their labels: an import that did not finish left its own.
    ///
    /// # Errors
    /// See [`Error`]; what is there is not containerd.
    pub async fn leases(&self) -> Result<Vec<(String, BTreeMap<String, String>)>, Error> {
        let request = ListLeasesRequest::default();
        let told = self.call_within(request, self.limit(), headers(None)).await?;
        Ok(told.leases.into_iter().map(|one| (one.id, one.labels)).collect())
    }

    /// Removes a lease, and with it what it alone holds; it is not an error if it is already gone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remove_lease(&self, id: &str) -> Result<(), Error> {
        let request = DeleteLeaseRequest {
            id: id.to_owned(),
            sync: false,
        };
        match self.call_within(request, self.limit(), headers(None)).await {
            Err(error) if !error.is_gone() => Err(error),
            _ => Ok(()),
        }
    }

    async fn write_image(&self, name: &str, lease: &str, blobs: [&Blob<'_>; 3]) -> Result<(), Error> {
        for blob in blobs {
            self.write(blob, lease).await?;
        }
        let manifest = blobs[2];
        let image = Image {
            name: name.to_owned(),
            labels: BTreeMap::new(),
            target: Some(Descriptor {
                media_type: manifest.kind.to_owned(),
                digest: manifest.digest.clone(),
                size: i64::try_from(manifest.bytes.len()).unwrap_or_default(),
            }),
        };
        let request = CreateImageRequest { image: Some(image) };
        self.call_within(request, self.limit(), headers(Some(lease)))
            .await
            .map(drop)
    }

    /// Writes content, one chunk per message; it is fine if it is already there.
    async fn write(&self, blob: &Blob<'_>, lease: &str) -> Result<(), Error> {
        const CALL: &str = "Write";
        let messages = messages(blob, lease);
        let sent = async {
            let mut grpc = self.grpc().await?;
            let mut request = Request::new(tokio_stream::iter(messages));
            *request.metadata_mut() = headers(Some(lease));
            let path = tonic::codegen::http::uri::PathAndQuery::from_static(WRITE);
            let codec = ProstCodec::<WriteContentRequest, WriteContentResponse>::default();
            let mut answers = grpc.streaming(request, path, codec).await?.into_inner();
            while answers.message().await?.is_some() {}
            Ok::<(), Status>(())
        };
        match timeout(self.limit(), sent).await {
            Err(_) => Err(Error::Late {
                call: CALL,
                limit: self.limit(),
            }),
            Ok(Err(status)) if status.code() == Code::AlreadyExists => Ok(()),
            Ok(Err(status)) => Err(Error::of(CALL, &status)),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// The options of the overlay that is a container's root, wherever it is mounted.
    ///
    /// # Errors
    /// See [`Error`]; its root is not an overlay of containerd's.
    pub async fn overlay(&self, snapshotter: &str, container: &str) -> Result<String, Error> {
        let request = MountsRequest {
            snapshotter: snapshotter.to_owned(),
            key: container.to_owned(),
        };
        let answer = self.call_within(request, self.limit(), headers(None)).await?;
        let mut mounts = answer
            .mounts
            .into_iter()
            .filter(|mount| mount.r#type == "overlay");
        let mount = mounts.next().ok_or(Error::Lacks {
            call: "Mounts",
            what: "overlay",
        })?;
        Ok(mount.options.join(","))
    }

    /// The plugin learns about a new image through an event, a little later.
    async fn seen(&self, name: &str) -> Result<(), Error> {
        let until = Instant::now() + self.limit();
        while self.image_labels(name).await?.is_none() {
            if Instant::now() >= until {
                return Err(Error::Image {
                    image: spec(name).image,
                    why: "it was imported, and the CRI plugin has not seen it".to_owned(),
                });
            }
            sleep(TICK).await;
        }
        Ok(())
    }
}

fn messages(blob: &Blob<'_>, lease: &str) -> Vec<WriteContentRequest> {
    let total = i64::try_from(blob.bytes.len()).unwrap_or_default();
    let at = |place: usize| i64::try_from(place).unwrap_or_default();
    let base = WriteContentRequest {
        r#ref: format!("{lease}-{}", blob.digest),
        total,
        expected: blob.digest.clone(),
        ..WriteContentRequest::default()
    };
    let chunks = blob.bytes.chunks(CHUNK).enumerate();
    let mut all: Vec<WriteContentRequest> = chunks
        .map(|(number, data)| WriteContentRequest {
            action: WriteAction::Write.into(),
            offset: at(number * CHUNK),
            data: data.to_vec(),
            ..base.clone()
        })
        .collect();
    all.push(WriteContentRequest {
        action: WriteAction::Commit.into(),
        offset: total,
        labels: blob.labels.clone(),
        ..base
    });
    all
}

fn headers(lease: Option<&str>) -> MetadataMap {
    let mut map = MetadataMap::new();
    map.insert("containerd-namespace", MetadataValue::from_static(NAMESPACE));
    if let Some(lease) = lease.and_then(|lease| lease.parse().ok()) {
        map.insert("containerd-lease", lease);
    }
    map
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// The architecture's name in images.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_sent_in_chunks_and_then_committed() {
        let bytes = vec![7; CHUNK + 5];
        let all = messages(&Blob::new(LAYER, &bytes), "l");
        let told: Vec<_> = all
            .iter()
            .map(|one| (one.action(), one.offset, one.data.len()))
            .collect();
        let (chunk, total) = (1 << 20, (1 << 20) + 5);
        assert_eq!(
            told,
            [
                (WriteAction::Write, 0, CHUNK),
                (WriteAction::Write, chunk, 5),
                (WriteAction::Commit, total, 0)
            ]
        );
    }
}
