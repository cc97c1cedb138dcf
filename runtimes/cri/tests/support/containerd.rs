//! A private containerd for a test, with its CRI plugin and without a network: handlers are what the test says,
//! images are imported, and nothing is pulled.

use std::fs;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ocidiff_cri::Client;
use serde_json::json;

use super::private::{Private, box_rootfs, needs};

/// The image of [`Containerd::images`].
pub(crate) const BOX: &str = "localhost/box:1";
/// The image of the pods' own containers.
const PAUSE: &str = "localhost/pause:1";
/// How long a call may take on a busy machine.
const CALL: Duration = Duration::from_secs(60);

/// The engine. Everything belonging to it ends with this value.
pub(crate) struct Containerd {
    private: Private,
}

/// Blocks the test's own thread.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

impl Containerd {
    /// Starts the one on PATH, with these handlers. `None` if it is not available: the test is skipped.
    pub(crate) fn start(handlers: &[(&str, &Path)]) -> Option<Self> {
        needs(&["containerd", "containerd-shim-runc-v2"])?;
        Some(Self::with(Path::new("containerd"), handlers, ""))
    }

    /// Starts one whose plugin is disabled.
    pub(crate) fn without_plugin() -> Option<Self> {
        needs(&["containerd"])?;
        Some(Self::with(
            Path::new("containerd"),
            &[],
            "disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n",
        ))
    }

    /// Starts a program chosen by the test; its folder comes first on PATH, since the shim is there too.
    pub(crate) fn with(program: &Path, handlers: &[(&str, &Path)], more: &str) -> Self {
        let folder = Private::folder();
        let config = folder.path().join("config.toml");
        fs::write(&config, configured(folder.path(), handlers, more)).expect("a config");
        network(folder.path());
        let path = std::env::var("PATH").unwrap_or_default();
        let first = program.parent().filter(|parent| parent.is_absolute());
        let path = first.map_or(path.clone(), |parent| format!("{}:{path}", parent.display()));
        // Volumes with propagation need a shared root.
        let words = [
            "env".to_owned(),
            format!("PATH={path}"),
            "sh".to_owned(),
            "-c".to_owned(),
            "mount --make-rshared / && exec \"$@\"".to_owned(),
            "sh".to_owned(),
            program.display().to_string(),
            "--config".to_owned(),
            config.display().to_string(),
        ];
        let mut new = Self {
            private: Private::start(folder, &words),
        };
        let socket = new.socket();
        let is_plugin_off = !more.is_empty();
        let answers = || match wait(Client::connect(&socket, CALL)) {
            Ok(_) => true,
            Err(error) => is_plugin_off && matches!(error, ocidiff_cri::Error::Disabled(_)),
        };
        assert!(
            new.private.comes_up(answers),
            "containerd does not start; its words are above"
        );
        new
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.private.path("containerd.sock")
    }

    /// The parent of its containers' cgroups: removed with this value.
    pub(crate) fn cgroup(&self) -> String {
        self.private.cgroup()
    }

    /// The mounts of its namespace.
    pub(crate) fn mounts(&self) -> String {
        self.private.mounts()
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        self.private.log()
    }

    /// A file in its folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.private.path(relative)
    }

    /// A client.
    pub(crate) async fn client(&self) -> Client {
        Client::connect(&self.socket(), CALL).await.expect("it answers")
    }

    /// The pods' own image and one with a static busybox: `None` if there is no such busybox.
    pub(crate) fn images(&self) -> Option<()> {
        let root = self.path("box");
        box_rootfs(&root)?;
        self.import(BOX, &root);
        // A pod's own container only needs to exist.
        self.import_with(PAUSE, &root, &["/bin/sleep", "1000000"]);
        Some(())
    }

    /// Makes an image from a folder.
    pub(crate) fn import(&self, image: &str, rootfs: &Path) {
        self.import_with(image, rootfs, &[]);
    }

    fn import_with(&self, image: &str, rootfs: &Path, entrypoint: &[&str]) {
        let tar = std::process::Command::new("tar")
            .arg("-C")
            .arg(rootfs)
            .args(["--numeric-owner", "-cf", "-", "."])
            .output()
            .expect("tar runs");
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        // Real ones have a PATH: youki does not start a process without one.
        let config = json!({
            "Entrypoint": entrypoint, "Env": ["PATH=/bin"], "Labels": {"of": "tests"},
        });
        wait(async { self.client().await.import(image, &tar.stdout, &config).await })
            .expect("it is imported");
    }
}

fn configured(folder: &Path, handlers: &[(&str, &Path)], more: &str) -> String {
    let folder = folder.display();
    let plugin = "plugins.\"io.containerd.grpc.v1.cri\"";
    let default = handlers.first().map_or("runc", |(name, _)| name);
    let mut text = format!(
        "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\n{more}\
         [grpc]\naddress = \"{folder}/containerd.sock\"\n\
         [{plugin}]\nsandbox_image = \"{PAUSE}\"\nrestrict_oom_score_adj = true\ndisable_apparmor = true\n\
         tolerate_missing_hugetlb_controller = true\nstream_server_address = \"127.0.0.1\"\n\
         [{plugin}.cni]\nbin_dir = \"{folder}/cni\"\nconf_dir = \"{folder}/cni\"\n\
         [{plugin}.containerd]\nsnapshotter = \"overlayfs\"\ndefault_runtime_name = \"{default}\"\n"
    );
    for (name, path) in handlers {
        text += &format!(
            "[{plugin}.containerd.runtimes.\"{name}\"]\nruntime_type = \"io.containerd.runc.v2\"\n\
             container_annotations = [\"*\"]\n\
             [{plugin}.containerd.runtimes.\"{name}\".options]\nBinaryName = \"{}\"\nSystemdCgroup = false\n",
            path.display()
        );
    }
    text
}

/// A network for pods that has nothing but its own namespace.
fn network(folder: &Path) {
    let folder = folder.join("cni");
    fs::create_dir(&folder).expect("a folder");
    let config = json!({"cniVersion": "0.4.0", "name": "nothing", "plugins": [{"type": "nothing"}]});
    fs::write(folder.join("nothing.conflist"), config.to_string()).expect("a config");
    let answer = json!({"cniVersion": "0.4.0", "interfaces": [], "ips": [{"version": "4", "address": "192.0.2.1/32"}]});
    for name in ["nothing", "loopback"] {
        let program = folder.join(name);
        let text = format!("#!/bin/sh\ncat >/dev/null\n[ \"$CNI_COMMAND\" = DEL ] || echo '{answer}'\n");
        fs::write(&program, text).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
}
