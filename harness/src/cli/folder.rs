//! A bundle's folder, as it was typed.

use std::path::Path;

/// The largest config.json that is read, in bytes.
const MOST_BYTES: u64 = 16 << 20;

/// The text of its config.json; an error is one line.
pub(super) fn config_of(folder: &Path) -> Result<String, String> {
    let path = folder.join("config.json");
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let size = std::fs::metadata(&path).map_err(told)?.len();
    if size > MOST_BYTES {
        return Err(format!("{}: {size} bytes are no config", path.display()));
    }
    std::fs::read_to_string(&path).map_err(told)
}

/// How people call it.
pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
