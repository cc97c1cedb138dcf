//! How a private Podman for a test is set up.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Packs the rootfs `box` of the folder for `podman import`, and writes the config of a Podman there.
pub(crate) fn prepare(folder: &Path) {
    let tar = Command::new("tar")
        .arg("-C")
        .arg(folder.join("box"))
        .arg("-cf")
        .arg(folder.join("box.tar"))
        .arg(".")
        .status();
    assert!(tar.is_ok_and(|status| status.success()));
    fs::write(folder.join("containers.conf"), conf()).expect("a config");
}

/// Rlimits and cgroups that are available everywhere, and the helpers of the Podman that is first on PATH.
fn conf() -> String {
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
