//! The files of a package, put below a root that nothing in the package can lead out of.
//!
//! `dpkg-deb -x` follows a link that an earlier package has put there. So the archive is read here, and each entry is
//! made as if from inside the root.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use ocidiff_confine::copy::Budget;
use ocidiff_confine::{Root, at};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use rustix::process::{Pid, Signal, kill_process_group};
use tar::{Archive, Entry, EntryType};

use crate::machine::Machine;
use crate::process::spawn;

/// How long a package may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Why a package does not unpack.
#[derive(Debug, thiserror::Error)]
#[error("unpack {path}: {why}", path = path.display())]
pub struct UnpackError {
    /// The package's file.
    path: PathBuf,
    /// What went wrong.
    why: String,
}

/// Unpacks a Debian package's files into a folder, without running any of its scripts.
pub(crate) fn unpack_package(machine: &Machine, package: &Path, folder: &Path) -> Result<(), UnpackError> {
    let bad = |why: String| UnpackError {
        path: package.to_owned(),
        why,
    };
    let tool = machine
        .tool("dpkg-deb")
        .ok_or_else(|| bad("there is no dpkg-deb on PATH; install the package `dpkg`".to_owned()))?;
    let mut command = machine.command(&tool);
    command.arg("--fsys-tarfile").arg(package);
    unpack_output(&mut command, folder, LIMIT).map_err(|err| bad(format!("dpkg-deb: {err}")))
}

/// Unpacks an archive that a command prints, and returns the command's error if it fails.
pub(crate) fn unpack_output(command: &mut Command, folder: &Path, limit: Duration) -> io::Result<()> {
    let mut said = tempfile::tempfile()?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(said.try_clone()?)
        .process_group(0);
    let mut child = spawn(command)?;
    let group = Pid::from_child(&child);
    let deadline = Instant::now() + limit;
    let unpacked = child.stdout.take().map_or(Ok(()), |pipe| {
        let mut archive = Patient { pipe, deadline };
        unpack(&mut archive, &Root::make(folder)?)?;
        // Some writers fail if the blocks of zeros at the end are not read.
        io::copy(&mut archive.take(1 << 20), &mut io::sink()).map(drop)
    });
    if unpacked.is_err() {
        // Before the child is reaped: until then its number cannot belong to another group.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait()?;
    unpacked?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    io::Seek::rewind(&mut said)?;
    let _ = said.take(2000).read_to_string(&mut text);
    let line = text.trim().lines().next_back().unwrap_or("nothing").to_owned();
    Err(io::Error::other(format!(
        "it ended with {status} and said `{line}`"
    )))
}

/// A pipe that is waited for, but not endlessly.
struct Patient {
    pipe: ChildStdout,
    deadline: Instant,
}

impl Read for Patient {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(&self.pipe, PollFlags::IN)];
        if poll(&mut fds, Some(&limit))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.pipe.read(into)
    }
}

/// Makes every entry of an archive below a root.
fn unpack(archive: impl Read, root: &Root) -> io::Result<()> {
    let mut budget = Budget::default();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = PathBuf::from(OsStr::from_bytes(&entry.path_bytes()));
        budget.take(entry.size())?;
        make(root, &path, &mut entry)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

fn make(root: &Root, path: &Path, entry: &mut Entry<'_, impl Read>) -> io::Result<()> {
    let header = entry.header();
    let kind = header.entry_type();
    let (mode, owner) = (header.mode()? & 0o7777, (id(header.uid()?)?, id(header.gid()?)?));
    if kind.is_dir() {
        return at::settle(root.folder(path)?, owner.0, owner.1, mode);
    }
    if matches!(kind, EntryType::XGlobalHeader) {
        return Ok(());
    }
    let (folder, name) = root.place(path)?;
    let folder = folder.as_fd();
    match kind {
        EntryType::Symlink => {
            at::symlink(folder, &name, &link(entry)?)?;
            return at::own(folder, &name, owner.0, owner.1);
        }
        EntryType::Link => {
            let (above, target) = root.place(&link(entry)?)?;
            return at::hard_link_at(folder, &name, above.as_fd(), &target);
        }
        EntryType::Fifo => at::node(folder, &name, FileType::Fifo, 0)?,
        EntryType::Char => at::node(folder, &name, FileType::CharacterDevice, device(entry)?)?,
        EntryType::Block => at::node(folder, &name, FileType::BlockDevice, device(entry)?)?,
        _ => {
            let mut file = at::file(folder, &name)?;
            io::copy(entry, &mut file)?;
            return at::settle(&file, owner.0, owner.1, mode);
        }
    }
    at::own(folder, &name, owner.0, owner.1)?;
    at::mode(folder, &name, mode)
}

fn link(entry: &Entry<'_, impl Read>) -> io::Result<PathBuf> {
    let target = entry.link_name_bytes();
    let target = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a link to nothing"))?;
    Ok(PathBuf::from(OsStr::from_bytes(&target)))
}

fn device(entry: &Entry<'_, impl Read>) -> io::Result<u64> {
    let part = |number: Option<u32>| number.unwrap_or_default();
    let header = entry.header();
    Ok(rustix::fs::makedev(
        part(header.device_major()?),
        part(header.device_minor()?),
    ))
}

fn id(number: u64) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "an id that none can be"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tar::{Builder, Header};

    use super::*;

    /// Type, path and link of each entry.
    fn archive(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (kind, path, link) in entries {
            let mut header = Header::new_gnu();
            let mut put = |at: usize, text: &str| {
                header.as_mut_bytes()[at..at + text.len()].copy_from_slice(text.as_bytes());
            };
            // By hand: the crate does not write paths that lead outside.
            put(0, path);
            put(157, link);
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_uid(0);
            header.set_gid(0);
            let text: &[u8] = if kind.is_file() { b"evil" } else { b"" };
            header.set_size(text.len() as u64);
            header.set_cksum();
            builder.append(&header, text).expect("an entry");
        }
        builder.into_inner().expect("an archive")
    }

    #[test]
    fn no_entry_of_a_package_leaves_its_root() {
        use EntryType::{Directory, Fifo, Link, Regular, Symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let host = folder.path().join("host");
        fs::create_dir(&host).expect("a folder");
        fs::write(host.join("canary"), "safe").expect("a file");
        let shown = host.to_str().expect("a name");
        let canary = format!("{shown}/canary");
        for (number, packages) in [
            vec![vec![(Symlink, "a", shown), (Regular, "a/x", "")]],
            vec![vec![(Symlink, "a", shown)], vec![(Regular, "a/x", "")]],
            vec![
                vec![(Symlink, "a", "../../host")],
                vec![(Directory, "a/", ""), (Regular, "a/x", "")],
            ],
            vec![vec![(Regular, "../../host/x", "")]],
            vec![vec![(Regular, "x/../../../host/x", "")]],
            vec![vec![(Link, "x", &canary), (Regular, "x", "")]],
            vec![vec![(Link, "x", "../../host/canary"), (Regular, "x", "")]],
            vec![vec![(Symlink, "x", &canary), (Regular, "x", "")]],
            vec![vec![(Symlink, "a", shown), (Fifo, "a/x", "")]],
            vec![vec![
                (Symlink, "a", shown),
                (Link, "b", "a/canary"),
                (Regular, "b", ""),
            ]],
        ]
        .into_iter()
        .enumerate()
        {
            let root = Root::make(&folder.path().join("roots").join(number.to_string())).expect("a root");
            for package in &packages {
                let _ = unpack(archive(package).as_slice(), &root);
            }
            assert_eq!(fs::read_dir(&host).expect("a folder").count(), 1, "{packages:?}");
            assert_eq!(
                fs::read_to_string(&canary).expect("a file"),
                "safe",
                "{packages:?}"
            );
        }
    }

    #[test]
    fn a_command_that_fails_or_hangs_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let sh = |script: &str, limit| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            unpack_output(
                &mut command,
                &folder.path().join("root"),
                Duration::from_millis(limit),
            )
            .expect_err(script)
            .to_string()
        };
        assert!(sh("echo no such package >&2; exit 2", 20_000).contains("said `no such package`"));
        assert!(sh("sleep 60", 200).contains("timed out"));
        assert!(!sh("cat /dev/urandom", 20_000).is_empty());
    }
}
