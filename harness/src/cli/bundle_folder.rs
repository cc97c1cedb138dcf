//! A bundle's folder, as it was typed.

use std::path::Path;

use crate::bundle::given::Reach;

/// How far its rootfs may be away from it, if only what lies inside is taken.
pub(super) fn reach(outside_root: bool) -> Reach {
    if outside_root {
        Reach::Anywhere
    } else {
        Reach::Inside
    }
}

/// What people call it.
pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || folder.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
