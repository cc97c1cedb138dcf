//! Runs the real program on small corpora in separate folders.

pub(crate) mod beside;
pub(crate) mod binary;
pub(crate) mod contained;
#[path = "../../../../runtimes/cri/tests/support/containerd.rs"]
pub(crate) mod containerd;
pub(crate) mod corpus;
#[path = "../../../../runtimes/engines/tests/support/dockerd.rs"]
pub(crate) mod dockerd;
pub(crate) mod documents;
pub(crate) mod endings;
pub(crate) mod events;
pub(crate) mod kinds;
pub(crate) mod needs;
pub(crate) mod node;
pub(crate) mod outside;
pub(crate) mod pod;
#[path = "../../../../runtimes/engines/tests/support/podman.rs"]
pub(crate) mod podman;
pub(crate) mod processes;
pub(crate) mod program;
pub(crate) mod running;
pub(crate) mod story;
pub(crate) mod traces;

pub(crate) use binary::binary;
pub(crate) use dockerd::private;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a run of the program may take; if it takes longer it is ended, and the test fails.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder with cases, and what a test puts next to them; it is outside any checkout.
pub(crate) struct Scene {
    folder: TempDir,
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    name: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("ocidiff-test.")
            .tempdir()
            .expect("a folder for the test");
        fs::create_dir(folder.path().join("cases")).expect("a folder for cases");
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("make the folders");
        fs::write(&path, text).expect("write a file of the test");
        path
    }

    /// Writes a program.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("make it a program");
        path
    }

    /// The program with these arguments, in this folder.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("NO_COLOR", "1").env_remove("OCIDIFF_RUNTIMES");
        // A separate store: what is learnt about fakes must not be seen elsewhere.
        command.env("OCIDIFF_HOME", self.path().join("home"));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_for(self.command(args), LIMIT)
    }

    /// The same with the store of the user who runs the test: it has other versions, and busybox.
    pub(crate) fn run_at_home(&self, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.env_remove("OCIDIFF_HOME");
        self.run_for(command, Duration::from_secs(120))
    }

    fn run_for(&self, mut command: Command, limit: Duration) -> Ran {
        let output = Output::new(self.path());
        let child = output.spawn(&mut command);
        output.wait(child, limit)
    }
}

/// Where a run's output goes: to files, since a process that inherits a pipe keeps it open.
pub(crate) struct Output {
    folder: TempDir,
    started: Instant,
}

impl Output {
    pub(crate) fn new(within: &Path) -> Self {
        Self {
            folder: tempfile::tempdir_in(within).expect("a folder for output"),
            started: Instant::now(),
        }
    }

    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        self.try_spawn(command).expect("the program starts")
    }

    /// `None` if it may not be started.
    pub(crate) fn try_spawn(&self, command: &mut Command) -> Option<Child> {
        let file = |name| File::create(self.folder.path().join(name)).expect("a file for output");
        command.stdout(file("stdout")).stderr(file("stderr"));
        command.spawn().ok()
    }

    pub(crate) fn wait(&self, mut child: Child, limit: Duration) -> Ran {
        let name = traces::name_of(child.id());
        let status = loop {
            if let Some(status) = child.try_wait().expect("wait for the program") {
                break status;
            }
            if self.started.elapsed() > limit {
                child.kill().expect("end the program");
                child.wait().expect("wait for the program");
                traces::rescue(&name);
                panic!(
                    "the program did not end within {limit:?}:\n{}",
                    self.text("stderr")
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Ran {
            status: status.code(),
            stdout: self.text("stdout"),
            stderr: self.text("stderr"),
            took: self.started.elapsed(),
            name,
        }
    }

    fn text(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Ran {
    /// Fails with everything that was printed, unless the exit status is this one.
    #[track_caller]
    pub(crate) fn ends_with(&self, status: i32) -> &Self {
        let Self { stdout, stderr, .. } = self;
        assert!(!stderr.contains("panicked at"), "a panic:\n{stderr}");
        assert_eq!(
            self.status,
            Some(status),
            "exit status; stdout:\n{stdout}\nstderr:\n{stderr}"
        );
        self
    }

    /// No cgroup and no folder of the run is there any more.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self) -> &Self {
        let left = traces::left_by(&self.name);
        assert!(left.is_empty(), "this is left: {left:#?}\nafter {self:#?}");
        self
    }

    /// How long it may take.
    #[track_caller]
    pub(crate) fn within(&self, seconds: u64) -> &Self {
        assert!(
            self.took < Duration::from_secs(seconds),
            "it took {:?}",
            self.took
        );
        self
    }
}
