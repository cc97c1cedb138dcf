//! How a Podman of a test's own is set up.

/// Rlimits and cgroups that can be had everywhere, and the helpers of the Podman that is first on PATH.
pub(crate) fn conf() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder_of = |name: &str| {
        let mut folders = std::env::split_paths(&path);
        folders.find(|folder| folder.join(name).is_file())
    };
    let conmon = folder_of("conmon").unwrap_or_default().join("conmon");
    let helpers = folder_of("podman").unwrap_or_default();
    format!(
        "[containers]\ndefault_ulimits=[]\n[engine]\nevents_logger=\"file\"\ncgroup_manager=\"cgroupfs\"\n\
         conmon_path=[\"{}\"]\nhelper_binaries_dir=[\"{}\", \"/usr/lib/podman\", \"/usr/libexec/podman\"]\n",
        conmon.display(),
        helpers.display()
    )
}
