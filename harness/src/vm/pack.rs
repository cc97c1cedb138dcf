//! What a machine's archive holds: the program, the runtimes with their libraries, file systems, cases.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocidiff_runtimes::kernels::Kernel;
use ocidiff_runtimes::{Origin, Runtime, Store};

use super::archive::Archive;
use super::{Job, VmError};
use crate::repro::shell;

const INIT: &str = include_str!("init.sh");
const JOB: &str = include_str!("job.sh");

/// Where the machine's own tools come from, and where they are.
const BUSYBOX: &str = "/bin/busybox";
/// Lists the libraries of a program without running it.
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// Programs that look for a user or a host find one.
const ETC: [(&str, &str); 5] = [
    ("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    ("/etc/group", "root:x:0:\n"),
    ("/etc/hosts", "127.0.0.1 localhost\n"),
    ("/etc/resolv.conf", ""),
    ("/etc/hostname", "vm\n"),
];
/// Nothing is mounted over /tmp and /run: packed files may be there, and all of it is in memory.
const FOLDERS: [(&str, u32); 9] = [
    ("/proc", 0o555),
    ("/sys", 0o555),
    ("/dev", 0o755),
    ("/tmp", 0o1777),
    ("/run", 0o755),
    ("/root", 0o700),
    ("/var/tmp", 0o1777),
    ("/usr/bin", 0o755),
    ("/sbin", 0o755),
];

type To<'a> = Archive<BufWriter<&'a File>>;

/// Writes the archive; returns its size in bytes.
pub(super) fn pack(kernel: &Kernel, store: &Store, job: &Job<'_>, to: &File) -> Result<u64, VmError> {
    let failed = |error: io::Error| VmError::Pack(error.to_string());
    let mut archive = Archive::new(BufWriter::new(to));
    start(&mut archive, kernel, store, job).map_err(failed)?;
    archive.below("new");
    root(&mut archive, store, job).map_err(failed)?;
    let bytes = archive.bytes();
    archive.end().map_err(failed)?;
    Ok(bytes)
}

/// What process 1 needs until the job begins.
fn start(archive: &mut To<'_>, kernel: &Kernel, store: &Store, job: &Job<'_>) -> io::Result<()> {
    if !Path::new(BUSYBOX).is_file() {
        return Err(io::Error::other(format!(
            "there is no {BUSYBOX}; `apt-get install busybox-static` installs it"
        )));
    }
    for folder in ["/proc", "/sys", "/dev", "/new"] {
        archive.folder(Path::new(folder), 0o755)?;
    }
    archive.file(Path::new(BUSYBOX), Path::new("/bin/busybox"))?;
    archive.link(Path::new("/bin/sh"), Path::new("busybox"))?;
    archive.text(Path::new("/init"), 0o755, INIT)?;
    archive.text(Path::new("/cgroup"), 0o644, job.cgroup.name())?;
    for file in kernel.module_files(store) {
        let name = file.file_name().unwrap_or_default();
        archive.file(&file, &Path::new("/lib/modules").join(name))?;
    }
    Ok(())
}

/// The machine's own files.
fn root(archive: &mut To<'_>, store: &Store, job: &Job<'_>) -> io::Result<()> {
    for (folder, mode) in FOLDERS {
        archive.folder(Path::new(folder), mode)?;
    }
    for (path, text) in ETC {
        archive.text(Path::new(path), 0o644, text)?;
    }
    archive.file(Path::new(BUSYBOX), Path::new("/bin/busybox"))?;
    archive.link(Path::new("/bin/sh"), Path::new("busybox"))?;
    let mut libraries = BTreeSet::new();
    let mut program = |archive: &mut To<'_>, path: &Path| -> io::Result<()> {
        archive.file(path, path)?;
        for library in needed(path) {
            if libraries.insert(library.clone()) {
                archive.file(&library, &library)?;
            }
        }
        Ok(())
    };
    program(archive, job.program)?;
    for runtime in job.runtimes {
        if matches!(runtime.origin, Origin::Store(_)) {
            // It comes with its loader and libraries, whose paths are written into it.
            let folder = store.folder_of(runtime.name(), &runtime.version);
            archive.tree(&folder, &folder)?;
        }
        program(archive, &runtime.path)?;
    }
    let rootfs = store.home().join("rootfs");
    if rootfs.is_dir() {
        archive.tree(&rootfs, &rootfs)?;
    }
    for path in &job.files {
        archive.tree(path, path)?;
    }
    archive.text(Path::new("/job"), 0o755, &script(store, job))
}

/// Words for the shell, then what is done with them.
fn script(store: &Store, job: &Job<'_>) -> String {
    let text = |path: &Path| shell(&[path.to_string_lossy().into_owned()]);
    format!(
        "export PATH={} HOME=/root OCIDIFF_HOME={}\nFOLDER={}\nPROGRAM={}\nset -- {}\n{JOB}",
        shell(&[path_of(job.runtimes)]),
        text(store.home()),
        text(job.folder),
        text(job.program),
        shell(&job.words)
    )
}

/// The folders of the runtimes that are found on PATH come first.
fn path_of(runtimes: &[Runtime]) -> String {
    let folders = runtimes
        .iter()
        .filter(|runtime| runtime.origin == Origin::Path)
        .filter_map(|runtime| runtime.path.parent())
        .map(|folder| folder.display().to_string());
    folders
        .chain(["/usr/sbin:/usr/bin:/sbin:/bin".to_owned()])
        .collect::<Vec<_>>()
        .join(":")
}

/// The loader and the libraries of a program, by the paths under which it looks for them; empty for a static one.
fn needed(program: &Path) -> Vec<PathBuf> {
    let listed = Command::new(LOADER)
        .arg("--list")
        .arg(program)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(listed) = listed else { return Vec::new() };
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    text.split_whitespace()
        .filter(|word| word.starts_with('/') && Path::new(word).is_file())
        .map(PathBuf::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_listed_with_the_loader_and_a_static_program_has_none() {
        let this = std::env::current_exe().expect("a program");
        let libraries = needed(&this);
        assert!(libraries.contains(&PathBuf::from(LOADER)), "{libraries:?}");
        assert!(
            libraries.iter().any(|path| path.ends_with("libc.so.6")),
            "{libraries:?}"
        );
        assert_eq!(needed(Path::new(BUSYBOX)), Vec::<PathBuf>::new());
    }
}
