//! The workloads that were asked for: bundles, and what engines have.

use std::path::Path;

use ocidiff_model::check::Unchecked;

use super::super::args::{CheckArgs, EngineArg};
use crate::check::Workload;
use crate::error::Error;

/// The largest config.json that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// What was found.
pub(super) struct Found {
    /// Workloads with their configs.
    pub(super) workloads: Vec<Workload>,
    /// Workloads that are there, but cannot be checked.
    pub(super) unchecked: Vec<Unchecked>,
}

/// Finds them.
#[expect(clippy::unused_async, reason = "engines are asked here, too")]
pub(super) async fn find(args: &CheckArgs) -> Result<Found, Error> {
    let mut found = Found {
        workloads: Vec::new(),
        unchecked: Vec::new(),
    };
    for folder in &args.bundles {
        match bundle(folder) {
            Ok(workload) => found.workloads.push(workload),
            Err(why) => found.unchecked.push(Unchecked {
                workload: folder.display().to_string(),
                why,
            }),
        }
    }
    if args.engine == EngineArg::None && args.bundles.is_empty() {
        return Err(Error::usage(
            "nothing to check: name a --bundle, or an --engine other than none",
        ));
    }
    Ok(found)
}

fn bundle(folder: &Path) -> Result<Workload, String> {
    let path = folder.join("config.json");
    let size = std::fs::metadata(&path)
        .map_err(|error| format!("{}: {error}", path.display()))?
        .len();
    if size > MOST_BYTES {
        return Err(format!("{}: {size} bytes are no config", path.display()));
    }
    let config = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let root = serde_json::from_str::<serde_json::Value>(&config)
        .ok()
        .and_then(|config| Some(config["root"]["path"].as_str()?.to_owned()))
        .unwrap_or_else(|| "rootfs".to_owned());
    let name = folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Workload {
        name,
        config,
        rootfs: folder.join(root),
    })
}
