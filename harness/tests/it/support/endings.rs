//! A run of the program whose output fails, or that is told to end: how it ends, and what is left.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::traces;

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(90);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stderr: String,
    /// Since watching began.
    pub(crate) took: Duration,
    left: Vec<PathBuf>,
}

/// A run under way.
pub(crate) struct Running {
    child: Child,
    name: String,
    stderr: PathBuf,
}

/// Starts it with this stdout; what it prints on stderr is kept.
pub(crate) fn start(command: &mut Command, stdout: impl Into<Stdio>, folder: &Path) -> Running {
    let stderr = tempfile::NamedTempFile::new_in(folder).expect("a file for stderr");
    let (file, path) = stderr.keep().expect("keep it");
    start_with(command, stdout, file, path)
}

/// The same with a stderr of the test's own.
pub(crate) fn start_with(
    command: &mut Command,
    stdout: impl Into<Stdio>,
    stderr: impl Into<Stdio>,
    kept: PathBuf,
) -> Running {
    command.stdout(stdout).stderr(stderr);
    let child = command.spawn().expect("the program starts");
    Running {
        name: traces::name_of(child.id()),
        child,
        stderr: kept,
    }
}

impl Running {
    pub(crate) fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.child.id().cast_signed())
    }

    /// Until then, a signal has its default effect.
    pub(crate) fn wait_until_it_listens(&self) {
        let status = format!("/proc/{}/status", self.child.id());
        // The last of the signals that it handles.
        let last: u64 = 1 << (nix::sys::signal::Signal::SIGHUP as u64 - 1);
        let caught = |text: String| {
            let line = text.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        for _ in 0..6000 {
            let now = fs::read_to_string(&status).ok().and_then(caught);
            if now.is_none_or(|caught| caught & last != 0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not listen to signals");
    }

    pub(crate) fn wait(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for the program") {
                break status;
            }
            if began.elapsed() > LIMIT {
                self.child.kill().expect("end the program");
                self.child.wait().expect("wait for the program");
                traces::rescue(&self.name);
                panic!("it did not end within {LIMIT:?}:\n{}", text(&self.stderr));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Ended {
            status: status.code(),
            stderr: text(&self.stderr),
            took: began.elapsed(),
            left: traces::left_by(&self.name),
        }
    }
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

impl Ended {
    /// It ended with one of these, and nothing is left.
    #[track_caller]
    pub(crate) fn with(&self, what: &str, statuses: &[i32]) -> &Self {
        assert!(
            self.status.is_some_and(|status| statuses.contains(&status)),
            "{what}: not {statuses:?}: {self:#?}"
        );
        assert!(!self.stderr.contains("panicked"), "{what}: {self:#?}");
        assert_eq!(self.left, [] as [PathBuf; 0], "{what} left this");
        self
    }

    #[track_caller]
    pub(crate) fn says(&self, what: &str, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "{what}: no `{text}` in:\n{}",
            self.stderr
        );
        self
    }
}

/// The writing end of a pipe that is never read.
pub(crate) fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// A pipe that is read up to this many lines, and then closed.
pub(crate) fn head(lines: usize) -> (std::io::PipeWriter, std::thread::JoinHandle<()>) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let read = move || {
        let (mut left, mut byte) = (lines, [0]);
        while left > 0 && reader.read(&mut byte).is_ok_and(|count| count > 0) {
            left -= usize::from(byte[0] == b'\n');
        }
    };
    (writer, std::thread::spawn(read))
}

/// A device that is always full.
pub(crate) fn full() -> File {
    File::options().write(true).open("/dev/full").expect("/dev/full")
}

/// Waits until a file is there.
pub(crate) fn wait_for(path: &Path) {
    for _ in 0..6000 {
        if path.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} did not come", path.display());
}
