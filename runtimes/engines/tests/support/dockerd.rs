//! A private dockerd for a test, without a network.

#[path = "private.rs"]
pub(crate) mod private;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use private::{LIMIT, Private, box_rootfs, needs};

/// The image of [`Dockerd::box_image`].
pub(crate) const BOX: &str = "box:1";

/// The engine. Everything belonging to it ends with this value.
pub(crate) struct Dockerd {
    private: Private,
}

impl Dockerd {
    /// Starts a dockerd that knows these runtimes too. `None` if it is not available: the test is skipped.
    pub(crate) fn start(runtimes: &[(&str, &Path)]) -> Option<Self> {
        needs(&["dockerd", "containerd", "runc"])?;
        ["overlay2", "vfs"]
            .into_iter()
            .find_map(|driver| Self::with(driver, runtimes))
            .or_else(|| panic!("dockerd does not start; its words are above"))
    }

    fn with(driver: &str, runtimes: &[(&str, &Path)]) -> Option<Self> {
        let folder = Private::folder();
        let at = |name: &str| folder.path().join(name).display().to_string();
        fs::write(at("none.json"), "{}").expect("a config");
        let host = format!("unix://{}", at("docker.sock"));
        let cgroup = Private::cgroup_of(&folder);
        let mut words: Vec<String> = [
            "dockerd",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]
        .map(str::to_owned)
        .to_vec();
        for (name, value) in [
            ("--config-file", at("none.json")),
            ("--data-root", at("data")),
            ("--exec-root", at("exec")),
            ("--pidfile", at("pid")),
            ("--host", host),
            ("--cgroup-parent", cgroup),
            ("--storage-driver", driver.to_owned()),
        ] {
            words.extend([name.to_owned(), value]);
        }
        for (name, path) in runtimes {
            words.extend(["--add-runtime".to_owned(), format!("{name}={}", path.display())]);
        }
        let mut new = Self {
            private: Private::start(folder, &words),
        };
        let answers = |path: &Path| matches!(call(path, "GET", "/_ping", "text/plain", b""), Ok((200, _)));
        let socket = new.socket();
        new.private.comes_up(|| answers(&socket)).then_some(new)
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        self.private.log()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.private.path("docker.sock")
    }

    pub(crate) fn exec_root(&self) -> PathBuf {
        self.private.path("exec")
    }

    /// The parent of its containers' cgroups.
    pub(crate) fn cgroup(&self) -> String {
        self.private.cgroup()
    }

    /// The mounts of its namespace.
    pub(crate) fn mounts(&self) -> String {
        self.private.mounts()
    }

    /// A folder that its containers can mount.
    pub(crate) fn scratch(&self) -> PathBuf {
        let path = self.private.path("scratch");
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// An image with a static busybox: `None` if there is no such busybox.
    pub(crate) fn box_image(&self) -> Option<()> {
        let root = self.private.path("box");
        box_rootfs(&root)?;
        self.import(BOX, &root);
        Some(())
    }

    /// Makes an image from a folder.
    pub(crate) fn import(&self, image: &str, rootfs: &Path) {
        let tar = Command::new("tar")
            .arg("-C")
            .arg(rootfs)
            .args(["--numeric-owner", "-cf", "-", "."])
            .output();
        let tar = tar.expect("tar runs");
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        let (name, tag) = image.split_once(':').unwrap_or((image, "latest"));
        let path = format!("/images/create?fromSrc=-&repo={name}&tag={tag}");
        self.call("POST", &path, "application/x-tar", &tar.stdout);
    }

    /// Creates a container, without a network unless the config says otherwise; returns its id.
    pub(crate) fn create(&self, name: &str, mut config: Value) -> String {
        let host = &mut config["HostConfig"];
        if host["NetworkMode"].is_null() {
            host["NetworkMode"] = "none".into();
        }
        let body = config.to_string();
        let path = format!("/containers/create?name={name}");
        let made: Value =
            serde_json::from_str(&self.call("POST", &path, "application/json", body.as_bytes()))
                .expect("JSON");
        made["Id"].as_str().expect("an id").to_owned()
    }

    /// Creates and starts a container of the box that sleeps.
    pub(crate) fn run(&self, name: &str, host: Value) -> String {
        let id = self.create(name, sleeper(host));
        self.post(&format!("/containers/{id}/start"));
        id
    }

    pub(crate) fn post(&self, path: &str) -> String {
        self.call("POST", path, "application/json", b"")
    }

    /// One call that must succeed.
    pub(crate) fn call(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let (code, text) = call(&self.socket(), method, path, kind, body).expect("dockerd answers");
        assert!(
            (200..400).contains(&code),
            "{method} {path}: {code} {text}\n{}",
            self.log()
        );
        text
    }
}

/// One call, and the status and text of its answer.
fn call(socket: &Path, method: &str, path: &str, kind: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    // With HTTP/1.0 the answer comes in one piece, and ends with the connection.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: d\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let answer = String::from_utf8_lossy(&bytes).into_owned();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((code.unwrap_or_default(), text.to_owned()))
}

/// A container of the box that sleeps.
pub(crate) fn sleeper(host: Value) -> Value {
    json!({"Image": BOX, "Cmd": ["/bin/sleep", "1000"], "HostConfig": host})
}
