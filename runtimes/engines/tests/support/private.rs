//! An engine's process in private namespaces, with a temporary folder, and what an image can be made from.

pub(crate) mod skip {
    // Not through `#[path]`: tests of the harness already have that file as a module.
    include!("../../../../harness/tests/it/support/skip.rs");
}

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const START: &str = include_str!("private.sh");
const SWEEP: &str = include_str!("sweep.sh");
/// How long an engine may take until it answers.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The process, and its folder. Everything belonging to it ends with this value, and with the thread that started it.
pub(crate) struct Private {
    folder: TempDir,
    process: Child,
}

impl Private {
    /// A folder for one.
    pub(crate) fn folder() -> TempDir {
        let folder = tempfile::Builder::new().prefix("ocidiff-engine.").tempdir();
        folder.expect("a temporary folder")
    }

    /// The parent of the cgroups that it may make, which no other process has.
    pub(crate) fn cgroup_of(folder: &TempDir) -> String {
        let name = folder.path().file_name().unwrap_or_default();
        format!("/{}", name.to_string_lossy())
    }

    pub(crate) fn start(folder: TempDir, words: &[String]) -> Self {
        let log = fs::File::create(folder.path().join("log")).expect("a log");
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare"])
            .args(["-m", "-p", "-f", "-i", "-u", "-n", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", START, "sh"])
            .arg(folder.path())
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0)
            .spawn();
        Self {
            folder,
            process: process.expect("setpriv runs"),
        }
    }

    /// Waits until it answers; reports what it printed if it does not.
    pub(crate) fn comes_up(&mut self, answers: impl Fn() -> bool) -> bool {
        let began = Instant::now();
        while began.elapsed() < LIMIT && matches!(self.process.try_wait(), Ok(None)) {
            if answers() {
                return true;
            }
            sleep(Duration::from_millis(50));
        }
        eprintln!("{}", self.log());
        false
    }

    /// What it printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A file in its folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn cgroup(&self) -> String {
        Self::cgroup_of(&self.folder)
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
}

impl Drop for Private {
    fn drop(&mut self) {
        // Process 1 of the namespace: it can be waited for only when all others in it are gone.
        let first = self.first();
        match (self.process.try_wait(), first) {
            (Ok(None), Some(first)) => drop(kill_process(first, Signal::KILL)),
            _ => drop(self.process.kill()),
        }
        let frozen = Path::new("/sys/fs/cgroup/freezer").join(self.cgroup().trim_start_matches('/'));
        let began = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && began.elapsed() < LIMIT {
            thaw(&frozen);
            sleep(Duration::from_millis(10));
        }
        let swept = Command::new("unshare")
            .args(["-m", "sh", "-c", SWEEP, "sh", &self.cgroup()])
            .status();
        if !swept.is_ok_and(|status| status.success()) {
            eprintln!("cgroups {} were not removed", self.cgroup());
        }
    }
}

/// Paused containers do not die before they are resumed, if the freezer is a v1 hierarchy.
fn thaw(cgroup: &Path) {
    for entry in fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            thaw(&entry.path());
        }
    }
    let _ = fs::write(cgroup.join("freezer.state"), "THAWED");
}

/// Requires root, and these programs.
pub(crate) fn needs(programs: &[&str]) -> Option<()> {
    if !rustix::process::geteuid().is_root() {
        return skip("root");
    }
    let mut all = programs.iter().chain(&["setpriv", "unshare"]);
    match all.find(|program| !is_on_path(program)) {
        Some(program) => skip(program),
        None => Some(()),
    }
}

pub(crate) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The test says what it lacks and passes, except where everything must be available.
pub(crate) fn skip<T>(what: &str) -> Option<T> {
    let all = std::env::var_os("OCIDIFF_TEST_ALL").is_some_and(|value| value == "1");
    assert!(!all, "OCIDIFF_TEST_ALL=1, and this test needs {what}");
    skip::skipped(&format!("no {what}"));
    None
}

/// Makes a rootfs from a static busybox: `None` if there is no such busybox.
pub(crate) fn box_rootfs(root: &Path) -> Option<()> {
    let mut usual = ["/bin/busybox", "/usr/bin/busybox"].iter();
    let program = usual.find_map(|path| fs::read(path).ok());
    let program = program.filter(|program| is_static(program));
    let Some(program) = program else {
        return skip("busybox-static");
    };
    for folder in ["bin", "etc", "tmp", "data"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    let busybox = root.join("bin/busybox");
    fs::write(&busybox, program).expect("a program");
    fs::set_permissions(&busybox, fs::Permissions::from_mode(0o755)).expect("a mode");
    for name in ["sh", "sleep", "true", "cat"] {
        symlink("busybox", root.join("bin").join(name)).expect("a link");
    }
    let users = "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n";
    fs::write(root.join("etc/passwd"), users).expect("users");
    let groups = "root:x:0:\napp:x:1000:\nmore:x:2000:app\n";
    fs::write(root.join("etc/group"), groups).expect("groups");
    Some(())
}

/// Whether none of the headers of an ELF file (64 bits, little-endian) names a loader.
fn is_static(program: &[u8]) -> bool {
    const PT_INTERP: [u8; 4] = [3, 0, 0, 0];
    let short = |at: usize| {
        program
            .get(at..at + 2)
            .map(|two| usize::from(two[0]) | usize::from(two[1]) << 8)
    };
    let first = short(32).unwrap_or_default();
    let (size, count) = (short(54).unwrap_or_default(), short(56).unwrap_or_default());
    let mut kinds = (0..count).map(|at| program.get(first + at * size..first + at * size + 4));
    program.starts_with(b"\x7fELF\x02\x01") && kinds.all(|kind| kind.is_some_and(|kind| kind != PT_INTERP))
}
