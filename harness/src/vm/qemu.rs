//! The machine itself: qemu, which emulates every instruction. /dev/kvm is opened only if the user says so.
//!
//! The machine can reach only two pipes of this one: its events, and what its program prints.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, kill_process_group};

use super::VmError;

/// How many bytes a machine may write besides its events, including the kernel's own messages.
const SAID: u64 = 16 << 20;
const QEMU: &str = "qemu-system-x86_64";

/// A machine that is switched on; dropping it switches it off.
#[derive(Debug)]
pub(super) struct Machine {
    child: Child,
}

/// The parts of a machine.
pub(super) struct Parts<'a> {
    pub(super) image: &'a Path,
    pub(super) archive: &'a File,
    /// In MiB.
    pub(super) memory: u64,
    pub(super) cpus: u16,
    pub(super) kvm: bool,
    /// What its program prints.
    pub(super) said: &'a File,
    /// What its kernel prints.
    pub(super) console: &'a File,
}

impl Machine {
    /// Switches it on; its events come out of the pipe.
    pub(super) fn start(parts: &Parts<'_>) -> Result<(Self, ChildStdout), VmError> {
        let qemu = tool(QEMU, "qemu-system-x86")?;
        // util-linux is on every Debian system; it makes the machine end with us, whatever ends us.
        let mut command = Command::new(tool("prlimit", "util-linux")?);
        command
            .arg(format!("--fsize={SAID}"))
            .arg(tool("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL", "--no-new-privs"])
            .arg(qemu)
            .args(words(parts))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(parts.console.try_clone().map_err(VmError::start)?)
            .process_group(0);
        for file in [parts.archive, parts.said, parts.console] {
            // The machine opens them by their numbers.
            rustix::io::fcntl_setfd(file, FdFlags::empty()).map_err(|error| VmError::start(error.into()))?;
        }
        let mut child = command.spawn().map_err(VmError::start)?;
        let events = child.stdout.take();
        let events = events.ok_or_else(|| VmError::start(std::io::ErrorKind::BrokenPipe.into()))?;
        Ok((Self { child }, events))
    }

    /// Waits for the machine to go off.
    pub(super) fn wait(&mut self) {
        let _ = self.child.wait();
    }

    /// Whether it is off.
    pub(super) fn is_off(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process group, through which another thread can end it.
    pub(super) fn group(&self) -> Group {
        Group(Pid::from_child(&self.child))
    }
}

/// Ends the machine from elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group(Pid);

impl Group {
    pub(super) fn kill(self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.is_off() {
            self.group().kill();
            self.wait();
        }
    }
}

fn words(parts: &Parts<'_>) -> Vec<OsString> {
    let accelerator = if parts.kvm { "kvm" } else { "tcg,thread=single" };
    let mut words: Vec<OsString> = [
        "-accel",
        accelerator,
        "-machine",
        "pc",
        "-cpu",
        if parts.kvm { "host" } else { "max" },
        "-smp",
        &parts.cpus.to_string(),
        "-m",
        &format!("{}M", parts.memory),
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-nic",
        "none",
        "-no-reboot",
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-append",
        "console=ttyS0 panic=-1 mitigations=off quiet",
        "-device",
        "virtio-serial-pci",
        // Not `stdio`, which hangs up on the machine when stdin ends: its writes would wait for ever.
        "-chardev",
        "file,id=events,path=/dev/stdout",
        "-device",
        "virtserialport,chardev=events,name=events",
        "-device",
        "virtserialport,chardev=said,name=said",
    ]
    .into_iter()
    .map(OsString::from)
    .collect();
    words.extend([
        "-kernel".into(),
        parts.image.into(),
        "-initrd".into(),
        number(parts.archive).into(),
    ]);
    for (id, file) in [("said", parts.said), ("console", parts.console)] {
        words.extend([
            "-chardev".into(),
            format!("file,id={id},path={}", number(file)).into(),
        ]);
    }
    words.extend(["-serial".into(), "chardev:console".into()]);
    words
}

/// An open file by its number, which is the same in the machine's process.
fn number(file: &File) -> String {
    format!("/dev/fd/{}", file.as_raw_fd())
}

fn tool(name: &'static str, package: &'static str) -> Result<PathBuf, VmError> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or(VmError::NoTool { tool: name, package })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_is_named_only_if_it_is_asked_for() {
        let path = Path::new("/run/a,b/x");
        let file = tempfile::tempfile().expect("a file");
        let parts = |kvm| Parts {
            image: path,
            archive: &file,
            memory: 512,
            cpus: 1,
            kvm,
            said: &file,
            console: &file,
        };
        let line = |kvm| {
            let all: Vec<String> = words(&parts(kvm))
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            all.join(" ")
        };
        assert!(!line(false).contains("kvm") && line(false).contains("-accel tcg"));
        assert!(line(true).contains("-accel kvm"));
    }
}
