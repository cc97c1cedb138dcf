//! A machine of folders, and stand-ins for engines' sockets.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use ocidiff_engines::{EngineError, Found, Options, Which, Workload, find};
use serde_json::{Value, json};

/// The folder that stands in for `/`.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) options: Options,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = Options {
            root: folder.path().to_owned(),
            call_limit: Duration::from_millis(500),
            engine_limit: Duration::from_secs(2),
            ..Options::default()
        };
        Self { folder, options }
    }

    pub(crate) fn asking(which: Which) -> Self {
        let mut place = Self::new();
        place.options.which = which;
        place
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        fs::write(path, text).expect("the file is written");
    }

    /// A bundle with a rootfs that has something in it.
    pub(crate) fn bundle(&self, folder: &str, annotations: Value) {
        let config = json!({"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "annotations": annotations});
        self.write(&format!("{folder}/config.json"), config.to_string());
        self.write(&format!("{folder}/rootfs/etc/hostname"), "box");
    }

    /// A socket that answers like a server: it receives the request's path.
    pub(crate) fn serve(&self, relative: &str, answer: impl Fn(&str) -> Answer + Send + Sync + 'static) {
        let listener = self.listen(relative);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let mut bytes = [0; 4096];
                let count = stream.read(&mut bytes).unwrap_or(0);
                let head = String::from_utf8_lossy(&bytes[..count]).into_owned();
                assert!(head.starts_with("GET "), "only calls that read: {head}");
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let text = match answer(&path) {
                    Answer::Json(code, json) => {
                        let text = json.to_string();
                        format!(
                            "HTTP/1.1 {code} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                            text.len()
                        )
                    }
                    Answer::Raw(text) => text,
                    Answer::Never => {
                        sleep(Duration::from_secs(3));
                        continue;
                    }
                };
                let _ = stream.write_all(text.as_bytes());
            }
        });
    }

    /// A socket; nothing listens there once it is dropped.
    pub(crate) fn listen(&self, relative: &str) -> UnixListener {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        UnixListener::bind(path).expect("a socket")
    }

    pub(crate) fn find(&self) -> Found {
        self.try_find().unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_find(&self) -> Result<Found, EngineError> {
        find_with(&self.options)
    }
}

/// What a stand-in answers.
pub(crate) enum Answer {
    Json(u16, Value),
    Raw(String),
    Never,
}

/// What Docker answers to the calls before the list.
pub(crate) fn docker(path: &str) -> Option<Answer> {
    let of = |json| Some(Answer::Json(200, json));
    match path.rsplit('/').next().unwrap_or_default() {
        "version" => of(json!({"Version": "20.10.24", "ApiVersion": "1.41"})),
        "info" => of(
            json!({"DefaultRuntime": "runc", "Runtimes": {"runc": {"path": "runc"}, "crun": {"path": "/usr/bin/crun"}}}),
        ),
        _ => None,
    }
}

pub(crate) fn find_with(options: &Options) -> Result<Found, EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(find(options))
}

/// The container with a name.
pub(crate) fn named<'f>(found: &'f Found, name: &str) -> &'f Workload {
    let one = found.workloads.iter().find(|one| one.name == name);
    one.unwrap_or_else(|| panic!("{name}: {found:#?}"))
}

pub(crate) fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() < 1000 && !text.chars().any(char::is_control)
}

/// Why a container has no config.
pub(crate) fn why(one: &Workload) -> &str {
    let why = one.config.as_ref().expect_err("it has no config");
    assert!(is_line(why), "{why:?}");
    why
}
