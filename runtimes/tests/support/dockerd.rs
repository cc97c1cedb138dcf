//! A dockerd of a test's own: in private namespaces, in a temporary folder, without a network. Everything of it ends
//! with this value.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const START: &str = include_str!("dockerd.sh");
const SWEEP: &str = include_str!("sweep.sh");
/// How long it may take until it answers.
const LIMIT: Duration = Duration::from_secs(60);
/// The image of [`Dockerd::box_image`].
pub(crate) const BOX: &str = "box:1";

/// The engine.
pub(crate) struct Dockerd {
    folder: tempfile::TempDir,
    process: Child,
    cgroup: String,
}

impl Dockerd {
    /// Starts one that knows these runtimes too. None where it cannot be had: the test is skipped.
    pub(crate) fn start(runtimes: &[(&str, &Path)]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return skip("root");
        }
        for program in ["dockerd", "containerd", "runc", "setpriv", "unshare"] {
            if !is_on_path(program) {
                return skip(program);
            }
        }
        ["overlay2", "vfs"]
            .into_iter()
            .find_map(|driver| Self::with(driver, runtimes))
            .or_else(|| panic!("dockerd does not start; its words are above"))
    }

    fn with(driver: &str, runtimes: &[(&str, &Path)]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::Builder::new().prefix("ocidiff-dockerd.").tempdir();
        let folder = folder.expect("a temporary folder");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let cgroup = format!("/ocidiff-dockerd.{}.{count}", std::process::id());
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        // It ends with the thread that started it, should the test be killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "unshare"])
            .args(["-m", "-p", "-f", "-i", "-u", "-n", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", START, "sh"])
            .args([folder.path().as_os_str(), cgroup.as_ref()])
            .args(["--storage-driver", driver])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        for (name, path) in runtimes {
            command.args(["--add-runtime", &format!("{name}={}", path.display())]);
        }
        let process = command.spawn().expect("unshare runs");
        let mut new = Self {
            folder,
            process,
            cgroup,
        };
        new.comes_up().then_some(new)
    }

    fn comes_up(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < LIMIT && matches!(self.process.try_wait(), Ok(None)) {
            if self
                .try_call("GET", "/_ping", "text/plain", b"")
                .is_ok_and(|(code, _)| code == 200)
            {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        eprintln!("{}", self.log());
        false
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    pub(crate) fn exec_root(&self) -> PathBuf {
        self.folder.path().join("exec")
    }

    /// The parent of its containers' cgroups.
    pub(crate) fn cgroup(&self) -> &str {
        &self.cgroup
    }

    /// The mounts of its namespace.
    pub(crate) fn mounts(&self) -> String {
        let first = self.first().expect("it runs");
        let table = format!("/proc/{}/mountinfo", first.as_raw_nonzero());
        fs::read_to_string(table).expect("mounts")
    }

    /// Process 1 of its pid namespace.
    fn first(&self) -> Option<Pid> {
        let pid = self.process.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
    }

    /// A folder that its containers can mount.
    pub(crate) fn scratch(&self) -> PathBuf {
        let path = self.folder.path().join("scratch");
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// An image with a static busybox: none where there is no such busybox.
    pub(crate) fn box_image(&self) -> Option<()> {
        let Some(program) = ["/bin/busybox", "/usr/bin/busybox"]
            .iter()
            .find_map(|path| fs::read(path).ok())
        else {
            return skip("busybox-static");
        };
        // What is linked at run time names its loader.
        if program.windows(8).any(|part| part == b"ld-linux") {
            return skip("busybox-static");
        }
        let root = self.folder.path().join("box");
        for folder in ["bin", "etc", "tmp", "data"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        fs::write(root.join("bin/busybox"), program).expect("a program");
        executable(&root.join("bin/busybox"));
        for name in ["sh", "sleep", "true", "cat"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).expect("a link");
        }
        fs::write(
            root.join("etc/passwd"),
            "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n",
        )
        .expect("users");
        fs::write(
            root.join("etc/group"),
            "root:x:0:\napp:x:1000:\nmore:x:2000:app\n",
        )
        .expect("groups");
        self.import(BOX, &root);
        Some(())
    }

    /// Makes an image of a folder.
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

    /// Creates a container, without a network unless the config says otherwise; gives its id.
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
        let (code, text) = self.try_call(method, path, kind, body).expect("dockerd answers");
        assert!(
            (200..400).contains(&code),
            "{method} {path}: {code} {text}\n{}",
            self.log()
        );
        text
    }

    fn try_call(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(LIMIT))?;
        // By HTTP/1.0 the answer comes in one piece, and ends with the connection.
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
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // Process 1 of the namespace: it can be waited for only when all others of it are gone.
        let first = self.first();
        if let (Ok(None), Some(first)) = (self.process.try_wait(), first) {
            let _ = kill_process(first, Signal::KILL);
        } else {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let swept = Command::new("unshare")
            .args(["-m", "sh", "-c", SWEEP, "sh", &self.cgroup])
            .status();
        if !swept.is_ok_and(|status| status.success()) {
            eprintln!("cgroups {} were not removed", self.cgroup);
        }
    }
}

/// A container of the box that sleeps.
pub(crate) fn sleeper(host: Value) -> Value {
    json!({"Image": BOX, "Cmd": ["/bin/sleep", "1000"], "HostConfig": host})
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The test says what it lacks and passes, but not where everything must be there.
pub(crate) fn skip<T>(what: &str) -> Option<T> {
    let all = std::env::var_os("OCIDIFF_TEST_ALL").is_some_and(|value| value == "1");
    assert!(!all, "OCIDIFF_TEST_ALL=1, and this test needs {what}");
    eprintln!("skipped: no {what}");
    None
}
