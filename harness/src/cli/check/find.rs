//! The workloads that were asked for.

use std::path::{Path, PathBuf};

use ocidiff_model::check::Unchecked;

use crate::bundle::root_of;
use crate::check::Workload;

/// The largest config.json that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// What was found.
pub(super) struct Found {
    /// Workloads with their configs.
    pub(super) workloads: Vec<Workload>,
    /// Workloads that are there, but cannot be checked.
    pub(super) unchecked: Vec<Unchecked>,
}

/// Reads the bundles.
pub(super) fn find(bundles: &[PathBuf]) -> Found {
    let mut found = Found {
        workloads: Vec::new(),
        unchecked: Vec::new(),
    };
    for folder in bundles {
        match bundle(folder) {
            Ok(workload) => found.workloads.push(workload),
            Err(why) => found.unchecked.push(Unchecked {
                workload: folder.display().to_string(),
                why,
            }),
        }
    }
    found
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
    let name = folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    Ok(Workload {
        name,
        rootfs: folder.join(root_of(&config)),
        config,
    })
}
