//! Filesystems that are mounted in addition to `/` for a test, with a canary in each: mounts of every kind that a
//! machine has, in the mount namespace of the test's own thread, so that they are not visible elsewhere and none
//! is left.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use tempfile::TempDir;

use super::needs;

/// The mounts, and the folders in them where a canary sits.
pub(crate) struct Beside {
    /// Keeps the folders on which they are mounted.
    home: TempDir,
    folders: Vec<PathBuf>,
    ears: Vec<Ear>,
}

/// A socket and a fifo at which something on the machine listens.
struct Ear {
    folder: PathBuf,
    socket: UnixListener,
    fifo: File,
}

impl Ear {
    fn new(folder: PathBuf) -> Self {
        fs::create_dir(&folder).expect("a folder");
        let socket = UnixListener::bind(folder.join("socket")).expect("a socket");
        socket.set_nonblocking(true).expect("a socket that does not wait");
        let fifo = folder.join("fifo");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, mode, 0).expect("a fifo");
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fifo = rustix::fs::open(&fifo, flags, Mode::empty()).expect("a fifo");
        Self {
            folder,
            socket,
            fifo: fifo.into(),
        }
    }

    fn heard(&self) -> bool {
        self.socket.accept().is_ok() || (&self.fifo).read(&mut [0]).is_ok_and(|count| count > 0)
    }
}

impl Beside {
    /// Moves the calling thread into a private mount namespace and mounts them all.
    pub(crate) fn mount() -> Self {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change("/", private).expect("private mounts");
        let home = tempfile::Builder::new()
            .prefix("ocidiff-canaries,of:it.")
            .tempdir()
            .expect("a folder");
        let mut beside = Self {
            home,
            folders: Vec::new(),
            ears: Vec::new(),
        };
        beside.tmpfs();
        beside.overlay();
        beside.bound();
        beside.shared();
        beside.ext4();
        for place in ["ear", "tmpfs/ear", "bound/ear"] {
            beside.ears.push(Ear::new(beside.home.path().join(place)));
        }
        beside.hidden();
        of_the_kernel();
        beside
    }

    /// Folders with a `socket` and a `fifo` at which something listens.
    pub(crate) fn ears(&self) -> impl Iterator<Item = &Path> {
        self.ears.iter().map(|ear| ear.folder.as_path())
    }

    /// Those at which something was heard.
    pub(crate) fn heard(&self) -> impl Iterator<Item = &Path> {
        self.ears
            .iter()
            .filter(|ear| ear.heard())
            .map(|ear| ear.folder.as_path())
    }

    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::create_dir_all(&path).expect("a folder to mount on");
        path
    }

    /// One with another nested in it, and a read-only one.
    fn tmpfs(&mut self) {
        for (name, flags) in [
            ("tmpfs", MountFlags::empty()),
            ("tmpfs/nested", MountFlags::NOSUID | MountFlags::NODEV),
            ("tmpfs/nested/deep", MountFlags::NOEXEC),
            ("read-only", MountFlags::RDONLY),
        ] {
            let path = self.folder(name);
            mount("tmpfs", &path, "tmpfs", MountFlags::empty(), None).expect("a tmpfs");
            self.canary(&path);
            rustix::mount::mount_remount(&path, MountFlags::BIND | flags, c"").expect("its flags");
        }
    }

    fn overlay(&mut self) {
        let layers = self.folder("layers");
        mount("tmpfs", &layers, "tmpfs", MountFlags::empty(), None).expect("a tmpfs");
        let [lower, upper, work] = ["lower", "upper", "work"].map(|name| layers.join(name));
        for folder in [&lower, &upper, &work] {
            fs::create_dir(folder).expect("a layer");
        }
        // By a relative path: the names above it have commas and colons.
        let script = "mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay \"$1\"";
        let target = self.folder("overlay");
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(&target)
            .current_dir(&layers);
        assert!(command.status().expect("sh").success(), "an overlay");
        self.canary(&target);
        self.folders.push(layers.join("upper/here"));
    }

    /// A folder of the machine's root, and a single file.
    fn bound(&mut self) {
        let source = self.folder("source");
        let target = self.folder("bound");
        self.canary(&source);
        mount_bind(&source, &target).expect("a bind mount");
        self.folders.push(target.join("here"));
        let file = self.folder("file").join("here");
        fs::create_dir(&file).expect("a folder");
        fs::write(file.join("canary"), "").expect("a file to mount on");
        mount_bind(source.join("here/canary"), file.join("canary")).expect("a bind mount");
        self.folders.push(file);
    }

    /// One that propagates what is mounted in it.
    fn shared(&mut self) {
        let path = self.folder("shared");
        mount("tmpfs", &path, "tmpfs", MountFlags::empty(), None).expect("a tmpfs");
        mount_change(&path, MountPropagationFlags::SHARED).expect("a shared mount");
        self.canary(&path);
    }

    /// A mount that a cell does not see, with one below it that it does see. It represents all kinds that are not
    /// known to hold files and never to wait for anything.
    fn hidden(&mut self) {
        let path = self.folder("hidden");
        if mount("hugetlbfs", &path, "hugetlbfs", MountFlags::empty(), None).is_err() {
            needs::skip("hugetlbfs (could not try it)", false);
            return;
        }
        let below = path.join("below");
        fs::create_dir(&below).expect("a folder");
        mount("tmpfs", &below, "tmpfs", MountFlags::empty(), None).expect("a tmpfs");
        self.canary(&below);
    }

    /// On a loop device, which goes with the mount.
    fn ext4(&mut self) {
        let image = self.home.path().join("image");
        let target = self.folder("ext4");
        let script = "truncate -s 8M \"$1\" && mkfs.ext4 -q \"$1\" && mount -o loop \"$1\" \"$2\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&image).arg(&target);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if command.status().is_ok_and(|status| status.success()) {
            self.canary(&target);
        } else {
            needs::skip("a loop device with ext4 (could not try it)", false);
        }
    }

    fn canary(&mut self, mount: &Path) {
        let folder = mount.join("here");
        fs::create_dir(&folder).expect("a folder for the canary");
        fs::write(folder.join("canary"), "sings").expect("a canary");
        self.folders.push(folder);
    }
}

/// What a machine has mounted below /sys and /dev; if it cannot be mounted there is nothing to test.
fn of_the_kernel() {
    for (kind, target) in [
        ("bpf", "/sys/fs/bpf"),
        ("tracefs", "/sys/kernel/tracing"),
        ("debugfs", "/sys/kernel/debug"),
        ("securityfs", "/sys/kernel/security"),
        ("configfs", "/sys/kernel/config"),
        ("pstore", "/sys/fs/pstore"),
        ("fusectl", "/sys/fs/fuse/connections"),
    ] {
        if mount(kind, target, kind, MountFlags::empty(), None).is_err() {
            needs::skip(&format!("{kind} (could not try it)"), false);
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // What is mounted on a folder must be removed before the folder.
        let _ = rustix::mount::unmount(
            self.home.path().join("file/here/canary"),
            rustix::mount::UnmountFlags::DETACH,
        );
        for name in [
            "tmpfs",
            "read-only",
            "overlay",
            "layers",
            "hidden",
            "bound",
            "shared",
            "ext4",
        ] {
            let path = self.home.path().join(name);
            let _ = rustix::mount::unmount(path, rustix::mount::UnmountFlags::DETACH);
        }
    }
}
