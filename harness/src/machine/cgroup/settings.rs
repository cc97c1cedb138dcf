//! The files of a cgroup that hold settings; Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of the kernel.

use std::fs;
use std::path::Path;

use ocidiff_model::names::{CGROUP_SETTINGS, SETTINGS_OF_EACH_HIERARCHY};

/// Name and text of every setting of a cgroup, sorted by name.
pub(crate) fn settings(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            CGROUP_SETTINGS.binary_search(&name.as_str()).is_ok()
                || SETTINGS_OF_EACH_HIERARCHY.contains(&name.as_str())
        })
        .collect();
    names.sort();
    // Some settings can only be read in some states; that is not a fact about the runtime.
    names
        .into_iter()
        .filter_map(|name| Some((fs::read_to_string(folder.join(&name)).ok()?, name)))
        .map(|(text, name)| (name, text))
        .collect()
}
