//! A rootfs as an image in the engine: made once per run, by import; nothing is pulled.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::makes::Makes;
use crate::bundle::{Bundle, merge_layers};

/// The images of a run, by the digest of the rootfs and the stop signal.
#[derive(Debug, Default)]
pub(super) struct Images(Mutex<BTreeMap<String, Made>>);

type Made = Arc<OnceCell<Result<String, String>>>;

impl Images {
    /// The id of a rootfs's image; if another caller is already making it, this waits.
    pub(super) async fn of(
        &self,
        bundle: &Bundle,
        folder: &Path,
        maker: &impl Makes,
        signal: Option<i32>,
    ) -> Result<String, String> {
        let mut digest = bundle.digest.rootfs.clone();
        let mut tag: String = digest.chars().take(16).collect();
        if let Some(signal) = signal {
            digest += &format!("-{signal}");
            tag += &format!("-{signal}");
        }
        let made = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(digest).or_default())
        };
        let make = || async {
            let (layers, aside) = (bundle.layers.clone(), folder.join("image").join(&tag));
            let packed = tokio::task::spawn_blocking(move || pack(&layers, &aside)).await;
            let packed = packed.map_err(|error| error.to_string())?;
            let tar = packed.map_err(|error| format!("failed to pack the rootfs: {error}"))?;
            maker
                .import(tar, &tag, signal)
                .await
                .map_err(|error| format!("failed to import the rootfs: {error}"))
        };
        made.get_or_init(make).await.clone()
    }
}

/// The layers as one archive.
fn pack(layers: &[PathBuf], aside: &Path) -> io::Result<Vec<u8>> {
    merge_layers(layers, aside)?;
    let mut builder = tar::Builder::new(Vec::new());
    builder.follow_symlinks(false);
    builder.append_dir_all(".", aside)?;
    let bytes = builder.into_inner()?;
    std::fs::remove_dir_all(aside)?;
    Ok(bytes)
}
