//! A real Podman: its service and its folders report the same containers.

#[path = "support/podman.rs"]
mod podman;
#[path = "support/private.rs"]
mod private;

use std::fs;
use std::path::Path;

use ocidiff_engines::{Found, Options, Which, Workload, find};
use private::{Private, box_rootfs, needs};
use serde_json::Value;

/// Its arguments: the folder, and the parent of the cgroups.
const SCRIPT: &str = r#"
set -e
export CONTAINERS_CONF="$1/containers.conf"
runtime=$(command -v crun || command -v runc)
podman() {
  command podman --root "$1/node/var/lib/containers/storage" --runroot /run/containers/storage --runtime "$runtime" "${@:2}"
}
here=$1
# It wants a short path; /run is our own.
mkdir -p /run/containers/storage
mount --bind "$here/node/run/containers/storage" /run/containers/storage
few="--network none --cgroup-parent $2 --ulimit nofile=1024:1024 --ulimit nproc=1000:1000"
podman "$here" import -q "$here/box.tar" box:1
podman "$here" run -d --name runs $few box:1 /bin/sleep 1000
podman "$here" create --name made $few box:1 /bin/sleep 1000
podman "$here" run --name ended $few box:1 /bin/true
podman "$here" system service -t 0 "unix://$here/podman.sock"
"#;

fn start() -> Option<Private> {
    needs(&["podman", "bash"])?;
    let folder = Private::folder();
    let at = |name: &str| folder.path().join(name);
    box_rootfs(&at("box"))?;
    podman::prepare(folder.path());
    for place in ["node/var/lib/containers/storage", "node/run/containers/storage"] {
        fs::create_dir_all(at(place)).expect("a folder");
    }
    let cgroup = Private::cgroup_of(&folder);
    let folder_name = folder.path().display().to_string();
    let words = ["bash", "-c", SCRIPT, "bash", &folder_name, &cgroup].map(str::to_owned);
    let mut podman = Private::start(folder, &words);
    let socket = podman.path("podman.sock");
    let answers = || std::os::unix::net::UnixStream::connect(&socket).is_ok();
    assert!(
        podman.comes_up(answers),
        "podman does not start; its words are above"
    );
    Some(podman)
}

fn look(options: &Options) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = runtime.expect("a runtime").block_on(find(options));
    found.unwrap_or_else(|error| panic!("{error}"))
}

fn named<'f>(found: &'f Found, name: &str) -> &'f Workload {
    let one = found.workloads.iter().find(|one| one.name == name);
    one.unwrap_or_else(|| panic!("{name}: {found:#?}"))
}

fn has_the_box(folder: &Path) -> bool {
    folder.join("bin/busybox").exists()
}

#[test]
fn a_real_podman_tells_the_same_by_its_service_and_by_its_folders() {
    let Some(podman) = start() else { return };
    let folders = Options {
        which: Which::Podman,
        root: podman.path("node"),
        ..Options::default()
    };
    let service = Options {
        socket: Some(podman.path("podman.sock")),
        ..folders.clone()
    };
    for options in [&service, &folders] {
        let before = podman.mounts();
        let found = look(options);
        assert_eq!(podman.mounts(), before, "a look mounts nothing");
        let mut names: Vec<&str> = found.workloads.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["ended", "made", "runs"], "{found:#?}");
        let runs = named(&found, "runs");
        let config = runs.config.as_ref().unwrap_or_else(|why| panic!("{why}"));
        let json: Value = serde_json::from_str(&config.text).expect("JSON");
        assert_eq!(json["process"]["args"][0], "/bin/sleep");
        assert!(
            runs.image
                .as_deref()
                .is_some_and(|image| image.ends_with("box:1")),
            "{runs:#?}"
        );
        assert!(
            has_the_box(runs.layers.last().expect("layers")) && !has_the_box(&runs.layers[0]),
            "{runs:#?}"
        );
        let made = named(&found, "made");
        assert!(made.state == "created" && made.config.is_err(), "{made:#?}");
        assert_eq!(named(&found, "ended").state, "exited");
        assert_eq!(found.engines[0].name, "podman");
        // Another node's folders do not say a version.
        let is_told = options.socket.is_some();
        assert_eq!(found.engines[0].version != "unknown", is_told, "{found:#?}");
    }
}
