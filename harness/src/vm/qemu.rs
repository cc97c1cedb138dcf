//! The machine itself: qemu, which emulates every instruction. /dev/kvm is opened only if the user says so.
//!
//! What the machine can reach of this one is two pipes: its events, and what its program says.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use super::VmError;

/// How many bytes a machine may say beside its events, the kernel's own words included.
const SAID: u64 = 16 << 20;
const QEMU: &str = "qemu-system-x86_64";

/// A machine that is switched on; dropping it switches it off.
#[derive(Debug)]
pub(super) struct Machine {
    child: Child,
}

/// What a machine is made of.
pub(super) struct Parts<'a> {
    pub(super) image: &'a Path,
    pub(super) archive: &'a Path,
    /// In MiB.
    pub(super) memory: u64,
    pub(super) cpus: u16,
    pub(super) kvm: bool,
    /// What its program says.
    pub(super) said: &'a Path,
    /// What its kernel says.
    pub(super) console: &'a Path,
}

impl Machine {
    /// Switches it on; its events come out of the pipe.
    pub(super) fn start(parts: &Parts<'_>) -> Result<(Self, ChildStdout), VmError> {
        let qemu = tool(QEMU, "qemu-system-x86")?;
        // util-linux is on every Debian system; it has the machine end with us, whatever ends us.
        let mut command = Command::new(tool("prlimit", "util-linux")?);
        command
            .arg(format!("--fsize={SAID}"))
            .arg(tool("setpriv", "util-linux")?)
            .args(["--pdeathsig", "KILL", "--no-new-privs"])
            .arg(qemu)
            .args(words(parts))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(parts.console.with_extension("qemu")).map_err(VmError::start)?)
            .process_group(0);
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

    /// Its group, by which another thread can end it.
    pub(super) fn group(&self) -> Group {
        Group(Pid::from_child(&self.child))
    }
}

/// What ends a machine from elsewhere.
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
        "-chardev",
        "stdio,id=events,signal=off",
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
        parts.archive.into(),
    ]);
    for (id, path) in [("said", parts.said), ("console", parts.console)] {
        let mut chardev = OsString::from(format!("file,id={id},path="));
        // A comma ends an option's value; two are one.
        chardev.push(path.to_string_lossy().replace(',', ",,"));
        words.extend(["-chardev".into(), chardev]);
    }
    words.extend(["-serial".into(), "chardev:console".into()]);
    words
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
        let parts = |kvm| Parts {
            image: path,
            archive: path,
            memory: 512,
            cpus: 1,
            kvm,
            said: path,
            console: path,
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
        assert!(line(false).contains("path=/run/a,,b/x"), "{}", line(false));
    }
}
