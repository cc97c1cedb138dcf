//! Versions of engines whose folders were found, and whose API was not asked for containers.

use std::path::PathBuf;
use std::time::Duration;

use ocidiff_cri::Client;

use crate::commands::Commands;
use crate::found::UNKNOWN;
use crate::{Options, containerd, text};

/// Asks the engines whose version is not known yet; an engine that does not answer changes nothing.
pub(crate) async fn ask(options: &Options, engines: &mut [crate::Engine]) {
    for engine in engines.iter_mut().filter(|engine| engine.version == UNKNOWN) {
        if let Some(version) = version(&engine.name, options).await {
            engine.version = version;
        }
    }
}

async fn version(engine: &str, options: &Options) -> Option<String> {
    let limit: Duration = options.call_limit;
    let told = match engine {
        "containerd" => Client::containerd_version(&containerd::socket(options), limit)
            .await
            .ok(),
        "crio" => {
            let socket: PathBuf = options.root.join("run/crio/crio.sock");
            Client::connect(&socket, limit)
                .await
                .ok()
                .map(|client| client.version)
        }
        // The program on PATH belongs to the node only if we see the node as it is.
        "podman" if options.root.as_os_str() == "/" => Commands::version(limit).await.ok(),
        _ => None,
    };
    told.as_deref().and_then(text::name)
}
